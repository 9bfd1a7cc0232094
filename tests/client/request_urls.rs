//! The URLs of requests about a job. They follow from the configured queue host and the ids. URLs in responses and in saved
//! jobs lead nowhere.

use std::sync::{Arc, Mutex};

use fal_client::{Client, ErrorKind, Job, RetryPolicy};
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use crate::support::queue::{COMPLETED, operation};
use crate::support::server::{Reply, Server};

/// The requests that follow a job from its status to its cancellation.
const REQUESTS: [&str; 5] = [
    "GET /queue/fal-ai/flux/requests/R1/status?logs=0",
    "GET /queue/fal-ai/flux/requests/R1/status/stream?logs=0",
    "GET /queue/fal-ai/flux/requests/R1/status/stream?logs=0",
    "GET /queue/fal-ai/flux/requests/R1",
    "PUT /queue/fal-ai/flux/requests/R1/cancel",
];

/// Starts a server that accepts a submission with `submitted` and completes each request immediately.
async fn server(submitted: Value) -> Server {
    Server::start(move |_, seen| match operation(seen) {
        "submit" => Reply::json(200, &submitted.to_string()),
        "stream" => Reply::events(&[COMPLETED]),
        "status" => Reply::json(200, COMPLETED),
        "cancel" => Reply::json(202, r#"{"status":"CANCELLATION_REQUESTED"}"#),
        _ => Reply::json(200, r#"{"ok":1}"#),
    })
    .await
}

#[tokio::test]
async fn the_id_of_a_garbled_response_is_in_its_header() {
    for body in [
        "",
        r#"{"request_id":"R1"#,
        r#"{"request_id":1}"#,
        r#"{"request_id":" "}"#,
        r#"{"request_id":"../R1"}"#,
        r#"{"request_id":" R1 "}"#,
        r#"[{"request_id":"R1"}]"#,
        "<html>",
    ] {
        let server = Server::start(move |_, seen| match operation(seen) {
            "submit" => Reply::json(200, body).header("x-fal-request-id", "R1"),
            "stream" => Reply::events(&[COMPLETED]),
            _ => Reply::json(200, r#"{"ok":1}"#),
        })
        .await;
        let response = server.client().endpoint("fal-ai/flux/dev").subscribe(json!({})).await.expect(body);
        assert_eq!((response.data, response.request_id.as_deref()), (json!({ "ok": 1 }), Some("R1")), "{body}");
    }
    let refused = Reply::json(200, r#"{"detail":"The queue is closed"}"#).header("x-fal-request-id", "R1");
    let server = Server::start(move |_, _| refused.clone()).await;
    let error = server.client().endpoint("a/b").submit(json!({})).await.expect_err("an error");
    assert!(error.to_string().contains("The queue is closed") && error.may_have_been_accepted(), "{error}");
}

/// Makes every request about a job.
async fn use_job(client: &Client, job: Job<Value>) {
    let job = client.resume(job);
    job.status().await.expect("a status");
    job.status_stream().try_collect::<Vec<_>>().await.expect("updates");
    assert_eq!(job.wait().await.expect("a result").data, json!({ "ok": 1 }));
    job.cancel().await.expect("an outcome");
}

/// URLs that lead elsewhere, or are not exactly those of the request. `OTHER` is a server that must not be called.
fn urls(other: &Server, server: &Server) -> Vec<String> {
    let paths = [
        "https://queue.fal.run/fal-ai/flux/requests/R1",
        "https://queue.fal.run/fal-ai/flux/requests/R1/status",
        "https://queue2.fal.run/fal-ai/flux/requests/R1",
        "https://queue.fal.run./fal-ai/flux/requests/R1",
        "https://queue.fal.run:8443/fal-ai/flux/requests/R1",
        "https://queue.fal.run@OTHER/fal-ai/flux/requests/R1",
        "https://user:pass@queue.fal.run/fal-ai/flux/requests/R1",
        "http://queue.fal.run/fal-ai/flux/requests/R1",
        "https://rest.fal.ai/tokens/",
        "https://api.fal.ai/v1/keys",
        "http://OTHER/queue/fal-ai/flux/requests/R1",
        "//OTHER/queue/fal-ai/flux/requests/R1",
        "http://SERVER/queue/fal-ai/flux/requests/R2",
        "http://SERVER/queue/fal-ai/flux/requests/R1/../../../../admin",
        "http://SERVER/queue/fal-ai/flux/requests/..%2f..%2f..%2fadmin",
        "http://SERVER/queue/fal-ai/flux/requests/%52%31",
        "http://SERVER/queue/fal-ai/other?fal_webhook=http://OTHER/",
        "http://SERVER/queue/fal-ai/flux/requests/R1?fal_webhook=http://OTHER/",
        "http://SERVER/queue/fal-ai/flux/requests/R1#/cancel",
        "http://SERVER/queue//fal-ai/flux/requests/R1",
        "http://SERVER/rest/tokens/",
        "/queue/fal-ai/flux/requests/R1",
        "file:///etc/passwd",
        "data:text/plain,x",
        "javascript:alert(1)",
        "not a URL",
        "\u{0}\r\n",
        "",
    ];
    let address = |server: &Server| server.address().to_string();
    paths.iter().map(|url| url.replace("OTHER", &address(other)).replace("SERVER", &address(server))).collect()
}

#[tokio::test]
async fn urls_of_a_submission_or_a_saved_job_are_rebuilt_from_the_ids() {
    let other = server(Value::Null).await;
    let submitted = Arc::new(Mutex::new(Value::Null));
    let response = Arc::clone(&submitted);
    let server = Server::start(move |_, seen| match operation(seen) {
        "submit" => Reply::json(200, &response.lock().expect("not poisoned").to_string()),
        "stream" => Reply::events(&[COMPLETED]),
        "status" => Reply::json(200, COMPLETED),
        "cancel" => Reply::json(202, r#"{"status":"CANCELLATION_REQUESTED"}"#),
        _ => Reply::json(200, r#"{"ok":1}"#),
    })
    .await;
    let client = server.builder().retry(RetryPolicy::none()).build().expect("a client");
    for url in urls(&other, &server) {
        let fields = json!({
            "endpoint": "fal-ai/flux/dev", "request_id": "R1", "status_url": url, "response_url": url, "cancel_url": url,
        });
        *submitted.lock().expect("not poisoned") = fields.clone();
        let before = server.seen().len();
        let job = client.endpoint("fal-ai/flux/dev").submit(json!({})).await.expect("a job");
        use_job(&client, job).await;
        assert_eq!(server.lines()[before + 1..], REQUESTS, "submitted: {url}");

        let before = server.seen().len();
        use_job(&client, serde_json::from_value(fields).expect("a job")).await;
        assert_eq!(server.lines()[before..], REQUESTS, "saved: {url}");
    }
    assert_eq!(other.lines(), [""; 0]);
}

#[tokio::test]
async fn urls_that_are_missing_or_have_another_type_do_not_matter() {
    for fields in [
        json!({ "request_id": "R1" }),
        json!({ "request_id": "R1", "status_url": null, "response_url": null, "cancel_url": null }),
        json!({ "request_id": "R1", "status_url": 7, "response_url": ["x"], "cancel_url": {} }),
        json!({ "request_id": "R1", "status_url": "x".repeat(1 << 20) }),
    ] {
        let server = server(fields).await;
        let job = server.client().endpoint("fal-ai/flux/dev").submit(json!({})).await.expect("a job");
        assert!(serde_json::to_string(&job).expect("JSON").len() < 10_000);
        use_job(&server.client(), job).await;
        assert_eq!(server.lines()[1..], REQUESTS);
    }
}

#[tokio::test]
async fn a_job_resumed_with_another_host_is_requested_there() {
    let (first, second) = (server(json!({ "request_id": "R1" })).await, server(Value::Null).await);
    let job = first.client().endpoint("fal-ai/flux/dev").submit(json!({})).await.expect("a job");
    use_job(&second.client(), job).await;
    assert_eq!((first.seen().len(), second.lines()), (1, REQUESTS.map(str::to_owned).to_vec()));
}

#[tokio::test]
async fn invalid_ids_of_a_job_are_errors_before_anything_is_sent() {
    let server = server(Value::Null).await;
    let long = "x".repeat(5 << 20);
    let escapes = "\u{1b}[31m\r\nrequest R2 completed\u{202e}".repeat(2_000);
    let ids = ["", ".", "..", "a/b", "a\\b", "a b", "a\nb", "é", "a%2fb", "../../x", "R1?x=1", "R1#x", &long, &escapes];
    let jobs = ids.iter().map(|id| (Job::new("a/b", *id), ErrorKind::InvalidInput));
    let endpoints = ["", "a", "https://evil.example", "a/../b", "a/b?fal_webhook=x", "a/b%2f..", &escapes];
    let jobs = jobs.chain(endpoints.iter().map(|id| (Job::new(*id, "R1"), ErrorKind::EndpointId)));
    for (job, kind) in jobs {
        let job: Job<Value> = job;
        let shown = format!("{job:?}");
        let job = server.client().resume(job);
        for error in [
            job.status().await.map(drop),
            job.result().await.map(drop),
            job.cancel().await.map(drop),
            job.wait().await.map(drop),
            job.status_stream().try_collect::<Vec<_>>().await.map(drop),
        ] {
            let error = error.expect_err(&shown);
            assert_eq!((error.kind(), error.request_id()), (kind, None), "{shown}");
            for text in [error.to_string(), format!("{error:?}"), shown.clone()] {
                assert!(text.len() < 2_000, "{}", text.len());
                assert!(!text.contains(|c: char| c.is_control() || c == '\u{202e}'), "{text:?}");
            }
        }
    }
    assert_eq!(server.lines(), [""; 0]);
}

#[tokio::test]
async fn a_submit_response_without_a_usable_id_is_an_error_with_the_body() {
    let long = json!({ "request_id": "x".repeat(5 << 20) }).to_string();
    for body in [
        "",
        "{}",
        "[]",
        "nothing",
        r#"{"request_id":""}"#,
        r#"{"request_id":7}"#,
        r#"{"request_id":null}"#,
        r#"{"request_id":".."}"#,
        r#"{"request_id":"../../admin"}"#,
        r#"{"request_id":"R1/cancel"}"#,
        r#"{"request_id":"R1?fal_webhook=x"}"#,
        r#"{"request_id":"R1\r\nrequest R2"}"#,
        r#"{"request_id":"\u001b[31mR1"}"#,
        &long,
    ] {
        let body = body.to_owned();
        let reply = Reply::json(200, &body);
        let server = Server::start(move |_, _| reply.clone()).await;
        let error = server.client().endpoint("a/b").subscribe(json!({})).await.expect_err(&body);
        assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
        assert_eq!(error.body().map(|kept| &kept[..]), Some(body.as_bytes()));
        let text = error.to_string();
        assert!(text.len() < 1_000 && !text.contains(char::is_control), "{text:?}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn an_endpoint_of_a_megabyte_is_refused() {
    let server = Server::start(|_, _| Reply::json(200, "{}")).await;
    let saved = json!({ "endpoint": format!("a/{}", "b".repeat(1 << 20)), "request_id": "R1" });
    let job: fal_client::Job<serde_json::Value> = serde_json::from_value(saved).expect("a job");
    let job = server.client().resume(job);
    let errors = [job.status().await.map(drop), job.result().await.map(drop), job.cancel().await.map(drop)];
    for error in errors.map(|result| result.expect_err("too long")) {
        assert!(error.to_string().len() < 1_000 && server.seen().is_empty(), "{error}");
    }
}
