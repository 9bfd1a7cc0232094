//! An HTTP request that the emulator received, without what is secret.

use maud::{Markup, html};

use crate::page::text::{block, bytes, masked, shortened};
use crate::request::received_request::ReceivedRequest;

/// The most characters of a path.
const MAX_PATH: usize = 300;

/// Returns the path of a request with its query, in which tokens and signatures are masked.
pub(super) fn target(request: &ReceivedRequest) -> String {
    let mut target = shortened(request.path(), MAX_PATH);
    for (index, (name, value)) in request.0.query_pairs().iter().take(20).enumerate() {
        target.push(if index == 0 { '?' } else { '&' });
        target.push_str(&format!("{}={}", shortened(name, 50), masked(name, &shortened(value, 100))));
    }
    target
}

/// Shows the status of a response.
pub(super) fn status(request: &ReceivedRequest) -> Markup {
    match request.status() {
        Some(status @ 200..=399) => html! { span.badge.completed { (status) } },
        Some(status) => html! { span.badge.failed { (status) } },
        None => html! { span.badge.queued { "no response" } },
    }
}

/// Shows a request, folded to its first line. `id` is unique on the page.
pub(super) fn folded(id: &str, request: &ReceivedRequest) -> Markup {
    html! {
        details.exchange id=(id) {
            summary {
                span.line { code.method { (request.method()) } " " code dir="ltr" { (target(request)) } }
                " " (status(request))
            }
            @if let Some(mistake) = request.mistake() { p.warning { strong { "Mistake: " } (mistake) } }
            dl.headers {
                @for (name, value) in request.0.headers() {
                    dt { code { (shortened(name.as_str(), 80)) } }
                    dd dir="auto" { (masked(name.as_str(), &String::from_utf8_lossy(value.as_bytes()))) }
                }
            }
            @if !request.body().is_empty() {
                h3 { "Body, " (bytes(request.body_size())) }
                (block(&body(request), None))
            } @else if request.body_size() > 0 {
                p.hint { "A file of " (bytes(request.body_size())) }
            }
        }
    }
}

/// Returns the body as readable text.
fn body(request: &ReceivedRequest) -> String {
    match request.0.input() {
        Ok(input) => serde_json::to_string_pretty(input).unwrap_or_default(),
        Err(_) => String::from_utf8_lossy(&request.body()[..request.body().len().min(64 << 10)]).into_owned(),
    }
}
