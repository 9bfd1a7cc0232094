use fal_emulator::{Emulator, Pace};
use reqwest::Method;
use serde_json::json;

use crate::fal::{APP, Fal, INPAINTING, inpainting, send};

#[tokio::test]
async fn missing_or_malformed_key_is_401() {
    let fal = Fal::instant().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    for header in [None, Some(""), Some("Key"), Some("Key "), Some("id:secret"), Some("Basic aWQ6c2VjcmV0")] {
        for (method, path, application) in [
            (Method::POST, format!("/fal.run/{INPAINTING}"), INPAINTING),
            (Method::POST, format!("/queue.fal.run/{INPAINTING}"), INPAINTING),
            (Method::GET, job.status(), APP),
            (Method::GET, job.stream(), APP),
            (Method::GET, job.path.clone(), APP),
            (Method::PUT, job.cancel(), APP),
        ] {
            let mut request = fal.anonymous(method, &path).json(&inpainting());
            if let Some(header) = header {
                request = request.header("authorization", header);
            }
            let reply = send(request).await;
            assert_eq!(reply.status, 401, "{header:?} {path}");
            let detail = format!(
                "Cannot access application \"{application}\". Authentication is required to access this application."
            );
            assert_eq!(reply.body, json!({ "detail": detail }));
        }
    }
}

#[tokio::test]
async fn configured_key_is_the_only_accepted_key() {
    let fal = Fal::start(Emulator::builder().pace(Pace::instant()).key("mine:secret")).await;
    let run = |key: &str| {
        let request = fal.anonymous(Method::POST, &format!("/fal.run/{INPAINTING}"));
        send(request.header("authorization", format!("Key {key}")).json(&inpainting()))
    };
    assert_eq!(run("mine:secret").await.status, 200);
    let other = run("yours:secret").await;
    assert_eq!(other.status, 401);
    assert_eq!(other.body, json!({ "detail": "invalid key credentials" }));
}

#[tokio::test]
async fn unknown_endpoints_are_hidden_without_a_key() {
    let fal = Fal::instant().await;
    let unknown = fal.anonymous(Method::POST, "/fal.run/unknown/nothing").json(&json!({}));
    assert_eq!(send(unknown).await.status, 401);
}

#[tokio::test]
async fn wrong_keys_are_told_apart() {
    let fal = Fal::start(Emulator::builder().pace(Pace::instant()).key("mine:secret")).await;
    for (credentials, detail) in [
        ("Key mine", "Invalid Key Authorization header format"),
        ("Key mine:other", "No user found for Key ID and Secret"),
        ("Key other:secret", "invalid key credentials"),
        ("Bearer other:secret", "invalid key credentials"),
    ] {
        let request = fal.anonymous(Method::POST, &format!("/queue.fal.run/{INPAINTING}"));
        let reply = send(request.header("authorization", credentials).json(&inpainting())).await;
        assert_eq!((reply.status, reply.body), (401, json!({ "detail": detail })), "{credentials}");
    }
    let request = fal.anonymous(Method::POST, &format!("/queue.fal.run/{INPAINTING}"));
    let reply = send(request.header("authorization", "Bearer mine:secret").json(&inpainting())).await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn login_token_is_accepted_like_a_key() {
    let fal = Fal::instant().await;
    let request = fal.anonymous(Method::POST, &format!("/fal.run/{INPAINTING}"));
    let reply = send(request.header("authorization", "Bearer a.b.c").json(&inpainting())).await;
    assert_eq!(reply.status, 200);
}
