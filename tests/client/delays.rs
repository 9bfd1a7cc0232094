//! Delays between attempts: `Retry-After` is honoured, and never removes the delay.

use std::time::Duration;

use fal_client::{JsonInput, RetryPolicy, Subscribe};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::queue::{COMPLETED, count_of, followed, received, server, skip, submitted};
use crate::support::server::{Reply, Server};
use crate::support::time::{passing, settle};

const SECOND: Duration = Duration::from_secs(1);

fn output() -> Reply {
    Reply::json(200, r#"{"ok":1}"#)
}

/// Starts a server on which all requests about `faulty` fail with `reply`, and returns it with a subscription.
async fn failing(faulty: &'static str, reply: Reply) -> (Server, Subscribe<'static, JsonInput, Value>) {
    let script = match faulty {
        "status" => vec![submitted(), ("stream", vec![Reply::json(404, "{}")]), ("status", vec![reply])],
        _ => vec![submitted(), ("stream", vec![Reply::events(&[COMPLETED])]), ("result", vec![reply])],
    };
    let server = server(&script).await;
    let retry = RetryPolicy::default().first_delay(Duration::from_millis(5));
    let client = server.builder().retry(retry).build().expect("a client");
    let call = client.endpoint("a/b").subscribe(json!({})).cancel_on_timeout(false);
    (server, call)
}

#[tokio::test]
async fn no_retry_after_leads_to_a_burst_of_requests() {
    let mut checks = Vec::new();
    for status in [429, 503] {
        for value in ["0", "00", "Wed, 21 Oct 2015 07:28:00 GMT", "-5", "0.001", "soon", ""] {
            for faulty in ["status", "result"] {
                let reply = Reply::json(status, "{}").header("retry-after", value);
                checks.push(async move {
                    let (server, call) = failing(faulty, reply).await;
                    let start = Instant::now();
                    let retried = async {
                        tokio::time::sleep(SECOND).await;
                        received(&server, faulty, 2).await;
                    };
                    tokio::select! {
                        biased;
                        outcome = call.send() => panic!("{status} {value} {faulty}: {outcome:?}"),
                        () = retried => {}
                    }
                    let (requests, seconds) = (count_of(&server, faulty), start.elapsed().as_secs_f64());
                    assert!((requests as f64) < 60.0 * seconds, "{status} {value} {faulty}: {requests} in {seconds} s");
                });
            }
        }
    }
    join_all(checks).await;
}

#[tokio::test]
async fn a_delay_within_the_patience_is_kept_while_following_and_fetching() {
    let (now, later) = ("Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:31:20 GMT");
    for faulty in ["status", "result"] {
        for reply in [
            Reply::json(429, "{}").header("retry-after", "200"),
            Reply::json(503, "").header("retry-after", "125"),
            // The local clock does not matter.
            Reply::json(503, "").header("retry-after", later).header("date", now),
            Reply::json(429, "{}").header("retry-after", "1").header("retry-after", "200"),
        ] {
            let (server, call) = failing(faulty, reply.clone()).await;
            // The time limit of the call is shorter than the delay.
            let error = passing(100 * SECOND, received(&server, faulty, 1), call.timeout(100 * SECOND)).await;
            assert!(error.expect_err("busy").is_timeout(), "{faulty} {reply:?}");
            assert_eq!(count_of(&server, faulty), 1, "{faulty} {reply:?}");
        }
    }
}

#[tokio::test]
async fn no_request_is_sent_before_a_requested_delay_has_passed() {
    let busy = |status| Reply::json(status, r#"{"detail":"slow down"}"#).header("retry-after", "200");
    let done = || Reply::json(200, COMPLETED);
    for (name, stream, status, results) in [
        ("status", Reply::json(404, "{}"), vec![busy(429), done()], vec![output()]),
        ("status", Reply::json(404, "{}"), vec![busy(503), done()], vec![output()]),
        ("result", Reply::json(404, "{}"), vec![done()], vec![busy(429), output()]),
        ("result", Reply::events(&[COMPLETED]), vec![], vec![busy(503), output()]),
        ("stream", busy(429), vec![done()], vec![output()]),
        ("stream", busy(503), vec![done()], vec![output()]),
    ] {
        let script = [submitted(), ("stream", vec![stream]), ("status", status), ("result", results)];
        let server = server(&script).await;
        let client = server.client();
        let time = async {
            received(&server, name, 1).await;
            settle().await;
            let sent = server.seen().len();
            skip(Duration::from_secs(199)).await;
            settle().await;
            assert_eq!(server.seen().len(), sent, "{name}");
            skip(Duration::from_secs(2)).await;
        };
        let (done, ()) = tokio::join!(client.endpoint("a/b").subscribe(json!({})).send(), time);
        assert_eq!(done.expect(name).data, json!({ "ok": 1 }));
    }
}

#[tokio::test]
async fn a_delay_beyond_the_patience_ends_the_call() {
    for value in ["301", "86400", "18446744073709551615", "Fri, 31 Dec 9999 23:59:59 GMT"] {
        for status in [429, 503] {
            for faulty in ["status", "result"] {
                let reply = Reply::json(status, r#"{"detail":"slow down"}"#).header("retry-after", value);
                let (server, call) = failing(faulty, reply).await;
                let error = call.await.expect_err("busy");
                assert_eq!(
                    (count_of(&server, faulty), error.status().map(|found| found.as_u16())),
                    (1, Some(status)),
                    "{value} {error}"
                );
                assert!(error.to_string().contains("patience"), "{error}");
                assert!(value != "301" || error.to_string().contains("301"), "{error}");
                assert_eq!(error.request_id(), Some("R1"));
            }
        }
    }
}

/// The poll decides.
#[tokio::test]
async fn a_delay_of_a_stream_beyond_the_patience_is_not_waited_for() {
    let busy = Reply::json(429, r#"{"detail":"slow down"}"#).header("retry-after", "301");
    let script = [
        submitted(),
        ("stream", vec![busy]),
        ("status", vec![Reply::json(200, COMPLETED)]),
        ("result", vec![output()]),
    ];
    assert_eq!(followed(&server(&script).await).await.1.ok(), Some(json!({ "ok": 1 })));
}
