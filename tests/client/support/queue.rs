//! Responses of the queue, and a server that sends them in order.

use std::sync::{Arc, Mutex};

use fal_client::{Client, Error};
use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::support::server::{Reply, Seen, Server};

pub(crate) const SUBMITTED: &str = r#"{"status":"IN_QUEUE","request_id":"R1","queue_position":0}"#;
pub(crate) const QUEUED: &str = r#"{"status":"IN_QUEUE","request_id":"R1","queue_position":2}"#;
pub(crate) const COMPLETED: &str =
    r#"{"status":"COMPLETED","request_id":"R1","logs":null,"metrics":{"inference_time":1.5}}"#;

/// Returns an `IN_PROGRESS` update with one log line for each character.
pub(crate) fn running(messages: &str) -> String {
    json!({ "status": "IN_PROGRESS", "logs": lines(messages), "metrics": {} }).to_string()
}

/// Returns a `COMPLETED` update with one log line for each character.
pub(crate) fn completed(messages: &str) -> String {
    json!({ "status": "COMPLETED", "logs": lines(messages), "metrics": {} }).to_string()
}

pub(crate) fn lines(messages: &str) -> Value {
    messages.chars().map(|c| json!({ "message": c.to_string(), "timestamp": format!("t-{c}") })).collect()
}

/// Returns the operation of a request.
pub(crate) fn operation(seen: &Seen) -> &'static str {
    let path = seen.target.split('?').next().unwrap_or_default();
    match path {
        path if path.ends_with("/status/stream") => "stream",
        path if path.ends_with("/status") => "status",
        path if path.ends_with("/cancel") => "cancel",
        path if path.contains("/requests/") => "result",
        _ => "submit",
    }
}

/// Starts a server that sends the replies of each operation in order and repeats the last one.
pub(crate) async fn server(script: &[(&'static str, Vec<Reply>)]) -> Server {
    let script = script.to_vec();
    let used = Mutex::new(std::collections::HashMap::<&'static str, usize>::new());
    Server::start(move |_, seen| {
        let operation = operation(seen);
        let replies = script.iter().find(|(name, _)| *name == operation).map(|(_, replies)| replies);
        let Some(replies) = replies.filter(|replies| !replies.is_empty()) else {
            return Reply::json(404, r#"{"detail":"not scripted"}"#);
        };
        let mut used = used.lock().expect("not poisoned");
        let index = used.entry(operation).or_default();
        *index += 1;
        replies[(*index - 1).min(replies.len() - 1)].clone()
    })
    .await
}

pub(crate) fn submitted() -> (&'static str, Vec<Reply>) {
    ("submit", vec![Reply::json(200, SUBMITTED)])
}

pub(crate) fn result() -> (&'static str, Vec<Reply>) {
    ("result", vec![Reply::json(200, r#"{"ok":1}"#).header("x-fal-request-id", "other-attempt")])
}

/// Subscribes with logs. Returns the received messages and the outcome.
pub(crate) async fn followed(server: &Server) -> (String, Result<Value, Error>) {
    followed_by(&server.client()).await
}

pub(crate) async fn followed_by(client: &Client) -> (String, Result<Value, Error>) {
    let messages = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&messages);
    let outcome = client
        .endpoint("fal-ai/flux/dev")
        .subscribe(json!({}))
        .logs(true)
        .on_update(move |update| {
            let mut log = log.lock().expect("not poisoned");
            update.logs().iter().for_each(|line| log.push_str(&line.message));
        })
        .await;
    let messages = messages.lock().expect("not poisoned").clone();
    (messages, outcome.map(|response| response.data))
}

/// Waits until the server has received `count` requests of an operation.
pub(crate) async fn received(server: &Server, name: &str, count: usize) {
    while count_of(server, name) < count {
        tokio::task::yield_now().await;
    }
}

/// Counts the received requests of an operation.
pub(crate) fn count_of(server: &Server, name: &str) -> usize {
    server.seen().iter().filter(|seen| operation(seen) == name).count()
}

/// Moves the clock of the runtime forward, as if nothing had happened for some time.
pub(crate) async fn skip(time: std::time::Duration) {
    tokio::time::pause();
    // One poll moves the clock. An await could be dropped, and would leave the clock paused.
    let _ = tokio::time::advance(time).now_or_never();
    tokio::time::resume();
    tokio::task::yield_now().await;
}
