//! Handshakes of WebSockets: `fal.run/{id}/realtime` and `ws.fal.run/{id}`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use hyper::{Response, StatusCode};
use serde_json::json;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::handlers::{auth, jobs};
use crate::random;
use crate::request::received::Received;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Reply};
use crate::state::State;

/// The largest `max_buffering`.
const MAX_BUFFERING: u64 = 60;

/// Admits a realtime connection. A token is checked later, because fal accepts the connection and then refuses the token.
pub(super) fn admit_realtime(state: &State, id: &str, received: &Received) -> Result<(), Refusal> {
    match auth::token(received) {
        Some(_) => auth::check_account(state, received)?,
        None => auth::check_app_key(state, received, id)?,
    }
    state.catalog.realtime(id).ok_or_else(|| jobs::no_endpoint(state, id))?;
    buffering(received).map(drop)
}

/// Admits a connection for calls.
pub(super) fn admit_calls(state: &State, id: &str, received: &Received) -> Result<(), Refusal> {
    auth::check_app_key_or_token(state, received, id)?;
    state.catalog.streamed(id).map(drop).ok_or_else(|| jobs::no_endpoint(state, id))
}

/// Returns the number of inputs that may wait on a realtime connection, or `None` without a limit.
pub(crate) fn buffering(received: &Received) -> Result<Option<usize>, Refusal> {
    let Some(text) = received.query("max_buffering") else {
        return Ok(None);
    };
    let (kind, msg) = match text.parse::<u64>() {
        Ok(number @ 1..=MAX_BUFFERING) => return Ok(Some(number as usize)),
        Ok(0) => ("greater_than_equal", "Input should be greater than or equal to 1"),
        Ok(_) => ("less_than_equal", "Input should be less than or equal to 60"),
        Err(_) => ("int_parsing", "Input should be a valid integer"),
    };
    let detail = json!([{ "loc": ["query", "max_buffering"], "msg": msg, "type": kind, "input": text }]);
    Err(Refusal::Json(StatusCode::UNPROCESSABLE_ENTITY, json!({ "detail": detail })))
}

/// Switches a connection to a WebSocket.
pub(super) fn accept(received: &Received) -> Result<Reply, Refusal> {
    let key = received.header(SEC_WEBSOCKET_KEY.as_str()).filter(|_| received.is_websocket());
    let Some(key) = key.filter(|_| received.header(SEC_WEBSOCKET_VERSION.as_str()) == Some("13")) else {
        let detail = "This path takes WebSockets of version 13".to_owned();
        return Err(Refusal::Detail(StatusCode::UPGRADE_REQUIRED, detail));
    };
    if STANDARD.decode(key).map_or(0, |key| key.len()) != 16 {
        let detail = "The header `sec-websocket-key` has to be 16 bytes in Base64".to_owned();
        return Err(Refusal::Detail(StatusCode::BAD_REQUEST, detail));
    }
    let mut reply = Response::new(reply::full(Bytes::new()));
    *reply.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let reply = reply::with_header(reply, UPGRADE, "websocket");
    let reply = reply::with_header(reply, CONNECTION, "Upgrade");
    let id = random::uuid();
    received.set_request_id(&id);
    let reply = reply::with_header(reply, SEC_WEBSOCKET_ACCEPT, &derive_accept_key(key.as_bytes()));
    Ok(reply::with_request_id(reply, &id))
}
