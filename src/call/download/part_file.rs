use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tokio::task::JoinHandle;

use super::incoming::Incoming;
use crate::error::{Error, ErrorKind};
use crate::transport::random;

/// Size of a write, in bytes.
const CHUNK: usize = 512 << 10;

/// A file that was received completely, but is not at its path yet.
pub(super) enum Received {
    /// A small file, in memory.
    Whole(Vec<u8>),
    Part(PartFile),
}

/// A temporary file that is removed on drop. The task that writes it owns it, so it is also removed if the download is
/// dropped during a write.
pub(super) struct PartFile(PathBuf);

impl Received {
    /// Receives a whole file. Unless it is small, it is written to a temporary file next to its path. One chunk is written
    /// while the next one is received.
    pub(super) async fn all_of(incoming: &mut Incoming<'_>, path: &Path) -> Result<Self, Error> {
        let unwritable = |error| unwritable(path, error);
        let first = chunk(incoming, Vec::new()).await?;
        if first.len() < CHUNK {
            return Ok(Received::Whole(first));
        }
        let (mut writing, mut spare) = (write(None, path, first), Vec::new());
        loop {
            let chunk = chunk(incoming, spare).await;
            // Also awaited if the download failed, so that the temporary file is removed before the error is returned.
            let (part, file, written) = joined(writing.await).map_err(unwritable)?;
            let chunk = chunk?;
            if chunk.is_empty() {
                return Ok(Received::Part(part));
            }
            writing = write(Some((part, file)), path, chunk);
            spare = written;
        }
    }

    /// Moves the file to its path. Without `overwrite`, fails with `AlreadyExists` if there is a file, even one that was
    /// created just now, and returns the received file with the error.
    pub(super) async fn save_as(self, path: &Path, overwrite: bool) -> Result<(), (Option<Self>, io::Error)> {
        let path = path.to_owned();
        let moved = tokio::task::spawn_blocking(move || {
            let part = match self {
                Received::Whole(bytes) => PartFile::written(&path, &bytes).map_err(|error| (None, error))?,
                Received::Part(part) => part,
            };
            let moved = if overwrite { fs::rename(&part.0, &path) } else { link(&part.0, &path) };
            moved.map_err(|error| (Some(Received::Part(part)), error))
        });
        moved.await.unwrap_or_else(|error| Err((None, error.into())))
    }
}

impl PartFile {
    /// Creates the file under a random name, which is short because the file's own name may have the maximum length.
    fn create(path: &Path) -> io::Result<(Self, File)> {
        if path.file_name().is_none() {
            return Err(io::Error::other("the path has no file name"));
        }
        let path = path.with_file_name(format!(".{:016x}.part", random()));
        let file = File::create_new(&path)?;
        Ok((PartFile(path), file))
    }

    /// Creates the file with its whole content.
    fn written(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let (part, mut file) = PartFile::create(path)?;
        file.write_all(bytes)?;
        Ok(part)
    }
}

/// Checks that a file can be saved at a path: its folder exists, and it is free or has a regular file that may be overwritten.
pub(super) fn check_destination(path: &Path, overwrite: bool) -> Result<(), Error> {
    let reject = |kind: &str| {
        let message =
            format!("cannot save to {}: it is {kind}; use `download_to` to write to an open writer", path.display());
        Err(Error::new(ErrorKind::File, message))
    };
    match fs::metadata(path) {
        Ok(existing) if existing.is_dir() => reject("a folder"),
        Ok(existing) if !existing.is_file() => reject("not a regular file"),
        Ok(_) if !overwrite => Err(unwritable(path, io::ErrorKind::AlreadyExists.into())),
        Ok(_) => Ok(()),
        Err(_) => match path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
            Some(folder) => {
                let message =
                    format!("cannot save to {}: the folder {} does not exist", path.display(), folder.display());
                Err(Error::new(ErrorKind::File, message))
            }
            None => Ok(()),
        },
    }
}

/// Moves a file to a path that must be free. If it succeeds with a hard link, the old name remains.
fn link(part: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(part, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // The file system does not support hard links.
        Err(_) if path.exists() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(part, path),
        Ok(()) => Ok(()),
    }
}

/// Receives the next chunk, which is empty after the end. The pieces are copied, so that the connection can reuse its buffers.
async fn chunk(incoming: &mut Incoming<'_>, mut chunk: Vec<u8>) -> Result<Vec<u8>, Error> {
    chunk.clear();
    while chunk.len() < CHUNK {
        let Some(piece) = incoming.next().await? else { break };
        chunk.extend_from_slice(&piece);
    }
    Ok(chunk)
}

/// Starts writing a chunk, and returns its memory for reuse.
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

/// Runs work that blocks.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let failed = |error| Error::new(ErrorKind::File, "cannot look for existing files").caused_by(error);
    tokio::task::spawn_blocking(work).await.map_err(failed)
}

fn joined<T>(result: Result<io::Result<T>, tokio::task::JoinError>) -> io::Result<T> {
    result.unwrap_or_else(|error| Err(error.into()))
}

pub(super) fn unwritable(path: &Path, error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::AlreadyExists {
        let message = format!("{} already exists: choose another path or set `overwrite(true)`", path.display());
        return Error::new(ErrorKind::File, message);
    }
    Error::new(ErrorKind::File, format!("cannot write {}: {error}", path.display())).caused_by(error)
}

impl Drop for PartFile {
    fn drop(&mut self) {
        // It is already gone after a rename.
        let _ = fs::remove_file(&self.0);
    }
}
