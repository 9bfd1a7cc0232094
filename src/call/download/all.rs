use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::{fs, io};

use futures_util::stream::{self, StreamExt};
use tracing::Instrument;

use super::existing::{Existing, Found, Known};
use super::file_type::FileType;
use super::incoming::{Incoming, Limits, Options};
use super::part_file::{Received, blocking, unwritable};
use super::saved::Saved;
use super::{download_limits, file_name};
use crate::call::future::call_future;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::media::MediaUrl;
use crate::text::shown;

/// Default number of concurrent downloads.
const DEFAULT_PARALLEL_FILES: usize = 8;

/// Downloads several files into a folder and returns them, with their paths, in the same order. Starts when awaited.
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
    existing: Existing,
    limits: Limits,
}

impl DownloadAll {
    pub(super) fn new(client: Client, media: Vec<MediaUrl>, folder: &Path) -> Self {
        let folder = folder.to_owned();
        let (parallel_files, limits) = (DEFAULT_PARALLEL_FILES, Limits::default());
        DownloadAll { client, media, folder, parallel_files, existing: Existing::default(), limits }
    }

    /// Number of concurrent downloads. Default: 8. 0 counts as 1.
    pub fn parallel_files(mut self, files: usize) -> Self {
        self.parallel_files = files.max(1);
        self
    }

    /// Replaces existing files of the same names. Default: `false`, which chooses other names.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.existing.overwrite = overwrite;
        self
    }

    /// Keeps files that are there already, and does not download them. Default: `false`.
    ///
    /// The second run of a call then makes no new file, and transfers nothing or next to nothing. A file is there if the folder
    /// has its name, with the size that the output declares, if it declares one. An empty file does not count. A data URI
    /// must also have the same bytes. [`Saved::kept`] says which files were kept.
    ///
    /// Names follow from the output, in the order of the files. If that file is missing, or has another size, the client
    /// requests the file, and then knows the host's size and the type, and with it the extension. A file that fits these is kept,
    /// too, after its first bytes were received. A file of another size stays, and the download gets the next name, unless
    /// [`overwrite`](Self::overwrite) is set.
    ///
    /// Many outputs have files of the same name, such as `output.mp4`. Use a folder for each response.
    pub fn keep_existing(mut self, keep: bool) -> Self {
        self.existing.keep = keep;
        self
    }

    download_limits!(limits);

    async fn save(mut self) -> Result<Vec<Saved>, Error> {
        let (media, folder, existing) = (std::mem::take(&mut self.media), self.folder.clone(), self.existing);
        let planned = blocking(move || {
            fs::create_dir_all(&folder).map_err(|error| {
                let message = format!("cannot create the folder {}: {error}", folder.display());
                Error::new(ErrorKind::File, message).caused_by(error)
            })?;
            Ok::<_, Error>(plan(media, &folder, existing))
        });
        let (plans, names) = planned.await??;
        let (names, this) = (&names, &self);
        let saved = plans.into_iter().enumerate().map(async |(index, plan)| (index, this.save_one(plan, names).await));
        let saved: BTreeMap<usize, _> = stream::iter(saved).buffer_unordered(this.parallel_files).collect().await;
        let (total, failed) = (saved.len(), saved.values().filter(|saved| saved.is_err()).count());
        let first = saved.values().position(Result::is_err).unwrap_or_default();
        let saved: Result<Vec<Saved>, Error> = saved.into_values().collect();
        saved.map_err(|error| match failed {
            1 if total == 1 => error,
            _ => error.context(format_args!(
                "{failed} of {total} downloads failed, and the others are saved; first error, of the file at index {first}"
            )),
        })
    }

    async fn save_one(&self, plan: Plan, names: &Names) -> Result<Saved, Error> {
        let Plan { media, preferred: planned, number, mut slot } = plan;
        if slot.kept {
            return Ok(slot);
        }
        let options = Options { limits: self.limits, on_progress: None };
        let mut incoming = Incoming::open(&self.client, &media, options).await?;
        let preferred = file_name::choose(media.name.as_deref(), media.as_str(), incoming.file_type());
        // The type, and with it the name, or the size may differ from what the output says.
        if preferred != planned || self.existing.keep {
            let known = Known::of(&media, incoming.length());
            slot = names.take(&self.folder, &preferred, number, Some(&slot.path), self.existing, &known);
            if slot.kept {
                return Ok(slot);
            }
        }
        let mut received = Received::all_of(&mut incoming, &slot.path).await?;
        loop {
            received = match received.save_as(&slot.path, self.existing.overwrite).await {
                Ok(()) => return Ok(slot),
                // Another process has created a file of that name in the meantime.
                Err((Some(received), error)) if error.kind() == io::ErrorKind::AlreadyExists => received,
                Err((_, error)) => return Err(unwritable(&slot.path, error)),
            };
            let known = Known::of(&media, Some(incoming.received()));
            slot = names.take(&self.folder, &preferred, number, Some(&slot.path), self.existing, &known);
            if slot.kept {
                return Ok(slot);
            }
        }
    }
}

/// A download with the path that follows from the output.
struct Plan {
    media: MediaUrl,
    /// The name without a number.
    preferred: String,
    /// The position among the files that prefer the name, from 1.
    number: u64,
    slot: Saved,
}

/// Plans downloads in their order, so that the names do not depend on which file arrives first.
fn plan(media: Vec<MediaUrl>, folder: &Path, existing: Existing) -> (Vec<Plan>, Names) {
    let (names, mut numbers) = (Names::default(), HashMap::new());
    let plan = |media: MediaUrl| {
        let preferred = file_name::choose(media.name.as_deref(), media.as_str(), &FileType::declared(&media));
        let number = *numbers.entry(file_name::folded(&preferred)).and_modify(|number| *number += 1).or_insert(1);
        let slot = names.take(folder, &preferred, number, None, existing, &Known::of(&media, None));
        Plan { media, preferred, number, slot }
    };
    let plans = media.into_iter().map(plan).collect();
    (plans, names)
}

/// The names that are taken. They are folded, because many file systems treat `A.png` and `a.png` as one file.
#[derive(Debug, Default)]
struct Names(Mutex<HashSet<String>>);

impl Names {
    /// Takes the first variant of the preferred name, from a number on, that no other file of the call has. In the folder, it
    /// must be free or have the file already. `own` is the path that the file had before.
    fn take(
        &self,
        folder: &Path,
        preferred: &str,
        number: u64,
        own: Option<&Path>,
        existing: Existing,
        known: &Known,
    ) -> Saved {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut number = number;
        loop {
            let name = file_name::numbered(preferred, number);
            number += 1;
            let path = folder.join(&name);
            let name = file_name::folded(&name);
            if taken.contains(&name) && own != Some(&*path) {
                continue;
            }
            match existing.at(&path, known) {
                Found::Taken => {}
                found => {
                    taken.insert(name);
                    return Saved { path, kept: found == Found::Kept };
                }
            }
        }
    }
}

impl DownloadAll {
    fn start(self) -> impl Future<Output = Result<Vec<Saved>, Error>> + Send {
        let span = tracing::info_span!("fal.download", path = shown(&self.folder.display().to_string()));
        self.save().instrument(span)
    }
}

call_future!([] DownloadAll => 'static, Vec<Saved>);
