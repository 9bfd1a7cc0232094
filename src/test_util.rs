//! Errors for the tests of users. The constructors of responses are next to [`Response`](crate::Response).

use std::fmt::Display;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::error::{Error, ErrorKind, Sender};
use crate::protocol::RawResponse;
use crate::transport::{Operation, judged};

/// For tests. Needs the cargo feature `test-util`.
impl Error {
    /// Creates the error that a direct run returns for an error response of fal, or of a gateway in front of it.
    ///
    /// ```
    /// use fal_client::Error;
    /// use serde_json::json;
    ///
    /// let body = json!({ "detail": [{ "loc": ["body", "prompt"], "msg": "field required", "type": "missing" }] });
    /// let error = Error::from_response(422, &[("x-fal-request-id", "R1")], body);
    /// assert!(error.is_invalid_input() && !error.is_retryable());
    /// assert_eq!((error.request_id(), error.field_errors().len()), (Some("R1"), 1));
    ///
    /// let error = Error::from_response(403, &[], json!({ "detail": "User is locked. Reason: Exhausted balance." }));
    /// assert!(error.is_account_locked());
    ///
    /// let error = Error::from_response(502, &[], "<title>502 Bad Gateway</title>");
    /// assert!(error.may_have_been_accepted());
    /// ```
    ///
    /// All predicates follow from the status, the headers and the body, which is JSON or a text. A status outside of 100 to 999
    /// counts as 500. Invalid headers are left out.
    pub fn from_response(status: u16, headers: &[(&str, &str)], body: impl Display) -> Self {
        let header =
            |(name, value): &(&str, &str)| Some((name.parse::<HeaderName>().ok()?, value.parse::<HeaderValue>().ok()?));
        let response = RawResponse {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers: HeaderMap::from_iter(headers.iter().filter_map(header)),
            body: body.to_string().into(),
        };
        judged(Operation::Run, Error::keyed(response, true, b"", Sender::WithKey))
    }

    /// Creates an error without a response.
    ///
    /// ```
    /// use fal_client::{Error, ErrorKind};
    ///
    /// let error = Error::of_kind(ErrorKind::Timeout, "the request timed out").of_request("fal-ai/flux/dev", "R1");
    /// assert!(error.is_timeout());
    /// assert_eq!((error.endpoint(), error.request_id()), (Some("fal-ai/flux/dev"), Some("R1")));
    /// ```
    pub fn of_kind(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error::new(kind, message)
    }

    /// Sets the endpoint and the id of the request.
    pub fn of_request(self, endpoint: &str, request_id: &str) -> Self {
        self.with_endpoint(endpoint).with_request_id(request_id)
    }

    /// Makes [`may_have_been_accepted`](Self::may_have_been_accepted) true, as after a submission whose response was lost.
    pub fn maybe_accepted(self) -> Self {
        self.with_acceptance()
    }
}
