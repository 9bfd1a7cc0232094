use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use futures_util::stream::{self, StreamExt};
use tracing::Instrument;

use super::incoming::{Incoming, Limits, Options};
use super::part_file::{Received, check_destination, unwritable};
use super::{download_limits, file_name};
use crate::call::future::call_future;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::media::MediaUrl;
use crate::text::shown;

/// Default number of concurrent downloads.
const DEFAULT_PARALLEL_FILES: usize = 8;

/// Downloads several files into a folder and returns their paths in the same order. Starts when awaited.
///
/// If a download fails, the others continue and their files are kept. The error is that of the first failed file, with the
/// number of failures.
#[derive(Debug)]
#[must_use = "a download does nothing until it is awaited"]
pub struct DownloadAll {
    client: Client,
    media: Vec<MediaUrl>,
    folder: PathBuf,
    parallel_files: usize,
    overwrite: bool,
    limits: Limits,
}

impl DownloadAll {
    pub(super) fn new(client: Client, media: Vec<MediaUrl>, folder: &Path) -> Self {
        let folder = folder.to_owned();
        let (parallel_files, limits) = (DEFAULT_PARALLEL_FILES, Limits::default());
        DownloadAll { client, media, folder, parallel_files, overwrite: false, limits }
    }

    /// Number of concurrent downloads. Default: 8. 0 counts as 1.
    pub fn parallel_files(mut self, files: usize) -> Self {
        self.parallel_files = files.max(1);
        self
    }

    /// Replaces existing files of the same names. Default: `false`, which chooses other names.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    download_limits!(limits);

    async fn save(mut self) -> Result<Vec<PathBuf>, Error> {
        tokio::fs::create_dir_all(&self.folder).await.map_err(|error| {
            let message = format!("cannot create the folder {}: {error}", self.folder.display());
            Error::new(ErrorKind::File, message).caused_by(error)
        })?;
        let media = std::mem::take(&mut self.media);
        let (names, this) = (&Names::default(), &self);
        let saved =
            media.into_iter().enumerate().map(async |(index, media)| (index, this.save_one(media, names).await));
        let saved: BTreeMap<usize, _> = stream::iter(saved).buffer_unordered(this.parallel_files).collect().await;
        let (total, failed) = (saved.len(), saved.values().filter(|saved| saved.is_err()).count());
        let first = saved.values().position(Result::is_err).unwrap_or_default();
        let saved: Result<Vec<PathBuf>, Error> = saved.into_values().collect();
        saved.map_err(|error| match failed {
            1 if total == 1 => error,
            _ => error.context(format_args!(
                "{failed} of {total} downloads failed, and the others are saved; first error, of the file at index {first}"
            )),
        })
    }

    async fn save_one(&self, media: MediaUrl, names: &Names) -> Result<PathBuf, Error> {
        let options = Options { limits: self.limits, on_progress: None };
        let mut incoming = Incoming::open(&self.client, &media, options).await?;
        let preferred = file_name::choose(media.name.as_deref(), media.as_str(), incoming.file_type());
        let mut path = names.take(&self.folder, &preferred, self.overwrite);
        let mut received = Received::all_of(&mut incoming, &path).await?;
        loop {
            received = match received.save_as(&path, self.overwrite).await {
                Ok(()) => return Ok(path),
                // Another process has created a file of that name in the meantime.
                Err((Some(received), error)) if error.kind() == io::ErrorKind::AlreadyExists => received,
                Err((_, error)) => return Err(unwritable(&path, error)),
            };
            path = names.take(&self.folder, &preferred, self.overwrite);
        }
    }
}

/// The names that are taken.
#[derive(Debug, Default)]
struct Names(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    /// Folded, because many file systems treat `A.png` and `a.png` as one file.
    names: HashSet<String>,
    /// The number to try next, for each preferred name, folded.
    next: HashMap<String, u64>,
}

impl Names {
    /// Takes the first numbered variant of the preferred name that is not taken. It must also be free in the folder, unless
    /// existing files are overwritten.
    fn take(&self, folder: &Path, preferred: &str, overwrite: bool) -> PathBuf {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Taken { names, next } = &mut *taken;
        let number = next.entry(file_name::folded(preferred)).or_insert(1);
        loop {
            let name = file_name::numbered(preferred, *number);
            *number += 1;
            let path = folder.join(&name);
            if names.insert(file_name::folded(&name)) && check_destination(&path, overwrite).is_ok() {
                return path;
            }
        }
    }
}

impl DownloadAll {
    fn start(self) -> impl Future<Output = Result<Vec<PathBuf>, Error>> + Send {
        let span = tracing::info_span!("fal.download", path = shown(&self.folder.display().to_string()));
        self.save().instrument(span)
    }
}

call_future!([] DownloadAll => 'static, Vec<PathBuf>);
