//! The request to fal. It is sent once. Only if no connection can be established, it goes to fal's backup host.

use std::time::Duration;

use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method, StatusCode};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::bodies::Incoming;
use super::operation::Operation;
use super::refusal::Refusal;
use super::target::Target;
use crate::error::{Error, ErrorKind};
use crate::transport::{Context, announce_no_body, backup, keyed};

/// A request that is ready to be forwarded.
pub(super) struct Forwarded<'a> {
    pub(super) context: &'a Context,
    pub(super) target: &'a Target,
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Incoming>,
    pub(super) idle: Duration,
}

impl Forwarded<'_> {
    /// Sends the request, and returns the response with an unread body.
    pub(super) async fn send(&self) -> Result<reqwest::Response, Refusal> {
        let first = self.context.proxy_url.as_ref().unwrap_or(&self.target.url);
        let sent = match (self.send_to(first).await, backup(first)) {
            (Err(error), Some(backup)) if error.kind() == ErrorKind::Connect && self.is_unsent() => {
                tracing::warn!(host = backup.host_str(), "cannot connect to fal; trying its backup host");
                // If neither host is reachable, the error about the first host is more helpful.
                self.send_to(&backup).await.map_err(|second| match second.kind() {
                    ErrorKind::Connect => error,
                    _ => second,
                })
            }
            (sent, _) => sent,
        };
        match sent {
            Ok(response) if response.status().is_redirection() => {
                Err(Refusal::new(StatusCode::BAD_GATEWAY, "fal redirected the request, which is not followed"))
            }
            Ok(response) => Ok(response),
            Err(error) => Err(self.refusal(error.kind())),
        }
    }

    async fn send_to(&self, at: &Url) -> Result<reqwest::Response, Error> {
        let Forwarded { context, target, .. } = self;
        let mut request = keyed(context, self.method.clone(), &target.url, at, self.headers.clone()).await?;
        match &self.body {
            Some(body) => {
                if let Some(length) = body.length {
                    request.headers_mut().insert(CONTENT_LENGTH, length.into());
                }
                *request.body_mut() = Some(reqwest::Body::wrap_stream(body.stream()));
            }
            None => announce_no_body(&mut request),
        }
        let mut sent = std::pin::pin!(context.http.execute(request));
        let mut latest = Instant::now();
        loop {
            let limit = latest.checked_add(self.idle).filter(|_| target.operation != Operation::Run);
            // A run responds when the model is done, and a limit beyond the clock's range never expires.
            let Some(limit) = limit else { return sent.await.map_err(Error::transport) };
            match timeout_at(limit, sent.as_mut()).await {
                Ok(response) => return response.map_err(Error::transport),
                // The limit begins again with each chunk of the body.
                Err(_) => match self.body.as_ref().map(Incoming::latest).filter(|now| *now > latest) {
                    Some(now) => latest = now,
                    None => return Err(Error::timeout("the response of fal", self.idle)),
                },
            }
        }
    }

    /// Returns true if fal has not received any byte of the body, so that nothing can be billed.
    fn is_unsent(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_untouched)
    }

    /// Returns the refusal of a request whose response did not arrive.
    ///
    /// A billable request may have been accepted. Its status is 500, because clients send it again after 502, 503 and 504,
    /// and it would be billed twice.
    pub(super) fn refusal(&self, failure: ErrorKind) -> Refusal {
        if let Some(refusal) = self.body.as_ref().and_then(Incoming::failure) {
            return refusal;
        }
        let is_uncertain = self.target.operation.is_billable() && !self.is_unsent();
        let (status, detail) = match failure {
            ErrorKind::Connect => (StatusCode::BAD_GATEWAY, "the proxy cannot connect to fal"),
            ErrorKind::Timeout => (StatusCode::GATEWAY_TIMEOUT, "fal did not respond in time"),
            ErrorKind::Transport => (StatusCode::BAD_GATEWAY, "the connection to fal was lost"),
            _ => {
                return Refusal::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the proxy is not set up: it has no usable key",
                );
            }
        };
        match is_uncertain {
            true => {
                let detail = format!("{detail}; the request may have been accepted and billed");
                Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
            }
            false => Refusal::new(status, detail).retryable(),
        }
    }
}
