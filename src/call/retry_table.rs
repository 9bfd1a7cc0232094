//! The table of retries in `docs/retries.md`, generated from the verdicts.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::steps::unusable_output;
use crate::error::{Error, ErrorKind, Sender};
use crate::protocol::RawResponse;
use crate::queue::Patience;
use crate::transport::{Operation, RetryPolicy, Verdict, verdict};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/retries.md");
const BEGIN: &str = "<!-- table: generated, see src/call/retry_table.rs -->\n";
const END: &str = "<!-- end of the table -->\n";

/// A cell of a request that ends with its attempts.
fn single(operation: Operation, error: &Error) -> &'static str {
    let delay = RetryPolicy::default().delay_before_retry(operation, 1, error);
    // A successful response is parsed after the attempts.
    let is_parsed = error.status().is_some_and(|status| status.is_success());
    match verdict(operation, error) {
        _ if delay.is_some() && !is_parsed => "retried",
        Verdict::Uncertain => "uncertain",
        _ => "final",
    }
}

/// A cell of a request whose failures are waited out.
fn patient(operation: Operation, error: &Error) -> &'static str {
    match Patience::new(operation).delay(&RetryPolicy::default(), error.clone()) {
        Ok(_) => "waited out",
        Err(error) if operation == Operation::Result && unusable_output(&error).is_some() => "repeated once",
        Err(_) => "final",
    }
}

fn response(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> RawResponse {
    let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    let status = StatusCode::from_u16(status).expect("a status");
    RawResponse { status, headers: headers.collect::<HeaderMap>(), body: Bytes::from_static(body.as_bytes()) }
}

/// The conditions, and the error of each. The fault table in `tests/client/retry_table.rs` has the same conditions.
fn conditions() -> Vec<(&'static str, Error)> {
    const ID: (&str, &str) = ("x-fal-request-id", "R1");
    const HTML: (&str, &str) = ("content-type", "text/html");
    let service = |status, headers: &[(&'static str, &'static str)], body| {
        Error::keyed(response(status, headers, body), true, b"", Sender::WithKey)
    };
    let unexpected = |status, headers: &[(&'static str, &'static str)], body| {
        Error::unexpected("x", response(status, headers, body))
    };
    vec![
        ("no connection", Error::new(ErrorKind::Connect, "x")),
        ("a certificate or a proxy that refuses", Error::new(ErrorKind::Connect, "x").with_retryable(false)),
        ("a connection lost after sending", Error::new(ErrorKind::Transport, "x")),
        ("no response in time", Error::new(ErrorKind::Timeout, "x")),
        ("429", service(429, &[], "{}")),
        ("429 with a request id", service(429, &[ID], "{}")),
        ("429 with billed units", service(429, &[ID, ("x-fal-billable-units", "3.5")], "{}")),
        ("408 or 425", service(408, &[], "{}")),
        ("500 to 599 (such as 502) without a request id", service(502, &[], "")),
        ("500 to 599 with a request id", service(500, &[ID], "{}")),
        ("503 with a request id and `X-Fal-Needs-Retry: 1`", service(503, &[ID, ("x-fal-needs-retry", "1")], "{}")),
        ("504 because the start timeout passed", service(504, &[ID, ("x-fal-request-timeout-type", "user")], "{}")),
        (
            "400 because the request is still in progress",
            service(400, &[], r#"{"detail":"Request is still in progress"}"#),
        ),
        ("400, 422 or 499", service(422, &[], r#"{"detail":"no"}"#)),
        ("402, 403 or 429 because the account is locked", service(429, &[], r#"{"detail":"Exhausted balance."}"#)),
        ("401 or 403", service(403, &[], r#"{"detail":"no"}"#)),
        ("404", service(404, &[], r#"{"status":"NOT_FOUND"}"#)),
        ("404 with a page", service(404, &[HTML], "<html>")),
        ("401 or 403 with a page", service(403, &[HTML], "<html>")),
        ("a redirect", unexpected(307, &[], "")),
        ("200 with a page", unexpected(200, &[HTML], "<html>")),
        ("200 with unexpected JSON", unexpected(200, &[], "[1]")),
        ("200 with a content encoding", unexpected(200, &[("content-encoding", "gzip")], "x")),
        ("200 beyond the size limit", Error::new(ErrorKind::UnexpectedResponse, "x")),
    ]
}

fn table() -> String {
    let mut lines = vec![
        "| condition | run | submission | status | result | cancellation | upload | following | fetching |".to_owned(),
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |".to_owned(),
    ];
    for (condition, error) in conditions() {
        let cells = [
            single(Operation::Run, &error),
            single(Operation::Submit { bounded: false }, &error),
            single(Operation::Status, &error),
            single(Operation::Result, &error),
            single(Operation::Cancel, &error),
            single(Operation::Storage("upload"), &error),
            patient(Operation::Status, &error),
            patient(Operation::Result, &error),
        ];
        lines.push(format!("| {condition} | {} |", cells.join(" | ")));
    }
    lines.join("\n") + "\n"
}

/// Set `BLESS` to write the table instead.
#[test]
fn the_documented_table_is_generated() {
    let text = std::fs::read_to_string(PATH).expect("docs/retries.md");
    let (before, rest) = text.split_once(BEGIN).expect("the beginning of the table");
    let (documented, after) = rest.split_once(END).expect("the end of the table");
    let table = format!("\n{}\n", table());
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(PATH, format!("{before}{BEGIN}{table}{END}{after}")).expect("docs/retries.md");
    } else {
        assert!(documented == table, "docs/retries.md is outdated: run this test with BLESS=1");
    }
}
