//! The control over HTTP, for tests in other languages.

use fal_emulator::{Fault, Operation, Pace};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fal::{Fal, INPAINTING, Reply, inpainting, inpainting_with, send};

/// Sends a request without a key.
async fn control(fal: &Fal, method: Method, path: &str, body: Option<&Value>) -> Reply {
    let request = fal.anonymous(method, &format!("/emulator/{path}"));
    send(match body {
        Some(body) => request.json(body),
        None => request,
    })
    .await
}

async fn post(fal: &Fal, path: &str, body: &Value) -> Reply {
    control(fal, Method::POST, path, Some(body)).await
}

async fn get(fal: &Fal, path: &str) -> Value {
    let reply = control(fal, Method::GET, path, None).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.body
}

#[tokio::test]
async fn faults_are_injected_and_listed() {
    let fal = Fal::instant().await;
    let fault = json!({
        "operation": "run", "endpoint": INPAINTING, "status": 429, "retry_after": 1.5, "nth": 3, "body": { "detail": "slowly" },
    });
    let reply = post(&fal, "faults", &fault).await;
    let pending = json!({ "pending": [{ "operation": "Run", "fault": "respond(429)", "left": 1 }] });
    assert_eq!((reply.status, &reply.body), (200, &pending));
    for expected in [200, 200, 429, 200] {
        let reply = fal.run(INPAINTING, &inpainting()).await;
        assert_eq!(reply.status, expected);
        if expected == 429 {
            assert_eq!((reply.header("retry-after"), &reply.body["detail"]), (Some("2"), &json!("slowly")));
        }
    }
    assert_eq!(get(&fal, "faults").await, json!({ "pending": [] }));

    post(&fal, "faults", &json!({ "operation": "status-stream", "drop_connection": true, "times": 2 })).await;
    post(&fal, "faults", &json!({ "operation": "Submit", "outcome": 500, "repeat": true })).await;
    assert_eq!(get(&fal, "faults").await["pending"][0]["left"], 2);
    assert_eq!(control(&fal, Method::DELETE, "faults", None).await.body, json!({ "pending": [] }));
    assert_eq!(fal.submit(INPAINTING, &inpainting()).await.id.len(), 36);
    assert_eq!(fal.pending_faults(), 0);
}

#[tokio::test]
async fn invalid_bodies_are_named() {
    let fal = Fal::instant().await;
    for (path, body, reason) in [
        ("faults", json!({ "operation": "sumbit", "status": 500 }), "unknown operation `sumbit`: expected one such as"),
        (
            "faults",
            json!({ "operation": "run" }),
            "expected one of `status`, `outcome` and `drop_connection`, or a `delay`",
        ),
        ("faults", json!({ "operation": "run", "status": 500, "outcome": 500 }), "expected one of `status`"),
        ("faults", json!({ "operation": "run", "status": 100 }), "invalid status 100: expected 200 to 599"),
        ("faults", json!({ "operation": "run", "status": 500, "delay": -1 }), "invalid `delay` -1: expected seconds"),
        ("faults", json!({ "operation": "run", "status": 500, "twice": true }), "invalid body: unknown field `twice`"),
        ("faults", json!([]), "invalid body: "),
        ("holds", json!({ "endpoint": "acme/unknown" }), "unknown endpoint `acme/unknown`"),
        ("holds", json!({ "endpoint": INPAINTING, "stage": "later" }), "invalid body: unknown variant `later`"),
        ("outputs", json!({ "endpoint": "acme/unknown", "output": {} }), "unknown endpoint `acme/unknown`"),
        ("outputs", json!({ "endpoint": INPAINTING }), "expected an `output` for all requests"),
        ("outputs", json!({ "endpoint": INPAINTING, "output": 5 }), "invalid output: 5 is not of type"),
        ("time", json!({ "advance": -5 }), "invalid `advance` -5: expected seconds"),
    ] {
        let reply = post(&fal, path, &body).await;
        let detail = reply.body["detail"].as_str().unwrap_or_default();
        assert!(reply.status == 400 && detail.starts_with(reason), "{body}: {} {detail}", reply.status);
    }
    assert_eq!(control(&fal, Method::GET, "requests?after=x", None).await.status, 400);
    for path in ["", "nothing", "holds/unknown", "jobs/unknown", "faults/x"] {
        assert_eq!(control(&fal, Method::GET, path, None).await.status, 404, "{path}");
    }
    assert_eq!(control(&fal, Method::DELETE, "holds/unknown", None).await.status, 404);
    assert_eq!(post(&fal, "jobs/unknown/complete", &json!({})).await.status, 404);
    assert!(fal.requests().is_empty(), "the control is not recorded");
}

#[tokio::test]
async fn jobs_are_held_until_they_are_released() {
    let fal = Fal::instant().await;
    let id = post(&fal, "holds", &json!({ "endpoint": INPAINTING, "stage": "queued" })).await.body["id"].clone();
    let path = format!("holds/{}", id.as_str().unwrap());
    let (first, second) = (fal.submit(INPAINTING, &inpainting()).await, fal.submit(INPAINTING, &inpainting()).await);
    assert_eq!(get(&fal, &format!("{path}?wait_for=2")).await["jobs"], json!([first.id, second.id]));
    assert_eq!(fal.get(&first.status()).await.body["status"], "IN_QUEUE");
    let completed = post(&fal, &format!("jobs/{}/complete", second.id), &json!({})).await;
    assert_eq!(completed.body, json!({ "advanced": true }));
    assert_eq!(fal.get(&second.path).await.status, 200);
    assert_eq!(control(&fal, Method::DELETE, &path, None).await.status, 200);
    assert_eq!(fal.get(&first.path).await.status, 200);
    assert_eq!(control(&fal, Method::DELETE, &path, None).await.status, 404);
}

#[tokio::test]
async fn outputs_and_the_clock_are_set() {
    let fal = Fal::start(fal_emulator::Emulator::builder().pace(Pace::default())).await;
    let output = |text: &str| json!({ "output": text });
    let body = json!({ "endpoint": "openrouter/router", "output": output("all"), "next": [output("first")] });
    assert_eq!(post(&fal, "outputs", &body).await.status, 200);
    let input = json!({ "prompt": "Hi", "model": "m/n" });
    let (first, second) =
        (fal.submit("openrouter/router", &input).await, fal.submit("openrouter/router", &input).await);
    assert_eq!(post(&fal, "time", &json!({ "advance": 60 })).await.status, 200);
    assert_eq!(fal.get(&first.path).await.body, output("first"));
    assert_eq!(fal.get(&second.path).await.body, output("all"));
}

#[tokio::test]
async fn requests_are_listed_and_waited_for() {
    let fal = Fal::instant().await;
    fal.inject_fault(Operation::Run, Fault::respond(503));
    fal.run(&format!("{INPAINTING}?fal_webhook=https://example.com/secret"), &inpainting()).await;
    let job = fal.submit(INPAINTING, &inpainting_with(json!({ "seed": 5 }))).await;
    fal.get(&job.status()).await;
    assert_eq!(get(&fal, "requests").await["requests"].as_array().unwrap().len(), 3);
    let calls = get(&fal, &format!("requests?endpoint={INPAINTING}&wait_for=2")).await["requests"].clone();
    assert_eq!(calls.as_array().unwrap().len(), 2);
    assert_eq!(
        (&calls[0]["number"], &calls[0]["status"], &calls[0]["operation"]),
        (&json!(1), &json!(503), &json!("Run"))
    );
    assert!(calls[0]["mistake"].as_str().unwrap().starts_with("a direct run ignores the webhook"));
    assert_eq!((&calls[1]["input"]["seed"], &calls[1]["request_id"]), (&json!(5), &json!(job.id)));
    assert!(!calls.to_string().contains("secret"));
    let later = get(&fal, "requests?after=2").await["requests"].clone();
    assert_eq!(later[0]["path"], job.status());
}

#[tokio::test]
async fn web_pages_cannot_use_the_control() {
    let fal = Fal::instant().await;
    let fault = json!({ "operation": "run", "status": 500 });
    let origin = fal.base_url().to_owned();
    for (name, value) in [
        ("origin", origin.as_str()),
        ("origin", "null"),
        ("sec-fetch-site", "same-origin"),
        ("referer", origin.as_str()),
    ] {
        let request = fal.anonymous(Method::POST, "/emulator/faults").header(name, value).json(&fault);
        assert_eq!(send(request).await.status, 403, "{name}: {value}");
        let request = fal.anonymous(Method::GET, "/emulator/requests").header(name, value);
        assert_eq!(send(request).await.status, 403, "{name}: {value}");
    }
    let form =
        fal.anonymous(Method::POST, "/emulator/faults").header("content-type", "text/plain").body(fault.to_string());
    assert_eq!(send(form).await.status, 415);
    let rebound = fal.anonymous(Method::GET, "/emulator/requests").header("host", "evil.test");
    assert_eq!(send(rebound).await.status, 421);
    assert_eq!(fal.pending_faults(), 0);
}
