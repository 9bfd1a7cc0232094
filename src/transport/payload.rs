//! The bodies of uploads: bytes in memory or a piece of a file, which can be read again for every try.

use std::io::SeekFrom;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, StreamExt};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::meter::TryMeter;
use crate::{Error, ErrorKind};

/// How much is read and sent at once.
const CHUNK: usize = 256 << 10;

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
    pub(super) fn body(&self, meter: Arc<TryMeter>) -> reqwest::Body {
        match self {
            Payload::Bytes(bytes) => {
                let mut left = bytes.clone();
                reqwest::Body::wrap_stream(stream::iter(std::iter::from_fn(move || {
                    let chunk = left.split_to(left.len().min(CHUNK));
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
pub(crate) struct LocalFile {
    path: PathBuf,
    length: u64,
    modified: Option<SystemTime>,
}

impl LocalFile {
    /// Looks at a file, and at its first bytes.
    pub(crate) async fn look(path: &Path, head: usize) -> Result<(Arc<Self>, Bytes), Error> {
        let unreadable = |error: std::io::Error| unreadable(path, error);
        let file = File::open(path).await.map_err(unreadable)?;
        let metadata = file.metadata().await.map_err(unreadable)?;
        if !metadata.is_file() {
            let what = if metadata.is_dir() { "a folder" } else { "not a regular file" };
            return Err(Error::new(ErrorKind::File, format!("{} is {what}", path.display())));
        }
        let mut first = Vec::with_capacity(head);
        file.take(head as u64).read_to_end(&mut first).await.map_err(unreadable)?;
        let looked = LocalFile { path: path.to_owned(), length: metadata.len(), modified: metadata.modified().ok() };
        Ok((Arc::new(looked), first.into()))
    }

    /// All of it.
    pub(crate) fn whole(self: Arc<Self>) -> FileSlice {
        let length = self.length;
        FileSlice { file: self, start: 0, length }
    }

    /// Whether an open file is still what it was.
    async fn check(&self, file: &File) -> Result<(), Error> {
        let metadata = file.metadata().await.map_err(|error| unreadable(&self.path, error))?;
        if metadata.len() == self.length && metadata.modified().ok() == self.modified {
            return Ok(());
        }
        Err(self.changed(&format!("it had {} bytes and has {}", self.length, metadata.len())))
    }

    fn changed(&self, how: &str) -> Error {
        Error::new(ErrorKind::File, format!("{} was changed while it was sent: {how}", self.path.display()))
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::File, format!("{} cannot be read: {error}", path.display())).caused_by(error)
}

/// A piece of a file.
#[derive(Clone, Debug)]
pub(crate) struct FileSlice {
    file: Arc<LocalFile>,
    start: u64,
    length: u64,
}

impl FileSlice {
    /// Its bytes, a chunk at a time. A file that is no longer what it was is an error, which comes before the last chunk
    /// at the latest: so a body whose file was changed is never whole.
    pub(crate) fn chunks(self) -> impl futures_core::Stream<Item = Result<Bytes, Error>> + Send + 'static {
        stream::try_unfold((None, self.length), move |(open, left)| {
            let slice = self.clone();
            async move {
                if left == 0 {
                    return Ok(None);
                }
                let mut open = match open {
                    Some(open) => open,
                    None => slice.open().await?,
                };
                let chunk = slice.read(&mut open, left).await?;
                let left = left - chunk.len() as u64;
                if left == 0 {
                    slice.file.check(&open).await?;
                }
                Ok(Some((chunk, (Some(open), left))))
            }
        })
    }

    async fn open(&self) -> Result<File, Error> {
        let unreadable = |error: std::io::Error| unreadable(&self.file.path, error);
        let mut file = File::open(&self.file.path).await.map_err(unreadable)?;
        self.file.check(&file).await?;
        if self.start > 0 {
            file.seek(SeekFrom::Start(self.start)).await.map_err(unreadable)?;
        }
        Ok(file)
    }

    async fn read(&self, file: &mut File, left: u64) -> Result<Bytes, Error> {
        let wanted = left.min(CHUNK as u64) as usize;
        let mut chunk = BytesMut::with_capacity(wanted);
        let read = file.take(wanted as u64).read_buf(&mut chunk).await;
        match read.map_err(|error| unreadable(&self.file.path, error))? {
            0 => Err(self.file.changed("it has become shorter")),
            _ => Ok(chunk.freeze()),
        }
    }
}
