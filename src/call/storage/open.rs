use std::fmt;
use std::time::Duration;

use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::files::FileInput;
use crate::storage::{Hashed, Source};
use crate::transport::{OnProgress, TransferProgress, is_available};

use super::Storage;

/// A file that is open and hashed, to be uploaded later or not at all. Returned by [`Storage::open`].
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use fal_client::FileInput;
///
/// let file = client.storage().open(FileInput::path("room.png")).await?;
/// println!("{} has {} bytes", file.sha256(), file.len());
/// let url = file.upload().await?;
/// # let _ = url;
/// # Ok(())
/// # }
/// ```
pub struct OpenFile {
    client: Client,
    file: Hashed,
    on_progress: Option<Box<dyn FnMut(TransferProgress) + Send + Sync>>,
}

impl Storage {
    /// Opens a file and hashes it, without sending anything. A local file is read as a stream, and stays open.
    ///
    /// The bytes of a data URI are decoded. A reader is read into memory.
    ///
    /// # Errors
    ///
    /// - The file cannot be read, or it changes while it is read ([`ErrorKind::File`]).
    /// - A reader has more bytes than one part of the client's [`UploadPolicy`](crate::UploadPolicy), which is 10 MiB by
    ///   default ([`ErrorKind::File`]).
    /// - The file is a remote URL, whose bytes the client does not have ([`ErrorKind::InvalidInput`]).
    pub async fn open(&self, file: impl Into<FileInput>) -> Result<OpenFile, Error> {
        let (client, file) = (self.client.clone(), file.into());
        let source = Source::open(file, client.uploads().part_size).await?;
        let file = Hashed::new(source, client.upload_cache()).await?;
        Ok(OpenFile { client, file, on_progress: None })
    }

    /// Returns true if a URL still has a file, for example before an upload is used again. Requests its first byte without the
    /// API key, so that a file with access rules counts as missing. After a missing file, the client does not use its earlier
    /// uploads again.
    ///
    /// # Errors
    ///
    /// The host cannot be reached, or responds with another error than status 401, 403, 404 or 410.
    pub async fn has(&self, url: impl AsRef<str>) -> Result<bool, Error> {
        is_available(self.client.context(), url.as_ref()).await
    }
}

// An empty file is nothing special.
#[allow(clippy::len_without_is_empty)]
impl OpenFile {
    /// Returns the SHA-256 of the bytes, in hexadecimal.
    pub fn sha256(&self) -> String {
        self.file.sha256()
    }

    /// Returns the number of bytes.
    pub fn len(&self) -> u64 {
        self.file.len()
    }

    /// Returns true if the client's [`UploadPolicy`](crate::UploadPolicy) inlines the file, so that it is not uploaded.
    pub fn is_inlined(&self) -> bool {
        self.len() < self.client.uploads().inline_below
    }

    /// Returns the time after which fal deletes the upload, if the client's [`UploadPolicy`](crate::UploadPolicy) sets it.
    pub fn lifetime(&self) -> Option<Duration> {
        self.client.uploads().lifetime()
    }

    /// Returns a text that is equal for uploads that can replace each other: of the same bytes, with the same name, media type,
    /// access rules and expiry, to the same storage and with the same API key. It is a SHA-256 in hexadecimal.
    ///
    /// The text identifies a key by its id, which is not secret.
    ///
    /// # Errors
    ///
    /// The client has no API key.
    pub async fn upload_id(&self) -> Result<String, Error> {
        let context = self.client.context();
        let authorization = context.credentials.authorization().await?;
        let account = authorization.as_ref().and_then(|value| Some(value.to_str().ok()?.split_once(':')?.0));
        Ok(self.file.upload_id(self.client.uploads(), context.hosts.rest.as_str(), account.unwrap_or_default()))
    }

    /// Registers a callback for the progress of the upload. It should return quickly.
    pub fn on_progress(mut self, call: impl FnMut(TransferProgress) + Send + Sync + 'static) -> Self {
        self.on_progress = Some(Box::new(call));
        self
    }

    /// Uploads the file as the files of an input are uploaded, and returns its URL: with the client's
    /// [`UploadPolicy`](crate::UploadPolicy), and only once if the client has uploaded it before. A file that the policy
    /// inlines becomes a data URI.
    ///
    /// # Errors
    ///
    /// Those of [`Storage::upload`]. A file that was changed after it was opened is an error ([`ErrorKind::File`]), so that the
    /// URL always leads to the bytes of [`sha256`](Self::sha256).
    pub async fn upload(self) -> Result<String, Error> {
        let (client, policy) = (&self.client, self.client.uploads());
        if self.is_inlined() {
            return self.file.into_data_uri().await;
        }
        let again = self.file.again();
        let (uploader, source) = (client.uploader(policy)?, self.file.into_source());
        let url = match client.upload_cache() {
            Some(cache) => {
                let on_progress = self.on_progress.unwrap_or_else(|| Box::new(|_| ()));
                uploader.upload_once(source, cache, on_progress).await?
            }
            None => uploader.upload(source, self.on_progress.map(|call| call as OnProgress<'_>)).await?.url,
        };
        match again.unchanged().await? {
            true => Ok(url),
            false => {
                let message = "a file changed while it was being sent: use it again once it does not change any more";
                Err(Error::new(ErrorKind::File, message))
            }
        }
    }
}

/// Shows the file without its bytes.
impl fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenFile").field("sha256", &self.sha256()).field("len", &self.len()).finish_non_exhaustive()
    }
}
