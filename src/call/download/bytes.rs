use std::fmt;
use std::future::IntoFuture;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tracing::Instrument;

use super::download_options;
use super::incoming::{Incoming, Options};
use crate::client::Client;
use crate::error::Error;
use crate::media::MediaUrl;

/// How much memory is set aside on the word of a host.
const MAX_PREALLOCATION: u64 = 16 << 20;

/// A download into memory, which starts when it is awaited.
///
/// It fails if the URL is none of http, https or data, if the host answers with an error, or if the connection breaks and
/// the host cannot go on where it broke.
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
        // What comes in one piece is taken as it is.
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

impl<'a> IntoFuture for DownloadBytes<'a> {
    type Output = Result<Bytes, Error>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.fetch().instrument(tracing::info_span!("fal.download")).boxed()
    }
}

impl fmt::Debug for DownloadBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DownloadBytes").field("media", &self.media).finish_non_exhaustive()
    }
}
