//! Direct runs whose client is gone.

use std::time::Duration;

use fal_emulator::{AcceptedJob, Decimal, Emulator, JobState, Pace, Price};
use futures_util::{StreamExt, pin_mut};
use reqwest::Method;
use serde_json::json;

use crate::fal::{Fal, INPAINTING, events, inpainting};

async fn slow() -> Fal {
    let price = Price::usd(Decimal::ONE, "units");
    let builder = Emulator::builder().pace(Pace::default().running(Duration::from_secs(600)));
    Fal::start(builder.default_price(price).concurrency(1)).await
}

/// Waits for a job in a state.
async fn job(fal: &Fal, state: JobState) -> AcceptedJob {
    loop {
        if let Some(job) = fal.jobs().into_iter().find(|job| job.state() == state) {
            return job;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn run_of_a_client_that_is_gone_ends() {
    let fal = slow().await;
    let request = fal.request(Method::POST, &format!("/fal.run/{INPAINTING}")).json(&inpainting());
    let run = tokio::spawn(request.send());
    job(&fal, JobState::Running).await;
    run.abort();
    let ended = job(&fal, JobState::Completed).await;
    assert!(!ended.was_cancelled());
    assert_eq!(fal.billed().cost(), Decimal::ZERO);
    let path = format!("/models/requests/by-endpoint?endpoint_id={INPAINTING}");
    assert_eq!(fal.platform(&path).await.body["items"][0]["status_code"], 499);
    // Its slot is free.
    let next = fal.request(Method::POST, &format!("/fal.run/{INPAINTING}")).json(&inpainting());
    let (reply, ()) = tokio::join!(next.send(), async {
        job(&fal, JobState::Running).await;
        fal.advance_time(Duration::from_secs(600));
    });
    assert_eq!(reply.unwrap().status(), 200);
    assert_eq!(fal.billed().cost(), Decimal::ONE);
}

#[tokio::test]
async fn stream_of_a_client_that_is_gone_ends() {
    let fal = slow().await;
    let request = fal.request(Method::POST, "/fal.run/openrouter/router/stream");
    let response = request.json(&json!({ "prompt": "a", "model": "b" })).send().await.unwrap();
    job(&fal, JobState::Running).await;
    drop(response);
    job(&fal, JobState::Completed).await;
    assert_eq!(fal.billed().cost(), Decimal::ZERO);

    let request = fal.request(Method::POST, "/fal.run/openrouter/router/stream");
    let response = request.json(&json!({ "prompt": "a", "model": "b" })).send().await.unwrap();
    fal.advance_time(Duration::from_secs(600));
    let events = events(response);
    pin_mut!(events);
    while events.next().await.is_some() {}
    assert_eq!(fal.billed().cost(), Decimal::ONE);
}
