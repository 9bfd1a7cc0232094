//! Search of requests: `/models/requests/search`, from the section "Search requests" of fal's platform API reference.

use std::cmp::Reverse;

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::handlers::platform::requests::{Entry, payloads};
use crate::handlers::platform::{boolean, ids};
use crate::platform::error::invalid;
use crate::platform::page::{Page, Sizes};
use crate::request::received::Received;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Reply};
use crate::state::State;

/// Responds with requests, newest first. fal compares by meaning. The emulator looks for the words in the input.
pub(super) async fn search(state: &State, received: &Received) -> Result<Reply, Refusal> {
    let searches: Vec<&str> =
        ["query", "image_url", "video_url"].iter().filter_map(|name| received.query(name)).collect();
    if searches.len() > 1 {
        return Err(invalid("only one of `query`, `image_url` and `video_url` is possible"));
    }
    let excludes_api = boolean(received, "exclude_api_requests")? == Some(true);
    if excludes_api && boolean(received, "only_api_requests")? == Some(true) {
        return Err(invalid("only one of `exclude_api_requests` and `only_api_requests` is possible"));
    }
    let similarity: Option<f64> = match received.query("min_similarity") {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| invalid("`min_similarity` has to be a number from 0 to 1"))?),
    };
    if similarity.is_some_and(|similarity| !(0.0..=1.0).contains(&similarity)) {
        return Err(invalid("`min_similarity` has to be a number from 0 to 1"));
    }
    let mut endpoints = ids(received, "endpoint_id")?;
    if endpoints.is_empty() {
        endpoints.extend(received.query("endpoint"));
    }
    let page = Page::of(received, Sizes { default: 50, max: 100, strict: false })?;
    let words: Vec<String> = searches.iter().flat_map(|text| text.split_whitespace()).map(str::to_lowercase).collect();
    let is_requested = |entry: &Entry| {
        let has_words = || {
            let input = String::from_utf8_lossy(entry.job.received.body()).to_lowercase();
            entry.job.deletion().is_none() && words.iter().all(|word| input.contains(word))
        };
        // All requests of the emulator have a key.
        !excludes_api
            && (endpoints.is_empty() || endpoints.contains(&entry.job.endpoint_id()))
            && (words.is_empty() || has_words())
    };
    let mut entries: Vec<Entry> = Entry::all(state).filter(is_requested).collect();
    entries.sort_by_key(|entry| Reverse(entry.started_at));
    let (entries, mut members) = page.of_items(entries);
    let mut results = Vec::new();
    for entry in entries {
        let mut result = entry.json();
        result.extend(payloads(state, &entry.job, received.urls()).await);
        if !words.is_empty() {
            result.insert("similarity".to_owned(), json!(1.0));
        }
        results.push(Value::Object(result));
    }
    members.insert("results".to_owned(), results.into());
    Ok(reply::json(StatusCode::OK, &members.into()))
}
