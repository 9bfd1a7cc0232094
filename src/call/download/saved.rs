use std::ops::Deref;
use std::path::{Path, PathBuf};

/// A downloaded file. It is used like its path.
///
/// ```no_run
/// # async fn example(client: fal_client::Client, image: fal_client::Image) -> Result<(), fal_client::Error> {
/// let saved = client.download(&image, "fox.png").keep_existing(true).await?;
/// println!("{}{}", saved.display(), if saved.kept { " (kept)" } else { "" });
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Saved {
    /// The path of the file.
    pub path: PathBuf,
    /// True if the file was there already, and was not downloaded because of `keep_existing`.
    pub kept: bool,
}

impl Deref for Saved {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

impl AsRef<Path> for Saved {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

impl From<Saved> for PathBuf {
    fn from(saved: Saved) -> Self {
        saved.path
    }
}

impl PartialEq<PathBuf> for Saved {
    fn eq(&self, path: &PathBuf) -> bool {
        self.path == *path
    }
}
