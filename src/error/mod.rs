//! The error type of all calls, its categories, and the attempts behind an error.

mod attempt;
mod cause;
mod display;
mod kind;
mod refusal;
#[cfg(feature = "webhook")]
mod rejection;
mod sender;
mod validation;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

pub use attempt::Attempt;
pub use kind::ErrorKind;
#[cfg(feature = "webhook")]
pub use rejection::Rejection;
pub(crate) use sender::Sender;
pub use validation::ValidationError;

use crate::protocol::{
    Cancellation, Denial, ErrorType, EventError, Failure, FieldError, InvalidEndpointId, InvalidRequestId, LockReason,
    ParseEnumError, RawResponse, echo, lock_words,
};
use crate::text::{beginning, shown, within};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Stands in for the message of an error response that has none.
const NO_DETAILS: &str = "no details given";

/// Maximum characters of each of two messages that are shown together.
const MAX_FALLBACK: usize = 900;

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
    #[cfg(feature = "webhook")]
    rejection: Option<Rejection>,
    /// The code with which a WebSocket connection was closed.
    #[cfg(feature = "realtime")]
    close_code: Option<u16>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            kind,
            message: beginning(message.into()),
            source: None,
            endpoint: None,
            request_id: None,
            response: None,
            error_type: None,
            denial: None,
            field_errors: Vec::new(),
            attempts: Vec::new(),
            cancellation: None,
            retryable: None,
            may_have_been_accepted: false,
            #[cfg(feature = "webhook")]
            rejection: None,
            #[cfg(feature = "realtime")]
            close_code: None,
        }))
    }

    /// Creates the error of an error response from fal or from a file's host.
    pub(crate) fn service(host: &str, response: RawResponse) -> Self {
        let status = response.status();
        let detail = response.detail();
        let mut details = match detail.message.as_deref() {
            None => NO_DETAILS,
            Some("NOT_FOUND") => {
                "NOT_FOUND, the request is unknown: it may have expired, or belong to another key or host"
            }
            Some(words) => words,
        };
        // A proxy responds with this status, and fal does not.
        let host = if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED { "the proxy" } else { host };
        let mut line = status.as_u16().to_string();
        if let Some(reason) = status.canonical_reason() {
            line = format!("{line} {reason}");
            // Many bodies repeat the status line.
            if details == reason || details == line {
                details = NO_DETAILS;
            }
        }
        let mut error = Error::new(ErrorKind::Service, format!("{host} returned {line}: {details}"));
        error.0.request_id = response.request_id().or_else(|| response.request_id_in_body());
        error.0.error_type = response.error_type().map(ErrorType::other);
        error.0.field_errors = detail.field_errors;
        error.0.response = Some(response);
        error
    }

    /// Creates the error of an error response to a request with the key and an input. `of_model` is true if the response may
    /// be a model's own.
    pub(crate) fn keyed(response: RawResponse, of_model: bool, input: &[u8], sender: Sender) -> Self {
        let denial = Denial::of(&response, of_model, input);
        Error::service("fal", response).denied(denial, sender)
    }

    /// Creates the error of an error response from a storage host, which receives an upload token or a signed URL.
    pub(crate) fn storage(host: &str, response: RawResponse) -> Self {
        let denial = Denial::of_storage(&response);
        Error::service(host, response).denied(denial, Sender::WithKey)
    }

    /// Begins the message with the key or the account, if these are the reason.
    fn denied(mut self, denial: Option<Denial>, sender: Sender) -> Self {
        let Some(response) = self.0.response.as_ref().filter(|_| denial.is_some()) else { return self };
        let status = response.status().as_u16();
        let words = response.detail().message.unwrap_or_else(|| NO_DETAILS.to_owned());
        self.0.message = match (&denial, sender) {
            (Some(Denial::Locked(reason)), _) => {
                // Of `User is locked. Reason: …`, the reason. Of a reason in a field of its own, fal's words, too.
                let stated = match lock_words(response) {
                    Some(reason) if words.ends_with(&format!(": {reason}")) => reason,
                    Some(reason) if !words.contains(&reason) => format!("{}: {reason}", words.trim_end_matches('.')),
                    _ => words,
                };
                // fal's own words often name the remedy.
                let remedy = Some(reason.remedy()).filter(|_| !stated.contains("fal.ai"));
                let remedy = remedy.map(|remedy| format!("; {remedy}")).unwrap_or_default();
                format!("the fal account is locked: {stated} ({status}){remedy}")
            }
            (Some(Denial::PermissionDenied), Sender::ThroughProxy) => {
                format!("the proxy or fal denied permission: {words} ({status}); check what the proxy allows")
            }
            #[cfg(feature = "realtime")]
            (Some(Denial::PermissionDenied), Sender::WithToken) => {
                format!("fal denied permission: {words} ({status}); check the applications of the short-lived token")
            }
            (Some(Denial::PermissionDenied), _) => {
                format!("fal denied permission: {words} ({status}); check the permissions of the API key")
            }
            (_, Sender::ThroughProxy) => {
                format!(
                    "the proxy rejected the request: {words} ({status}); check what it requires, such as a key of its own"
                )
            }
            (_, Sender::Anonymous) => {
                format!("fal requires an API key: {words} ({status}); set FAL_KEY, or pass it to the client's builder")
            }
            #[cfg(feature = "realtime")]
            (_, Sender::WithToken) => {
                format!("fal rejected the short-lived token: {words} ({status}); it may have expired")
            }
            (_, Sender::WithKey) => {
                format!("fal rejected the API key: {words} ({status}); check it at https://fal.ai/dashboard/keys")
            }
        };
        self.0.denial = denial;
        self
    }

    /// Creates the error of a response that does not match the protocol or its schema. If the response is not JSON, the
    /// message says what it is.
    pub(crate) fn unexpected(message: impl Into<String>, response: RawResponse) -> Self {
        let mut error = Error::new(ErrorKind::UnexpectedResponse, message);
        if let Some(words) = response.words_unless_json() {
            error.0.message.push_str("; the response is ");
            error.0.message.push_str(&words);
        }
        error.with_response(response)
    }

    /// Adds the response, and its request id.
    pub(crate) fn with_response(mut self, response: RawResponse) -> Self {
        self.0.request_id = response.request_id();
        self.0.response = Some(response);
        self
    }

    /// Creates the error of an error event of a stream. The response is the one that the stream belongs to, with the data of the
    /// event as its body.
    pub(crate) fn event(mut response: RawResponse) -> Self {
        let EventError { node_id, status, error_type, detail } = EventError::parse(&response.body);
        let subject = node_id
            .map_or_else(|| "the model".to_owned(), |node| format!("the node \"{}\" of the workflow", shown(&node)));
        let words = detail.message.unwrap_or_else(|| NO_DETAILS.to_owned());
        let mut error = Error::new(ErrorKind::Service, format!("{subject} reported an error: {words}"));
        error.0.error_type = error_type.map(ErrorType::other);
        error.0.field_errors = detail.field_errors;
        response.status = status.unwrap_or(response.status);
        error.with_response(response)
    }

    /// Creates the error of a rejected webhook delivery.
    #[cfg(feature = "webhook")]
    pub(crate) fn rejected(rejection: Rejection, details: impl fmt::Display) -> Self {
        Error::new(ErrorKind::Webhook, format!("{rejection}: {details}")).with_rejection(rejection)
    }

    #[cfg(feature = "webhook")]
    pub(crate) fn with_rejection(mut self, rejection: Rejection) -> Self {
        self.0.rejection = Some(rejection);
        self
    }

    /// Creates the error of a failed request, as a webhook reports it. `words` is fal's message, and `payload` the body of
    /// the model's response. fal does not always name the status of that response.
    #[cfg(feature = "webhook")]
    pub(crate) fn reported(words: &str, status: Option<StatusCode>, payload: Bytes) -> Self {
        let status_or_any = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = RawResponse { status: status_or_any, headers: http::HeaderMap::new(), body: payload };
        let is_about_input = response.detail().field_errors.iter().any(|error| !error.loc.is_empty());
        let status = status.or(is_about_input.then_some(StatusCode::UNPROCESSABLE_ENTITY));
        response.status = status.unwrap_or(response.status);
        let denial = Denial::of_webhook(&response);
        let mut error = Error::service("fal", response).denied(denial, Sender::WithKey);
        if status.is_none() {
            let details = error.0.response.take().and_then(|response| response.detail().message);
            let mut details = vec![words.trim(), details.as_deref().unwrap_or_default()];
            details.retain(|words| !words.is_empty());
            details.dedup();
            let details = if details.is_empty() { NO_DETAILS.to_owned() } else { details.join(": ") };
            error.0.message = beginning(format_args!("the request failed: {details}"));
        }
        let failure = Failure { error: beginning(words.trim()), error_type: None };
        // A failed request stays failed.
        error.with_failure(&failure).with_retryable(false)
    }

    /// Creates the error of a request that failed below HTTP.
    pub(crate) fn transport(error: reqwest::Error) -> Self {
        let host = error.url().map_or_else(|| "the host".to_owned(), host_and_port);
        // The URL's query may contain a token.
        let error = error.without_url();
        let through = if chain(&error).any(is_about_proxy) { " through the proxy" } else { "" };
        let is_refusal = error.is_connect() && refusal::is_refusal(&error);
        let (kind, message) = if error.is_connect() {
            (ErrorKind::Connect, format!("cannot connect to {host}{through}"))
        } else if error.is_timeout() {
            (ErrorKind::Timeout, format!("{host} did not respond in time"))
        } else {
            (ErrorKind::Transport, format!("the connection to {host} was lost"))
        };
        let cause = chain(&error).last().map(ToString::to_string).unwrap_or_default();
        let remedy = "; the HTTP client has no TLS: turn on the cargo feature `rustls` or `ring` of fal-client";
        let remedy = if cause == refusal::NO_TLS { remedy } else { "" };
        let error = Error::new(kind, format!("{message}: {cause}{remedy}")).caused_by(error);
        if is_refusal { error.with_retryable(false) } else { error }
    }

    /// Creates the error that fal reports in a frame of a realtime connection.
    #[cfg(feature = "realtime")]
    pub(crate) fn frame(code: &str, reason: Option<&str>) -> Self {
        let words = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        if code.eq_ignore_ascii_case("unauthorized") {
            let message = format!("fal rejected the key or the token of the connection: {code}{words}");
            let mut error = Error::new(ErrorKind::Service, message);
            error.0.denial = Some(Denial::Unauthorized);
            return error;
        }
        let mut error = Error::new(ErrorKind::Service, format!("fal reported {code}{words}"));
        error.0.error_type = Some(ErrorType::other(code));
        error
    }

    /// Creates the error of a WebSocket connection that fal has closed.
    #[cfg(feature = "realtime")]
    pub(crate) fn closed(code: u16, reason: &str) -> Self {
        let words = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        let mut error = Error::new(ErrorKind::Service, format!("fal closed the connection with code {code}{words}"));
        error.0.close_code = Some(code);
        error
    }

    /// Creates the error of a step that took longer than `limit`.
    pub(crate) fn timeout(step: &str, limit: Duration) -> Self {
        Error::new(ErrorKind::Timeout, format!("{step} timed out after {limit:?}"))
    }

    /// Creates the error of a call that its caller has cancelled.
    pub(crate) fn cancelled(subject: &str) -> Self {
        Error::new(ErrorKind::Cancelled, format!("{subject} was cancelled by the caller"))
    }

    /// Sets the source. A source whose texts have a secret is replaced by its messages without the secret.
    pub(crate) fn caused_by(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(cause::safe(source.into()));
        self
    }

    /// Prepends the subject of the error to the message. An error about the key or the account keeps its message, because
    /// the subject is not at fault.
    pub(crate) fn context(mut self, subject: impl fmt::Display) -> Self {
        if self.is_about_account() {
            return self;
        }
        self.0.message = format!("{subject}: {}", self.0.message);
        self
    }

    /// Removes the texts of an input, such as the prompt, that the service repeats in its message. Values of one word stay:
    /// they may be what the message is about.
    pub(crate) fn without_echo(mut self, input: &[u8]) -> Self {
        for text in echo::texts(input) {
            self.0.message = self.0.message.replace(&text, "…");
        }
        self
    }

    /// Appends a note about the consequences or the remedy.
    pub(crate) fn with_note(mut self, note: &str) -> Self {
        self.0.message.push_str("; ");
        self.0.message.push_str(note);
        self
    }

    /// Appends the error of the fallback repository, with its attempts.
    pub(crate) fn with_fallback(mut self, repository: &str, fallback: Error) -> Self {
        let words = within(&fallback.0.message, MAX_FALLBACK);
        self.0.message =
            format!("{}; the fallback, {repository}, failed too: {words}", within(&self.0.message, MAX_FALLBACK));
        self.0.attempts.extend(fallback.0.attempts);
        self
    }

    /// Appends the error of the repository that was tried before, with its attempts first.
    pub(crate) fn after(mut self, repository: &str, first: Error) -> Self {
        let words = within(&first.0.message, MAX_FALLBACK);
        self.0.message =
            format!("{}; before that, {repository} failed: {words}", within(&self.0.message, MAX_FALLBACK));
        self.0.attempts.splice(0..0, first.0.attempts);
        self
    }

    pub(crate) fn with_endpoint(mut self, endpoint: &str) -> Self {
        self.0.endpoint.get_or_insert_with(|| endpoint.to_owned());
        self
    }

    /// Sets the queue's id of the request. It takes precedence over the id in a response header.
    pub(crate) fn with_request_id(mut self, request_id: &str) -> Self {
        self.0.request_id = Some(request_id.to_owned());
        self
    }

    /// Fills in details of a failure from the queue status where the response lacks them.
    pub(crate) fn with_failure(mut self, failure: &Failure) -> Self {
        if self.0.error_type.is_none() {
            self.0.error_type.clone_from(&failure.error_type);
        }
        if !failure.error.is_empty() && self.0.message.ends_with(NO_DETAILS) {
            self.0.message = self.0.message.replace(NO_DETAILS, &failure.error);
        }
        self
    }

    /// Appends the outcome of cancelling the request. `None` means that fal could not be reached.
    pub(crate) fn with_cancellation(mut self, outcome: Option<Cancellation>) -> Self {
        self.0.message.push_str(match &outcome {
            Some(Cancellation::Removed) => "; it was removed from the queue",
            Some(Cancellation::AlreadyCompleted) => "; it has already completed and its result can be fetched",
            Some(Cancellation::NotFound) => "; fal does not know the request",
            Some(_) => "; its cancellation was requested",
            None => "; its cancellation could not be requested, so it may still run: cancel it by its id",
        });
        self.0.cancellation = outcome;
        self
    }

    /// Adds the attempts that failed before the time limit expired, and shows the last one.
    pub(crate) fn with_attempts_so_far(mut self, attempts: Vec<Attempt>) -> Self {
        if let Some(last) = attempts.last() {
            self.0.message.push_str(&format!("; last attempt: {}", last.outcome));
        }
        self.with_attempts(attempts)
    }

    pub(crate) fn with_attempts(mut self, attempts: Vec<Attempt>) -> Self {
        if self.0.attempts.is_empty() {
            self.0.attempts = attempts;
        }
        self
    }

    /// Marks the failure of a billable request that fal may have accepted.
    pub(crate) fn with_acceptance(mut self) -> Self {
        self.0.may_have_been_accepted = true;
        self
    }

    pub(crate) fn with_retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = Some(retryable);
        self
    }

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

    /// Returns true if a model could not download a file of its input.
    pub(crate) fn is_about_lost_file(&self) -> bool {
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
        let by_type = by_type || self.0.error_type.as_ref().is_some_and(|word| word.as_str() == "TIMEOUT");
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

    /// Returns true if the input is invalid: it was rejected before sending, or by fal (422). See
    /// [`field_errors`](Self::field_errors).
    pub fn is_invalid_input(&self) -> bool {
        self.0.kind == ErrorKind::InvalidInput || self.status() == Some(StatusCode::UNPROCESSABLE_ENTITY)
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

/// Returns true if a connection through a proxy could not be established.
fn is_about_proxy(error: Cause<'_>) -> bool {
    let message = error.to_string().to_ascii_lowercase();
    ["tunnel", "socks", "proxy"].iter().any(|word| message.starts_with(word))
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}
