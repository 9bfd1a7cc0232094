//! Workflows: `/workflows` and `/workflows/{username}/{workflow_name}`, from the section "Workflows" of fal's platform API
//! reference. A document with the id of a workflow is one too, of unknown nodes.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::endpoints::endpoint::Endpoint;
use crate::handlers::platform::ids;
use crate::platform::error::not_found;
use crate::platform::page::{Page, Sizes};
use crate::request::received::Received;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Reply};
use crate::state::State;

/// The date of every workflow.
const DATE: &str = "2026-01-01T00:00:00Z";

/// Responds with the workflows, or with those that are searched.
pub(super) fn list(state: &State, received: &Received) -> Result<Reply, Refusal> {
    let page = Page::of(received, Sizes { default: 50, max: 100, strict: false })?;
    let search = received.query("search").unwrap_or_default().to_lowercase();
    let used = ids(received, "used_endpoint_ids")?;
    let is_requested = |entry: &Entry<'_>| {
        let calls = entry.calls();
        (entry.name.to_lowercase().contains(&search) || entry.title().to_lowercase().contains(&search))
            && (used.is_empty() || used.iter().any(|id| calls.contains(id)))
    };
    let entries: Vec<Entry<'_>> = state.catalog.endpoints().filter_map(Entry::of).filter(is_requested).collect();
    let total = entries.len();
    let (entries, mut members) = page.of_items(entries);
    let item = |entry: Entry<'_>| {
        json!({
            "name": entry.name,
            "title": entry.title(),
            "user_nickname": entry.owner,
            "created_at": DATE,
            "tags": [],
            "endpoint_ids": entry.calls(),
        })
    };
    members.insert("workflows".to_owned(), entries.into_iter().map(item).collect());
    members.insert("total".to_owned(), total.into());
    Ok(reply::json(StatusCode::OK, &members.into()))
}

/// Responds with a workflow and its definition.
pub(crate) fn get(state: &State, owner: &str, name: &str) -> Result<Reply, Refusal> {
    let endpoint = state.catalog.endpoint(&format!("workflows/{owner}/{name}"));
    let entry = endpoint.and_then(|endpoint| Entry::of(endpoint));
    let entry = entry.ok_or_else(|| not_found(&format!("The workflow {owner}/{name} was not found")))?;
    let unknown = json!({ "nodes": {} });
    let contents: &Value = entry.endpoint.workflow.as_ref().map_or(&unknown, |workflow| &workflow.contents);
    let workflow = json!({
        "name": entry.name,
        "title": entry.title(),
        "user_nickname": entry.owner,
        "created_at": DATE,
        "is_public": false,
        "contents": contents,
    });
    Ok(reply::json(StatusCode::OK, &json!({ "workflow": workflow })))
}

/// An endpoint that is a workflow.
struct Entry<'e> {
    endpoint: &'e Endpoint,
    owner: &'e str,
    name: &'e str,
}

impl<'e> Entry<'e> {
    fn of(endpoint: &'e Endpoint) -> Option<Self> {
        let (owner, name) = endpoint.document.id.strip_prefix("workflows/")?.split_once('/')?;
        Some(Entry { endpoint, owner, name }).filter(|entry| !entry.name.contains('/'))
    }

    fn title(&self) -> &'e str {
        self.endpoint.workflow.as_ref().map_or(self.name, |workflow| &workflow.title)
    }

    /// Returns the ids of the endpoints that the nodes call, without duplicates.
    fn calls(&self) -> Vec<&'e str> {
        let mut ids: Vec<&str> = Vec::new();
        for node in self.endpoint.workflow.iter().flat_map(|workflow| &workflow.nodes) {
            if !ids.contains(&node.app.as_str()) {
                ids.push(&node.app);
            }
        }
        ids
    }
}
