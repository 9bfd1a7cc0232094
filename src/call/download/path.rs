use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use tracing::Instrument;

use super::download_options;
use super::existing::{Existing, Found, Known};
use super::incoming::{Incoming, Options};
use super::part_file::{Received, blocking, check_destination, unwritable};
use super::saved::Saved;
use crate::call::future::call_future;
use crate::client::Client;
use crate::error::Error;
use crate::files::data_uri;
use crate::media::MediaUrl;
use crate::text::shown;

/// Downloads a file to a path and returns it with the path. Starts when awaited.
#[must_use = "a download does nothing until it is awaited"]
pub struct Download<'a> {
    client: Client,
    media: MediaUrl,
    path: PathBuf,
    existing: Existing,
    options: Options<'a>,
}

impl<'a> Download<'a> {
    pub(super) fn new(client: Client, media: MediaUrl, path: &Path) -> Self {
        Download { client, media, path: path.to_owned(), existing: Existing::default(), options: Options::default() }
    }

    /// Replaces an existing file at the path. Default: `false`.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.existing.overwrite = overwrite;
        self
    }

    /// Keeps a file that is there already, and does not download it. Default: `false`. [`Saved::kept`] says so.
    ///
    /// A file is there if the path has a regular file of the size that the output declares, if it declares one. An empty file
    /// does not count. A data URI must also have the same bytes. If the size differs, the client requests the file and compares
    /// the size that the host declares. A file of another size is downloaded again and replaced.
    pub fn keep_existing(mut self, keep: bool) -> Self {
        self.existing.keep = keep;
        self
    }

    download_options!();

    async fn save(self) -> Result<Saved, Error> {
        let Download { client, mut media, path, existing, options } = self;
        check_destination(&path, existing.overwrite || existing.keep)?;
        // A file that does not fit is replaced, because the caller has named its path.
        let keep = Existing { overwrite: true, ..existing };
        if existing.keep && is_kept(keep, &path, Known::of(&media, None)).await? {
            return Ok(Saved { path, kept: true });
        }
        // A page under the name of an image is a mistake, too. A data URI says itself what it is.
        if media.name.is_none() && !data_uri::is_data_uri(media.as_str()) {
            media.name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        }
        let mut incoming = Incoming::open(&client, &media, options).await?;
        if existing.keep
            && incoming.length().is_some()
            && is_kept(keep, &path, Known::of(&media, incoming.length())).await?
        {
            return Ok(Saved { path, kept: true });
        }
        let received = Received::all_of(&mut incoming, &path).await?;
        let saved = match received.save_as(&path, existing.overwrite).await {
            // Another process may have saved the file in the meantime.
            Err((Some(received), error)) if existing.keep && error.kind() == io::ErrorKind::AlreadyExists => {
                if is_kept(keep, &path, Known::of(&media, Some(incoming.received()))).await? {
                    return Ok(Saved { path, kept: true });
                }
                received.save_as(&path, true).await
            }
            saved => saved,
        };
        saved.map_err(|(_, error)| unwritable(&path, error))?;
        Ok(Saved { path, kept: false })
    }
}

async fn is_kept(existing: Existing, path: &Path, known: Known) -> Result<bool, Error> {
    let path = path.to_owned();
    blocking(move || existing.at(&path, &known) == Found::Kept).await
}

impl<'a> Download<'a> {
    fn start(self) -> impl Future<Output = Result<Saved, Error>> + Send {
        let span = tracing::info_span!("fal.download", path = shown(&self.path.display().to_string()));
        self.save().instrument(span)
    }
}

call_future!(['a] Download<'a> => 'a, Saved);

impl fmt::Debug for Download<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("media", &self.media).field("path", &self.path).finish_non_exhaustive()
    }
}
