//! Refusals that are about the API key or its account, and not about the request.

use super::lock_reason::LockReason;
use super::markup;
use super::raw_response::RawResponse;

/// The reason why fal serves a key nothing, or not this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    /// The key is missing or invalid.
    Unauthorized,
    /// The key lacks a permission.
    PermissionDenied,
    /// The account is locked.
    Locked(LockReason),
}

/// Words about a locked account that only fal says.
const LOCKED: &[&str] = &["user is locked", "account is locked", "account has been locked", "team is locked"];

/// Words about an account that cannot pay. A model may repeat them from a service that it calls.
const UNPAID: &[&str] = &[
    "exhausted balance",
    "balance is exhausted",
    "insufficient balance",
    "insufficient credit",
    "insufficient_quota",
    "exceeded your current quota",
    "budget is exceeded",
    "budget exceeded",
    "spending limit",
    "add a payment method",
    "account has been archived",
];

/// Words about an invalid key that only fal says.
const INVALID_KEY: &[&str] =
    &["invalid key authorization header", "no user found for key", "invalid key credentials", "invalid api key"];

const INSUFFICIENT: &str = "insufficient permission";

impl Denial {
    /// Returns the denial in a response of a host that receives the key.
    ///
    /// A response with a request id is a model's own. Its status says nothing about the key, so that only fal's own words
    /// count. A page is a gateway's.
    pub(crate) fn of(response: &RawResponse) -> Option<Self> {
        let words = words(response)?;
        let is_own = response.has_request_id() || response.billable_units().is_some_and(|units| units > 0.0);
        let by_status = || match response.status().as_u16() {
            _ if is_own => None,
            402 => Some(Denial::Locked(reason(&words))),
            403 | 429 if has(&words, UNPAID) => Some(Denial::Locked(reason(&words))),
            401 => Some(Denial::Unauthorized),
            // Text that is not JSON is a gateway's.
            403 if response.json().is_some() => Some(Denial::PermissionDenied),
            _ => None,
        };
        by_words(response, &words).or_else(by_status)
    }

    /// Returns the denial in a response of a storage host, which may be another company's. Its statuses are about the token
    /// or the file, so that only fal's own words about the account count.
    pub(crate) fn of_storage(response: &RawResponse) -> Option<Self> {
        by_words(response, &words(response)?).filter(|denial| matches!(denial, Denial::Locked(_)))
    }
}

/// Returns the words of a response in lower case, or `None` if it is a page.
fn words(response: &RawResponse) -> Option<String> {
    let is_page = response.json().is_none() && markup::start(&String::from_utf8_lossy(&response.body)).is_some();
    (!is_page).then(|| response.detail().message.unwrap_or_default())
}

fn by_words(response: &RawResponse, words: &str) -> Option<Denial> {
    match response.status().as_u16() {
        401..=403 | 423 | 429 if has(words, LOCKED) => Some(Denial::Locked(reason(words))),
        400 | 401 | 403 if has(words, INVALID_KEY) => Some(Denial::Unauthorized),
        401 | 403 if has(words, &[INSUFFICIENT]) => Some(Denial::PermissionDenied),
        _ => None,
    }
}

fn has(words: &str, parts: &[&str]) -> bool {
    let words = words.to_lowercase();
    parts.iter().any(|part| words.contains(part))
}

/// Returns the reason in `User is locked. Reason: …`.
fn reason(words: &str) -> LockReason {
    let stated = words.split_once("Reason:").or_else(|| words.split_once("reason:")).map(|(_, reason)| reason);
    LockReason::other(stated.unwrap_or(words))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::*;

    fn response(status: u16, body: &'static str) -> RawResponse {
        let status = StatusCode::from_u16(status).expect("a status");
        RawResponse { status, headers: HeaderMap::new(), body: Bytes::from_static(body.as_bytes()) }
    }

    #[test]
    fn denials_are_told_from_other_refusals() {
        let locked = |words: &str| Some(Denial::Locked(LockReason::other(words)));
        for (status, body, denial) in [
            (401, r#"{"detail":"x"}"#, Some(Denial::Unauthorized)),
            (401, "", Some(Denial::Unauthorized)),
            (401, "<html>sign in</html>", None),
            (400, r#"{"detail":"Invalid Key Authorization header format"}"#, Some(Denial::Unauthorized)),
            (403, "No user found for Key ID and Secret", Some(Denial::Unauthorized)),
            (403, r#"{"detail":"Insufficient permissions"}"#, Some(Denial::PermissionDenied)),
            (403, r#"{"error":{"type":"authorization_error","message":"no"}}"#, Some(Denial::PermissionDenied)),
            (403, "", None),
            (403, "blocked", None),
            (401, "not signed in", Some(Denial::Unauthorized)),
            (403, "{}", Some(Denial::PermissionDenied)),
            (403, "<html>blocked</html>", None),
            (403, r#"{"detail":"User is locked. Reason: TOP_UP."}"#, locked("TOP_UP")),
            (403, r#"{"detail":{"reason":"locked","message":"User is locked"}}"#, locked("User is locked")),
            (429, r#"{"detail":"Exhausted balance"}"#, locked("balance")),
            (429, r#"{"detail":"Too many requests"}"#, None),
            (402, "{}", locked("{}")),
            (422, r#"{"detail":"User is locked"}"#, None),
            (500, r#"{"detail":"User is locked"}"#, None),
        ] {
            match (Denial::of(&response(status, body)), denial) {
                (Some(Denial::Locked(_)), Some(Denial::Locked(LockReason::Other(_)))) => {}
                (found, expected) => assert_eq!(found, expected, "{status} {body}"),
            }
        }
    }

    #[test]
    fn a_models_own_refusal_is_not_a_denial() {
        for (status, body, is_denial) in [
            (401, r#"{"detail":"the model's provider refused"}"#, false),
            (403, r#"{"detail":"insufficient credits of the provider"}"#, false),
            (403, r#"{"detail":"User is locked. Reason: Exhausted balance."}"#, true),
            (401, r#"{"detail":"invalid key credentials"}"#, true),
        ] {
            let mut response = response(status, body);
            response.headers.insert("x-fal-request-id", HeaderValue::from_static("R1"));
            assert_eq!(Denial::of(&response).is_some(), is_denial, "{status} {body}");
            assert_eq!(Denial::of_storage(&response).is_some(), body.contains("locked"), "{status} {body}");
        }
    }
}
