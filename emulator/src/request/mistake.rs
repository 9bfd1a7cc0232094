//! What a client must not do and fal does not notice.

use hyper::header::AUTHORIZATION;

use crate::request::operation::Operation;
use crate::request::received::Received;
use crate::storage::lifecycle::Lifecycle;

pub(super) fn find(received: &Received) -> Option<&'static str> {
    match received.operation() {
        Operation::Media if received.headers().contains_key(AUTHORIZATION) => {
            Some("the key was sent to the host of the files, which needs none")
        }
        Operation::Run => in_queue_options(received).or_else(|| in_options(received)),
        Operation::Submit => in_options(received),
        Operation::InitiateUpload | Operation::InitiateMultipart => in_lifecycle(received),
        Operation::Upload | Operation::StartMultipart => in_token(received).or_else(|| in_lifecycle(received)),
        Operation::PutFile => in_signed_url(received),
        // To Google, the key completes an upload.
        Operation::CompleteMultipart if received.path().starts_with("/rest.fal.ai") => None,
        Operation::PutPart | Operation::CompleteMultipart => match received.signature() {
            Some(_) => in_signed_url(received),
            None => in_token(received),
        },
        _ => None,
    }
}

/// Something else than a CDN token, where one has to be.
fn in_token(received: &Received) -> Option<&'static str> {
    match received.header(AUTHORIZATION.as_str()) {
        Some(header) if header.starts_with("Key ") => {
            Some("the key was sent to a host of files, which takes a CDN token")
        }
        Some(header) if !header.starts_with("Bearer ") => Some("a CDN token was not sent with its type"),
        _ => None,
    }
}

/// A key or a token, where the URL is all that is needed.
fn in_signed_url(received: &Received) -> Option<&'static str> {
    match received.header(AUTHORIZATION.as_str()) {
        Some(header) if header.starts_with("Key ") => Some("the key was sent to a signed URL, which needs none"),
        Some(_) => Some("a token was sent to a signed URL, which needs none"),
        None => None,
    }
}

fn in_lifecycle(received: &Received) -> Option<&'static str> {
    let names = ["x-fal-object-lifecycle", "x-fal-object-lifecycle-preference"];
    let is_bad = |name| received.header(name).is_some_and(|header| Lifecycle::parse(header).is_none());
    names
        .into_iter()
        .any(is_bad)
        .then_some("a lifecycle is a JSON object of expiration_duration_seconds and initial_acl")
}

/// Options that fal passes over.
fn in_options(received: &Received) -> Option<&'static str> {
    let header = |name: &str| received.header(name);
    let start_timeout = header("x-fal-request-start-timeout").or(header("x-fal-request-timeout"));
    if start_timeout.is_some() && received.start_timeout().is_none() {
        Some("a start timeout has to be a number of seconds greater than 0.1")
    } else if header("x-fal-queue-priority").is_some_and(|priority| !matches!(priority, "normal" | "low")) {
        Some("a queue priority is `normal` or `low`; fal ignores any other")
    } else if header("x-fal-tags").is_some_and(|tags| !are_tags(tags)) {
        Some("fal drops tags that are malformed, reserved or too many without a word")
    } else if received.query("fal_max_queue_length").is_some() && received.max_queue_length().is_none() {
        Some("a maximal queue length has to be a whole number")
    } else {
        in_lifecycle(received)
    }
}

/// Options that mean nothing to a direct run.
fn in_queue_options(received: &Received) -> Option<&'static str> {
    let header = received.header("x-fal-queue-priority").is_some();
    let query = |name: &str| received.query(name).is_some();
    let is_option = header || query("fal_webhook") || query("fal_max_queue_length");
    is_option.then_some("a direct run has neither a webhook nor a priority nor a queue")
}

/// At most ten pairs in at most 1,024 bytes. A key has at most 64 of `a-z0-9._-` and does not begin with `fal.`, a
/// value has at most 256 printable ASCII characters without comma.
fn are_tags(text: &str) -> bool {
    let is_key_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    let is_pair = |pair: &str| {
        pair.split_once('=').is_some_and(|(key, value)| {
            (1..=64).contains(&key.len())
                && key.bytes().all(is_key_byte)
                && !key.starts_with("fal.")
                && value.len() <= 256
                && value.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        })
    };
    text.len() <= 1024 && text.split(',').count() <= 10 && text.split(',').all(is_pair)
}
