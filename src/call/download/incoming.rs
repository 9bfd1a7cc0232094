use bytes::Bytes;
use url::Url;

use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::files::data_uri;
use crate::media::MediaUrl;
use crate::transport::{MediaStream, OnProgress, TransferProgress};

/// What holds for every download.
#[derive(Default)]
pub(super) struct Options<'a> {
    pub(super) max_bytes: Option<u64>,
    pub(super) on_progress: Option<OnProgress<'a>>,
}

/// A file that comes in, from wherever it comes.
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
                .ok_or_else(|| Error::new(ErrorKind::UnexpectedResponse, "the output has a data URI that is none"))?;
            Source::Data { content_type, length: bytes.len() as u64, bytes: Some(bytes) }
        } else {
            let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
            let parsed = parsed.ok_or_else(|| {
                let shown: String = url.chars().take(100).collect();
                let message = format!("{shown:?} is no URL of a file that can be downloaded");
                Error::new(ErrorKind::UnexpectedResponse, message)
            })?;
            Source::Stream(Box::new(MediaStream::open(client.context(), parsed).await?))
        };
        let incoming = Incoming { source, received: 0, options };
        if let Some(length) = incoming.length() {
            incoming.limit(length)?;
        }
        Ok(incoming)
    }

    /// How many bytes it will have, as far as its host says so.
    pub(super) fn length(&self) -> Option<u64> {
        match &self.source {
            Source::Data { length, .. } => Some(*length),
            Source::Stream(stream) => stream.length(),
        }
    }

    /// Its media type, as far as its host says so.
    pub(super) fn content_type(&self) -> Option<&str> {
        match &self.source {
            Source::Data { content_type, .. } => Some(content_type),
            Source::Stream(stream) => stream.content_type(),
        }
    }

    /// The next piece; `None` after the last.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let piece = match &mut self.source {
            Source::Data { bytes, .. } => bytes.take(),
            Source::Stream(stream) => stream.next().await?,
        };
        if let Some(piece) = &piece {
            self.received += piece.len() as u64;
            self.limit(self.received)?;
        }
        let progress = TransferProgress { bytes: self.received, total: self.length() };
        if let Some(call) = &mut self.options.on_progress {
            call(progress);
        }
        Ok(piece)
    }

    fn limit(&self, length: u64) -> Result<(), Error> {
        match self.options.max_bytes {
            Some(most) if length > most => {
                let message = format!("the file has {length} bytes or more, and may have {most}");
                Err(Error::new(ErrorKind::File, message))
            }
            _ => Ok(()),
        }
    }
}
