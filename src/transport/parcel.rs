//! Requests to file storage.

use std::sync::Arc;

use http::header::{ACCEPT, CONTENT_LENGTH, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method};
use url::Url;

use super::attempts::Attempts;
use super::body;
use super::context::Context;
use super::meter::{AttemptMeter, Meter, MeteredAttempt};
use super::payload::Payload;
use super::request::Operation;
use super::send::{AGENT, redirected};
use crate::error::Error;
use crate::protocol::RawResponse;
use crate::text::learn_url;

/// A request to file storage. It never has the key: its headers have a storage token, or its URL is signed.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    /// The name of the request in logs and errors.
    pub(crate) name: &'static str,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Payload,
    /// Counts the payload's bytes if they belong to a file.
    pub(crate) meter: Option<Arc<Meter>>,
}

impl Parcel {
    /// Creates a parcel without a payload.
    pub(crate) fn new(name: &'static str, method: Method, url: Url, headers: HeaderMap) -> Self {
        Parcel { name, method, url, headers, payload: Payload::empty(), meter: None }
    }

    /// Adds a file, or a part of one, whose bytes are counted.
    pub(crate) fn with_file(self, payload: Payload, meter: &Arc<Meter>) -> Self {
        Parcel { payload, meter: Some(Arc::clone(meter)), ..self }
    }
}

/// Sends a parcel until it succeeds or the retry policy ends the attempts.
pub(crate) async fn deliver(context: &Context, parcel: &Parcel) -> Result<RawResponse, Error> {
    learn_url(&parcel.url);
    let meter = parcel.meter.clone().unwrap_or_default();
    let mut attempts = Attempts::keyless(context, Operation::Storage(parcel.name), &parcel.url);
    loop {
        let attempt = MeteredAttempt::new(&meter);
        match try_once(context, parcel, &attempt.0).await {
            Ok(response) => {
                attempt.keep();
                return Ok(attempts.succeeded(response));
            }
            Err(error) => match attempt.take_local_error() {
                Some(error) => return Err(error),
                None => {
                    drop(attempt);
                    attempts.failed(error).await?;
                }
            },
        }
    }
}

async fn try_once(context: &Context, parcel: &Parcel, meter: &Arc<AttemptMeter>) -> Result<RawResponse, Error> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(parcel.payload.len()));
    headers.extend(parcel.headers.clone());
    let request = context.http.request(parcel.method.clone(), parcel.url.clone()).headers(headers);
    let request = request.body(parcel.payload.body(Arc::clone(meter)));
    let response =
        while_uploading(context, parcel, meter, async { request.send().await.map_err(Error::transport) }).await?;
    let limit = body::limit(context, Operation::Storage(parcel.name));
    let response = body::whole(response, limit, context.timeouts.idle).await?;
    let host = parcel.url.host_str().unwrap_or("the storage");
    match response.status {
        status if status.is_success() => Ok(response),
        status if status.is_redirection() => Err(redirected(host, response)),
        _ => Err(Error::storage(host, response)),
    }
}

/// Waits for the response. The upload of the body may take any time as long as it makes progress.
async fn while_uploading<T>(
    context: &Context,
    parcel: &Parcel,
    meter: &AttemptMeter,
    response: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let mut response = std::pin::pin!(response);
    loop {
        let (bytes, moved) = meter.progress();
        let is_sent = bytes == parcel.payload.len();
        let limit = if is_sent { context.timeouts.response } else { context.timeouts.idle };
        // A limit beyond the clock's range never expires.
        let Some(until) = moved.checked_add(limit) else { return response.await };
        match tokio::time::timeout_at(until, response.as_mut()).await {
            Ok(response) => return response,
            Err(_) if meter.progress() == (bytes, moved) => return Err(Error::timeout(parcel.name, limit)),
            Err(_) => {}
        }
    }
}
