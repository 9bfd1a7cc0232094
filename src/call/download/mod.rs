//! Files of outputs come down: to a path, to a writer, into memory, many at once.

mod all;
mod bytes;
mod file_name;
mod incoming;
mod part_file;
mod path;
mod writer;

use std::path::Path;

use tokio::io::AsyncWrite;

pub use self::all::DownloadAll;
pub use self::bytes::DownloadBytes;
pub use self::path::Download;
pub use self::writer::DownloadTo;
use crate::client::Client;
use crate::media::MediaUrl;

impl Client {
    /// Saves a file of an output.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client, image: fal_client::Image) -> Result<(), fal_client::Error> {
    /// let saved = client.download(&image, "fox.png").overwrite(true).await?;
    /// println!("{}", saved.display());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The file appears under its name when all of it is there, and a file of that name is kept unless
    /// [`overwrite`](Download::overwrite) says otherwise. A transfer that breaks goes on where it broke, if the host can
    /// do that. The key is not sent. A data URI (`sync_mode`) is decoded.
    ///
    /// # Errors
    ///
    /// The folder is not there or cannot be written to; a file of the name is there, or something that is no file; the URL is
    /// none of http, https or data; the host refuses, or sends less or more than it announced, or something other than it
    /// began with. What had come is removed then.
    pub fn download<'a>(&self, media: impl Into<MediaUrl>, path: impl AsRef<Path>) -> Download<'a> {
        Download::new(self.clone(), media.into(), path.as_ref())
    }

    /// Fetches a file of an output into memory. The key is not sent. A data URI (`sync_mode`) is decoded.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client, image: fal_client::Image) -> Result<(), fal_client::Error> {
    /// let png = client.download_bytes(&image).max_bytes(10 << 20).await?;
    /// println!("{} bytes", png.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn download_bytes<'a>(&self, media: impl Into<MediaUrl>) -> DownloadBytes<'a> {
        DownloadBytes::new(self.clone(), media.into())
    }

    /// Writes a file of an output to a writer, and says how many bytes it has. The key is not sent. A data URI
    /// (`sync_mode`) is decoded.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client, image: fal_client::Image) -> Result<(), fal_client::Error> {
    /// client.download_to(&image, tokio::io::sink()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn download_to<'a>(
        &self,
        media: impl Into<MediaUrl>,
        writer: impl AsyncWrite + Unpin + Send + 'a,
    ) -> DownloadTo<'a> {
        DownloadTo::new(self.clone(), media.into(), writer)
    }

    /// Saves several files of an output into a folder, several at once, and says where each is, in their order.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client, images: &[fal_client::Image]) -> Result<(), fal_client::Error> {
    /// for saved in client.download_all(images, "foxes").await? {
    ///     println!("{}", saved.display());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Each file is called as the output says, else as its URL ends, with a number where there is such a file already.
    /// The folder is made if there is none. No name leads out of the folder, hides the file or means a device, whatever the
    /// output or the URL says.
    pub fn download_all<M: Into<MediaUrl>>(
        &self,
        media: impl IntoIterator<Item = M>,
        folder: impl AsRef<Path>,
    ) -> DownloadAll {
        DownloadAll::new(self.clone(), media.into_iter().map(Into::into).collect(), folder.as_ref())
    }
}

/// The options of a download of one file.
macro_rules! download_options {
    () => {
        /// The most bytes that the file may have (no limit by default). A larger one is an error, as soon as it is known.
        pub fn max_bytes(mut self, bytes: u64) -> Self {
            self.options.max_bytes = Some(bytes);
            self
        }

        /// Is called as the download advances.
        pub fn on_progress(mut self, call: impl FnMut(crate::transport::TransferProgress) + Send + 'a) -> Self {
            self.options.on_progress = Some(Box::new(call));
            self
        }
    };
}

use download_options;
