use std::time::Duration;

use reqwest::header::ETAG;
use serde_json::{Value, json};

use crate::fal::{Fal, Reply, send};

/// A multipart upload.
struct Upload {
    /// The URL of a part, before and after its number.
    before: String,
    after: String,
    token: Option<String>,
    file_url: String,
}

impl Upload {
    /// Starts an upload with a CDN token.
    async fn with_token(fal: &Fal) -> Self {
        let token = fal.token().await;
        let start = fal
            .http
            .post(format!("{}/v3.fal.media/files/upload/multipart", fal.base_url()))
            .header("authorization", &token)
            .header("content-type", "video/mp4")
            .header("x-fal-file-name", "a.mp4");
        let started = send(start).await.body;
        let file_url = started["access_url"].as_str().unwrap().to_owned();
        let before = format!("{file_url}/multipart/{}", started["uploadId"].as_str().unwrap());
        Upload { before, after: String::new(), token: Some(token), file_url }
    }

    /// Starts an upload with a signed URL.
    async fn signed(fal: &Fal) -> Self {
        let path = "/rest.fal.ai/storage/upload/initiate-multipart?storage_type=fal-cdn-v3";
        let started = fal.post(path, &json!({ "content_type": "video/mp4", "file_name": "a.mp4" })).await.body;
        let (before, after) = started["upload_url"].as_str().unwrap().split_once('?').unwrap();
        let file_url = started["file_url"].as_str().unwrap().to_owned();
        Upload { before: before.to_owned(), after: format!("?{after}"), token: None, file_url }
    }

    async fn put(&self, fal: &Fal, number: &str, bytes: &'static str) -> Reply {
        let mut request = fal.http.put(format!("{}/{number}{}", self.before, self.after)).body(bytes);
        if let Some(token) = &self.token {
            request = request.header("authorization", token);
        }
        send(request).await
    }

    async fn complete(&self, fal: &Fal, body: &Value) -> Reply {
        let mut request = fal.http.post(format!("{}/complete{}", self.before, self.after)).json(body);
        if let Some(token) = &self.token {
            request = request.header("authorization", token);
        }
        send(request).await
    }
}

fn listed(parts: &[(u32, &Reply)]) -> Value {
    let parts: Vec<Value> =
        parts.iter().map(|(number, part)| json!({ "partNumber": number, "etag": part.body["etag"] })).collect();
    json!({ "parts": parts })
}

#[tokio::test]
async fn parts_become_a_file() {
    let fal = Fal::instant().await;
    for upload in [Upload::with_token(&fal).await, Upload::signed(&fal).await] {
        // Parts may come in any order, and may be replaced.
        let third = upload.put(&fal, "3", "ghi").await;
        let wrong = upload.put(&fal, "1", "xyz").await;
        let first = upload.put(&fal, "1", "abc").await;
        let second = upload.put(&fal, "2", "defdef").await;
        assert_eq!((first.status, &first.body["partNumber"]), (200, &json!(1)));
        assert_eq!(first.header(ETAG.as_str()), first.body["etag"].as_str());
        assert_ne!(first.body["etag"], wrong.body["etag"]);
        assert_eq!(fal.http.get(&upload.file_url).send().await.unwrap().status(), 404);

        let parts = listed(&[(2, &second), (1, &first), (3, &third)]);
        let completed = upload.complete(&fal, &parts).await;
        assert_eq!((completed.status, &completed.body["access_url"]), (200, &json!(upload.file_url)));
        let read = fal.http.get(&upload.file_url).send().await.unwrap();
        assert_eq!(read.headers()["content-type"], "video/mp4");
        assert_eq!(read.text().await.unwrap(), "abcdefdefghi");

        // The client may complete again if it lost the response.
        assert_eq!(upload.complete(&fal, &parts).await.status, 200);
        assert_eq!(upload.complete(&fal, &listed(&[(1, &first)])).await.status, 400);
        assert_eq!(upload.put(&fal, "4", "jkl").await.status, 400);
    }
    let files = fal.files();
    assert_eq!(files.len(), 2);
    for file in files {
        assert_eq!((file.name(), file.size(), file.parts()), ("a.mp4", 12, Some(3)));
    }
    assert!(fal.requests().iter().all(|request| request.mistake().is_none()));
}

#[tokio::test]
async fn gcs_parts_have_signed_urls() {
    let fal = Fal::instant().await;
    let path = "/rest.fal.ai/storage/upload/initiate-multipart?storage_type=gcs";
    let started = fal.post(path, &json!({ "content_type": "video/mp4", "file_name": "a.mp4" })).await.body;
    let (upload_url, file_url) = (started["upload_url"].as_str().unwrap(), started["file_url"].as_str().unwrap());
    assert!(file_url.contains("/storage.googleapis.com/"), "{file_url}");
    let below = upload_url.strip_prefix(fal.base_url()).unwrap();
    assert!(below.starts_with("/rest.fal.ai/"), "{below}");
    let mut parts = Vec::new();
    for (number, bytes) in [(2, "def"), (1, "abc")] {
        let signed = fal.post(&format!("{below}/{number}"), &json!({})).await;
        let part = fal.http.put(signed.body["upload_url"].as_str().unwrap()).body(bytes);
        let etag = send(part).await.header("etag").unwrap().trim_matches('"').to_owned();
        parts.push(json!({ "part_number": number, "etag": etag }));
    }
    let complete = format!("{below}/complete");
    assert_eq!(fal.post(&complete, &json!({ "parts": [{ "partNumber": 1, "etag": "x" }] })).await.status, 400);
    assert_eq!(fal.post(&complete, &json!({ "parts": parts })).await.status, 200);
    assert_eq!(fal.http.get(file_url).send().await.unwrap().text().await.unwrap(), "abcdef");
    assert_eq!(fal.files()[0].parts(), Some(2));
    assert!(fal.requests().iter().all(|request| request.mistake().is_none()));

    assert_eq!(fal.post("/rest.fal.ai/storage/upload/multipart/nothing/1", &json!({})).await.status, 404);
    assert_eq!(fal.post("/rest.fal.ai/storage/upload/multipart/nothing/complete", &json!({})).await.status, 404);
    for call in ["1", "complete"] {
        let anonymous = fal.anonymous(reqwest::Method::POST, &format!("{below}/{call}")).json(&json!({}));
        assert_eq!(send(anonymous).await.status, 401);
    }
}

#[tokio::test]
async fn etag_does_not_depend_on_the_parts() {
    let fal = Fal::instant().await;
    let upload = Upload::signed(&fal).await;
    let (first, second) = (upload.put(&fal, "1", "abc").await, upload.put(&fal, "2", "def").await);
    upload.complete(&fal, &listed(&[(1, &first), (2, &second)])).await;
    let whole = fal.uploaded("video/mp4", "abcdef").await;
    let mut etags = Vec::new();
    for url in [whole, upload.file_url] {
        etags.push(fal.http.head(url).send().await.unwrap().headers()[ETAG].clone());
    }
    assert_eq!(etags[0], etags[1]);
}

#[tokio::test]
async fn mismatched_parts_are_rejected() {
    let fal = Fal::instant().await;
    for upload in [Upload::with_token(&fal).await, Upload::signed(&fal).await] {
        for number in ["0", "10001", "-1", "one", "1.5"] {
            assert_eq!(upload.put(&fal, number, "x").await.status, 400, "{number}");
        }
        let first = upload.put(&fal, "1", "abc").await;
        let second = upload.put(&fal, "2", "def").await;
        let stale = json!({ "body": { "etag": "\"0000000012\"" } });
        let part = |number: i64, etag: &Value| json!({ "partNumber": number, "etag": etag });
        let (one, two) = (&first.body["etag"], &second.body["etag"]);
        for (body, reason) in [
            (json!({ "parts": [] }), "An upload has at least one part"),
            (json!({ "parts": [part(1, one)] }), "Part 2 was uploaded, but is not listed"),
            (json!({ "parts": [part(2, two)] }), "Part 1 is missing: parts are numbered from 1 without a gap"),
            (
                json!({ "parts": [part(1, one), part(3, two)] }),
                "Part 2 is missing: parts are numbered from 1 without a gap",
            ),
            (json!({ "parts": [part(1, one), part(2, two), part(3, two)] }), "Part 3 was not uploaded"),
            (json!({ "parts": [part(1, one), part(1, one)] }), "Part 1 is listed twice"),
            (
                json!({ "parts": [part(1, two), part(2, one)] }),
                &format!("Part 1 has another ETag than {}", two.as_str().unwrap()),
            ),
            (
                json!({ "parts": [part(1, one), part(2, &stale["body"]["etag"])] }),
                "Part 2 has another ETag than \"0000000012\"",
            ),
        ] {
            let refused = upload.complete(&fal, &body).await;
            assert_eq!((refused.status, &refused.body["detail"]), (400, &json!(reason)), "{body}");
        }
        for body in [
            json!({}),
            json!([]),
            json!({ "parts": [{ "part_number": 1, "etag": one }] }),
            json!({ "parts": [part(-1, one)] }),
        ] {
            assert_eq!(upload.complete(&fal, &body).await.status, 400, "{body}");
        }
        // Quotes are optional.
        let bare = json!(one.as_str().unwrap().trim_matches('"'));
        assert_eq!(upload.complete(&fal, &json!({ "parts": [part(1, &bare), part(2, two)] })).await.status, 200);
    }
}

#[tokio::test]
async fn parts_require_a_signature_or_token() {
    let fal = Fal::instant().await;
    let mut tokened = Upload::with_token(&fal).await;
    let signed = Upload::signed(&fal).await;
    let other = Upload::signed(&fal).await;

    // With the key, without credentials, and with the signature of another upload.
    let parts_of = |upload: &Upload| fal.http.put(format!("{}/1{}", upload.before, upload.after)).body("x");
    let keyed = send(parts_of(&tokened).header("authorization", "Key id:secret")).await;
    assert_eq!((keyed.status, fal.requests().last().unwrap().mistake().is_some()), (401, true));
    assert_eq!(send(parts_of(&tokened)).await.status, 401);
    let keyed = send(parts_of(&signed).header("authorization", "Key id:secret")).await;
    assert_eq!((keyed.status, fal.requests().last().unwrap().mistake().is_some()), (403, true));
    let swapped = fal.http.put(format!("{}/1{}", signed.before, other.after)).body("x");
    assert_eq!(send(swapped).await.status, 403);

    // An unknown upload, and an upload of another file.
    let token = fal.token().await;
    let lost = tokened.before.replace("/multipart/", "/multipart/0");
    assert_eq!(send(fal.http.put(format!("{lost}/1")).header("authorization", &token).body("x")).await.status, 404);
    let upload_id = tokened.before.rsplit('/').next().unwrap();
    let elsewhere = format!("{}/multipart/{upload_id}/1", signed.file_url);
    assert_eq!(send(fal.http.put(elsewhere).header("authorization", &token).body("x")).await.status, 404);

    // After expiry a new token works, but the signature does not.
    fal.advance_time(Duration::from_secs(24 * 3600));
    assert_eq!(tokened.put(&fal, "1", "x").await.status, 401);
    tokened.token = Some(fal.token().await);
    assert_eq!(tokened.put(&fal, "1", "x").await.status, 200);
    assert_eq!(signed.put(&fal, "1", "x").await.status, 403);
}
