use std::time::Duration;

use fal_emulator::{Emulator, Operation};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fal::{Fal, Reply, send};

#[tokio::test]
async fn file_is_uploaded_with_a_token() {
    let fal = Fal::instant().await;
    let lifecycle = r#"{"expiration_duration_seconds": 86400, "initial_acl": {"default": "allow", "rules": [
        {"user": "u", "decision": "allow"}]}}"#
        .replace('\n', " ");
    let upload = fal
        .upload(&fal.token().await, "text/plain; charset=utf-8", "hällo")
        .header("x-fal-file-name", "a b.txt")
        .header("x-fal-object-lifecycle", &lifecycle)
        .header("x-fal-object-lifecycle-preference", &lifecycle);
    let uploaded = send(upload).await;
    assert_eq!(uploaded.status, 200);
    let url = uploaded.body["access_url"].as_str().unwrap();
    assert!(url.starts_with(&format!("{}/v3.fal.media/files/", fal.base_url())), "{url}");
    assert!(url.ends_with("_a%20b.txt"), "{url}");

    let read = fal.http.get(url).send().await.unwrap();
    assert_eq!(read.status(), 200);
    assert_eq!(read.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(read.headers()["content-length"], "6");
    assert_eq!(read.headers()["accept-ranges"], "bytes");
    assert_eq!(read.text().await.unwrap(), "hällo");

    let [file] = fal.files().try_into().unwrap();
    assert_eq!((file.url(), file.name(), file.content_type()), (url, "a b.txt", "text/plain; charset=utf-8"));
    assert_eq!((file.size(), file.parts()), (6, None));
    assert_eq!(file.bytes().unwrap(), "hällo".as_bytes());
    assert_eq!(file.sha256().unwrap(), "0fbc7403536f425ad5498d9cd846497f5371ba8374b1aa583c79d2f0c87501ff");
    assert_eq!(file.expires_after(), Some(Duration::from_secs(86_400)));
    assert_eq!(file.acl(), json!({ "default": "allow", "rules": [{ "user": "u", "decision": "allow" }] }));
    for request in fal.requests() {
        assert_eq!(request.mistake(), None, "{request:?}");
    }
    let upload = &fal.requests()[1];
    assert_eq!((upload.operation(), upload.body_size(), upload.body()), (Operation::Upload, 6, &b""[..]));
}

#[tokio::test]
async fn file_is_uploaded_to_a_signed_url() {
    let fal = Fal::instant().await;
    for (storage_type, host) in [("fal-cdn-v3", "v3.fal.media/files/"), ("gcs", "storage.googleapis.com/")] {
        let (upload_url, file_url) = fal.initiate(storage_type, "text/plain").await;
        let start = format!("{}/{host}", fal.base_url());
        assert!(upload_url.starts_with(&start) && file_url.starts_with(&start), "{upload_url} {file_url}");
        assert!(upload_url.contains('?') && !file_url.contains('?'));
        // The file does not exist yet.
        assert_eq!(fal.http.get(&file_url).send().await.unwrap().status(), 404);
        let put = |body: &'static str| fal.http.put(&upload_url).header("content-type", "text/plain").body(body);
        assert_eq!(send(put("one")).await.status, 200);
        assert_eq!(fal.http.get(&file_url).send().await.unwrap().text().await.unwrap(), "one");
        // A second upload replaces it.
        assert_eq!(send(put("two!")).await.status, 200);
        assert_eq!(fal.http.get(&file_url).send().await.unwrap().text().await.unwrap(), "two!");
    }
    let files: Vec<_> = fal.files().iter().map(|file| (file.name().to_owned(), file.size())).collect();
    assert_eq!(files, [("a.txt".to_owned(), 4), ("a.txt".to_owned(), 4)]);
    assert!(fal.requests().iter().all(|request| request.mistake().is_none()));
}

#[tokio::test]
async fn initiated_upload_honours_the_lifecycle() {
    let fal = Fal::instant().await;
    let initiate = fal
        .request(Method::POST, "/rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3")
        .header("x-fal-object-lifecycle", r#"{"expiration_duration_seconds":60}"#)
        .json(&json!({ "content_type": "text/plain", "file_name": "ä/../b.txt" }));
    let initiated = send(initiate).await.body;
    let put = fal.http.put(initiated["upload_url"].as_str().unwrap()).header("content-type", "text/plain").body("x");
    assert_eq!(send(put).await.status, 200);
    let file_url = initiated["file_url"].as_str().unwrap();
    assert_eq!(fal.http.get(file_url).send().await.unwrap().status(), 200);
    let [file] = fal.files().try_into().unwrap();
    assert_eq!((file.name(), file.url()), ("ä/../b.txt", file_url));
    assert_eq!(file.expires_after(), Some(Duration::from_secs(60)));

    fal.advance_time(Duration::from_secs(60));
    assert_eq!(fal.http.get(file_url).send().await.unwrap().status(), 404);
    assert_eq!(fal.files().len(), 0);
}

#[tokio::test]
async fn empty_file_is_accepted() {
    let fal = Fal::instant().await;
    let url = fal.uploaded("text/plain", "").await;
    let read = fal.http.get(&url).send().await.unwrap();
    assert_eq!((read.status().as_u16(), read.content_length()), (200, Some(0)));
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(fal.files()[0].sha256().unwrap(), empty);
}

#[tokio::test]
async fn missing_metadata_has_defaults() {
    let fal = Fal::instant().await;
    let request = fal.http.post(format!("{}/v3.fal.media/files/upload", fal.base_url()));
    assert_eq!(send(request.header("authorization", fal.token().await).body("x")).await.status, 200);
    let [file] = fal.files().try_into().unwrap();
    assert_eq!((file.name(), file.content_type()), ("upload.bin", "application/octet-stream"));
    assert_eq!((file.expires_after(), file.expires_at()), (None, None));
    assert_eq!(file.acl(), json!({ "default": "allow", "rules": [] }));
}

#[tokio::test]
async fn large_file_is_stored_completely() {
    let fal = Fal::instant().await;
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    // Two uploads in parallel, so that their bytes interleave in the temporary file.
    let body = || {
        let chunks: Vec<std::io::Result<Vec<u8>>> = bytes.chunks(70_001).map(|chunk| Ok(chunk.to_vec())).collect();
        reqwest::Body::wrap_stream(futures_util::stream::iter(chunks))
    };
    let token = fal.token().await;
    let (one, two) = (send(fal.upload(&token, "a/b", body())), send(fal.upload(&token, "a/b", body())));
    let (one, two) = futures_util::future::join(one, two).await;
    for uploaded in [one, two] {
        let read = fal.http.get(uploaded.body["access_url"].as_str().unwrap()).send().await.unwrap();
        assert!(read.bytes().await.unwrap() == bytes);
    }
    for file in fal.files() {
        assert!(file.bytes().unwrap() == bytes);
    }
}

#[tokio::test]
async fn token_requires_the_key() {
    let fal = Fal::start(Emulator::builder().key("mine:secret")).await;
    let ask = |key: Option<&str>, query: &str| {
        let mut request =
            fal.anonymous(Method::POST, &format!("/rest.fal.ai/storage/auth/token{query}")).json(&json!({}));
        if let Some(key) = key {
            request = request.header("authorization", key);
        }
        send(request)
    };
    let good = ask(Some("Key mine:secret"), "?storage_type=fal-cdn-v3").await;
    assert_eq!(good.status, 200);
    assert_eq!(good.body["token_type"], "Bearer");
    assert_eq!(good.body["base_url"], format!("{}/v3.fal.media", fal.base_url()));
    assert!(good.body["expires_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(ask(None, "?storage_type=fal-cdn-v3").await.status, 401);
    assert_eq!(ask(Some("Key other"), "?storage_type=fal-cdn-v3").await.status, 401);
    assert_eq!(ask(Some("Key mine:secret"), "?storage_type=gcs").await.status, 400);
    assert_eq!(ask(Some("Key mine:secret"), "").await.status, 400);
}

#[tokio::test]
async fn expired_token_is_rejected() {
    let fal = Fal::start(Emulator::builder().token_lifetime(Duration::from_secs(60))).await;
    let token = fal.token().await;
    assert_eq!(send(fal.upload(&token, "a/b", "x")).await.status, 200);
    fal.advance_time(Duration::from_secs(60));
    let late = send(fal.upload(&token, "a/b", "x")).await;
    assert_eq!((late.status, late.body), (401, json!({ "detail": "The token has expired" })));
    assert_eq!(send(fal.upload(&fal.token().await, "a/b", "x")).await.status, 200);
    assert_eq!(fal.files().len(), 2);

    let fal = Fal::start(Emulator::builder().token_lifetime(Duration::MAX)).await;
    assert_eq!(send(fal.upload(&fal.token().await, "a/b", "x")).await.status, 200);
}

#[tokio::test]
async fn upload_requires_a_token() {
    let fal = Fal::instant().await;
    let token = fal.token().await;
    let secret = token.strip_prefix("Bearer ").unwrap();
    for (header, is_mistake) in [
        ("Key id:secret".to_owned(), true),
        (format!("Key {secret}"), true),
        (format!("Token {secret}"), true),
        (secret.to_owned(), true),
        ("Bearer nothing".to_owned(), false),
    ] {
        for path in ["upload", "upload/multipart"] {
            let request = fal.http.post(format!("{}/v3.fal.media/files/{path}", fal.base_url()));
            let refused = send(request.header("authorization", &header).body("x")).await;
            assert_eq!(refused.status, 401, "{header} {path}");
            assert_eq!(fal.requests().last().unwrap().mistake().is_some(), is_mistake, "{header} {path}");
        }
    }
    let none = fal.http.post(format!("{}/v3.fal.media/files/upload", fal.base_url())).body("x");
    assert_eq!(send(none).await.status, 401);
    assert_eq!(fal.files().len(), 0);
}

#[tokio::test]
async fn put_requires_the_signed_url() {
    let fal = Fal::instant().await;
    let (upload_url, file_url) = fal.initiate("gcs", "text/plain").await;
    let (other_url, _) = fal.initiate("gcs", "text/plain").await;
    let put = async |url: &str, authorization: Option<&str>, content_type: &str| -> Reply {
        let mut request = fal.http.put(url).header("content-type", content_type).body("x");
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        send(request).await
    };
    let token = fal.token().await;
    let wrong = upload_url.replace('?', "?x=y&").replace("Signature=", "Signature=0");
    let swapped = format!("{file_url}?{}", other_url.split_once('?').unwrap().1);
    for (url, authorization, content_type, is_mistake) in [
        (upload_url.as_str(), Some("Key id:secret"), "text/plain", true),
        (&upload_url, Some(token.as_str()), "text/plain", true),
        (&upload_url, None, "text/html", false),
        (&file_url, None, "text/plain", false),
        (&wrong, None, "text/plain", false),
        (&swapped, None, "text/plain", false),
    ] {
        assert_eq!(put(url, authorization, content_type).await.status, 403, "{url} {authorization:?} {content_type}");
        assert_eq!(fal.requests().last().unwrap().mistake().is_some(), is_mistake);
    }
    fal.advance_time(Duration::from_secs(3600));
    let late = put(&upload_url, None, "text/plain").await;
    assert_eq!((late.status, late.body), (403, json!({ "detail": "The signature has expired" })));
    assert_eq!(fal.files().len(), 0);
}

#[tokio::test]
async fn initiate_requires_the_key_and_both_fields() {
    let fal = Fal::instant().await;
    for path in ["initiate", "initiate-multipart"] {
        let path = format!("/rest.fal.ai/storage/upload/{path}?storage_type=fal-cdn-v3");
        let good = json!({ "content_type": "a/b", "file_name": "c" });
        assert_eq!(send(fal.anonymous(Method::POST, &path).json(&good)).await.status, 401);
        let token = fal.anonymous(Method::POST, &path).header("authorization", fal.token().await);
        assert_eq!(send(token.json(&good)).await.status, 401);
        let bad = fal.post(&path, &json!({ "file_name": 7 })).await;
        assert_eq!(bad.status, 422);
        let kinds: Vec<&Value> = bad.body["detail"].as_array().unwrap().iter().map(|detail| &detail["type"]).collect();
        assert_eq!(kinds, ["missing", "string_type"]);
        assert_eq!(fal.post(&path.replace("v3", "v9"), &good).await.status, 400);
        assert_eq!(fal.post(&path, &good).await.status, 200);
    }
    // Older clients send no storage type.
    let old =
        fal.post("/rest.fal.ai/storage/upload/initiate", &json!({ "content_type": "a/b", "file_name": "c" })).await;
    assert!(old.body["file_url"].as_str().unwrap().contains("/storage.googleapis.com/"));
}

#[tokio::test]
async fn malformed_lifecycle_is_a_mistake_and_ignored() {
    let fal = Fal::instant().await;
    let upload = fal.upload(&fal.token().await, "a/b", "x").header("x-fal-object-lifecycle", r#"{"expires_in": "1h"}"#);
    assert_eq!(send(upload).await.status, 200);
    assert!(fal.requests().last().unwrap().mistake().is_some());
    assert_eq!(fal.files()[0].expires_after(), None);
}

#[tokio::test]
async fn add_file_makes_a_file_readable() {
    let fal = Fal::instant().await;
    let file = fal.add_file("a.bin", "application/zip", b"zip").unwrap();
    let read = fal.http.get(file.url()).send().await.unwrap();
    assert_eq!(read.headers()["content-type"], "application/zip");
    assert_eq!(read.text().await.unwrap(), "zip");
    assert_eq!(fal.files().len(), 1);
}
