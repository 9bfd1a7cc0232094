#[cfg(feature = "image")]
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::io::AsyncReadExt;

use super::policy::part_size;
use crate::error::{Error, ErrorKind};
use crate::files::{BoxReader, Content, FileInput, OnceReader, content_type, data_uri};
use crate::transport::{Payload, header_value};

/// How much memory is set aside for a reader's first bytes on the word of its length.
const MAX_PREALLOCATION: u64 = 1 << 20;

/// A file that is being uploaded: what it is called, what it is, and where its bytes come from.
#[derive(Debug)]
pub(crate) struct Source {
    pub(super) about: About,
    pub(super) data: Data,
}

/// What is told of a file besides its bytes.
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

/// What a reader has not given yet.
pub(super) struct Rest {
    reader: BoxReader,
    /// The first part, which is read before anything is sent.
    first: Option<Bytes>,
    announced: Option<u64>,
    read: u64,
    /// How many bytes a part has.
    part: u64,
}

impl Source {
    /// Looks at a file; of a reader, the first part is read. A part has so many bytes, unless those were too many parts.
    pub(crate) async fn open(file: FileInput, part: u64) -> Result<Self, Error> {
        if let Some(text) = file.text_without_scheme() {
            let shown: String = text.chars().take(200).collect();
            let message =
                format!("{shown:?} is neither a URL nor a data URI; for a file on this machine use `FileInput::path`");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let (content, name, declared) = file.into_parts();
        let (data, head, declared) = match content {
            Content::Text(text) => {
                let (content_type, bytes) = data_uri::decode(&text)
                    .ok_or_else(|| Error::new(ErrorKind::InvalidInput, "the file is a data URI that is none"))?;
                let declared = declared.unwrap_or(content_type);
                (Data::Whole(Payload::Bytes(bytes)), Bytes::new(), Some(declared))
            }
            Content::Bytes(bytes) => (Data::Whole(Payload::Bytes(bytes.clone())), bytes, declared),
            Content::Path(path) => {
                let (payload, head) = Payload::open(&path, content_type::HEAD_BYTES).await?;
                (Data::Whole(payload), head, declared)
            }
            Content::Reader(reader) => {
                let (data, head) = Rest::begin(&reader, part).await?;
                (data, head, declared)
            }
            #[cfg(feature = "image")]
            Content::Image(image) => {
                let bytes = png(image).await?;
                (Data::Whole(Payload::Bytes(bytes)), Bytes::new(), Some(declared.unwrap_or("image/png".to_owned())))
            }
        };
        let head = &head[..head.len().min(content_type::HEAD_BYTES)];
        let content_type = content_type::detect(declared.as_deref(), name.as_deref(), head).to_owned();
        // On every way it is said in a header, somewhere and some time.
        header_value(&content_type).map_err(|error| error.context("the media type of a file"))?;
        Ok(Source { about: About { name, content_type }, data })
    }

    /// How many bytes it has, if that is known.
    pub(crate) fn length(&self) -> Option<u64> {
        match &self.data {
            Data::Whole(payload) => Some(payload.len()),
            Data::Rest(rest) => rest.announced,
        }
    }

    /// How many bytes were sent, once all were.
    pub(super) fn sent(&self) -> u64 {
        match &self.data {
            Data::Whole(payload) => payload.len(),
            Data::Rest(rest) => rest.read,
        }
    }

    /// Whether it can still be sent from its beginning.
    pub(super) fn is_whole(&self) -> bool {
        match &self.data {
            Data::Whole(_) => true,
            Data::Rest(rest) => rest.first.is_some(),
        }
    }

    /// The file as a data URI.
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
    /// Reads the first part. Where that is all, it is bytes like any other.
    async fn begin(reader: &OnceReader, part: u64) -> Result<(Data, Bytes), Error> {
        let announced = reader.length();
        let part = announced.map_or(part, |length| part_size(part, length));
        let reader = reader.take().ok_or_else(|| {
            let message =
                "the reader of a file was read before; a reader can be read once, make a new one for every call";
            Error::new(ErrorKind::File, message)
        })?;
        let mut rest = Rest { reader, first: None, announced, read: 0, part };
        let first = rest.read(part).await?;
        let head = first.clone();
        if (first.len() as u64) < part {
            rest.end()?;
            return Ok((Data::Whole(Payload::Bytes(first)), head));
        }
        rest.first = Some(first);
        Ok((Data::Rest(rest), head))
    }

    /// How many bytes a part has.
    pub(super) fn part(&self) -> u64 {
        self.part
    }

    /// The next part; the last one may have fewer bytes than the others, and there is none of 0.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        let bytes = self.read(self.part).await?;
        if (bytes.len() as u64) < self.part {
            self.end()?;
        }
        Ok((!bytes.is_empty()).then_some(bytes))
    }

    /// Reads until there are so many bytes, or no more.
    async fn read(&mut self, wanted: u64) -> Result<Bytes, Error> {
        // A reader that has filled one part is believed to fill the next one.
        let trusted = if self.read > 0 { wanted } else { wanted.min(MAX_PREALLOCATION) };
        let mut bytes = Vec::with_capacity(trusted as usize);
        let mut reader = (&mut self.reader).take(wanted);
        loop {
            if bytes.len() == bytes.capacity() {
                let more = (bytes.len() as u64).min(wanted - bytes.len() as u64);
                if more == 0 {
                    break;
                }
                bytes.reserve_exact(more as usize);
            }
            let read = reader.read_buf(&mut bytes).await.map_err(|error| {
                Error::new(ErrorKind::File, format!("the reader of a file failed: {error}")).caused_by(error)
            })?;
            if read == 0 {
                break;
            }
        }
        self.read += bytes.len() as u64;
        match self.announced {
            Some(announced) if self.read > announced => Err(self.misannounced(announced, "more than")),
            _ => Ok(bytes.into()),
        }
    }

    fn end(&self) -> Result<(), Error> {
        match self.announced {
            Some(announced) if announced != self.read => Err(self.misannounced(announced, "fewer than")),
            _ => Ok(()),
        }
    }

    fn misannounced(&self, announced: u64, how: &str) -> Error {
        let message =
            format!("the reader of a file gave {} bytes, {how} the {announced} it was said to give", self.read);
        Error::new(ErrorKind::File, message)
    }
}

impl std::fmt::Debug for Rest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rest").field("announced", &self.announced).field("read", &self.read).finish_non_exhaustive()
    }
}

/// An image as PNG, in the pixel format that is next to its own.
#[cfg(feature = "image")]
async fn png(image: Arc<image::DynamicImage>) -> Result<Bytes, Error> {
    use image::{DynamicImage, ImageFormat};

    let encode = move || {
        let mut png = std::io::Cursor::new(Vec::new());
        match &*image {
            // PNG has no floating point numbers.
            DynamicImage::ImageRgb32F(_) => DynamicImage::from(image.to_rgb16()).write_to(&mut png, ImageFormat::Png),
            DynamicImage::ImageRgba32F(_) => DynamicImage::from(image.to_rgba16()).write_to(&mut png, ImageFormat::Png),
            _ => image.write_to(&mut png, ImageFormat::Png),
        }
        .map(|()| Bytes::from(png.into_inner()))
    };
    // A large image takes a while, in which others must not wait.
    let encoded = tokio::task::spawn_blocking(encode)
        .await
        .map_err(|error| Error::new(ErrorKind::File, "the image cannot be encoded as PNG").caused_by(error))?;
    encoded.map_err(|error| {
        Error::new(ErrorKind::File, format!("the image cannot be encoded as PNG: {error}")).caused_by(error)
    })
}
