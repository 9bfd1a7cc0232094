//! Delays between attempts: `Retry-After` is honoured, and never removes the delay.

use std::time::Duration;

use fal_client::{Error, RetryPolicy};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::queue::{COMPLETED, operation, server, submitted};
use crate::support::server::Reply;

/// Returns the number of requests about `faulty` in one second, all of which fail with `reply`.
async fn requests_in_a_second(faulty: &'static str, reply: Reply) -> (usize, Result<Value, Error>) {
    let script = match faulty {
        "status" => vec![submitted(), ("stream", vec![Reply::json(404, "{}")]), ("status", vec![reply])],
        _ => vec![submitted(), ("stream", vec![Reply::events(&[COMPLETED])]), ("result", vec![reply])],
    };
    let server = server(&script).await;
    let retry = RetryPolicy::default().first_delay(Duration::from_millis(5));
    let client = server.builder().retry(retry).build().expect("a client");
    let call = client.endpoint("a/b").subscribe(json!({})).timeout(Duration::from_secs(1)).cancel_on_timeout(false);
    let outcome = call.await.map(|response| response.data);
    (server.seen().iter().filter(|seen| operation(seen) == faulty).count(), outcome)
}

#[tokio::test]
async fn no_retry_after_leads_to_a_burst_of_requests() {
    let mut checks = Vec::new();
    for status in [429, 503] {
        for value in ["0", "00", "Wed, 21 Oct 2015 07:28:00 GMT", "-5", "0.001", "soon", ""] {
            for faulty in ["status", "result"] {
                let reply = Reply::json(status, "{}").header("retry-after", value);
                checks.push(async move {
                    let (requests, outcome) = requests_in_a_second(faulty, reply).await;
                    assert!(outcome.expect_err("busy").is_timeout(), "{status} {value} {faulty}");
                    assert!((2..60).contains(&requests), "{status} {value} {faulty}: {requests} requests");
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
            let (requests, outcome) = requests_in_a_second(faulty, reply.clone()).await;
            assert!(outcome.expect_err("busy").is_timeout(), "{faulty} {reply:?}");
            assert_eq!(requests, 1, "{faulty} {reply:?}");
        }
    }
}

#[tokio::test]
async fn a_delay_beyond_the_patience_ends_the_call() {
    for value in ["301", "86400", "18446744073709551615", "Fri, 31 Dec 9999 23:59:59 GMT"] {
        for faulty in ["status", "result"] {
            let (requests, outcome) =
                requests_in_a_second(faulty, Reply::json(503, "").header("retry-after", value)).await;
            let error = outcome.expect_err("busy");
            assert_eq!((requests, error.status().map(|status| status.as_u16())), (1, Some(503)), "{value} {error}");
            assert_eq!(error.request_id(), Some("R1"));
        }
    }
}
