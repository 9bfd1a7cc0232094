//! Refusals that are about the API key or its account, and not about the request.

use serde_json::Value;

use super::error_type::ErrorType;
use super::lock_reason::LockReason;
use super::raw_response::RawResponse;
use super::{echo, markup};

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
const LOCKED: &[&str] =
    &["user is locked", "account is locked", "account has been locked", "account locked", "team is locked"];

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
    &["invalid key authorization header format", "no user found for key id and secret", "invalid key credentials"];

/// Words about an invalid key that other services say, too.
const INVALID_API_KEY: &[&str] = &["invalid api key"];

const INSUFFICIENT: &[&str] = &["insufficient permissions", "insufficient permission"];

impl Denial {
    /// Returns the denial in a response of a host that receives the key. `input` is what the request sent.
    ///
    /// A response may be a model's own (`of_model`), and then says nothing about the key, unless it begins with fal's words:
    /// a model can repeat anything. A page is a gateway's.
    pub(crate) fn of(response: &RawResponse, of_model: bool, input: &[u8]) -> Option<Self> {
        let words = words(response)?;
        let is_own = (of_model && is_of_model(response))
            // fal gives none of its declared types to a denial.
            || response.error_type().is_some_and(|name| name.parse::<ErrorType>().is_ok())
            || echo::texts(input).iter().any(|text| words.contains(text));
        by_words(response, &words, is_own).or_else(|| if is_own { None } else { by_status(response, &words) })
    }

    /// Returns the denial in the failure that a webhook or an event reports. It is the model's own, unless it begins with fal's
    /// words.
    pub(crate) fn of_report(response: &RawResponse) -> Option<Self> {
        by_words(response, &words(response)?, true)
    }

    /// Returns the denial in a response of a storage host, which may be another company's. Its statuses are about the token
    /// or the file, so that only fal's own words about the account count.
    pub(crate) fn of_storage(response: &RawResponse) -> Option<Self> {
        by_words(response, &words(response)?, true).filter(|denial| matches!(denial, Denial::Locked(_)))
    }
}

/// Returns the words about the reason of a lock: in `User is locked. Reason: …`, in a field of that name, or the whole message.
pub(crate) fn lock_words(response: &RawResponse) -> Option<String> {
    const MARK: &str = "reason:";
    let words = words(response)?;
    if let Some(at) = words.to_ascii_lowercase().find(MARK) {
        return Some(words[at + MARK.len()..].trim().to_owned());
    }
    let body = response.json().unwrap_or_default();
    let places = [Some(&body), body.get("detail"), body.get("error")];
    let fields = places.into_iter().flatten().flat_map(|place| [place.get("lock_reason"), place.get("reason")]);
    let stated = fields.flatten().filter_map(Value::as_str).find(|reason| !reason.trim().is_empty());
    Some(stated.map_or(words, |reason| reason.trim().to_owned())).filter(|words| !words.is_empty())
}

/// Returns true if a response to a run or a result request is the model's own.
fn is_of_model(response: &RawResponse) -> bool {
    let is_about_field = || response.detail().field_errors.iter().any(|error| !error.loc.is_empty());
    response.has_request_id() || response.billable_units().is_some_and(|units| units > 0.0) || is_about_field()
}

/// Returns the words of a response, or `None` if it is a page.
fn words(response: &RawResponse) -> Option<String> {
    let is_page = response.json().is_none() && markup::start(&String::from_utf8_lossy(&response.body)).is_some();
    (!is_page).then(|| response.detail().message.unwrap_or_default())
}

fn by_words(response: &RawResponse, words: &str, is_own: bool) -> Option<Denial> {
    let says = |phrases| if is_own { begins(words, phrases) } else { has(words, phrases) };
    match response.status().as_u16() {
        401..=403 | 423 | 429 if says(LOCKED) => Some(locked(response)),
        400 | 401 | 403 if says(INVALID_KEY) => Some(Denial::Unauthorized),
        401 | 403 if says(INSUFFICIENT) => Some(Denial::PermissionDenied),
        _ => None,
    }
}

fn by_status(response: &RawResponse, words: &str) -> Option<Denial> {
    match response.status().as_u16() {
        402 => Some(locked(response)),
        403 | 429 if has(words, UNPAID) => Some(locked(response)),
        401 => Some(Denial::Unauthorized),
        400 | 403 if has(words, INVALID_API_KEY) => Some(Denial::Unauthorized),
        // Text that is not JSON is a gateway's.
        403 if response.json().is_some() => Some(Denial::PermissionDenied),
        _ => None,
    }
}

fn locked(response: &RawResponse) -> Denial {
    Denial::Locked(LockReason::other(lock_words(response).unwrap_or_default()))
}

/// Returns true if a text has one of the phrases, other than in quotes.
fn has(words: &str, phrases: &[&str]) -> bool {
    let words = words.to_lowercase();
    let is_quoted = |at: usize| words[..at].ends_with(['"', '\'', '`', '“', '‘', '«']);
    phrases.iter().any(|phrase| words.match_indices(phrase).any(|(at, _)| !is_quoted(at)))
}

/// Returns true if a text begins with one of the phrases as a whole sentence or clause.
fn begins(words: &str, phrases: &[&str]) -> bool {
    let words = words.trim_start().to_lowercase();
    let words = ["your ", "the ", "this "].iter().find_map(|article| words.strip_prefix(article)).unwrap_or(&words);
    let is_end = |rest: &str| rest.trim_start().chars().next().is_none_or(|c| ".:;,!(-–—".contains(c));
    phrases.iter().any(|phrase| words.strip_prefix(phrase).is_some_and(is_end))
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
            match (Denial::of(&response(status, body), true, b""), denial) {
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
            assert_eq!(Denial::of(&response, true, b"").is_some(), is_denial, "{status} {body}");
            assert_eq!(Denial::of_storage(&response).is_some(), body.contains("locked"), "{status} {body}");
        }
    }
}
