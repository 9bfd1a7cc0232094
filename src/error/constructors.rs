//! Constructors of errors from a response, a lost connection or another error.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

#[cfg(feature = "webhook")]
use super::rejection::Rejection;
use super::{Attempt, BoxError, Cause, Error, ErrorKind, Inner, Sender, cause, chain, host_and_port, refusal};
use crate::protocol::{Cancellation, Denial, ErrorType, EventError, Failure, RawResponse, echo, lock_words};
use crate::text::{beginning, shown, within};

/// Stands in for the message of an error response that has none.
const NO_DETAILS: &str = "no details given";

/// Maximum characters of each of two messages that are shown together.
const MAX_FALLBACK: usize = 900;

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
            is_outcome: false,
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
        let EventError { node_id, status, error_type, detail, response: reported } = EventError::parse(&response.body);
        let subject = node_id
            .map_or_else(|| "the model".to_owned(), |node| format!("the node \"{}\" of the workflow", shown(&node)));
        let words = detail.message.unwrap_or_else(|| NO_DETAILS.to_owned());
        let mut error = Error::new(ErrorKind::Service, format!("{subject} reported an error: {words}"));
        // A node of a workflow fails with the response to its request, which fal may have refused.
        if let Some(reported) = reported {
            let denial = Denial::of_report(&reported);
            error = error.with_response(reported).denied(denial, Sender::WithKey);
        }
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
    pub(crate) fn reported(words: &str, status: Option<StatusCode>, payload: bytes::Bytes) -> Self {
        let status_or_any = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = RawResponse { status: status_or_any, headers: http::HeaderMap::new(), body: payload };
        let is_about_input = response.detail().field_errors.iter().any(|error| !error.loc.is_empty());
        let status = status.or(is_about_input.then_some(StatusCode::UNPROCESSABLE_ENTITY));
        response.status = status.unwrap_or(response.status);
        let denial = Denial::of_report(&response);
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

    /// Creates the error of something that fal does not know, although its response is successful.
    #[cfg(feature = "platform")]
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        let mut error = Error::new(ErrorKind::Service, message);
        error.0.error_type = Some(ErrorType::other("not_found"));
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

    /// Marks the error that is the outcome of a queued request.
    pub(crate) fn with_outcome(mut self) -> Self {
        self.0.is_outcome = true;
        self
    }

    pub(crate) fn with_retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = Some(retryable);
        self
    }
}

/// Returns true if a connection through a proxy could not be established.
fn is_about_proxy(error: Cause<'_>) -> bool {
    let message = error.to_string().to_ascii_lowercase();
    ["tunnel", "socks", "proxy"].iter().any(|word| message.starts_with(word))
}
