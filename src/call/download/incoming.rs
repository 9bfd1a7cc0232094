use bytes::Bytes;
use url::Url;

use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::files::data_uri;
use crate::media::MediaUrl;
use crate::transport::{MediaStream, OnProgress, TransferProgress};

/// The options of every download.
#[derive(Default)]
pub(super) struct Options<'a> {
    pub(super) max_bytes: Option<u64>,
    pub(super) on_progress: Option<OnProgress<'a>>,
}

/// A file that is being received, from a host or from a data URI.
pub(super) struct Incoming<'a> {
    source: Source,
    received: u64,
    options: Options<'a>,
}

enum Source {
    Data { content_type: String, length: u64, bytes: Option<Bytes> },
    Stream(Box<MediaStream>),
}

impl<'a> Incoming<'a> {
    pub(super) async fn open(client: &Client, media: &MediaUrl, options: Options<'a>) -> Result<Self, Error> {
        let url = media.as_str();
        let source = if data_uri::is_data_uri(url) {
            let (content_type, bytes) = data_uri::decode(url)
                .ok_or_else(|| Error::new(ErrorKind::UnexpectedResponse, "invalid data URI in the output"))?;
            Source::Data { content_type, length: bytes.len() as u64, bytes: Some(bytes) }
        } else {
            let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
            let parsed = parsed.ok_or_else(|| {
                let excerpt: String = url.chars().take(100).collect();
                let message = format!("invalid URL of a file: {excerpt:?}; expected an http, https or data URL");
                Error::new(ErrorKind::UnexpectedResponse, message)
            })?;
            Source::Stream(Box::new(MediaStream::open(client.context(), parsed).await?))
        };
        let incoming = Incoming { source, received: 0, options };
        if let Some(length) = incoming.length() {
            incoming.check_size(length)?;
        }
        Ok(incoming)
    }

    /// Returns the size of the file in bytes, if it is known.
    pub(super) fn length(&self) -> Option<u64> {
        match &self.source {
            Source::Data { length, .. } => Some(*length),
            Source::Stream(stream) => stream.length(),
        }
    }

    /// Returns the media type, if it is known.
    pub(super) fn content_type(&self) -> Option<&str> {
        match &self.source {
            Source::Data { content_type, .. } => Some(content_type),
            Source::Stream(stream) => stream.content_type(),
        }
    }

    /// Returns the next piece, or `None` after the last one.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let piece = match &mut self.source {
            Source::Data { bytes, .. } => bytes.take(),
            Source::Stream(stream) => stream.next().await?,
        };
        if let Some(piece) = &piece {
            self.received += piece.len() as u64;
            self.check_size(self.received)?;
        }
        let progress = TransferProgress { bytes: self.received, total: self.length() };
        if let Some(call) = &mut self.options.on_progress {
            call(progress);
        }
        Ok(piece)
    }

    fn check_size(&self, length: u64) -> Result<(), Error> {
        match self.options.max_bytes {
            Some(max) if length > max => {
                let message = format!("the file is too large: at least {length} bytes; `max_bytes` is {max}");
                Err(Error::new(ErrorKind::File, message))
            }
            _ => Ok(()),
        }
    }
}
