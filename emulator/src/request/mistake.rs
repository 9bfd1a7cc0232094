//! Client mistakes that fal does not report.

use hyper::header::AUTHORIZATION;
use serde_json::Value;

use crate::request::operation::Operation;
use crate::request::received::Received;
use crate::storage::lifecycle::Lifecycle;

/// Finds a mistake in a request.
pub(super) fn find(received: &Received) -> Option<&'static str> {
    match received.operation() {
        Operation::Media if received.headers().contains_key(AUTHORIZATION) => {
            Some("the API key was sent to a file host, which does not need it")
        }
        Operation::WebhookKeys if received.headers().contains_key(AUTHORIZATION) => {
            Some("the API key was sent for the public keys of webhooks, which need none")
        }
        Operation::Run => {
            in_content_type(received).or_else(|| in_queue_options(received)).or_else(|| in_options(received))
        }
        Operation::Stream => {
            in_content_type(received).or_else(|| in_queue_options(received)).or_else(|| in_lifecycle(received))
        }
        Operation::Token => in_content_type(received).or_else(|| in_apps(received)),
        Operation::Submit => in_content_type(received).or_else(|| in_options(received)),
        Operation::InitiateUpload | Operation::InitiateMultipart => {
            in_content_type(received).or_else(|| in_lifecycle(received))
        }
        Operation::SignFile | Operation::SetFileAcl => in_content_type(received),
        Operation::EstimateCost => in_content_type(received).or_else(|| in_query(received, Operation::EstimateCost)),
        Operation::Upload | Operation::StartMultipart => in_token(received).or_else(|| in_lifecycle(received)),
        Operation::PutFile => in_signed_url(received),
        // A multipart upload to Google Cloud Storage is completed with the key.
        Operation::CompleteMultipart if received.path().starts_with("/rest.fal.ai") => None,
        Operation::PutPart | Operation::CompleteMultipart => match received.signature() {
            Some(_) => in_signed_url(received),
            None => in_token(received),
        },
        operation => in_query(received, operation),
    }
}

/// Finds a query parameter, or a field to expand, that the platform API ignores because it does not know it.
fn in_query(received: &Received, operation: Operation) -> Option<&'static str> {
    let (names, fields): (&[&str], &[&str]) = match operation {
        Operation::Models => (
            &["limit", "cursor", "endpoint_id", "q", "category", "status", "expand", "sort"],
            &["openapi-3.0", "enterprise_status"],
        ),
        Operation::Workflows => (&["limit", "cursor", "search", "used_endpoint_ids"], &[]),
        Operation::Pricing => (&["endpoint_id", "limit", "cursor"], &[]),
        Operation::Usage => (
            &[
                "limit",
                "cursor",
                "start",
                "end",
                "timezone",
                "timeframe",
                "bound_to_timeframe",
                "endpoint_id",
                "api_key_id",
                "login_username",
                "expand",
            ],
            &["time_series", "summary", "auth_method", "auth_method_structured"],
        ),
        Operation::BillingEvents => (
            &[
                "limit",
                "cursor",
                "start",
                "end",
                "endpoint_id",
                "request_id",
                "api_key_id",
                "login_username",
                "expand",
                "tag",
            ],
            &["auth_method", "auth_method_structured"],
        ),
        Operation::RequestsByEndpoint => (
            &["limit", "cursor", "endpoint_id", "start", "end", "status", "request_id", "expand", "sort_by"],
            &["payloads"],
        ),
        Operation::SearchRequests => (
            &[
                "limit",
                "cursor",
                "query",
                "image_url",
                "video_url",
                "endpoint_id",
                "endpoint",
                "exclude_api_requests",
                "only_api_requests",
                "min_similarity",
            ],
            &[],
        ),
        Operation::AccountBilling => (&["expand"], &["credits"]),
        Operation::Document => (&["endpoint_id"], &[]),
        Operation::EstimateCost | Operation::DeletePayloads | Operation::UserDetails | Operation::Meta => (&[], &[]),
        _ => return None,
    };
    if received.query.iter().any(|(name, _)| !names.contains(&name.as_str())) {
        Some("unknown query parameter: the platform API ignores it")
    } else if received.query_list("expand").any(|field| !fields.contains(&field)) {
        Some("unknown field to expand: the platform API ignores it")
    } else {
        None
    }
}

/// Finds a body that fal accepts and the model cannot read.
fn in_content_type(received: &Received) -> Option<&'static str> {
    (!received.declares_json()).then_some("the request needs exactly one `Content-Type`, which has to be JSON")
}

/// Finds an application of a token that is not its alias. fal's clients send aliases, and only the newer request takes paths.
fn in_apps(received: &Received) -> Option<&'static str> {
    let apps = received.input().ok().and_then(|body| body.get("allowed_apps")?.as_array());
    let is_path = |app: &Value| app.as_str().is_some_and(|app| app.contains('/'));
    let has_path = !received.path().contains("/realtime") && apps.is_some_and(|apps| apps.iter().any(is_path));
    has_path
        .then_some("the applications of a token are aliases without the owner, such as `flux` for `fal-ai/flux/dev`")
}

/// Finds a credential that is not a CDN token where one is required.
fn in_token(received: &Received) -> Option<&'static str> {
    match received.header(AUTHORIZATION.as_str()) {
        Some(header) if header.starts_with("Key ") => {
            Some("the API key was sent to a file host, which expects a CDN token")
        }
        Some(header) if !header.starts_with("Bearer ") => Some("the CDN token was sent without the type `Bearer`"),
        _ => None,
    }
}

/// Finds a credential that is sent to a signed URL.
fn in_signed_url(received: &Received) -> Option<&'static str> {
    match received.header(AUTHORIZATION.as_str()) {
        Some(header) if header.starts_with("Key ") => {
            Some("the API key was sent to a signed URL, which does not need it")
        }
        Some(_) => Some("a token was sent to a signed URL, which does not need it"),
        None => None,
    }
}

fn in_lifecycle(received: &Received) -> Option<&'static str> {
    let names = ["x-fal-object-lifecycle", "x-fal-object-lifecycle-preference"];
    let is_invalid = |name| received.header(name).is_some_and(|header| Lifecycle::parse(header).is_none());
    names
        .into_iter()
        .any(is_invalid)
        .then_some("invalid lifecycle: expected a JSON object with `expiration_duration_seconds` and `initial_acl`")
}

/// Finds options that fal ignores.
fn in_options(received: &Received) -> Option<&'static str> {
    let header = |name: &str| received.header(name);
    let start_timeout = header("x-fal-request-start-timeout").or(header("x-fal-request-timeout"));
    if start_timeout.is_some() && received.start_timeout().is_none() && !received.has_no_start_timeout() {
        Some("invalid start timeout: expected a number of seconds greater than 0.1")
    } else if header("x-fal-queue-priority").is_some_and(|priority| !matches!(priority, "normal" | "low")) {
        Some("unknown queue priority: expected `normal` or `low`, fal ignores any other")
    } else if header("x-fal-tags").is_some_and(|tags| !are_valid_tags(tags)) {
        Some("invalid tags: fal silently drops tags that are malformed, reserved or too many")
    } else if received.query("fal_max_queue_length").is_some() && received.max_queue_length().is_none() {
        Some("invalid maximum queue length: expected an integer")
    } else {
        in_lifecycle(received)
    }
}

/// Finds options that have no effect on a direct run.
fn in_queue_options(received: &Received) -> Option<&'static str> {
    let header = received.header("x-fal-queue-priority").is_some();
    let query = |name: &str| received.query(name).is_some();
    let is_option = header || query("fal_webhook") || query("fal_max_queue_length");
    is_option.then_some("a direct run ignores the webhook, the priority and the maximum queue length")
}

/// Checks tags: at most 10 pairs in at most 1,024 bytes. A key has at most 64 characters of `a-z0-9._-` and does not
/// start with `fal.`. A value has at most 256 printable ASCII characters, without commas.
fn are_valid_tags(text: &str) -> bool {
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
