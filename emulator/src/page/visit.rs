//! The paths of the page.

use std::sync::Arc;

use bytes::Bytes;
use hyper::header::HeaderName;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use percent_encoding::percent_decode_str;

use crate::page::layout::error;
use crate::page::{
    account, admission, assets, endpoint, endpoints, faults, files, http_log, live, media, overview, request, requests,
};
use crate::request::received;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Reply};
use crate::state::State;

/// A request for the page.
pub(super) struct Visit<'a> {
    pub(super) state: &'a Arc<State>,
    pub(super) head: &'a Parts,
    /// The segments of the path, decoded.
    pub(super) path: Vec<String>,
    query: Vec<(String, String)>,
}

impl<'a> Visit<'a> {
    fn new(state: &'a Arc<State>, head: &'a Parts) -> Self {
        Visit::of(state, head, head.uri.path(), head.uri.query().unwrap_or_default())
    }

    /// Creates the visit of another path, by the same browser.
    pub(super) fn of(state: &'a Arc<State>, head: &'a Parts, path: &str, query: &str) -> Self {
        Visit { state, head, path: segments(path), query: received::parse_query(query) }
    }

    /// Returns a parameter of the query, unless it is empty.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        let value = self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        value.filter(|value| !value.is_empty())
    }

    /// Returns the number of the page of a list, from 1 on.
    pub(super) fn page_number(&self) -> usize {
        self.query("page").and_then(|page| page.parse().ok()).filter(|page| *page > 0).unwrap_or(1)
    }
}

fn segments(path: &str) -> Vec<String> {
    let segments = path.trim_matches('/').split('/').filter(|segment| !segment.is_empty());
    segments.map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect()
}

/// Returns whether the page has a path. All other paths are fal's.
pub(crate) fn serves(method: &Method, path: &str) -> bool {
    match path.trim_matches('/').split('/').next() {
        Some("") | None => method == Method::GET || method == Method::HEAD,
        Some(first) => matches!(
            first,
            "endpoints" | "requests" | "http" | "files" | "faults" | "account" | "events" | "media" | "page"
        ),
    }
}

/// Requires that a request comes from where it may.
pub(crate) fn admit(head: &Parts) -> Result<(), Refusal> {
    admission::check(head)
}

/// Responds to a request for the page. `body` is empty unless it is a `POST`.
pub(crate) async fn respond(state: &Arc<State>, head: &Parts, body: Bytes) -> Reply {
    let visit = Visit::new(state, head);
    let reply = match head.method {
        Method::GET | Method::HEAD => read(&visit).await,
        Method::POST => change(&visit, body).await,
        _ => Refusal::Method(&[Method::GET, Method::HEAD, Method::POST]).into_reply(),
    };
    secured(reply)
}

async fn read(visit: &Visit<'_>) -> Reply {
    let path: Vec<&str> = visit.path.iter().map(String::as_str).collect();
    match path.as_slice() {
        [] => overview::page(visit),
        ["endpoints"] => endpoints::page(visit),
        ["endpoints", id @ ..] => endpoint::page(visit, &id.join("/")),
        ["requests"] => requests::page(visit),
        ["requests", id] => request::page(visit, id).await,
        ["requests", id, "input"] => request::input(visit, id),
        ["requests", id, "output"] => request::output(visit, id).await,
        ["requests", id, "thumbnail"] => media::thumbnail(visit, id).await,
        ["http"] => http_log::page(visit),
        ["files"] => files::page(visit),
        ["faults"] => faults::page(visit),
        ["account"] => account::page(visit),
        ["events"] => live::events(visit).await,
        ["media", path @ ..] => media::file(visit, &path.join("/")).await,
        ["page", "style.css"] => assets::STYLE.reply(visit.head),
        ["page", "script.js"] => assets::SCRIPT.reply(visit.head),
        ["page", "icon.svg"] => assets::ICON.reply(visit.head),
        _ => not_found(visit),
    }
}

async fn change(visit: &Visit<'_>, body: Bytes) -> Reply {
    let path: Vec<&str> = visit.path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["endpoints", id @ ..] if !id.is_empty() => endpoint::submit(visit, &id.join("/"), body).await,
        ["requests", id, action @ ("cancel" | "advance" | "complete")] => request::change(visit, id, action),
        ["faults", action] => faults::change(visit, action, &body),
        ["account", setting] => account::change(visit, setting, &body),
        _ => not_found(visit),
    }
}

pub(super) fn not_found(visit: &Visit<'_>) -> Reply {
    error(visit, StatusCode::NOT_FOUND, "The emulator's page does not have this path, or no longer has what it showed.")
}

/// The policies of every response: no scripts and styles but the page's own, no other host, and no frame around the page.
/// A response that is stricter keeps its policy.
const POLICIES: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; media-src 'self' data:; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    // Browsers leave out the origin of a form without a referrer.
    ("referrer-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
];

fn secured(mut reply: Reply) -> Reply {
    for (name, value) in POLICIES {
        if !reply.headers().contains_key(name) {
            reply = reply::with_header(reply, HeaderName::from_static(name), value);
        }
    }
    reply
}
