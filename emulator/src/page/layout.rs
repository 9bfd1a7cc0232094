//! The frame of every page.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use maud::{DOCTYPE, Markup, html};

use crate::page::live;
use crate::page::visit::Visit;
use crate::response::reply::{self, Reply};

/// The sections of the page, with their paths.
const SECTIONS: [(&str, &str); 7] = [
    ("/", "Overview"),
    ("/endpoints", "Endpoints"),
    ("/requests", "Requests"),
    ("/http", "HTTP log"),
    ("/files", "Files"),
    ("/faults", "Faults"),
    ("/account", "Account"),
];

/// A page: what is in its frame.
pub(super) struct Page<'a> {
    pub(super) title: &'a str,
    pub(super) body: Markup,
    /// The part that updates itself, after the body.
    pub(super) live: Option<Markup>,
    /// The end of the page, after the part that updates itself.
    pub(super) rest: Markup,
}

impl<'a> Page<'a> {
    pub(super) fn new(title: &'a str, body: Markup) -> Self {
        Page { title, body, live: None, rest: html! {} }
    }

    pub(super) fn live(self, live: Markup) -> Self {
        Page { live: Some(live), ..self }
    }

    pub(super) fn rest(self, rest: Markup) -> Self {
        Page { rest, ..self }
    }

    pub(super) fn reply(self, visit: &Visit<'_>) -> Reply {
        self.with_status(visit, StatusCode::OK)
    }

    pub(super) fn with_status(self, visit: &Visit<'_>, status: StatusCode) -> Reply {
        let section = visit.path.first().map_or("/".to_owned(), |first| format!("/{first}"));
        let markup = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " · fal emulator" }
                    link rel="icon" href="/page/icon.svg" type="image/svg+xml";
                    link rel="stylesheet" href="/page/style.css";
                    script src="/page/script.js" defer {}
                }
                body {
                    a.skip href="#main" { "Skip to content" }
                    header.top {
                        a.brand href="/" { span.mark aria-hidden="true" {} "fal emulator" }
                        nav aria-label="Sections" {
                            ul {
                                @for (path, name) in SECTIONS {
                                    li { a href=(path) aria-current=[(section == path).then_some("page")] { (name) } }
                                }
                            }
                        }
                    }
                    main #main tabindex="-1" {
                        (self.body)
                        @if let Some(live) = self.live {
                            div #live data-keyed="" data-events={ "/events?of=" (live::encoded(visit)) } { (live) }
                        }
                        (self.rest)
                    }
                    footer {
                        p {
                            "Local emulator at " code { (visit.state.base_url) } ". Times are UTC, by the emulator's clock. Nothing is billed."
                        }
                    }
                }
            }
        };
        html_reply(status, markup)
    }
}

pub(super) fn html_reply(status: StatusCode, markup: Markup) -> Reply {
    let mut reply = Reply::new(reply::full(Bytes::from(markup.into_string())));
    *reply.status_mut() = status;
    [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-store")]
        .into_iter()
        .fold(reply, |reply, (name, value)| reply::with_header(reply, name, value))
}

/// Responds with a text that is not interpreted.
pub(super) fn plain(text: String) -> Reply {
    let reply = Reply::new(reply::full(Bytes::from(text)));
    [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")]
        .into_iter()
        .fold(reply, |reply, (name, value)| reply::with_header(reply, name, value))
}

/// Leads the browser to another path of the page after a change.
pub(super) fn see_other(path: &str) -> Reply {
    let mut reply = Reply::new(reply::full(Bytes::new()));
    *reply.status_mut() = StatusCode::SEE_OTHER;
    reply::with_header(reply, LOCATION, path)
}

/// Responds with a page about an error.
pub(super) fn error(visit: &Visit<'_>, status: StatusCode, reason: &str) -> Reply {
    let title = status.canonical_reason().unwrap_or("Error");
    let body = html! {
        h1 { (title) }
        p dir="auto" { (reason) }
        p { a href="/" { "Back to the overview" } }
    };
    Page::new(title, body).with_status(visit, status)
}
