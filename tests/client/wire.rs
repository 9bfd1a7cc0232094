//! The requests on the wire, compared with those of fal's own clients. Deliberate deviations are documented.

use std::time::Duration;

use fal_client::{Access, Job, Lifecycle, Priority};
use serde_json::{Value, json};

use crate::support::server::{KEY, Reply, Seen, Server};

/// Describes a request as fal would receive it: method and URL, the relevant headers, the body.
fn shown(seen: &Seen) -> (String, Vec<String>, Value) {
    let target = seen.target.replacen("/run/", "https://fal.run/", 1).replacen("/queue/", "https://queue.fal.run/", 1);
    let relevant = |name: &str| name.starts_with("x-") || matches!(name, "authorization" | "content-type" | "accept");
    let mut headers: Vec<String> = seen
        .headers
        .iter()
        .filter(|(name, _)| relevant(name))
        .map(|(name, value)| format!("{name}: {}", value.replace(KEY, "id:secret")))
        .collect();
    headers.sort();
    let body = serde_json::from_slice(&seen.body).unwrap_or(Value::Null);
    (format!("{} {target}", seen.method), headers, body)
}

/// Describes the last request.
fn last(server: &Server) -> (String, Vec<String>, Value) {
    shown(server.seen().last().expect("a request"))
}

const AUTH: &str = "authorization: Key id:secret";
const ACCEPT: &str = "accept: application/json";
const JSON: &str = "content-type: application/json";

async fn server() -> Server {
    Server::start(|_, seen| match seen.method.as_str() {
        "POST" if seen.target.starts_with("/run/") => Reply::json(200, "{}"),
        "POST" => Reply::json(200, r#"{"status":"IN_QUEUE","request_id":"R1","queue_position":0}"#),
        "PUT" => Reply::json(202, r#"{"status":"CANCELLATION_REQUESTED"}"#),
        _ if seen.target.contains("/status/stream") => Reply::events(&[r#"{"status":"COMPLETED"}"#]),
        _ => Reply::json(200, r#"{"status":"COMPLETED"}"#),
    })
    .await
}

#[tokio::test]
async fn run_matches_fals_clients() {
    let server = server().await;
    let client = server.client();
    for (id, url) in [
        ("fal-ai/flux/dev", "https://fal.run/fal-ai/flux/dev"),
        ("110602490-lcm", "https://fal.run/110602490/lcm"),
        ("110602490-lcm/stream", "https://fal.run/110602490-lcm/stream"),
        ("workflows/me/wf/sub", "https://fal.run/workflows/me/wf/sub"),
    ] {
        client.endpoint(id).run(json!({ "prompt": "a" })).await.expect("a response");
        let (line, headers, body) = last(&server);
        assert_eq!((line, body), (format!("POST {url}"), json!({ "prompt": "a" })));
        assert_eq!(headers, [ACCEPT, AUTH, JSON]);
    }
}

#[tokio::test]
async fn run_options_match_fals_clients() {
    let server = server().await;
    let lifecycle = Lifecycle::expires_after(Duration::from_secs(86_400)).access(Access::Hide);
    let run = server.client().endpoint("fal-ai/flux/dev").run(json!({ "p": 1 }));
    run.start_timeout(Duration::from_secs(30))
        .lifecycle(&lifecycle)
        .hint("h")
        .header("x-a", "b")
        .await
        .expect("a response");
    let preference = r#"{"expiration_duration_seconds":86400,"initial_acl":{"default":"hide"}}"#;
    assert_eq!(
        last(&server).1,
        [
            ACCEPT,
            AUTH,
            JSON,
            "x-a: b",
            &format!("x-fal-object-lifecycle-preference: {preference}"),
            "x-fal-request-start-timeout: 30",
            "x-fal-runner-hint: h",
        ]
    );
}

#[tokio::test]
async fn submit_matches_fals_clients() {
    let server = server().await;
    let endpoint = server.client().endpoint("fal-ai/flux/dev");
    endpoint
        .submit(json!({ "prompt": "a" }))
        .webhook("https://x.y/z?a=b&c=d")
        .priority(Priority::Low)
        .hint("h")
        .start_timeout(Duration::from_secs(5))
        .store_io(false)
        .await
        .expect("a job");
    let (line, headers, body) = last(&server);
    let url = "https://queue.fal.run/fal-ai/flux/dev?fal_webhook=https%3A%2F%2Fx.y%2Fz%3Fa%3Db%26c%3Dd";
    assert_eq!((line, body), (format!("POST {url}"), json!({ "prompt": "a" })));
    assert_eq!(
        headers,
        [
            ACCEPT,
            AUTH,
            JSON,
            "x-fal-queue-priority: low",
            "x-fal-request-start-timeout: 5",
            "x-fal-runner-hint: h",
            "x-fal-store-io: 0",
        ]
    );
    server.client().endpoint("workflows/me/wf/sub").submit(json!({})).await.expect("a job");
    let (line, headers, _) = last(&server);
    assert_eq!(line, "POST https://queue.fal.run/workflows/me/wf/sub");
    assert_eq!(headers, [ACCEPT, AUTH, JSON]);
}

#[tokio::test]
async fn status_result_and_cancel_match_fals_clients() {
    let server = server().await;
    let client = server.client();
    let wf = client.endpoint("workflows/me/wf/sub");
    wf.status("R1").logs(true).await.expect("a status");
    assert_eq!(last(&server).0, "GET https://queue.fal.run/workflows/me/wf/requests/R1/status?logs=1");
    assert_eq!(last(&server).1, [ACCEPT, AUTH]);
    client.endpoint("fal-ai/flux/dev").status("R1").await.expect("a status");
    assert_eq!(last(&server).0, "GET https://queue.fal.run/fal-ai/flux/requests/R1/status?logs=0");
    client.endpoint("110602490-lcm").status("R1").await.expect("a status");
    assert_eq!(last(&server).0, "GET https://queue.fal.run/110602490/lcm/requests/R1/status?logs=0");
    client.endpoint("fal-ai/flux/dev").result("R1").await.expect("a result");
    assert_eq!(last(&server).0, "GET https://queue.fal.run/fal-ai/flux/requests/R1");
    client.endpoint("comfy/me/wf").cancel("R1").await.expect("an outcome");
    assert_eq!(
        last(&server),
        (
            "PUT https://queue.fal.run/comfy/me/wf/requests/R1/cancel".into(),
            vec![ACCEPT.into(), AUTH.into()],
            Value::Null
        )
    );
}

#[tokio::test]
async fn subscribe_streams_the_status() {
    let server = server().await;
    let endpoint = server.client().endpoint("fal-ai/flux/dev");
    endpoint.subscribe(json!({ "prompt": "a" })).logs(true).await.expect("a result");
    let lines: Vec<String> = server.seen().iter().map(|seen| shown(seen).0).collect();
    assert_eq!(
        lines,
        [
            "POST https://queue.fal.run/fal-ai/flux/dev",
            "GET https://queue.fal.run/fal-ai/flux/requests/R1/status/stream?logs=1",
            "GET https://queue.fal.run/fal-ai/flux/requests/R1",
        ]
    );
    assert_eq!(shown(&server.seen()[1]).1, ["accept: text/event-stream", AUTH]);
}

/// The URLs in the submit response and those built from the id are the same.
#[tokio::test]
async fn a_job_built_from_its_id_has_the_urls_of_the_submit_response() {
    let server = Server::start(|_, seen| {
        let host = seen.header("host").unwrap_or_default();
        let url = format!("http://{host}/queue/fal-ai/fast-sdxl/requests/R1");
        Reply::json(
            200,
            &json!({
                "request_id": "R1",
                "gateway_request_id": "R2",
                "response_url": url,
                "status_url": format!("{url}/status"),
                "cancel_url": format!("{url}/cancel"),
                "status": "COMPLETED",
            })
            .to_string(),
        )
    })
    .await;
    let endpoint = server.client().endpoint("fal-ai/fast-sdxl/image-to-image");
    let submitted = endpoint.submit(json!({})).await.expect("a job");
    assert_eq!(submitted.gateway_request_id.as_deref(), Some("R2"));
    let rebuilt: Job<Value> = endpoint.job("R1");
    for job in [submitted, rebuilt] {
        endpoint.status(&job).await.expect("a status");
        endpoint.result(&job).await.expect("a result");
        endpoint.cancel(&job).await.expect("an outcome");
    }
    let lines = server.lines();
    assert_eq!(lines[1..4], lines[4..7]);
}
