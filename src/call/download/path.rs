use std::fmt;
use std::path::{Path, PathBuf};

use tracing::Instrument;

use super::download_options;
use super::incoming::{Incoming, Options};
use super::part_file::{Received, check_destination, unwritable};
use crate::call::future::call_future;
use crate::client::Client;
use crate::error::Error;
use crate::files::data_uri;
use crate::media::MediaUrl;
use crate::text::shown;

/// Downloads a file to a path and returns the path. Starts when awaited.
#[must_use = "a download does nothing until it is awaited"]
pub struct Download<'a> {
    client: Client,
    media: MediaUrl,
    path: PathBuf,
    overwrite: bool,
    options: Options<'a>,
}

impl<'a> Download<'a> {
    pub(super) fn new(client: Client, media: MediaUrl, path: &Path) -> Self {
        Download { client, media, path: path.to_owned(), overwrite: false, options: Options::default() }
    }

    /// Replaces an existing file at the path. Default: `false`.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    download_options!();

    async fn save(self) -> Result<PathBuf, Error> {
        let Download { client, mut media, path, overwrite, options } = self;
        check_destination(&path, overwrite)?;
        // A page under the name of an image is a mistake, too. A data URI says itself what it is.
        if media.name.is_none() && !data_uri::is_data_uri(media.as_str()) {
            media.name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        }
        let mut incoming = Incoming::open(&client, &media, options).await?;
        let received = Received::all_of(&mut incoming, &path).await?;
        received.save_as(&path, overwrite).await.map_err(|(_, error)| unwritable(&path, error))?;
        Ok(path)
    }
}

impl<'a> Download<'a> {
    fn start(self) -> impl Future<Output = Result<PathBuf, Error>> + Send {
        let span = tracing::info_span!("fal.download", path = shown(&self.path.display().to_string()));
        self.save().instrument(span)
    }
}

call_future!(['a] Download<'a> => 'a, PathBuf);

impl fmt::Debug for Download<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("media", &self.media).field("path", &self.path).finish_non_exhaustive()
    }
}
