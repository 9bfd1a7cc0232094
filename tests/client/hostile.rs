//! Unexpected responses, saved jobs and settings. Nothing panics or grows without bound, the key goes nowhere else, and
//! everything readable is read.

use std::time::Duration;

use fal_client::{Error, ErrorKind, Job, QueueUpdate, RetryPolicy};
use futures_util::{StreamExt, TryStreamExt};
use serde_json::{Value, json};

use crate::support::server::{Reply, Server};

const SUBMITTED: &str = r#"{"status":"IN_QUEUE","request_id":"R1","queue_position":0}"#;
const COMPLETED: &str = r#"{"status":"COMPLETED","request_id":"R1"}"#;

/// Starts a server of one request with this status stream and result.
async fn server(stream: Reply, result: Reply) -> Server {
    Server::start(move |_, seen| match seen.method.as_str() {
        "POST" if seen.target.starts_with("/run/") => result.clone(),
        "POST" => Reply::json(200, SUBMITTED),
        _ if seen.target.contains("/status/stream") => stream.clone(),
        _ if seen.target.contains("/status") => Reply::json(200, COMPLETED),
        _ => result.clone(),
    })
    .await
}

async fn refused(reply: Reply) -> Error {
    let server = Server::start(move |_, _| reply.clone()).await;
    server.client().endpoint("a/b").run(json!({})).await.expect_err("an error")
}

#[tokio::test]
async fn an_endless_error_page_is_read_up_to_16_mib() {
    let page = "x".repeat(17 << 20);
    // The rest of the announced 10 GiB never arrives.
    let error = refused(Reply::text(500, "text/html", &page).torn_of(10 << 30).silent()).await;
    assert_eq!(error.status().map(|status| status.as_u16()), Some(500));
    assert_eq!(error.body().map(|body| body.len()), Some(16 << 20));
    assert!(error.to_string().len() < 1_000 && format!("{error:?}").len() < 5_000);
}

#[tokio::test]
async fn a_large_result_is_complete() {
    let large = json!("x".repeat(17 << 20)).to_string();
    let server = server(Reply::events(&[COMPLETED]), Reply::json(200, &large)).await;
    let response = server.client().endpoint("a/b").subscribe(json!({})).await.expect("a result");
    assert_eq!(response.body.len(), large.len());
}

#[tokio::test]
async fn an_invalid_retry_after_is_ignored() {
    for (value, attempts) in [
        // Too long to wait.
        ("18446744073709551615", 1),
        ("121", 1),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 1),
        // Invalid: the client's backoff applies.
        ("18446744073709551616", 2),
        ("-1", 2),
        ("1e99", 2),
        ("soon", 2),
        ("é", 2),
        ("", 2),
        ("Wed, 32 Oct 2015 07:28:00 GMT", 2),
    ] {
        let server = Server::start(move |number, _| match number {
            0 => Reply::json(429, "{}").header("retry-after", value),
            _ => Reply::json(200, "{}"),
        })
        .await;
        let done = server.client().endpoint("a/b").run(json!({})).await;
        assert_eq!((server.seen().len(), done.is_ok()), (attempts, attempts == 2), "{value}");
    }
}

#[tokio::test]
async fn non_ascii_headers_are_ignored() {
    let odd = |mut reply: Reply| {
        for name in [
            "x-fal-request-id",
            "x-fal-billable-units",
            "x-fal-served-from",
            "x-fal-error-type",
            "x-fal-needs-retry",
            "x-fal-request-timeout-type",
            "location",
        ] {
            reply = reply.header(name, "é");
        }
        reply
    };
    for status in [302, 400, 504] {
        let error = refused(odd(Reply::json(status, r#"{"detail":"no"}"#))).await;
        assert_eq!((error.request_id(), error.error_type()), (None, None), "{error:?}");
    }
    let server = server(Reply::events(&[COMPLETED]), odd(Reply::json(200, "{}"))).await;
    let response = server.client().endpoint("a/b").subscribe(json!({})).await.expect("a result");
    assert_eq!(
        (response.request_id.as_deref(), response.billable_units, response.served_from),
        (Some("R1"), None, None)
    );
}

#[tokio::test]
async fn malformed_updates_are_read_as_far_as_possible_or_skipped() {
    let deep = format!(r#"{{"status":"IN_QUEUE","logs":{}"#, "[".repeat(100_000));
    let stream = Reply::events(&[
        "",
        "null",
        "[1]",
        "\u{0}",
        &deep,
        r#"{"status":null}"#,
        r#"{"status":"IN_QUEUE","queue_position":1e400}"#,
        r#"{"status":"IN_QUEUE","queue_position":-1}"#,
        r#"{"status":"IN_QUEUE","queue_position":18446744073709551615}"#,
        r#"{"status":"IN_QUEUE","queue_position":18446744073709551616}"#,
        r#"{"status":"IN_PROGRESS","logs":[null,7,[],{},{"message":null},{"message":"m","labels":[],"timestamp":3}]}"#,
        r#"{"status":"IN_PROGRESS","logs":{"a":"b"},"metrics":3}"#,
        r#"{"status":"COMPLETED","logs":"x","metrics":{"inference_time":"soon"},"error":{"a":1},"error_type":7}"#,
    ]);
    let server = server(stream, Reply::json(200, "{}")).await;
    let updates = server.client().endpoint("a/b").status_stream("R1").logs(true);
    let updates: Vec<QueueUpdate> = updates.try_collect().await.expect("no error");
    let shown: Vec<String> = updates
        .iter()
        .map(|update| match update {
            QueueUpdate::InQueue { position, .. } => format!("{position:?}"),
            QueueUpdate::Completed { metrics, failure, .. } => {
                format!("{:?} {:?}", metrics.inference_time, failure.as_ref().map(|failure| failure.error.as_str()))
            }
            update => update.logs().iter().map(|line| format!("{} ", line.message)).collect(),
        })
        .collect();
    assert_eq!(shown, ["None", "Some(18446744073709551615)", "None", "7 [] {}  m ", r#"None Some("{\"a\":1}")"#]);
}

#[tokio::test]
async fn an_endless_event_ends_its_stream_but_not_the_request() {
    let endless = format!("data: {}", "x".repeat(17 << 20));
    let server = Server::start(move |number, seen| match seen.method.as_str() {
        "POST" => Reply::json(200, SUBMITTED),
        _ if number == 1 => Reply::text(200, "text/event-stream", &endless).torn_of(10 << 30).silent(),
        _ if seen.target.contains("/status/stream") => Reply::events(&[COMPLETED]),
        _ => Reply::json(200, "{}"),
    })
    .await;
    server.client().endpoint("a/b").subscribe(json!({})).await.expect("a result");
}

#[tokio::test]
async fn unreadable_bodies_are_kept_in_the_error() {
    let deep = "[".repeat(100_000);
    for body in ["", "\u{0}", "{\"a\":1}}", &deep] {
        let reply = Reply::json(200, body).header("content-encoding", "gzip");
        let server = server(Reply::events(&[COMPLETED]), reply).await;
        let client = server.builder().retry(RetryPolicy::none()).build().expect("a client");
        let error = client.endpoint("a/b").subscribe(json!({})).await.expect_err("not JSON");
        assert_eq!((error.kind(), error.request_id()), (ErrorKind::UnexpectedResponse, Some("R1")));
        assert_eq!(error.body().map(|kept| &kept[..]), Some(body.as_bytes()));

        let error = refused(Reply::json(422, body)).await;
        assert_eq!(error.body().map(|kept| &kept[..]), Some(body.as_bytes()));
    }
}

#[tokio::test]
async fn the_request_id_of_a_torn_response_is_kept() {
    let torn = Reply::json(200, "{\"request_id\"").torn().header("x-fal-request-id", "R9");
    let server = Server::start(move |_, _| torn.clone()).await;
    let endpoint = server.client().endpoint("a/b");
    let run = endpoint.run(json!({})).await.expect_err("torn");
    let submit = endpoint.submit(json!({})).await.expect_err("torn");
    for error in [run, submit] {
        assert_eq!((error.kind(), error.request_id()), (ErrorKind::Transport, Some("R9")));
    }
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn saved_jobs_of_other_versions_are_read() {
    let server = server(Reply::events(&[COMPLETED]), Reply::json(200, r#"{"ok":1}"#)).await;
    for saved in [
        // Older, newer, and with every nullable field null.
        r#"{"endpoint":"a/b/c","request_id":"R1"}"#,
        r#"{"request_id":"R1","endpoint":"a/b/c","region":"eu","urls":[{}]}"#,
        r#"{"endpoint":"a/b/c","request_id":"R1","status_url":null,"response_url":null,"cancel_url":null,
            "gateway_request_id":null}"#,
    ] {
        let job: Job<Value> = serde_json::from_str(saved).expect(saved);
        assert_eq!(server.client().resume(job).wait().await.expect("a result").data, json!({ "ok": 1 }));
        assert_eq!(server.lines().last().map(String::as_str), Some("GET /queue/a/b/requests/R1"));
    }
    for bad in [
        "{}",
        "null",
        r#"{"endpoint":"a/b"}"#,
        r#"{"request_id":"R1"}"#,
        r#"{"endpoint":"a/b","request_id":7}"#,
        r#"{"endpoint":"a/b","request_id":"R1","status_url":["x"]}"#,
    ] {
        serde_json::from_str::<Job<Value>>(bad).expect_err(bad);
    }
}

#[tokio::test]
async fn extreme_durations_are_accepted() {
    let server = server(Reply::events(&[COMPLETED]), Reply::json(200, "{}")).await;
    let always = Duration::MAX;
    let policy = RetryPolicy::default().first_delay(always).max_delay(always).patience(always).max_attempts(u32::MAX);
    let client = server.builder().response_timeout(always).idle_timeout(always).status_idle_timeout(always);
    let endpoint = client.retry(policy).build().expect("a client").endpoint("a/b");
    endpoint.run(json!({})).timeout(always).start_timeout(always).await.expect("a response");
    let job = endpoint.submit(json!({})).timeout(always).await.expect("a job");
    endpoint.subscribe(json!({})).timeout(always).await.expect("a result");
    endpoint.wait(&job).timeout(always).await.expect("a result");
    endpoint.status(&job).timeout(always).await.expect("a status");
    endpoint.result(&job).timeout(always).await.expect("a result");

    let never = Duration::ZERO;
    let server = Server::start(|_, _| Reply::never()).await;
    let policy = RetryPolicy::default().first_delay(never).max_delay(never).patience(never).max_attempts(0);
    let client = server.builder().response_timeout(never).idle_timeout(never).status_idle_timeout(never);
    let endpoint = client.retry(policy).build().expect("a client").endpoint("a/b");
    for error in [
        endpoint.submit(json!({})).await.map(drop),
        endpoint.run(json!({})).timeout(never).await.map(drop),
        endpoint.subscribe(json!({})).timeout(never).await.map(drop),
        endpoint.wait(&job).await.map(drop),
        endpoint.wait(&job).timeout(never).cancel_on_timeout(true).await.map(drop),
        endpoint.status(&job).await.map(drop),
        endpoint.result(&job).await.map(drop),
    ] {
        assert!(error.as_ref().is_err_and(Error::is_timeout), "{error:?}");
    }
    let submitted = server.seen().iter().filter(|seen| seen.method == "POST").count();
    assert!(submitted <= 3, "{submitted}");
}

#[test]
fn calls_dropped_with_or_after_their_runtime_do_not_panic() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let (server_runtime, ending) = (runtime().expect("a runtime"), runtime().expect("a runtime"));
    let server = server_runtime.block_on(Server::start(|_, seen| match seen.method.as_str() {
        "POST" => Reply::json(200, SUBMITTED),
        _ => Reply::never(),
    }));
    let endpoint = server.client().endpoint("a/b");

    // One call is dropped with its runtime, one outlives it, and one was never polled.
    let (sender, receiver) = std::sync::mpsc::channel();
    let call =
        endpoint.subscribe(json!({})).cancel_on_drop(true).on_enqueue(move |_| sender.send(()).expect("a receiver"));
    ending.spawn(call.send());
    receiver.recv().expect("a job");
    let mut updates = endpoint.subscribe(json!({})).cancel_on_drop(true).updates();
    ending.block_on(updates.next()).expect("a job").expect("no error");
    let unpolled = endpoint.subscribe(json!({})).cancel_on_drop(true).updates();
    drop(ending);
    drop((updates, unpolled));
    assert_eq!(server.lines().iter().filter(|line| line.starts_with("POST")).count(), 2);
}
