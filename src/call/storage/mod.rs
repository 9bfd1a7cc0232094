//! Calls about files in fal's storage.

mod access;
mod open;
mod upload;

pub use open::OpenFile;
pub use upload::Upload;

use crate::client::Client;
use crate::files::FileInput;

/// fal's storage: uploads, signed URLs and access rules. Returned by [`Client::storage`].
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use fal_client::FileInput;
///
/// let file = client.storage().upload(FileInput::path("room.png")).await?;
/// println!("{}", file.url);
/// # Ok(())
/// # }
/// ```
///
/// Calls upload the files of their input automatically. Upload a file explicitly if it is large, if several calls use it, or
/// if it needs its own expiry or access rules.
#[derive(Clone, Debug)]
pub struct Storage {
    client: Client,
}

impl Client {
    /// Returns fal's storage.
    pub fn storage(&self) -> Storage {
        Storage { client: self.clone() }
    }
}

impl Storage {
    /// Uploads a file. A file that is given by its URL is not uploaded; the result has that URL.
    pub fn upload<'a>(&self, file: impl Into<FileInput>) -> Upload<'a> {
        Upload::new(self.client.clone(), file.into())
    }
}
