//! Measures of files before they are uploaded.

use crate::error::Error;
use crate::files::picture::{self, HEADER_BYTES};
use crate::files::{Content, FileInput, data_uri};
use crate::schema::Measures;
use crate::transport::Payload;

#[cfg(feature = "image")]
use super::source::png;

/// Measures a file without reading all of it. Nothing is known of a URL, and only the declared length of a reader.
pub(crate) async fn measure(file: FileInput) -> Result<Measures, Error> {
    let (content, ..) = file.into_parts();
    Ok(match content {
        Content::Text(text) => match data_uri::decode(&text) {
            Some((_, bytes)) => of_bytes(&bytes),
            None => Measures::default(),
        },
        Content::Bytes(bytes) => of_bytes(&bytes),
        Content::Path(path) => {
            let (payload, header) = Payload::open(&path, HEADER_BYTES).await?;
            Measures { size: Some(payload.len()), sides: picture::sides(&header) }
        }
        Content::Reader(reader) => Measures { size: reader.length(), sides: Vec::new() },
        // The size of an image is known once it is encoded.
        #[cfg(feature = "image")]
        Content::Image(image) => of_bytes(&png(image).await?),
    })
}

fn of_bytes(bytes: &[u8]) -> Measures {
    let header = &bytes[..bytes.len().min(HEADER_BYTES)];
    Measures { size: Some(bytes.len() as u64), sides: picture::sides(header) }
}
