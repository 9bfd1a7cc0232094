use std::fmt;

use bytes::{Bytes, BytesMut};
use tracing::Instrument;

use super::download_options;
use super::incoming::{Incoming, Options};
use crate::call::future::call_future;
use crate::client::Client;
use crate::error::Error;
use crate::media::MediaUrl;

/// Maximum memory that is reserved for a length that the host announces, in bytes.
const MAX_PREALLOCATION: u64 = 16 << 20;

/// Downloads a file into memory. Starts when awaited.
///
/// # Errors
///
/// - The URL is not an http, https or data URL.
/// - The host responds with an error.
/// - The connection is lost, and the host cannot resume the transfer.
#[must_use = "a download does nothing until it is awaited"]
pub struct DownloadBytes<'a> {
    client: Client,
    media: MediaUrl,
    options: Options<'a>,
}

impl<'a> DownloadBytes<'a> {
    pub(super) fn new(client: Client, media: MediaUrl) -> Self {
        DownloadBytes { client, media, options: Options::default() }
    }

    download_options!();

    async fn fetch(self) -> Result<Bytes, Error> {
        let mut incoming = Incoming::open(&self.client, &self.media, self.options).await?;
        let first = incoming.next().await?.unwrap_or_default();
        // A file that arrives in one piece is not copied.
        let Some(second) = incoming.next().await? else { return Ok(first) };
        let length = incoming.length().unwrap_or_default().min(MAX_PREALLOCATION);
        let mut bytes = BytesMut::with_capacity(length as usize);
        bytes.extend_from_slice(&first);
        bytes.extend_from_slice(&second);
        while let Some(piece) = incoming.next().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes.freeze())
    }
}

impl<'a> DownloadBytes<'a> {
    fn start(self) -> impl Future<Output = Result<Bytes, Error>> + Send {
        self.fetch().instrument(tracing::info_span!("fal.download"))
    }
}

call_future!(['a] DownloadBytes<'a> => 'a, Bytes);

impl fmt::Debug for DownloadBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DownloadBytes").field("media", &self.media).finish_non_exhaustive()
    }
}
