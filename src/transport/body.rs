//! The bodies of responses. Each is read up to a limit, because a host could send without end.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use tokio::time::Instant;

use super::context::Context;
use super::request::Operation;
use super::time_limit::within;
use crate::error::{Error, ErrorKind};
use crate::protocol::RawResponse;

/// Maximum bytes of a response that controls something: a submission, a status, a cancellation, a token, an upload. They
/// have a few hundred bytes, or some megabytes of log lines.
const MAX_CONTROL: usize = 16 << 20;

/// Maximum bytes kept of the body of an error.
const MAX_ERROR: usize = 16 << 20;

/// Maximum bytes allocated because of a `Content-Length` alone. Beyond it, a host must send as much as it makes us allocate.
const MAX_PREALLOCATION: usize = 16 << 20;

/// Returns the maximum size of a successful response.
pub(super) fn limit(context: &Context, operation: Operation) -> usize {
    match operation {
        Operation::Run | Operation::Result => context.max_output,
        // A page may have the inputs and outputs of a hundred requests.
        #[cfg(feature = "platform")]
        Operation::Platform(_) => context.max_output,
        _ => MAX_CONTROL,
    }
}

/// Reads the whole body of a response, of an unsuccessful one only the beginning.
///
/// # Errors
///
/// The connection is lost, the body exceeds `limit`, or it has a content encoding. The error has the request id from the
/// headers.
pub(crate) async fn whole(mut response: reqwest::Response, limit: usize, idle: Duration) -> Result<RawResponse, Error> {
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    let mut whole = RawResponse { status, headers, body: Bytes::new() };
    let body = match status.is_success() {
        true => up_to(&mut response, &whole, limit, idle).await,
        false => beginning(&mut response, MAX_ERROR, idle).await,
    };
    match body {
        Ok(body) => {
            whole.body = body;
            unencoded(whole)
        }
        Err(error) => Err(match whole.request_id() {
            Some(request_id) => error.with_request_id(&request_id),
            None => error,
        }),
    }
}

/// Reads at most the first `limit` bytes of a body, and no chunk after the time limit. A body may be a stream without end.
pub(super) async fn beginning(response: &mut reqwest::Response, limit: usize, idle: Duration) -> Result<Bytes, Error> {
    let mut body = BytesMut::new();
    let started = Instant::now();
    while body.len() < limit
        && started.elapsed() < idle
        && let Some(chunk) = chunk(response, idle).await?
    {
        body.extend_from_slice(&chunk);
    }
    body.truncate(limit);
    Ok(body.freeze())
}

/// Returns the next chunk of a body, or `None` after the last.
pub(super) async fn chunk(response: &mut reqwest::Response, idle: Duration) -> Result<Option<Bytes>, Error> {
    within(Some(idle), "reading the response", async { response.chunk().await.map_err(Error::transport) }).await
}

async fn up_to(
    response: &mut reqwest::Response,
    head: &RawResponse,
    limit: usize,
    idle: Duration,
) -> Result<Bytes, Error> {
    let length: Option<u64> = head.header(CONTENT_LENGTH.as_str()).and_then(|length| length.parse().ok());
    if length.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    // Most bodies arrive as one chunk, which is not copied.
    let first = chunk(response, idle).await?.unwrap_or_default();
    let mut next = chunk(response, idle).await?;
    if first.len() > limit {
        return Err(too_large(limit));
    }
    if next.is_none() {
        return Ok(first);
    }
    let length = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let mut body = Vec::with_capacity(length.min(MAX_PREALLOCATION));
    body.extend_from_slice(&first);
    while let Some(chunk) = next {
        let received = body.len() + chunk.len();
        if received > limit {
            return Err(too_large(limit));
        }
        if received > body.capacity() && received <= length {
            // The last of these fits exactly, so that the body takes no more memory than it has bytes.
            body.reserve_exact(length.min(2 * received) - body.len());
        }
        body.extend_from_slice(&chunk);
        next = self::chunk(response, idle).await?;
    }
    Ok(body.into())
}

/// Rejects a successful response with a content encoding. None was requested, and few bytes could unpack to very many.
fn unencoded(response: RawResponse) -> Result<RawResponse, Error> {
    match response.content_encoding().map(|encoding| format!("{encoding:?}")) {
        Some(encoding) if response.status.is_success() => {
            let message = format!("the response has the content encoding {encoding}, which was not requested");
            Err(Error::unexpected(message, response))
        }
        _ => Ok(response),
    }
}

fn too_large(limit: usize) -> Error {
    let message = format!("the response exceeds the limit of {limit} bytes");
    Error::new(ErrorKind::UnexpectedResponse, message)
}
