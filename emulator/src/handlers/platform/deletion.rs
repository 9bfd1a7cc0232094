//! Deletion of payloads: `/models/requests/{request_id}/payloads`, from the section "Delete request payloads" of fal's platform
//! API reference.

use std::collections::BTreeSet;

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::handlers::jobs;
use crate::handlers::platform::is_uuid;
use crate::platform::deletion::Deletion;
use crate::platform::error::{invalid, not_found};
use crate::request::received::Received;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Reply};
use crate::state::State;

/// Deletes the payloads of a completed request, and the files of its output. Files of the input stay.
pub(crate) async fn delete_payloads(state: &State, request_id: &str, received: &Received) -> Result<Reply, Refusal> {
    if !is_uuid(request_id) {
        return Err(invalid("the request id has to be a UUID"));
    }
    let job = state.jobs.get(request_id).filter(|job| job.ended_at().is_some());
    let job = job.ok_or_else(|| not_found(&format!("No completed request {request_id} was found")))?;
    let (key, now) = (received.header("idempotency-key"), state.clock.now());
    if let Some(deletion) = job.deletion() {
        let nothing = json!({ "cdn_delete_results": [] });
        return Ok(reply::json(StatusCode::OK, deletion.repeated(key, now).unwrap_or(&nothing)));
    }
    let output = jobs::output_of(state, &job, job.received.urls()).await.unwrap_or_default();
    let input = job.received.input().unwrap_or(&Value::Null);
    let (mut links, mut kept) = (BTreeSet::new(), BTreeSet::new());
    strings(&output, &mut links);
    strings(input, &mut kept);
    let paths = links.difference(&kept).filter_map(|link| Some((link, state.store.path_of(link)?)));
    let delete = |(link, path): (&&str, String)| {
        let exception = (!state.store.delete(&path)).then_some("The file does not exist");
        json!({ "link": link, "exception": exception })
    };
    let results: Vec<Value> = paths.map(delete).collect();
    let response = json!({ "cdn_delete_results": results });
    let deletion = job.delete(Deletion { key: key.map(str::to_owned), at: now, response });
    Ok(reply::json(StatusCode::OK, &deletion.response))
}

/// Collects the strings in a value.
fn strings<'v>(value: &'v Value, all: &mut BTreeSet<&'v str>) {
    match value {
        Value::String(text) => {
            all.insert(text);
        }
        Value::Array(items) => items.iter().for_each(|item| strings(item, all)),
        Value::Object(members) => members.values().for_each(|member| strings(member, all)),
        _ => {}
    }
}
