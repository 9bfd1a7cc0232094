use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use tokio::fs::File;
use tokio::io::{AsyncWrite, AsyncWriteExt, BufWriter};

use crate::key;

/// Bytes written in one piece.
const BUFFER: usize = 256 << 10;

/// A file that is being written. It has a name of its own until it is complete. Dropping it removes it.
pub(crate) struct Part {
    path: PathBuf,
    /// Begins the names of all parts of the same source.
    prefix: String,
    file: BufWriter<File>,
}

impl Part {
    /// Creates a file in a folder. The source is the URL that it is received from, for example.
    pub(crate) async fn create(folder: &Path, source: &str) -> io::Result<Self> {
        let prefix = format!(".{}-", &key::hash(source)[..32]);
        let path = folder.join(format!("{prefix}{:016x}.part", RandomState::new().build_hasher().finish()));
        let file = File::options().write(true).create_new(true).open(&path).await?;
        Ok(Part { path, prefix, file: BufWriter::with_capacity(BUFFER, file) })
    }

    pub(crate) fn writer(&mut self) -> &mut (impl AsyncWrite + Unpin + use<>) {
        &mut self.file
    }

    /// Gives the complete file its name. A file of that name is replaced.
    pub(crate) async fn save_as(mut self, name: impl AsRef<Path>) -> io::Result<()> {
        self.file.flush().await?;
        // A file that the journal has recorded must survive a power failure.
        self.file.get_ref().sync_all().await?;
        let folder = self.path.parent().unwrap_or(Path::new("")).to_owned();
        let (from, to, prefix) = (self.path.clone(), folder.join(name), self.prefix.clone());
        let saved = tokio::task::spawn_blocking(move || {
            match fs::rename(&from, &to) {
                // Another process has completed a file of the same source, and removed this part.
                Err(error) if error.kind() == io::ErrorKind::NotFound && to.is_file() => Ok(()),
                renamed => renamed,
            }?;
            remove_parts(&folder, &prefix);
            Ok(())
        });
        saved.await.unwrap_or_else(|error| Err(error.into()))
    }
}

/// Removes the parts of processes that have died. A process that still writes one of the same source finds the complete file instead.
fn remove_parts(folder: &Path, prefix: &str) {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(prefix) && name.ends_with(".part")) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It is already gone after a rename.
        let _ = fs::remove_file(&self.path);
    }
}
