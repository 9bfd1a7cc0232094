use std::time::Duration;

use fal_emulator::{Emulator, Pace};
use futures_util::{StreamExt, pin_mut};
use reqwest::{Method, Response};
use serde_json::Value;

use crate::fal::{Event, Fal, INPAINTING, Job, all_statuses, events, inpainting, next_status};

async fn open(fal: &Fal, job: &Job, query: &str) -> Response {
    fal.request(Method::GET, &format!("{}{query}", job.stream())).send().await.unwrap()
}

/// Returns state, position and number of log lines.
fn essence(status: &Value) -> (&str, Option<u64>, Option<usize>) {
    let logs = status["logs"].as_array().map(Vec::len);
    (status["status"].as_str().unwrap(), status["queue_position"].as_u64(), logs)
}

#[tokio::test]
async fn stream_sends_every_step_with_new_logs() {
    let fal = Fal::manual().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    let response = open(&fal, &job, "?logs=1").await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["x-fal-request-id"], job.id);
    // Steps that happen together are still sent one by one.
    fal.complete(&job.id);
    let statuses = all_statuses(response).await;
    assert_eq!(
        statuses.iter().map(essence).collect::<Vec<_>>(),
        [
            ("IN_QUEUE", Some(1), None),
            ("IN_QUEUE", Some(0), None),
            ("IN_PROGRESS", None, Some(0)),
            ("IN_PROGRESS", None, Some(1)),
            ("IN_PROGRESS", None, Some(1)),
            ("COMPLETED", None, Some(0)),
        ]
    );
    assert_eq!(statuses[3]["logs"][0]["message"], "Loading the model");
    assert_eq!(statuses[4]["logs"][0]["message"], "Step 1 of 1");
    assert_eq!(statuses[5], with_logs(fal.get(&job.status()).await.body));
}

/// Returns the polled status as the stream sends it if there are no new logs.
fn with_logs(mut status: Value) -> Value {
    status["logs"] = Value::Array(Vec::new());
    status
}

#[tokio::test]
async fn stream_follows_the_job() {
    let fal = Fal::manual().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    let events = events(open(&fal, &job, "").await);
    pin_mut!(events);
    let mut seen = 0;
    while let Some(status) = next_status(&mut events).await {
        // Without logs=1 there are never logs.
        assert_eq!(status["logs"], Value::Null);
        seen += 1;
        fal.advance(&job.id);
    }
    assert_eq!(seen, 6);
}

#[tokio::test]
async fn late_stream_starts_with_all_logs() {
    let fal = Fal::manual().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    for _ in 0..3 {
        fal.advance(&job.id);
    }
    let response = open(&fal, &job, "?logs=true").await;
    fal.complete(&job.id);
    let statuses = all_statuses(response).await;
    assert_eq!(
        statuses.iter().map(essence).collect::<Vec<_>>(),
        [("IN_PROGRESS", None, Some(1)), ("IN_PROGRESS", None, Some(1)), ("COMPLETED", None, Some(0))]
    );

    let after = all_statuses(open(&fal, &job, "?logs=1").await).await;
    assert_eq!(after.iter().map(essence).collect::<Vec<_>>(), [("COMPLETED", None, Some(2))]);
}

#[tokio::test]
async fn cancellation_is_the_last_event() {
    let fal = Fal::manual().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    let response = open(&fal, &job, "").await;
    fal.advance(&job.id);
    fal.put(&job.cancel()).await;
    let statuses = all_statuses(response).await;
    assert_eq!(
        statuses.iter().map(essence).collect::<Vec<_>>(),
        [("IN_QUEUE", Some(1), None), ("IN_QUEUE", Some(0), None), ("COMPLETED", None, None)]
    );
    assert_eq!(statuses[2]["error_type"], "client_cancelled");
}

#[tokio::test]
async fn idle_stream_sends_keep_alive_comments() {
    let fal = Fal::start(Emulator::builder().pace(Pace::manual()).keep_alive(Duration::from_millis(1))).await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    let events = events(open(&fal, &job, "").await);
    pin_mut!(events);
    assert!(matches!(events.next().await, Some(Ok(Event::Status(_)))));
    for _ in 0..2 {
        assert_eq!(events.next().await.unwrap().unwrap(), Event::Comment(": ping".into()));
    }
    fal.complete(&job.id);
    let mut last = None;
    while let Some(status) = next_status(&mut events).await {
        last = Some(status);
    }
    assert_eq!(last.unwrap()["status"], "COMPLETED");
}

#[tokio::test]
async fn stream_sends_the_same_events_with_time() {
    let moment = Duration::from_millis(3);
    let pace = Pace::default().ahead(1).waiting(moment).log_lines(2).running(moment);
    let fal = Fal::start(Emulator::builder().pace(pace)).await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    let statuses = all_statuses(open(&fal, &job, "?logs=1").await).await;
    // The number of steps before the stream opened depends on the machine. The end does not.
    let logs: usize = statuses.iter().filter_map(|status| essence(status).2).sum();
    assert_eq!(logs, 2);
    assert_eq!(statuses.last().unwrap()["status"], "COMPLETED");
    assert_eq!(fal.get(&job.path).await.status, 200);
}

#[tokio::test]
async fn several_streams_follow_one_job() {
    let fal = Fal::manual().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    let (first, second) = (open(&fal, &job, "").await, open(&fal, &job, "").await);
    fal.complete(&job.id);
    assert_eq!(all_statuses(first).await, all_statuses(second).await);
}
