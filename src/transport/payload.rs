//! The bodies of uploads: bytes in memory or a slice of a file. Every attempt can read them again.

use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use tokio::task::JoinHandle;

use super::meter::AttemptMeter;
use crate::error::{Error, ErrorKind};

/// Bytes read and sent in one piece.
const CHUNK: u64 = 256 << 10;

/// The body of an upload.
#[derive(Clone, Debug)]
pub(crate) enum Payload {
    Bytes(Bytes),
    File(FileSlice),
}

impl Payload {
    pub(crate) fn empty() -> Self {
        Payload::Bytes(Bytes::new())
    }

    /// Opens a local file. Returns it with its first bytes. A file that fits into one chunk is read entirely.
    pub(crate) async fn open(path: &Path, head: usize) -> Result<(Self, Bytes), Error> {
        let path = path.to_owned();
        blocking(move || {
            let (file, version) = open_regular(&path)?;
            let length = version.length;
            let local = LocalFile { path, file, version };
            // One byte more than the length shows that the file has grown.
            let limit = if length <= CHUNK { length + 1 } else { head as u64 };
            let first = local.read(0, limit)?;
            if length > CHUNK {
                return Ok((Payload::File(FileSlice { file: Arc::new(local), start: 0, length }), first));
            }
            local.check()?;
            match first.len() as u64 == length {
                true => Ok((Payload::Bytes(first.clone()), first)),
                false => Err(local.changed("its size changed while it was read")),
            }
        })
        .await
    }

    pub(crate) fn len(&self) -> u64 {
        match self {
            Payload::Bytes(bytes) => bytes.len() as u64,
            Payload::File(slice) => slice.length,
        }
    }

    pub(crate) fn slice(&self, start: u64, length: u64) -> Payload {
        match self {
            Payload::Bytes(bytes) => Payload::Bytes(bytes.slice(start as usize..(start + length) as usize)),
            Payload::File(whole) => {
                Payload::File(FileSlice { file: Arc::clone(&whole.file), start: whole.start + start, length })
            }
        }
    }

    /// Creates a request body that reports the bytes taken to `meter`.
    pub(super) fn body(&self, meter: Arc<AttemptMeter>) -> reqwest::Body {
        match self {
            Payload::Bytes(bytes) => {
                let mut left = bytes.clone();
                reqwest::Body::wrap_stream(stream::iter(std::iter::from_fn(move || {
                    let chunk = left.split_to(left.len().min(CHUNK as usize));
                    meter.take(chunk.len());
                    (!chunk.is_empty()).then_some(Ok::<_, std::convert::Infallible>(chunk))
                })))
            }
            Payload::File(slice) => {
                let chunks = slice.clone().chunks().map(move |chunk| match chunk {
                    Ok(chunk) => {
                        meter.take(chunk.len());
                        Ok(chunk)
                    }
                    // reqwest keeps only the fact that the body failed. The meter keeps the error.
                    Err(error) => {
                        meter.fail(error);
                        Err(std::io::Error::other("cannot read the file"))
                    }
                });
                reqwest::Body::wrap_stream(chunks)
            }
        }
    }
}

/// A local file that is being sent, with its version at the start. It stays open, so that every part and every attempt
/// reads the same file, even if another one takes its name.
#[derive(Debug)]
struct LocalFile {
    path: PathBuf,
    file: File,
    version: Version,
}

/// A version of a local file: its path, and the metadata that change whenever its bytes change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FileVersion {
    path: PathBuf,
    version: Version,
}

impl FileVersion {
    /// Returns true if the file did not change recently, so that a further change would show in its times.
    pub(crate) fn is_settled(&self) -> bool {
        const RESOLUTION: Duration = Duration::from_secs(3);
        let modified = self.version.modified.and_then(|modified| modified.elapsed().ok());
        #[cfg(unix)]
        let changed = u64::try_from(self.version.changed.0)
            .ok()
            .and_then(|seconds| (SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).elapsed().ok());
        #[cfg(not(unix))]
        let changed = modified;
        [modified, changed].iter().all(|age| age.is_some_and(|age| age > RESOLUTION))
    }
}

/// The metadata that change whenever a file's bytes change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Version {
    length: u64,
    modified: Option<SystemTime>,
    /// The time of the last change of bytes or metadata, which programs cannot set, unlike the modification time.
    #[cfg(unix)]
    changed: (i64, i64),
    #[cfg(unix)]
    inode: (u64, u64),
}

impl Version {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;

        Version {
            length: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            #[cfg(unix)]
            inode: (metadata.dev(), metadata.ino()),
        }
    }
}

impl LocalFile {
    /// Fails if the file changed since the start.
    fn check(&self) -> Result<(), Error> {
        let now = Version::of(&self.file.metadata().map_err(|error| unreadable(&self.path, error))?);
        if now == self.version {
            return Ok(());
        }
        Err(match now.length == self.version.length {
            true => self.changed("it was modified, replaced or linked"),
            false => self.changed(&format!("it had {} bytes and now has {}", self.version.length, now.length)),
        })
    }

    fn changed(&self, change: &str) -> Error {
        Error::new(ErrorKind::File, format!("{} changed while it was being sent: {change}", self.path.display()))
    }

    /// Reads up to `limit` bytes, which is at most one byte more than a chunk. Returns fewer only at the end of the file.
    fn read(&self, start: u64, limit: u64) -> Result<Bytes, Error> {
        let mut bytes = vec![0; limit as usize];
        let mut filled = 0;
        while filled < bytes.len() {
            match read_at(&self.file, &mut bytes[filled..], start + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(&self.path, error)),
            }
        }
        bytes.truncate(filled);
        Ok(bytes.into())
    }
}

/// Reads from a position. Concurrent reads of the same open file do not disturb each other.
fn read_at(file: &File, bytes: &mut [u8], position: u64) -> std::io::Result<usize> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_at(file, bytes, position);
    #[cfg(windows)]
    return std::os::windows::fs::FileExt::seek_read(file, bytes, position);
}

/// A slice of a file.
#[derive(Clone, Debug)]
pub(crate) struct FileSlice {
    file: Arc<LocalFile>,
    start: u64,
    length: u64,
}

impl FileSlice {
    /// Returns the version of the whole file.
    pub(crate) fn version(&self) -> FileVersion {
        FileVersion { path: self.file.path.clone(), version: self.file.version.clone() }
    }

    /// Returns the slice's bytes in chunks. The next chunk is read while the previous one is sent.
    ///
    /// If the file changed, the stream yields an error before the last chunk at the latest. The body of a changed file
    /// is therefore never complete.
    pub(crate) fn chunks(self) -> impl futures_core::Stream<Item = Result<Bytes, Error>> + Send + 'static {
        let ahead: Option<JoinHandle<Result<Bytes, Error>>> = None;
        stream::try_unfold((0, ahead), move |(read, ahead)| {
            let slice = self.clone();
            async move {
                if read == slice.length {
                    return Ok(None);
                }
                let chunk = joined(ahead.unwrap_or_else(|| slice.clone().read(read)).await)?;
                let read = read + chunk.len() as u64;
                let ahead = (read < slice.length).then(|| slice.read(read));
                Ok(Some((chunk, (read, ahead))))
            }
        })
    }

    /// Starts reading the chunk after `read` bytes.
    fn read(self, read: u64) -> JoinHandle<Result<Bytes, Error>> {
        tokio::task::spawn_blocking(move || {
            let left = self.length - read;
            let chunk = self.file.read(self.start + read, left.min(CHUNK))?;
            if chunk.is_empty() {
                return Err(self.file.changed("it became shorter"));
            }
            if chunk.len() as u64 == left {
                self.file.check()?;
            }
            Ok(chunk)
        })
    }
}

/// Opens a regular file. Anything else is rejected unopened because opening a pipe blocks until something writes to it.
fn open_regular(path: &Path) -> Result<(File, Version), Error> {
    let unreadable = |error| unreadable(path, error);
    require_regular(path, &std::fs::metadata(path).map_err(unreadable)?)?;
    let file = File::open(path).map_err(unreadable)?;
    // Something else may have taken the path in the meantime.
    let metadata = file.metadata().map_err(unreadable)?;
    require_regular(path, &metadata)?;
    Ok((file, Version::of(&metadata)))
}

fn require_regular(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    if metadata.is_file() {
        return Ok(());
    }
    let reason = if metadata.is_dir() { "it is a folder" } else { "not a regular file; use `FileInput::reader`" };
    Err(Error::new(ErrorKind::File, format!("cannot read {}: {reason}", path.display())))
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::File, format!("cannot read {}: {error}", path.display())).caused_by(error)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    joined(tokio::task::spawn_blocking(work).await)
}

fn joined<T>(done: Result<Result<T, Error>, tokio::task::JoinError>) -> Result<T, Error> {
    done.unwrap_or_else(|error| Err(Error::new(ErrorKind::File, "cannot read a file").caused_by(error)))
}
