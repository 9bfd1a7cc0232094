use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use url::Url;

use super::file_type::{FileType, Impostor};
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::files::content_type::HEAD_BYTES;
use crate::files::data_uri;
use crate::media::MediaUrl;
use crate::protocol::RawResponse;
use crate::transport::{MAX_ERROR_BODY, MediaStream, OnProgress, TransferProgress};

/// The limits of every download.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    pub(super) max_bytes: Option<u64>,
    pub(super) private_redirects: bool,
}

/// The options of a download of one file.
#[derive(Default)]
pub(super) struct Options<'a> {
    pub(super) limits: Limits,
    pub(super) on_progress: Option<OnProgress<'a>>,
}

/// A file that is being received, from a host or from a data URI. Its beginning has been read, so that its type is known.
pub(super) struct Incoming<'a> {
    source: Source,
    /// The beginning of the file, until the caller takes it.
    head: Option<Bytes>,
    file_type: FileType,
    received: u64,
    options: Options<'a>,
}

enum Source {
    Data { content_type: String, length: u64, bytes: Option<Bytes> },
    Stream(Box<MediaStream>),
}

impl<'a> Incoming<'a> {
    /// Opens a file and reads its beginning.
    ///
    /// # Errors
    ///
    /// The host returns a page, JSON or nothing instead of an image, a video or another file of a known type.
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
            let stream = MediaStream::open(client.context(), parsed, options.limits.private_redirects).await?;
            Source::Stream(Box::new(stream))
        };
        let mut incoming = Incoming { source, head: None, file_type: FileType::default(), received: 0, options };
        if let Some(length) = incoming.length() {
            incoming.check_size(length)?;
        }
        let head = incoming.source.read(HEAD_BYTES).await?;
        let by_host = incoming.source.content_type();
        if let Some(impostor) = Impostor::of(media, by_host, &head) {
            return Err(incoming.source.into_error(&impostor, head).await);
        }
        incoming.file_type = FileType::of(media, by_host, &head);
        if head.is_empty() {
            tracing::warn!("downloaded file is empty");
        }
        incoming.head = Some(head).filter(|head| !head.is_empty());
        Ok(incoming)
    }

    /// Returns the size of the file in bytes, if it is known.
    pub(super) fn length(&self) -> Option<u64> {
        match &self.source {
            Source::Data { length, .. } => Some(*length),
            Source::Stream(stream) => stream.length(),
        }
    }

    /// Returns the number of bytes that the caller has taken.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Returns what is known about the media type.
    pub(super) fn file_type(&self) -> &FileType {
        &self.file_type
    }

    /// Returns the next piece, or `None` after the last one.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let piece = match self.head.take() {
            Some(head) => Some(head),
            None => self.source.next().await?,
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
        match self.options.limits.max_bytes {
            Some(max) if length > max => {
                let message = format!("the file is too large: at least {length} bytes; `max_bytes` is {max}");
                Err(Error::new(ErrorKind::File, message))
            }
            _ => Ok(()),
        }
    }
}

impl Source {
    fn content_type(&self) -> Option<&str> {
        match self {
            Source::Data { content_type, .. } => Some(content_type),
            Source::Stream(stream) => stream.content_type(),
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        match self {
            Source::Data { bytes, .. } => Ok(bytes.take()),
            Source::Stream(stream) => stream.next().await,
        }
    }

    /// Reads at least `length` bytes, or fewer at the end of the file.
    async fn read(&mut self, length: usize) -> Result<Bytes, Error> {
        let first = self.next().await?.unwrap_or_default();
        if first.len() >= length {
            // It is not copied.
            return Ok(first);
        }
        let mut bytes = BytesMut::from(&first[..]);
        while bytes.len() < length
            && let Some(piece) = self.next().await?
        {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes.freeze())
    }

    /// Returns the error about what arrives instead of the file, with the beginning of it.
    async fn into_error(mut self, impostor: &Impostor, head: Bytes) -> Error {
        // The beginning is enough for an error.
        let rest = self.read(MAX_ERROR_BODY.saturating_sub(head.len())).await.unwrap_or_default();
        let mut body = Bytes::from([head, rest].concat());
        body.truncate(MAX_ERROR_BODY);
        let (status, headers) = match &self {
            Source::Data { .. } => (StatusCode::OK, HeaderMap::new()),
            Source::Stream(stream) => stream.head(),
        };
        let response = RawResponse { status, headers, body };
        let message = impostor.message(response.detail().message.as_deref());
        Error::new(ErrorKind::UnexpectedResponse, message).with_response(response)
    }
}
