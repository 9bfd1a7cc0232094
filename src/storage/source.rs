//! Files to upload: opening them, detecting their type, and reading them in parts.

#[cfg(feature = "image")]
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::io::AsyncReadExt;

use super::policy::{self, MAX_FILE};
use crate::error::{Error, ErrorKind};
use crate::files::{BoxReader, Content, FileInput, OnceReader, content_type, data_uri};
use crate::transport::{Payload, header_value};

/// Maximum bytes allocated before a reader has filled a part, because the length that it declares may be wrong.
const MAX_PREALLOCATION: usize = 1 << 20;

/// An open file that is ready to be uploaded.
#[derive(Debug)]
pub(crate) struct Source {
    pub(super) about: About,
    pub(super) data: Data,
}

/// The metadata of a file.
#[derive(Debug)]
pub(super) struct About {
    pub(super) name: Option<String>,
    pub(super) content_type: String,
}

#[derive(Debug)]
pub(super) enum Data {
    /// Bytes that can be sent as often as needed.
    Whole(Payload),
    /// Bytes that can be read once.
    Rest(Rest),
}

/// The unread rest of a reader.
pub(super) struct Rest {
    reader: BoxReader,
    /// The first part, which is read when the file is opened.
    first: Option<Bytes>,
    declared: Option<u64>,
    read: u64,
    /// Bytes per part.
    part_size: u64,
}

impl Source {
    /// Opens a file and detects its type. Reads the first part of a reader. Parts may be larger than `part_size` if the
    /// file would otherwise have too many.
    pub(crate) async fn open(file: FileInput, part_size: u64) -> Result<Self, Error> {
        if let Some(text) = file.text_without_scheme() {
            let start: String = text.chars().take(200).collect();
            let message = format!("{start:?} is neither a URL nor a data URI: use `FileInput::path` for a local file");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let (content, name, declared) = file.into_parts();
        let (data, head, declared) = match content {
            Content::Text(text) => {
                let (content_type, bytes) = data_uri::decode(&text)
                    .ok_or_else(|| Error::new(ErrorKind::InvalidInput, "the file is not a valid data URI"))?;
                let declared = declared.unwrap_or(content_type);
                (Data::Whole(Payload::Bytes(bytes)), Bytes::new(), Some(declared))
            }
            Content::Bytes(bytes) => (Data::Whole(Payload::Bytes(bytes.clone())), bytes, declared),
            Content::Path(path) => {
                let (payload, head) = Payload::open(&path, content_type::HEAD_BYTES).await?;
                (Data::Whole(payload), head, declared)
            }
            Content::Reader(reader) => {
                let (data, head) = Rest::begin(&reader, part_size).await?;
                (data, head, declared)
            }
            #[cfg(feature = "image")]
            Content::Image(image) => {
                let bytes = png(image).await?;
                (Data::Whole(Payload::Bytes(bytes)), Bytes::new(), Some(declared.unwrap_or("image/png".to_owned())))
            }
        };
        let content_type = content_type::detect(declared.as_deref(), name.as_deref(), &head).to_owned();
        // Every repository sends it in a header.
        header_value(&content_type).map_err(|error| error.context("the media type of a file"))?;
        let source = Source { about: About { name, content_type }, data };
        source.length().map_or(Ok(()), check_length)?;
        Ok(source)
    }

    /// Returns the number of bytes, if known.
    pub(crate) fn length(&self) -> Option<u64> {
        match &self.data {
            Data::Whole(payload) => Some(payload.len()),
            Data::Rest(rest) => rest.declared,
        }
    }

    /// Returns the number of bytes sent, after a complete upload.
    pub(super) fn sent(&self) -> u64 {
        match &self.data {
            Data::Whole(payload) => payload.len(),
            Data::Rest(rest) => rest.read,
        }
    }

    /// Returns true if the file can still be sent from its beginning.
    pub(super) fn is_whole(&self) -> bool {
        match &self.data {
            Data::Whole(_) => true,
            Data::Rest(rest) => rest.first.is_some(),
        }
    }

    /// Reads the whole file and encodes it as a data URI.
    pub(crate) async fn into_data_uri(self) -> Result<String, Error> {
        let bytes = match self.data {
            Data::Whole(Payload::Bytes(bytes)) => bytes,
            Data::Whole(Payload::File(slice)) => {
                let mut whole = BytesMut::new();
                let mut chunks = std::pin::pin!(slice.chunks());
                while let Some(chunk) = chunks.next().await {
                    whole.extend_from_slice(&chunk?);
                }
                whole.freeze()
            }
            Data::Rest(mut rest) => {
                let mut whole = BytesMut::new();
                while let Some(part) = rest.next().await? {
                    whole.extend_from_slice(&part);
                }
                whole.freeze()
            }
        };
        Ok(data_uri::encode(&bytes, &self.about.content_type))
    }
}

impl Rest {
    /// Reads the first part. Returns it as bytes in memory if there are no more.
    async fn begin(reader: &OnceReader, part_size: u64) -> Result<(Data, Bytes), Error> {
        let declared = reader.length();
        declared.map_or(Ok(()), check_length)?;
        let part_size = declared.map_or(part_size, |length| policy::part_size(part_size, length));
        let reader = reader.take().ok_or_else(|| {
            let message = "a file's reader was already read: create a new reader for each call";
            Error::new(ErrorKind::File, message)
        })?;
        let mut rest = Rest { reader, first: None, declared, read: 0, part_size };
        let first = rest.read(part_size).await?;
        let head = first.clone();
        if (first.len() as u64) < part_size {
            rest.check_end()?;
            return Ok((Data::Whole(Payload::Bytes(first)), head));
        }
        rest.first = Some(first);
        Ok((Data::Rest(rest), head))
    }

    /// Returns the number of bytes per part.
    pub(super) fn part_size(&self) -> u64 {
        self.part_size
    }

    /// Returns the next part, or `None` at the end. The last part may be smaller, but is never empty.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        let bytes = self.read(self.part_size).await?;
        if (bytes.len() as u64) < self.part_size {
            self.check_end()?;
        }
        Ok((!bytes.is_empty()).then_some(bytes))
    }

    /// Reads `length` bytes, or fewer at the end of the reader.
    async fn read(&mut self, length: u64) -> Result<Bytes, Error> {
        let limit = usize::try_from(length).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        let mut reader = (&mut self.reader).take(length);
        // A reader that has filled one part will probably fill the next.
        let first = if self.read > 0 { limit } else { limit.min(MAX_PREALLOCATION) };
        loop {
            if bytes.len() == bytes.capacity() {
                let more = bytes.len().max(first).min(limit - bytes.len());
                if more == 0 {
                    break;
                }
                bytes.try_reserve_exact(more).map_err(|error| {
                    let message = format!("no memory for a part of {length} bytes of a file's reader");
                    Error::new(ErrorKind::File, message).caused_by(error)
                })?;
            }
            let read = reader.read_buf(&mut bytes).await.map_err(|error| {
                Error::new(ErrorKind::File, format!("cannot read from a file's reader: {error}")).caused_by(error)
            })?;
            if read == 0 {
                break;
            }
        }
        self.read += bytes.len() as u64;
        match self.declared {
            Some(declared) if self.read > declared => Err(self.wrong_length(declared, "more than")),
            _ => Ok(bytes.into()),
        }
    }

    fn check_end(&self) -> Result<(), Error> {
        match self.declared {
            Some(declared) if declared != self.read => Err(self.wrong_length(declared, "fewer than")),
            _ => Ok(()),
        }
    }

    fn wrong_length(&self, declared: u64, how: &str) -> Error {
        let message = format!("a file's reader returned {} bytes, {how} the declared {declared}", self.read);
        Error::new(ErrorKind::File, message)
    }
}

/// Fails if a file is longer than any storage accepts.
fn check_length(length: u64) -> Result<(), Error> {
    if length <= MAX_FILE {
        return Ok(());
    }
    let message = format!("impossible length of a file: {length} bytes; the maximum is {MAX_FILE} (5 TiB)");
    Err(Error::new(ErrorKind::File, message))
}

impl std::fmt::Debug for Rest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rest").field("declared", &self.declared).field("read", &self.read).finish_non_exhaustive()
    }
}

/// Encodes an image as PNG, in the closest pixel format that PNG has.
#[cfg(feature = "image")]
pub(super) async fn png(image: Arc<image::DynamicImage>) -> Result<Bytes, Error> {
    use image::{DynamicImage, ImageFormat};

    let encode = move || {
        let mut png = std::io::Cursor::new(Vec::new());
        match &*image {
            // PNG has no floating-point pixels.
            DynamicImage::ImageRgb32F(_) => DynamicImage::from(image.to_rgb16()).write_to(&mut png, ImageFormat::Png),
            DynamicImage::ImageRgba32F(_) => DynamicImage::from(image.to_rgba16()).write_to(&mut png, ImageFormat::Png),
            _ => image.write_to(&mut png, ImageFormat::Png),
        }
        .map(|()| Bytes::from(png.into_inner()))
    };
    // Encoding a large image would block the async runtime.
    let encoded = tokio::task::spawn_blocking(encode)
        .await
        .map_err(|error| Error::new(ErrorKind::File, "cannot encode the image as PNG").caused_by(error))?;
    encoded.map_err(|error| {
        Error::new(ErrorKind::File, format!("cannot encode the image as PNG: {error}")).caused_by(error)
    })
}
