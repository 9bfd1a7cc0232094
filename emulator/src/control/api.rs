use std::sync::Arc;

use bytes::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::control::fault_form::{FaultForm, seconds};
use crate::queue::gate::Stage;
use crate::request::received::parse_query;
use crate::request::received_request::ReceivedRequest;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Reply};
use crate::state::State;

/// Returns whether a path is one of the control.
pub(crate) fn serves(path: &str) -> bool {
    path.trim_start_matches('/').split('/').next() == Some("emulator")
}

/// Requires that a request is from a program, and not from a web page: browsers say where a request is from, and send JSON to
/// another origin only if that allows it.
pub(crate) fn admit(head: &Parts) -> Result<(), Refusal> {
    let is_of_page = ["origin", "sec-fetch-site", "referer"].iter().any(|name| head.headers.contains_key(*name));
    if is_of_page {
        let reason = "the control of the emulator is for programs: a web page cannot use it";
        return Err(Refusal::Detail(StatusCode::FORBIDDEN, reason.to_owned()));
    }
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if head.method == Method::POST && !content_type.starts_with("application/json") {
        let reason = "expected a JSON body with `Content-Type: application/json`";
        return Err(Refusal::Detail(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason.to_owned()));
    }
    Ok(())
}

/// Responds to a request of the control.
pub(crate) async fn respond(state: &Arc<State>, head: &Parts, body: Bytes) -> Reply {
    match handle(state, head, &body).await {
        Ok(value) => reply::json(StatusCode::OK, &value),
        Err(refusal) => refusal.into_reply(),
    }
}

async fn handle(state: &Arc<State>, head: &Parts, body: &[u8]) -> Result<Value, Refusal> {
    let path: Vec<&str> = head.uri.path().trim_matches('/').split('/').skip(1).collect();
    let query = parse_query(head.uri.query().unwrap_or_default());
    let query = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let number = |name: &str| match query(name) {
        None => Ok(0),
        Some(text) => text.parse::<usize>().map_err(|_| invalid(format!("invalid `{name}`: expected a number"))),
    };
    match (&head.method, path.as_slice()) {
        (&Method::GET, ["requests"]) => {
            Ok(requests(state, query("endpoint"), number("after")?, number("wait_for")?).await)
        }
        (&Method::POST, ["outputs"]) => set_outputs(state, parse(body)?),
        (&Method::GET, ["faults"]) => Ok(faults(state)),
        (&Method::POST, ["faults"]) => {
            let (operation, fault) = parse::<FaultForm>(body)?.fault().map_err(invalid)?;
            state.faults.add(operation, fault);
            Ok(faults(state))
        }
        (&Method::DELETE, ["faults"]) => {
            state.clear_faults();
            Ok(faults(state))
        }
        (&Method::POST, ["holds"]) => {
            let HoldForm { endpoint, stage } = parse(body)?;
            check_endpoint(state, &endpoint)?;
            let id = state.gates.close_named(endpoint, stage.unwrap_or(StageForm::Running).into());
            Ok(json!({ "id": id, "jobs": [] }))
        }
        (&Method::GET, ["holds", id]) => {
            let gate = state.gates.named(id).ok_or_else(|| no_hold(id))?;
            gate.wait_for(number("wait_for")?).await;
            let jobs: Vec<String> = gate.arrived().iter().map(|job| job.id.clone()).collect();
            Ok(json!({ "id": id, "jobs": jobs }))
        }
        (&Method::DELETE, ["holds", id]) => {
            let gate = state.gates.named(id).ok_or_else(|| no_hold(id))?;
            state.gates.open(&gate, state.clock.now());
            Ok(json!({}))
        }
        (&Method::POST, ["jobs", id, action @ ("advance" | "complete")]) => {
            let advanced = if *action == "complete" { state.complete(id) } else { state.advance(id) };
            if !advanced && !state.has_job(id) {
                return Err(Refusal::NoRequest);
            }
            Ok(json!({ "advanced": advanced }))
        }
        (&Method::POST, ["time"]) => {
            let TimeForm { advance } = parse(body)?;
            state.advance_time(seconds("advance", advance).map_err(invalid)?);
            Ok(json!({}))
        }
        _ => Err(Refusal::NoPath(head.uri.path().to_owned())),
    }
}

/// The outputs of an endpoint: one for all requests, or several for the next ones.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputForm {
    endpoint: String,
    output: Option<Value>,
    #[serde(default)]
    next: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HoldForm {
    endpoint: String,
    /// Default: running.
    stage: Option<StageForm>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StageForm {
    Queued,
    Running,
}

impl From<StageForm> for Stage {
    fn from(form: StageForm) -> Self {
        match form {
            StageForm::Queued => Stage::Queued,
            StageForm::Running => Stage::Running,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimeForm {
    /// In seconds.
    advance: f64,
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| invalid(format!("invalid body: {error}")))
}

fn invalid(reason: String) -> Refusal {
    Refusal::Detail(StatusCode::BAD_REQUEST, reason)
}

fn no_hold(id: &str) -> Refusal {
    Refusal::Detail(StatusCode::NOT_FOUND, format!("no hold has the id `{id}`; it may be released"))
}

fn check_endpoint(state: &State, id: &str) -> Result<(), Refusal> {
    let known = state.catalog.endpoint(id).map(drop);
    known.ok_or_else(|| invalid(format!("unknown endpoint `{id}`: the emulator has no document of it")))
}

/// Lists the received requests after a number, once there are `wait_for`.
async fn requests(state: &State, endpoint: Option<&str>, after: usize, wait_for: usize) -> Value {
    let listed = || {
        let all = state.journal.numbered().into_iter().filter(|(number, request)| {
            *number >= after && endpoint.is_none_or(|id| request.endpoint() == Some(id) && request.has_input())
        });
        let listed: Vec<_> = all.collect();
        let read = listed.iter().filter(|(_, request)| request.0.was_read()).count();
        (read >= wait_for).then_some(listed)
    };
    let listed = state.journal.wait_for(listed).await;
    json!({ "requests": listed.iter().map(|(number, it)| shown(number + 1, it)).collect::<Vec<_>>() })
}

/// Returns a request without its headers and its query, which may have secrets.
fn shown(number: usize, request: &ReceivedRequest) -> Value {
    json!({
        "number": number,
        "operation": format!("{:?}", request.operation()),
        "method": request.method(),
        "path": request.path(),
        "endpoint": request.endpoint(),
        "request_id": request.request_id(),
        "status": request.status(),
        "input": request.input(),
        "mistake": request.mistake(),
    })
}

fn set_outputs(state: &State, form: OutputForm) -> Result<Value, Refusal> {
    check_endpoint(state, &form.endpoint)?;
    let Some(endpoint) = state.catalog.endpoint(&form.endpoint) else { return Ok(json!({})) };
    if form.output.is_none() && form.next.is_empty() {
        return Err(invalid("expected an `output` for all requests, or outputs in `next`".to_owned()));
    }
    let set = form.output.map_or(Ok(()), |output| state.outputs.set(&endpoint.document, output));
    let set = set.and_then(|()| state.outputs.add_next(&endpoint.document, form.next));
    set.map_err(|reason| invalid(format!("invalid output: {reason}")))?;
    Ok(json!({}))
}

/// Lists the faults that have to happen.
fn faults(state: &State) -> Value {
    let pending = state.faults.expected().into_iter().map(|(operation, fault, left)| {
        json!({ "operation": format!("{operation:?}"), "fault": fault.to_string(), "left": left })
    });
    json!({ "pending": pending.collect::<Vec<_>>() })
}
