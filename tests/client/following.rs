//! Following a request to its result: streams, polling, logs, outages.

use std::time::Duration;

use fal_client::{ErrorKind, ErrorType, JobEvent, RetryPolicy};
use futures_util::StreamExt;
use serde_json::json;

use crate::support::queue::{
    COMPLETED, QUEUED, completed, followed, followed_by, lines, result, running, server, skip, submitted,
};
use crate::support::server::Reply;
use crate::support::time::settle;

#[tokio::test]
async fn every_log_line_arrives_once_when_streams_and_polls_break() {
    let torn = |events: &[&str]| Reply::events(events).torn();
    let all = Reply::json(200, &completed("abcdef"));
    for (name, stream, status) in [
        // A second stream continues the first or starts over.
        ("continues", vec![torn(&[&running("abc")]), Reply::events(&[&running("de"), &completed("f")])], vec![]),
        ("starts over", vec![torn(&[&running("abc")]), Reply::events(&[&running("abcd"), &completed("ef")])], vec![]),
        ("ends early", vec![Reply::events(&[&running("abc")]), Reply::events(&[&completed("abcdef")])], vec![]),
        (
            "breaks within an event",
            vec![torn(&[&running("ab"), "{\"status\""]), Reply::events(&[&completed("cdef")])],
            vec![],
        ),
        // Without a stream, the status is polled.
        ("405", vec![Reply::json(405, "{}")], vec![Reply::json(202, &running("abc")), all.clone()]),
        ("404", vec![Reply::json(404, "{}")], vec![Reply::json(202, &running("")), all.clone()]),
        ("500", vec![Reply::json(500, "{}")], vec![all.clone()]),
        ("dropped", vec![Reply::dropped()], vec![Reply::json(202, QUEUED), all.clone()]),
        ("breaks, then 404", vec![torn(&[&running("abc")]), Reply::json(404, "{}")], vec![all.clone()]),
        ("breaks before an event", vec![torn(&[])], vec![all.clone()]),
        ("no events", vec![Reply::text(200, "text/event-stream", ": ping\n\n")], vec![all.clone()]),
        ("not a stream", vec![Reply::text(200, "text/html", "<p>hello")], vec![all.clone()]),
        // Polls break as well.
        (
            "poll breaks",
            vec![Reply::json(404, "{}")],
            vec![Reply::json(202, &running("ab")), Reply::dropped(), Reply::json(503, "nginx"), all.clone()],
        ),
    ] {
        let server = server(&[submitted(), ("stream", stream), ("status", status), result()]).await;
        let (messages, outcome) = followed(&server).await;
        assert_eq!((messages.as_str(), outcome.ok()), ("abcdef", Some(json!({ "ok": 1 }))), "{name}");
        assert_eq!(server.lines().iter().filter(|line| line.starts_with("POST")).count(), 1, "{name}");
    }
}

#[tokio::test]
async fn updates_end_with_the_result() {
    let stream = Reply::events(&[QUEUED, &completed("")]);
    let server = server(&[submitted(), ("stream", vec![stream]), result()]).await;
    let updates = server.client().endpoint("a/b").subscribe(json!({})).updates();
    let messages: Vec<String> = updates
        .map(|progress| match progress.expect("no error") {
            JobEvent::Enqueued(job) => job.request_id,
            JobEvent::Update(update) => format!("{}", update.is_completed()),
            JobEvent::Completed(response) => response.data.to_string(),
            _ => String::new(),
        })
        .collect()
        .await;
    assert_eq!(messages, ["R1", "false", "true", r#"{"ok":1}"#]);
}

#[tokio::test]
async fn updates_end_with_the_error_of_a_failed_submission() {
    let server = server(&[("submit", vec![Reply::json(403, r#"{"detail":"User is locked"}"#)])]).await;
    let updates: Vec<_> = server.client().endpoint("a/b").subscribe(json!({})).updates().collect().await;
    assert!(matches!(&updates[..], [Err(error)] if error.to_string().contains("User is locked")));
}

#[tokio::test]
async fn a_status_stream_ends_with_completion_or_an_error() {
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
async fn silence_counts_as_a_broken_connection() {
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
        let limit = Duration::from_secs(30);
        let builder = server.builder().response_timeout(limit).idle_timeout(limit).status_idle_timeout(limit);
        let client = builder.build().expect("a client");
        let silences = async {
            for count in 1.. {
                server.held_times(count).await;
                settle().await;
                skip(limit).await;
            }
        };
        let (messages, outcome) = tokio::select! {
            followed = followed_by(&client) => followed,
            () = silences => unreachable!("it never ends"),
        };
        assert_eq!((messages.as_str(), outcome.ok()), ("abcdef", Some(json!({ "ok": 1 }))), "{name}");
    }
}

#[tokio::test]
async fn repeated_streams_without_news_give_way_to_polling() {
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
async fn an_outage_is_waited_out_within_the_patience() {
    let down = || vec![Reply::dropped(); 20];
    let up = || [down(), vec![Reply::json(200, &completed("ab"))]].concat();
    let script = [submitted(), ("stream", vec![Reply::dropped()]), ("status", up()), result()];
    let server = server(&script).await;
    let (messages, outcome) = followed(&server).await;
    assert_eq!((messages.as_str(), outcome.ok()), ("ab", Some(json!({ "ok": 1 }))));

    let server = self::server(&script).await;
    let impatient = RetryPolicy::default().first_delay(Duration::from_millis(1)).patience(Duration::ZERO);
    let client = server.builder().retry(impatient).build().expect("a client");
    let error = followed_by(&client).await.1.expect_err("an outage");
    assert_eq!((error.kind(), error.request_id()), (ErrorKind::Transport, Some("R1")));
}

#[tokio::test]
async fn finished_streams_stay_finished() {
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
async fn log_lines_of_a_requeued_request_arrive() {
    let again = json!({ "status": "IN_QUEUE", "queue_position": 0, "logs": lines("b") }).to_string();
    let stream = Reply::events(&[&running("a"), &again, &completed("c")]);
    let server = server(&[submitted(), ("stream", vec![stream]), result()]).await;
    assert_eq!(followed(&server).await.0, "abc");
}

#[tokio::test]
async fn the_queues_error_is_kept_when_the_result_has_no_body() {
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

#[tokio::test]
async fn the_result_of_a_completed_request_is_retried_within_the_patience() {
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
}

#[tokio::test]
async fn dropping_the_future_of_the_next_update_loses_nothing() {
    let stream = Reply::events(&[QUEUED, &running("ab"), &completed("c")]);
    let server = server(&[submitted(), ("stream", vec![stream]), result()]).await;
    let mut updates = server.client().endpoint("a/b").subscribe(json!({})).logs(true).cancel_on_drop(true).updates();
    let mut messages = Vec::new();
    loop {
        // When the other branch wins, the future of the next update is dropped.
        tokio::select! {
            progress = updates.next() => match progress {
                None => break,
                Some(progress) => messages.push(match progress.expect("no error") {
                    JobEvent::Enqueued(_) => "enqueued".to_owned(),
                    JobEvent::Update(update) => update.logs().iter().map(|line| line.message.as_str()).collect(),
                    _ => "completed".to_owned(),
                }),
            },
            () = tokio::task::yield_now() => {}
        }
    }
    drop(updates);
    assert_eq!(messages, ["enqueued", "", "ab", "c", "completed"]);
    assert_eq!(server.seen().len(), 3);
}
