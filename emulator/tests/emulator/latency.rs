use std::time::Duration;

use fal_emulator::{Emulator, Pace};
use serde_json::json;

use crate::fal::{Fal, INPAINTING, inpainting};

#[tokio::test]
async fn responses_come_after_the_latency() {
    let hour = Duration::from_secs(3600);
    let fal = Fal::start(Emulator::builder().pace(Pace::instant()).latency(hour)).await;
    let submission = tokio::spawn({
        let request = fal.request(reqwest::Method::POST, &format!("/queue.fal.run/{INPAINTING}")).json(&inpainting());
        async move { request.send().await.unwrap().status().as_u16() }
    });
    fal.wait_for_requests(INPAINTING, 1).await;
    assert_eq!(fal.accepted_jobs(), 0);
    assert!(!submission.is_finished());
    fal.advance_time(hour);
    assert_eq!(submission.await.unwrap(), 200);
    assert_eq!(fal.accepted_jobs(), 1);
}

#[tokio::test]
async fn errors_are_delayed_too() {
    let hour = Duration::from_secs(3600);
    let fal = Fal::start(Emulator::builder().latency(hour)).await;
    let invalid = tokio::spawn({
        let request = fal.request(reqwest::Method::POST, &format!("/fal.run/{INPAINTING}")).json(&json!({}));
        async move { request.send().await.unwrap().status().as_u16() }
    });
    fal.wait_for_requests(INPAINTING, 1).await;
    assert!(!invalid.is_finished());
    fal.advance_time(hour);
    assert_eq!(invalid.await.unwrap(), 422);
}
