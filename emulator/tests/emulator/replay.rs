//! Replays of what a recording kept.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fal_emulator::{Emulator, Fault, Operation, Pace};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fal::{Fal, INPAINTING, Job, inpainting, inpainting_with, send};
use crate::record::Recording;

async fn replay(folder: &Path) -> Fal {
    Fal::start(Emulator::builder().replay(folder).pace(Pace::instant())).await
}

/// A response as a client sees it, apart from the port of the emulator.
#[derive(Debug, PartialEq)]
struct Seen {
    status: u16,
    content_type: Option<String>,
    request_id: Option<String>,
    body: Vec<u8>,
}

async fn seen(fal: &Fal, request: reqwest::RequestBuilder) -> Seen {
    let response = request.send().await.unwrap();
    let header = |name: &str| Some(response.headers().get(name)?.to_str().unwrap().to_owned());
    let (status, content_type, request_id) =
        (response.status().as_u16(), header("content-type"), header("x-fal-request-id"));
    let body = response.bytes().await.unwrap().to_vec();
    let body = match String::from_utf8(body) {
        Ok(text) => text.replace(fal.base_url(), "BASE").into_bytes(),
        Err(error) => error.into_bytes(),
    };
    Seen { status, content_type, request_id, body }
}

/// Calls fal in each way, and returns what a client sees.
async fn session(fal: &Fal) -> Vec<Seen> {
    let post = |path: &str, body: &Value| fal.request(Method::POST, path).json(body);
    let get = |path: &str| fal.request(Method::GET, path);
    let mut all = Vec::new();

    // Direct runs: outputs, errors of the input, and faults of the service.
    let run = format!("/fal.run/{INPAINTING}");
    all.push(seen(fal, post(&run, &inpainting_with(json!({ "seed": 1 })))).await);
    all.push(seen(fal, post(&run, &inpainting_with(json!({ "seed": 2 })))).await);
    all.push(seen(fal, post(&run, &json!({ "prompt": 5 }))).await);
    all.push(seen(fal, post(&run, &inpainting_with(json!({ "seed": 429 })))).await);
    all.push(seen(fal, post(&run, &inpainting_with(json!({ "seed": 500 })))).await);
    all.push(seen(fal, post("/fal.run/acme/unknown", &json!({}))).await);

    // The media of an output.
    let output: Value = serde_json::from_slice(&all[0].body).unwrap();
    let media = output["images"][0]["url"].as_str().unwrap().replace("BASE", "");
    all.push(seen(fal, fal.anonymous(Method::GET, &media)).await);
    all.push(seen(fal, fal.anonymous(Method::GET, &media).header("range", "bytes=0-9")).await);
    all.push(seen(fal, fal.anonymous(Method::HEAD, &media)).await);
    all.push(seen(fal, fal.anonymous(Method::GET, "/v3.fal.media/files/missing.png")).await);

    // The queue: polled, streamed, cancelled, and the same input twice.
    let submit = format!("/queue.fal.run/{INPAINTING}");
    let mut jobs = Vec::new();
    for _ in 0..3 {
        let submitted = seen(fal, post(&submit, &inpainting())).await;
        let status: Value = serde_json::from_slice(&submitted.body).unwrap();
        let text = |name: &str| status[name].as_str().unwrap().replace("BASE", "");
        jobs.push(Job { id: text("request_id"), path: text("response_url") });
        all.push(submitted);
    }
    all.push(seen(fal, get(&format!("{}?logs=1", jobs[0].status()))).await);
    all.push(seen(fal, get(&jobs[0].path)).await);
    all.push(seen(fal, get(&format!("{}?logs=1", jobs[1].stream()))).await);
    all.push(seen(fal, get(&jobs[1].path)).await);
    all.push(seen(fal, fal.request(Method::PUT, &jobs[2].cancel())).await);
    all.push(seen(fal, get("/queue.fal.run/fal-ai/flux/requests/unknown/status")).await);

    // Streams.
    all.push(seen(fal, post("/fal.run/openrouter/router/stream", &json!({ "prompt": "Hi", "model": "m/n" }))).await);

    // Uploads, and an input with a file.
    let token = send(post("/rest.fal.ai/storage/auth/token?storage_type=fal-cdn-v3", &json!({}))).await.body;
    let header = format!("Bearer {}", token["token"].as_str().unwrap());
    let uploaded = seen(fal, fal.upload(&header, "text/plain", "the first file")).await;
    let url = serde_json::from_slice::<Value>(&uploaded.body).unwrap()["access_url"].as_str().unwrap().to_owned();
    all.push(uploaded);
    all.push(
        seen(fal, post(&run, &inpainting_with(json!({ "image_url": url.replace("BASE", fal.base_url()) })))).await,
    );
    all.push(seen(fal, fal.anonymous(Method::GET, &url.replace("BASE", ""))).await);

    // The platform API.
    all.push(seen(fal, get("/api.fal.ai/v1/models?limit=2")).await);
    all.push(seen(fal, get("/api.fal.ai/v1/models/pricing?endpoint_id=acme/unknown")).await);
    all.push(seen(fal, get("/rest.fal.ai/.well-known/jwks.json")).await);
    all
}

async fn recorded_session() -> (Recording, Vec<Seen>) {
    let recording = Recording::start(Pace::instant()).await;
    recording.upstream.inject_fault(Operation::Run, Fault::respond(429).nth(4));
    recording.upstream.inject_fault(Operation::Run, Fault::outcome(500).nth(5));
    let seen = session(&recording.fal).await;
    recording.fal.assert_finished();
    (recording, seen)
}

#[tokio::test]
async fn client_sees_the_same_bytes() {
    let (recording, recorded) = recorded_session().await;
    let Recording { fal, upstream, folder } = recording;
    fal.emulator.shutdown().await;
    upstream.emulator.shutdown().await;
    let fal = replay(folder.path()).await;
    let replayed = session(&fal).await;
    for (number, (replayed, recorded)) in replayed.iter().zip(&recorded).enumerate() {
        let text = |seen: &Seen| String::from_utf8_lossy(&seen.body).chars().take(500).collect::<String>();
        assert_eq!(
            (replayed.status, &replayed.content_type, &replayed.request_id, text(replayed)),
            (recorded.status, &recorded.content_type, &recorded.request_id, text(recorded)),
            "response {number}"
        );
        assert!(replayed.body == recorded.body, "response {number}");
    }
    let statuses: Vec<u16> = recorded.iter().map(|seen| seen.status).collect();
    assert!(statuses.starts_with(&[200, 200, 422, 429, 500, 404, 200, 206, 200, 404]), "{statuses:?}");
    fal.assert_finished();
    assert!(fal.unused_records().is_empty());
}

#[tokio::test]
async fn field_that_differs_is_named() {
    let recording = Recording::start(Pace::instant()).await;
    recording.fal.run(INPAINTING, &inpainting_with(json!({ "seed": 7 }))).await;
    recording.fal.run(INPAINTING, &inpainting_with(json!({ "seed": 9, "num_images": 2 }))).await;
    let fal = replay(recording.folder.path()).await;
    let reply = fal.run(INPAINTING, &inpainting_with(json!({ "seed": 8 }))).await;
    assert_eq!(reply.status, 404);
    let expected = "no record of POST /fal.run/fal-ai/fast-sdxl-controlnet-canny/inpainting: the nearest is \
                    0001-run-fal-run-fal-ai-fast-sdxl-controlnet-canny-inpainting.json: input.seed: recorded 7, received 8";
    assert_eq!(reply.body["detail"], expected);
    assert_eq!(fal.record_problems(), [expected]);
    let message = finished(&fal);
    assert!(message.contains(expected) && message.contains("records that were not used"), "{message}");
}

fn finished(fal: &Fal) -> String {
    *catch_unwind(AssertUnwindSafe(|| fal.assert_finished())).unwrap_err().downcast::<String>().unwrap()
}

#[tokio::test]
async fn request_is_served_as_often_as_it_was_recorded() {
    let recording = Recording::start(Pace::instant()).await;
    let first = recording.fal.submit(INPAINTING, &inpainting()).await;
    let second = recording.fal.submit(INPAINTING, &inpainting()).await;
    let fal = replay(recording.folder.path()).await;
    assert_eq!(fal.submit(INPAINTING, &inpainting()).await.id, first.id);
    assert_eq!(
        fal.unused_records(),
        ["0002-submit-queue-fal-run-fal-ai-fast-sdxl-controlnet-canny-inpainting.json: POST \
          /queue.fal.run/fal-ai/fast-sdxl-controlnet-canny/inpainting"]
    );
    assert_eq!(fal.submit(INPAINTING, &inpainting()).await.id, second.id);
    let third = fal.post(&format!("/queue.fal.run/{INPAINTING}"), &inpainting()).await;
    assert_eq!(third.status, 404);
    let detail = third.body["detail"].as_str().unwrap();
    assert!(detail.ends_with("but it was recorded 2 times and has been served"), "{detail}");
}

#[tokio::test]
async fn another_path_names_what_was_recorded() {
    let recording = Recording::start(Pace::instant()).await;
    recording.fal.run(INPAINTING, &inpainting()).await;
    let fal = replay(recording.folder.path()).await;
    let detail = fal.run("fal-ai/flux/dev", &json!({})).await.body["detail"].clone();
    assert_eq!(detail, format!("no record of POST /fal.run/fal-ai/flux/dev: recorded are /fal.run/{INPAINTING}"));
    let detail = fal.get("/api.fal.ai/v1/models").await.body["detail"].clone();
    assert_eq!(detail, "no record of GET /api.fal.ai/v1/models: no request of this kind was recorded");
}

#[tokio::test]
async fn files_match_by_content() {
    let recording = Recording::start(Pace::instant()).await;
    let mut uploaded = Vec::new();
    for text in ["the fox", "the lamp"] {
        let (upload, file) = recording.fal.initiate("fal-cdn-v3", "text/plain").await;
        recording.fal.http.put(upload).header("content-type", "text/plain").body(text).send().await.unwrap();
        uploaded.push(file);
    }
    let output = recording
        .fal
        .run(INPAINTING, &inpainting_with(json!({ "image_url": uploaded[0], "mask_url": uploaded[1] })))
        .await;

    // The files are uploaded in the other order, and so under other URLs.
    let fal = replay(recording.folder.path()).await;
    let mut uploaded = Vec::new();
    for text in ["the lamp", "the fox"] {
        let (upload, file) = fal.initiate("fal-cdn-v3", "text/plain").await;
        let put = fal.http.put(upload).header("content-type", "text/plain").body(text).send().await.unwrap();
        assert_eq!(put.status(), 200);
        uploaded.push(file);
    }
    let replayed =
        fal.run(INPAINTING, &inpainting_with(json!({ "image_url": uploaded[1], "mask_url": uploaded[0] }))).await;
    assert_eq!((replayed.status, &replayed.body["seed"]), (output.status, &output.body["seed"]));
    fal.assert_finished();

    // A data URI with the same content matches too.
    let fal = replay(recording.folder.path()).await;
    let uri = |text: &str| format!("data:text/plain;base64,{}", STANDARD.encode(text));
    let replayed = fal
        .run(INPAINTING, &inpainting_with(json!({ "image_url": uri("the fox"), "mask_url": uri("the lamp") })))
        .await;
    assert_eq!(replayed.status, output.status);
    let detail = fal
        .run(INPAINTING, &inpainting_with(json!({ "image_url": uri("another"), "mask_url": uri("the lamp") })))
        .await
        .body["detail"]
        .clone();
    assert!(detail.as_str().unwrap().contains("input.image_url: recorded \"file with the hash "), "{detail}");
}

/// Records a job that is polled and streamed through all its statuses.
async fn recorded_job() -> (Recording, Job) {
    let recording = Recording::start(Pace::manual()).await;
    let job = recording.fal.submit(INPAINTING, &inpainting()).await;
    loop {
        recording.fal.get(&format!("{}?logs=1", job.status())).await;
        if !recording.upstream.advance(&job.id) {
            break;
        }
    }
    recording.fal.get(&job.path).await;
    (recording, job)
}

#[tokio::test]
async fn statuses_progress_with_the_pace() {
    let (recording, job) = recorded_job().await;
    let status = async |fal: &Fal| fal.get(&job.status()).await.body["status"].as_str().unwrap().to_owned();

    let fal = replay(recording.folder.path()).await;
    fal.submit(INPAINTING, &inpainting()).await;
    assert_eq!(status(&fal).await, "COMPLETED");

    let fal = Fal::start(Emulator::builder().replay(recording.folder.path()).pace(Pace::manual())).await;
    fal.submit(INPAINTING, &inpainting()).await;
    let mut statuses = vec![status(&fal).await];
    while fal.advance(&job.id) {
        statuses.push(status(&fal).await);
    }
    assert_eq!(statuses, ["IN_QUEUE", "IN_QUEUE", "IN_PROGRESS", "IN_PROGRESS", "IN_PROGRESS", "COMPLETED"]);

    let pace = Pace::default().waiting(Duration::from_secs(100)).running(Duration::from_secs(100));
    let fal = Fal::start(Emulator::builder().replay(recording.folder.path()).pace(pace)).await;
    fal.submit(INPAINTING, &inpainting()).await;
    assert_eq!(status(&fal).await, "IN_QUEUE");
    fal.advance_time(Duration::from_secs(101));
    assert_eq!(status(&fal).await, "IN_PROGRESS");
    fal.advance_time(Duration::from_secs(100));
    assert_eq!(status(&fal).await, "COMPLETED");
    assert_eq!(fal.get(&job.path).await.status, 200);
    fal.assert_finished();
}

#[tokio::test]
async fn replayed_job_is_completed_over_http() {
    let (recording, job) = recorded_job().await;
    let fal = Fal::start(Emulator::builder().replay(recording.folder.path()).pace(Pace::manual())).await;
    fal.submit(INPAINTING, &inpainting()).await;
    let complete = async |id: &str| {
        let request = fal.anonymous(Method::POST, &format!("/emulator/jobs/{id}/complete"));
        let reply = send(request.json(&json!({}))).await;
        (reply.status, reply.body["advanced"].as_bool())
    };
    assert_eq!(complete(&job.id).await, (200, Some(true)));
    assert_eq!(fal.get(&job.status()).await.body["status"], "COMPLETED");
    assert_eq!(complete(&job.id).await, (200, Some(false)));
    assert_eq!(complete("unknown").await, (404, None));
}

#[tokio::test]
async fn statuses_progress_with_the_recorded_times() {
    let (recording, job) = recorded_job().await;
    let fal = Fal::start(Emulator::builder().replay(recording.folder.path()).replay_times(1e9)).await;
    fal.submit(INPAINTING, &inpainting()).await;
    assert_eq!(fal.get(&job.status()).await.body["status"], "IN_QUEUE");
    fal.advance_time(Duration::from_secs(50 * 365 * 86_400));
    assert_eq!(fal.get(&job.status()).await.body["status"], "COMPLETED");
}

#[tokio::test]
async fn polled_statuses_are_streamed() {
    let (recording, job) = recorded_job().await;
    let fal = replay(recording.folder.path()).await;
    fal.submit(INPAINTING, &inpainting()).await;
    let statuses = crate::fal::all_statuses(fal.request(Method::GET, &job.stream()).send().await.unwrap()).await;
    assert_eq!(statuses.last().unwrap()["status"], "COMPLETED");

    let fal = Fal::start(Emulator::builder().replay(recording.folder.path()).pace(Pace::manual())).await;
    fal.submit(INPAINTING, &inpainting()).await;
    let stream = fal.request(Method::GET, &job.stream()).send().await.unwrap();
    fal.complete(&job.id);
    let statuses = crate::fal::all_statuses(stream).await;
    let lines: usize = statuses.iter().filter_map(|status| Some(status["logs"].as_array()?.len())).sum();
    assert_eq!(lines, 2, "{statuses:?}");
}

#[tokio::test]
async fn cancelled_job_ends_when_the_client_cancels() {
    let recording = Recording::start(Pace::manual()).await;
    let job = recording.fal.submit(INPAINTING, &inpainting()).await;
    recording.fal.get(&job.status()).await;
    // The time of the cancellation is later than that of the status.
    let start = std::time::Instant::now();
    while start.elapsed() < Duration::from_millis(2) {
        tokio::task::yield_now().await;
    }
    recording.fal.put(&job.cancel()).await;
    recording.fal.get(&job.status()).await;
    recording.fal.get(&job.path).await;
    let fal = replay(recording.folder.path()).await;
    fal.submit(INPAINTING, &inpainting()).await;
    assert_eq!(fal.get(&job.status()).await.body["status"], "IN_QUEUE");
    assert_eq!(fal.put(&job.cancel()).await.status, 200);
    assert_eq!(fal.get(&job.status()).await.body["status"], "COMPLETED");
    assert_eq!(fal.get(&job.path).await.status, 499);
    fal.assert_finished();
}

#[tokio::test]
async fn client_replays_a_subscription_with_an_upload() {
    use fal_client::endpoints::fal_ai::flux::dev::redux;
    use fal_client::{Client, FileInput};

    let call = async |client: Client| {
        let image = FileInput::bytes(b"the bytes of a fox".as_slice(), "image/png");
        let input = redux::Input::builder().image_url(image).seed(3);
        let result = client.endpoint(redux::ENDPOINT).subscribe(input).await.unwrap();
        (result.request_id, result.data.images[0].url.clone())
    };
    let recording = Recording::start(Pace::instant()).await;
    let (request_id, url) = call(recording.fal.client()).await;
    recording.fal.assert_finished();
    recording.upstream.emulator.shutdown().await;
    let fal = replay(recording.folder.path()).await;
    let (replayed_id, replayed_url) = call(fal.client()).await;
    assert_eq!(replayed_id, request_id);
    assert_eq!(replayed_url.replace(fal.base_url(), ""), url.replace(recording.fal.base_url(), ""));
    fal.assert_finished();
}

/// Returns the error of a replay of a folder with one file.
async fn error_of(name: &str, text: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("files")).unwrap();
    fs::write(folder.path().join("files/real.png"), "png").unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    let error = Emulator::builder().replay(folder.path()).start().await.unwrap_err().to_string();
    error.replace(&format!("{}/", folder.path().display()), "")
}

#[tokio::test]
async fn damaged_records_are_errors() {
    let exchange =
        |request: Value, response: Value| json!({ "version": 1, "request": request, "response": response }).to_string();
    let request = json!({ "method": "GET", "url": "https://fal.run/a/b" });
    let file = |name: &str| json!({ "status": 200, "body": { "file": { "name": name, "sha256": "", "size": 3 } } });
    for (text, reason) in [
        (String::new(), "line 1, column 0: EOF while parsing a value"),
        ("{\n  \"version\": 1,\n".to_owned(), "line 3, column 0: EOF while parsing a value"),
        ("{\n  \"version\": 1,\n  \"requests\": 5\n}".to_owned(), "line 3, column 12: unknown field `requests`"),
        ("{\"version\": 1}".to_owned(), "expected either `request` and `response`, or `job`"),
        ("{\"version\": 2}".to_owned(), "unsupported version 2: expected 1"),
        ("[]".to_owned(), "line 1, column 2: invalid length 0, expected struct Record"),
        ("\u{feff}{}".to_owned(), "line 1, column 1: expected value"),
        (format!("{}1", "[".repeat(10_000)), "line 1"),
        (exchange(request.clone(), json!({ "status": 20 })), "invalid status 20: expected 200 to 599"),
        (exchange(request.clone(), json!({ "status": "200" })), "line 1, column"),
        (
            exchange(json!({ "method": "G E T", "url": "https://fal.run/a" }), json!({ "status": 200 })),
            "invalid method `G E T`",
        ),
        (
            exchange(json!({ "method": "GET", "url": "file:///etc/passwd" }), json!({ "status": 200 })),
            "invalid URL `file:///etc/passwd`: expected `https://HOST/…`",
        ),
        (exchange(request.clone(), file("../secret")), "invalid file name `../secret`: expected `files/NAME`"),
        (exchange(request.clone(), file("/etc/passwd")), "invalid file name `/etc/passwd`: expected `files/NAME`"),
        (exchange(request.clone(), file("files/../x")), "invalid file name `files/../x`: expected `files/NAME`"),
        (exchange(request.clone(), file("files/..")), "invalid file name `files/..`: expected `files/NAME`"),
        (exchange(request.clone(), file("files/gone.png")), "cannot read its file files/gone.png: "),
        (
            json!({ "version": 1, "job": { "url": "https://queue.fal.run/a/b/requests/r" } }).to_string(),
            "the job has no statuses",
        ),
    ] {
        let error = error_of("0001-run.json", text.as_bytes()).await;
        let expected = format!("invalid records:\n  0001-run.json: {reason}");
        assert!(error.starts_with(&expected), "{error}\nexpected {expected}");
    }
    let error = error_of("0001-run.json", &[b'{', 0xff, b'}']).await;
    assert!(error.contains("0001-run.json: line 1, column"), "{error}");
}

#[tokio::test]
async fn folder_without_records_is_an_error() {
    let error = error_of("notes.txt", b"notes").await;
    assert!(error.ends_with("the folder has no records; make them with `record`"), "{error}");
    let missing = Emulator::builder().replay("no/such/folder").start().await.unwrap_err().to_string();
    assert!(missing.starts_with("invalid records:\n  no/such/folder: cannot read the folder: "), "{missing}");
}

#[tokio::test]
async fn all_invalid_records_are_listed_and_other_files_passed_over() {
    let recording = Recording::start(Pace::instant()).await;
    recording.fal.run(INPAINTING, &inpainting()).await;
    let folder = recording.folder.path();
    for name in ["README.md", ".hidden.json", ".writing-abc"] {
        fs::write(folder.join(name), "{").unwrap();
    }
    let fal = replay(folder).await;
    assert_eq!(fal.run(INPAINTING, &inpainting()).await.status, 200);
    fal.assert_finished();
    fs::write(folder.join("a.json"), "{").unwrap();
    fs::create_dir(folder.join("b.json")).unwrap();
    let error = Emulator::builder().replay(folder).start().await.unwrap_err().to_string();
    assert!(error.contains("a.json: line 1") && error.contains("b.json: this is not a file"), "{error}");
}

#[tokio::test]
async fn records_can_be_edited_by_hand() {
    let recording = Recording::start(Pace::instant()).await;
    recording.fal.run(INPAINTING, &inpainting()).await;
    let (name, mut record) = recording.records().remove(0);
    record["response"]["body"]["json"] = json!({ "edited": [1, 2] });
    fs::write(recording.folder.path().join(name), serde_json::to_string_pretty(&record).unwrap()).unwrap();
    let fal = replay(recording.folder.path()).await;
    assert_eq!(fal.run(INPAINTING, &inpainting()).await.body, json!({ "edited": [1, 2] }));
}

#[tokio::test]
async fn edited_heads_are_served() {
    let recording = Recording::start(Pace::instant()).await;
    recording.fal.run(INPAINTING, &inpainting()).await;
    let (name, mut record) = recording.records().remove(0);
    record["response"]["headers"] = json!({
        "content-length": "3", "transfer-encoding": "chunked", "connection": "close", "a b": "c", "x-line": "a\nb", "x-kept": "d",
    });
    for body in [json!({ "text": "longer than that" }), Value::Null] {
        record["response"]["body"] = body.clone();
        fs::write(recording.folder.path().join(&name), record.to_string()).unwrap();
        let fal = replay(recording.folder.path()).await;
        let request = fal.request(Method::POST, &format!("/fal.run/{INPAINTING}")).json(&inpainting());
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["x-kept"], "d");
        assert_eq!(response.text().await.unwrap(), body["text"].as_str().unwrap_or_default());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn links_and_huge_records_are_refused() {
    let recording = Recording::start(Pace::instant()).await;
    recording.fal.run(INPAINTING, &inpainting()).await;
    let folder = recording.folder.path();
    let (name, mut record) = recording.records().remove(0);
    std::os::unix::fs::symlink("/etc/hostname", folder.join("files/link.png")).unwrap();
    record["response"]["body"] = json!({ "file": { "name": "files/link.png", "sha256": "", "size": 1 } });
    fs::write(folder.join(&name), record.to_string()).unwrap();
    let error = Emulator::builder().replay(folder).start().await.unwrap_err().to_string();
    assert!(error.ends_with("cannot read its file files/link.png: not a file"), "{error}");
    fs::File::create(folder.join(&name)).unwrap().set_len(257 << 20).unwrap();
    let error = Emulator::builder().replay(folder).start().await.unwrap_err().to_string();
    assert!(error.ends_with("the record has more than 256 MiB"), "{error}");
}

#[tokio::test]
async fn parts_of_a_file_match_by_content() {
    let upload = async |fal: &Fal, name: &str| {
        let body = json!({ "content_type": "text/plain", "file_name": name });
        let path = "/rest.fal.ai/storage/upload/initiate-multipart?storage_type=fal-cdn-v3";
        let started = fal.post(path, &body).await;
        assert_eq!(started.status, 200, "{started:?}");
        let (url, file) = (started.body["upload_url"].as_str().unwrap(), started.body["file_url"].as_str().unwrap());
        let (base, query) = url.split_once('?').unwrap();
        let mut parts = Vec::new();
        for (number, part) in [(1, vec![b'a'; 5 << 20]), (2, b"the end".to_vec())] {
            let put = fal.http.put(format!("{base}/{number}?{query}")).body(part).send().await.unwrap();
            assert_eq!(put.status(), 200);
            parts.push(json!({ "partNumber": number, "etag": put.headers()["etag"].to_str().unwrap() }));
        }
        let complete = fal.http.post(format!("{base}/complete?{query}")).json(&json!({ "parts": parts }));
        assert_eq!(send(complete).await.status, 200);
        file.to_owned()
    };
    let recording = Recording::start(Pace::instant()).await;
    let file = upload(&recording.fal, "1690000000.txt").await;
    let output = recording.fal.run(INPAINTING, &inpainting_with(json!({ "image_url": file }))).await;
    let fal = replay(recording.folder.path()).await;
    let file = upload(&fal, "1700000000.txt").await;
    let replayed = fal.run(INPAINTING, &inpainting_with(json!({ "image_url": file }))).await;
    assert_eq!((replayed.status, &replayed.body["seed"]), (output.status, &output.body["seed"]));
    fal.assert_finished();
}

#[tokio::test]
async fn records_serve_clients_of_real_hosts() {
    let recording = Recording::start(Pace::instant()).await;
    recording.fal.run(INPAINTING, &inpainting()).await;
    let fal = replay(recording.folder.path()).await;
    let body = inpainting().to_string();
    let request = format!(
        "POST http://fal.run/{INPAINTING} HTTP/1.1\r\nhost: fal.run\r\nauthorization: Key id:secret\r\ncontent-type: \
         application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (status, response) = crate::fal::raw(&fal, &request).await;
    assert_eq!(status, 200, "{response}");
    assert!(response.contains("\"url\":\"https://v3.fal.media/files/"), "{response}");
    fal.assert_finished();
}

#[tokio::test]
async fn whole_file_is_served_for_a_part_that_was_not_recorded() {
    let recording = Recording::start(Pace::instant()).await;
    let url = recording.fal.uploaded("text/plain", "0123456789").await;
    recording.fal.http.get(&url).send().await.unwrap().bytes().await.unwrap();
    let fal = replay(recording.folder.path()).await;
    let url = url.replace(recording.fal.base_url(), fal.base_url());
    let part = fal.http.get(&url).header("range", "bytes=3-4").send().await.unwrap();
    assert_eq!((part.status().as_u16(), part.text().await.unwrap().as_str()), (200, "0123456789"));
}
