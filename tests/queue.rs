//! The queue: submitting, following, fetching and cancelling, against scripted answers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fal_client::{
    Cancellation, Client, Error, ErrorKind, ErrorType, Job, Priority, Progress, QueueUpdate, RetryPolicy,
};
use futures_util::StreamExt;
use serde_json::{Value, json};

mod support;

use support::{Reply, Seen, Server};

const SUBMITTED: &str = r#"{"status":"IN_QUEUE","request_id":"R1","queue_position":0}"#;
const QUEUED: &str = r#"{"status":"IN_QUEUE","request_id":"R1","queue_position":2}"#;
const COMPLETED: &str = r#"{"status":"COMPLETED","request_id":"R1","logs":null,"metrics":{"inference_time":1.5}}"#;

/// `IN_PROGRESS` with lines that have these messages.
fn running(messages: &str) -> String {
    json!({ "status": "IN_PROGRESS", "logs": lines(messages), "metrics": {} }).to_string()
}

fn completed(messages: &str) -> String {
    json!({ "status": "COMPLETED", "logs": lines(messages), "metrics": {} }).to_string()
}

fn lines(messages: &str) -> Value {
    messages.chars().map(|c| json!({ "message": c.to_string(), "timestamp": format!("t-{c}") })).collect()
}

/// What a request is for, by its path.
fn operation(seen: &Seen) -> &'static str {
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
async fn server(script: &[(&'static str, Vec<Reply>)]) -> Server {
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

fn submitted() -> (&'static str, Vec<Reply>) {
    ("submit", vec![Reply::json(200, SUBMITTED)])
}

fn result() -> (&'static str, Vec<Reply>) {
    ("result", vec![Reply::json(200, r#"{"ok":1}"#).header("x-fal-request-id", "other-attempt")])
}

/// Follows a request with its logs, and tells what was heard: the messages, and the outcome.
async fn followed(server: &Server) -> (String, Result<Value, Error>) {
    followed_by(&server.client()).await
}

async fn followed_by(client: &Client) -> (String, Result<Value, Error>) {
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

#[tokio::test]
async fn a_subscription_submits_follows_and_fetches() {
    let stream = Reply::events(&[QUEUED, QUEUED, &running(""), &running("ab"), &running("c"), &completed("d")]);
    let server = server(&[submitted(), ("stream", vec![stream]), result()]).await;
    let heard = Mutex::new(Vec::new());
    let response = server
        .client()
        .endpoint("fal-ai/flux/dev")
        .subscribe(json!({ "prompt": "a" }))
        .logs(true)
        .on_enqueue(|job| heard.lock().expect("not poisoned").push(format!("enqueued {}", job.request_id)))
        .on_update(|update| {
            let text: String = update.logs().iter().map(|line| line.message.as_str()).collect();
            let word = match &update {
                QueueUpdate::InQueue { position, .. } => format!("queued {position:?}"),
                QueueUpdate::InProgress { .. } => format!("running {text}"),
                QueueUpdate::Completed { .. } => format!("completed {text}"),
                other => format!("{other:?}"),
            };
            heard.lock().expect("not poisoned").push(word);
        })
        .await
        .expect("a result");
    assert_eq!((response.data, response.request_id.as_str()), (json!({ "ok": 1 }), "R1"));
    assert_eq!(
        *heard.lock().expect("not poisoned"),
        ["enqueued R1", "queued Some(2)", "running ", "running ab", "running c", "completed d"]
    );
    assert_eq!(
        server.lines(),
        [
            "POST /queue/fal-ai/flux/dev",
            "GET /queue/fal-ai/flux/requests/R1/status/stream?logs=1",
            "GET /queue/fal-ai/flux/requests/R1",
        ]
    );
    assert_eq!(server.seen()[1].header("accept"), Some("text/event-stream"));
}

#[tokio::test]
async fn metrics_come_with_the_response() {
    let server = server(&[submitted(), ("stream", vec![Reply::events(&[COMPLETED])]), result()]).await;
    let response = server.client().endpoint("a/b").subscribe(json!({})).await.expect("a result");
    assert_eq!(response.metrics.inference_time, Some(1.5));
    assert_eq!(server.lines()[1], "GET /queue/a/b/requests/R1/status/stream?logs=0");
}

#[tokio::test]
async fn every_line_is_heard_once_whatever_breaks() {
    let torn = |events: &[&str]| Reply::events(events).torn();
    let all = Reply::json(200, &completed("abcdef"));
    for (name, stream, status) in [
        // A second stream goes on where the first broke, or starts over.
        ("goes on", vec![torn(&[&running("abc")]), Reply::events(&[&running("de"), &completed("f")])], vec![]),
        ("starts over", vec![torn(&[&running("abc")]), Reply::events(&[&running("abcd"), &completed("ef")])], vec![]),
        ("ends early", vec![Reply::events(&[&running("abc")]), Reply::events(&[&completed("abcdef")])], vec![]),
        ("mid event", vec![torn(&[&running("ab"), "{\"status\""]), Reply::events(&[&completed("cdef")])], vec![]),
        // There is none: the status is polled.
        ("405", vec![Reply::json(405, "{}")], vec![Reply::json(202, &running("abc")), all.clone()]),
        ("404", vec![Reply::json(404, "{}")], vec![Reply::json(202, &running("")), all.clone()]),
        ("500", vec![Reply::json(500, "{}")], vec![all.clone()]),
        ("dropped", vec![Reply::dropped()], vec![Reply::json(202, QUEUED), all.clone()]),
        ("breaks, then none", vec![torn(&[&running("abc")]), Reply::json(404, "{}")], vec![all.clone()]),
        ("breaks without a word", vec![torn(&[])], vec![all.clone()]),
        ("no events", vec![Reply::text(200, "text/event-stream", ": ping\n\n")], vec![all.clone()]),
        ("nonsense", vec![Reply::text(200, "text/html", "<p>hello")], vec![all.clone()]),
        // A poll breaks as well.
        (
            "poll breaks",
            vec![Reply::json(404, "{}")],
            vec![Reply::json(202, &running("ab")), Reply::dropped(), Reply::json(503, "nginx"), all.clone()],
        ),
    ] {
        let server = server(&[submitted(), ("stream", stream), ("status", status), result()]).await;
        let (heard, outcome) = followed(&server).await;
        assert_eq!((heard.as_str(), outcome.ok()), ("abcdef", Some(json!({ "ok": 1 }))), "{name}");
        assert_eq!(server.lines().iter().filter(|line| line.starts_with("POST")).count(), 1, "{name}");
    }
}

#[tokio::test]
async fn the_urls_that_fal_gave_are_followed_and_checked() {
    let server = Server::start(|_, seen| match seen.method.as_str() {
        "POST" => {
            let host = seen.header("host").unwrap_or_default();
            let url = format!("http://{host}/queue/elsewhere/{}", seen.target.rsplit('/').next().unwrap_or_default());
            Reply::json(
                200,
                &json!({
                    "request_id": "R1",
                    "status_url": format!("{url}/status?x=1"),
                    "response_url": format!("{url}/response"),
                    "cancel_url": "https://evil.example/cancel",
                })
                .to_string(),
            )
        }
        _ if seen.target.contains("status") => Reply::events(&[COMPLETED]),
        _ => Reply::json(200, "{}"),
    })
    .await;
    let endpoint = server.client().endpoint("a/b");
    let job = endpoint.submit(json!({})).await.expect("a job");
    endpoint.wait(&job).await.expect("a result");
    assert_eq!(
        server.lines()[1..],
        ["GET /queue/elsewhere/b/status/stream?x=1&logs=0", "GET /queue/elsewhere/b/response"]
    );
    let error = endpoint.cancel(&job).await.expect_err("not fal's");
    assert_eq!((error.kind(), error.request_id()), (ErrorKind::UntrustedUrl, Some("R1")));
    assert!(error.to_string().contains("evil.example"), "{error}");
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_url_that_is_none_is_an_error_with_the_id() {
    let body = r#"{"request_id":"R1","status_url":"s","response_url":"file:///etc/passwd","cancel_url":"c"}"#;
    let server = server(&[("submit", vec![Reply::json(200, body)])]).await;
    let error = server.client().endpoint("a/b").subscribe(json!({})).await.expect_err("no URL");
    assert_eq!((error.kind(), error.request_id()), (ErrorKind::UnexpectedResponse, Some("R1")));
    let job: Job<Value> = server.client().endpoint("a/b").submit(json!({})).await.expect("a job");
    let error = server.client().endpoint("a/b").result(&job).await.expect_err("a file");
    assert_eq!(error.kind(), ErrorKind::UntrustedUrl);
}

#[tokio::test]
async fn a_bare_id_is_enough() {
    let script = [
        ("status", vec![Reply::json(202, QUEUED)]),
        ("cancel", vec![Reply::json(202, r#"{"status":"CANCELLATION_REQUESTED"}"#)]),
        result(),
    ];
    let server = server(&script).await;
    let client = server.client();
    for (id, app) in [
        ("fal-ai/flux/dev", "fal-ai/flux"),
        ("workflows/me/wf/sub", "workflows/me/wf"),
        ("comfy/me/wf", "comfy/me/wf"),
        ("110602490-lcm", "110602490/lcm"),
    ] {
        let endpoint = client.endpoint(id);
        let status = endpoint.status("R-1_a.b~").logs(true).await.expect("a status");
        assert!(matches!(status, QueueUpdate::InQueue { position: Some(2), .. }));
        endpoint.result("R1").await.expect("a result");
        assert_eq!(endpoint.cancel("R1").await.expect("an answer"), Cancellation::Requested);
        let lines = server.lines();
        assert_eq!(
            lines[lines.len() - 3..],
            [
                format!("GET /queue/{app}/requests/R-1_a.b~/status?logs=1"),
                format!("GET /queue/{app}/requests/R1"),
                format!("PUT /queue/{app}/requests/R1/cancel"),
            ]
        );
    }
    for id in ["", ".", "..", "a/b", "a\\b", "a b", "a\nb", "é", "a%2fb"] {
        let error = client.endpoint("a/b").status(id).await.expect_err(id);
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn a_job_travels_as_json() {
    let server = server(&[submitted(), ("stream", vec![Reply::events(&[COMPLETED])]), result()]).await;
    let job = server.client().endpoint("fal-ai/flux/dev").submit(json!({})).await.expect("a job");
    let saved = serde_json::to_string(&job).expect("JSON");
    assert_eq!(saved, r#"{"endpoint":"fal-ai/flux/dev","request_id":"R1"}"#);
    let job: Job<Value> = serde_json::from_str(&saved).expect("a job");
    let handle = server.client().resume(job);
    assert_eq!(handle.wait().await.expect("a result").data, json!({ "ok": 1 }));
    assert_eq!(handle.result().await.expect("a result").request_id, "R1");
}

#[tokio::test]
async fn queue_options_become_headers_and_parameters() {
    let server = server(&[submitted()]).await;
    let endpoint = server.client().endpoint("a/b");
    endpoint
        .submit(json!({}))
        .webhook("https://x.y/z?a=b&c=d")
        .priority(Priority::Low)
        .max_queue_length(3)
        .no_retry()
        .await
        .expect("a job");
    let seen = &server.seen()[0];
    assert_eq!(seen.target, "/queue/a/b?fal_webhook=https%3A%2F%2Fx.y%2Fz%3Fa%3Db%26c%3Dd&fal_max_queue_length=3");
    assert_eq!((seen.header("x-fal-queue-priority"), seen.header("x-fal-no-retry")), (Some("low"), Some("1")));
    endpoint.submit(json!({})).await.expect("a job");
    assert_eq!(server.seen()[1].header("x-fal-queue-priority"), None);
    let error = endpoint.submit(json!({})).webhook("x.y/z").await.expect_err("no URL");
    assert_eq!((error.kind(), server.seen().len()), (ErrorKind::InvalidInput, 2));
}

#[tokio::test]
async fn a_submission_is_repeated_only_where_it_did_not_arrive_or_was_refused() {
    for (first, bounded, tries) in [
        (Reply::dropped(), false, 1),
        (Reply::json(200, "{\"request_id\"").torn(), false, 1),
        (Reply::json(503, "nginx"), false, 1),
        (Reply::json(500, "{}"), false, 1),
        (Reply::json(504, "{}"), false, 1),
        (Reply::json(429, "{}"), false, 2),
        (Reply::json(429, "{}"), true, 1),
    ] {
        let server = server(&[("submit", vec![first.clone(), Reply::json(200, SUBMITTED)])]).await;
        let endpoint = server.client().endpoint("a/b");
        let mut call = endpoint.submit(json!({}));
        if bounded {
            call = call.max_queue_length(1);
        }
        let done = call.await;
        assert_eq!((server.seen().len(), done.is_ok()), (tries, tries == 2), "{first:?}");
    }
}

#[tokio::test]
async fn a_submission_without_an_id_is_an_error_with_the_body() {
    for body in ["{}", "[]", "nothing", r#"{"request_id":""}"#, r#"{"request_id":7}"#] {
        let server = server(&[("submit", vec![Reply::json(200, body)])]).await;
        let error = server.client().endpoint("a/b").submit(json!({})).await.expect_err(body);
        assert_eq!(
            (error.kind(), error.body().map(|kept| &kept[..])),
            (ErrorKind::UnexpectedResponse, Some(body.as_bytes()))
        );
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn reads_are_repeated_freely() {
    for (first, tries) in [
        (Reply::dropped(), 2),
        (Reply::json(200, "{").torn(), 2),
        (Reply::json(429, "{}"), 2),
        (Reply::json(502, "nginx"), 2),
        (Reply::json(503, "nginx"), 2),
        (Reply::json(504, "nginx"), 2),
        (Reply::json(404, r#"{"status":"NOT_FOUND"}"#), 1),
        (Reply::json(401, r#"{"detail":"no"}"#), 1),
    ] {
        for name in ["status", "result", "cancel"] {
            let last = Reply::json(200, COMPLETED);
            let server = server(&[(name, vec![first.clone(), last])]).await;
            let endpoint = server.client().endpoint("a/b");
            match name {
                "status" => drop(endpoint.status("R1").await),
                "result" => drop(endpoint.result("R1").await),
                _ => drop(endpoint.cancel("R1").await),
            }
            assert_eq!(server.seen().len(), tries, "{name}: {first:?}");
        }
    }
}

#[tokio::test]
async fn a_models_own_failure_is_not_repeated() {
    for status in [500, 502, 503, 504, 422] {
        let reply = Reply::json(status, r#"{"detail":"the model failed"}"#).header("x-fal-request-id", "R1");
        let server = server(&[("result", vec![reply])]).await;
        let error = server.client().endpoint("a/b").result("R1").await.expect_err("a failure");
        assert_eq!((server.seen().len(), error.request_id()), (1, Some("R1")), "{status}");
    }
}

#[tokio::test]
async fn a_failed_request_is_an_error_in_full() {
    let failed = r#"{"status":"COMPLETED","error":"Invalid status code: 422","error_type":"bad_request"}"#;
    let body = r#"{"detail":[{"loc":["body","prompt"],"msg":"no","type":"content_policy_violation"}]}"#;
    let script = [submitted(), ("stream", vec![Reply::events(&[failed])]), ("result", vec![Reply::json(422, body)])];
    let server = server(&script).await;
    let (_, outcome) = followed(&server).await;
    let error = outcome.expect_err("a failure");
    assert_eq!(error.error_type(), Some(&ErrorType::ContentPolicyViolation));
    assert_eq!((error.request_id(), error.endpoint()), (Some("R1"), Some("fal-ai/flux/dev")));
    assert_eq!(error.field_errors()[0].path(), "prompt");
}

#[tokio::test]
async fn a_cancelled_request_is_an_error_of_its_own() {
    let cancelled = r#"{"status":"COMPLETED","error":"cancelled","error_type":"client_cancelled"}"#;
    let reply = Reply::json(499, r#"{"detail":"Request was cancelled"}"#);
    let server = server(&[submitted(), ("stream", vec![Reply::events(&[cancelled])]), ("result", vec![reply])]).await;
    let error = followed(&server).await.1.expect_err("cancelled");
    assert!(error.is_cancelled() && !error.is_retryable(), "{error}");
}

#[tokio::test]
async fn cancelling_has_four_outcomes() {
    for (status, body, expected) in [
        (202, r#"{"status":"CANCELLATION_REQUESTED"}"#, Cancellation::Requested),
        (200, r#"{"status":"OK"}"#, Cancellation::Removed),
        (400, r#"{"status":"ALREADY_COMPLETED"}"#, Cancellation::AlreadyCompleted),
        (404, r#"{"status":"NOT_FOUND"}"#, Cancellation::NotFound),
        (202, r#"{"status":"LATER"}"#, Cancellation::Other("LATER".to_owned())),
        (200, r#"{"success":true}"#, Cancellation::Requested),
        (202, "", Cancellation::Requested),
    ] {
        let server = server(&[("cancel", vec![Reply::json(status, body)])]).await;
        assert_eq!(server.client().endpoint("a/b").cancel("R1").await.expect("an outcome"), expected);
    }
    for (status, body) in [(404, r#"{"detail":"Application not found"}"#), (401, r#"{"detail":"no"}"#), (400, "")] {
        let server = server(&[("cancel", vec![Reply::json(status, body)])]).await;
        let error = server.client().endpoint("a/b").cancel("R1").await.expect_err("an error");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
    }
}

#[tokio::test]
async fn a_timeout_asks_fal_to_cancel() {
    let cancel = ("cancel", vec![Reply::json(202, r#"{"status":"CANCELLATION_REQUESTED"}"#)]);
    let script =
        [submitted(), ("stream", vec![Reply::json(404, "{}")]), ("status", vec![Reply::json(202, QUEUED)]), cancel];
    let server = server(&script).await;
    let error = server
        .client()
        .endpoint("a/b")
        .subscribe(json!({}))
        .timeout(Duration::from_millis(500))
        .await
        .expect_err("late");
    assert!(error.is_timeout(), "{error}");
    assert_eq!((error.kind(), error.request_id()), (ErrorKind::Timeout, Some("R1")));
    assert_eq!(error.cancellation(), Some(&Cancellation::Requested));
    let last = server.lines().pop();
    assert_eq!(last.as_deref(), Some("PUT /queue/a/b/requests/R1/cancel"));
}

#[tokio::test]
async fn updates_are_a_stream_that_ends_with_the_result() {
    let stream = Reply::events(&[QUEUED, &completed("")]);
    let server = server(&[submitted(), ("stream", vec![stream]), result()]).await;
    let updates = server.client().endpoint("a/b").subscribe(json!({})).updates();
    let heard: Vec<String> = updates
        .map(|progress| match progress.expect("no error") {
            Progress::Enqueued(job) => job.request_id,
            Progress::Update(update) => format!("{}", update.is_completed()),
            Progress::Completed(response) => response.data.to_string(),
            _ => String::new(),
        })
        .collect()
        .await;
    assert_eq!(heard, ["R1", "false", "true", r#"{"ok":1}"#]);
}

#[tokio::test]
async fn a_stream_of_updates_ends_with_its_error() {
    let server = server(&[("submit", vec![Reply::json(403, r#"{"detail":"User is locked"}"#)])]).await;
    let updates: Vec<_> = server.client().endpoint("a/b").subscribe(json!({})).updates().collect().await;
    assert!(matches!(&updates[..], [Err(error)] if error.to_string().contains("User is locked")));
}

#[tokio::test]
async fn a_dropped_subscription_is_cancelled_if_that_is_wanted() {
    for wanted in [false, true] {
        let (told, cancelled) = tokio::sync::watch::channel(false);
        let server = Server::start(move |_, seen| match operation(seen) {
            "submit" => Reply::json(200, SUBMITTED),
            "cancel" => {
                told.send_replace(true);
                Reply::json(202, r#"{"status":"CANCELLATION_REQUESTED"}"#)
            }
            "stream" => Reply::json(404, "{}"),
            _ => Reply::json(202, QUEUED),
        })
        .await;
        let mut updates = server.client().endpoint("a/b").subscribe(json!({})).cancel_on_drop(wanted).updates();
        updates.next().await.expect("a job").expect("no error");
        drop(updates);
        if wanted {
            let mut cancelled = cancelled.clone();
            cancelled.wait_for(|cancelled| *cancelled).await.expect("a cancellation");
        } else {
            // Any task that the drop had started would run before this one is done.
            server.client().endpoint("a/b").status("R1").await.expect("a status");
            assert!(!*cancelled.borrow());
        }
    }
}

#[tokio::test]
async fn so_many_are_in_flight_and_no_more() {
    let most = Arc::new(Mutex::new((0_usize, 0_usize)));
    let count = Arc::clone(&most);
    let server = Server::start(move |_, seen| {
        let mut count = count.lock().expect("not poisoned");
        match operation(seen) {
            "submit" => {
                count.0 += 1;
                count.1 = count.1.max(count.0);
                Reply::json(200, SUBMITTED)
            }
            "stream" => Reply::events(&[COMPLETED]),
            _ => {
                count.0 -= 1;
                Reply::json(200, "{}")
            }
        }
    })
    .await;
    let client = server.builder().max_in_flight(2).build().expect("a client");
    let calls = (0..8).map(|_| client.endpoint("a/b").subscribe(json!({})).into_future());
    let done = futures_util::future::join_all(calls).await;
    assert!(done.iter().all(Result::is_ok));
    assert_eq!(*most.lock().expect("not poisoned"), (0, 2));
}

#[tokio::test]
async fn a_status_stream_ends_when_the_request_is_completed() {
    let script = [("stream", vec![Reply::events(&[QUEUED, &running("ab"), &completed("c"), QUEUED])])];
    let server = server(&script).await;
    let updates: Vec<_> = server.client().endpoint("a/b").status_stream("R1").logs(true).collect().await;
    let lines: Vec<usize> = updates.iter().map(|update| update.as_ref().expect("no error").logs().len()).collect();
    assert_eq!(lines, [0, 2, 1]);
    assert_eq!(server.lines(), ["GET /queue/a/b/requests/R1/status/stream?logs=1"]);

    let script = [("status", vec![Reply::json(404, r#"{"status":"NOT_FOUND"}"#)])];
    let server = self::server(&script).await;
    let updates: Vec<_> = server.client().endpoint("a/b").status_stream("R1").collect().await;
    assert!(matches!(&updates[..], [Err(error)] if error.request_id() == Some("R1")), "{updates:?}");
}

#[tokio::test]
async fn silence_is_a_broken_connection() {
    let all = Reply::json(200, &completed("abcdef"));
    for (name, stream, status) in [
        ("no head", vec![Reply::never()], vec![all.clone()]),
        ("no events", vec![Reply::events(&[]).stalled()], vec![all.clone()]),
        (
            "then another",
            vec![Reply::events(&[&running("abc")]).stalled(), Reply::events(&[&running("de"), &completed("f")])],
            vec![],
        ),
        (
            "a poll",
            vec![Reply::json(404, "{}")],
            vec![Reply::never(), Reply::json(200, "{\"sta").stalled(), all.clone()],
        ),
    ] {
        let server = server(&[submitted(), ("stream", stream), ("status", status), result()]).await;
        let moment = Duration::from_millis(200);
        let builder = server.builder().answer_timeout(moment).idle_timeout(moment).stream_idle_timeout(moment);
        let (heard, outcome) = followed_by(&builder.build().expect("a client")).await;
        assert_eq!((heard.as_str(), outcome.ok()), ("abcdef", Some(json!({ "ok": 1 }))), "{name}");
    }
}

#[tokio::test]
async fn a_submission_that_is_not_answered_in_time_is_not_repeated() {
    let server = server(&[("submit", vec![Reply::never()])]).await;
    let client = server.builder().answer_timeout(Duration::from_millis(30)).build().expect("a client");
    let error = client.endpoint("a/b").submit(json!({})).await.expect_err("late");
    assert!(error.is_timeout() && error.attempts().len() == 1, "{error:?}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn streams_that_tell_nothing_new_are_not_opened_for_ever() {
    let script = [
        submitted(),
        ("stream", vec![Reply::events(&[QUEUED])]),
        ("status", vec![Reply::json(202, QUEUED), Reply::json(200, COMPLETED)]),
        result(),
    ];
    let server = server(&script).await;
    let response = server.client().endpoint("a/b").subscribe(json!({})).await.expect("a result");
    assert_eq!(response.metrics.inference_time, Some(1.5));
    assert_eq!(server.lines().iter().filter(|line| line.contains("/status/stream")).count(), 3);
}

#[tokio::test]
async fn an_outage_is_waited_out_while_there_is_patience() {
    let down = || vec![Reply::dropped(); 20];
    let up = || [down(), vec![Reply::json(200, &completed("ab"))]].concat();
    let script = [submitted(), ("stream", vec![Reply::dropped()]), ("status", up()), result()];
    let server = server(&script).await;
    let (heard, outcome) = followed(&server).await;
    assert_eq!((heard.as_str(), outcome.ok()), ("ab", Some(json!({ "ok": 1 }))));

    let server = self::server(&script).await;
    let impatient = RetryPolicy::default().first_delay(Duration::from_millis(1)).patience(Duration::ZERO);
    let client = server.builder().retry(impatient).build().expect("a client");
    let error = followed_by(&client).await.1.expect_err("an outage");
    assert_eq!((error.kind(), error.request_id()), (ErrorKind::Transport, Some("R1")));
}

#[tokio::test]
async fn the_ends_of_streams_are_ends() {
    let server = server(&[submitted(), ("stream", vec![Reply::events(&[COMPLETED])]), result()]).await;
    let endpoint = server.client().endpoint("a/b");
    let mut updates = endpoint.subscribe(json!({})).updates();
    while updates.next().await.is_some() {}
    assert!(updates.next().await.is_none());
    let mut statuses = endpoint.status_stream("R1");
    while statuses.next().await.is_some() {}
    assert!(statuses.next().await.is_none());
}

#[tokio::test]
async fn a_request_that_is_waited_for_runs_on_when_the_time_has_passed() {
    let cancel = ("cancel", vec![Reply::json(400, r#"{"status":"ALREADY_COMPLETED"}"#)]);
    let script = [("stream", vec![Reply::json(404, "{}")]), ("status", vec![Reply::json(202, QUEUED)]), cancel];
    let server = server(&script).await;
    let endpoint = server.client().endpoint("a/b");
    let moment = Duration::from_millis(50);
    let error = endpoint.wait("R1").timeout(moment).await.expect_err("late");
    assert!(error.is_timeout() && error.cancellation().is_none());
    assert!(!server.lines().iter().any(|line| line.starts_with("PUT")));
    let error = endpoint.wait("R1").timeout(moment).cancel_on_timeout(true).await.expect_err("late");
    assert_eq!(error.cancellation(), Some(&Cancellation::AlreadyCompleted));
}

#[tokio::test]
async fn lines_of_a_request_that_waits_once_more_are_heard() {
    let again = json!({ "status": "IN_QUEUE", "queue_position": 0, "logs": lines("b") }).to_string();
    let stream = Reply::events(&[&running("a"), &again, &completed("c")]);
    let server = server(&[submitted(), ("stream", vec![stream]), result()]).await;
    assert_eq!(followed(&server).await.0, "abc");
}

#[tokio::test]
async fn the_queues_words_for_a_failure_are_not_lost() {
    let failed = r#"{"status":"COMPLETED","error":"Runner gone","error_type":"runner_disconnected"}"#;
    let server = server(&[
        submitted(),
        ("stream", vec![Reply::events(&[failed])]),
        ("result", vec![Reply::json(503, "").header("x-fal-request-id", "R1")]),
    ])
    .await;
    let error = followed(&server).await.1.expect_err("a failure");
    assert!(error.to_string().contains("503") && error.to_string().contains("Runner gone"), "{error}");
    assert_eq!(error.error_type(), Some(&ErrorType::RunnerDisconnected));
}

/// A request that was refused, or is not sent yet, is not sent after its caller has given it up.
#[tokio::test]
async fn what_is_given_up_between_two_tries_is_not_tried_again() {
    for timed in [false, true] {
        let (told, mut hears) = tokio::sync::watch::channel(false);
        let server = Server::start(move |_, _| {
            told.send_replace(true);
            Reply::json(429, "{}")
        })
        .await;
        let hour = Duration::from_secs(3600);
        let policy = RetryPolicy::default().first_delay(hour).max_delay(hour);
        let client = server.builder().retry(policy).max_in_flight(1).build().expect("a client");
        let endpoint = client.endpoint("a/b");
        let call = endpoint.subscribe(json!({})).cancel_on_drop(true);
        if timed {
            call.timeout(Duration::from_millis(300)).await.expect_err("out of time");
        } else {
            tokio::select! {
                _ = call.into_future() => unreachable!("it pauses for an hour"),
                _ = hears.wait_for(|told| *told) => {}
            }
        }
        // What would still be tried in the background would have the only turn.
        let moment = Duration::from_millis(300);
        endpoint.run(json!({})).timeout(moment).await.expect_err("busy");
        assert_eq!(server.lines(), ["POST /queue/a/b", "POST /run/a/b"]);
    }
}

#[tokio::test]
async fn a_start_that_came_too_late_is_final() {
    let late = Reply::json(504, r#"{"detail":"late"}"#).header("x-fal-request-timeout-type", "user");
    let other = Reply::json(504, "nginx").header("x-fal-request-timeout-type", "infrastructure");
    let gateway = Reply::json(502, "nginx").header("x-fal-request-timeout-type", "user");
    for (first, tries) in [(late, 1), (other, 2), (gateway, 2)] {
        for name in ["status", "result", "cancel"] {
            let server = server(&[(name, vec![first.clone(), Reply::json(200, COMPLETED)])]).await;
            let endpoint = server.client().endpoint("a/b");
            let error = match name {
                "status" => endpoint.status("R1").await.map(drop).err(),
                "result" => endpoint.result("R1").await.map(drop).err(),
                _ => endpoint.cancel("R1").await.map(drop).err(),
            };
            assert_eq!((server.seen().len(), error.is_some()), (tries, tries == 1), "{name}: {first:?}");
            assert!(error.is_none_or(|error| error.is_start_timeout() && !error.is_retryable()));
        }
    }
}

#[tokio::test]
async fn the_result_of_a_completed_request_is_asked_for_while_there_is_patience() {
    let down = [Reply::dropped(), Reply::json(503, "nginx"), Reply::json(200, "{").torn(), Reply::json(429, "{}")];
    let results = [down.iter().cycle().take(20).cloned().collect(), vec![Reply::json(200, r#"{"ok":1}"#)]].concat();
    let script = [submitted(), ("stream", vec![Reply::events(&[COMPLETED])]), ("result", results)];
    let server = server(&script).await;
    assert_eq!(followed(&server).await.1.ok(), Some(json!({ "ok": 1 })));

    let impatient = RetryPolicy::default().first_delay(Duration::from_millis(1)).patience(Duration::ZERO);
    let server = self::server(&script).await;
    let client = server.builder().retry(impatient).build().expect("a client");
    let error = followed_by(&client).await.1.expect_err("an outage");
    assert_eq!((error.request_id(), error.attempts().len(), server.seen().len()), (Some("R1"), 5, 7));

    // A failure that the queue has told of is not waited out.
    let failed = r#"{"status":"COMPLETED","error":"gone","error_type":"runner_disconnected"}"#;
    let script = [
        submitted(),
        ("stream", vec![Reply::events(&[failed])]),
        ("result", vec![Reply::json(503, r#"{"detail":"x"}"#)]),
    ];
    let server = self::server(&script).await;
    let error = followed(&server).await.1.expect_err("a failure");
    assert_eq!((error.error_type(), server.seen().len()), (Some(&ErrorType::RunnerDisconnected), 7));
}

#[tokio::test]
async fn updates_may_be_left_and_come_back_to_at_any_point() {
    let stream = Reply::events(&[QUEUED, &running("ab"), &completed("c")]);
    let server = server(&[submitted(), ("stream", vec![stream]), result()]).await;
    let mut updates = server.client().endpoint("a/b").subscribe(json!({})).logs(true).cancel_on_drop(true).updates();
    let mut heard = Vec::new();
    loop {
        // Each time the other branch wins, the question for the next update is dropped.
        tokio::select! {
            progress = updates.next() => match progress {
                None => break,
                Some(progress) => heard.push(match progress.expect("no error") {
                    Progress::Enqueued(_) => "enqueued".to_owned(),
                    Progress::Update(update) => update.logs().iter().map(|line| line.message.as_str()).collect(),
                    _ => "completed".to_owned(),
                }),
            },
            () = tokio::task::yield_now() => {}
        }
    }
    drop(updates);
    assert_eq!(heard, ["enqueued", "", "ab", "c", "completed"]);
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn however_a_call_ends_it_gives_its_turn_back() {
    let script = [
        ("submit", vec![Reply::json(403, "{}"), Reply::json(200, "{}"), Reply::json(200, SUBMITTED)]),
        ("stream", vec![Reply::json(404, "{}")]),
        ("status", vec![Reply::json(404, "{}"), Reply::json(202, QUEUED)]),
    ];
    let server = server(&script).await;
    let client = server.builder().max_in_flight(1).build().expect("a client");
    let endpoint = client.endpoint("a/b");
    let moment = Duration::from_millis(100);

    endpoint.subscribe(json!({})).await.expect_err("refused");
    endpoint.submit(json!({})).await.expect_err("no id");
    endpoint.subscribe(json!({})).await.expect_err("not found");
    endpoint.submit(json!({})).await.expect("a job");
    endpoint.subscribe(json!({})).timeout(moment).await.expect_err("out of time");
    // Dropped while it is followed, with one that waits for its turn meanwhile.
    let mut updates = endpoint.subscribe(json!({})).updates();
    updates.next().await.expect("a job").expect("no error");
    let sent = server.seen().len();
    endpoint.submit(json!({})).timeout(moment).await.expect_err("its turn does not come");
    let paid = server.lines()[sent..].iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(paid, 0, "what waits for its turn is not sent");
    drop(updates);
    endpoint.submit(json!({})).await.expect("a job");
}

#[tokio::test]
async fn of_an_option_and_a_header_the_last_counts() {
    let server = server(&[submitted()]).await;
    let endpoint = server.client().endpoint("a/b");
    let (name, minute) = ("X-Fal-Request-Start-Timeout", Duration::from_secs(60));
    endpoint.submit(json!({})).header(name, "10").header("x-a", "b").start_timeout(minute).await.expect("a job");
    endpoint.submit(json!({})).start_timeout(minute).header(name, "10").await.expect("a job");
    endpoint.submit(json!({})).tags([("a", "b")]).tags([("c", "d")]).await.expect("a job");
    endpoint.submit(json!({})).tags([("a", "b")]).tags(Vec::<(String, String)>::new()).await.expect("a job");
    let seen = server.seen();
    let of = |number: usize, name: &str| seen[number].header(name).map(str::to_owned);
    assert_eq!((of(0, "x-fal-request-start-timeout").as_deref(), of(0, "x-a").as_deref()), (Some("60"), Some("b")));
    assert_eq!(of(1, "x-fal-request-start-timeout").as_deref(), Some("10"));
    assert_eq!((of(2, "x-fal-tags").as_deref(), of(3, "x-fal-tags")), (Some("c=d"), None));
}

/// The call is dropped while fal is asked to cancel what is out of time: then it is asked once more.
#[tokio::test]
async fn a_call_that_is_dropped_while_it_cancels_still_cancels() {
    let (told, mut hears) = tokio::sync::watch::channel(0);
    let server = Server::start(move |_, seen| match operation(seen) {
        "submit" => Reply::json(200, SUBMITTED),
        "cancel" => {
            told.send_modify(|count| *count += 1);
            Reply::never()
        }
        "stream" => Reply::json(404, "{}"),
        _ => Reply::json(202, QUEUED),
    })
    .await;
    let call = server.client().endpoint("a/b").subscribe(json!({})).timeout(Duration::from_millis(300));
    tokio::select! {
        _ = call.cancel_on_drop(true).into_future() => unreachable!("nobody answers"),
        _ = hears.wait_for(|count| *count == 1) => {}
    }
    hears.wait_for(|count| *count == 2).await.expect("a second wish");
}
