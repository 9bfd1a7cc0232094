use std::fmt;

use bytes::Bytes;

use super::file_name;
use super::file_type::FileType;
use super::incoming::{Incoming, Options};
use crate::client::Client;
use crate::error::Error;
use crate::media::MediaUrl;

/// A file that is being downloaded in pieces. Returned by [`Client::open_media`].
///
/// ```no_run
/// # async fn example(client: fal_client::Client, image: fal_client::Image) -> Result<(), fal_client::Error> {
/// let mut file = client.open_media(&image).await?;
/// println!("{} has {:?} bytes", file.file_name(), file.len());
/// while let Some(piece) = file.next().await? {
///     println!("{} bytes", piece.len());
/// }
/// # Ok(())
/// # }
/// ```
pub struct OpenMedia {
    incoming: Incoming<'static>,
    media: MediaUrl,
}

impl Client {
    /// Opens a file of an output, to be received in pieces. The API key is not sent. A data URI (`sync_mode`) is decoded.
    ///
    /// # Errors
    ///
    /// Those of [`download`](Self::download) that are about the URL and its host.
    pub async fn open_media(&self, media: impl Into<MediaUrl> + Send) -> Result<OpenMedia, Error> {
        let media = media.into();
        let incoming = Incoming::open(self, &media, Options::default()).await?;
        Ok(OpenMedia { incoming, media })
    }
}

// An empty file is nothing special.
#[allow(clippy::len_without_is_empty)]
impl OpenMedia {
    /// Returns the number of bytes, if the host declares it.
    pub fn len(&self) -> Option<u64> {
        self.incoming.length()
    }

    /// Returns the media type by the first bytes, or else by the host.
    pub fn content_type(&self) -> Option<&str> {
        let FileType { content_type, .. } = self.incoming.file_type();
        content_type.as_deref()
    }

    /// Returns the name that [`download_all`](Client::download_all) saves the file under: a safe one, with the extension of its
    /// type.
    pub fn file_name(&self) -> String {
        file_name::choose(self.media.name.as_deref(), self.media.as_str(), self.incoming.file_type())
    }

    /// Returns the next piece, or `None` after the last. An interrupted transfer is resumed, if the host supports it.
    ///
    /// # Errors
    ///
    /// The transfer cannot be resumed, or the file has fewer or more bytes than its host declared.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        self.incoming.next().await
    }
}

/// Shows the URL, never the bytes of a data URI.
impl fmt::Debug for OpenMedia {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenMedia").field("media", &self.media).field("len", &self.len()).finish_non_exhaustive()
    }
}
