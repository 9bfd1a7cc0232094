//! Downloads of files in outputs: to a path, to a writer, into memory, or several into a folder.

mod all;
mod bytes;
mod existing;
mod file_name;
mod file_type;
mod incoming;
mod open;
mod part_file;
mod path;
mod saved;
mod writer;

use std::path::Path;

use tokio::io::AsyncWrite;

pub use self::all::DownloadAll;
pub use self::bytes::DownloadBytes;
pub use self::open::OpenMedia;
pub use self::path::Download;
pub use self::saved::Saved;
pub use self::writer::DownloadTo;
use crate::client::Client;
use crate::media::MediaUrl;

/// Returns the name of a file in a folder of downloads, and the key by which names are told apart.
#[cfg(fuzzing)]
pub(crate) fn file_name(media: &MediaUrl, content_type: Option<&str>, head: &[u8]) -> (String, String) {
    let name =
        file_name::choose(media.name.as_deref(), media.as_str(), &file_type::FileType::of(media, content_type, head));
    let key = file_name::folded(&name);
    (name, key)
}

impl Client {
    /// Downloads a file of an output to a path.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client, image: fal_client::Image) -> Result<(), fal_client::Error> {
    /// let saved = client.download(&image, "fox.png").overwrite(true).await?;
    /// println!("{}", saved.display());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The file appears at the path only when it is complete. An existing file is an error unless
    /// [`overwrite`](Download::overwrite) or [`keep_existing`](Download::keep_existing) is set. An interrupted transfer resumes where it stopped, if the host supports it. The
    /// API key is not sent. A data URI (`sync_mode`) is decoded.
    ///
    /// # Errors
    ///
    /// - The folder does not exist, or cannot be written to.
    /// - The path is taken by an existing file, or by something that is not a regular file.
    /// - The URL is not an http, https or data URL.
    /// - The host responds with an error, sends fewer or more bytes than it announced, or changes the file during the download.
    /// - The host returns a page, JSON or nothing in place of an image, a video, audio, an archive or a 3D model
    ///   ([`ErrorKind::UnexpectedResponse`](crate::ErrorKind::UnexpectedResponse)).
    /// - A public host redirects to a private one ([`ErrorKind::UntrustedUrl`](crate::ErrorKind::UntrustedUrl)), unless
    ///   [`allow_private_redirects`](Download::allow_private_redirects) is set.
    ///
    /// A partial file is removed after an error.
    pub fn download<'a>(&self, media: impl Into<MediaUrl>, path: impl AsRef<Path>) -> Download<'a> {
        Download::new(self.clone(), media.into(), path.as_ref())
    }

    /// Downloads a file of an output into memory. The API key is not sent. A data URI (`sync_mode`) is decoded.
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

    /// Downloads a file of an output to a writer, and returns the number of bytes. The API key is not sent. A data URI
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

    /// Downloads several files of an output into a folder, and returns them, with their paths, in the same order.
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
    /// A file gets the name in the output, or else the last segment of its URL. Its extension follows the type of the file:
    /// `fox.png` that is WebP is saved as `fox.webp`. A number is appended if the name is taken, or if a file system could take
    /// it for another one. The folder is created if it is missing. Names from outputs and URLs are sanitized: they cannot leave
    /// the folder, hide a file, refer to a device or look like an option of a program.
    ///
    /// The files of any output are [`Response::media`](crate::Response::media). With
    /// [`keep_existing`](DownloadAll::keep_existing), a second run keeps what is there.
    pub fn download_all<M: Into<MediaUrl>>(
        &self,
        media: impl IntoIterator<Item = M>,
        folder: impl AsRef<Path>,
    ) -> DownloadAll {
        DownloadAll::new(self.clone(), media.into_iter().map(Into::into).collect(), folder.as_ref())
    }
}

/// The limits of every download. `$limits` is their field.
macro_rules! download_limits {
    ($($limits:ident).+) => {
        /// Maximum size of a file, in bytes. Default: unlimited. A larger file fails as soon as its size is known.
        pub fn max_bytes(mut self, bytes: u64) -> Self {
            self.$($limits).+.max_bytes = Some(bytes);
            self
        }

        /// Time for which a missing file is waited for, because fal may not have finished its upload into a bucket of yours.
        /// S3 responds with 404 until then, or with 403 if you may not list the bucket. Zero turns waiting off.
        ///
        /// Default: one minute, but not more than the [`patience`](crate::RetryPolicy::patience) of the client, for files in
        /// the buckets that this client has sent with [`output_to`](crate::Subscribe::output_to). Other files are waited for
        /// briefly. Set it if another process has sent the request. A file whose upload has failed stays missing.
        pub fn wait_for_upload(mut self, patience: std::time::Duration) -> Self {
            self.$($limits).+.wait_for_upload = Some(patience);
            self
        }

        /// Follows redirects from a public host to a private one: to this machine, its network, or another address that is
        /// not on the public internet. Default: `false`, which fails, because the file would be one that only this machine
        /// can reach. Redirects from a private host, such as an emulator, are always followed.
        pub fn allow_private_redirects(mut self, allow: bool) -> Self {
            self.$($limits).+.private_redirects = allow;
            self
        }
    };
}

/// The options of a download of one file.
macro_rules! download_options {
    () => {
        crate::call::download::download_limits!(options.limits);

        /// Registers a callback for the progress. It should return quickly.
        pub fn on_progress(mut self, call: impl FnMut(crate::transport::TransferProgress) + Send + 'a) -> Self {
            self.options.on_progress = Some(Box::new(call));
            self
        }
    };
}

use {download_limits, download_options};
