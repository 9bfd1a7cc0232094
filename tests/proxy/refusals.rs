//! The table of refusals in the guide, row by row, and the order of the checks.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use fal_client::Client;
use fal_client::proxy::{Caller, Proxy, ProxyBuilder};
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;
use tower_service::Service;

use crate::mounted::{Mounted, authenticate, builder, outcome};
use crate::server::{KEY, Reply, Server};
use crate::unreachable::Unreachable;

const GUIDE: &str = include_str!("../../docs/guide/proxy.md");

const RUN: &str = "https://fal.run/acme/painter";
const STATUS: &str = "https://queue.fal.run/acme/painter/requests/R1/status";
const TOKEN: &str = "https://rest.fal.ai/tokens/";
const INITIATE: &str = "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3";

async fn proxy(fal: &Server) -> Mounted {
    let builder = builder(fal).endpoints(["acme/painter"]).tokens(Duration::from_secs(300)).max_body_size(100);
    let proxy = builder.max_in_flight(1).authenticate(authenticate).build().expect("a proxy");
    Mounted::start(proxy).await
}

/// A row of the table: status and text of the body.
type Row = (u16, &'static str);

fn rows() -> BTreeSet<Row> {
    let table = GUIDE.split("## Refusals").nth(1).expect("a chapter").split("\n## ").next().expect("a chapter");
    let cells = table.lines().filter(|line| line.starts_with('|')).map(|line| line.split('|').map(str::trim).collect());
    cells.filter_map(|cells: Vec<_>| Some((cells.get(3)?.parse().ok()?, *cells.get(4)?))).collect()
}

/// Returns the row of a refusal. Its text may have a part that varies, written as `…`.
fn row(status: u16, detail: &str) -> Row {
    let is_row = |(documented, text): &Row| {
        let fits = match text.split_once('…') {
            Some((start, end)) => detail.starts_with(start) && detail.ends_with(end),
            None => detail == *text,
        };
        *documented == status && fits
    };
    let row = rows().into_iter().find(is_row);
    row.unwrap_or_else(|| panic!("the guide has no row for {status} {detail}"))
}

#[tokio::test]
async fn the_table_has_each_refusal_and_no_other() {
    let found: BTreeSet<Row> = [checked().await, failed().await].concat().into_iter().collect();
    assert_eq!(found, rows());
}

/// Returns the rows of refusals of which fal hears nothing.
async fn checked() -> Vec<Row> {
    let mut found = Vec::new();
    let fal = Server::start(|_, _| Reply::json(200, "{}")).await;
    let proxy = proxy(&fal).await;
    let alice = |method: &str, target: &str| proxy.request(method, target).header("x-session", "alice");
    let token = |body: &'static str| alice("POST", TOKEN).body(body);
    let without_target = reqwest::Client::builder().no_proxy().build().expect("an HTTP client").post(proxy.url());
    for (request, status) in [
        (alice("DELETE", RUN), 405),
        (without_target, 400),
        (alice("POST", RUN).header("x-fal-target-url", RUN), 400),
        (alice("POST", "https://evil.example/"), 400),
        (alice("POST", "https://fal.run/acme"), 400),
        (alice("POST", "https://fal.run/acme/painter?fal_x=1"), 400),
        (alice("POST", "https://rest.fal.ai/other"), 400),
        (alice("POST", "https://rest.fal.ai/storage/upload/initiate"), 400),
        (alice("GET", RUN), 405),
        (proxy.request("PUT", RUN).header("x-session", "alice"), 405),
        (alice("POST", RUN).header("content-encoding", "gzip"), 415),
        (alice("POST", RUN).header("content-type", "text/plain"), 415),
        (alice("POST", RUN).body(" ".repeat(101)), 413),
        (proxy.request("POST", RUN), 401),
        (proxy.request("POST", RUN).header("x-session", "mallory"), 403),
        (proxy.request("POST", RUN).header("x-session", "broken"), 500),
        (alice("POST", "https://fal.run/acme/other"), 403),
        (alice("GET", "https://queue.fal.run/acme/other/requests/R1"), 403),
        (alice("POST", INITIATE), 403),
        (alice("POST", "https://queue.fal.run/acme/painter?fal_webhook=https://x.example"), 403),
        (token("{"), 400),
        (token(r#"{"allowed_apps":["painter"]}"#), 400),
        (token(r#"{"allowed_apps":[],"duration":1}"#), 400),
        (token(r#"{"allowed_apps":["other"],"duration":1}"#), 403),
        (token(r#"{"allowed_apps":["painter"],"duration":301}"#), 403),
    ] {
        let response = request.send().await.expect("a response");
        let headers = response.headers().clone();
        assert_eq!(response.status().as_u16(), status, "{target}", target = response.url());
        let text = response.text().await.expect("a body");
        let body: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(body.as_object().map(|body| body.len()), Some(1), "{text}");
        found.push(row(status, body["detail"].as_str().expect("a detail")));
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        assert_eq!((header("content-type"), header("cache-control")), (Some("application/json"), Some("no-store")));
    }
    assert_eq!(fal.lines(), [""; 0]);
    found
}

/// Returns the rows of refusals of requests that were admitted, or that the hook did not decide on.
async fn failed() -> Vec<Row> {
    // Long enough for a request to reach the host on a busy machine.
    const LIMIT: Duration = Duration::from_secs(2);
    let silent = Server::start(|_, _| Reply::never()).await;
    let lost = Server::start(|_, _| Reply::dropped()).await;
    let redirect = Server::start(|_, _| Reply::json(307, "{}").header("location", RUN)).await;
    let closed = Unreachable::bind();
    let closed = format!("http://{}", closed.address());
    let client = Client::builder().env_from(|_| None).key(KEY).run_host(&closed).queue_host(&closed);
    let keyless = silent.builder().key_provider(async || Err::<String, _>("no key"));
    let open = |client: Client| Proxy::builder(client).endpoints(["**"]).allow_anyone();
    let build = |builder: ProxyBuilder<_>| builder.build().expect("a proxy");
    let limited = build(open(silent.client()).time_limit(LIMIT).tokens(LIMIT));
    let idle = build(open(silent.client()).idle_timeout(LIMIT).max_body_size(10));
    let undecided = builder(&silent).endpoints(["**"]).time_limit(LIMIT);
    let undecided = undecided.authenticate(|_: Caller| std::future::pending()).build().expect("a proxy");
    let busy = build(open(silent.client()).max_in_flight(1));
    let pending = tokio::spawn(refusal(busy.clone(), "POST", RUN, Body::from("{}")));
    while silent.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    let json = || Body::from("{}");
    let paused = || Body::from_stream(stream::iter(chunks(1)).chain(stream::pending()));
    let broken = Body::from_stream(stream::iter([Ok("{"), Err("broken")]));
    let found = join_all(
        [
            (&idle, "POST", TOKEN, json()),
            (&busy, "GET", STATUS, json()),
            (&undecided, "GET", STATUS, json()),
            (&limited, "POST", TOKEN, paused()),
            (&idle, "POST", RUN, paused()),
            (&idle, "POST", RUN, Body::from_stream(stream::iter(chunks(11)))),
            (&idle, "POST", RUN, broken),
            (&build(open(keyless.build().expect("a client"))), "POST", RUN, json()),
            (&build(open(client.build().expect("a client"))), "POST", RUN, json()),
            (&build(open(lost.client())), "GET", STATUS, json()),
            (&build(open(redirect.client())), "POST", RUN, json()),
            (&limited, "GET", STATUS, json()),
            (&build(open(lost.client())), "POST", RUN, json()),
            (&limited, "POST", RUN, json()),
        ]
        .map(async |(proxy, method, target, body)| {
            let (status, detail) = refusal(proxy.clone(), method, target, body).await;
            row(status, &detail)
        }),
    )
    .await;
    pending.abort();
    found
}

/// Returns chunks of one byte.
fn chunks(count: usize) -> Vec<Result<&'static str, std::io::Error>> {
    (0..count).map(|_| Ok(" ")).collect()
}

/// Calls a proxy without a connection.
async fn refusal(mut proxy: Proxy, method: &str, target: &str, body: Body) -> (u16, String) {
    let request = http::Request::builder().method(method).header("x-fal-target-url", target);
    let request = request.header("content-type", "application/json").body(body).expect("a request");
    let response = match proxy.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    (status, body["detail"].as_str().expect("a detail").to_owned())
}

/// Each request fails the check that it is named for, and all later ones.
#[tokio::test]
async fn checks_have_a_fixed_order() {
    let fal = Server::start(|_, _| Reply::never()).await;
    let proxy = proxy(&fal).await;
    // Fills the capacity.
    let pending = tokio::spawn(proxy.request("POST", RUN).header("x-session", "alice").send());
    while fal.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    let large = || " ".repeat(101);
    let other = "https://fal.run/acme/other";
    let plain =
        |method: &str, target: &str| proxy.request(method, target).header("content-type", "text/plain").body(large());
    let large_json = |target: &str| proxy.request("POST", target).body(large());
    for (request, status) in [
        (plain("DELETE", "https://evil.example/"), 405),
        (plain("GET", "https://evil.example/"), 400),
        (plain("GET", "https://fal.run/acme"), 400),
        (plain("GET", other), 405),
        (proxy.request("POST", other).header("content-encoding", "gzip").body(large()), 415),
        (large_json(other), 413),
        (proxy.request("POST", other), 401),
        (proxy.request("POST", other).header("x-session", "alice"), 403),
        (proxy.request("POST", RUN).header("x-session", "alice"), 429),
    ] {
        let (found, detail) = outcome(request).await;
        assert_eq!(found, status, "{detail}");
        row(status, &detail);
    }
    assert_eq!(fal.seen().len(), 1);
    pending.abort();
}
