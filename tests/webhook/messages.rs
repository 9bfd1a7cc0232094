use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::webhook::{Webhook, WebhookStatus};
use fal_client::{ErrorKind, ErrorType};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::{Key, NOW, REQUEST_ID, verifier};

async fn parse<O: DeserializeOwned + 'static>(body: impl AsRef<[u8]>) -> Webhook<O> {
    let (key, body) = (Key::new(7), body.as_ref().to_vec());
    let headers = key.sign(&NOW.to_string(), &body);
    verifier(&key).receive(&headers, body).await.expect("a valid delivery")
}

async fn json<O: DeserializeOwned + 'static>(body: Value) -> Webhook<O> {
    parse(body.to_string()).await
}

#[tokio::test]
async fn both_shapes_of_a_success_are_parsed() {
    let payload = json!({ "images": [{ "url": "https://example.com/a.png" }], "seed": 7, "prompt": "a hare" });
    let current = json!({
        "error": null, "gateway_request_id": "G1", "payload": payload, "request_id": "R1", "status": "OK",
    });
    let old = json!({ "request_id": "R1", "gateway_request_id": "G1", "status": "OK", "payload": payload });
    for body in [current, old] {
        let webhook = json::<redux::Output>(body).await;
        assert_eq!((&*webhook.request_id, webhook.gateway_request_id.as_deref()), ("R1", Some("G1")));
        assert_eq!((&webhook.status, webhook.needs_fetch()), (&WebhookStatus::Ok, false));
        let response = webhook.result.expect("an output");
        assert_eq!(response.data.images[0].url, "https://example.com/a.png");
        assert_eq!(response.media().len(), 1);
        assert_eq!(response.request_id.as_deref(), Some("R1"));
        assert!(response.missing().contains(&"timings".to_owned()), "{:?}", response.missing());
        let body: Value = serde_json::from_slice(&response.body).expect("the payload");
        assert_eq!(body, payload);
    }
}

#[tokio::test]
async fn outputs_are_read_leniently() {
    let body = br#"{"status":"OK","payload":{"images":[{"url":"u","width":"wide"}],"seed":NaN,"prompt":"a"}}"#;
    let webhook = parse::<redux::Output>(body).await;
    assert_eq!(webhook.request_id, REQUEST_ID, "the header has the id, too");
    let response = webhook.result.expect("an output");
    assert_eq!(response.data.images.len(), 1);
    assert!(response.skipped().contains(&"images[0].width".to_owned()), "{:?}", response.skipped());
}

#[tokio::test]
async fn payload_keeps_its_digits() {
    let webhook = parse::<Value>(br#"{"status":"OK","payload": { "seed": 18446744073709551615 } }"#).await;
    assert_eq!(webhook.result.expect("an output").body, r#"{ "seed": 18446744073709551615 }"#);
}

#[tokio::test]
async fn validation_errors_have_their_fields() {
    let webhook = json::<redux::Output>(json!({
        "request_id": "R1", "gateway_request_id": "R1", "status": "ERROR", "error": "Invalid status code: 422",
        "payload": { "detail": [{ "loc": ["body", "image_url"], "msg": "field required", "type": "missing" }] },
    }))
    .await;
    assert_eq!((&webhook.status, webhook.needs_fetch()), (&WebhookStatus::Error, false));
    let error = webhook.result.expect_err("a failure");
    assert_eq!((error.kind(), error.status().map(|status| status.as_u16())), (ErrorKind::Service, Some(422)));
    assert!(error.is_invalid_input() && !error.is_retryable());
    assert_eq!(error.field_errors()[0].path(), "image_url");
    assert_eq!(error.request_id(), Some("R1"));
}

#[tokio::test]
async fn validation_errors_need_no_status_code() {
    let webhook = json::<Value>(json!({
        "status": "ERROR", "error": "Validation error",
        "payload": { "detail": [{ "loc": ["body", "image_url"], "msg": "field required", "type": "missing" }] },
    }))
    .await;
    let error = webhook.result.expect_err("a failure");
    assert!(error.is_invalid_input() && error.body().is_some());
    assert_eq!(error.field_errors()[0].path(), "image_url");
}

#[tokio::test]
async fn details_may_be_a_string() {
    let webhook = json::<Value>(json!({
        "status": "ERROR", "error": "Invalid status code: 500", "payload": { "detail": "out of memory" },
    }))
    .await;
    let error = webhook.result.expect_err("a failure");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(500));
    assert!(error.to_string().contains("out of memory"), "{error}");
    assert!(error.field_errors().is_empty() && !error.is_retryable());
}

#[tokio::test]
async fn failures_without_a_status_code_have_fals_words() {
    let webhook = json::<Value>(json!({
        "status": "ERROR", "error": "the request timed out",
        "payload": { "detail": "not done in time", "error_type": "generation_timeout" },
    }))
    .await;
    let error = webhook.result.expect_err("a failure");
    assert_eq!(error.status(), None);
    assert_eq!(error.error_type(), Some(&ErrorType::GenerationTimeout));
    assert!(error.is_timeout());
    let text = error.to_string();
    assert!(text.contains("the request timed out") && text.contains("not done in time"), "{text}");
    for payload in [json!(null), json!({}), json!([]), json!("text")] {
        let webhook = json::<Value>(json!({ "status": "ERROR", "payload": payload })).await;
        assert!(webhook.result.is_err() && !webhook.needs_fetch(), "{payload}");
    }
}

#[tokio::test]
async fn outputs_that_fal_could_not_serialize_need_a_fetch() {
    let words = "Response payload is not JSON serializable";
    let webhook =
        json::<redux::Output>(json!({ "request_id": "R1", "status": "OK", "payload": null, "payload_error": words }))
            .await;
    assert_eq!((&webhook.status, webhook.payload_error.as_deref()), (&WebhookStatus::Ok, Some(words)));
    assert!(webhook.needs_fetch());
    let error = webhook.result.expect_err("no output");
    assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
    assert!(error.to_string().contains(words), "{error}");
    assert_eq!(error.request_id(), Some("R1"));
    for body in [json!({ "status": "OK" }), json!({ "status": "OK", "payload": null })] {
        let webhook = json::<Value>(body).await;
        assert!(webhook.needs_fetch() && webhook.result.is_err());
    }
}

#[tokio::test]
async fn unknown_statuses_are_kept() {
    let webhook = json::<Value>(json!({ "request_id": "R1", "status": "PARTIAL", "payload": { "a": 1 } })).await;
    assert_eq!(webhook.status, WebhookStatus::Other("PARTIAL".to_owned()));
    assert!(webhook.needs_fetch());
    assert!(webhook.result.expect_err("unknown").to_string().contains("PARTIAL"));
    let webhook = json::<Value>(json!({ "request_id": "R1", "payload": { "a": 1 } })).await;
    assert!(webhook.result.expect_err("missing").to_string().starts_with("the webhook has no status"));
}

#[tokio::test]
async fn unreadable_bodies_keep_the_request_id() {
    for body in ["", "null", "[]", "7", "\"OK\"", "{", "{}", "<html>", "\u{feff}", r#"{"status":7,"payload":[]}"#] {
        let webhook = parse::<Value>(body).await;
        assert_eq!(webhook.request_id, REQUEST_ID, "{body}");
        assert!(webhook.needs_fetch() && webhook.result.is_err(), "{body}");
        assert_eq!(webhook.delivery.body(), body.as_bytes());
    }
}

#[tokio::test]
async fn odd_fields_do_not_matter() {
    let webhook = json::<Value>(json!({
        "request_id": 7, "gateway_request_id": {}, "status": "ok", "error": false, "payload_error": [],
        "payload": { "text": "x" }, "more": [1],
    }))
    .await;
    assert_eq!((&*webhook.request_id, webhook.gateway_request_id), (REQUEST_ID, None));
    assert_eq!(webhook.result.expect("an output").data["text"], "x");
}

#[tokio::test]
async fn error_bodies_with_status_ok_are_errors() {
    let webhook = json::<redux::Output>(json!({ "status": "OK", "payload": { "detail": "no face found" } })).await;
    assert!(webhook.result.expect_err("no output").to_string().contains("no face found"));
}

#[tokio::test]
async fn debug_output_has_neither_secrets_nor_control_characters() {
    let webhook = json::<Value>(json!({
        "request_id": "R1\u{1b}[31m", "status": "OK", "payload": null, "payload_error": "key id \u{202e} 1",
    }))
    .await;
    let text = format!("{webhook:?} {}", webhook.result.as_ref().expect_err("no output"));
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text}");
}
