//! Answers of the queue, and a server that gives them in turn.

use std::sync::{Arc, Mutex};

use fal_client::{Client, Error};
use serde_json::{Value, json};

use crate::support::server::{Reply, Seen, Server};

pub(crate) const SUBMITTED: &str = r#"{"status":"IN_QUEUE","request_id":"R1","queue_position":0}"#;
pub(crate) const QUEUED: &str = r#"{"status":"IN_QUEUE","request_id":"R1","queue_position":2}"#;
pub(crate) const COMPLETED: &str =
    r#"{"status":"COMPLETED","request_id":"R1","logs":null,"metrics":{"inference_time":1.5}}"#;

/// `IN_PROGRESS` with lines that have these messages.
pub(crate) fn running(messages: &str) -> String {
    json!({ "status": "IN_PROGRESS", "logs": lines(messages), "metrics": {} }).to_string()
}

pub(crate) fn completed(messages: &str) -> String {
    json!({ "status": "COMPLETED", "logs": lines(messages), "metrics": {} }).to_string()
}

pub(crate) fn lines(messages: &str) -> Value {
    messages.chars().map(|c| json!({ "message": c.to_string(), "timestamp": format!("t-{c}") })).collect()
}

/// What a request is for, by its path.
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

/// A server that answers each operation in turn with a list of replies, the last one for ever.
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
        let number = used.entry(operation).or_default();
        *number += 1;
        replies[(*number - 1).min(replies.len() - 1)].clone()
    })
    .await
}

pub(crate) fn submitted() -> (&'static str, Vec<Reply>) {
    ("submit", vec![Reply::json(200, SUBMITTED)])
}

pub(crate) fn result() -> (&'static str, Vec<Reply>) {
    ("result", vec![Reply::json(200, r#"{"ok":1}"#).header("x-fal-request-id", "other-attempt")])
}

/// Follows a request with its logs, and tells what was heard: the messages, and the outcome.
pub(crate) async fn followed(server: &Server) -> (String, Result<Value, Error>) {
    followed_by(&server.client()).await
}

pub(crate) async fn followed_by(client: &Client) -> (String, Result<Value, Error>) {
    let heard = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&heard);
    let outcome = client
        .endpoint("fal-ai/flux/dev")
        .subscribe(json!({}))
        .logs(true)
        .on_update(move |update| {
            let mut log = log.lock().expect("not poisoned");
            update.logs().iter().for_each(|line| log.push_str(&line.message));
        })
        .await;
    let heard = heard.lock().expect("not poisoned").clone();
    (heard, outcome.map(|response| response.data))
}
