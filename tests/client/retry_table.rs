//! The documented table of retries, compared with the behaviour of a client: each condition, for each kind of request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::{Error, FileInput, Repository, RetryPolicy, UploadPolicy};
use futures_util::StreamExt;
use serde_json::json;

use crate::support::queue::COMPLETED;
use crate::support::server::{Reply, Server};

const TABLE: &str = include_str!("../../docs/retries.md");

const COLUMNS: [&str; 8] = ["run", "submission", "status", "result", "cancellation", "upload", "following", "fetching"];

/// Returns the responses that show a condition. Empty for conditions without a response, which have tests of their own.
fn replies(condition: &str) -> Vec<Reply> {
    let id = |status, body: &str| Reply::json(status, body).header("x-fal-request-id", "R1");
    let all = |statuses: &[u16], body: &str| statuses.iter().map(|status| Reply::json(*status, body)).collect();
    match condition {
        "no connection" | "a certificate or a proxy that refuses" => vec![],
        "a connection lost after sending" => vec![Reply::dropped(), Reply::json(200, "{").torn()],
        "no response in time" => vec![Reply::never()],
        "429" => all(&[429], "{}"),
        "429 with a request id" => vec![id(429, "{}"), Reply::json(429, r#"{"request_id":"R1"}"#)],
        "429 with billed units" => vec![id(429, "{}").header("x-fal-billable-units", "3.5")],
        "408 or 425" => all(&[408, 425], r#"{"detail":"x"}"#),
        "500 to 599 (such as 502) without a request id" => {
            all(&[500, 501, 502, 503, 504, 507, 520, 521, 522, 523, 524, 525, 526, 530, 599], r#"{"detail":"x"}"#)
        }
        "500 to 599 with a request id" => {
            vec![id(500, "{}"), id(502, "{}"), id(503, "{}"), id(504, "{}"), id(520, "{}")]
        }
        "503 with a request id and `X-Fal-Needs-Retry: 1`" => vec![id(503, "{}").header("x-fal-needs-retry", "1")],
        "504 because the start timeout passed" => vec![id(504, "{}").header("x-fal-request-timeout-type", "user")],
        "400 because the request is still in progress" => all(&[400], r#"{"detail":"Request is still in progress"}"#),
        "400, 422 or 499" => all(&[400, 422, 499], r#"{"detail":"no"}"#),
        "402, 403 or 429 because the account is locked" => {
            let body = r#"{"detail":"User is locked. Reason: Exhausted balance."}"#;
            let mut replies = all(&[402, 403, 429], body);
            replies.push(Reply::json(403, body).header("x-fal-needs-retry", "1"));
            replies
        }
        "401 or 403" => all(&[401, 403], r#"{"detail":"no"}"#),
        "404" => all(&[404], r#"{"status":"MISSING"}"#),
        "404 with a page" => vec![Reply::text(404, "text/html", "<html>")],
        "401 or 403 with a page" => [401, 403].map(|status| Reply::text(status, "text/html", "<html>")).to_vec(),
        "a redirect" => vec![Reply::json(307, "").header("location", "https://x.y/")],
        "200 with a page" => vec![Reply::text(200, "text/html", "<html>")],
        "200 with unexpected JSON" => vec![Reply::json(200, "[1]")],
        "200 with a content encoding" => vec![Reply::json(200, "{}").header("content-encoding", "gzip")],
        "200 beyond the size limit" => {
            vec![Reply::json(200, "").unannounced().header("content-length", "999999999999")]
        }
        other => panic!("the condition `{other}` is not covered"),
    }
}

/// Returns the column that a request belongs to. Following and fetching share theirs with single requests.
fn column(method: &str, target: &str) -> &'static str {
    match method {
        "PUT" if target.contains("/cancel") => "cancellation",
        "POST" if target.starts_with("/run") => "run",
        "POST" if target.contains("/initiate") => "upload",
        "POST" => "submission",
        _ if target.contains("/status/stream") => "stream",
        _ if target.contains("/status") => "status",
        "GET" => "result",
        _ => "file",
    }
}

/// Sends the requests of a column, the first two of which get `reply`. Returns the outcome in the words of the table.
async fn outcome(name: &str, reply: Reply) -> Result<&'static str, String> {
    let faulty = match name {
        "following" => "status",
        "fetching" => "result",
        name => name,
    }
    .to_owned();
    let count = Arc::new(AtomicUsize::new(0));
    let (counter, watched) = (Arc::clone(&count), faulty.clone());
    let server = Server::start(move |_, seen| {
        let column = column(&seen.method, &seen.target);
        if column == watched && counter.fetch_add(1, Ordering::Relaxed) < 2 {
            return reply.clone();
        }
        match column {
            "submission" => Reply::json(200, r#"{"request_id":"R1"}"#),
            "stream" => Reply::json(405, "{}"),
            "status" => Reply::json(200, COMPLETED),
            "cancellation" => Reply::json(202, r#"{"status":"CANCELLATION_REQUESTED"}"#),
            "upload" => {
                let url = format!("http://{}/put", seen.header("host").unwrap_or_default());
                Reply::json(200, &json!({ "upload_url": url, "file_url": "http://x.y/z" }).to_string())
            }
            _ => Reply::json(200, r#"{"images":[{"url":"http://x.y/z"}]}"#),
        }
    })
    .await;
    let moment = Duration::from_secs(5);
    let retry = RetryPolicy::default().first_delay(Duration::from_millis(1));
    let builder = server.builder().retry(retry).uploads(UploadPolicy::default().fallback(None));
    let client = builder.response_timeout(moment).build().expect("a client");
    let endpoint = client.endpoint(redux::ENDPOINT);
    let input = redux::Input::builder().image_url("http://x.y/z");
    let file = FileInput::bytes(&b"abc"[..], "text/plain");
    let outcome: Result<(), Error> = match name {
        // The response of a run has no time limit of its own.
        "run" => endpoint.run(input).timeout(moment).await.map(drop),
        "submission" => endpoint.submit(input).await.map(drop),
        "status" => endpoint.status("R1").await.map(drop),
        "result" => endpoint.result("R1").await.map(drop),
        "cancellation" => endpoint.cancel("R1").await.map(drop),
        "upload" => client.storage().upload(file).repository(Repository::Signed).await.map(drop),
        _ => endpoint.wait("R1").await.map(drop),
    };
    let requests = count.load(Ordering::Relaxed);
    match outcome {
        Err(_) if requests == 2 && name == "fetching" => Ok("repeated once"),
        Err(error) if requests != 1 => Err(format!("failed after {requests} requests: {error}")),
        Err(error) if error.may_have_been_accepted() => {
            assert!(!error.is_retryable(), "{error}");
            Ok("uncertain")
        }
        Err(_) => Ok("final"),
        Ok(()) if requests < 3 => Err("succeeded without another request".to_owned()),
        Ok(()) if matches!(name, "following" | "fetching") => Ok("waited out"),
        Ok(()) => Ok("retried"),
    }
}

#[tokio::test]
async fn the_client_behaves_as_documented() {
    let rows: Vec<Vec<&str>> = TABLE
        .lines()
        .skip_while(|line| !line.starts_with("<!-- table"))
        .take_while(|line| !line.starts_with("<!-- end"))
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|line| line.split(" | ").collect())
        .collect();
    assert_eq!(rows[0][1..], COLUMNS);
    let cells = rows[2..].iter().flat_map(|row| {
        replies(row[0]).into_iter().flat_map(move |reply| {
            COLUMNS.into_iter().zip(&row[1..]).map(move |(name, expected)| (row[0], name, *expected, reply.clone()))
        })
    });
    let checks = cells.map(async |(condition, name, expected, reply)| {
        let found = outcome(name, reply.clone()).await;
        (found != Ok(expected))
            .then(|| format!("{condition}, {name}: expected {expected}, found {found:?} for {reply:?}"))
    });
    // In parallel, because some wait for a time limit. The limit keeps the others within theirs.
    let checks = futures_util::stream::iter(checks).buffer_unordered(32);
    let mismatches: Vec<String> = checks.filter_map(std::future::ready).collect().await;
    assert!(mismatches.is_empty(), "{} cells differ:\n{}", mismatches.len(), mismatches.join("\n"));
}
