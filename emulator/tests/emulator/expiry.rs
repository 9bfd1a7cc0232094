//! Results that the queue keeps no longer.

use std::time::Duration;

use fal_emulator::{Emulator, Fault, Operation, Pace};
use reqwest::Method;
use serde_json::json;

use crate::fal::{Fal, INPAINTING, Job, inpainting, send};

const MINUTE: Duration = Duration::from_secs(60);

async fn submit(fal: &Fal, store_io: &str) -> Job {
    let request = fal.request(Method::POST, &format!("/queue.fal.run/{INPAINTING}")).header("x-fal-store-io", store_io);
    let body = send(request.json(&inpainting())).await.body;
    let path = body["response_url"].as_str().unwrap().strip_prefix(fal.base_url()).unwrap().to_owned();
    Job { id: body["request_id"].as_str().unwrap().to_owned(), path }
}

#[tokio::test]
async fn unstored_result_expires_after_an_hour() {
    let fal = Fal::start(Emulator::builder().pace(Pace::instant())).await;
    let (unstored, stored) = (submit(&fal, "0").await, submit(&fal, "1").await);
    fal.advance_time(59 * MINUTE);
    assert_eq!(fal.get(&unstored.path).await.status, 200);
    fal.advance_time(MINUTE);
    let expired = fal.get(&unstored.path).await;
    assert_eq!((expired.status, expired.body["detail"].is_string()), (404, true));
    assert_eq!(fal.get(&unstored.status()).await.body["status"], "COMPLETED");
    assert_eq!(fal.get(&stored.path).await.status, 200);
    fal.advance_time(30 * 24 * 60 * MINUTE);
    assert_eq!(fal.get(&stored.path).await.status, 404);
}

#[tokio::test]
async fn large_unstored_result_expires_after_six_minutes() {
    let fal = Fal::start(Emulator::builder().pace(Pace::instant())).await;
    fal.inject_fault(Operation::Submit, Fault::outcome(200).json(&json!({ "text": "a".repeat(10 << 10) })));
    let job = submit(&fal, "0").await;
    fal.advance_time(5 * MINUTE);
    assert_eq!(fal.get(&job.path).await.status, 200);
    fal.advance_time(MINUTE);
    assert_eq!(fal.get(&job.path).await.status, 404);
}
