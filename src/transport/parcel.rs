use std::sync::Arc;

use http::header::{ACCEPT, CONTENT_LENGTH, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method};
use url::Url;

use super::attempts::Attempts;
use super::context::Context;
use super::meter::{AttemptMeter, Meter, MeteredAttempt};
use super::payload::Payload;
use super::request::Operation;
use super::send::{AGENT, refusal, whole_body};
use crate::error::Error;
use crate::protocol::RawResponse;

/// A request to where files are stored. It never has the key: either its headers have a token of the storage's own, or
/// its URL is signed.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    /// The word for it in logs and errors.
    pub(crate) what: &'static str,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Payload,
    /// What counts the payload's bytes, where they are a file's.
    pub(crate) meter: Option<Arc<Meter>>,
}

impl Parcel {
    /// A parcel without a payload.
    pub(crate) fn new(what: &'static str, method: Method, url: Url, headers: HeaderMap) -> Self {
        Parcel { what, method, url, headers, payload: Payload::nothing(), meter: None }
    }

    /// The same with a file, or a part of one, whose bytes are counted.
    pub(crate) fn file(self, payload: Payload, meter: &Arc<Meter>) -> Self {
        Parcel { payload, meter: Some(Arc::clone(meter)), ..self }
    }
}

/// Sends a parcel until it is answered with success, or the policy says that it is enough.
pub(crate) async fn deliver(context: &Context, parcel: &Parcel) -> Result<RawResponse, Error> {
    let meter = parcel.meter.clone().unwrap_or_default();
    let mut attempts = Attempts::keyless(context, Operation::Storage(parcel.what), &parcel.url);
    loop {
        let this = MeteredAttempt::new(&meter);
        match carry(context, parcel, &this.0).await {
            Ok(response) => {
                this.keep();
                return Ok(attempts.succeeded(response));
            }
            Err(error) => match this.own_error() {
                Some(error) => return Err(error),
                None => {
                    drop(this);
                    attempts.failed(error).await?;
                }
            },
        }
    }
}

/// One attempt.
async fn carry(context: &Context, parcel: &Parcel, taken: &Arc<AttemptMeter>) -> Result<RawResponse, Error> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(parcel.payload.len()));
    headers.extend(parcel.headers.clone());
    let request = context.http.request(parcel.method.clone(), parcel.url.clone()).headers(headers);
    let request = request.body(parcel.payload.body(Arc::clone(taken)));
    let response = answered(context, parcel, taken, async { request.send().await.map_err(Error::transport) }).await?;
    let response = whole_body(response, context.timeouts.idle).await?;
    if response.status.is_success() {
        Ok(response)
    } else {
        Err(refusal(parcel.url.host_str().unwrap_or("the storage"), response))
    }
}

/// Waits for the answer: however long the body takes, as long as some of it goes.
async fn answered<T>(
    context: &Context,
    parcel: &Parcel,
    taken: &AttemptMeter,
    response: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let mut response = std::pin::pin!(response);
    loop {
        let (bytes, moved) = taken.so_far();
        let all = bytes == parcel.payload.len();
        let limit = if all { context.timeouts.response } else { context.timeouts.idle };
        // A limit beyond what the clock can hold is none.
        let Some(until) = moved.checked_add(limit) else { return response.await };
        match tokio::time::timeout_at(until, response.as_mut()).await {
            Ok(response) => return response,
            Err(_) if taken.so_far() == (bytes, moved) => return Err(Error::timeout(parcel.what, limit)),
            Err(_) => {}
        }
    }
}
