use std::time::Duration;

use fal_emulator::{Emulator, Pace};
use futures_util::pin_mut;
use reqwest::Method;
use serde_json::{Value, json};

use crate::fal::{Fal, INPAINTING, Job, events, inpainting, next_status, send};

const MINUTE: Duration = Duration::from_secs(60);
const REDUX: &str = "fal-ai/flux/dev/redux";

/// Jobs run for 10 minutes, and no other account's jobs are ahead.
fn slow() -> Pace {
    Pace::default().ahead(0).waiting(Duration::ZERO).log_lines(1).running(10 * MINUTE)
}

async fn limited(pace: Pace, jobs: usize) -> Fal {
    Fal::start(Emulator::builder().pace(pace).concurrency(jobs)).await
}

async fn submit(fal: &Fal, headers: &[(&str, &str)]) -> Job {
    let mut request = fal.request(Method::POST, &format!("/queue.fal.run/{INPAINTING}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = send(request.json(&inpainting())).await.body;
    let path = body["response_url"].as_str().unwrap().strip_prefix(fal.base_url()).unwrap().to_owned();
    Job { id: body["request_id"].as_str().unwrap().to_owned(), path }
}

/// Returns the state of each job: its queue position, or the initial of its status.
async fn states(fal: &Fal, jobs: &[Job]) -> String {
    let mut states = String::new();
    for job in jobs {
        let status = fal.get(&job.status()).await.body;
        match status["queue_position"].as_u64() {
            Some(position) => states.push_str(&position.to_string()),
            None => states.push(if status["status"] == "IN_PROGRESS" { 'R' } else { 'C' }),
        }
    }
    states
}

#[tokio::test]
async fn jobs_beyond_the_limit_wait_with_falling_positions() {
    let fal = limited(slow(), 2).await;
    let mut jobs = Vec::new();
    for _ in 0..5 {
        jobs.push(submit(&fal, &[]).await);
    }
    assert_eq!(states(&fal, &jobs).await, "RR012");
    fal.advance_time(10 * MINUTE);
    assert_eq!(states(&fal, &jobs).await, "CCRR0");
    // One advance passes two ends.
    fal.advance_time(20 * MINUTE);
    assert_eq!(states(&fal, &jobs).await, "CCCCC");
    assert_eq!(fal.get(&jobs[4].path).await.status, 200);
}

#[tokio::test]
async fn position_counts_both_other_accounts_and_own_jobs() {
    let fal = limited(slow().ahead(1).waiting(10 * MINUTE), 1).await;
    let jobs = [submit(&fal, &[]).await, submit(&fal, &[]).await];
    assert_eq!(states(&fal, &jobs).await, "12");
    fal.advance_time(5 * MINUTE);
    assert_eq!(states(&fal, &jobs).await, "01");
    fal.advance_time(5 * MINUTE);
    assert_eq!(states(&fal, &jobs).await, "R0");
    fal.advance_time(10 * MINUTE);
    assert_eq!(states(&fal, &jobs).await, "CR");
}

#[tokio::test]
async fn cancelled_jobs_leave_the_line_and_their_slots() {
    let fal = limited(slow(), 1).await;
    let mut jobs = Vec::new();
    for _ in 0..4 {
        jobs.push(submit(&fal, &[]).await);
    }
    assert_eq!(fal.put(&jobs[2].cancel()).await.body["status"], "OK");
    assert_eq!(states(&fal, &jobs).await, "R0C1");
    assert_eq!(fal.put(&jobs[0].cancel()).await.body["status"], "CANCELLATION_REQUESTED");
    assert_eq!(states(&fal, &jobs).await, "CRC0");
    // A job starts when the slot is free, not when it was submitted.
    fal.advance_time(9 * MINUTE);
    assert_eq!(states(&fal, &jobs).await, "CRC0");
    fal.advance_time(MINUTE);
    assert_eq!(states(&fal, &jobs).await, "CCCR");
    let has_started: Vec<_> = fal.jobs().iter().map(fal_emulator::AcceptedJob::has_started).collect();
    assert_eq!(has_started, [true, true, false, true]);
}

#[tokio::test]
async fn start_timeout_passes_while_a_job_waits_for_a_slot() {
    let fal = limited(slow(), 1).await;
    let jobs = [
        submit(&fal, &[]).await,
        submit(&fal, &[("x-fal-request-start-timeout", "60")]).await,
        submit(&fal, &[("x-fal-request-start-timeout", "600")]).await,
    ];
    assert_eq!(states(&fal, &jobs).await, "R01");
    fal.advance_time(MINUTE);
    assert_eq!(states(&fal, &jobs).await, "RC0");
    let late = fal.get(&jobs[1].path).await;
    assert_eq!((late.status, late.header("x-fal-request-timeout-type")), (504, Some("user")));
    // The slot becomes free in the last moment.
    fal.advance_time(19 * MINUTE);
    assert_eq!(states(&fal, &jobs).await, "CCC");
    assert_eq!(fal.get(&jobs[2].path).await.status, 200);
}

#[tokio::test]
async fn low_priority_starts_last() {
    let fal = limited(slow(), 1).await;
    let mut jobs = vec![submit(&fal, &[]).await];
    jobs.push(submit(&fal, &[("x-fal-queue-priority", "low")]).await);
    assert_eq!(states(&fal, &jobs).await, "R0");
    jobs.push(submit(&fal, &[("x-fal-queue-priority", "normal")]).await);
    assert_eq!(states(&fal, &jobs).await, "R10");
    fal.advance_time(10 * MINUTE);
    assert_eq!(states(&fal, &jobs).await, "C0R");
    fal.advance_time(10 * MINUTE);
    assert_eq!(states(&fal, &jobs).await, "CRC");
}

#[tokio::test]
async fn direct_run_beyond_the_limit_is_refused() {
    let fal = limited(slow(), 1).await;
    let job = submit(&fal, &[]).await;
    let refused = fal.run(INPAINTING, &inpainting()).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.body["error_type"], "concurrent_requests_limit");
    assert!(refused.body["detail"].is_string());
    assert_eq!(refused.header("x-fal-error-type"), Some("concurrent_requests_limit"));
    assert_eq!(refused.header("x-fal-needs-retry"), Some("1"));
    assert_eq!(refused.header("x-fal-request-id"), None);
    let stream = fal.post("/fal.run/openrouter/router/stream", &json!({ "prompt": "a", "model": "b" })).await;
    assert_eq!(stream.status, 429);
    assert_eq!(fal.accepted_jobs(), 1);
    fal.put(&job.cancel()).await;
    let input = inpainting();
    let (run, ()) = tokio::join!(fal.run(INPAINTING, &input), async {
        while fal.accepted_jobs() < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(states(&fal, &[submit(&fal, &[]).await]).await, "0");
        fal.advance_time(10 * MINUTE);
    });
    assert_eq!(run.status, 200);
}

#[tokio::test]
async fn endpoint_can_have_a_limit_of_its_own() {
    let builder = Emulator::builder().pace(slow()).concurrency(1).endpoint_concurrency(REDUX, 2);
    let fal = Fal::start(builder).await;
    let input = json!({ "image_url": "https://example.com/a.png" });
    let mut jobs = vec![submit(&fal, &[]).await];
    for _ in 0..3 {
        jobs.push(fal.submit(REDUX, &input).await);
    }
    assert_eq!(states(&fal, &jobs).await, "RRR0");
}

#[tokio::test]
async fn limit_changes_at_run_time() {
    let fal = limited(slow(), 0).await;
    let jobs = [submit(&fal, &[]).await, submit(&fal, &[]).await, submit(&fal, &[]).await];
    assert_eq!(states(&fal, &jobs).await, "012");
    fal.set_concurrency(Some(1));
    assert_eq!(states(&fal, &jobs).await, "R01");
    fal.set_concurrency(None);
    assert_eq!(states(&fal, &jobs).await, "RRR");
}

#[tokio::test]
async fn manual_jobs_start_in_order_when_a_slot_is_free() {
    let fal = limited(Pace::manual().ahead(0).log_lines(0), 1).await;
    let jobs = [submit(&fal, &[]).await, submit(&fal, &[]).await, submit(&fal, &[]).await];
    assert_eq!(states(&fal, &jobs).await, "012");
    assert!(!fal.advance(&jobs[1].id), "another job is ahead");
    assert!(fal.advance(&jobs[0].id));
    assert_eq!(states(&fal, &jobs).await, "R01");
    assert!(!fal.advance(&jobs[1].id), "no slot is free");
    assert!(!fal.complete(&jobs[1].id));
    assert!(fal.advance(&jobs[0].id));
    assert_eq!(states(&fal, &jobs).await, "C01");
    assert!(fal.complete(&jobs[1].id));
    fal.put(&jobs[2].cancel()).await;
    assert_eq!(states(&fal, &jobs).await, "CCC");
}

#[tokio::test]
async fn status_stream_reports_each_position() {
    let fal = limited(slow(), 1).await;
    let jobs = [submit(&fal, &[]).await, submit(&fal, &[]).await, submit(&fal, &[]).await];
    let stream = events(fal.request(Method::GET, &format!("{}?logs=1", jobs[2].stream())).send().await.unwrap());
    pin_mut!(stream);
    assert_eq!(next_status(&mut stream).await.unwrap()["queue_position"], 1);
    fal.put(&jobs[1].cancel()).await;
    assert_eq!(next_status(&mut stream).await.unwrap()["queue_position"], 0);
    fal.advance_time(10 * MINUTE);
    let started = next_status(&mut stream).await.unwrap();
    assert_eq!((&started["status"], &started["logs"]), (&json!("IN_PROGRESS"), &json!([])));
    fal.advance_time(10 * MINUTE);
    let logged = next_status(&mut stream).await.unwrap();
    assert_eq!(logged["logs"].as_array().map(Vec::len), Some(1));
    assert_eq!(next_status(&mut stream).await.unwrap()["status"], "COMPLETED");
    assert_eq!(next_status(&mut stream).await, None);
}

#[tokio::test]
async fn thousands_of_jobs_wait_in_order() {
    let fal = limited(Pace::instant(), 0).await;
    let mut jobs = Vec::new();
    for _ in 0..1_000 {
        jobs.push(submit(&fal, &[]).await);
    }
    for job in jobs.iter().skip(1).step_by(2) {
        fal.put(&job.cancel()).await;
    }
    let last = fal.get(&jobs[998].status()).await.body;
    assert_eq!(last["queue_position"], 499);
    fal.set_concurrency(Some(1));
    let completed = |job: &&fal_emulator::AcceptedJob| job.state() == fal_emulator::JobState::Completed;
    assert_eq!(fal.jobs().iter().filter(completed).count(), 1_000);
    assert_eq!(fal.get(&jobs[998].status()).await.body["error"], Value::Null);
}
