//! The page at `/`.

use maud::{Markup, html};

use crate::page::layout::Page;
use crate::page::requests::{self, Counts};
use crate::page::visit::Visit;
use crate::response::reply::Reply;

/// The most requests that are shown.
const MAX_REQUESTS: usize = 8;

pub(super) fn page(visit: &Visit<'_>) -> Reply {
    let base_url = &visit.state.base_url;
    let rest = html! {
        section.panel aria-labelledby="connect" {
            h2 #connect { "Connect a program" }
            p { "Set these variables, and programs that read them call this emulator instead of fal:" }
            pre tabindex="0" { code {
                "export FAL_KEY=" (key(visit)) "\n"
                "export FAL_RUN_HOST=" (base_url) "/fal.run\n"
                "export FAL_QUEUE_RUN_HOST=" (base_url) "/queue.fal.run\n"
                "export FAL_REST_HOST=" (base_url) "/rest.fal.ai"
            } }
            p.hint {
                "Unmodified clients in any language run with " code { "cargo fal emulate -- COMMAND" }
                ". Or " a href="/endpoints" { "open an endpoint" } ", fill in its form and submit a request."
            }
        }
    };
    Page::new("Overview", html! { h1 { "Overview" } }).live(live(visit)).rest(rest).reply(visit)
}

/// Returns a value for the variable of the key. A key that was set is not shown.
fn key(visit: &Visit<'_>) -> &'static str {
    if visit.state.settings.keys.are_any() { "any-key" } else { "…  # the key that was set at the start" }
}

/// The part that updates itself.
pub(super) fn live(visit: &Visit<'_>) -> Markup {
    let state = visit.state;
    let jobs = state.jobs.kept();
    let counts = Counts::of(&jobs);
    let spent = state.jobs.billed().cost().normalize();
    let faults = state.faults.all().len() + state.outbox.count_faults();
    let tile = |id: &str, label: &str, value: String, path: &str| {
        html! { li id={ "tile-" (id) } { a href=(path) { span.value { (value) } " " span.label { (label) } } } }
    };
    html! {
        section #summary aria-labelledby="summary-title" {
            h2 #summary-title { "State" }
            ul.tiles {
                (tile("endpoints", "endpoints", state.catalog.ids().count().to_string(), "/endpoints"))
                (tile("waiting", "queued", counts.get("queued").to_string(), "/requests?state=queued"))
                (tile("running", "running", counts.get("running").to_string(), "/requests?state=running"))
                (tile("completed", "completed", counts.get("completed").to_string(), "/requests?state=completed"))
                (tile("failed", "failed", counts.get("failed").to_string(), "/requests?state=failed"))
                (tile("faults", "pending faults", faults.to_string(), "/faults"))
                (tile("cost", "would have cost", format!("${spent}"), "/account"))
            }
        }
        section #latest data-keyed="" aria-labelledby="latest-title" {
            h2 #latest-title { "Latest requests" }
            (requests::table(&jobs.iter().rev().take(MAX_REQUESTS).collect::<Vec<_>>(), "The latest requests, newest first"))
            @if jobs.len() > MAX_REQUESTS { p #latest-more { a href="/requests" { "All " (jobs.len()) " requests" } } }
        }
    }
}
