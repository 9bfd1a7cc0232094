use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use url::Url;

use super::attempts::Attempts;
use super::context::Context;
use super::request::{Operation, Request};
use super::time_limit::within;
use crate::error::Error;
use crate::protocol::RawResponse;

pub(super) const AGENT: &str = concat!("fal-client/", env!("CARGO_PKG_VERSION"), " (rust)");

/// The name in errors of the hosts that receive the key.
const FAL: &str = "fal";

/// Maximum bytes allocated in advance because of a `Content-Length`.
const MAX_PREALLOCATION: u64 = 16 << 20;

/// Maximum bytes kept of the body of an error. Bodies of successful responses have no limit.
const MAX_ERROR_BODY: usize = 16 << 20;

/// Sends a request until it succeeds or the retry policy ends the attempts.
pub(crate) async fn send(context: &Context, request: &Request) -> Result<RawResponse, Error> {
    let mut attempts = Attempts::new(context, request)?;
    loop {
        request.may_have_arrived.store(true, Ordering::Relaxed);
        match whole(context, request, attempts.url()).await {
            Ok(response) => return Ok(attempts.succeeded(response)),
            Err(error) => {
                request.may_have_arrived.store(false, Ordering::Relaxed);
                attempts.failed(error).await?;
                // Lets a caller that gave up notice this even if there was no delay.
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Sends a request until a response begins with a success status. The caller reads the body.
pub(crate) async fn open(context: &Context, request: &Request) -> Result<reqwest::Response, Error> {
    let mut attempts = Attempts::new(context, request)?;
    loop {
        match head(context, request, attempts.url()).await {
            Ok(response) => return Ok(attempts.succeeded(response)),
            Err(error) => attempts.failed(error).await?,
        }
    }
}

/// Sends a request once and reads the response, if it is successful.
async fn whole(context: &Context, request: &Request, url: &Url) -> Result<RawResponse, Error> {
    let response = whole_body(exchange(context, request, url).await?, context.timeouts.idle).await?;
    if response.status.is_success() { Ok(response) } else { Err(response_error(FAL, response)) }
}

/// Sends a request once and returns the response with an unread body, if it is successful.
async fn head(context: &Context, request: &Request, url: &Url) -> Result<reqwest::Response, Error> {
    let response = exchange(context, request, url).await?;
    if response.status().is_success() {
        Ok(response)
    } else {
        Err(response_error(FAL, whole_body(response, context.timeouts.idle).await?))
    }
}

/// Sends a request once and returns the response with an unread body.
async fn exchange(context: &Context, request: &Request, url: &Url) -> Result<reqwest::Response, Error> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static(accept(request.operation)));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    if request.body.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    headers.extend(context.headers.clone());
    headers.extend(request.headers.clone());
    if let Some(authorization) = context.credentials.authorization().await? {
        headers.insert(AUTHORIZATION, authorization);
    }
    let mut outgoing = context.http.request(request.method.clone(), url.clone()).headers(headers);
    if let Some(body) = &request.body {
        outgoing = outgoing.body(body.clone());
    }
    let sent = async { outgoing.send().await.map_err(Error::transport) };
    within(context.timeouts.response(request.operation), request.operation.name(), sent).await
}

fn accept(operation: Operation) -> &'static str {
    match operation {
        Operation::StatusStream => "text/event-stream",
        _ => "application/json",
    }
}

/// Reads a response's body, of an error at most [`MAX_ERROR_BODY`]. If the connection is lost, the error has the
/// request id from the headers.
pub(super) async fn whole_body(mut response: reqwest::Response, idle: Duration) -> Result<RawResponse, Error> {
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    let mut whole = RawResponse { status, headers, body: Bytes::new() };
    match body(&mut response, &whole, idle).await {
        Ok(body) => {
            whole.body = body;
            Ok(whole)
        }
        Err(error) => Err(match whole.request_id() {
            Some(request_id) => error.with_request_id(&request_id),
            None => error,
        }),
    }
}

async fn body(response: &mut reqwest::Response, head: &RawResponse, idle: Duration) -> Result<Bytes, Error> {
    // Most bodies arrive as one chunk, which is not copied.
    let first = chunk(response, idle).await?.unwrap_or_default();
    let Some(second) = chunk(response, idle).await? else { return Ok(first) };
    let length = head.header(CONTENT_LENGTH.as_str()).and_then(|length| length.parse().ok());
    let mut body = BytesMut::with_capacity(length.unwrap_or(0).min(MAX_PREALLOCATION) as usize);
    body.extend_from_slice(&first);
    body.extend_from_slice(&second);
    let limit = if head.status.is_success() { usize::MAX } else { MAX_ERROR_BODY };
    while body.len() < limit
        && let Some(chunk) = chunk(response, idle).await?
    {
        body.extend_from_slice(&chunk);
    }
    body.truncate(limit);
    Ok(Bytes::from(body))
}

/// Returns the next chunk of a body, or `None` after the last.
pub(super) async fn chunk(response: &mut reqwest::Response, idle: Duration) -> Result<Option<Bytes>, Error> {
    within(Some(idle), "reading the response", async { response.chunk().await.map_err(Error::transport) }).await
}

/// Creates the error of an unsuccessful response. Redirects are not followed because they would receive the key.
pub(super) fn response_error(host: &str, response: RawResponse) -> Error {
    if response.status.is_redirection() {
        // The query may contain a signature.
        let target = response.header(LOCATION.as_str()).and_then(|target| target.split(['?', '#']).next());
        let target = target.unwrap_or("an unknown location");
        let message = format!("{host} returned {}, a redirect to {target}, which is not followed", response.status);
        return Error::unexpected(message, response);
    }
    Error::service(host, response)
}
