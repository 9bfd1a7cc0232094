use std::fmt;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tracing::Instrument;

use super::download_options;
use super::incoming::{Incoming, Options};
use crate::call::future::call_future;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::media::MediaUrl;

/// Downloads a file to a writer and returns the number of bytes. Starts when awaited.
///
/// If it fails, the writer may have received a part of the file.
#[must_use = "a download does nothing until it is awaited"]
pub struct DownloadTo<'a> {
    client: Client,
    media: MediaUrl,
    writer: Box<dyn AsyncWrite + Unpin + Send + 'a>,
    options: Options<'a>,
}

impl<'a> DownloadTo<'a> {
    pub(super) fn new(client: Client, media: MediaUrl, writer: impl AsyncWrite + Unpin + Send + 'a) -> Self {
        DownloadTo { client, media, writer: Box::new(writer), options: Options::default() }
    }

    download_options!();

    async fn write(self) -> Result<u64, Error> {
        let DownloadTo { client, media, mut writer, options } = self;
        let unwritable = |error: std::io::Error| {
            Error::new(ErrorKind::File, format!("cannot write to the download's writer: {error}")).caused_by(error)
        };
        let mut incoming = Incoming::open(&client, &media, options).await?;
        let mut length = 0;
        while let Some(piece) = incoming.next().await? {
            writer.write_all(&piece).await.map_err(unwritable)?;
            length += piece.len() as u64;
        }
        writer.flush().await.map_err(unwritable)?;
        Ok(length)
    }
}

impl<'a> DownloadTo<'a> {
    fn start(self) -> impl Future<Output = Result<u64, Error>> + Send {
        self.write().instrument(tracing::info_span!("fal.download"))
    }
}

call_future!(['a] DownloadTo<'a> => 'a, u64);

impl fmt::Debug for DownloadTo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DownloadTo").field("media", &self.media).finish_non_exhaustive()
    }
}
