use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;

/// The most bytes that a body may have. Files in data URIs make bodies large.
pub(crate) const MOST_BYTES: usize = 64 << 20;

/// Reads a body to its end; none if it has more than [`MOST_BYTES`]. What is too much is read and dropped, so that the
/// sender is there for the answer. The error is that of a sender who went away.
pub(crate) async fn read(mut incoming: Incoming) -> Result<Option<Bytes>, hyper::Error> {
    let mut bytes = Vec::new();
    let mut size = 0_usize;
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        size = size.saturating_add(data.len());
        if size <= MOST_BYTES {
            bytes.extend_from_slice(&data);
        } else {
            bytes = Vec::new();
        }
    }
    Ok((size <= MOST_BYTES).then(|| bytes.into()))
}

/// Reads so many bytes of a body, or all of a shorter one.
pub(crate) async fn read_some(mut incoming: Incoming, bytes: usize) {
    let mut left = bytes;
    while left > 0 {
        match incoming.frame().await {
            Some(Ok(frame)) => left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len)),
            _ => return,
        }
    }
}
