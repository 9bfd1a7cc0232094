use std::time::Duration;

use fal_emulator::{Fault, Operation};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::fal::{Fal, send};

/// Returns a request of every storage operation. Each succeeds.
async fn requests(fal: &Fal) -> Vec<(Operation, RequestBuilder)> {
    let post = |path: &str| fal.request(Method::POST, &format!("/rest.fal.ai/storage/{path}?storage_type=fal-cdn-v3"));
    let plan = json!({ "content_type": "text/plain", "file_name": "a.txt" });
    let token = fal.token().await;
    let with_token = |method: Method, url: String| fal.http.request(method, url).header("authorization", &token);
    let cdn = format!("{}/v3.fal.media/files", fal.base_url());
    let (upload_url, _) = fal.initiate("gcs", "text/plain").await;
    let stored = fal.add_file("a.txt", "text/plain", b"0123456789").unwrap();
    let about: String = stored.url().bytes().map(|byte| format!("%{byte:02X}")).collect();
    let platform =
        |method, call: &str| fal.request(method, &format!("/api.fal.ai/v1/storage/files/{call}?url={about}"));

    let started = send(with_token(Method::POST, format!("{cdn}/upload/multipart"))).await.body;
    let parts =
        format!("{}/multipart/{}", started["access_url"].as_str().unwrap(), started["uploadId"].as_str().unwrap());
    let part = with_token(Method::PUT, format!("{parts}/1")).body("x");
    let etag = send(part.try_clone().unwrap()).await.body["etag"].clone();
    let to_google = fal.post("/rest.fal.ai/storage/upload/initiate-multipart?storage_type=gcs", &plan).await.body;
    let to_google = to_google["upload_url"].as_str().unwrap().strip_prefix(fal.base_url()).unwrap().to_owned();
    let listed = json!({ "parts": [{ "partNumber": 1, "etag": etag }] });
    vec![
        (Operation::CdnToken, post("auth/token").json(&json!({}))),
        (Operation::InitiateUpload, post("upload/initiate").json(&plan)),
        (Operation::InitiateMultipart, post("upload/initiate-multipart").json(&plan)),
        (Operation::Upload, with_token(Method::POST, format!("{cdn}/upload")).body("0123456789")),
        (Operation::StartMultipart, with_token(Method::POST, format!("{cdn}/upload/multipart"))),
        (Operation::PutFile, fal.http.put(upload_url).header("content-type", "text/plain").body("0123456789")),
        (Operation::SignPart, fal.request(Method::POST, &format!("{to_google}/1"))),
        (Operation::PutPart, part),
        (Operation::CompleteMultipart, with_token(Method::POST, format!("{parts}/complete")).json(&listed)),
        (Operation::Media, fal.http.get(stored.url())),
        (Operation::SignFile, platform(Method::POST, "sign").json(&json!({ "expiration_seconds": 60 }))),
        (Operation::FileAcl, platform(Method::GET, "acl")),
        (Operation::SetFileAcl, platform(Method::PUT, "acl").json(&json!({ "default": "allow" }))),
    ]
}

/// Reads a response to its end.
async fn whole(request: RequestBuilder) -> reqwest::Result<u16> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    response.bytes().await?;
    Ok(status)
}

#[tokio::test]
async fn storage_operations_take_faults() {
    let fal = Fal::instant().await;
    for (operation, request) in requests(&fal).await {
        let again = || request.try_clone().unwrap();
        for status in [401, 429, 500, 503] {
            fal.inject_fault(operation, Fault::respond(status).retry_after(Duration::from_secs(1)));
            let refused = again().send().await.unwrap();
            assert_eq!(refused.status(), status, "{operation:?}");
            assert_eq!(refused.headers()["retry-after"], "1");
        }
        for fault in [
            Fault::drop_request_after(5),
            Fault::drop_connection(),
            Fault::drop_connection().after_effect(),
            Fault::drop_response_in_head(),
            Fault::drop_response_after(1),
        ] {
            fal.inject_fault(operation, fault.clone());
            whole(again()).await.expect_err("a broken connection");
        }
        fal.inject_fault(operation, Fault::throttle(1, Duration::ZERO));
        assert_eq!(whole(again()).await.unwrap(), 200, "{operation:?}");
        assert_eq!(whole(again()).await.unwrap(), 200, "{operation:?}");
        assert!(fal.requests().iter().rev().take(11).all(|request| request.operation() == operation));
    }
    assert_eq!(fal.pending_faults(), 0);
}

#[tokio::test]
async fn upload_is_stored_if_the_fault_comes_after_its_effect() {
    let fal = Fal::instant().await;
    let token = fal.token().await;
    for (fault, kept) in [
        (Fault::respond(500), 0),
        (Fault::drop_request_after(2), 0),
        (Fault::drop_connection(), 0),
        (Fault::drop_connection().after_effect(), 1),
        (Fault::drop_response_in_head(), 2),
        (Fault::respond(503).after_effect(), 3),
    ] {
        fal.inject_fault(Operation::Upload, fault);
        let _ = fal.upload(&token, "a/b", "0123456789").send().await;
        assert_eq!(fal.files().len(), kept);
    }
}

#[tokio::test]
async fn single_part_can_fail() {
    let fal = Fal::instant().await;
    fal.inject_fault(Operation::PutPart, Fault::respond(500).when(|request| request.path().ends_with("/2")));
    let token = fal.token().await;
    let start = fal.http.post(format!("{}/v3.fal.media/files/upload/multipart", fal.base_url()));
    let started = send(start.header("authorization", &token)).await.body;
    let text = |name: &str| -> &Value { &started[name] };
    let put = |number: u32| {
        let url = format!(
            "{}/multipart/{}/{number}",
            text("access_url").as_str().unwrap(),
            text("uploadId").as_str().unwrap()
        );
        send(fal.http.put(url).header("authorization", &token).body("x"))
    };
    for (number, status) in [(1, 200), (3, 200), (2, 500), (2, 200)] {
        assert_eq!(put(number).await.status, status, "{number}");
    }
}

#[tokio::test]
async fn stalled_request_has_no_effect() {
    let fal = Fal::instant().await;
    let token = fal.token().await;
    fal.inject_fault(Operation::Upload, Fault::stall_request_after(10));
    let upload = tokio::spawn(fal.upload(&token, "a/b", vec![7; 16 << 20]).send());
    while fal.requests().len() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(send(fal.upload(&token, "a/b", "x")).await.status, 200);
    assert!(!upload.is_finished());
    upload.abort();
    assert_eq!(fal.files().len(), 1);
}
