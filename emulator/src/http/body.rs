use std::io;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::storage::content::Blob;

/// The most bytes of a body that is not an uploaded file. Data URIs make JSON bodies large.
pub(crate) const MAX_BYTES: usize = 64 << 20;

/// Reads a body to its end, and returns `None` if it exceeds [`MAX_BYTES`]. The excess is read and dropped, because a
/// client that is still sending would miss the response. Fails if the client disconnects.
pub(crate) async fn read(mut incoming: Incoming) -> Result<Option<Bytes>, hyper::Error> {
    let mut bytes = Vec::new();
    let mut size = 0_usize;
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        size = size.saturating_add(data.len());
        if size <= MAX_BYTES {
            bytes.extend_from_slice(&data);
        } else {
            bytes = Vec::new();
        }
    }
    Ok((size <= MAX_BYTES).then(|| bytes.into()))
}

/// Reads a body to its end into a blob. The inner error says why it cannot be stored, and the rest of the body is
/// dropped.
pub(crate) async fn read_file(mut incoming: Incoming, mut blob: Blob) -> Result<io::Result<Blob>, hyper::Error> {
    let mut kept = Ok(());
    while let Some(frame) = incoming.frame().await {
        if let (Ok(data), Ok(())) = (frame?.into_data(), &kept) {
            kept = blob.append(&data);
        }
    }
    Ok(kept.map(|()| blob))
}

/// Reads `bytes` bytes of a body, or all of a shorter one, and returns the rest.
pub(crate) async fn read_some(mut incoming: Incoming, bytes: usize) -> Incoming {
    let mut left = bytes;
    while left > 0 {
        match incoming.frame().await {
            Some(Ok(frame)) => left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len)),
            _ => break,
        }
    }
    incoming
}
