use std::io;

use hyper::header::ALLOW;
use hyper::{Method, StatusCode};
use serde_json::Value;

use crate::response::reply::{self, Reply};

/// Why a request is turned away before any endpoint or job has seen it.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Only these methods are allowed.
    Method(&'static [Method]),
    NoApplication(String),
    NoPath(String),
    /// No job has this request id.
    NoRequest,
    /// More requests wait for the endpoint than the caller allows.
    QueueFull {
        waiting: u64,
    },
    TooLarge {
        max_bytes: usize,
    },
    /// A file cannot be kept, and why.
    NoRoom(io::Error),
    /// Whatever else is said in words.
    Detail(StatusCode, String),
    /// Whatever else has a shape of its own.
    Json(StatusCode, Value),
}

impl Refusal {
    pub(crate) fn into_reply(self) -> Reply {
        match self {
            Refusal::Method(allowed) => {
                let allowed: Vec<&str> = allowed.iter().map(Method::as_str).collect();
                let reply = reply::detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
                reply::with_header(reply, ALLOW, &allowed.join(", "))
            }
            Refusal::NoApplication(id) => {
                reply::detail(StatusCode::NOT_FOUND, &format!("Application \"{id}\" not found"))
            }
            Refusal::NoPath(path) => reply::detail(StatusCode::NOT_FOUND, &format!("Path {path} not found")),
            Refusal::NoRequest => reply::word(StatusCode::NOT_FOUND, "NOT_FOUND"),
            Refusal::QueueFull { waiting } => {
                let detail = format!("The queue is full: {waiting} requests are waiting");
                reply::detail(StatusCode::TOO_MANY_REQUESTS, &detail)
            }
            Refusal::TooLarge { max_bytes } => {
                let detail = format!("The emulator takes bodies of at most {} MiB", max_bytes >> 20);
                reply::detail(StatusCode::PAYLOAD_TOO_LARGE, &detail)
            }
            Refusal::NoRoom(error) => {
                reply::detail(StatusCode::INSUFFICIENT_STORAGE, &format!("The file cannot be kept: {error}"))
            }
            Refusal::Detail(status, detail) => reply::detail(status, &detail),
            Refusal::Json(status, value) => reply::json(status, &value),
        }
    }
}
