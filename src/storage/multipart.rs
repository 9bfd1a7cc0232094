//! Multipart uploads: cutting a file into parts, sending them concurrently, and completing the upload.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::policy::{MAX_PARTS, part_size};
use super::source::{Data, Rest};
use super::uploader::Uploader;
use crate::error::{Error, ErrorKind};
use crate::protocol::RawResponse;
use crate::transport::{Parcel, Payload};

/// The name of the upload of a part in logs and errors.
pub(super) const PART: &str = "upload of a part";

/// A part of a file, numbered from 1.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) number: u32,
    pub(super) payload: Payload,
}

/// An uploaded part with its ETag, which completes the upload.
#[derive(Debug)]
pub(super) struct SentPart {
    pub(super) number: u32,
    pub(super) etag: String,
}

/// Sends all parts concurrently. Returns them ordered by number.
// No type parameter, so that it is compiled once.
pub(super) async fn send_parts<'a>(
    uploader: &Uploader<'_>,
    data: &mut Data,
    send_part: &mut (dyn FnMut(Part) -> BoxFuture<'a, Result<SentPart, Error>> + Send),
) -> Result<Vec<SentPart>, Error> {
    let parts: BoxStream<'_, Result<Part, Error>> = match data {
        Data::Whole(payload) => stream::iter(cut_parts(payload, uploader.policy.part_size)).map(Ok).boxed(),
        Data::Rest(rest) => read_parts(rest).boxed(),
    };
    let mut sent: Vec<SentPart> =
        parts.map_ok(send_part).try_buffer_unordered(uploader.policy.parallel_parts).try_collect().await?;
    sent.sort_by_key(|part| part.number);
    Ok(sent)
}

/// Cuts a payload into parts.
fn cut_parts(payload: &Payload, size: u64) -> impl Iterator<Item = Part> + Send {
    let length = payload.len();
    let size = part_size(size, length);
    let payload = payload.clone();
    // The numbers fit into 32 bits: there are at most `MAX_PARTS` parts.
    (1_u32..).zip(0..length.div_ceil(size)).map(move |(number, index)| {
        let start = index * size;
        let payload = payload.slice(start, size.min(length - start));
        Part { number, payload }
    })
}

/// Reads the parts of a reader. Each stays in memory until it is sent, because it may have to be sent again.
fn read_parts(rest: &mut Rest) -> impl futures_core::Stream<Item = Result<Part, Error>> + Send {
    stream::try_unfold((rest, 1_u32), move |(rest, number)| async move {
        let part = rest.next().await?;
        if part.is_some() && u64::from(number) > MAX_PARTS {
            let message = format!(
                "a file's reader exceeds the maximum of {MAX_PARTS} parts of {} bytes: declare its length, or increase \
                 `part_size`",
                rest.part_size()
            );
            return Err(Error::new(ErrorKind::File, message));
        }
        Ok(part.map(|bytes: Bytes| (Part { number, payload: Payload::Bytes(bytes) }, (rest, number + 1))))
    })
}

/// Takes the ETag of a part from the response's header, or else from its body.
pub(super) fn etag(number: u32, response: RawResponse) -> Result<SentPart, Error> {
    #[derive(Deserialize)]
    struct Body {
        etag: String,
    }

    let in_header = response.header(http::header::ETAG.as_str()).map(str::to_owned);
    let in_body = || serde_json::from_slice::<Body>(&response.body).ok().map(|body| body.etag);
    match in_header.or_else(in_body) {
        Some(etag) => Ok(SentPart { number, etag }),
        None => Err(Error::unexpected(format!("the storage returned no ETag for part {number} of a file"), response)),
    }
}

/// Creates the request that completes an upload: it lists every part in order.
pub(super) fn complete(url: Url, parts: &[SentPart]) -> Parcel {
    let parts: Vec<_> = parts.iter().map(|part| json!({ "partNumber": part.number, "etag": part.etag })).collect();
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let payload = Payload::Bytes(json!({ "parts": parts }).to_string().into());
    Parcel { payload, ..Parcel::new("completion of a multipart upload", Method::POST, url, headers) }
}

/// Appends path segments to a URL. Keeps the query, which may contain a signature.
pub(super) fn url_below(url: &str, segments: &[&str]) -> Option<Url> {
    let mut url = Url::parse(url).ok()?;
    url.path_segments_mut().ok()?.pop_if_empty().extend(segments);
    Some(url)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::super::source::Source;
    use super::*;
    use crate::files::FileInput;

    fn lengths(length: usize, size: u64) -> Vec<(u32, u64)> {
        let payload = Payload::Bytes(vec![0; length].into());
        cut_parts(&payload, size).map(|part| (part.number, part.payload.len())).collect()
    }

    #[test]
    fn files_are_cut_into_equal_parts_except_the_last() {
        assert_eq!(lengths(10, 4), [(1, 4), (2, 4), (3, 2)]);
        assert_eq!(lengths(8, 4), [(1, 4), (2, 4)]);
        assert_eq!(lengths(3, 4), [(1, 3)]);
        assert_eq!(lengths(0, 4), []);
        let (mib, mut expected) = (1 << 20, vec![(10, 1 << 20)]);
        expected.splice(0..0, (1..10).map(|number| (number, 10 << 20)));
        assert_eq!(lengths(91 * mib, 10 << 20), expected);
    }

    #[test]
    fn large_files_have_at_most_10_000_parts() {
        for length in [9_999, 10_000, 10_001, 25_000] {
            let lengths = lengths(length, 1);
            assert!(lengths.len() <= 10_000, "{length}");
            assert_eq!(lengths.iter().map(|(_, part)| part).sum::<u64>(), length as u64);
        }
    }

    #[tokio::test]
    async fn readers_have_at_most_10_000_parts() {
        for (length, declared, parts) in
            [(10_000, None, Ok(10_000)), (10_001, None, Err(10_000)), (25_000, Some(25_000), Ok(8_334))]
        {
            let file = FileInput::reader(tokio::io::repeat(7).take(length), declared);
            let source = Source::open(file, 1).await.expect("a file that can be read");
            let Data::Rest(mut rest) = source.data else { panic!("{length} bytes are more than a part") };
            let (mut sent, mut bytes) = (0, 0);
            let read = read_parts(&mut rest).try_for_each(|part| {
                (sent, bytes) = (sent + 1, bytes + part.payload.len());
                std::future::ready(Ok(()))
            });
            match (read.await, parts) {
                (Ok(()), Ok(parts)) => assert_eq!((sent, bytes), (parts, length)),
                (Err(error), Err(parts)) => {
                    assert!(sent == parts && error.to_string().contains("`part_size`"), "{error}");
                }
                (read, _) => panic!("{length} {declared:?}: {read:?}"),
            }
        }
    }

    #[test]
    fn appended_segments_keep_the_signature() {
        let url = url_below("https://v3.fal.media/files/x?token=T", &["multipart", "U 1", "2"]).expect("a URL");
        assert_eq!(url.as_str(), "https://v3.fal.media/files/x/multipart/U%201/2?token=T");
        assert!(url_below("data:,x", &["a"]).is_none());
    }
}
