use std::path::Path;
use std::time::Duration;

use fal_emulator::{Decimal, Emulator, EmulatorBuilder, Error, JobState, Pace, Price};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fal::{Fal, INPAINTING, Job, document, inpainting, inpainting_with};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn kept(file: &Path) -> EmulatorBuilder {
    Emulator::builder().state(file).pace(Pace::instant()).default_price(Price::usd(Decimal::new(1, 2), "units"))
}

async fn status(fal: &Fal, job: &Job) -> Value {
    fal.get(&job.status()).await.body
}

async fn bytes(fal: &Fal, path: &str) -> Vec<u8> {
    let response = fal.http.get(format!("{}{path}", fal.base_url())).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap().to_vec()
}

async fn refusal(file: &Path) -> String {
    let error = kept(file).start().await.expect_err("an error");
    assert!(matches!(error, Error::State { .. }), "{error}");
    error.to_string()
}

#[tokio::test]
async fn requests_files_and_bills_survive_a_restart() {
    let folder = folder();
    let file = folder.path().join("fal.db");
    let fal = Fal::start(kept(&file)).await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    let result = fal.get(&job.path).await.body;
    let image = result["images"][0]["url"].as_str().unwrap().replace(fal.base_url(), "");
    let drawn = bytes(&fal, &image).await;
    let upload = fal.add_file("fox.txt", "text/plain", b"a fox").unwrap();
    let upload = upload.url().replace(fal.base_url(), "");
    let billed = fal.billed();
    assert!(billed.cost() > Decimal::ZERO);
    fal.emulator.shutdown().await;

    let fal = Fal::start(kept(&file)).await;
    assert_eq!(fal.billed(), billed);
    assert_eq!(fal.accepted_jobs(), 1);
    assert_eq!(fal.jobs()[0].state(), JobState::Completed);
    assert_eq!(fal.jobs()[0].request().input(), &inpainting());
    let again = fal.get(&job.path).await.body;
    assert_eq!(again["seed"], result["seed"]);
    assert_eq!(bytes(&fal, &image).await, drawn);
    assert_eq!(bytes(&fal, &upload).await, b"a fox");
    fal.submit(INPAINTING, &inpainting()).await;
    assert_eq!(fal.accepted_jobs(), 2);
}

#[tokio::test]
async fn edits_of_uploads_have_the_same_bytes_after_a_restart() {
    let folder = folder();
    let file = folder.path().join("fal.db");
    let fal = Fal::start(kept(&file)).await;
    let source = fal.run(INPAINTING, &inpainting_with(json!({ "seed": 1 }))).await.body;
    let source =
        fal.http.get(source["images"][0]["url"].as_str().unwrap()).send().await.unwrap().bytes().await.unwrap();
    let source = fal.add_file("room.png", "image/png", &source).unwrap();
    let job = fal.submit(INPAINTING, &inpainting_with(json!({ "image_url": source.url() }))).await;
    fal.emulator.shutdown().await;

    let mut images = Vec::new();
    for _ in 0..2 {
        let fal = Fal::start(kept(&file)).await;
        let result = fal.get(&job.path).await.body;
        let image = result["images"][0]["url"].as_str().unwrap().replace(fal.base_url(), "");
        images.push(bytes(&fal, &image).await);
        fal.emulator.shutdown().await;
    }
    assert_eq!(images[0], images[1]);
}

#[tokio::test]
async fn progress_survives_a_restart() {
    let folder = folder();
    let file = folder.path().join("fal.db");
    let manual = || kept(&file).pace(Pace::manual());
    let fal = Fal::start(manual()).await;
    let (waiting, running, cancelled) = (
        fal.submit(INPAINTING, &inpainting()).await,
        fal.submit(INPAINTING, &inpainting()).await,
        fal.submit(INPAINTING, &inpainting()).await,
    );
    while status(&fal, &running).await["status"] == "IN_QUEUE" {
        assert!(fal.advance(&running.id));
    }
    fal.put(&cancelled.cancel()).await;
    fal.emulator.shutdown().await;

    let fal = Fal::start(manual()).await;
    assert_eq!(status(&fal, &waiting).await["status"], "IN_QUEUE");
    assert_eq!(status(&fal, &running).await["status"], "IN_PROGRESS");
    let status = status(&fal, &cancelled).await;
    assert_eq!((&status["status"], &status["error_type"]), (&json!("COMPLETED"), &json!("client_cancelled")));
    assert!(fal.complete(&waiting.id));
    assert_eq!(fal.billed().jobs(), 1);
}

#[tokio::test]
async fn undelivered_webhooks_are_delivered_after_a_restart() {
    let folder = folder();
    let file = folder.path().join("fal.db");
    let fal = Fal::start(kept(&file).pace(Pace::manual())).await;
    let path = format!("/queue.fal.run/{INPAINTING}?fal_webhook=http://127.0.0.1:9/hook?token=abc");
    let submitted = fal.request(reqwest::Method::POST, &path).json(&inpainting()).send().await.unwrap();
    let id = submitted.json::<Value>().await.unwrap()["request_id"].as_str().unwrap().to_owned();
    fal.emulator.shutdown().await;

    let fal = Fal::start(kept(&file)).await;
    let delivery = fal.webhook_attempted(&id, 1).await.expect("a webhook");
    assert_eq!(delivery.url, "http://127.0.0.1:9/hook?token=abc");
}

#[tokio::test]
async fn keys_are_not_in_the_file() {
    let folder = folder();
    let file = folder.path().join("fal.db");
    let fal = Fal::start(kept(&file).key("the-id:the-secret")).await;
    let request = fal.http.post(format!("{}/queue.fal.run/{INPAINTING}?fal_jwt_token=a-token", fal.base_url()));
    let request = request.header("authorization", "Key the-id:the-secret").header("cookie", "session=a-cookie");
    assert_eq!(request.json(&inpainting()).send().await.unwrap().status(), 200);
    fal.emulator.shutdown().await;
    let bytes = std::fs::read(&file).unwrap();
    let contains = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(contains("image_url"));
    for secret in ["the-secret", "a-token", "a-cookie"] {
        assert!(!contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn file_has_the_limits_of_the_memory() {
    let folder = folder();
    let file = folder.path().join("fal.db");
    let fal = Fal::start(kept(&file).history(3)).await;
    for _ in 0..10 {
        fal.submit(INPAINTING, &inpainting()).await;
    }
    let billed = fal.billed();
    fal.emulator.shutdown().await;
    let fal = Fal::start(kept(&file).history(3)).await;
    assert_eq!((fal.jobs().len(), fal.accepted_jobs()), (3, 10));
    assert_eq!(fal.billed(), billed);
    assert_eq!(fal.billed().jobs(), 10);
}

#[tokio::test]
async fn time_passes_while_the_emulator_is_off() {
    let folder = folder();
    let file = folder.path().join("fal.db");
    let slow = || kept(&file).pace(Pace::default().running(Duration::from_secs(3600)));
    let fal = Fal::start(slow()).await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    fal.emulator.shutdown().await;
    let fal = Fal::start(slow()).await;
    assert_ne!(status(&fal, &job).await["status"], "COMPLETED");
    fal.advance_time(Duration::from_secs(3700));
    assert_eq!(status(&fal, &job).await["status"], "COMPLETED");
}

#[tokio::test]
async fn other_emulator_is_refused() {
    let folder = folder();
    let file = folder.path().join("fal.db");
    let _fal = Fal::start(kept(&file)).await;
    assert!(refusal(&file).await.contains("another emulator uses it: stop that one"));
}

#[tokio::test]
async fn unusable_files_are_refused() {
    let folder = folder();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "no database, but some notes that are long enough to look at".repeat(20)).unwrap();
    assert!(refusal(&text).await.contains("it is not a state file: choose another file"));
    assert!(std::fs::read_to_string(&text).unwrap().starts_with("no database"));

    let missing = folder.path().join("missing/fal.db");
    assert!(refusal(&missing).await.contains("check that its folder exists"));
    assert!(refusal(folder.path()).await.contains("it cannot be opened"));
}

#[tokio::test]
async fn damaged_file_is_refused() {
    let folder = folder();
    let file = folder.path().join("fal.db");
    let fal = Fal::start(kept(&file)).await;
    for _ in 0..20 {
        fal.submit(INPAINTING, &inpainting()).await;
    }
    fal.emulator.shutdown().await;
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[4096..].fill(0xff);
    std::fs::write(&file, bytes).unwrap();
    assert!(refusal(&file).await.contains("it is damaged: restore or remove it"));
}

#[tokio::test]
async fn jobs_of_missing_endpoints_keep_their_numbers() {
    let folder = folder();
    let file = folder.path().join("fal.db");
    let plain = |id: &str| document(id, &json!({}), &json!({}), &json!({}));
    let fal = Fal::start(kept(&file).document(plain("me/first"))).await;
    let first = fal.submit("me/first", &json!({})).await;
    fal.emulator.shutdown().await;
    let fal = Fal::start(kept(&file).document(plain("me/second"))).await;
    assert_eq!(fal.get(&first.status()).await.status, 404);
    let second = fal.submit("me/second", &json!({})).await;
    fal.emulator.shutdown().await;

    let fal = Fal::start(kept(&file).document(plain("me/first")).document(plain("me/second"))).await;
    for job in [&first, &second] {
        assert_eq!(status(&fal, job).await["request_id"], job.id);
    }
    assert_eq!((fal.jobs().len(), fal.accepted_jobs()), (2, 2));
}

#[tokio::test]
async fn advance_of_the_clock_survives_a_restart() {
    let folder = folder();
    let file = folder.path().join("fal.db");
    let slow = || kept(&file).pace(Pace::default().running(Duration::from_secs(3600)));
    let fal = Fal::start(slow()).await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    fal.advance_time(Duration::from_secs(3700));
    assert_eq!(status(&fal, &job).await["status"], "COMPLETED");
    fal.emulator.shutdown().await;
    let fal = Fal::start(slow()).await;
    assert_eq!(status(&fal, &job).await["status"], "COMPLETED");
}

#[tokio::test]
async fn completed_jobs_stay_completed_at_a_slower_pace() {
    let folder = folder();
    let file = folder.path().join("fal.db");
    let fal = Fal::start(kept(&file)).await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    let billed = fal.billed();
    fal.emulator.shutdown().await;
    for pace in [Pace::manual(), Pace::default().running(Duration::from_secs(3600))] {
        let fal = Fal::start(kept(&file).pace(pace)).await;
        assert_eq!(status(&fal, &job).await["status"], "COMPLETED");
        assert_eq!((fal.billed(), fal.get(&job.path).await.status), (billed, 200));
        fal.emulator.shutdown().await;
    }
}

#[tokio::test]
async fn early_end_survives_a_pace_of_fewer_steps() {
    let folder = folder();
    let file = folder.path().join("fal.db");
    let fal = Fal::start(kept(&file).pace(Pace::manual().ahead(5))).await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    while status(&fal, &job).await["status"] == "IN_QUEUE" {
        assert!(fal.advance(&job.id));
    }
    fal.put(&job.cancel()).await;
    fal.emulator.shutdown().await;
    let fal = Fal::start(kept(&file)).await;
    assert_eq!(status(&fal, &job).await["error_type"], "client_cancelled");
}
