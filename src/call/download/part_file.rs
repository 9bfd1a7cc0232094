use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tokio::task::JoinHandle;

use super::incoming::Incoming;
use crate::error::{Error, ErrorKind};
use crate::transport::random;

/// How much is written at once.
const CHUNK: usize = 512 << 10;

/// A file that has come in, and is not in its place yet.
pub(super) enum Received {
    /// A small one, in memory.
    Whole(Vec<u8>),
    Part(PartFile),
}

/// The file that a download grows in, which goes away if the download does not end well. It belongs to whoever works on
/// it, so that it goes away too when the download is given up in the middle of that work.
pub(super) struct PartFile(PathBuf);

impl Received {
    /// Takes a file that comes in. If it is not small, it is written beside the place where it is to be: one chunk is
    /// written while the next comes in.
    pub(super) async fn all_of(incoming: &mut Incoming<'_>, path: &Path) -> Result<Self, Error> {
        let unwritable = |error| unwritable(path, error);
        let first = chunk(incoming, Vec::new()).await?;
        if first.len() < CHUNK {
            return Ok(Received::Whole(first));
        }
        let (mut writing, mut spare) = (write(None, path, first), Vec::new());
        loop {
            let chunk = chunk(incoming, spare).await;
            // Even where nothing more comes: the file is not gone before it has been written.
            let (part, file, written) = joined(writing.await).map_err(unwritable)?;
            let chunk = chunk?;
            if chunk.is_empty() {
                return Ok(Received::Part(part));
            }
            writing = write(Some((part, file)), path, chunk);
            spare = written;
        }
    }

    /// Puts the file in its place. Unless it is to be overwritten, a file that is there stays, even if it came there just
    /// now: that is the error `AlreadyExists`, and what was received is given back with it.
    pub(super) async fn save_as(self, path: &Path, overwrite: bool) -> Result<(), (Option<Self>, io::Error)> {
        let path = path.to_owned();
        let placed = tokio::task::spawn_blocking(move || {
            let part = match self {
                Received::Whole(bytes) => PartFile::written(&path, &bytes).map_err(|error| (None, error))?,
                Received::Part(part) => part,
            };
            let placed = if overwrite { fs::rename(&part.0, &path) } else { link(&part.0, &path) };
            placed.map_err(|error| (Some(Received::Part(part)), error))
        });
        placed.await.unwrap_or_else(|error| Err((None, error.into())))
    }
}

impl PartFile {
    /// Makes the file, under a name that nobody guesses, and that is short: the file's own may be as long as names can be.
    fn create(path: &Path) -> io::Result<(Self, File)> {
        if path.file_name().is_none() {
            return Err(io::Error::other("it is not the name of a file"));
        }
        let path = path.with_file_name(format!(".{:016x}.part", random()));
        let file = File::create_new(&path)?;
        Ok((PartFile(path), file))
    }

    /// Makes the file with all that is to be in it.
    fn written(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let (part, mut file) = PartFile::create(path)?;
        file.write_all(bytes)?;
        Ok(part)
    }
}

/// Whether a file can be put in a place: where there is none, and where there is one that is to be overwritten. Nothing but
/// a regular file is ever replaced; whoever wants to write to a device or a pipe opens it.
pub(super) fn check_destination(path: &Path, overwrite: bool) -> Result<(), Error> {
    let refuse = |what: &str| {
        let message =
            format!("{} is {what} and is kept; `download_to` writes to anything that is open", path.display());
        Err(Error::new(ErrorKind::File, message))
    };
    match fs::metadata(path) {
        Ok(there) if there.is_dir() => refuse("a folder"),
        Ok(there) if !there.is_file() => refuse("not a regular file"),
        Ok(_) if !overwrite => Err(unwritable(path, io::ErrorKind::AlreadyExists.into())),
        _ => Ok(()),
    }
}

/// Gives a file the name of a path where there is none of that name yet.
fn link(part: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(part, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // A file system without links.
        Err(_) if path.exists() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(part, path),
        Ok(()) => Ok(()),
    }
}

/// What comes in until it is worth to be written; nothing after the end. Copied together, so that the connection can use
/// its own memory again.
async fn chunk(incoming: &mut Incoming<'_>, mut chunk: Vec<u8>) -> Result<Vec<u8>, Error> {
    chunk.clear();
    while chunk.len() < CHUNK {
        let Some(piece) = incoming.next().await? else { break };
        chunk.extend_from_slice(&piece);
    }
    Ok(chunk)
}

/// Begins to write a chunk, and gives its memory back.
fn write(
    part: Option<(PartFile, File)>,
    path: &Path,
    chunk: Vec<u8>,
) -> JoinHandle<io::Result<(PartFile, File, Vec<u8>)>> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || {
        let (part, mut file) = part.map_or_else(|| PartFile::create(&path), Ok)?;
        file.write_all(&chunk)?;
        Ok((part, file, chunk))
    })
}

fn joined<T>(done: Result<io::Result<T>, tokio::task::JoinError>) -> io::Result<T> {
    done.unwrap_or_else(|error| Err(error.into()))
}

pub(super) fn unwritable(path: &Path, error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::AlreadyExists {
        return Error::new(ErrorKind::File, format!("{} exists already and is kept", path.display()));
    }
    Error::new(ErrorKind::File, format!("{} cannot be written: {error}", path.display())).caused_by(error)
}

impl Drop for PartFile {
    fn drop(&mut self) {
        // After a renaming there is none.
        let _ = fs::remove_file(&self.0);
    }
}
