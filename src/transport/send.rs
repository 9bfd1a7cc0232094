use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use url::Url;

use super::context::Context;
use super::request::{Operation, Request};
use super::tries::Tries;
use crate::error::Error;
use crate::protocol::Answer;

pub(super) const AGENT: &str = concat!("fal-client/", env!("CARGO_PKG_VERSION"), " (rust)");

/// What answers where the key goes, as errors call it.
const FAL: &str = "fal";

/// How much memory is set aside for a body on the word of its `Content-Length`.
const TRUSTED_LENGTH: u64 = 16 << 20;

/// How much of a body is kept that comes with an error, in bytes. What a model made is taken whole.
const LONGEST_REFUSAL: usize = 16 << 20;

/// Sends a request until it is answered with success, or the policy says that it is enough.
pub(crate) async fn send(context: &Context, request: &Request) -> Result<Answer, Error> {
    let mut tries = Tries::new(context, request)?;
    loop {
        request.is_out.store(true, Ordering::Relaxed);
        match whole(context, request, tries.url()).await {
            Ok(answer) => return Ok(tries.got_through(answer)),
            Err(error) => {
                request.is_out.store(false, Ordering::Relaxed);
                tries.failed(error).await?;
                // Whoever has given the request up notices, even where there is no pause.
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Sends a request until its answer begins with success; the body is the caller's to read.
pub(crate) async fn open(context: &Context, request: &Request) -> Result<reqwest::Response, Error> {
    let mut tries = Tries::new(context, request)?;
    loop {
        match head(context, request, tries.url()).await {
            Ok(response) => return Ok(tries.got_through(response)),
            Err(error) => tries.failed(error).await?,
        }
    }
}

/// One request and its whole answer, if that is a success.
async fn whole(context: &Context, request: &Request, url: &Url) -> Result<Answer, Error> {
    let answer = whole_body(exchange(context, request, url).await?, context.timeouts.idle).await?;
    if answer.status.is_success() { Ok(answer) } else { Err(refusal(FAL, answer)) }
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
    let answer = async { outgoing.send().await.map_err(Error::transport) };
    within(context.timeouts.answer(request.operation), request.operation.name(), answer).await
}

fn accept(operation: Operation) -> &'static str {
    match operation {
        Operation::StatusStream => "text/event-stream",
        _ => "application/json",
    }
}

/// Reads the body of an answer: all of a success, and of an error as much as it is worth. If it breaks off, the error has
/// the request's id, where the head told it.
pub(super) async fn whole_body(mut response: reqwest::Response, idle: Duration) -> Result<Answer, Error> {
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    let mut answer = Answer { status, headers, body: Bytes::new() };
    match body(&mut response, &answer, idle).await {
        Ok(body) => {
            answer.body = body;
            Ok(answer)
        }
        Err(error) => Err(match answer.request_id() {
            Some(request_id) => error.of_request(&request_id),
            None => error,
        }),
    }
}

async fn body(response: &mut reqwest::Response, answer: &Answer, idle: Duration) -> Result<Bytes, Error> {
    // Most answers come in one piece, which is taken as it is.
    let first = chunk(response, idle).await?.unwrap_or_default();
    let Some(second) = chunk(response, idle).await? else { return Ok(first) };
    let length = answer.header(CONTENT_LENGTH.as_str()).and_then(|length| length.parse().ok());
    let mut body = BytesMut::with_capacity(length.unwrap_or(0).min(TRUSTED_LENGTH) as usize);
    body.extend_from_slice(&first);
    body.extend_from_slice(&second);
    let longest = if answer.status.is_success() { usize::MAX } else { LONGEST_REFUSAL };
    while body.len() < longest
        && let Some(chunk) = chunk(response, idle).await?
    {
        body.extend_from_slice(&chunk);
    }
    body.truncate(longest);
    Ok(Bytes::from(body))
}

/// The next piece of a body; `None` after the last.
pub(super) async fn chunk(response: &mut reqwest::Response, idle: Duration) -> Result<Option<Bytes>, Error> {
    within(Some(idle), "reading the answer", async { response.chunk().await.map_err(Error::transport) }).await
}

pub(super) async fn within<T>(
    limit: Option<Duration>,
    what: &str,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let Some(limit) = limit else { return work.await };
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(Error::timeout(what, limit)))
}

/// The error of an answer that is no success. Redirects are not followed: the key would go with them.
pub(super) fn refusal(host: &str, answer: Answer) -> Error {
    if answer.status.is_redirection() {
        // What follows may be a signature.
        let target = answer.header(LOCATION.as_str()).and_then(|target| target.split(['?', '#']).next());
        let target = target.unwrap_or("nowhere");
        let message = format!("{host} answered {} with a redirect to {target}, which is not followed", answer.status);
        return Error::unexpected(message, answer);
    }
    Error::service(host, answer)
}
