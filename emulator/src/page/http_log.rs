//! The latest HTTP requests, with those that did not become jobs.

use maud::{Markup, html};

use crate::page::exchange;
use crate::page::layout::Page;
use crate::page::visit::Visit;
use crate::response::reply::Reply;

/// The requests on the page.
const MAX_SHOWN: usize = 100;

pub(super) fn page(visit: &Visit<'_>) -> Reply {
    let only = visit.query("only").unwrap_or_default();
    let body = html! {
        h1 { "HTTP log" }
        p { "The latest requests of programs, newest first. Keys, tokens and signatures are not shown." }
        form.filter method="get" action="/http" {
            div {
                label for="only" { "Show" }
                select #only name="only" {
                    option value="" { "All requests" }
                    option value="failed" selected[only == "failed"] { "With an error status, or without a response" }
                    option value="mistakes" selected[only == "mistakes"] { "With a mistake that fal does not report" }
                }
            }
            button type="submit" { "Filter" }
        }
    };
    Page::new("HTTP log", body).live(live(visit)).reply(visit)
}

/// The part that updates itself.
pub(super) fn live(visit: &Visit<'_>) -> Markup {
    let all = visit.state.journal.numbered();
    let only = visit.query("only");
    let shown: Vec<_> = all
        .iter()
        .rev()
        .filter(|(_, request)| match only {
            Some("failed") => request.status().is_none_or(|status| status >= 400),
            Some("mistakes") => request.mistake().is_some(),
            _ => true,
        })
        .take(MAX_SHOWN)
        .collect();
    html! {
        p #total role="status" { (shown.len()) " shown of " (all.len()) " kept." }
        @if shown.is_empty() {
            p #nothing.empty { "No requests." }
        } @else {
            ul #log.plain data-keyed="" {
                @for (number, request) in shown {
                    li id={ "l-" (number) } {
                        (exchange::folded(&format!("x-{number}"), request))
                        @if let Some(id) = request.request_id().filter(|id| visit.state.jobs.get(id).is_some()) {
                            a.aside href={ "/requests/" (id) } { "Request " code { (id.chars().take(8).collect::<String>()) } }
                        }
                    }
                }
            }
        }
    }
}
