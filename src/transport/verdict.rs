//! The verdict on a failed request. Retries, the following of a request, status streams, downloads and the predicates of
//! an error all depend on it.

use serde::de::IgnoredAny;

use super::request::Operation;
use crate::error::{Error, ErrorKind};
use crate::protocol::{RawResponse, json};

/// The meaning of a failed request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The failure says nothing about the request itself. The same request may succeed later.
    Transient,
    /// The result is not ready yet, or a gateway is in the way. Only time helps, so that attempts in quick succession are
    /// pointless.
    Pending,
    /// The service's own word about the request, or a local failure.
    Final,
    /// A billable request may have been accepted. Sending it again could be billed twice.
    Uncertain,
}

impl Verdict {
    /// Returns true if a caller with patience sends the request again.
    pub(crate) fn passes(self) -> bool {
        matches!(self, Verdict::Transient | Verdict::Pending)
    }
}

/// Returns the verdict on a failed request.
pub(crate) fn verdict(operation: Operation, error: &Error) -> Verdict {
    match error.kind() {
        // Neither time nor another host helps if fal refuses the key or the account.
        _ if error.is_denied() => Verdict::Final,
        ErrorKind::Connect if error.is_retryable() => Verdict::Transient,
        ErrorKind::Transport | ErrorKind::Timeout if operation.is_billable() => Verdict::Uncertain,
        ErrorKind::Transport | ErrorKind::Timeout => Verdict::Transient,
        ErrorKind::Service | ErrorKind::UnexpectedResponse => match (error.response(), operation) {
            (Some(response), Operation::Run | Operation::Stream { .. }) => of_billable(false, response),
            (Some(response), Operation::Submit { bounded }) => of_billable(bounded, response),
            (Some(response), Operation::Result) => of_result(response),
            (Some(response), Operation::Storage(_)) => of_storage(response),
            #[cfg(feature = "platform")]
            (Some(response), Operation::Platform(_)) => match response.status.as_u16() {
                // The platform API does not have the function.
                501 => Verdict::Final,
                _ => of_storage(response),
            },
            (Some(response), Operation::Status | Operation::StatusStream | Operation::Cancel) => of_control(response),
            (None, _) if operation.is_billable() => Verdict::Uncertain,
            (None, _) => Verdict::Final,
        },
        _ => Verdict::Final,
    }
}

/// Completes an error with what the verdict on it means for the caller.
pub(crate) fn judged(operation: Operation, error: Error) -> Error {
    match verdict(operation, &error) {
        Verdict::Uncertain => error.with_acceptance(),
        Verdict::Transient | Verdict::Pending => error.with_retryable(true),
        Verdict::Final => {
            // fal knows whether a request has failed without being billed. A result never changes once it is there.
            let recommended = error.response().is_some_and(|response| {
                response.recommends_retry().unwrap_or(operation.is_billable() && response.needs_retry())
            });
            let retryable = recommended && error.kind() == ErrorKind::Service && !error.is_denied();
            error.with_retryable(retryable)
        }
    }
}

/// A response to a run, a stream or a submission.
fn of_billable(bounded: bool, response: &RawResponse) -> Verdict {
    let units = response.billable_units();
    match response.status.as_u16() {
        _ if units.is_some_and(|units| units > 0.0) => Verdict::Uncertain,
        // The response could not be used, but the request was accepted.
        200..=299 => Verdict::Uncertain,
        429 if units.is_none() && !response.has_request_id() => match response.needs_retry() {
            // The caller requested to be rejected by a full queue.
            true if !bounded => Verdict::Transient,
            _ => Verdict::Final,
        },
        408 | 425 | 429 | 500..=599 if units.is_none() && !response.has_reason() => Verdict::Uncertain,
        _ => Verdict::Final,
    }
}

/// A response to a result request: the model's own response, including its status, if it has a request id.
fn of_result(response: &RawResponse) -> Verdict {
    let is_own = response.has_request_id() || response.billable_units().is_some();
    match response.status.as_u16() {
        200..=299 | 400 | 409 | 425 if response.is_in_progress() => Verdict::Pending,
        _ if response.is_user_timeout() || response.recommends_retry() == Some(false) => Verdict::Final,
        200..=299 if response.content_encoding().is_some() => Verdict::Final,
        429 if response.billable_units().is_none() => Verdict::Transient,
        408 | 425 => Verdict::Transient,
        500..=599 if !is_own => Verdict::Transient,
        // Garbled or cut on its way, or not the model's response.
        200..=299 if !is_json(response) => Verdict::Transient,
        _ if !is_own => of_other(response),
        _ => Verdict::Final,
    }
}

/// A response to a status or cancel request. The failure of the model itself never appears there.
fn of_control(response: &RawResponse) -> Verdict {
    match response.status.as_u16() {
        _ if response.is_user_timeout() => Verdict::Final,
        429 if !response.needs_retry() => Verdict::Final,
        408 | 425 | 429 | 500..=599 => Verdict::Transient,
        // The status is unreadable.
        200..=299 if response.content_encoding().is_none() => Verdict::Transient,
        _ if !response.has_request_id() => of_other(response),
        _ => Verdict::Final,
    }
}

/// A response without fal's id. It is fal's own word if it is JSON. Otherwise it is a gateway's, and says nothing about the
/// request.
fn of_other(response: &RawResponse) -> Verdict {
    match response.status.as_u16() {
        407 => Verdict::Final,
        // A login page, or a rule of a gateway.
        300..=399 => Verdict::Pending,
        _ if is_json(response) || response.content_encoding().is_some() => Verdict::Final,
        401 | 403 => Verdict::Pending,
        _ => Verdict::Transient,
    }
}

/// A response of a storage host or of a file's host.
fn of_storage(response: &RawResponse) -> Verdict {
    match response.status.as_u16() {
        408 | 425 | 429 | 500..=599 => Verdict::Transient,
        _ => Verdict::Final,
    }
}

/// Returns true if a body is JSON, whether it fits the output's type or not.
fn is_json(response: &RawResponse) -> bool {
    json::from_slice::<IgnoredAny>(&response.body).is_ok()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

    use super::*;

    const RUN: Operation = Operation::Run;
    const SUBMIT: Operation = Operation::Submit { bounded: false };
    const FREE: [Operation; 5] = [
        Operation::Status,
        Operation::StatusStream,
        Operation::Result,
        Operation::Cancel,
        Operation::Storage("download"),
    ];

    fn response(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> RawResponse {
        let headers =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        RawResponse {
            status: StatusCode::from_u16(status).expect("a status"),
            headers: HeaderMap::from_iter(headers),
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    fn service(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> Error {
        Error::service("fal", response(status, headers, body))
    }

    #[test]
    fn what_is_not_fals_own_word_is_transient_for_free_requests_and_uncertain_for_billable_ones() {
        for status in [408, 425, 500, 501, 502, 503, 504, 507, 520, 521, 522, 523, 524, 525, 526, 527, 529, 530, 599] {
            for body in ["", "<html>nginx</html>", r#"{"detail":"x"}"#] {
                let error = service(status, &[], body);
                for operation in FREE {
                    assert_eq!(verdict(operation, &error), Verdict::Transient, "{status} {operation:?}");
                }
                for operation in [RUN, SUBMIT] {
                    assert_eq!(verdict(operation, &error), Verdict::Uncertain, "{status} {operation:?}");
                }
            }
        }
        for kind in [ErrorKind::Transport, ErrorKind::Timeout] {
            let error = Error::new(kind, "x");
            assert!(FREE.into_iter().all(|operation| verdict(operation, &error) == Verdict::Transient));
            assert!([RUN, SUBMIT].into_iter().all(|operation| verdict(operation, &error) == Verdict::Uncertain));
        }
    }

    #[test]
    fn refusals_are_final() {
        for status in [400, 401, 402, 403, 404, 405, 407, 409, 410, 413, 422, 451, 499] {
            let error = service(status, &[], r#"{"detail":"no"}"#);
            for operation in FREE.into_iter().chain([RUN, SUBMIT]) {
                assert_eq!(verdict(operation, &error), Verdict::Final, "{status} {operation:?}");
                assert!(!judged(operation, error.clone()).is_retryable(), "{status} {operation:?}");
            }
        }
        for kind in [ErrorKind::Credentials, ErrorKind::File, ErrorKind::UntrustedUrl, ErrorKind::InvalidInput] {
            assert_eq!(verdict(RUN, &Error::new(kind, "x")), Verdict::Final);
        }
    }

    #[test]
    fn a_failure_with_a_request_id_is_final_for_a_result_only() {
        let id = ("x-fal-request-id", "R1");
        for error in [service(500, &[id], ""), service(503, &[id], "{}"), service(504, &[], r#"{"request_id":"R1"}"#)] {
            assert_eq!(verdict(Operation::Result, &error), Verdict::Final);
            assert_eq!(verdict(Operation::Status, &error), Verdict::Transient);
            assert_eq!(verdict(Operation::Cancel, &error), Verdict::Transient);
        }
        assert_eq!(verdict(Operation::Result, &service(503, &[("x-fal-needs-retry", "0")], "")), Verdict::Final);
    }

    #[test]
    fn a_billable_429_is_retried_only_if_no_request_came_of_it() {
        let id = ("x-fal-request-id", "R1");
        for (headers, body, expected) in [
            (&[][..], "", Verdict::Transient),
            (&[("x-fal-needs-retry", "1")], "", Verdict::Transient),
            (&[], r#"{"error_type":"concurrent_requests_limit"}"#, Verdict::Transient),
            (&[], r#"{"request_id":null}"#, Verdict::Transient),
            (&[("x-fal-needs-retry", "0")], "", Verdict::Final),
            (&[id], "", Verdict::Uncertain),
            (&[], r#"{"request_id":"R1"}"#, Verdict::Uncertain),
            (&[("x-fal-billable-units", "3.5")], "", Verdict::Uncertain),
            (&[id, ("x-fal-billable-units", "3.5"), ("x-fal-needs-retry", "1")], "", Verdict::Uncertain),
            (&[id, ("x-fal-needs-retry", "1")], "", Verdict::Final),
            (&[id, ("x-fal-billable-units", "0")], "", Verdict::Final),
            (&[("x-fal-billable-units", "many")], "", Verdict::Uncertain),
        ] {
            let error = service(429, headers, body);
            for operation in [RUN, SUBMIT] {
                assert_eq!(verdict(operation, &error), expected, "{headers:?} {body}");
                let retryable = !matches!(expected, Verdict::Uncertain) && headers != [("x-fal-needs-retry", "0")];
                assert_eq!(judged(operation, error.clone()).is_retryable(), retryable, "{headers:?} {body}");
            }
        }
        assert_eq!(verdict(Operation::Submit { bounded: true }, &service(429, &[], "")), Verdict::Final);
    }

    #[test]
    fn a_reason_from_fal_decides_about_a_billable_failure() {
        for (headers, body, retryable) in [
            (&[("x-fal-needs-retry", "1"), ("x-fal-request-id", "R1")][..], "", true),
            (&[("x-fal-needs-retry", "0")], "", false),
            (&[("x-fal-error-type", "runner_disconnected")], "", true),
            (&[], r#"{"detail":"x","error_type":"request_timeout"}"#, true),
            (&[("x-fal-request-timeout-type", "user")], "", false),
        ] {
            let error = service(504, headers, body);
            assert_eq!(verdict(RUN, &error), Verdict::Final, "{headers:?} {body}");
            let error = judged(RUN, error);
            assert_eq!((error.is_retryable(), error.may_have_been_accepted()), (retryable, false), "{headers:?}");
        }
        let error = judged(RUN, service(504, &[("x-fal-request-id", "R1")], ""));
        assert_eq!((error.is_retryable(), error.may_have_been_accepted()), (false, true));
    }

    #[test]
    fn an_unfinished_result_is_pending() {
        for body in [
            r#"{"detail":"Request is still in progress"}"#,
            r#"{"detail":"request IN PROGRESS"}"#,
            r#"{"status":"IN_QUEUE"}"#,
            r#"{"status":"IN_PROGRESS","detail":""}"#,
        ] {
            let error = service(400, &[("x-fal-request-id", "R1")], body);
            assert_eq!(verdict(Operation::Result, &error), Verdict::Pending, "{body}");
            assert!(judged(Operation::Result, error.clone()).is_retryable());
            assert_eq!(verdict(Operation::Cancel, &error), Verdict::Final, "{body}");
        }
        assert_eq!(verdict(Operation::Result, &service(400, &[], r#"{"detail":"bad"}"#)), Verdict::Final);
    }

    #[test]
    fn pages_and_unreadable_responses_pass() {
        let html = ("content-type", "text/html; charset=utf-8");
        for (status, passes) in
            [(200, true), (400, true), (404, true), (401, true), (403, true), (302, true), (407, false)]
        {
            let page = Error::unexpected("x", response(status, &[html], "<html>"));
            assert_eq!(verdict(Operation::Status, &page).passes(), passes, "{status}");
            assert_eq!(verdict(Operation::Result, &page).passes(), passes, "{status}");
        }
        let unreadable = Error::unexpected("x", response(200, &[], "{"));
        assert_eq!(verdict(Operation::Status, &unreadable), Verdict::Transient);
        assert_eq!(verdict(Operation::Result, &unreadable), Verdict::Transient);
        let garbled = Error::unexpected("x", response(200, &[("x-fal-request-id", "R1")], "{\"a\";1}"));
        assert_eq!(verdict(Operation::Result, &garbled), Verdict::Transient);
        let mismatch = Error::unexpected("x", response(200, &[], "[1]"));
        assert_eq!(verdict(Operation::Result, &mismatch), Verdict::Final);
        assert_eq!(verdict(RUN, &unreadable), Verdict::Uncertain);
        assert_eq!(verdict(SUBMIT, &unreadable), Verdict::Uncertain);
        assert_eq!(verdict(RUN, &Error::unexpected("x", response(307, &[], ""))), Verdict::Final);
    }
}
