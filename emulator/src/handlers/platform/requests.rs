//! The history of requests: `/models/requests`, from the section "Requests" of fal's platform API reference.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use crate::handlers::jobs;
use crate::handlers::platform::{endpoint_ids, expands, is_uuid};
use crate::platform::error::invalid;
use crate::platform::page::{Page, Sizes};
use crate::platform::period::{DAY, Period};
use crate::queue::job::Job;
use crate::request::received::Received;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Reply};
use crate::state::State;
use crate::time::iso8601::iso8601;
use crate::urls::Urls;

/// A request that has started. fal's history has a start time for every request, so that it has none that still wait.
pub(super) struct Entry {
    pub(super) job: Arc<Job>,
    pub(super) started_at: SystemTime,
    ended_at: Option<SystemTime>,
}

impl Entry {
    /// Returns the entries of the jobs that the history shows, oldest first.
    pub(super) fn all(state: &State) -> impl Iterator<Item = Entry> {
        let shown = state.clock.date().checked_sub(state.settings.listing_delay);
        let entry = |job: Arc<Job>| Some(Entry { started_at: job.started_at()?, ended_at: job.ended_at(), job });
        let entries = state.jobs.kept().into_iter().filter_map(entry);
        entries.filter(move |entry| shown.is_some_and(|shown| entry.started_at <= shown))
    }

    fn duration(&self) -> Option<Duration> {
        self.ended_at.and_then(|end| end.duration_since(self.started_at).ok())
    }

    pub(super) fn json(&self) -> Map<String, Value> {
        let time = iso8601(self.started_at);
        let item = json!({
            "request_id": self.job.id,
            "endpoint_id": self.job.endpoint_id(),
            "started_at": time,
            "sent_at": time,
            "ended_at": self.ended_at.map(iso8601),
            "status_code": self.job.status_code().map(|status| status.as_u16()),
            "duration": self.duration().map(|duration| duration.as_secs_f64()),
        });
        match item {
            Value::Object(item) => item,
            _ => Map::new(),
        }
    }
}

/// Responds with the requests of endpoints.
pub(super) async fn by_endpoint(state: &State, received: &Received) -> Result<Reply, Refusal> {
    let ids = endpoint_ids(received)?;
    let request_id = received.query("request_id");
    if request_id.is_some_and(|id| !is_uuid(id)) {
        return Err(invalid("`request_id` has to be a UUID"));
    }
    // A request that is named is looked for in a longer time.
    let default = if request_id.is_some() { 90 * DAY } else { DAY };
    let period = Period::of(received, state.clock.date(), default)?;
    let page = Page::of(received, Sizes { default: 50, max: 100, strict: true })?;
    let has_status: fn(StatusCode) -> bool = match received.query("status") {
        None => |_| true,
        Some("success") => |status| status.is_success(),
        Some("user_error") => |status| status.is_client_error(),
        Some("error") => |status| status.is_server_error(),
        Some(_) => return Err(invalid("`status` has to be success, error or user_error")),
    };
    let is_requested = |entry: &Entry| {
        let has_id = request_id.is_none_or(|id| id == entry.job.id);
        has_id && ids.contains(&entry.job.endpoint_id()) && period.contains(entry.started_at)
    };
    let mut entries: Vec<Entry> = Entry::all(state).filter(is_requested).collect();
    if received.query("status").is_some() {
        entries.retain(|entry| entry.job.status_code().is_some_and(has_status));
    }
    match received.query("sort_by") {
        // Those that still run come first.
        None | Some("ended_at") => {
            entries.sort_by_key(|entry| (entry.ended_at.is_some(), Reverse(entry.ended_at), Reverse(entry.started_at)));
        }
        Some("duration") => entries.sort_by_key(|entry| (entry.ended_at.is_some(), Reverse(entry.duration()))),
        Some(_) => return Err(invalid("`sort_by` has to be ended_at or duration")),
    }
    let (entries, mut members) = page.of_items(entries);
    let with_payloads = expands(received, "payloads");
    let mut items = Vec::new();
    for entry in entries {
        let mut item = entry.json();
        if with_payloads {
            item.extend(payloads(state, &entry.job, received.urls()).await);
        }
        items.push(Value::Object(item));
    }
    members.insert("items".to_owned(), items.into());
    Ok(reply::json(StatusCode::OK, &members.into()))
}

/// Returns the stored payloads of a request. A client can switch their storage off, or delete them.
pub(super) async fn payloads(state: &State, job: &Arc<Job>, urls: &Urls) -> Map<String, Value> {
    let mut payloads = Map::new();
    if !job.received.stores_payloads() || job.deletion().is_some() {
        return payloads;
    }
    payloads.insert("json_input".to_owned(), job.received.input().cloned().unwrap_or_default());
    if job.ended_at().is_some() {
        let output = jobs::output_of(state, job, urls).await.unwrap_or_else(|failure| failure.json());
        payloads.insert("json_output".to_owned(), output);
    }
    payloads
}
