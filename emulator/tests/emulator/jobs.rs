use fal_emulator::{Fault, JobState, Operation};
use reqwest::Method;

use crate::fal::{Fal, INPAINTING, inpainting, inpainting_with};

#[tokio::test]
async fn accepted_requests_are_jobs() {
    let fal = Fal::manual().await;
    let queued = fal.submit(INPAINTING, &inpainting()).await;
    fal.run(INPAINTING, &inpainting()).await;
    // These are rejected.
    fal.inject_fault(Operation::Submit, Fault::respond(503));
    fal.post(&format!("/queue.fal.run/{INPAINTING}"), &inpainting()).await;
    fal.post("/queue.fal.run/unknown/nothing", &inpainting()).await;
    fal.anonymous(Method::POST, &format!("/fal.run/{INPAINTING}")).send().await.unwrap();
    // This one is accepted, but its response is lost.
    fal.inject_fault(Operation::Submit, Fault::drop_connection().after_effect());
    let lost = fal.request(Method::POST, &format!("/queue.fal.run/{INPAINTING}")).json(&inpainting());
    lost.send().await.expect_err("a closed connection");

    let jobs = fal.jobs();
    assert_eq!(jobs.iter().map(|job| job.is_direct()).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(jobs[0].request_id(), queued.id);
    assert_eq!(jobs[0].endpoint(), INPAINTING);
    assert_eq!(jobs[0].request().input(), &inpainting());
    let states: Vec<_> = jobs.iter().map(|job| (job.state(), job.has_started(), job.was_cancelled())).collect();
    let waits = (JobState::Queued, false, false);
    assert_eq!(states, [waits, (JobState::Completed, true, false), waits]);
}

#[tokio::test]
async fn has_started_is_true_after_the_start() {
    let fal = Fal::manual().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    let state = || (fal.jobs()[0].state(), fal.jobs()[0].has_started());
    assert_eq!(state(), (JobState::Queued, false));
    fal.advance(&job.id);
    assert_eq!(state(), (JobState::Queued, false));
    fal.advance(&job.id);
    assert_eq!(state(), (JobState::Running, true));
    fal.put(&job.cancel()).await;
    assert_eq!(state(), (JobState::Completed, true));
    assert!(fal.jobs()[0].was_cancelled());

    let waiting = fal.submit(INPAINTING, &inpainting()).await;
    fal.put(&waiting.cancel()).await;
    assert_eq!((fal.jobs()[1].state(), fal.jobs()[1].has_started()), (JobState::Completed, false));
}

#[tokio::test]
async fn direct_run_is_not_in_the_queue() {
    let fal = Fal::instant().await;
    let refused = fal.run(INPAINTING, &inpainting_with(serde_json::json!({ "strength": 2 }))).await;
    assert_eq!(refused.status, 422);
    let jobs = fal.jobs();
    assert!(jobs[0].is_direct());
    let path = format!("/queue.fal.run/fal-ai/fast-sdxl-controlnet-canny/requests/{}", jobs[0].request_id());
    assert_eq!(fal.get(&path).await.status, 404);
}

#[tokio::test]
async fn requests_count_concurrent_requests() {
    let fal = Fal::instant().await;
    let hour = std::time::Duration::from_secs(3600);
    for _ in 0..3 {
        fal.inject_fault(Operation::Run, Fault::none().delay(hour));
    }
    let held: Vec<_> = (0..3)
        .map(|_| {
            let run = fal.request(Method::POST, &format!("/fal.run/{INPAINTING}")).json(&inpainting());
            tokio::spawn(run.send())
        })
        .collect();
    while fal.requests().len() < 3 {
        tokio::task::yield_now().await;
    }
    fal.submit(INPAINTING, &inpainting()).await;
    while held.iter().any(|run| !run.is_finished()) {
        fal.advance_time(hour);
        tokio::task::yield_now().await;
    }
    fal.run(INPAINTING, &inpainting()).await;
    let at_once: Vec<_> = fal.requests().iter().map(|request| request.in_flight()).collect();
    assert_eq!(at_once, [1, 2, 3, 1, 1]);
}
