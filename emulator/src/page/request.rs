//! The page of a request.

use std::sync::Arc;

use hyper::StatusCode;
use maud::{Markup, html};
use serde_json::Value;

use crate::handlers::jobs;
use crate::output::series::Series;
use crate::page::layout::{Page, plain, see_other};
use crate::page::requests::{cost, duration, duration_words, time};
use crate::page::stage::Stage;
use crate::page::text::{folded, json, masked_url, pretty, shortened};
use crate::page::visit::{Visit, not_found};
use crate::page::{exchange, media, outcome};
use crate::queue::job::Job;
use crate::response::reply::Reply;
use crate::state::State;
use crate::time::iso8601::iso8601;
use crate::urls::Urls;
use crate::webhooks::delivery::{WebhookDelivery, WebhookState};

/// The most HTTP requests about a job that are shown.
const MAX_EXCHANGES: usize = 30;
/// The most log lines that are shown.
const MAX_LOGS: usize = 500;

/// A request on its page. The output is made once.
pub(super) struct Shown {
    job: Arc<Job>,
    output: Option<Result<Value, (StatusCode, Value)>>,
    /// The text that a running model writes.
    draft: Option<Series>,
    was_deleted: bool,
}

pub(super) async fn page(visit: &Visit<'_>, id: &str) -> Reply {
    let Some(job) = visit.state.jobs.get(id) else { return not_found(visit) };
    let endpoint = job.endpoint_id().to_owned();
    let live = Shown::new(Arc::clone(&job)).live(visit.state).await;
    let body = html! {
        nav.crumbs aria-label="Breadcrumb" { ol { li { a href="/requests" { "Requests" } } li aria-current="page" { code { (shortened(id, 8)) } } } }
        h1 { a href={ "/endpoints/" (endpoint) } { (endpoint) } }
        noscript { p.hint { "Without JavaScript, this page does not update itself. " a href={ "/requests/" (id) } { "Reload" } } }
    };
    Page::new(&format!("Request {}", shortened(id, 8)), body).live(live).reply(visit)
}

/// Responds with the whole input.
pub(super) fn input(visit: &Visit<'_>, id: &str) -> Reply {
    match visit.state.jobs.get(id) {
        Some(job) => plain(readable_input(&job)),
        None => not_found(visit),
    }
}

/// Responds with the whole output.
pub(super) async fn output(visit: &Visit<'_>, id: &str) -> Reply {
    let Some(job) = visit.state.jobs.get(id).filter(|job| Stage::of(job).is_over()) else { return not_found(visit) };
    plain(pretty(&media::output(visit.state, &job).await.unwrap_or_else(|(_, error)| error)))
}

/// Cancels, advances or completes a request.
pub(super) fn change(visit: &Visit<'_>, id: &str, action: &str) -> Reply {
    let Some(job) = visit.state.jobs.get(id) else { return not_found(visit) };
    match action {
        "cancel" => drop(job.cancel()),
        "advance" => drop(job.advance()),
        _ => while job.advance() {},
    }
    see_other(&format!("/requests/{id}"))
}

fn readable_input(job: &Job) -> String {
    job.received.input().map_or_else(|_| String::from_utf8_lossy(job.received.body()).into_owned(), pretty)
}

impl Shown {
    pub(super) fn new(job: Arc<Job>) -> Self {
        Shown { job, output: None, draft: None, was_deleted: false }
    }

    /// The part that updates itself.
    pub(super) async fn live(&mut self, state: &Arc<State>) -> Markup {
        let stage = Stage::of(&self.job);
        let is_deleted = self.job.deletion().is_some();
        if stage.is_over() && (self.output.is_none() || self.was_deleted != is_deleted) {
            self.output = Some(media::output(state, &self.job).await);
            self.was_deleted = is_deleted;
        }
        if stage == Stage::Running && self.draft.is_none() && outcome::writes_text(&self.job) {
            self.draft = jobs::series(state, &self.job).await.ok();
        }
        let job = &self.job;
        let draft = self.draft.as_ref().filter(|_| stage == Stage::Running).and_then(|draft| so_far(state, job, draft));
        let webhooks: Vec<_> = state.outbox.all().into_iter().filter(|webhook| webhook.request_id == job.id).collect();
        html! {
            p #announcement.hidden role="status" { "Request " (stage.words().to_lowercase()) }
            (facts(job, stage))
            (actions(job, stage))
            @if let Some(output) = &self.output { (output_section(state, job, output)) }
            @if let Some(text) = &draft {
                section #output aria-labelledby="output-title" {
                    h2 #output-title { "Output so far" }
                    div.prose dir="auto" { (shortened(text, 20_000)) }
                }
            }
            (logs(state, job))
            (input_section(state, job))
            @for (index, webhook) in webhooks.iter().enumerate() { (webhook_section(index, webhook)) }
            (exchanges(state, job))
        }
    }
}

/// Returns the text that a running model has written, word by word.
fn so_far(state: &State, job: &Job, draft: &Series) -> Option<String> {
    let elapsed = state.clock.date().duration_since(job.started_at()?).unwrap_or_default();
    let written = (0..draft.len()).take_while(|index| draft.due(*index, job.run_time()) <= elapsed).last()?;
    outcome::text(&draft.get(written)).map(str::to_owned)
}

fn facts(job: &Job, stage: Stage) -> Markup {
    let bill = job.bill();
    html! {
        section #facts.panel aria-label="State" {
            dl.facts {
                div { dt { "State" } dd { (stage.badge()) } }
                div { dt { "Sent to" } dd { @if job.is_direct() { "fal.run, directly" } @else { "the queue" } } }
                div { dt { "Submitted" } dd { (time(job.submitted_at())) } }
                @if let Some(started) = job.started_at() {
                    div { dt { "Waited" } dd.number { (duration_words(started.duration_since(job.submitted_at()).unwrap_or_default())) } }
                }
                @if let Some(duration) = duration(job) { div { dt { "Total time" } dd.number { (duration) } } }
                @if let Some(bill) = &bill { div { dt { "Billable units" } dd.number { (bill.units.normalize()) } } }
                @if let Some(cost) = cost(job) { div { dt { "Would have cost" } dd.number { (cost) } } }
                div.wide { dt { "Request id" } dd { code { (job.id) } } }
                @for name in ["x-fal-queue-priority", "x-fal-runner-hint", "x-fal-tags", "x-fal-request-start-timeout"] {
                    @if let Some(value) = job.received.header(name) { div { dt { code { (name) } } dd dir="auto" { (shortened(value, 200)) } } }
                }
            }
        }
    }
}

/// Shows the buttons that move a request, which are forms.
fn actions(job: &Job, stage: Stage) -> Markup {
    if stage.is_over() || job.is_direct() {
        return html! {
            div #actions.actions {
                a.button.quiet href={ "/endpoints/" (job.endpoint_id()) "?from=" (job.id) } { "Edit and submit again" }
            }
        };
    }
    let button = |action: &str, label: &str| {
        html! {
            form method="post" action={ "/requests/" (job.id) "/" (action) } {
                button #{ "do-" (action) } type="submit" .quiet[action != "complete"] { (label) }
            }
        }
    };
    html! {
        div #actions.actions role="group" aria-label="Move the request" {
            (button("complete", "Complete"))
            (button("advance", "Advance a step"))
            (button("cancel", "Cancel"))
        }
    }
}

fn output_section(state: &State, job: &Job, output: &Result<Value, (StatusCode, Value)>) -> Markup {
    let whole = format!("/requests/{}/output", job.id);
    match output {
        Ok(output) => {
            let files = outcome::media(output);
            html! {
                section #output aria-labelledby="output-title" {
                    h2 #output-title { "Output" }
                    @if !files.is_empty() { (media::gallery(state, &files)) }
                    @if let Some(text) = outcome::text(output) { div.prose dir="auto" { (shortened(text, 20_000)) } }
                    details #output-json open[files.is_empty() && outcome::text(output).is_none()] {
                        summary { "JSON" }
                        (json(output, &whole))
                    }
                }
            }
        }
        Err((status, error)) => html! {
            section #output aria-labelledby="output-title" {
                h2 #output-title { "Error, status " (status.as_u16()) }
                (violations(error))
                details #output-json open { summary { "JSON" } (json(error, &whole)) }
            }
        },
    }
}

/// Shows the violations of an input in words.
fn violations(error: &Value) -> Markup {
    let Some(violations) = error.get("detail").and_then(Value::as_array) else {
        let detail = error.get("detail").and_then(Value::as_str).unwrap_or_default();
        return html! { @if !detail.is_empty() { p.failure dir="auto" { (shortened(detail, 2_000)) } } };
    };
    html! {
        ul.failure {
            @for violation in violations.iter().take(50) {
                li dir="auto" { code { (shortened(&location(violation), 200)) } " " (shortened(violation["msg"].as_str().unwrap_or_default(), 500)) }
            }
        }
    }
}

/// Returns the path of a violation: `body.prompt`.
pub(super) fn location(violation: &Value) -> String {
    let segment = |segment: &Value| segment.as_str().map_or_else(|| segment.to_string(), str::to_owned);
    violation["loc"].as_array().into_iter().flatten().map(segment).collect::<Vec<_>>().join(".")
}

fn logs(state: &State, job: &Job) -> Markup {
    let moment = job.now();
    let urls = Urls::Base(Arc::clone(&state.base_url));
    let status = job.status(&moment, &urls, Some(0..moment.logged));
    let lines = status.get("logs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    html! {
        @if !lines.is_empty() {
            section #logs aria-labelledby="logs-title" {
                h2 #logs-title { "Logs" }
                ol.logs tabindex="0" {
                    @for line in lines.iter().take(MAX_LOGS) {
                        li {
                            time { (line["timestamp"].as_str().and_then(|time| time.get(11..23)).unwrap_or_default()) }
                            " " span dir="auto" { (shortened(line["message"].as_str().unwrap_or_default(), 2_000)) }
                        }
                    }
                }
                @if lines.len() > MAX_LOGS { p.hint { "The first " (MAX_LOGS) " of " (lines.len()) " lines" } }
            }
        }
    }
}

fn input_section(state: &State, job: &Job) -> Markup {
    let files = job.received.input().map(outcome::media).unwrap_or_default();
    let files: Vec<_> = files.into_iter().filter(|file| media::local(state, &file.url).is_some()).collect();
    html! {
        section #input aria-labelledby="input-title" {
            h2 #input-title { "Input" }
            @if let Some(prompt) = outcome::prompt(job).filter(|prompt| !outcome::is_url(prompt)) {
                div.quote { (folded("prompt", prompt, 600)) }
            }
            @if !files.is_empty() { (media::gallery(state, &files)) }
            details #input-json open[outcome::prompt(job).is_none()] {
                summary { "JSON" }
                (crate::page::text::block(&readable_input(job), Some(&format!("/requests/{}/input", job.id))))
            }
        }
    }
}

fn webhook_section(index: usize, webhook: &WebhookDelivery) -> Markup {
    let state = match &webhook.state {
        WebhookState::Pending => html! { span.badge.queued { "Pending" } },
        WebhookState::Delivered => html! { span.badge.completed { "✓ Delivered" } },
        WebhookState::Failed(reason) => html! { span.badge.failed { "✕ Failed" } " " (shortened(reason, 300)) },
    };
    html! {
        section id={ "webhook-" (index) } aria-labelledby={ "webhook-title-" (index) } {
            h2 id={ "webhook-title-" (index) } { "Webhook" }
            p { code dir="ltr" { (masked_url(&webhook.url)) } " " (state) }
            @if !webhook.attempts.is_empty() {
                ol.attempts {
                    @for attempt in webhook.attempts.iter().take(50) {
                        li {
                            time { (iso8601(std::time::UNIX_EPOCH + std::time::Duration::from_secs(attempt.timestamp)).get(11..19).unwrap_or_default()) } " "
                            @match &attempt.outcome {
                                Ok(status) => { "status " (status) }
                                Err(reason) => (shortened(reason, 300)),
                            }
                        }
                    }
                }
            }
        }
    }
}

fn exchanges(state: &State, job: &Job) -> Markup {
    let about: Vec<_> =
        state.journal.numbered().into_iter().filter(|(_, request)| request.request_id() == Some(&job.id)).collect();
    html! {
        section #http aria-labelledby="http-title" data-keyed="" {
            h2 #http-title { "HTTP requests" }
            @if about.is_empty() { p #http-none.hint { "The emulator no longer keeps them." } }
            @if about.len() > MAX_EXCHANGES {
                p #http-more.hint { "The first and the last " (MAX_EXCHANGES - 1) " of " (about.len()) }
            }
            ul #http-list.plain data-keyed="" {
                @for (index, (number, request)) in about.iter().enumerate() {
                    @if index == 0 || index + MAX_EXCHANGES > about.len() {
                        li id={ "l-" (number) } { (exchange::folded(&format!("x-{number}"), request)) }
                    }
                }
            }
        }
    }
}
