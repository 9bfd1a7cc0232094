use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};

use crate::key;

/// Bytes written in one piece.
const BUFFER: usize = 256 << 10;

/// A file that is being received. It has a name of its own until it is complete. Dropping it removes it.
pub(super) struct Part {
    path: PathBuf,
    /// Begins the names of all parts of the same URL.
    prefix: String,
    file: BufWriter<File>,
}

impl Part {
    pub(super) async fn create(folder: &Path, url: &str) -> io::Result<Self> {
        let prefix = format!(".{}-", &key::hash(url)[..32]);
        let path = folder.join(format!("{prefix}{:016x}.part", RandomState::new().build_hasher().finish()));
        let file = File::options().write(true).create_new(true).open(&path).await?;
        Ok(Part { path, prefix, file: BufWriter::with_capacity(BUFFER, file) })
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes).await
    }

    /// Gives the complete file its name. A file of that name is replaced, because it has the same bytes or is damaged.
    pub(super) async fn save_as(mut self, name: &str) -> io::Result<()> {
        self.file.flush().await?;
        // A file that the journal has recorded must survive a power failure.
        self.file.get_ref().sync_all().await?;
        let folder = self.path.parent().unwrap_or(Path::new("")).to_owned();
        let (from, to, prefix) = (self.path.clone(), folder.join(name), self.prefix.clone());
        let saved = tokio::task::spawn_blocking(move || {
            match fs::rename(&from, &to) {
                // Another process has received the same URL, and removed this part.
                Err(error) if error.kind() == io::ErrorKind::NotFound && to.is_file() => Ok(()),
                renamed => renamed,
            }?;
            remove_parts(&folder, &prefix);
            Ok(())
        });
        saved.await.unwrap_or_else(|error| Err(error.into()))
    }
}

/// Removes the parts of processes that have died. A process that still receives the same URL finds the complete file instead.
fn remove_parts(folder: &Path, prefix: &str) {
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
