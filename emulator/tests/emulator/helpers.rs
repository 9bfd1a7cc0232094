use std::panic::{AssertUnwindSafe, catch_unwind};

use fal_emulator::{Emulator, Fault, JobState, Operation, Pace};
use futures_util::{FutureExt, SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::fal::{Fal, INPAINTING, connect, document, inpainting, inpainting_with, object};

const CAPTIONS: &str = "acme/captions";

async fn captions(pace: Pace) -> Fal {
    let input = object(&json!({ "length": { "type": "integer" }, "image_url": { "type": "string" } }));
    let output = json!({
        "type": "object",
        "properties": { "caption": { "type": "string" } },
        "required": ["caption"],
    });
    let captions = document(CAPTIONS, &input, &output, &json!({}));
    let other = document("acme/other", &input, &output, &json!({}));
    Fal::start(Emulator::builder().document(captions).document(other).pace(pace)).await
}

async fn run(fal: &Fal) -> u16 {
    fal.run(CAPTIONS, &json!({})).await.status
}

async fn statuses(fal: &Fal, count: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        statuses.push(run(fal).await);
    }
    statuses
}

#[tokio::test]
async fn fault_happens_to_the_third_request() {
    let fal = captions(Pace::instant()).await;
    fal.inject_fault(Operation::Run, Fault::respond(503).on(CAPTIONS).nth(3));
    fal.run("acme/other", &json!({})).await;
    assert_eq!(statuses(&fal, 5).await, [200, 200, 503, 200, 200]);
    assert_eq!(fal.pending_faults(), 0);
}

#[tokio::test]
async fn faults_happen_a_number_of_times() {
    let fal = captions(Pace::instant()).await;
    fal.inject_fault(Operation::Run, Fault::respond(503).nth(2).times(2));
    assert_eq!(statuses(&fal, 2).await, [200, 503]);
    assert_eq!(fal.pending_faults(), 1);
    assert_eq!(statuses(&fal, 2).await, [503, 200]);
    assert_eq!(fal.pending_faults(), 0);

    fal.inject_fault(Operation::Run, Fault::respond(503).nth(2).repeat());
    fal.inject_fault(Operation::Run, Fault::respond(429).times(0));
    assert_eq!(fal.pending_faults(), 0);
    assert_eq!(statuses(&fal, 4).await, [200, 503, 503, 503]);
    fal.clear_faults();
    assert_eq!(run(&fal).await, 200);
}

#[tokio::test]
async fn faults_count_the_requests_of_earlier_faults() {
    let fal = captions(Pace::instant()).await;
    fal.inject_fault(Operation::Run, Fault::respond(429));
    fal.inject_fault(Operation::Run, Fault::respond(503).nth(2));
    fal.inject_fault(Operation::Run, Fault::respond(504).nth(2));
    assert_eq!(statuses(&fal, 4).await, [429, 503, 504, 200]);
}

#[tokio::test]
async fn probable_faults_are_reproducible() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let fal = captions(Pace::instant()).await;
        fal.inject_fault(Operation::Run, Fault::respond(503).on(CAPTIONS).probability(0.25));
        assert_eq!(fal.pending_faults(), 0);
        let mut failed = Vec::new();
        for number in 0..200 {
            // Requests that the fault does not match do not move it.
            if runs.is_empty() && number % 3 == 0 {
                fal.run("acme/other", &json!({})).await;
            }
            failed.push(run(&fal).await == 503);
        }
        runs.push(failed);
    }
    assert_eq!(runs[0], runs[1]);
    let count = runs[0].iter().filter(|failed| **failed).count();
    assert!((30..=70).contains(&count), "{count}");
}

#[tokio::test]
async fn probabilities_have_bounds() {
    let fal = captions(Pace::instant()).await;
    for share in [0.0, -1.0, f64::NAN] {
        fal.inject_fault(Operation::Run, Fault::respond(500).probability(share));
    }
    assert_eq!(statuses(&fal, 5).await, [200; 5]);
    fal.clear_faults();
    fal.inject_fault(Operation::Run, Fault::respond(503).probability(f64::INFINITY).times(2));
    fal.inject_fault(Operation::Run, Fault::respond(504).probability(1.0));
    assert_eq!(statuses(&fal, 4).await, [503, 503, 504, 504]);
}

#[tokio::test]
async fn pending_faults_are_listed() {
    let fal = captions(Pace::instant()).await;
    fal.assert_no_pending_faults();
    fal.inject_fault(Operation::Run, Fault::respond(503));
    fal.inject_fault(Operation::Submit, Fault::drop_connection().times(3));
    fal.inject_fault(Operation::Submit, Fault::respond(500).repeat());
    let message = panic_of(|| fal.assert_no_pending_faults());
    assert_eq!(message, "faults that have not happened:\n  Run: respond(503)\n  Submit: drop_connection, 3 more times");
}

#[tokio::test]
async fn held_jobs_run_until_they_are_released() {
    let fal = captions(Pace::instant()).await;
    let hold = fal.hold(CAPTIONS);
    let job = fal.submit(CAPTIONS, &json!({})).await;
    let other = fal.submit("acme/other", &json!({})).await;
    let run = tokio::spawn({
        let request = fal.request(reqwest::Method::POST, "/fal.run/acme/captions").json(&json!({}));
        async move { request.send().await.unwrap().status().as_u16() }
    });
    let jobs = hold.wait_for(2).await;
    assert_eq!(jobs.iter().map(fal_emulator::AcceptedJob::is_direct).collect::<Vec<_>>(), [false, true]);
    assert!(jobs.iter().all(|job| job.state() == JobState::Running));
    assert_eq!(fal.get(&other.status()).await.body["status"], "COMPLETED");
    let status = fal.get(&job.status()).await;
    assert_eq!((status.status, &status.body["status"]), (202, &json!("IN_PROGRESS")));
    assert_eq!(fal.get(&job.path).await.status, 400);

    hold.release();
    assert_eq!(run.await.unwrap(), 200);
    assert_eq!(fal.get(&job.path).await.status, 200);
    assert_eq!(self::run(&fal).await, 200, "later jobs are not held");
}

#[tokio::test]
async fn held_jobs_wait_in_the_queue() {
    let fal = captions(Pace::default()).await;
    let hold = fal.hold_in_queue(CAPTIONS);
    let job = fal.submit(CAPTIONS, &json!({})).await;
    fal.advance_time(std::time::Duration::from_secs(60));
    let status = fal.get(&job.status()).await.body;
    assert_eq!((&status["status"], &status["queue_position"]), (&json!("IN_QUEUE"), &json!(0)));
    drop(hold);
    assert_eq!(fal.get(&job.status()).await.body["status"], "COMPLETED");
}

#[tokio::test]
async fn status_stream_of_a_held_job_ends_with_the_release() {
    let fal = captions(Pace::instant()).await;
    let hold = fal.hold(CAPTIONS);
    let job = fal.submit(CAPTIONS, &json!({})).await;
    let events = crate::fal::events(fal.request(reqwest::Method::GET, &job.stream()).send().await.unwrap());
    futures_util::pin_mut!(events);
    let mut status = Value::Null;
    while status["status"] != "IN_PROGRESS" {
        status = crate::fal::next_status(&mut events).await.unwrap();
    }
    hold.release();
    while status["status"] != "COMPLETED" {
        status = crate::fal::next_status(&mut events).await.unwrap();
    }
}

#[tokio::test]
async fn held_job_is_completed_alone() {
    let fal = captions(Pace::instant()).await;
    let hold = fal.hold(CAPTIONS);
    let (first, second) = (fal.submit(CAPTIONS, &json!({})).await, fal.submit(CAPTIONS, &json!({})).await);
    assert!(fal.complete(&first.id));
    assert_eq!(fal.get(&first.path).await.status, 200);
    assert_eq!(fal.get(&second.path).await.status, 400);
    assert_eq!(fal.put(&second.cancel()).await.status, 202);
    assert_eq!(fal.get(&second.status()).await.body["status"], "COMPLETED");
    hold.release();
    assert!(fal.jobs()[1].was_cancelled());
}

#[tokio::test]
async fn start_timeout_passes_while_a_job_is_held_in_the_queue() {
    let fal = captions(Pace::instant()).await;
    let hold = fal.hold_in_queue(CAPTIONS);
    let submit = fal.request(reqwest::Method::POST, "/queue.fal.run/acme/captions").json(&json!({}));
    let submit = submit.header("x-fal-request-start-timeout", "5");
    let reply = crate::fal::send(submit).await;
    fal.advance_time(std::time::Duration::from_secs(6));
    hold.release();
    let path = format!("/queue.fal.run/acme/captions/requests/{}", reply.body["request_id"].as_str().unwrap());
    assert_eq!(fal.get(&path).await.status, 504);
}

#[tokio::test]
async fn every_hold_has_to_be_released() {
    let fal = captions(Pace::instant()).await;
    let (first, second) = (fal.hold(CAPTIONS), fal.hold_in_queue(CAPTIONS));
    let job = fal.submit(CAPTIONS, &json!({})).await;
    assert_eq!(fal.get(&job.status()).await.body["status"], "IN_QUEUE");
    second.release();
    assert_eq!(fal.get(&job.status()).await.body["status"], "IN_PROGRESS");
    first.release();
    assert_eq!(fal.get(&job.status()).await.body["status"], "COMPLETED");
}

#[tokio::test]
async fn streams_and_realtime_inputs_are_held() {
    let fal = captions(Pace::instant()).await;
    let hold = fal.hold(CAPTIONS);
    let stream = fal.request(reqwest::Method::POST, "/fal.run/acme/captions/stream").json(&json!({}));
    let mut stream = Box::pin(crate::fal::events(stream.send().await.unwrap()));
    let key = [("authorization", "Key id:secret")];
    let mut socket = connect(&fal, "/fal.run/acme/captions/realtime/json", &key).await.unwrap();
    socket.send(Message::text("{}")).await.unwrap();
    hold.wait_for(2).await;
    assert!(stream.next().now_or_never().is_none());
    hold.release();
    assert!(stream.next().await.unwrap().is_ok());
    assert!(socket.next().await.unwrap().unwrap().is_text());
}

#[tokio::test]
async fn next_outputs_come_in_order() {
    let fal = captions(Pace::instant()).await;
    fal.answer(CAPTIONS, &json!({ "caption": "last" })).unwrap();
    fal.answer_next(CAPTIONS, [json!({ "caption": "a" }), json!({ "caption": "b" })]).unwrap();
    fal.answer_next(CAPTIONS, std::iter::repeat_n(json!({ "caption": "c" }), 2)).unwrap();
    let error = fal.answer_next(CAPTIONS, [json!({ "caption": "d" }), json!({ "caption": 5 })]).unwrap_err();
    assert!(error.to_string().contains("at /caption: 5 is not of type"), "{error}");
    // An input that is refused takes no output.
    assert_eq!(fal.run(CAPTIONS, &json!({ "length": "long" })).await.status, 422);
    let mut outputs = Vec::new();
    for _ in 0..5 {
        outputs.push(fal.run(CAPTIONS, &json!({})).await.body["caption"].clone());
    }
    assert_eq!(outputs, ["a", "b", "c", "c", "last"]);
    assert!(fal.answer_next("acme/unknown", []).is_err());
}

#[tokio::test]
async fn output_is_made_from_the_input() {
    let fal = captions(Pace::instant()).await;
    let make = |input: &Value| match input["length"].as_u64() {
        Some(length) => json!({ "caption": "x".repeat(usize::try_from(length).unwrap()) }),
        None => json!({ "caption": null }),
    };
    fal.answer_with(CAPTIONS, make).unwrap();
    assert_eq!(fal.run(CAPTIONS, &json!({ "length": 3 })).await.body["caption"], "xxx");
    let failed = fal.run(CAPTIONS, &json!({})).await;
    assert_eq!(failed.status, 500);
    let detail = failed.body["detail"].to_string();
    assert!(detail.contains("/caption: null is not of type"), "{detail}");
    fal.answer(CAPTIONS, &json!({ "caption": "set" })).unwrap();
    assert_eq!(fal.run(CAPTIONS, &json!({ "length": 3 })).await.body["caption"], "set");
}

/// Returns the message of a panic.
fn panic_of<T>(action: impl FnOnce() -> T) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(action)) else { panic!("expected a panic") };
    *payload.downcast::<String>().unwrap()
}

#[tokio::test]
async fn calls_of_an_endpoint_are_found() {
    let fal = captions(Pace::instant()).await;
    let job = fal.submit(CAPTIONS, &json!({ "length": 1 })).await;
    fal.get(&job.status()).await;
    fal.get(&job.path).await;
    fal.run(CAPTIONS, &json!({ "length": 2 })).await;
    fal.run("acme/other", &json!({})).await;
    let requests = fal.requests_to(CAPTIONS);
    assert_eq!(requests.count(), 2);
    assert_eq!(requests.inputs(), [&json!({ "length": 1 }), &json!({ "length": 2 })]);
    assert_eq!(
        requests.iter().map(fal_emulator::ReceivedRequest::operation).collect::<Vec<_>>(),
        [Operation::Submit, Operation::Run]
    );
    requests.assert_count(2).assert_input(&json!({ "length": 2 })).assert_exact_input(&json!({ "length": 1 }));
    assert_eq!(fal.requests_to("acme/other").assert_one().input(), &json!({}));
    fal.requests_to("acme/unknown").assert_none();
    fal.assert_no_mistakes();
}

#[tokio::test]
async fn unexpected_requests_are_listed() {
    let fal = captions(Pace::instant()).await;
    fal.run("acme/other", &json!({})).await;
    fal.run(CAPTIONS, &json!({ "length": "long" })).await;
    fal.inject_fault(Operation::Submit, Fault::drop_connection());
    let submit =
        fal.request(reqwest::Method::POST, "/queue.fal.run/acme/captions?fal_webhook=http://a.test?key=secret");
    submit.json(&json!({ "length": 1 })).send().await.unwrap_err();
    let requests = fal.requests_to(CAPTIONS);
    let list = "2\n  POST /fal.run/acme/captions, status 422\n  POST /queue.fal.run/acme/captions, without a response\n\
                and 1 to other endpoints\n  POST /fal.run/acme/other, status 200";
    let message = panic_of(|| requests.assert_one().status());
    assert_eq!(message, format!("expected 1 request to `acme/captions`, received {list}"));
    let message = panic_of(|| requests.assert_none());
    assert_eq!(message, format!("expected 0 requests to `acme/captions`, received {list}"));
    let message = panic_of(|| requests.assert_input(&json!({ "length": 2 })).count());
    assert_eq!(
        message,
        "no request to `acme/captions` has the expected input:\n  POST /fal.run/acme/captions, status 422\n    \
         input.length: expected 2, received \"long\"\n  POST /queue.fal.run/acme/captions, without a response\n    \
         input.length: expected 2, received 1"
    );
    let message = panic_of(|| requests.assert_exact_input(&json!({})).count());
    assert!(message.contains("input.length: expected nothing, received 1"), "{message}");
    let message = panic_of(|| fal.requests_to("acme/none").assert_input(&json!({})).count());
    assert!(message.starts_with("no request to `acme/none` has the expected input: received 0\nand 3 to"), "{message}");
}

#[tokio::test]
async fn mistakes_are_listed() {
    let fal = captions(Pace::instant()).await;
    fal.run(&format!("{CAPTIONS}?fal_webhook=https://a.test/secret"), &json!({})).await;
    assert_eq!(
        panic_of(|| fal.assert_no_mistakes()),
        "requests with a mistake:\n  POST /fal.run/acme/captions, status 200: a direct run ignores the webhook, the \
         priority and the maximum queue length"
    );
}

#[tokio::test]
async fn requests_are_waited_for() {
    let fal = captions(Pace::instant()).await;
    fal.wait_for_requests(CAPTIONS, 0).await.assert_none();
    let hold = fal.hold(CAPTIONS);
    let calls = (1..=3).map(|length| {
        let request = fal.request(reqwest::Method::POST, "/fal.run/acme/captions").json(&json!({ "length": length }));
        tokio::spawn(request.send())
    });
    let calls: Vec<_> = calls.collect();
    let requests = fal.wait_for_requests(CAPTIONS, 3).await;
    for length in 1..=3 {
        requests.assert_input(&json!({ "length": length }));
    }
    hold.release();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().status(), 200);
    }
    // One that is refused before it is read counts too.
    fal.anonymous(reqwest::Method::POST, "/fal.run/acme/other").send().await.unwrap();
    fal.wait_for_requests("acme/other", 1).await.assert_count(1);
}

#[tokio::test]
async fn messages_of_websockets_are_calls() {
    let fal = Fal::instant().await;
    let key = [("authorization", "Key id:secret")];
    let mut socket = connect(&fal, &format!("/fal.run/{INPAINTING}/realtime/json"), &key).await.unwrap();
    fal.requests_to(INPAINTING).assert_none();
    socket.send(Message::text(inpainting_with(json!({ "seed": 5 })).to_string())).await.unwrap();
    socket.next().await.unwrap().unwrap();
    fal.requests_to(INPAINTING).assert_count(1).assert_input(&inpainting()).assert_input(&json!({ "seed": 5 }));
}

#[tokio::test]
async fn condition_is_not_called_for_requests_of_earlier_faults() {
    let fal = captions(Pace::instant()).await;
    let calls = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = std::sync::Arc::clone(&calls);
    fal.inject_fault(Operation::Run, Fault::respond(503));
    fal.inject_fault(
        Operation::Run,
        Fault::respond(504).when(move |_| {
            counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            true
        }),
    );
    assert_eq!(run(&fal).await, 503);
    assert_eq!(calls.load(std::sync::atomic::Ordering::Relaxed), 0);
    assert_eq!(statuses(&fal, 2).await, [504, 200]);
    assert_eq!(calls.load(std::sync::atomic::Ordering::Relaxed), 1);
}
