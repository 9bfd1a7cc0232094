use std::pin::pin;
use std::sync::atomic::Ordering;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method};
use url::Url;

use super::attempts::Attempts;
use super::body;
use super::context::Context;
use super::headers::{TARGET_URL, header_value};
use super::noticed_body::NoticedBody;
use super::request::{Operation, Request};
use super::runtime::check_runtime;
use super::time_limit::within;
use crate::error::{Error, Sender};
use crate::protocol::RawResponse;

/// Room for the headers of a request without options.
const MAX_USUAL_HEADERS: usize = 8;

pub(crate) const AGENT: &str = concat!("fal-client/", env!("CARGO_PKG_VERSION"), " (rust)");

/// Sends a request until it succeeds or the retry policy ends the attempts.
pub(crate) async fn send(context: &Context, request: &Request) -> Result<RawResponse, Error> {
    check_runtime()?;
    let mut attempts = Attempts::new(context, request)?;
    loop {
        match whole(context, request, attempts.url()).await {
            Ok(response) => return Ok(attempts.succeeded(response)),
            Err(error) => {
                attempts.failed(unsent(request, error)).await?;
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
            Err(error) => attempts.failed(unsent(request, error)).await?,
        }
        tokio::task::yield_now().await;
    }
}

/// Notes that an attempt has failed, and that nothing of the request is in transit.
fn unsent(request: &Request, error: Error) -> Error {
    request.may_have_arrived.store(false, Ordering::Relaxed);
    let query: Vec<_> = request.url.query_pairs().map(|(_, value)| value).collect();
    let query = serde_json::to_vec(&query).unwrap_or_default();
    error.without_echo(request.body.as_deref().unwrap_or_default()).without_echo(&query)
}

/// Sends a request once and reads the response, if it is successful.
async fn whole(context: &Context, request: &Request, url: &Url) -> Result<RawResponse, Error> {
    let response = exchange(context, request, url).await?;
    let response = body::whole(response, body::limit(context, request.operation), context.timeouts.idle).await?;
    if response.status.is_success() { Ok(response) } else { Err(keyed_error(context, request, response)) }
}

/// Sends a request once and returns the response with an unread body, if it is successful.
async fn head(context: &Context, request: &Request, url: &Url) -> Result<reqwest::Response, Error> {
    let response = exchange(context, request, url).await?;
    if response.status().is_success() {
        Ok(response)
    } else {
        let limit = body::limit(context, request.operation);
        Err(keyed_error(context, request, body::whole(response, limit, context.timeouts.idle).await?))
    }
}

/// Sends a request once and returns the response with an unread body.
async fn exchange(context: &Context, request: &Request, url: &Url) -> Result<reqwest::Response, Error> {
    let mut headers = HeaderMap::with_capacity(MAX_USUAL_HEADERS);
    headers.insert(ACCEPT, HeaderValue::from_static(accept(request.operation)));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    if request.body.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    for (name, value) in context.headers.iter().chain(&request.headers) {
        headers.insert(name.clone(), value.clone());
    }
    let mut outgoing = keyed(context, request.method.clone(), &request.url, url, headers).await?;
    match &request.body {
        Some(body) => {
            let body = NoticedBody::new(body.clone(), &request.may_have_arrived);
            *outgoing.body_mut() = Some(reqwest::Body::wrap(body));
        }
        None => announce_no_body(&mut outgoing),
    }
    let sent = pin!(async { context.http.execute(outgoing).await.map_err(Error::transport) });
    within(context.timeouts.response(request.operation), request.operation.name(), sent).await
}

/// Requests a URL once, without the key, and returns the response with an unread body, whatever its status.
pub(crate) async fn probe(context: &Context, url: &Url) -> Result<reqwest::Response, Error> {
    let request = context.http.get(url.clone()).header(USER_AGENT, AGENT);
    let sent = async { request.send().await.map_err(Error::transport) };
    let response = within(Some(context.timeouts.response), "probe", sent).await;
    response.map_err(|error| context.proxies.explain(url, error))
}

/// Announces that a request has no body, as fal's own clients do. Servers may refuse a PUT of unknown length.
pub(crate) fn announce_no_body(request: &mut reqwest::Request) {
    if *request.method() == Method::PUT {
        request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
}

/// Creates a request with the key. `at` is where it goes: to its URL, to the backup host or to the server proxy.
pub(crate) async fn keyed(
    context: &Context,
    method: Method,
    url: &Url,
    at: &Url,
    mut headers: HeaderMap,
) -> Result<reqwest::Request, Error> {
    if context.proxy_url.is_some() {
        headers.insert(TARGET_URL, header_value(url.as_str())?);
    }
    if let Some(authorization) = context.credentials.authorization().await? {
        headers.insert(AUTHORIZATION, authorization);
    }
    let mut request = reqwest::Request::new(method, at.clone());
    *request.headers_mut() = headers;
    Ok(request)
}

fn accept(operation: Operation) -> &'static str {
    match operation {
        Operation::Stream { .. } | Operation::StatusStream => "text/event-stream",
        _ => "application/json",
    }
}

/// Creates the error of an unsuccessful response to a request with the key.
pub(crate) fn keyed_error(context: &Context, request: &Request, response: RawResponse) -> Error {
    if response.status.is_redirection() {
        return redirected("fal", response);
    }
    let input = request.body.as_deref().unwrap_or_default();
    let of_model = request.operation.is_of_model();
    let error = Error::keyed(response, of_model, input, sender(context));
    if of_model && error.is_about_lost_file() {
        context.lost_files.fetch_add(1, Ordering::Relaxed);
    }
    error
}

pub(super) fn sender(context: &Context) -> Sender {
    match context.proxy_url {
        Some(_) => Sender::ThroughProxy,
        None if context.credentials.are_anonymous() => Sender::Anonymous,
        None => Sender::WithKey,
    }
}

/// Creates the error of a redirect. It is not followed because its target would receive the key or a token.
pub(super) fn redirected(host: &str, response: RawResponse) -> Error {
    // The query may contain a signature.
    let target = response.header(LOCATION.as_str()).and_then(|target| target.split(['?', '#']).next());
    let target = target.unwrap_or("an unknown location");
    let message = format!("{host} returned {}, a redirect to {target}, which is not followed", response.status);
    Error::unexpected(message, response)
}
