//! The error type of all calls, its categories, and the attempts behind an error.

mod attempt;
mod cause;
mod constructors;
mod display;
mod kind;
mod refusal;
#[cfg(feature = "webhook")]
mod rejection;
mod sender;
mod validation;

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;

pub use attempt::Attempt;
pub use kind::ErrorKind;
#[cfg(feature = "webhook")]
pub use rejection::Rejection;
pub(crate) use sender::Sender;
pub use validation::ValidationError;

use crate::protocol::{
    Cancellation, Denial, ErrorType, FieldError, InvalidEndpointId, InvalidRequestId, LockReason, ParseEnumError,
    RawResponse,
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The error of a failed call.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// match client.endpoint("fal-ai/flux/dev").run(serde_json::json!({ "prompt": "a fox" })).await {
///     Ok(response) => println!("{}", response.data),
///     Err(error) if error.is_timeout() => eprintln!("try again later: {error}"),
///     Err(error) if !error.field_errors().is_empty() => {
///         for field in error.field_errors() {
///             eprintln!("{field}");
///         }
///     }
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
///
/// The message includes fal's own message. Match errors with the predicates ([`is_timeout`](Self::is_timeout),
/// [`is_unauthorized`](Self::is_unauthorized), [`is_account_locked`](Self::is_account_locked),
/// [`is_cancelled`](Self::is_cancelled), [`is_retryable`](Self::is_retryable)) or with [`kind`](Self::kind). Once a
/// request has an id, every error about it has the id, so that the result can still be fetched later.
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
    /// Set if fal refuses the key or its account, whatever the request is.
    denial: Option<Denial>,
    field_errors: Vec<FieldError>,
    attempts: Vec<Attempt>,
    cancellation: Option<Cancellation>,
    /// Set if the verdict on the failed request is known. Otherwise the kind decides.
    retryable: Option<bool>,
    may_have_been_accepted: bool,
    is_outcome: bool,
    #[cfg(feature = "webhook")]
    rejection: Option<Rejection>,
    /// The code with which a WebSocket connection was closed.
    #[cfg(feature = "realtime")]
    close_code: Option<u16>,
}

impl Error {
    /// Returns the error's category.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the id of the called endpoint.
    pub fn endpoint(&self) -> Option<&str> {
        self.0.endpoint.as_deref()
    }

    /// Returns the request's id, if fal has assigned one.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// Returns the HTTP status of the response. Of an error event of a stream, it is the status that the event names, else 200.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.response.as_ref().map(RawResponse::status)
    }

    /// Returns the headers of the response.
    pub fn headers(&self) -> Option<&http::HeaderMap> {
        self.0.response.as_ref().map(|response| &response.headers)
    }

    /// Returns the body of the response, or the data of the error event of a stream. Bodies of error responses are truncated to 16 MiB, or to 64 KiB if a download
    /// failed.
    pub fn body(&self) -> Option<&Bytes> {
        self.0.response.as_ref().map(|response| &response.body)
    }

    /// Returns the type of the failure as reported by fal, such as `request_timeout` or `runner_disconnected`. Comes
    /// from the body, else from the header `X-Fal-Error-Type`, else from the first field error.
    pub fn error_type(&self) -> Option<&ErrorType> {
        self.0.error_type.as_ref()
    }

    /// Returns the errors about single fields of the input, found before sending or by the service.
    pub fn field_errors(&self) -> &[FieldError] {
        &self.0.field_errors
    }

    /// Returns the failed attempts in order. Empty if nothing was sent, or if the error is about a successful response.
    pub fn attempts(&self) -> &[Attempt] {
        &self.0.attempts
    }

    /// Returns the outcome of cancelling the request after the caller's time limit expired, or because of `cancel_when`.
    /// `None` if the client did not try to cancel it, or received no response.
    pub fn cancellation(&self) -> Option<&Cancellation> {
        self.0.cancellation.as_ref()
    }

    /// Returns the reason why a webhook delivery was rejected, and `None` for any other error.
    ///
    /// If fal's keys are unavailable, [`kind`](Self::kind) and the predicates say why they could not be fetched.
    #[cfg(feature = "webhook")]
    pub fn webhook_rejection(&self) -> Option<Rejection> {
        self.0.rejection
    }

    /// Returns the code with which fal has closed a WebSocket connection, such as 1011 if the gateway failed. `None` if the
    /// connection was lost without a code. Needs the cargo feature `realtime`.
    #[cfg(feature = "realtime")]
    pub fn close_code(&self) -> Option<u16> {
        self.0.close_code
    }

    /// Returns true if no connection to the service could be established. The request was not sent.
    pub fn is_connect(&self) -> bool {
        self.0.kind == ErrorKind::Connect
    }

    /// Returns true if the request has no valid API key: the client has none, it is malformed, its provider failed, or fal
    /// rejected it (401).
    ///
    /// [`kind`](Self::kind) is [`ErrorKind::Credentials`] if nothing was sent, and [`ErrorKind::Service`] if fal rejected
    /// the key.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
    /// match client.endpoint("fal-ai/flux/dev").run(serde_json::json!({ "prompt": "a fox" })).await {
    ///     Err(error) if error.is_unauthorized() => eprintln!("check FAL_KEY: {error}"),
    ///     Err(error) if error.is_account_locked() => eprintln!("no credits? {error}"),
    ///     other => println!("{}", other?.data),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_unauthorized(&self) -> bool {
        self.0.kind == ErrorKind::Credentials || self.0.denial == Some(Denial::Unauthorized)
    }

    /// Returns true if fal refused the request because the API key lacks a permission (403, `Insufficient permissions`).
    /// Other requests with the key may succeed. A locked account is not one of these.
    pub fn is_permission_denied(&self) -> bool {
        self.0.denial == Some(Denial::PermissionDenied)
    }

    /// Returns true if fal refused the request because the account is locked, for example because its balance is used up
    /// (403, `User is locked`). See [`lock_reason`](Self::lock_reason).
    ///
    /// Such a request is not retried, although fal serves the status of earlier requests.
    pub fn is_account_locked(&self) -> bool {
        self.lock_reason().is_some()
    }

    /// Returns the reason why the account is locked, if [`is_account_locked`](Self::is_account_locked).
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
    /// use fal_client::LockReason;
    ///
    /// let call = client.endpoint("fal-ai/flux/dev").run(serde_json::json!({ "prompt": "a fox" }));
    /// if let Err(error) = call.await {
    ///     match error.lock_reason() {
    ///         Some(LockReason::ExhaustedBalance) => eprintln!("top up the balance"),
    ///         Some(reason) => eprintln!("locked: {reason}"),
    ///         None => return Err(error),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn lock_reason(&self) -> Option<LockReason> {
        match &self.0.denial {
            Some(Denial::Locked(reason)) => Some(reason.clone()),
            _ => None,
        }
    }

    /// Returns true if fal limits the rate or the number of concurrent requests (429). An exhausted balance or quota is a
    /// [locked account](Self::is_account_locked) instead.
    pub fn is_rate_limited(&self) -> bool {
        self.0.kind == ErrorKind::Service
            && self.status() == Some(StatusCode::TOO_MANY_REQUESTS)
            && !self.is_account_locked()
    }

    /// Returns true if fal refuses the key or its account, so that no other request of the same kind can succeed.
    pub(crate) fn is_denied(&self) -> bool {
        self.0.denial.is_some()
    }

    /// Returns true if the key or the account is at fault, and not what the request is about.
    pub(crate) fn is_about_account(&self) -> bool {
        self.0.kind == ErrorKind::Credentials || self.is_denied()
    }

    /// Returns true if a model could not download a file of its input (`file_download_error`), for example because its upload
    /// has expired. The client does not use its earlier uploads again then.
    pub fn is_about_lost_file(&self) -> bool {
        let is_lost = |error_type: &ErrorType| *error_type == ErrorType::FileDownloadError;
        self.error_type().is_some_and(is_lost) || self.field_errors().iter().any(|error| is_lost(&error.error_type))
    }

    /// Returns true if a time limit of the caller, of the client or of the service expired.
    pub fn is_timeout(&self) -> bool {
        let by_type = matches!(
            self.0.error_type,
            Some(ErrorType::RequestTimeout | ErrorType::StartupTimeout | ErrorType::GenerationTimeout)
        );
        // The word of a realtime application that waited too long for an input.
        let by_type = by_type || self.has_type("TIMEOUT");
        self.0.kind == ErrorKind::Timeout || by_type || self.status() == Some(StatusCode::GATEWAY_TIMEOUT)
    }

    /// Returns true if the model did not start in time (504 with `X-Fal-Request-Timeout-Type: user`).
    ///
    /// The limit is the `start_timeout` of the call, or else the default of the app: its author may set one. So this can be
    /// true for a call without `start_timeout`.
    pub fn is_start_timeout(&self) -> bool {
        self.0.response.as_ref().is_some_and(RawResponse::is_user_timeout)
    }

    /// Returns true if the request was cancelled, or if the future of `cancel_when` has ended the call. In that case,
    /// [`cancellation`](Self::cancellation) says what became of the request.
    pub fn is_cancelled(&self) -> bool {
        self.0.kind == ErrorKind::Cancelled
            || matches!(self.0.error_type, Some(ErrorType::ClientCancelled | ErrorType::ClientDisconnected))
            || self.status().is_some_and(|status| status.as_u16() == 499)
    }

    /// Returns true if the input is invalid: it was rejected before sending, by fal (422), or by the platform API
    /// (`validation_error`). See [`field_errors`](Self::field_errors).
    pub fn is_invalid_input(&self) -> bool {
        self.0.kind == ErrorKind::InvalidInput
            || self.status() == Some(StatusCode::UNPROCESSABLE_ENTITY)
            || self.has_type("validation_error")
    }

    /// Returns true if fal does not know what the request is about: an endpoint, a request or a file (404).
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND) || self.has_type("not_found")
    }

    fn has_type(&self, name: &str) -> bool {
        self.0.error_type.as_ref().is_some_and(|error_type| error_type.as_str() == name)
    }

    /// Returns true if the client's budget has too little left for the request. Nothing was sent.
    ///
    /// The message has the needed amount, the limit, and the amounts that are spent and reserved. Such an error is not
    /// [retryable](Self::is_retryable).
    pub fn is_budget_exceeded(&self) -> bool {
        self.0.kind == ErrorKind::Budget
    }

    /// Returns true if repeating the same call may succeed, and is not billed a second time.
    ///
    /// It is false for a run, a submission or a subscription that fal [may have accepted](Self::may_have_been_accepted).
    /// It is true for a `wait` or a `result` whose response was lost, because repeating those is free. A request that fal
    /// rejected or failed is retryable if fal says so (`X-Fal-Needs-Retry`), or if the failure usually passes. An invalid
    /// certificate, or a proxy that refuses, is not retryable.
    ///
    /// ```
    /// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
    /// let endpoint = client.endpoint("fal-ai/flux/schnell");
    /// let input = serde_json::json!({ "prompt": "a fox" });
    /// let response = match endpoint.run(input.clone()).await {
    ///     Err(error) if error.is_retryable() => endpoint.run(input).await?,
    ///     other => other?,
    /// };
    /// # let _ = response;
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_retryable(&self) -> bool {
        let by_kind = || matches!(self.0.kind, ErrorKind::Connect | ErrorKind::Transport | ErrorKind::Timeout);
        !self.0.may_have_been_accepted && self.0.retryable.unwrap_or_else(by_kind)
    }

    /// Returns true if fal may have accepted a run or a submission, which may therefore be billed.
    ///
    /// - The connection was lost, or the time limit passed, after the request was sent.
    /// - A gateway failed, so that the response says nothing about the request.
    /// - fal accepted the request, but its response could not be used.
    /// - A stream failed after its beginning.
    /// - `subscribe` failed after the submission. [`request_id`](Self::request_id) is then known: wait for that request
    ///   instead of submitting another one.
    ///
    /// It is false for errors of `wait`, `status`, `result` and `cancel`, and if fal says itself that the request failed.
    pub fn may_have_been_accepted(&self) -> bool {
        self.0.may_have_been_accepted
    }

    /// Returns true if the error is the outcome of a queued request: fal itself says that the request failed, or that it was
    /// removed from the queue. Following the request again gives the same error.
    ///
    /// It is false for any other error of `subscribe`, `wait` and `result`: the request may still complete.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
    /// match client.endpoint("fal-ai/flux/dev").wait("REQUEST-ID").await {
    ///     Ok(response) => println!("{}", response.data),
    ///     Err(error) if error.is_outcome() => println!("the request failed: {error}"),
    ///     Err(error) => println!("it is unknown how the request ended: {error}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_outcome(&self) -> bool {
        self.0.is_outcome
    }

    pub(crate) fn response(&self) -> Option<&RawResponse> {
        self.0.response.as_ref()
    }
}

impl From<ValidationError> for Error {
    fn from(invalid: ValidationError) -> Self {
        let mut error = Error::new(ErrorKind::InvalidInput, invalid.to_string());
        error.0.field_errors = invalid.into_errors();
        error
    }
}

/// A string that is not a value of an enum is an [invalid input](ErrorKind::InvalidInput).
impl From<ParseEnumError> for Error {
    fn from(unknown: ParseEnumError) -> Self {
        Error::new(ErrorKind::InvalidInput, unknown.to_string())
    }
}

impl From<InvalidEndpointId> for Error {
    fn from(invalid: InvalidEndpointId) -> Self {
        Error::new(ErrorKind::EndpointId, invalid.to_string())
    }
}

impl From<InvalidRequestId> for Error {
    fn from(invalid: InvalidRequestId) -> Self {
        Error::new(ErrorKind::InvalidInput, invalid.to_string())
    }
}

/// Formats a URL's host, with the port unless it is the scheme's default.
pub(crate) fn host_and_port(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or("no host");
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

type Cause<'a> = &'a (dyn std::error::Error + 'static);

fn chain(error: Cause<'_>) -> impl Iterator<Item = Cause<'_>> {
    std::iter::successors(Some(error), |error| error.source())
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}
