//! Recording, and what is kept. A second emulator plays the real fal.

use std::fs;
use std::path::{Path, PathBuf};

use fal_emulator::{Emulator, Fault, Operation, Pace};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fal::{APP, Fal, INPAINTING, connect, inpainting, inpainting_with, refused, send};

/// A recording emulator, and the one that plays the real fal.
pub(crate) struct Recording {
    pub(crate) fal: Fal,
    pub(crate) upstream: Fal,
    pub(crate) folder: TempDir,
}

impl Recording {
    pub(crate) async fn start(pace: Pace) -> Self {
        let upstream = Fal::start(Emulator::builder().pace(pace)).await;
        let folder = TempDir::new().unwrap();
        let builder = Emulator::builder().record(folder.path()).upstream(upstream.base_url());
        Recording { fal: Fal::start(builder).await, upstream, folder }
    }

    /// Returns the records by name.
    pub(crate) fn records(&self) -> Vec<(String, Value)> {
        records(self.folder.path())
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.records().into_iter().map(|(name, _)| name).collect()
    }
}

pub(crate) fn records(folder: &Path) -> Vec<(String, Value)> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut records: Vec<(String, Value)> = paths
        .filter(|path| path.is_file())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
        })
        .collect();
    records.sort_by(|left, right| left.0.cmp(&right.0));
    records
}

/// Returns all files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn requests_are_forwarded_and_kept() {
    let recording = Recording::start(Pace::instant()).await;
    let input = inpainting_with(json!({ "seed": 7 }));
    let reply = recording.fal.run(INPAINTING, &input).await;
    assert_eq!(reply.status, 200);
    let url = reply.body["images"][0]["url"].as_str().unwrap();
    assert!(url.starts_with(&format!("{}/v3.fal.media/", recording.fal.base_url())), "{url}");
    assert_eq!(recording.upstream.jobs().len(), 1);
    assert_eq!(recording.fal.jobs().len(), 0);
    let (name, record) = recording.records().remove(0);
    assert_eq!(name, "0001-run-fal-run-fal-ai-fast-sdxl-controlnet-canny-inpainting.json");
    assert_eq!(record["request"]["method"], "POST");
    assert_eq!(record["request"]["url"], format!("https://fal.run/{INPAINTING}"));
    assert_eq!(record["request"]["body"]["json"], input);
    assert_eq!(record["response"]["status"], 200);
    let kept = record["response"]["body"]["json"]["images"][0]["url"].as_str().unwrap();
    assert!(kept.starts_with("https://v3.fal.media/files/"), "{kept}");
    assert!(record["response"]["headers"]["x-fal-request-id"].is_string());
    recording.fal.assert_finished();
}

#[tokio::test]
async fn urls_of_inputs_lead_to_the_upstream() {
    let recording = Recording::start(Pace::instant()).await;
    let url = recording.fal.uploaded("text/plain", "not an image").await;
    assert!(url.starts_with(recording.fal.base_url()));
    recording.fal.run(INPAINTING, &inpainting_with(json!({ "image_url": url }))).await;
    let received = recording.upstream.requests_to(INPAINTING);
    let sent = received.inputs()[0]["image_url"].as_str().unwrap();
    assert!(sent.starts_with(recording.upstream.base_url()), "{sent}");
    assert_eq!(recording.upstream.files().len(), 1);
}

#[tokio::test]
async fn statuses_of_a_job_are_collapsed() {
    let recording = Recording::start(Pace::manual()).await;
    let (fal, upstream) = (&recording.fal, &recording.upstream);
    let job = fal.submit(INPAINTING, &inpainting()).await;
    loop {
        for _ in 0..3 {
            fal.get(&format!("{}?logs=1", job.status())).await;
        }
        if !upstream.advance(&job.id) {
            break;
        }
    }
    for _ in 0..2 {
        assert_eq!(fal.get(&job.path).await.status, 200);
    }
    let names = recording.names();
    assert_eq!(names.len(), 3, "{names:?}");
    let records = recording.records();
    let (_, statuses) = &records[1];
    assert_eq!(statuses["job"]["url"], format!("https://queue.fal.run/{APP}/requests/{}", job.id));
    let words: Vec<&str> = statuses["job"]["statuses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["body"]["json"]["status"].as_str().unwrap())
        .collect();
    assert_eq!(words, ["IN_QUEUE", "IN_QUEUE", "IN_PROGRESS", "IN_PROGRESS", "IN_PROGRESS", "COMPLETED"]);
}

#[tokio::test]
async fn secrets_are_not_kept() {
    const KEY: &str = "5c6ac9b1-0d2f-4f7e-9a51-cf2b9df0a3e7:0123456789abcdef0123456789abcdef";
    let recording = Recording::start(Pace::instant()).await;
    let fal = &recording.fal;
    let mut secrets = vec![KEY.to_owned(), "0123456789abcdef0123456789abcdef".to_owned()];
    let key = |request: reqwest::RequestBuilder| request.header("authorization", format!("Key {KEY}"));
    let post = |path: &str, body: &Value| key(fal.anonymous(Method::POST, path).json(body));

    // The key, in headers and in an input, and other secrets of an input.
    let image =
        "https://bucket.s3.us-east-1.amazonaws.com/a.png?X-Amz-Credential=AKIAEXAMPLE&X-Amz-Signature=51gn4tur3";
    let input = inpainting_with(json!({
        "prompt": format!("my key is {KEY}"),
        "image_url": image,
        "hf_token": "hf_qwertyuiop",
        "control_image_url": "https://me:pa55word@example.com/a.png",
    }));
    let path = format!("/queue.fal.run/{INPAINTING}?fal_webhook=https%3A%2F%2Fexample.com%2Fhook%3Fhush%3Dw3bh00k");
    let request =
        post(&path, &input).header("cookie", "session=c00kie-value").header("x-fal-proxy-token", "pr0xy-token");
    assert_eq!(send(request).await.status, 200);
    secrets.extend(
        ["AKIAEXAMPLE", "51gn4tur3", "hf_qwertyuiop", "pa55word", "w3bh00k", "c00kie-value", "pr0xy-token"]
            .map(str::to_owned),
    );

    // Tokens of the CDN, of an application, and in URLs.
    let token = send(post("/rest.fal.ai/storage/auth/token?storage_type=fal-cdn-v3", &json!({}))).await.body;
    secrets.push(token["token"].as_str().unwrap().to_owned());
    let header = format!("Bearer {}", token["token"].as_str().unwrap());
    assert_eq!(send(fal.upload(&header, "text/plain", "a file")).await.status, 200);
    let token = send(post(
        "/rest.fal.ai/tokens/",
        &json!({ "allowed_apps": [APP.split('/').next_back()], "token_expiration": 60 }),
    ))
    .await
    .body;
    let token = token.as_str().unwrap();
    secrets.push(token.to_owned());
    let path = format!("/fal.run/{INPAINTING}/stream?fal_jwt_token={token}");
    let stream = fal.anonymous(Method::POST, &path).json(&inpainting()).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    stream.bytes().await.unwrap();

    // Signed URLs.
    let body = json!({ "content_type": "text/plain", "file_name": "a.txt" });
    let initiated = send(post("/rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3", &body)).await.body;
    let url = initiated["upload_url"].as_str().unwrap();
    secrets.push(url.split_once("signature=").unwrap().1.split('&').next().unwrap().to_owned());
    let put = fal.http.put(url).header("content-type", "text/plain").body("signed").send().await.unwrap();
    assert_eq!(put.status(), 200);

    fal.assert_finished();
    let kept = files(recording.folder.path());
    assert!(kept.len() >= 9, "{kept:?}");
    for path in kept {
        let bytes = fs::read(&path).unwrap();
        for secret in &secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} is in {}", path.display());
        }
    }
}

#[tokio::test]
async fn own_key_is_replaced() {
    let upstream = Fal::start(Emulator::builder().key("real-key:of-the-user").pace(Pace::instant())).await;
    let folder = TempDir::new().unwrap();
    let builder =
        Emulator::builder().record(folder.path()).upstream(upstream.base_url()).record_key("real-key:of-the-user");
    let fal = Fal::start(builder).await;
    let own = fal.environment().into_iter().find(|(name, _)| *name == "FAL_KEY").unwrap().1;
    let request = fal.anonymous(Method::POST, &format!("/fal.run/{INPAINTING}")).json(&inpainting());
    assert_eq!(send(request.header("authorization", format!("Key {own}"))).await.status, 200);
    assert_eq!(fal.run(INPAINTING, &inpainting()).await.status, 401, "another key is sent as it is");
}

#[tokio::test]
async fn other_hosts_are_not_reached() {
    let recording = Recording::start(Pace::instant()).await;
    for host in ["example.com", "evilfal.run", "fal.run.evil.test", "127.0.0.1", "localhost:1", "%2e%2e"] {
        assert_eq!(recording.fal.get(&format!("/{host}/x")).await.status, 404, "{host}");
    }
    assert!(recording.upstream.requests().is_empty());
    assert_eq!(recording.fal.record_problems().len(), 6);
}

#[tokio::test]
async fn websockets_are_refused() {
    let recording = Recording::start(Pace::instant()).await;
    let key = [("authorization", "Key id:secret")];
    let connected = connect(&recording.fal, &format!("/fal.run/{INPAINTING}/realtime"), &key).await;
    assert_eq!(refused(connected), 501);
    let problems = recording.fal.record_problems();
    assert!(problems[0].contains("WebSockets are not recorded"), "{problems:?}");
}

#[tokio::test]
async fn unreachable_upstream_is_reported() {
    let Recording { fal, upstream, folder } = Recording::start(Pace::instant()).await;
    upstream.emulator.shutdown().await;
    let reply = fal.run(INPAINTING, &inpainting()).await;
    assert_eq!(reply.status, 502);
    assert!(reply.body["detail"].as_str().unwrap().starts_with("cannot reach the real fal: "), "{reply:?}");
    assert_eq!(fal.record_problems().len(), 1);
    assert!(records(folder.path()).is_empty());
}

#[tokio::test]
async fn broken_responses_are_not_kept() {
    let recording = Recording::start(Pace::instant()).await;
    recording.upstream.inject_fault(Operation::Run, Fault::drop_response_after(10));
    assert_eq!(recording.fal.run(INPAINTING, &inpainting()).await.status, 502);
    recording.upstream.inject_fault(Operation::Stream, Fault::drop_response_after(1));
    let stream = recording.fal.request(Method::POST, &format!("/fal.run/{INPAINTING}/stream")).json(&inpainting());
    assert!(stream.send().await.unwrap().bytes().await.is_err());
    let url = recording.fal.uploaded("text/plain", vec![b'x'; 1_000_000]).await;
    recording.upstream.inject_fault(Operation::Media, Fault::drop_response_after(500_000));
    assert!(recording.fal.http.get(url).send().await.unwrap().bytes().await.is_err());
    assert_eq!(recording.fal.record_problems().len(), 3, "{:?}", recording.fal.record_problems());
    assert_eq!(recording.names().len(), 2, "the token and the upload: {:?}", recording.names());
    let partial: Vec<_> =
        files(recording.folder.path()).into_iter().filter(|path| path.to_str().unwrap().contains(".writing")).collect();
    assert!(partial.is_empty(), "{partial:?}");
}

#[tokio::test]
async fn faults_apply_while_recording() {
    let recording = Recording::start(Pace::instant()).await;
    recording.fal.inject_fault(Operation::Run, Fault::respond(503));
    assert_eq!(recording.fal.run(INPAINTING, &inpainting()).await.status, 503);
    assert_eq!(recording.fal.run(INPAINTING, &inpainting()).await.status, 200);
    assert_eq!(recording.names().len(), 1);
    recording.fal.requests_to(INPAINTING).assert_count(2);
}

#[tokio::test]
async fn folder_with_records_is_refused() {
    let Recording { fal, upstream, folder } = Recording::start(Pace::instant()).await;
    fal.run(INPAINTING, &inpainting()).await;
    let error = Emulator::builder().record(folder.path()).upstream(upstream.base_url()).start().await.unwrap_err();
    let expected = format!(
        "invalid records:\n  {}: the folder has records, such as \
         0001-run-fal-run-fal-ai-fast-sdxl-controlnet-canny-inpainting.json; remove it, or choose another",
        folder.path().display()
    );
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn clients_of_real_hosts_are_recorded() {
    let recording = Recording::start(Pace::instant()).await;
    let input = inpainting_with(json!({ "image_url": "https://v3.fal.media/files/emulator/none.png" }));
    let body = input.to_string();
    let request = format!(
        "POST http://fal.run/{INPAINTING} HTTP/1.1\r\nhost: fal.run\r\nauthorization: Key id:secret\r\ncontent-type: \
         application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (status, response) = crate::fal::raw(&recording.fal, &request).await;
    assert_eq!(status, 422, "the file is missing: {response}");
    let sent = recording.upstream.requests_to(INPAINTING);
    let url = sent.inputs()[0]["image_url"].as_str().unwrap();
    assert!(url.starts_with(recording.upstream.base_url()), "{url}");
    assert_eq!(recording.records()[0].1["request"]["body"]["json"], input);
}

#[tokio::test]
async fn output_fields_are_kept_whatever_their_name() {
    let recording = Recording::start(Pace::instant()).await;
    let output = json!({ "output": "text", "token": "a word of a model" });
    recording.upstream.answer("openrouter/router", &output).unwrap();
    let reply = recording.fal.run("openrouter/router", &json!({ "prompt": "Hi", "model": "m/n" })).await;
    assert_eq!(reply.body, output);
    assert_eq!(recording.records()[0].1["response"]["body"]["json"], output);
}

#[tokio::test]
async fn statuses_of_a_long_job_are_limited() {
    let recording = Recording::start(Pace::manual().ahead(0).log_lines(250)).await;
    let job = recording.fal.submit(INPAINTING, &inpainting()).await;
    loop {
        recording.fal.get(&format!("{}?logs=1", job.status())).await;
        if !recording.upstream.advance(&job.id) {
            break;
        }
    }
    let (_, record) = recording.records().remove(1);
    let statuses = record["job"]["statuses"].as_array().unwrap();
    assert_eq!(statuses.len(), 201);
    assert_eq!(statuses[199]["body"]["json"]["logs"].as_array().unwrap().len(), 250);
    assert_eq!(statuses[200]["body"]["json"]["status"], "COMPLETED");
}
