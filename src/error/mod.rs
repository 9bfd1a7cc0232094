//! Errors: what can go wrong, with all that is known of it.

mod attempt;
mod display;
mod kind;
mod validation;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

pub use attempt::Attempt;
pub use kind::ErrorKind;
pub use validation::ValidationError;

use crate::protocol::{Cancellation, ErrorType, Failure, FieldError, InvalidEndpointId, RawResponse};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

const NO_REASON: &str = "it gives no reason";

/// Why a call failed.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// match client.endpoint("fal-ai/flux/dev").run(serde_json::json!({ "prompt": "a fox" })).await {
///     Ok(response) => println!("{}", response.data),
///     Err(error) if error.is_timeout() => eprintln!("try again later: {error}"),
///     Err(error) if !error.field_errors().is_empty() => {
///         for field in error.field_errors() {
///             eprintln!("{}: {}", field.path(), field.msg);
///         }
///     }
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
///
/// It reads as a sentence that has fal's own words in it. What it is about is asked with the predicates
/// ([`is_timeout`](Self::is_timeout), [`is_cancelled`](Self::is_cancelled), [`is_retryable`](Self::is_retryable)) or
/// with [`kind`](Self::kind). Once a request has an id, every error about it carries the id: the result, if there is
/// one, can be fetched later.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
    endpoint: Option<String>,
    request_id: Option<String>,
    response: Option<RawResponse>,
    error_type: Option<ErrorType>,
    field_errors: Vec<FieldError>,
    attempts: Vec<Attempt>,
    cancellation: Option<Cancellation>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            kind,
            message: message.into(),
            source: None,
            endpoint: None,
            request_id: None,
            response: None,
            error_type: None,
            field_errors: Vec::new(),
            attempts: Vec::new(),
            cancellation: None,
        }))
    }

    /// The service, or where a file is, answered with an error.
    pub(crate) fn service(host: &str, response: RawResponse) -> Self {
        let status = response.status();
        let detail = response.detail();
        let reason_given = detail.message.unwrap_or_else(|| NO_REASON.to_owned());
        let reason = status.canonical_reason().map(|reason| format!(" {reason}")).unwrap_or_default();
        let mut error =
            Error::new(ErrorKind::Service, format!("{host} answered {}{reason}: {reason_given}", status.as_u16()));
        error.0.request_id = response.request_id();
        error.0.error_type = response.error_type().map(ErrorType::other);
        error.0.field_errors = detail.field_errors;
        error.0.response = Some(response);
        error
    }

    /// A response does not fit the type that it should have.
    pub(crate) fn unexpected(message: impl Into<String>, response: RawResponse) -> Self {
        let mut error = Error::new(ErrorKind::UnexpectedResponse, message);
        error.0.request_id = response.request_id();
        error.0.response = Some(response);
        error
    }

    /// A request that did not get through.
    pub(crate) fn transport(error: reqwest::Error) -> Self {
        let host = error.url().map_or_else(|| "the host".to_owned(), host_and_port);
        // The URL may have a token in its query.
        let error = error.without_url();
        let (kind, message) = if error.is_connect() {
            (ErrorKind::Connect, format!("{host} cannot be reached"))
        } else if error.is_timeout() {
            (ErrorKind::Timeout, format!("{host} did not answer in time"))
        } else {
            (ErrorKind::Transport, format!("the connection to {host} broke"))
        };
        let message = format!("{message}: {}", innermost(&error));
        Error::new(kind, message).caused_by(error)
    }

    /// Nothing was heard for `limit`.
    pub(crate) fn timeout(what: &str, limit: Duration) -> Self {
        Error::new(ErrorKind::Timeout, format!("{what} took longer than {limit:?}"))
    }

    pub(crate) fn caused_by(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Says what the error is about before it says what it is.
    pub(crate) fn context(mut self, what: impl fmt::Display) -> Self {
        self.0.message = format!("{what}: {}", self.0.message);
        self
    }

    /// Adds what one has to know beside what went wrong.
    pub(crate) fn with_note(mut self, more: &str) -> Self {
        self.0.message.push_str("; ");
        self.0.message.push_str(more);
        self
    }

    pub(crate) fn with_endpoint(mut self, endpoint: &str) -> Self {
        self.0.endpoint.get_or_insert_with(|| endpoint.to_owned());
        self
    }

    /// The id under which the queue knows the request wins over what a header of an answer says.
    pub(crate) fn with_request_id(mut self, request_id: &str) -> Self {
        self.0.request_id = Some(request_id.to_owned());
        self
    }

    /// What the queue says of a failure, where the answer does not say it.
    pub(crate) fn with_failure(mut self, failure: &Failure) -> Self {
        if self.0.error_type.is_none() {
            self.0.error_type.clone_from(&failure.error_type);
        }
        if !failure.error.is_empty() && self.0.message.ends_with(NO_REASON) {
            self.0.message = self.0.message.replace(NO_REASON, &failure.error);
        }
        self
    }

    /// What came of asking fal to cancel the request.
    pub(crate) fn with_cancellation(mut self, outcome: Option<Cancellation>) -> Self {
        self.0.message.push_str(match &outcome {
            Some(Cancellation::Removed) => "; fal has taken it out of the queue",
            Some(Cancellation::AlreadyCompleted) => "; it is completed, and its result can be fetched",
            Some(Cancellation::NotFound) => "; fal does not know it",
            Some(_) => "; fal was asked to cancel it",
            None => "; fal could not be asked to cancel it",
        });
        self.0.cancellation = outcome;
        self
    }

    /// Adds the attempts that failed before the caller's time ran out, and names the last one.
    pub(crate) fn with_attempts_so_far(mut self, attempts: Vec<Attempt>) -> Self {
        if let Some(last) = attempts.last() {
            self.0.message.push_str(&format!("; the last try: {}", last.outcome));
        }
        self.with_attempts(attempts)
    }

    pub(crate) fn with_attempts(mut self, attempts: Vec<Attempt>) -> Self {
        if self.0.attempts.is_empty() {
            self.0.attempts = attempts;
        }
        self
    }

    /// In which of the large groups the error is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The endpoint that was called.
    pub fn endpoint(&self) -> Option<&str> {
        self.0.endpoint.as_deref()
    }

    /// The request that it is about, once there is one.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The HTTP status of the answer.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.response.as_ref().map(RawResponse::status)
    }

    /// The headers of the answer.
    pub fn headers(&self) -> Option<&http::HeaderMap> {
        self.0.response.as_ref().map(|response| &response.headers)
    }

    /// The whole body of the answer; where the answer is an error's, no more than its first 16 MiB, and where a file could
    /// not be downloaded, its first 64 KiB.
    pub fn body(&self) -> Option<&Bytes> {
        self.0.response.as_ref().map(|response| &response.body)
    }

    /// What kind of failure fal says it is: `request_timeout`, `runner_disconnected`… From the body, the header
    /// `X-Fal-Error-Type`, or the first of the field errors.
    pub fn error_type(&self) -> Option<&ErrorType> {
        self.0.error_type.as_ref()
    }

    /// What is wrong with which field of the input: found before sending, or by the service.
    pub fn field_errors(&self) -> &[FieldError] {
        &self.0.field_errors
    }

    /// What was tried before giving up, in order, each try that failed. There is none where nothing was sent, or where
    /// the first answer was taken and is at fault.
    pub fn attempts(&self) -> &[Attempt] {
        &self.0.attempts
    }

    /// What came of asking fal to cancel the request, where the caller's time ran out and that was to happen. `None`
    /// where fal was not asked, or did not answer.
    pub fn cancellation(&self) -> Option<&Cancellation> {
        self.0.cancellation.as_ref()
    }

    /// Returns whether no connection to the service could be made. The request was not sent.
    pub fn is_connect(&self) -> bool {
        self.0.kind == ErrorKind::Connect
    }

    /// Whether a time ran out: the caller's own, one of the client's, or one of the service's.
    pub fn is_timeout(&self) -> bool {
        let by_type = matches!(
            self.0.error_type,
            Some(ErrorType::RequestTimeout | ErrorType::StartupTimeout | ErrorType::GenerationTimeout)
        );
        self.0.kind == ErrorKind::Timeout || by_type || self.status() == Some(StatusCode::GATEWAY_TIMEOUT)
    }

    /// Whether the deadline for the start that the caller set ran out (`X-Fal-Request-Timeout-Type: user`).
    pub fn is_start_timeout(&self) -> bool {
        self.0.response.as_ref().is_some_and(RawResponse::is_user_timeout)
    }

    /// Whether the request was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.0.error_type, Some(ErrorType::ClientCancelled | ErrorType::ClientDisconnected))
            || self.status().is_some_and(|status| status.as_u16() == 499)
    }

    /// Whether the input is at fault: it was not sent because it breaks the schema, or fal refused it (422).
    /// [`field_errors`](Self::field_errors) says where.
    pub fn is_invalid_input(&self) -> bool {
        self.0.kind == ErrorKind::InvalidInput || self.status() == Some(StatusCode::UNPROCESSABLE_ENTITY)
    }

    /// Whether the same call may succeed later. fal says so itself (`X-Fal-Needs-Retry`); else it follows from the
    /// status. It does not say that nothing was paid for: a request that has an id may still have a result.
    pub fn is_retryable(&self) -> bool {
        match &self.0.response {
            Some(response) if self.0.kind == ErrorKind::Service => response.needs_retry(),
            _ => matches!(self.0.kind, ErrorKind::Connect | ErrorKind::Transport | ErrorKind::Timeout),
        }
    }

    pub(crate) fn response(&self) -> Option<&RawResponse> {
        self.0.response.as_ref()
    }
}

impl From<ValidationError> for Error {
    fn from(error: ValidationError) -> Self {
        let message = error.to_string();
        let field_errors = error.errors().to_vec();
        let mut whole = Error::new(ErrorKind::InvalidInput, message);
        whole.0.field_errors = field_errors;
        whole
    }
}

impl From<InvalidEndpointId> for Error {
    fn from(invalid: InvalidEndpointId) -> Self {
        Error::new(ErrorKind::EndpointId, invalid.to_string())
    }
}

/// A URL's host, with the port where that is not the scheme's own.
pub(crate) fn host_and_port(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or("no host");
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The message of the error at the end of the chain, which is the one that says what happened.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}
