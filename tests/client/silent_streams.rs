//! Status streams that are open but silent, because a proxy holds events back, and streams that are refused.

use std::time::Duration;

use fal_client::{ErrorKind, JobEvent, QueueUpdate};
use futures_util::StreamExt;
use serde_json::json;

use crate::support::queue::{
    COMPLETED, QUEUED, completed, count_of, received, result, running, server, skip, submitted,
};
use crate::support::server::Reply;

const SECOND: Duration = Duration::from_secs(1);

fn open_stream(events: &[&str]) -> Reply {
    Reply::events(events).unannounced().silent()
}

#[tokio::test]
async fn a_stream_without_a_status_is_polled_after_three_seconds_and_then_avoided() {
    let pings = Reply::text(200, "text/event-stream", ": ping\n\n: ping\n\n").unannounced().silent();
    let half = Reply::text(200, "text/event-stream", "data: {\"status\":\"COMPLETED\"}\n").unannounced().silent();
    for (name, stream) in [
        ("silence", open_stream(&[])),
        ("comments", pings),
        ("half an event", half),
        ("unreadable events", open_stream(&["<html>", "{}", "null"])),
        ("no head", Reply::never()),
        ("a silent page", Reply::text(200, "text/html", "").unannounced().silent()),
    ] {
        let status = vec![Reply::json(202, QUEUED), Reply::json(200, COMPLETED)];
        let server = server(&[submitted(), ("stream", vec![stream]), ("status", status), result()]).await;
        let client = server.client();
        let endpoint = client.endpoint("a/b");
        let silence = async {
            received(&server, "stream", 1).await;
            assert_eq!(count_of(&server, "status"), 0, "{name}");
            skip(3 * SECOND).await;
        };
        let (done, ()) = tokio::join!(endpoint.subscribe(json!({})).send(), silence);
        assert_eq!(done.expect(name).data, json!({ "ok": 1 }), "{name}");
        assert_eq!((count_of(&server, "status"), count_of(&server, "stream")), (2, 1), "{name}");

        // The client remembers it for later requests, and tries a stream again after some minutes.
        endpoint.subscribe(json!({})).await.expect(name);
        assert_eq!((count_of(&server, "status"), count_of(&server, "stream")), (3, 1), "{name}");
        skip(301 * SECOND).await;
        let silence = async {
            received(&server, "stream", 2).await;
            skip(3 * SECOND).await;
        };
        tokio::join!(endpoint.subscribe(json!({})).send(), silence).0.expect(name);
    }
}

#[tokio::test]
async fn a_silent_stream_among_others_does_not_end_the_use_of_streams() {
    for silent in [open_stream(&[]), Reply::never()] {
        let streams = vec![silent, Reply::events(&[COMPLETED])];
        let status = vec![Reply::json(200, COMPLETED)];
        let server = server(&[submitted(), ("stream", streams), ("status", status), result()]).await;
        let client = server.client();
        let call = || client.endpoint("a/b").subscribe(json!({})).send();
        let other = async {
            received(&server, "stream", 1).await;
            call().await.expect("a result");
            skip(3 * SECOND).await;
        };
        let (first, ()) = tokio::join!(call(), other);
        first.expect("a result");
        call().await.expect("a result");
        assert_eq!((count_of(&server, "stream"), count_of(&server, "status")), (3, 1));
    }
}

#[tokio::test]
async fn a_status_that_a_stream_holds_back_is_polled_after_fifteen_seconds() {
    for (first, polled) in [
        (running("a"), completed("ab")),
        (QUEUED.to_owned(), completed("ab")),
        (QUEUED.to_owned(), running("ab")),
        (running("a"), running("ab")),
    ] {
        let stream = open_stream(&[&first]);
        let status = vec![Reply::json(200, &polled), Reply::json(200, &completed("ab"))];
        let server = server(&[submitted(), ("stream", vec![stream]), ("status", status), result()]).await;
        let mut updates = server.client().endpoint("a/b").subscribe(json!({})).logs(true).updates();
        let mut messages = String::new();
        for _ in ["the job", "the first status"] {
            if let JobEvent::Update(update) = updates.next().await.expect("an event").expect("no error") {
                update.logs().iter().for_each(|line| messages.push_str(&line.message));
            }
        }
        let (mut event, ()) = tokio::join!(updates.next(), skip(15 * SECOND));
        while let Some(Ok(JobEvent::Update(update))) = event {
            update.logs().iter().for_each(|line| messages.push_str(&line.message));
            event = updates.next().await;
        }
        assert!(matches!(event, Some(Ok(JobEvent::Completed(_)))), "{event:?}");
        assert_eq!((messages.as_str(), count_of(&server, "stream")), ("ab", 1));
        // One late status does not mean that streams are useless.
        server.client().endpoint("a/b").status_stream("R1").next().await.expect("an update").expect("no error");
        assert_eq!(count_of(&server, "stream"), 2);
    }
}

#[tokio::test]
async fn a_stream_that_only_repeats_itself_is_polled_after_fifteen_seconds() {
    for repeated in [QUEUED, r#"{"status":"IN_PROGRESS","logs":[]}"#] {
        let stream = Reply::events(&[repeated, repeated]).repeated();
        let status = vec![Reply::json(200, COMPLETED)];
        let server = server(&[submitted(), ("stream", vec![stream]), ("status", status), result()]).await;
        let time = async {
            received(&server, "stream", 1).await;
            for _ in 0..30 {
                for _ in 0..200 {
                    tokio::task::yield_now().await;
                }
                skip(SECOND).await;
            }
        };
        let (done, ()) = tokio::join!(server.client().endpoint("a/b").subscribe(json!({})).send(), time);
        assert_eq!(done.expect("a result").data, json!({ "ok": 1 }));
        assert_eq!((count_of(&server, "stream"), count_of(&server, "status")), (1, 1), "{repeated}");
    }
}

#[tokio::test]
async fn a_failed_poll_does_not_end_a_stream_that_works() {
    for refusal in [Reply::json(403, r#"{"detail":"path not allowed"}"#), Reply::json(404, "{}"), Reply::dropped()] {
        let server = server(&[
            submitted(),
            ("stream", vec![open_stream(&[QUEUED])]),
            ("status", vec![refusal, Reply::json(200, COMPLETED)]),
            result(),
        ])
        .await;
        let mut updates = server.client().endpoint("a/b").wait("R1").updates();
        assert!(matches!(updates.next().await, Some(Ok(JobEvent::Update(QueueUpdate::InQueue { .. })))));
        let rest = async {
            skip(15 * SECOND).await;
            received(&server, "status", 1).await;
            while count_of(&server, "status") < 2 {
                skip(30 * SECOND).await;
                tokio::task::yield_now().await;
            }
        };
        let (event, ()) = tokio::join!(updates.next(), rest);
        assert!(event.is_some_and(|event| event.is_ok()));
    }
}

#[tokio::test]
async fn a_healthy_stream_needs_no_poll() {
    let stream = Reply::events(&[QUEUED, &running("a"), &completed("b")]);
    let server = server(&[submitted(), ("stream", vec![stream]), result()]).await;
    server.client().endpoint("a/b").subscribe(json!({})).await.expect("a result");
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn the_refusal_of_a_stream_is_not_the_refusal_of_its_request() {
    for status in [400, 401, 403, 404, 405, 406, 410, 415, 451, 500, 501, 302, 307] {
        let refusal = Reply::json(status, r#"{"detail":"path not allowed"}"#).header("location", "https://x.y/");
        let polled = vec![Reply::json(202, QUEUED), Reply::json(200, COMPLETED)];
        let server = server(&[submitted(), ("stream", vec![refusal]), ("status", polled), result()]).await;
        let done = server.client().endpoint("a/b").subscribe(json!({})).await;
        assert_eq!(done.expect("a result").data, json!({ "ok": 1 }), "{status}");
    }
    // A poll says whether the key is good.
    for status in [401, 403] {
        let refusal = Reply::json(status, r#"{"detail":"no access"}"#);
        let script = [submitted(), ("stream", vec![refusal.clone()]), ("status", vec![refusal])];
        let server = server(&script).await;
        let error = server.client().endpoint("a/b").subscribe(json!({})).await.expect_err("no access");
        assert_eq!((error.kind(), error.request_id()), (ErrorKind::Service, Some("R1")));
        assert_eq!((error.status().map(|status| status.as_u16()), count_of(&server, "status")), (Some(status), 1));
    }
}
