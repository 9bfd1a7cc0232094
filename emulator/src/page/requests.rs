//! The list of requests.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::page::layout::Page;
use crate::page::stage::Stage;
use crate::page::text::shortened;
use crate::page::visit::Visit;
use crate::page::{media, outcome};
use crate::queue::job::Job;
use crate::response::reply::Reply;
use crate::time::iso8601::iso8601;

/// The requests on a page of the list.
const PAGE_SIZE: usize = 50;

/// The number of requests by stage.
pub(super) struct Counts(HashMap<&'static str, usize>);

impl Counts {
    pub(super) fn of(jobs: &[Arc<Job>]) -> Self {
        let mut counts = HashMap::new();
        jobs.iter().for_each(|job| *counts.entry(Stage::of(job).name()).or_default() += 1);
        Counts(counts)
    }

    pub(super) fn get(&self, stage: &str) -> usize {
        self.0.get(stage).copied().unwrap_or_default()
    }
}

pub(super) fn page(visit: &Visit<'_>) -> Reply {
    let (state, query) = (visit.query("state").unwrap_or_default(), visit.query("q").unwrap_or_default());
    let body = html! {
        h1 { "Requests" }
        form.filter method="get" action="/requests" role="search" {
            div {
                label for="q" { "Endpoint, request id or input" }
                input #q type="search" name="q" value=(query) dir="auto";
            }
            div {
                label for="state" { "State" }
                select #state name="state" {
                    option value="" { "All" }
                    @for name in Stage::NAMES { option value=(name) selected[name == state] { (capitalized(name)) } }
                }
            }
            button type="submit" { "Filter" }
        }
    };
    Page::new("Requests", body).live(live(visit)).reply(visit)
}

pub(super) fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The part that updates itself.
pub(super) fn live(visit: &Visit<'_>) -> Markup {
    let jobs = visit.state.jobs.kept();
    let (state, query) = (visit.query("state"), visit.query("q").map(str::to_lowercase));
    let matching: Vec<&Arc<Job>> = jobs
        .iter()
        .rev()
        .filter(|job| state.is_none_or(|state| Stage::of(job).name() == state))
        .filter(|job| query.as_ref().is_none_or(|query| matches(job, query)))
        .collect();
    let page = visit.page_number();
    let skipped = PAGE_SIZE.saturating_mul(page - 1);
    let shown: Vec<&Arc<Job>> = matching.iter().copied().skip(skipped).take(PAGE_SIZE).collect();
    let counts = Counts::of(&jobs);
    let link = |number: usize| {
        let parameter = |name: &str| {
            let value = visit.query(name).unwrap_or_default();
            format!("{name}={}&", utf8_percent_encode(value, NON_ALPHANUMERIC))
        };
        format!("/requests?{}{}page={number}", parameter("q"), parameter("state"))
    };
    html! {
        p #counts role="status" {
            (matching.len()) @if matching.len() == 1 { " request" } @else { " requests" }
            @if matching.len() < jobs.len() { " of " (jobs.len()) }
            ". " (counts.get("queued")) " queued, " (counts.get("running")) " running, " (counts.get("failed")) " failed."
        }
        @if shown.is_empty() && !jobs.is_empty() {
            p #no-match.empty { "No request matches. " a href="/requests" { "Show all requests" } }
        } @else {
            (table(&shown, "Requests, newest first"))
        }
        @if matching.len() > PAGE_SIZE {
            nav #pages.pages aria-label="Pages of the list" {
                @if page > 1 { a href=(link(page - 1)) rel="prev" { "← Newer" } }
                span { "Page " (page) " of " (matching.len().div_ceil(PAGE_SIZE)) }
                @if skipped.saturating_add(PAGE_SIZE) < matching.len() { a href=(link(page + 1)) rel="next" { "Older →" } }
            }
        }
    }
}

/// Returns whether a job has a text, in lower case, in its endpoint, id or input.
fn matches(job: &Job, query: &str) -> bool {
    let body = job.received.body();
    job.endpoint_id().to_lowercase().contains(query)
        || job.id.contains(query)
        || String::from_utf8_lossy(&body[..body.len().min(20_000)]).to_lowercase().contains(query)
}

/// Shows requests in a table, each in a row with its id.
pub(super) fn table(jobs: &[&Arc<Job>], caption: &str) -> Markup {
    if jobs.is_empty() {
        return html! {
            div #no-requests.empty {
                p { strong { "No requests yet." } }
                p { "Submit one from " a href="/endpoints" { "an endpoint's form" } ", or call the emulator from a program. It appears here." }
            }
        };
    }
    html! {
        div #rows.scroll data-keyed="" tabindex="0" role="region" aria-label=(caption) {
            table #list.list data-keyed="" {
                caption.hidden id="list-caption" { (caption) }
                thead id="list-head" {
                    tr {
                        th scope="col" { "Output" }
                        th scope="col" { "Request" }
                        th scope="col" { "State" }
                        th scope="col" { "Submitted" }
                        th scope="col" .number { "Duration" }
                        th scope="col" .number { "Cost" }
                    }
                }
                tbody #list-body data-keyed="" { @for job in jobs { (row(job)) } }
            }
        }
    }
}

fn row(job: &Job) -> Markup {
    let stage = Stage::of(job);
    let summary = outcome::prompt(job);
    html! {
        tr id={ "r-" (job.id) } {
            td.thumb { (media::preview(job, stage)) }
            td.main {
                a.title href={ "/requests/" (job.id) } { (job.endpoint_id()) }
                @if let Some(prompt) = summary { span.prompt { bdi { (shortened(prompt, 140)) } } }
                span.facts { code { (job.received.method()) } " · " @if job.is_direct() { "direct" } @else { "queue" } " · " code.id { (shortened(&job.id, 8)) } }
            }
            td data-label="State" { (stage.badge()) }
            td data-label="Submitted" { (time(job.submitted_at())) }
            (optional("Duration", duration(job)))
            (optional("Cost", cost(job)))
        }
    }
}

fn optional(label: &str, text: Option<String>) -> Markup {
    html! { td.number .unset[text.is_none()] data-label=(label) { (text.unwrap_or_else(|| "–".to_owned())) } }
}

/// Shows the time of day, and the date to those who point at it.
pub(super) fn time(time: SystemTime) -> Markup {
    let text = iso8601(time);
    html! { time datetime=(text) title=(text) { (text.get(11..19).unwrap_or_default()) } }
}

/// Returns the time from the submission of a completed job to its end.
pub(super) fn duration(job: &Job) -> Option<String> {
    let time = job.ended_at()?.duration_since(job.submitted_at()).unwrap_or_default();
    Some(duration_words(time))
}

pub(super) fn duration_words(time: Duration) -> String {
    match time.as_secs() {
        0 if time.as_millis() < 1000 => format!("{} ms", time.as_millis()),
        0..60 => format!("{:.2} s", time.as_secs_f64()),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// Returns what a completed job would have cost, if its endpoint has a price.
pub(super) fn cost(job: &Job) -> Option<String> {
    let bill = job.bill()?;
    let price = bill.price.as_ref()?;
    Some(format!("{} {}", bill.cost().normalize(), price.currency))
}
