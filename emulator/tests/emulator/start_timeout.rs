use std::time::Duration;

use fal_emulator::{Emulator, JobState, Pace};
use futures_util::pin_mut;
use reqwest::Method;
use serde_json::json;

use crate::fal::{Fal, INPAINTING, Job, all_statuses, events, inpainting, next_status, send};

async fn submit(fal: &Fal, headers: &[(&str, &str)]) -> Job {
    let mut request = fal.request(Method::POST, &format!("/queue.fal.run/{INPAINTING}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = send(request.json(&inpainting())).await.body;
    let path = body["response_url"].as_str().unwrap().strip_prefix(fal.base_url()).unwrap().to_owned();
    Job { id: body["request_id"].as_str().unwrap().to_owned(), path }
}

async fn state(fal: &Fal, job: &Job) -> String {
    fal.get(&job.status()).await.body["status"].as_str().unwrap().to_owned()
}

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn job_that_misses_its_start_timeout_fails() {
    let fal = Fal::manual().await;
    let job = submit(&fal, &[("x-fal-request-start-timeout", "60")]).await;
    assert_eq!(state(&fal, &job).await, "IN_QUEUE");
    fal.advance_time(MINUTE);

    let status = fal.get(&job.status()).await;
    assert_eq!(status.status, 200);
    assert_eq!((&status.body["status"], &status.body["error_type"]), (&json!("COMPLETED"), &json!("request_timeout")));
    let result = fal.get(&job.path).await;
    assert_eq!(result.status, 504);
    assert_eq!(result.header("x-fal-request-timeout-type"), Some("user"));
    assert_eq!(result.header("x-fal-error-type"), Some("request_timeout"));
    assert_eq!(result.header("x-fal-request-id"), Some(job.id.as_str()));
    assert_eq!(result.body["error_type"], "request_timeout");

    assert!(!fal.advance(&job.id));
    assert_eq!(fal.put(&job.cancel()).await.body, json!({ "status": "ALREADY_COMPLETED" }));
    let jobs = fal.jobs();
    assert_eq!((jobs[0].state(), jobs[0].has_started(), jobs[0].was_cancelled()), (JobState::Completed, false, false));
}

#[tokio::test]
async fn start_timeout_ends_with_the_start() {
    let fal = Fal::manual().await;
    let job = submit(&fal, &[("x-fal-request-start-timeout", "60")]).await;
    fal.advance(&job.id);
    fal.advance(&job.id);
    fal.advance_time(10 * MINUTE);
    assert_eq!(state(&fal, &job).await, "IN_PROGRESS");
    fal.complete(&job.id);
    assert_eq!(fal.get(&job.path).await.status, 200);
}

#[tokio::test]
async fn newer_timeout_header_takes_precedence() {
    let fal = Fal::manual().await;
    let old = submit(&fal, &[("x-fal-request-timeout", "30.0")]).await;
    let both = submit(&fal, &[("x-fal-request-timeout", "30"), ("x-fal-request-start-timeout", "90")]).await;
    let none = submit(&fal, &[]).await;
    fal.advance_time(MINUTE);
    assert_eq!(state(&fal, &old).await, "COMPLETED");
    assert_eq!(state(&fal, &both).await, "IN_QUEUE");
    fal.advance_time(MINUTE);
    assert_eq!(state(&fal, &both).await, "COMPLETED");
    assert_eq!(state(&fal, &none).await, "IN_QUEUE");
}

#[tokio::test]
async fn stream_reports_the_start_timeout() {
    let fal = Fal::manual().await;
    let job = submit(&fal, &[("x-fal-request-start-timeout", "60")]).await;
    let events = events(fal.request(Method::GET, &job.stream()).send().await.unwrap());
    pin_mut!(events);
    assert_eq!(next_status(&mut events).await.unwrap()["queue_position"], 1);
    fal.advance(&job.id);
    assert_eq!(next_status(&mut events).await.unwrap()["queue_position"], 0);
    fal.advance_time(MINUTE);
    let last = next_status(&mut events).await.unwrap();
    assert_eq!((&last["status"], &last["error_type"]), (&json!("COMPLETED"), &json!("request_timeout")));
    assert_eq!(next_status(&mut events).await, None);
}

#[tokio::test]
async fn advancing_the_clock_advances_jobs() {
    let pace = Pace::default().ahead(1).waiting(10 * MINUTE).log_lines(1).running(10 * MINUTE);
    let fal = Fal::start(Emulator::builder().pace(pace)).await;
    let (job, late) = (submit(&fal, &[]).await, submit(&fal, &[("x-fal-request-start-timeout", "60")]).await);
    let stream = fal.request(Method::GET, &format!("{}?logs=1", job.stream())).send().await.unwrap();
    assert_eq!(state(&fal, &job).await, "IN_QUEUE");
    fal.advance_time(10 * MINUTE);
    assert_eq!(state(&fal, &job).await, "IN_PROGRESS");
    // Without the timeout it would have started by now.
    assert_eq!(fal.get(&late.status()).await.body["error_type"], "request_timeout");
    fal.advance_time(10 * MINUTE);
    let statuses = all_statuses(stream).await;
    assert_eq!(statuses.len(), 5);
    assert_eq!(statuses[4]["metrics"]["inference_time"], 600.0);
}

#[tokio::test]
async fn application_has_a_default_start_timeout() {
    let fal = Fal::start(Emulator::builder().pace(Pace::manual()).start_timeout(INPAINTING, MINUTE)).await;
    let default = submit(&fal, &[]).await;
    let longer = submit(&fal, &[("x-fal-request-start-timeout", "120")]).await;
    let cleared = submit(&fal, &[("x-fal-request-start-timeout", "0")]).await;
    fal.advance_time(MINUTE);
    let late = fal.get(&default.path).await;
    assert_eq!((late.status, late.header("x-fal-request-timeout-type")), (504, Some("user")));
    assert_eq!(state(&fal, &longer).await, "IN_QUEUE");
    fal.advance_time(MINUTE);
    assert_eq!(state(&fal, &longer).await, "COMPLETED");
    assert_eq!(state(&fal, &cleared).await, "IN_QUEUE");
    assert_eq!(fal.requests().iter().filter_map(fal_emulator::ReceivedRequest::mistake).count(), 0);
}
