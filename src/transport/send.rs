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

/// What answers where the key goes, as errors call it.
const FAL: &str = "fal";

/// How much memory is set aside for a body on the word of its `Content-Length`.
const MAX_PREALLOCATION: u64 = 16 << 20;

/// How much of a body is kept that comes with an error, in bytes. What a model made is taken whole.
const MAX_ERROR_BODY: usize = 16 << 20;

/// Sends a request until it is answered with success, or the policy says that it is enough.
pub(crate) async fn send(context: &Context, request: &Request) -> Result<RawResponse, Error> {
    let mut attempts = Attempts::new(context, request)?;
    loop {
        request.is_out.store(true, Ordering::Relaxed);
        match whole(context, request, attempts.url()).await {
            Ok(response) => return Ok(attempts.succeeded(response)),
            Err(error) => {
                request.is_out.store(false, Ordering::Relaxed);
                attempts.failed(error).await?;
                // Whoever has given the request up notices, even where there is no pause.
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Sends a request until its answer begins with success; the body is the caller's to read.
pub(crate) async fn open(context: &Context, request: &Request) -> Result<reqwest::Response, Error> {
    let mut attempts = Attempts::new(context, request)?;
    loop {
        match head(context, request, attempts.url()).await {
            Ok(response) => return Ok(attempts.succeeded(response)),
            Err(error) => attempts.failed(error).await?,
        }
    }
}

/// One request and its whole answer, if that is a success.
async fn whole(context: &Context, request: &Request, url: &Url) -> Result<RawResponse, Error> {
    let response = whole_body(exchange(context, request, url).await?, context.timeouts.idle).await?;
    if response.status.is_success() { Ok(response) } else { Err(refusal(FAL, response)) }
}

/// One request and the head of its answer, if that is a success.
async fn head(context: &Context, request: &Request, url: &Url) -> Result<reqwest::Response, Error> {
    let response = exchange(context, request, url).await?;
    if response.status().is_success() {
        Ok(response)
    } else {
        Err(refusal(FAL, whole_body(response, context.timeouts.idle).await?))
    }
}

/// One request and the head of its answer.
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

/// Reads a response's body: all of a success, and of an error no more than [`MAX_ERROR_BODY`]. If the connection breaks, the
/// error has the request's id from the headers.
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
    // Most bodies come in one piece, which is not copied.
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

/// The next piece of a body; `None` after the last.
pub(super) async fn chunk(response: &mut reqwest::Response, idle: Duration) -> Result<Option<Bytes>, Error> {
    within(Some(idle), "reading the answer", async { response.chunk().await.map_err(Error::transport) }).await
}

/// The error of an answer that is no success. Redirects are not followed: the key would go with them.
pub(super) fn refusal(host: &str, response: RawResponse) -> Error {
    if response.status.is_redirection() {
        // What follows may be a signature.
        let target = response.header(LOCATION.as_str()).and_then(|target| target.split(['?', '#']).next());
        let target = target.unwrap_or("nowhere");
        let message = format!("{host} answered {} with a redirect to {target}, which is not followed", response.status);
        return Error::unexpected(message, response);
    }
    Error::service(host, response)
}
