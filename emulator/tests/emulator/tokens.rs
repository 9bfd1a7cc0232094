use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fal_client::LockReason;
use fal_emulator::{Emulator, Operation};
use serde_json::{Value, json};

use crate::fal::{Fal, send};

const TOKENS: &str = "/rest.fal.ai/tokens/";
const REALTIME: &str = "/rest.fal.ai/tokens/realtime";

#[tokio::test]
async fn token_is_a_string_in_the_format_of_a_jwt() {
    let fal = Fal::instant().await;
    let reply = fal.post(TOKENS, &json!({ "allowed_apps": ["router"], "token_expiration": 90 })).await;
    assert_eq!(reply.status, 200);
    let token = reply.body.as_str().unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 3, "{token}");
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    assert_eq!(claims["allowed_apps"], json!(["router"]));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 90);
    let request = &fal.requests()[0];
    assert_eq!((request.operation(), request.mistake()), (Operation::Token, None));
}

#[tokio::test]
async fn newer_request_gets_an_object() {
    let fal = Fal::instant().await;
    let body = json!({ "allowed_apps": ["fal-ai/fast-lcm-diffusion/realtime"], "duration": 60 });
    let reply = fal.post(REALTIME, &body).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body["token"].as_str().unwrap().split('.').count(), 3);
    assert_eq!(fal.requests()[0].mistake(), None);
}

#[tokio::test]
async fn invalid_bodies_are_refused() {
    let fal = Fal::instant().await;
    for (path, body, field) in [
        (TOKENS, json!({}), "allowed_apps"),
        (TOKENS, json!({ "allowed_apps": [] }), "allowed_apps"),
        (TOKENS, json!({ "allowed_apps": "router" }), "allowed_apps"),
        (TOKENS, json!({ "allowed_apps": [1] }), "allowed_apps"),
        (TOKENS, json!({ "allowed_apps": ["router"], "token_expiration": 0 }), "token_expiration"),
        (TOKENS, json!({ "allowed_apps": ["router"], "token_expiration": "60" }), "token_expiration"),
        (REALTIME, json!({ "allowed_apps": ["router"], "duration": -1 }), "duration"),
        (REALTIME, json!([]), "allowed_apps"),
    ] {
        let reply = fal.post(path, &body).await;
        assert_eq!(reply.status, 422, "{path} {body}");
        assert_eq!(reply.body["detail"][0]["loc"], json!(["body", field]), "{path} {body}");
    }
}

#[tokio::test]
async fn extreme_lifetimes_are_accepted() {
    let fal = Fal::instant().await;
    let reply = fal.post(TOKENS, &json!({ "allowed_apps": ["router"], "token_expiration": u64::MAX })).await;
    assert_eq!(reply.status, 200);
    fal.advance_time(Duration::MAX);
    let reply = fal.post(TOKENS, &json!({ "allowed_apps": ["router"] })).await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn token_needs_a_key_with_the_permission() {
    let fal = Fal::start(Emulator::builder().key("id:secret")).await;
    let body = json!({ "allowed_apps": ["router"], "token_expiration": 60 });
    let path = |key: Option<&str>| {
        let request = fal.anonymous(reqwest::Method::POST, TOKENS).json(&body);
        send(match key {
            Some(key) => request.header("authorization", key),
            None => request,
        })
    };
    assert_eq!(path(None).await.status, 401);
    assert_eq!(path(Some("Key other:key")).await.status, 401);
    assert_eq!(path(Some("Key id:secret")).await.status, 200);
    fal.deny_permission(Operation::Token);
    assert_eq!(path(Some("Key id:secret")).await.status, 403);
    fal.grant_permission(Operation::Token);
    fal.lock_account(LockReason::ExhaustedBalance);
    assert_eq!(path(Some("Key id:secret")).await.status, 403);
}

#[tokio::test]
async fn paths_for_an_alias_are_a_mistake() {
    let fal = Fal::instant().await;
    fal.post(TOKENS, &json!({ "allowed_apps": ["openrouter/router"], "token_expiration": 60 })).await;
    assert!(fal.requests()[0].mistake().unwrap().contains("aliases"));
}
