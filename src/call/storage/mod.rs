//! What can be done with files in fal's storage.

mod access;
mod upload;

pub use upload::Upload;

use crate::client::Client;
use crate::files::FileInput;

/// fal's storage, by [`Client::storage`].
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
/// A call uploads the files of its input by itself; this is for files that are used more than once, that are large, or
/// that are to have a lifecycle of their own.
#[derive(Clone, Debug)]
pub struct Storage {
    client: Client,
}

impl Client {
    /// fal's storage.
    pub fn storage(&self) -> Storage {
        Storage { client: self.clone() }
    }
}

impl Storage {
    /// Uploads a file, when it is awaited. A file that is on the web already is left there, and its URL is the answer.
    pub fn upload<'a>(&self, file: impl Into<FileInput>) -> Upload<'a> {
        Upload::new(self.client.clone(), file.into())
    }
}
