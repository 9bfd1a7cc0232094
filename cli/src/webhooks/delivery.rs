use std::time::{Duration, Instant, SystemTime};

use fal_emulator::webhook::{self, Signer};
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;

use super::event::Event;
use super::target::{Target, reason};

/// The bytes of a response that are read.
const MAX_RESPONSE: usize = 64 << 10;

/// A webhook to deliver.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) event: Event,
    pub(crate) request_id: String,
    pub(crate) body: Vec<u8>,
}

/// The outcome of one attempt.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// The status of the response, or the reason why there is none.
    pub(crate) status: Result<StatusCode, String>,
    /// The beginning of the response body.
    pub(crate) response: Vec<u8>,
    pub(crate) duration: Duration,
}

impl Delivery {
    /// Creates the webhook of a request. `error` is the message of a failure, and `payload` the body of the request's result.
    pub(crate) fn new(request_id: &str, error: Option<&str>, payload: &[u8]) -> Self {
        let body = webhook::body(request_id, error, payload);
        let is_json = || serde_json::from_slice::<serde::de::IgnoredAny>(payload).is_ok();
        let event = match error {
            Some(_) => Event::Error,
            None if is_json() => Event::Ok,
            None => Event::PayloadError,
        };
        Delivery { event, request_id: request_id.to_owned(), body }
    }

    /// Signs the webhook, and posts it. `failed` is the number of attempts before. Redirects are not followed.
    pub(crate) async fn post(&self, target: &Target, signer: &Signer, user_id: &str, failed: usize) -> Attempt {
        let limit = webhook::timeout(failed);
        let headers = signer.headers(&self.request_id, user_id, SystemTime::now(), &self.body);
        let request = target.client.post(target.url.clone()).timeout(limit).header(CONTENT_TYPE, "application/json");
        let request = headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        let started = Instant::now();
        let sent = request.body(self.body.clone()).send().await;
        let (status, response) = match sent {
            Ok(response) => (Ok(response.status()), read(response).await),
            Err(error) if error.is_timeout() => (Err(format!("no response within {} s", limit.as_secs())), Vec::new()),
            Err(error) => (Err(reason(&error)), Vec::new()),
        };
        Attempt { status, response, duration: started.elapsed() }
    }
}

impl Attempt {
    /// Returns true if the receiver has accepted the webhook.
    pub(crate) fn is_accepted(&self) -> bool {
        self.status.as_ref().is_ok_and(StatusCode::is_success)
    }

    /// Returns true if fal would not retry: a redirect is a permanent failure.
    pub(crate) fn is_redirect(&self) -> bool {
        self.status.as_ref().is_ok_and(StatusCode::is_redirection)
    }
}

/// Reads the beginning of a response. The status counts, whatever happens to the rest.
async fn read(mut response: reqwest::Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let left = MAX_RESPONSE - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(left)]);
        if chunk.len() >= left {
            break;
        }
    }
    body
}
