//! The bodies of uploads: bytes in memory or a piece of a file, which can be read again for every attempt.

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

/// How much is read and sent at once.
const CHUNK: u64 = 256 << 10;

/// What a request carries.
#[derive(Clone, Debug)]
pub(crate) enum Payload {
    Bytes(Bytes),
    File(FileSlice),
}

impl Payload {
    pub(crate) fn nothing() -> Self {
        Payload::Bytes(Bytes::new())
    }

    /// A file on this machine, and its first bytes. What fits into one chunk is read at once.
    pub(crate) async fn open(path: &Path, head: usize) -> Result<(Self, Bytes), Error> {
        let path = path.to_owned();
        blocking(move || {
            let unreadable = |error| unreadable(&path, error);
            let (mut file, metadata) = open_regular(&path)?;
            let length = metadata.len();
            // One byte more than there should be shows that there is more.
            let wanted = if length <= CHUNK { length + 1 } else { head as u64 };
            let first = read(&mut file, wanted).map_err(unreadable)?;
            let local = LocalFile { path: path.clone(), length, modified: metadata.modified().ok() };
            match first.len() as u64 {
                read if length <= CHUNK && read == length => Ok((Payload::Bytes(first.clone()), first)),
                _ if length <= CHUNK => Err(local.changed("it has not as many bytes as it was said to have")),
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

    /// A piece of it.
    pub(crate) fn slice(&self, start: u64, length: u64) -> Payload {
        match self {
            Payload::Bytes(bytes) => Payload::Bytes(bytes.slice(start as usize..(start + length) as usize)),
            Payload::File(whole) => {
                Payload::File(FileSlice { file: Arc::clone(&whole.file), start: whole.start + start, length })
            }
        }
    }

    /// A body that carries it, and counts what is taken.
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
                    // The connection takes no more than the fact.
                    Err(error) => {
                        meter.fail(error);
                        Err(std::io::Error::other("the file cannot be sent"))
                    }
                });
                reqwest::Body::wrap_stream(chunks)
            }
        }
    }
}

/// A file on this machine that is being sent, as it was when that began.
#[derive(Debug)]
struct LocalFile {
    path: PathBuf,
    length: u64,
    modified: Option<SystemTime>,
}

impl LocalFile {
    /// Whether an open file is still what it was.
    fn check(&self, file: &File) -> Result<(), Error> {
        let metadata = file.metadata().map_err(|error| unreadable(&self.path, error))?;
        if metadata.len() == self.length && metadata.modified().ok() == self.modified {
            return Ok(());
        }
        Err(self.changed(&format!("it had {} bytes and has {}", self.length, metadata.len())))
    }

    fn changed(&self, how: &str) -> Error {
        Error::new(ErrorKind::File, format!("{} was changed while it was sent: {how}", self.path.display()))
    }
}

/// A piece of a file.
#[derive(Clone, Debug)]
pub(crate) struct FileSlice {
    file: Arc<LocalFile>,
    start: u64,
    length: u64,
}

/// A chunk, and the open file with what is left to read of the slice, unless that was all.
type Chunk = (Bytes, Option<(File, u64)>);

impl FileSlice {
    /// Its bytes, a chunk at a time; the next one is read while the one before is sent. A file that is no longer what it
    /// was is an error, which comes before the last chunk at the latest: so a body whose file was changed is never whole.
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

    /// Begins to read the next chunk.
    fn read(self, open: Option<(File, u64)>) -> JoinHandle<Result<Chunk, Error>> {
        tokio::task::spawn_blocking(move || {
            let (mut file, left) = match open {
                Some(open) => open,
                None => (self.open()?, self.length),
            };
            let chunk = read(&mut file, left.min(CHUNK)).map_err(|error| unreadable(&self.file.path, error))?;
            if chunk.is_empty() {
                return Err(self.file.changed("it has become shorter"));
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

/// Opens a regular file. Nothing else is even opened: a pipe would wait for somebody to write to it.
fn open_regular(path: &Path) -> Result<(File, Metadata), Error> {
    let unreadable = |error| unreadable(path, error);
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "a folder" } else { "not a regular file; for that use `FileInput::reader`" };
        return Err(Error::new(ErrorKind::File, format!("{} is {what}", path.display())));
    }
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    Ok((file, metadata))
}

/// Up to so many bytes of a file; fewer at its end only.
fn read(file: &mut File, wanted: u64) -> std::io::Result<Bytes> {
    let mut bytes = Vec::with_capacity(wanted as usize);
    file.take(wanted).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::File, format!("{} cannot be read: {error}", path.display())).caused_by(error)
}

/// Does what would keep others waiting on a thread where that does not matter.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    joined(tokio::task::spawn_blocking(work).await)
}

fn joined<T>(done: Result<Result<T, Error>, tokio::task::JoinError>) -> Result<T, Error> {
    done.unwrap_or_else(|error| Err(Error::new(ErrorKind::File, "a file cannot be read").caused_by(error)))
}
