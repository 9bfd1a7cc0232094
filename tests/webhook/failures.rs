//! Failed requests, whose errors are those of the queue.

use std::time::Duration;

use fal_client::webhook::Receiver;
use fal_client::{Error, LockReason};
use fal_emulator::{Emulator, Fault, Operation, Pace};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const ID: &str = "fal-ai/flux/dev/redux";

/// Submits a request twice that ends with an outcome. Returns the error of the webhook and that of the queue.
async fn errors(fault: impl Fn() -> Fault) -> [Error; 2] {
    let emulator = Emulator::builder().pace(Pace::instant()).start().await.expect("an emulator");
    let client = emulator.client_builder().retry(fal_client::RetryPolicy::none()).build().expect("a client");
    let receiver = Receiver::new(&client);
    let app = axum::Router::new().route("/fal", axum::routing::post(receiver.handler()));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/fal", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move { axum::serve(listener, app).await.expect("a server") });
    let submit = async || {
        emulator.inject_fault(Operation::Submit, fault());
        let input = json!({ "image_url": "https://example.com/fox.png" });
        client.endpoint(ID).submit(input).webhook(&url).await.expect("a job")
    };
    let by_webhook = receiver.wait(&submit().await).check_every(Duration::MAX).await.expect_err("a failure");
    let by_queue = client.resume(submit().await).wait().await.expect_err("a failure");
    server.abort();
    [by_webhook, by_queue]
}

/// Returns what a program can find out about an error. Only the queue sends headers.
fn facts(error: &Error) -> Value {
    let fields: Vec<String> = error.field_errors().iter().map(|error| format!("{error:?}")).collect();
    json!({
        "kind": format!("{:?}", error.kind()),
        "status": error.status().map(|status| status.as_u16()),
        "type": error.error_type().map(ToString::to_string),
        "fields": fields,
        "body": error.body().map(|body| String::from_utf8_lossy(body).into_owned()),
        "message": error.to_string().replace(error.request_id().expect("an id"), "ID"),
        "unauthorized": error.is_unauthorized(),
        "permission_denied": error.is_permission_denied(),
        "lock_reason": error.lock_reason().map(|reason| reason.to_string()),
        "rate_limited": error.is_rate_limited(),
        "timeout": error.is_timeout(),
        "cancelled": error.is_cancelled(),
        "invalid_input": error.is_invalid_input(),
        "retryable": error.is_retryable(),
        "may_have_been_accepted": error.may_have_been_accepted(),
    })
}

#[tokio::test]
async fn errors_of_webhooks_are_those_of_the_queue() {
    let field = json!({ "detail": [
        { "loc": ["body", "image_url"], "msg": "too small", "type": "image_too_small", "ctx": { "min_width": 64 } },
    ] });
    let policy = json!({ "detail": [{ "loc": ["body", "prompt"], "msg": "no", "type": "content_policy_violation" }] });
    let typed = |name: &str| json!({ "detail": "Request failed", "error_type": name });
    for (status, body) in [
        (422, field),
        (422, policy),
        (422, json!({ "detail": "no face found" })),
        (400, json!({ "detail": "bad request", "error_type": "bad_request" })),
        (401, json!({ "detail": "the image host wants a password" })),
        (402, json!({ "detail": "another service is out of credits" })),
        (403, json!({ "detail": "Forbidden" })),
        (403, json!({ "detail": "User is locked. Reason: Exhausted balance." })),
        (404, json!({ "detail": "no such image" })),
        (499, typed("client_cancelled")),
        (500, json!({ "detail": "out of memory" })),
        (500, json!({ "error": { "message": "out of memory" } })),
        (500, json!({})),
        (500, json!("out of memory")),
        (503, typed("runner_disconnected")),
        (504, typed("generation_timeout")),
        (504, typed("startup_timeout")),
    ] {
        let [by_webhook, by_queue] = errors(|| Fault::outcome(status).json(&body)).await;
        let (mut by_webhook, mut by_queue) = (facts(&by_webhook), facts(&by_queue));
        // The webhook of a failure with a type does not name the status.
        if body.get("error_type").is_some() {
            for fact in ["status", "body", "message"] {
                assert_ne!(by_webhook[fact].take(), by_queue[fact].take());
            }
        }
        assert_eq!(by_webhook, by_queue, "{status} {body}");
    }
}

#[tokio::test]
async fn words_are_not_repeated() {
    let body = json!({ "detail": "the disk is full", "error_type": "internal_error" });
    let [by_webhook, _] = errors(|| Fault::outcome(500).json(&body)).await;
    assert_eq!(by_webhook.to_string().matches("the disk is full").count(), 1, "{by_webhook}");
}

#[tokio::test]
async fn locked_account_is_recognized() {
    let body = json!({ "detail": "User is locked. Reason: Exhausted balance." });
    let [by_webhook, _] = errors(|| Fault::outcome(403).json(&body)).await;
    assert_eq!(by_webhook.lock_reason(), Some(LockReason::ExhaustedBalance), "{by_webhook}");
}
