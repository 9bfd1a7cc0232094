//! Temporary tokens: `rest.fal.ai/tokens`.

use std::time::Duration;

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::handlers::uploads;
use crate::request::received::Received;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Reply};
use crate::state::State;

/// The most applications of a token. Tokens are sent in URLs.
const MAX_APPS: usize = 100;
/// The lifetime of a token in seconds if the body has none.
const DEFAULT_SECONDS: u64 = 120;

/// Responds with a token. The newer of the two requests names the lifetime `duration`, and gets an object.
pub(super) fn create(state: &State, received: &Received, realtime: bool) -> Result<Reply, Refusal> {
    let lifetime = if realtime { "duration" } else { "token_expiration" };
    let body = uploads::json_body(received)?;
    let apps = body.get("allowed_apps").and_then(Value::as_array).filter(|apps| (1..=MAX_APPS).contains(&apps.len()));
    let apps: Option<Vec<&str>> = apps.and_then(|apps| apps.iter().map(Value::as_str).collect());
    let apps =
        apps.ok_or_else(|| invalid(body, "allowed_apps", &format!("Input should be 1 to {MAX_APPS} strings")))?;
    let seconds = match body.get(lifetime) {
        None => DEFAULT_SECONDS,
        Some(seconds) => seconds
            .as_u64()
            .filter(|seconds| *seconds > 0)
            .ok_or_else(|| invalid(body, lifetime, "Input should be a valid integer greater than 0"))?,
    };
    let token = state.tokens.issue(&apps, Duration::from_secs(seconds));
    let token = if realtime { json!({ "token": token }) } else { json!(token) };
    Ok(reply::json(StatusCode::OK, &token))
}

/// Refuses a field of the body, in fal's format.
fn invalid(body: &Value, field: &str, msg: &str) -> Refusal {
    let detail = match body.get(field) {
        None => json!({ "loc": ["body", field], "msg": "Field required", "type": "missing", "input": body }),
        Some(value) => json!({ "loc": ["body", field], "msg": msg, "type": "value_error", "input": value }),
    };
    Refusal::Json(StatusCode::UNPROCESSABLE_ENTITY, json!({ "detail": [detail] }))
}
