//! The memory of an emulator that runs for long.

use std::time::Duration;

use fal_emulator::{Emulator, Fault, JobState, Operation, Pace, WebhookState};
use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::fal::{Fal, INPAINTING, connect, inpainting, inpainting_with};

const HISTORY: usize = 20;

/// A URL to which no webhook is delivered.
const HOOK: &str = "https://example.com/hook";

#[tokio::test]
async fn what_is_kept_stays_at_the_limit() {
    let fal = Fal::start(Emulator::builder().history(HISTORY).pace(Pace::instant())).await;
    fal.inject_fault(Operation::Status, Fault::respond(503).times(HISTORY as u64));
    for seed in 0..3 * HISTORY {
        let path = format!("/queue.fal.run/{INPAINTING}?fal_webhook={HOOK}");
        let reply = fal.post(&path, &inpainting_with(json!({ "seed": seed }))).await;
        let id = reply.body["request_id"].as_str().unwrap();
        fal.get(&format!("/queue.fal.run/fal-ai/fast-sdxl-controlnet-canny/requests/{id}/status")).await;
        fal.webhook_attempted(id, 1).await.unwrap();
    }
    let kept = || [fal.jobs().len(), fal.requests().len()];
    assert_eq!(kept(), [HISTORY; 2]);
    assert_eq!(fal.accepted_jobs(), 3 * HISTORY as u64);
    assert_eq!((fal.pending_faults(), fal.files().len()), (0, 0));
    assert!(fal.webhooks().iter().all(|webhook| webhook.state != WebhookState::Pending), "none waits");
    let seeds: Vec<_> = fal.jobs().iter().filter_map(|job| job.request().input()["seed"].as_u64()).collect();
    assert_eq!(seeds, (2 * HISTORY as u64..3 * HISTORY as u64).collect::<Vec<_>>(), "the latest");

    for _ in 0..3 * HISTORY {
        fal.run(INPAINTING, &inpainting()).await;
    }
    assert_eq!(kept(), [HISTORY; 2]);
    let key = [("authorization", "Key id:secret")];
    let mut socket = connect(&fal, &format!("/fal.run/{INPAINTING}/realtime/json"), &key).await.unwrap();
    for _ in 0..3 * HISTORY {
        socket.send(Message::text(inpainting().to_string())).await.unwrap();
        socket.next().await.unwrap().unwrap();
    }
    assert_eq!(kept(), [HISTORY; 2]);
    // Requests that are refused before they are read.
    for _ in 0..3 * HISTORY {
        fal.anonymous(Method::POST, &format!("/fal.run/{INPAINTING}")).send().await.unwrap();
    }
    assert_eq!(kept(), [HISTORY; 2]);
}

#[tokio::test]
async fn cancelled_jobs_make_room() {
    let pace = Pace::default().waiting(Duration::from_secs(3_600));
    let fal = Fal::start(Emulator::builder().history(HISTORY).pace(pace)).await;
    for _ in 0..3 * HISTORY {
        let job = fal.submit(INPAINTING, &inpainting()).await;
        assert_eq!(fal.put(&job.cancel()).await.status, 200);
    }
    assert_eq!(fal.jobs().len(), HISTORY);
    // Those that are cancelled stay so at the time at which they would have ended.
    fal.advance_time(Duration::from_secs(7_200));
    let job = fal.submit(INPAINTING, &inpainting()).await;
    let jobs = fal.jobs();
    assert_eq!((jobs.len(), jobs.iter().filter(|job| job.was_cancelled()).count()), (HISTORY, HISTORY - 1));
    assert_eq!(jobs[HISTORY - 1].request_id(), job.id);
    assert_eq!(jobs[HISTORY - 1].state(), JobState::Queued);
}

#[tokio::test]
async fn unfinished_jobs_fill_the_limit_and_leave_it() {
    let fal = Fal::start(Emulator::builder().history(HISTORY).pace(Pace::manual())).await;
    let mut first = None;
    for _ in 0..HISTORY {
        let job = fal.submit(INPAINTING, &inpainting()).await;
        first.get_or_insert(job.id);
    }
    let path = format!("/queue.fal.run/{INPAINTING}");
    for _ in 0..2 * HISTORY {
        assert_eq!(fal.post(&path, &inpainting()).await.status, 429);
    }
    assert_eq!((fal.jobs().len(), fal.accepted_jobs()), (HISTORY, HISTORY as u64));
    assert!(fal.complete(&first.unwrap()));
    assert_eq!(fal.post(&path, &inpainting()).await.status, 200);
    assert_eq!(fal.jobs().len(), HISTORY);
}
