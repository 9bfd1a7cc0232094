//! What a client must not do and fal does not notice.

use hyper::header::AUTHORIZATION;
use serde_json::Value;

use super::{Operation, Received};

pub(crate) fn of(received: &Received) -> Option<&'static str> {
    match received.operation() {
        Operation::Media if received.headers().contains_key(AUTHORIZATION) => {
            Some("the key was sent to the host of the files, which needs none")
        }
        Operation::Run => of_queue_options(received).or_else(|| of_options(received)),
        Operation::Submit => of_options(received),
        _ => None,
    }
}

/// Options that fal passes over.
fn of_options(received: &Received) -> Option<&'static str> {
    let header = |name: &str| received.header(name);
    let start_timeout = header("x-fal-request-start-timeout").or(header("x-fal-request-timeout"));
    let lifecycle = header("x-fal-object-lifecycle-preference").map(serde_json::from_str::<Value>);
    if start_timeout.is_some() && received.start_timeout().is_none() {
        Some("a start timeout has to be a number of seconds greater than 0.1")
    } else if header("x-fal-queue-priority").is_some_and(|priority| !matches!(priority, "normal" | "low")) {
        Some("a queue priority is `normal` or `low`; fal ignores any other")
    } else if header("x-fal-tags").is_some_and(|tags| !are_tags(tags)) {
        Some("fal drops tags that are malformed, reserved or too many without a word")
    } else if lifecycle.is_some_and(|lifecycle| !lifecycle.is_ok_and(|lifecycle| lifecycle.is_object())) {
        Some("a lifecycle preference has to be a JSON object")
    } else if received.query("fal_max_queue_length").is_some() && received.max_queue_length().is_none() {
        Some("a maximal queue length has to be a whole number")
    } else {
        None
    }
}

/// Options that mean nothing to a direct run.
fn of_queue_options(received: &Received) -> Option<&'static str> {
    let header = received.header("x-fal-queue-priority").is_some();
    let query = |name: &str| received.query(name).is_some();
    let is_option = header || query("fal_webhook") || query("fal_max_queue_length");
    is_option.then_some("a direct run has neither a webhook nor a priority nor a queue")
}

/// At most ten pairs in at most 1,024 bytes. A key has at most 64 of `a-z0-9._-` and does not begin with `fal.`, a value
/// has at most 256 printable ASCII characters without comma.
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
