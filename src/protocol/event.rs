//! The JSON in the events of an output stream: the events of workflows, and errors.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::envelope::{is_only_error, says};
use super::raw_response::{Detail, RawResponse};
use super::words;

/// The keys of a workflow's events (fal's documentation of workflows).
const WORKFLOW_KEYS: [&str; 6] = ["type", "node_id", "app_id", "request_id", "output", "workflow"];

/// An event of a workflow that is not an error.
#[derive(Debug, PartialEq)]
pub(crate) enum WorkflowStep {
    Submit { node_id: String, app_id: Option<String>, request_id: Option<String> },
    Completion { node_id: String, output: Value },
    Output(Value),
}

/// The contents of an error event.
#[derive(Debug, Default)]
pub(crate) struct EventError {
    /// The node of the workflow that has failed.
    pub(crate) node_id: Option<String>,
    /// The status that the event names.
    pub(crate) status: Option<StatusCode>,
    pub(crate) error_type: Option<String>,
    pub(crate) detail: Detail,
    /// The response to the request that has failed, if its status is known.
    pub(crate) response: Option<RawResponse>,
}

/// Returns the event of a workflow. A model may have a field `type` of its own, so the other keys count, too.
pub(crate) fn workflow_step(event: &mut Value) -> Option<WorkflowStep> {
    let event = event.as_object_mut()?;
    let text = |event: &Map<String, Value>, name: &str| event.get(name).and_then(Value::as_str).map(str::to_owned);
    match (event.get("type")?.as_str()?, text(event, "node_id")) {
        ("submit", Some(node_id)) => {
            Some(WorkflowStep::Submit { node_id, app_id: text(event, "app_id"), request_id: text(event, "request_id") })
        }
        ("completion", Some(node_id)) => {
            Some(WorkflowStep::Completion { node_id, output: event.get_mut("output")?.take() })
        }
        ("output", _) if event.keys().all(|key| WORKFLOW_KEYS.contains(&&**key)) => {
            Some(WorkflowStep::Output(event.get_mut("output")?.take()))
        }
        _ => None,
    }
}

/// Returns true for an event that is an error, whatever the type of the output is: an object that consists of the keys of
/// an error, or one of the type `error` that says what is wrong or which node of a workflow has failed.
pub(crate) fn is_error(event: &Value) -> bool {
    let Some(event) = event.as_object() else { return false };
    let is_of_type = event.get("type").and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("error"));
    let says_why = || {
        let names = ["message", "error", "errors", "detail", "msg", "node_id"];
        names.iter().any(|name| event.get(*name).is_some_and(says))
    };
    is_of_type && says_why() || is_only_error(event)
}

/// Returns true for an event with other keys that has the words of an error, too. An output may have them, and so may the
/// progress of a model. A number is not an error: it may be the one that a training minimizes.
pub(crate) fn has_words_of_error(event: &Value) -> bool {
    match event.get("error") {
        Some(error @ (Value::String(_) | Value::Object(_))) => says(error),
        _ => false,
    }
}

impl EventError {
    /// Parses the data of an error event, which is often the response of the model that has failed.
    pub(crate) fn parse(data: &Bytes) -> Self {
        let of = |body: Bytes| RawResponse { status: StatusCode::OK, headers: HeaderMap::new(), body };
        let whole = of(data.clone());
        let Some(event) = whole.json() else { return EventError { detail: whole.detail(), ..EventError::default() } };
        let error = event.get("error").unwrap_or(&Value::Null);
        let status = [error.get("status"), error.get("status_code"), event.get("status_code"), event.get("status")];
        let status = status.into_iter().flatten().find_map(|status| {
            let status = u16::try_from(status.as_u64()?).ok().filter(|status| (400..=599).contains(status))?;
            StatusCode::from_u16(status).ok()
        });
        // The body of the response may be JSON, or the text of it.
        let inner = error.get("body").map(|body| body.as_str().map_or_else(|| body.to_string(), str::to_owned));
        let inner = inner.map(|body| of(body.into()));
        // The type of an error event says nothing.
        let own = words::of_json(&event).filter(|own| !own.eq_ignore_ascii_case("error"));
        let mut detail = inner.as_ref().map(RawResponse::detail).filter(|detail| detail.message.is_some());
        if let (Some(detail), Some(own)) = (&mut detail, &own) {
            let words = detail.message.take().unwrap_or_default();
            detail.message = Some(if own.contains(&words) { own.clone() } else { format!("{own}: {words}") });
        }
        let response = status.map(|status| RawResponse { status, ..inner.clone().unwrap_or_else(|| whole.clone()) });
        EventError {
            node_id: event.get("node_id").and_then(Value::as_str).map(str::to_owned),
            status,
            error_type: inner.as_ref().and_then(RawResponse::error_type).or_else(|| whole.error_type()),
            detail: detail.unwrap_or_else(|| whole.detail()),
            response,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_events_of_workflows_are_told_from_outputs() {
        for (mut event, expected) in [
            (
                json!({ "type": "submit", "node_id": "n", "app_id": "a/b", "request_id": "R" }),
                Some(WorkflowStep::Submit {
                    node_id: "n".into(),
                    app_id: Some("a/b".into()),
                    request_id: Some("R".into()),
                }),
            ),
            (
                json!({ "type": "submit", "node_id": "n" }),
                Some(WorkflowStep::Submit { node_id: "n".into(), app_id: None, request_id: None }),
            ),
            (
                json!({ "type": "completion", "node_id": "n", "output": { "a": 1 }, "duration": 3 }),
                Some(WorkflowStep::Completion { node_id: "n".into(), output: json!({ "a": 1 }) }),
            ),
            (json!({ "type": "output", "output": [0] }), Some(WorkflowStep::Output(json!([0])))),
            (json!({ "type": "output", "output": null }), Some(WorkflowStep::Output(Value::Null))),
            (json!({ "type": "output", "output": "a", "partial": true }), None),
            (json!({ "type": "output" }), None),
            (json!({ "type": "submit", "text": "a" }), None),
            (json!({ "type": "completion", "output": "a" }), None),
            (json!({ "type": 1, "node_id": "n" }), None),
            (json!({ "node_id": "n", "output": 1 }), None),
            (json!(["submit"]), None),
        ] {
            let text = event.to_string();
            assert_eq!(workflow_step(&mut event), expected, "{text}");
        }
    }

    #[test]
    fn errors_are_told_from_outputs() {
        for event in [
            json!({ "type": "error", "node_id": "n", "message": "m", "error": { "status": 500, "body": {} } }),
            json!({ "type": "error", "node_id": "n" }),
            json!({ "type": "error", "error": { "type": "overloaded", "message": "busy" }, "extra": 1 }),
            json!({ "type": "error", "message": "m", "code": null, "sequence_number": 3 }),
            json!({ "detail": "no" }),
            json!({ "detail": [{ "loc": ["body", "prompt"], "msg": "flagged", "type": "content_policy_violation" }] }),
            json!({ "error": "no", "output": null }),
            json!({ "error": { "message": "no" } }),
            json!({ "status": "error", "message": "no" }),
        ] {
            assert!(is_error(&event), "{event}");
        }
        for event in [
            json!({ "output": "a", "partial": true, "error": null }),
            json!({ "output": "a", "error": "cut off" }),
            json!({ "error": null }),
            json!({ "error": "", "detail": [] }),
            json!({ "type": "error", "box": [1, 2] }),
            json!({ "type": "error" }),
            json!({ "status": "IN_PROGRESS", "message": "loading" }),
            json!({ "step": 3, "error": 0.25 }),
            json!({ "message": "hello" }),
            json!("error"),
            json!(null),
            json!({}),
        ] {
            assert!(!is_error(&event), "{event}");
        }
        assert!(has_words_of_error(&json!({ "error": "no", "step": 1 })));
        assert!(has_words_of_error(&json!({ "error": { "message": "no" }, "step": 1 })));
        for event in [json!({ "error": 0.25, "step": 1 }), json!({ "error": null }), json!({ "error": "" }), json!([])]
        {
            assert!(!has_words_of_error(&event), "{event}");
        }
    }

    #[test]
    fn an_error_event_has_the_response_of_the_failed_node() {
        let body = json!({ "detail": [{ "loc": ["body", "prompt"], "msg": "field required", "type": "missing" }] });
        let event =
            json!({ "type": "error", "node_id": "n", "message": "failed", "error": { "status": 422, "body": body } });
        let error = EventError::parse(&event.to_string().into());
        assert_eq!((error.node_id.as_deref(), error.status.map(|status| status.as_u16())), (Some("n"), Some(422)));
        assert_eq!(error.error_type.as_deref(), Some("missing"));
        assert_eq!(error.detail.field_errors.len(), 1);
        let message = error.detail.message.expect("words");
        assert!(message.starts_with("failed: ") && message.contains("field required"), "{message}");

        for (event, words) in [
            (r#"{"type":"error","message":"m","error":{"status":500,"body":"<title>Busy</title>"}}"#, "m: Busy"),
            (r#"{"error":{"message":"busy","code":"x"}}"#, "busy"),
            (r#"{"type":"error","node_id":"n","error":{"body":{"detail":"no money"}}}"#, "no money"),
            ("out of memory", "out of memory"),
        ] {
            let message = EventError::parse(&event.into()).detail.message.expect("words");
            assert!(message.starts_with(words), "{message}");
        }
        assert_eq!(EventError::parse(&Bytes::new()).detail.message, None);
    }
}
