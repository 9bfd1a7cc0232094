use fal_emulator::{Emulator, Operation, Pace};
use reqwest::Method;
use serde_json::json;

use crate::fal::{Fal, INPAINTING, document, raw, send};

/// Announces a large body, sends none of it, and returns the status of the response.
async fn announce(fal: &Fal, method: &str, path: &str, headers: &str) -> u16 {
    let head =
        format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 1000000000");
    raw(fal, &format!("{head}\r\n{headers}\r\n")).await.0
}

#[tokio::test]
async fn refused_requests_are_refused_before_their_body() {
    let fal = Fal::instant().await;
    let (upload_url, _) = fal.initiate("fal-cdn-v3", "text/plain").await;
    let upload = upload_url.strip_prefix(fal.base_url()).unwrap();
    let unsigned = upload.split('?').next().unwrap();
    let key = "authorization: Key id:secret\r\n";
    let run = format!("/fal.run/{INPAINTING}");
    for (method, path, headers, status) in [
        ("POST", "/", key, 404),
        ("POST", "/elsewhere/a", key, 404),
        ("PUT", "/v3.fal.media/files", key, 404),
        ("DELETE", run.as_str(), key, 405),
        ("PUT", run.as_str(), key, 405),
        ("POST", run.as_str(), "", 401),
        ("POST", run.as_str(), "authorization: Bearer x\r\n", 401),
        ("POST", "/fal.run/no/app", key, 404),
        ("POST", "/queue.fal.run/no/app", key, 404),
        ("PUT", "/queue.fal.run/fal-ai/flux/requests/unknown/cancel", key, 404),
        ("POST", "/rest.fal.ai/storage/auth/token?storage_type=fal-cdn-v3", "", 401),
        ("POST", "/rest.fal.ai/storage/upload/initiate", "", 401),
        ("POST", "/api.fal.ai/v1/storage/files/sign", "", 401),
        ("POST", "/v3.fal.media/files/upload", "", 401),
        ("POST", "/v3.fal.media/files/upload", key, 401),
        ("POST", "/v3.fal.media/files/upload", "authorization: Bearer x\r\n", 401),
        ("PUT", unsigned, "content-type: text/plain\r\n", 403),
        ("PUT", upload, "content-type: text/html\r\n", 403),
        ("PUT", upload, "content-type: text/plain\r\nauthorization: Key id:secret\r\n", 403),
        ("PUT", "/v3.fal.media/files/a/multipart/u/1", "", 401),
        // The body of an accepted path is too large.
        ("POST", run.as_str(), key, 413),
    ] {
        assert_eq!(announce(&fal, method, path, headers).await, status, "{method} {path} {headers}");
    }
    assert!(fal.requests().iter().skip(1).all(|request| request.body().is_empty() && request.body_size() == 0));
    assert!(fal.files().is_empty() && fal.jobs().is_empty());
}

#[tokio::test]
async fn parts_of_unknown_uploads_are_refused_before_their_body() {
    let fal = Fal::instant().await;
    let token = format!("authorization: {}\r\n", fal.token().await);
    let plan = json!({ "content_type": "video/mp4", "file_name": "a.mp4" });
    let start = fal.post("/rest.fal.ai/storage/upload/initiate-multipart?storage_type=fal-cdn-v3", &plan).await;
    let part = start.body["upload_url"].as_str().unwrap().strip_prefix(fal.base_url()).unwrap().to_owned();
    let (part, signature) = part.split_once('?').unwrap();
    for (path, headers, status) in [
        (format!("{part}/0?{signature}"), "", 400),
        (format!("{part}/10001?{signature}"), "", 400),
        (format!("{part}/one?{signature}"), "", 400),
        (format!("{part}x/1"), token.as_str(), 404),
        (format!("{part}/1?signature=0"), "", 403),
        ("/v3.fal.media/files/other/multipart/u/1".to_owned(), token.as_str(), 404),
    ] {
        assert_eq!(announce(&fal, "PUT", &path, headers).await, status, "{path}");
    }
}

#[tokio::test]
async fn client_that_sends_a_refused_body_gets_the_response() {
    let fal = Fal::instant().await;
    for (path, key, status) in [
        ("/elsewhere".to_owned(), "Key id:secret", 404),
        (format!("/fal.run/{INPAINTING}"), "", 401),
        ("/v3.fal.media/files/upload".to_owned(), "Bearer wrong", 401),
    ] {
        let request = fal.anonymous(Method::POST, &path).header("authorization", key).body(vec![b'x'; 32 << 20]);
        assert_eq!(send(request).await.status, status, "{path}");
    }
    assert!(fal.requests().iter().all(|request| request.body_size() == 0));
}

#[tokio::test]
async fn initiated_uploads_expire() {
    let fal = Fal::instant().await;
    let (upload_url, _) = fal.initiate("fal-cdn-v3", "text/plain").await;
    let put = || fal.http.put(&upload_url).header("content-type", "text/plain").body("x");
    assert_eq!(send(put()).await.status, 200);
    fal.advance_time(std::time::Duration::from_secs(3600));
    assert_eq!(send(put()).await.status, 403);
    assert_eq!(fal.files().len(), 1);
}

#[tokio::test]
async fn initiated_uploads_are_limited() {
    let fal = Fal::instant().await;
    let plan = json!({ "content_type": "text/plain", "file_name": "a.txt" });
    let path = "/rest.fal.ai/storage/upload/initiate-multipart?storage_type=gcs";
    for _ in 0..10_000 {
        assert_eq!(fal.post(path, &plan).await.status, 200);
    }
    let refused = fal.post(path, &plan).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.body, json!({ "detail": "the emulator's limit of 10000 multipart uploads is reached" }));
    fal.advance_time(std::time::Duration::from_secs(3 * 86_400));
    assert_eq!(fal.post(path, &plan).await.status, 200);
}

#[tokio::test]
async fn long_names_of_initiated_uploads_are_refused() {
    let fal = Fal::instant().await;
    for call in ["initiate", "initiate-multipart"] {
        let path = format!("/rest.fal.ai/storage/upload/{call}?storage_type=gcs");
        for plan in [
            json!({ "content_type": "text/plain", "file_name": "a".repeat(1_025) }),
            json!({ "content_type": "a".repeat(1_025), "file_name": "a" }),
            json!({ "content_type": "text/plain", "file_name": "ä".repeat(1_000_000) }),
        ] {
            assert_eq!(fal.post(&path, &plan).await.status, 400);
        }
        assert_eq!(
            fal.post(&path, &json!({ "content_type": "a/b", "file_name": "a".repeat(1_024) })).await.status,
            200
        );
    }
}

#[tokio::test]
async fn unfinished_uploads_leave_nothing() {
    let fal = Fal::instant().await;
    let token = fal.token().await;
    let head = format!(
        "POST /v3.fal.media/files/upload HTTP/1.1\r\nhost: localhost\r\nauthorization: {token}\r\ncontent-length: 100\r\n\r\nabc"
    );
    let mut connection = tokio::net::TcpStream::connect(fal.base_url().trim_start_matches("http://")).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut connection, head.as_bytes()).await.unwrap();
    while !fal.requests().iter().any(|request| request.operation() == Operation::Upload) {
        tokio::task::yield_now().await;
    }
    drop(connection);
    assert_eq!(fal.uploaded("a/b", "whole").await.len(), fal.files()[0].url().len());
    assert_eq!(fal.files().len(), 1);
}

#[tokio::test]
async fn unfinished_jobs_are_limited() {
    let plain = document("me/plain", &json!({}), &json!({}), &json!({}));
    let fal = Fal::start(Emulator::builder().document(plain).pace(Pace::manual())).await;
    for _ in 0..10_000 {
        assert_eq!(fal.post("/queue.fal.run/me/plain", &json!({})).await.status, 200);
    }
    let refused = fal.post("/queue.fal.run/me/plain", &json!({})).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.body, json!({ "detail": "the emulator's limit of 10000 unfinished jobs is reached" }));
    assert_eq!(refused.header("x-fal-request-id"), None);
    assert_eq!(fal.jobs().len(), 10_000);
    fal.complete(fal.jobs()[7].request_id());
    assert_eq!(fal.post("/queue.fal.run/me/plain", &json!({})).await.status, 200);
    assert_eq!(fal.jobs().len(), 10_000);
}
