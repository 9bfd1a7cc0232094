//! The table of refusals in the guide, row by row, and the order of the checks.

use std::time::Duration;

use crate::mounted::{Mounted, authenticate, builder, outcome};
use crate::server::{Reply, Server};

const GUIDE: &str = include_str!("../../docs/guide/proxy.md");

const RUN: &str = "https://fal.run/acme/painter";
const INITIATE: &str = "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3";

async fn proxy(fal: &Server) -> Mounted {
    let builder = builder(fal).endpoints(["acme/painter"]).tokens(Duration::from_secs(300)).max_body_size(100);
    let proxy = builder.max_in_flight(1).authenticate(authenticate).build().expect("a proxy");
    Mounted::start(proxy).await
}

/// Returns the rows of the table: status and text of the body.
fn rows() -> Vec<(u16, &'static str)> {
    let table = GUIDE.split("## Refusals").nth(1).expect("a chapter").split("\n## ").next().expect("a chapter");
    let cells = table.lines().filter(|line| line.starts_with('|')).map(|line| line.split('|').map(str::trim).collect());
    cells.filter_map(|cells: Vec<_>| Some((cells.get(3)?.parse().ok()?, *cells.get(4)?))).collect()
}

/// Checks that the guide has a row for a refusal. Its text may have a part that varies, written as `…`.
fn assert_documented(status: u16, detail: &str) {
    let is_row = |(documented, text): &(u16, &str)| {
        let (start, end) = text.split_once('…').unwrap_or((text, ""));
        let fits =
            if text.contains('…') { detail.starts_with(start) && detail.ends_with(end) } else { detail == *text };
        *documented == status && fits
    };
    assert!(rows().iter().any(is_row), "the guide has no row for {status} {detail}");
}

#[tokio::test]
async fn each_refusal_is_documented_and_reaches_no_one() {
    let fal = Server::start(|_, _| Reply::json(200, "{}")).await;
    let proxy = proxy(&fal).await;
    let alice = |method: &str, target: &str| proxy.request(method, target).header("x-session", "alice");
    let token = |body: &'static str| alice("POST", "https://rest.fal.ai/tokens/").body(body);
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
        let found = response.status().as_u16();
        let text = response.text().await.expect("a body");
        assert_eq!(found, status, "{text}");
        let body: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(body.as_object().map(|body| body.len()), Some(1), "{text}");
        assert_documented(status, body["detail"].as_str().expect("a detail"));
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        assert_eq!((header("content-type"), header("cache-control")), (Some("application/json"), Some("no-store")));
    }
    assert_eq!(fal.lines(), [""; 0]);
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
        assert_documented(status, &detail);
    }
    assert_eq!(fal.seen().len(), 1);
    pending.abort();
}
