use std::io;
use std::time::Duration;

use hyper::header::{ALLOW, HeaderName, RETRY_AFTER};
use hyper::{Method, StatusCode};
use serde_json::Value;

use crate::random;
use crate::response::failure::Failure;
use crate::response::reply::{self, Reply};
use crate::response::s3::S3Error;
use crate::time::whole_seconds;

/// The reason why a request is rejected before it reaches an endpoint or a job.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The method is not one of these.
    Method(&'static [Method]),
    NoApplication(String),
    NoPath(String),
    /// An application does not have the path. Unlike the gateway, it has a request id.
    NoPathOfApp(String),
    /// A bucket in S3 refuses a request.
    S3(S3Error),
    /// No job has this request id.
    NoRequest,
    /// The endpoint's queue is longer than the client allows.
    QueueFull {
        waiting: u64,
    },
    /// A direct run exceeds the limit of concurrency.
    NoSlot,
    /// There were too many requests without a key.
    RateLimited {
        left: Duration,
        body: Value,
    },
    TooLarge {
        max_bytes: usize,
    },
    /// The file cannot be stored.
    NoRoom(io::Error),
    /// Any other reason, in the gateway's format.
    Detail(StatusCode, String),
    /// Any other reason, with a body in another format.
    Json(StatusCode, Value),
}

impl Refusal {
    /// Returns the reason in one line, for a realtime error.
    pub(crate) fn reason(&self) -> String {
        match self {
            Refusal::Detail(_, detail) => detail.clone(),
            Refusal::NoSlot => Failure::concurrency().reason(),
            other => format!("{other:?}"),
        }
    }

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
            Refusal::NoPathOfApp(path) => {
                let reply = Refusal::NoPath(path).into_reply();
                let reply = reply::with_header(reply, HeaderName::from_static("x-fal-billable-units"), "0");
                reply::with_request_id(reply, &random::uuid())
            }
            Refusal::S3(error) => error.reply(),
            Refusal::NoRequest => reply::word(StatusCode::NOT_FOUND, "NOT_FOUND"),
            Refusal::QueueFull { waiting } => {
                let detail = format!("The queue is full: {waiting} requests are waiting");
                reply::detail(StatusCode::TOO_MANY_REQUESTS, &detail)
            }
            Refusal::NoSlot => Failure::concurrency().reply(),
            Refusal::RateLimited { left, body } => {
                let status = StatusCode::TOO_MANY_REQUESTS;
                reply::with_header(reply::json(status, &body), RETRY_AFTER, &whole_seconds(left).to_string())
            }
            Refusal::TooLarge { max_bytes } => {
                let detail = format!("The request body exceeds the emulator's limit of {} MiB", max_bytes >> 20);
                reply::detail(StatusCode::PAYLOAD_TOO_LARGE, &detail)
            }
            Refusal::NoRoom(error) => {
                reply::detail(StatusCode::INSUFFICIENT_STORAGE, &format!("The emulator cannot store the file: {error}"))
            }
            Refusal::Detail(status, detail) => reply::detail(status, &detail),
            Refusal::Json(status, value) => reply::json(status, &value),
        }
    }
}
