//! The bodies of uploads: bytes in memory or a slice of a file. Every attempt can read them again.

use std::fs::{File, Metadata};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

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
            let unreadable = |error| unreadable(&path, error);
            let (mut file, metadata) = open_regular(&path)?;
            let length = metadata.len();
            // One byte more than the length shows that the file has grown.
            let limit = if length <= CHUNK { length + 1 } else { head as u64 };
            let first = read(&mut file, limit).map_err(unreadable)?;
            let local = LocalFile { path: path.clone(), length, modified: metadata.modified().ok() };
            match first.len() as u64 {
                bytes if length <= CHUNK && bytes == length => Ok((Payload::Bytes(first.clone()), first)),
                _ if length <= CHUNK => Err(local.changed("its size changed while it was read")),
                _ => Ok((Payload::File(FileSlice { file: Arc::new(local), start: 0, length }), first)),
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

/// A local file that is being sent, with its state at the start.
#[derive(Debug)]
struct LocalFile {
    path: PathBuf,
    length: u64,
    modified: Option<SystemTime>,
}

impl LocalFile {
    /// Fails if an open file changed since the start.
    fn check(&self, file: &File) -> Result<(), Error> {
        let metadata = file.metadata().map_err(|error| unreadable(&self.path, error))?;
        if metadata.len() == self.length && metadata.modified().ok() == self.modified {
            return Ok(());
        }
        Err(self.changed(&format!("it had {} bytes and now has {}", self.length, metadata.len())))
    }

    fn changed(&self, change: &str) -> Error {
        Error::new(ErrorKind::File, format!("{} changed while it was being sent: {change}", self.path.display()))
    }
}

/// A slice of a file.
#[derive(Clone, Debug)]
pub(crate) struct FileSlice {
    file: Arc<LocalFile>,
    start: u64,
    length: u64,
}

/// A chunk, and the open file with the bytes left to read of the slice. `None` after the last chunk.
type Chunk = (Bytes, Option<(File, u64)>);

impl FileSlice {
    /// Returns the slice's bytes in chunks. The next chunk is read while the previous one is sent.
    ///
    /// If the file changed, the stream yields an error before the last chunk at the latest. The body of a changed file
    /// is therefore never complete.
    pub(crate) fn chunks(self) -> impl futures_core::Stream<Item = Result<Bytes, Error>> + Send + 'static {
        let ahead: Option<JoinHandle<Result<Chunk, Error>>> = None;
        stream::try_unfold((self.length > 0, ahead), move |(more, ahead)| {
            let slice = self.clone();
            async move {
                if !more {
                    return Ok(None);
                }
                let (chunk, rest) = joined(ahead.unwrap_or_else(|| slice.clone().read(None)).await)?;
                let ahead = rest.map(|rest| slice.read(Some(rest)));
                Ok(Some((chunk, (ahead.is_some(), ahead))))
            }
        })
    }

    /// Starts reading the next chunk.
    fn read(self, open: Option<(File, u64)>) -> JoinHandle<Result<Chunk, Error>> {
        tokio::task::spawn_blocking(move || {
            let (mut file, left) = match open {
                Some(open) => open,
                None => (self.open()?, self.length),
            };
            let chunk = read(&mut file, left.min(CHUNK)).map_err(|error| unreadable(&self.file.path, error))?;
            if chunk.is_empty() {
                return Err(self.file.changed("it became shorter"));
            }
            let left = left - chunk.len() as u64;
            if left > 0 {
                return Ok((chunk, Some((file, left))));
            }
            self.file.check(&file)?;
            Ok((chunk, None))
        })
    }

    fn open(&self) -> Result<File, Error> {
        let (mut file, _) = open_regular(&self.file.path)?;
        self.file.check(&file)?;
        file.seek(SeekFrom::Start(self.start)).map_err(|error| unreadable(&self.file.path, error))?;
        Ok(file)
    }
}

/// Opens a regular file. Anything else is rejected unopened because opening a pipe blocks until something writes to it.
fn open_regular(path: &Path) -> Result<(File, Metadata), Error> {
    let unreadable = |error| unreadable(path, error);
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        let reason = if metadata.is_dir() { "it is a folder" } else { "not a regular file; use `FileInput::reader`" };
        return Err(Error::new(ErrorKind::File, format!("cannot read {}: {reason}", path.display())));
    }
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    Ok((file, metadata))
}

/// Reads up to `limit` bytes. Returns fewer only at the end of the file.
fn read(file: &mut File, limit: u64) -> std::io::Result<Bytes> {
    let mut bytes = Vec::with_capacity(limit as usize);
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes.into())
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
