use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use fal_client::MediaFile;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::io::AsyncWrite;
use tokio::sync::Semaphore;

/// Default number of concurrent downloads.
const PARALLEL_FILES: usize = 8;

pub(super) type BoxWriter = Pin<Box<dyn AsyncWrite + Send>>;
type Open = dyn Fn(OutputFile) -> BoxFuture<'static, io::Result<BoxWriter>> + Send + Sync;

/// The place where the files of outputs are saved: a folder, or writers. Clones share the limit of concurrent downloads.
///
/// ```
/// use fal_jobs::Target;
///
/// let folder = Target::folder("foxes").parallel_files(4);
/// let writers = Target::writers(|file| async move { tokio::fs::File::create(file.file_name).await });
/// # let _ = (folder, writers);
/// ```
///
/// A path converts into a folder.
#[derive(Clone)]
pub struct Target {
    pub(super) place: Place,
    pub(super) parallel_files: usize,
    pub(super) permits: Arc<Semaphore>,
}

#[derive(Clone)]
pub(super) enum Place {
    Folder(PathBuf),
    Writers(Arc<Open>),
}

/// A file of an output that a writer is opened for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OutputFile {
    /// The key of the job.
    pub key: String,
    /// The file in the output.
    pub media: MediaFile,
    /// A safe name for the file, with the extension of its type. Files of other outputs can have the same name.
    pub file_name: String,
}

impl Target {
    /// Saves files into a folder, which is created if it is missing.
    ///
    /// A file is named by the SHA-256 of its bytes, such as `9f86d0….png`, so that equal files of all jobs are stored once. It
    /// appears under its name when it is complete. A file that the journal has recorded is kept if it still has its bytes.
    pub fn folder(path: impl AsRef<Path>) -> Self {
        Target::new(Place::Folder(path.as_ref().to_owned()))
    }

    /// Saves each file to a writer that the function opens. The writer is shut down at the end of the file.
    ///
    /// A file that the journal has recorded is not written again. A file whose transfer fails is written again, to a new writer,
    /// when the download is repeated.
    pub fn writers<F, W>(open: impl Fn(OutputFile) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = io::Result<W>> + Send + 'static,
        W: AsyncWrite + Send + 'static,
    {
        Target::new(Place::Writers(Arc::new(move |file| {
            let opened = open(file);
            async move { Ok(Box::pin(opened.await?) as BoxWriter) }.boxed()
        })))
    }

    fn new(place: Place) -> Self {
        Target { place, parallel_files: PARALLEL_FILES, permits: Arc::new(Semaphore::new(PARALLEL_FILES)) }
    }

    /// Sets the number of concurrent downloads. Default: 8. Minimum: 1.
    pub fn parallel_files(mut self, files: usize) -> Self {
        self.parallel_files = files.clamp(1, Semaphore::MAX_PERMITS);
        self.permits = Arc::new(Semaphore::new(self.parallel_files));
        self
    }
}

impl<P: AsRef<Path>> From<P> for Target {
    fn from(folder: P) -> Self {
        Target::folder(folder)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Folder(folder) => f.debug_tuple("Folder").field(folder).finish(),
            Place::Writers(_) => f.write_str("Writers"),
        }
    }
}
