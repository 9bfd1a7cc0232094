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
type Name = dyn Fn(&OutputFile, &str) -> String + Send + Sync;
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
    Folder { path: PathBuf, name: Option<Arc<Name>> },
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
        Target::new(Place::Folder { path: path.as_ref().to_owned(), name: None })
    }

    /// Names the files of a folder by the job's key and the file, and by the SHA-256 of the bytes in hexadecimal. Default: the
    /// SHA-256 and the extension. Has no effect on writers.
    ///
    /// ```
    /// use fal_jobs::Target;
    ///
    /// let target = Target::folder("foxes").names(|file, sha256| format!("{}-{}-{}", file.key, &sha256[..12], file.file_name));
    /// # let _ = target;
    /// ```
    ///
    /// A file of the same name is replaced, so a name should contain a part of the SHA-256. A name that is not a plain file name,
    /// such as one with a slash, is an error ([`ErrorKind::File`](crate::ErrorKind::File)).
    pub fn names(mut self, name: impl Fn(&OutputFile, &str) -> String + Send + Sync + 'static) -> Self {
        if let Place::Folder { name: by, .. } = &mut self.place {
            *by = Some(Arc::new(name));
        }
        self
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
            Place::Folder { path, .. } => f.debug_tuple("Folder").field(path).finish(),
            Place::Writers(_) => f.write_str("Writers"),
        }
    }
}
