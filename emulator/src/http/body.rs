use std::io;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::storage::content::Blob;

/// The most bytes that a body may have that is no file. Files in data URIs make bodies large.
pub(crate) const MAX_BYTES: usize = 64 << 20;

/// Reads a body to its end; none if it has more than [`MAX_BYTES`]. What is too much is read and dropped, so that the
/// sender is there for the answer. The error is that of a sender who went away.
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

/// Reads a body to its end into a blob. What cannot be kept is read and dropped; the inner error says why.
pub(crate) async fn read_file(mut incoming: Incoming, mut blob: Blob) -> Result<io::Result<Blob>, hyper::Error> {
    let mut kept = Ok(());
    while let Some(frame) = incoming.frame().await {
        if let (Ok(data), Ok(())) = (frame?.into_data(), &kept) {
            kept = blob.append(&data);
        }
    }
    Ok(kept.map(|()| blob))
}

/// Reads so many bytes of a body, or all of a shorter one, and gives what is left.
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
