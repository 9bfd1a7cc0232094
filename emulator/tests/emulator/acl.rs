use std::time::Duration;

use fal_emulator::{Emulator, Pace};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fal::{Fal, INPAINTING, Reply, inpainting, send};

/// Uploads a file with a default ACL decision.
async fn uploaded(fal: &Fal, default: &str) -> String {
    let lifecycle = json!({ "initial_acl": { "default": default } }).to_string();
    let upload = fal.upload(&fal.token().await, "text/plain", "secret").header("x-fal-object-lifecycle", lifecycle);
    send(upload).await.body["access_url"].as_str().unwrap().to_owned()
}

async fn status(fal: &Fal, url: &str) -> u16 {
    fal.http.get(url).send().await.unwrap().status().as_u16()
}

/// Makes a platform API request about a file.
async fn platform(fal: &Fal, method: Method, call: &str, url: &str, body: Option<&Value>) -> Reply {
    let url: String = url.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let request = fal.request(method, &format!("/api.fal.ai/v1/storage/files/{call}?url={url}"));
    send(match body {
        Some(body) => request.json(body),
        None => request,
    })
    .await
}

#[tokio::test]
async fn acl_limits_readers_to_the_owner() {
    let fal = Fal::start(Emulator::builder().key("mine:secret")).await;
    // The owner is known by the key, or by an upload token.
    let token = send(
        fal.anonymous(Method::POST, "/rest.fal.ai/storage/auth/token?storage_type=fal-cdn-v3")
            .header("authorization", "Key mine:secret"),
    )
    .await
    .body["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let token = format!("Bearer {token}");
    for (default, expected) in [("allow", 200), ("forbid", 403), ("hide", 404)] {
        let lifecycle = json!({ "initial_acl": { "default": default } }).to_string();
        let upload = fal.upload(&token, "text/plain", "secret").header("x-fal-object-lifecycle", lifecycle);
        let url = send(upload).await.body["access_url"].as_str().unwrap().to_owned();
        assert_eq!(status(&fal, &url).await, expected, "{default}");
        for (authorization, expected) in [("Key mine:secret", 200), (&token, 200), ("Key other", expected)] {
            let read = fal.http.get(&url).header("authorization", authorization).send().await.unwrap();
            assert_eq!(read.status(), expected, "{default} {authorization}");
        }
    }
}

#[tokio::test]
async fn signed_url_grants_access_until_it_expires() {
    let fal = Fal::instant().await;
    for default in ["allow", "forbid", "hide"] {
        let url = uploaded(&fal, default).await;
        let signed = platform(&fal, Method::POST, "sign", &url, Some(&json!({ "expiration_seconds": 60 }))).await;
        assert_eq!(signed.status, 200);
        let signed = signed.body["signed_url"].as_str().unwrap().to_owned();
        assert!(signed.starts_with(&format!("{url}?identity=")), "{signed}");
        assert_eq!(status(&fal, &signed).await, 200);
        let is_public = default == "allow";
        assert_eq!(status(&fal, &format!("{signed}0")).await, if is_public { 200 } else { 403 });
        fal.advance_time(Duration::from_secs(60));
        assert_eq!(status(&fal, &signed).await, if is_public { 200 } else { 403 });
    }
}

#[tokio::test]
async fn acl_is_read_and_replaced() {
    let fal = Fal::instant().await;
    let url = uploaded(&fal, "hide").await;
    let acl = platform(&fal, Method::GET, "acl", &url, None).await;
    assert_eq!((acl.status, acl.body), (200, json!({ "default": "hide", "rules": [] })));
    let new = json!({ "default": "forbid", "rules": [{ "user": "a", "decision": "allow" }] });
    let set = platform(&fal, Method::PUT, "acl", &url, Some(&new)).await;
    assert_eq!((set.status, &set.body), (200, &new));
    assert_eq!(platform(&fal, Method::GET, "acl", &url, None).await.body, new);
    assert_eq!(fal.files()[0].acl(), new);
    assert_eq!(status(&fal, &url).await, 403);
    platform(&fal, Method::PUT, "acl", &url, Some(&json!({ "default": "allow" }))).await;
    assert_eq!(status(&fal, &url).await, 200);
}

#[tokio::test]
async fn platform_errors_have_their_own_format() {
    let fal = Fal::instant().await;
    let url = uploaded(&fal, "allow").await;
    let kind = |reply: &Reply| (reply.status, reply.body["error"]["type"].as_str().unwrap().to_owned());
    let invalid = (400, "validation_error".to_owned());
    for body in [json!({}), json!({ "expiration_seconds": 0 }), json!({ "expiration_seconds": 604_801 })] {
        assert_eq!(kind(&platform(&fal, Method::POST, "sign", &url, Some(&body)).await), invalid, "{body}");
    }
    for body in [json!({}), json!({ "default": "deny" }), json!({ "default": "hide", "rules": [{ "user": "a" }] })] {
        assert_eq!(kind(&platform(&fal, Method::PUT, "acl", &url, Some(&body)).await), invalid, "{body}");
    }
    for url in ["https://example.com/a.png", "a", &format!("{url}?a=b"), &format!("{}/fal.run/x", fal.base_url())] {
        assert_eq!(kind(&platform(&fal, Method::GET, "acl", url, None).await), invalid, "{url}");
    }
    let missing = platform(&fal, Method::GET, "acl", &format!("{url}0"), None).await;
    assert_eq!(kind(&missing), (404, "not_found".to_owned()));
    let no_key = send(fal.anonymous(Method::GET, "/api.fal.ai/v1/storage/files/acl?url=a")).await;
    assert_eq!(kind(&no_key), (401, "authorization_error".to_owned()));
}

#[tokio::test]
async fn outputs_have_the_requested_lifecycle() {
    let fal = Fal::start(Emulator::builder().pace(Pace::instant())).await;
    let preference = json!({ "expiration_duration_seconds": 60, "initial_acl": { "default": "hide" } }).to_string();
    let submit = fal
        .request(Method::POST, &format!("/queue.fal.run/{INPAINTING}"))
        .header("x-fal-object-lifecycle-preference", preference)
        .json(&inpainting());
    let response_url = send(submit).await.body["response_url"].as_str().unwrap().to_owned();
    let path = response_url.strip_prefix(fal.base_url()).unwrap().to_owned();
    let output = fal.get(&path).await.body;
    assert_eq!(fal.get(&path).await.body, output);
    let url = output["images"][0]["url"].as_str().unwrap();
    assert_eq!(status(&fal, url).await, 404);
    let signed = platform(&fal, Method::POST, "sign", url, Some(&json!({ "expiration_seconds": 600 }))).await;
    let signed = signed.body["signed_url"].as_str().unwrap();
    assert_eq!(status(&fal, signed).await, 200);
    fal.advance_time(Duration::from_secs(60));
    assert_eq!(status(&fal, signed).await, 404);

    // The same request again has other files, and outputs are not uploads.
    let open = fal.run(INPAINTING, &inpainting()).await.body;
    let url = open["images"][0]["url"].as_str().unwrap();
    assert_eq!(status(&fal, url).await, 200);
    assert_eq!(fal.files().len(), 0);
    platform(&fal, Method::PUT, "acl", url, Some(&json!({ "default": "forbid" }))).await;
    assert_eq!(status(&fal, url).await, 403);
}
