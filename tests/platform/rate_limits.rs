//! Rate limits at each call.

use std::time::Duration;

use fal_client::platform::Platform;
use fal_client::{Error, RetryPolicy};
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::{StreamExt, TryStreamExt};
use tokio::time::Instant;

use crate::server::{Reply, Server};
use crate::support::error;

type Call = fn(Platform) -> BoxFuture<'static, Result<(), Error>>;

/// A response to each call.
const RESPONSE: &str = r#"{ "openapi": "3.0.4", "models": [{ "endpoint_id": "o/a" }], "prices": [], "time_series": [], "billing_events": [],
    "items": [], "results": [], "total_cost": 1, "username": "ann", "is_locked": false, "webhook_ip_ranges": ["192.0.2.0/24"] }"#;

fn calls() -> [(&'static str, Call); 12] {
    [
        ("models", |platform| {
            async move { platform.models().stream().try_collect::<Vec<_>>().await.map(drop) }.boxed()
        }),
        ("model", |platform| async move { platform.model("o/a").await.map(drop) }.boxed()),
        ("document", |platform| async move { platform.document("o/a").await.map(drop) }.boxed()),
        ("prices", |platform| async move { platform.prices(["o/a"]).await.map(drop) }.boxed()),
        ("estimate", |platform| async move { platform.cost_of_calls([("o/a", 1)]).await.map(drop) }.boxed()),
        ("usage", |platform| async move { platform.usage().page().await.map(drop) }.boxed()),
        ("billing events", |platform| async move { platform.billing_events().page().await.map(drop) }.boxed()),
        ("requests", |platform| {
            async move { platform.requests(["o/a"]).stream().next().await.transpose().map(drop) }.boxed()
        }),
        ("search", |platform| async move { platform.search_requests().query("fox").page().await.map(drop) }.boxed()),
        ("deletion", |platform| async move { platform.delete_payloads("r-1").await.map(drop) }.boxed()),
        ("account", |platform| async move { platform.account().await.map(drop) }.boxed()),
        ("lock", |platform| async move { platform.lock_state().await.map(drop) }.boxed()),
    ]
}

/// Calls a server whose first responses are 429. Returns the result, the number of requests and the elapsed time.
async fn limited(call: Call, count: usize, retry_after: Option<&'static str>) -> (Result<(), Error>, usize, Duration) {
    let server = Server::start(move |index, _| match (index < count, retry_after) {
        (false, _) => Reply::json(200, RESPONSE),
        (true, None) => Reply::json(429, &error("rate_limited", "slow down")),
        (true, Some(delay)) => Reply::json(429, &error("rate_limited", "slow down")).header("retry-after", delay),
    })
    .await;
    let builder = server.builder().api_host(server.base()).site_host(server.base()).retry(RetryPolicy::default());
    let platform = builder.build().expect("a client").platform();
    let started = Instant::now();
    let result = call(platform).await;
    (result, server.seen().len(), started.elapsed())
}

#[tokio::test(start_paused = true)]
async fn each_call_waits_rate_limits_out() {
    for (name, call) in calls() {
        for (retry_after, min) in [(None, 1), (Some("20"), 40), (Some("0"), 0)] {
            let (result, requests, elapsed) = limited(call, 2, retry_after).await;
            assert!(result.is_ok() && requests == 3, "{name}, {retry_after:?}: {result:?}");
            assert!(elapsed >= Duration::from_secs(min), "{name}, {retry_after:?}: {elapsed:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_that_lasts_is_an_error() {
    for (name, call) in calls() {
        for (retry_after, attempts) in [(None, 5), (Some("3600"), 1)] {
            let (result, requests, _) = limited(call, usize::MAX, retry_after).await;
            let error = result.expect_err("rate limited");
            assert!(error.is_rate_limited() && error.is_retryable() && requests == attempts, "{name}: {error:?}");
        }
    }
}
