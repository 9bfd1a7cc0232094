//! Limits of time and of concurrent requests.

use std::time::Duration;

use futures_util::future::join_all;

use crate::mounted::{Mounted, builder, outcome};
use crate::server::{Reply, Server};

const RUN: &str = "https://fal.run/acme/painter";
const STATUS: &str = "https://queue.fal.run/acme/painter/requests/R1/status";

/// Long enough for a request to reach the host on a busy machine.
const LIMIT: Duration = Duration::from_secs(2);

#[tokio::test]
async fn requests_beyond_the_limit_are_refused_until_another_ends() {
    let fal = Server::start(|_, seen| match seen.method.as_str() {
        "POST" => Reply::text(200, "text/event-stream", "data: 1\n\n").stalled(),
        _ => Reply::json(200, "{}"),
    })
    .await;
    let builder = builder(&fal).endpoints(["**"]).max_in_flight(2).allow_anyone();
    let proxy = Mounted::start(builder.build().expect("a proxy")).await;
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut stream = proxy.request("POST", RUN).send().await.expect("a response");
        assert!(stream.chunk().await.expect("a chunk").is_some());
        streams.push(stream);
    }
    let refused = proxy.request("GET", STATUS).send().await.expect("a response");
    let header = |name: &str| refused.headers().get(name).and_then(|value| value.to_str().ok());
    assert_eq!(
        (refused.status().as_u16(), header("retry-after"), header("x-fal-needs-retry")),
        (429, Some("1"), Some("1"))
    );
    assert_eq!(fal.seen().len(), 2);
    streams.pop();
    // The proxy notices soon that the connection is closed.
    while proxy.send("GET", STATUS).await.0 == 429 {
        tokio::task::yield_now().await;
    }
    assert_eq!(proxy.send("GET", STATUS).await.0, 200);
}

#[tokio::test]
async fn a_limit_of_zero_counts_as_one() {
    let fal = Server::start(|_, _| Reply::json(200, "{}")).await;
    let proxy = builder(&fal).endpoints(["**"]).max_in_flight(0).allow_anyone().build().expect("a proxy");
    assert_eq!(Mounted::start(proxy).await.send("POST", RUN).await.0, 200);
}

#[tokio::test]
async fn a_response_that_does_not_come_is_a_timeout() {
    let fal = Server::start(|_, _| Reply::never()).await;
    let total = builder(&fal).endpoints(["**"]).time_limit(LIMIT).allow_anyone().build().expect("a proxy");
    let idle = builder(&fal).endpoints(["**"]).idle_timeout(LIMIT).allow_anyone().build().expect("a proxy");
    let billable = "fal did not respond in time; the request may have been accepted and billed";
    let calls = [
        (&total, "POST", RUN, 500, billable),
        (&total, "POST", "https://queue.fal.run/acme/painter", 500, billable),
        (&idle, "POST", "https://queue.fal.run/acme/painter", 500, billable),
        (&total, "GET", STATUS, 504, "fal did not respond in time"),
        (&idle, "GET", STATUS, 504, "fal did not respond in time"),
    ];
    join_all(calls.map(async |(proxy, method, target, status, detail)| {
        let proxy = Mounted::start(proxy.clone()).await;
        assert_eq!(proxy.send(method, target).await, (status, detail.to_owned()), "{target}");
    }))
    .await;
}

#[tokio::test]
async fn a_run_may_be_silent_until_its_response() {
    let fal = Server::start(|_, _| Reply::never()).await;
    let idle = builder(&fal).endpoints(["**"]).idle_timeout(Duration::from_millis(20));
    let proxy = Mounted::start(idle.time_limit(LIMIT).allow_anyone().build().expect("a proxy")).await;
    let (status, detail) = proxy.send("POST", RUN).await;
    // The total limit ended it.
    assert_eq!((status, fal.seen().len()), (500, 1), "{detail}");
}

#[tokio::test]
async fn a_body_that_pauses_or_lasts_too_long_breaks_off() {
    let fal = Server::start(|_, _| Reply::text(200, "text/event-stream", "data: 1\n\n").stalled()).await;
    let builders = [builder(&fal).idle_timeout(LIMIT), builder(&fal).time_limit(LIMIT)];
    for builder in builders {
        let proxy = builder.endpoints(["**"]).allow_anyone().build().expect("a proxy");
        let proxy = Mounted::start(proxy).await;
        let mut response = proxy.request("POST", RUN).send().await.expect("a response");
        assert!(response.chunk().await.expect("a chunk").is_some());
        response.chunk().await.expect_err("the body breaks off");
    }
}

#[tokio::test]
async fn authentication_has_the_time_limit_and_no_permit() {
    let fal = Server::start(|_, _| Reply::json(200, "{}")).await;
    let builder = builder(&fal).endpoints(["**"]).max_in_flight(1).time_limit(LIMIT);
    let builder = builder.authenticate(async |caller: fal_client::proxy::Caller| {
        if caller.headers().contains_key("x-slow") {
            std::future::pending::<()>().await;
        }
        Ok(())
    });
    let proxy = Mounted::start(builder.build().expect("a proxy")).await;
    let slow = tokio::spawn(outcome(proxy.request("POST", RUN).header("x-slow", "1")));
    assert_eq!(proxy.send("POST", RUN).await.0, 200);
    let (status, detail) = slow.await.expect("a call");
    assert_eq!((status, fal.seen().len()), (504, 1), "{detail}");
}

#[tokio::test]
async fn a_caller_that_does_not_read_is_limited() {
    let events = "data: 1\n\n".repeat(4 << 20);
    let fal = Server::start(move |_, seen| match seen.method.as_str() {
        "POST" => Reply::text(200, "text/event-stream", &events),
        _ => Reply::json(200, "{}"),
    })
    .await;
    for builder in [builder(&fal).idle_timeout(LIMIT), builder(&fal).time_limit(LIMIT)] {
        let builder = builder.endpoints(["**"]).max_in_flight(1).allow_anyone();
        let proxy = Mounted::start(builder.build().expect("a proxy")).await;
        let unread = proxy.request("POST", RUN).send().await.expect("a response");
        let admitted = async {
            while proxy.send("GET", STATUS).await.0 == 429 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), admitted).await.expect("the stream ends");
        unread.bytes().await.expect_err("the body is incomplete");
    }
}

#[tokio::test]
async fn a_hook_that_panics_refuses_its_caller_alone() {
    let fal = Server::start(|_, _| Reply::json(200, "{}")).await;
    let builder =
        builder(&fal).endpoints(["**"]).max_in_flight(1).authenticate(async |caller: fal_client::proxy::Caller| {
            let session = caller.headers().get("x-session").expect("a session");
            if session == "alice" { Ok(()) } else { panic!("an unknown session") }
        });
    let proxy = Mounted::start(builder.build().expect("a proxy")).await;
    for request in [proxy.request("POST", RUN), proxy.request("POST", RUN).header("x-session", "mallory")] {
        request.send().await.expect_err("the connection is closed");
    }
    assert_eq!(fal.seen().len(), 0);
    assert_eq!(outcome(proxy.request("POST", RUN).header("x-session", "alice")).await.0, 200);
}
