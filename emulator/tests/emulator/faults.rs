use std::time::{Duration, SystemTime};

use fal_emulator::{Emulator, Fault, Operation, Pace};
use futures_util::{StreamExt, pin_mut};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::fal::{APP, Event, Fal, INPAINTING, Job, Reply, events, inpainting, inpainting_with, next_status, send};

const REDUX: &str = "fal-ai/flux/dev/redux";

#[tokio::test]
async fn faults_apply_per_operation_in_order() {
    let fal = Fal::instant().await;
    fal.inject_fault(Operation::Status, Fault::respond(500));
    fal.inject_fault(Operation::Status, Fault::none());
    fal.inject_fault(
        Operation::Status,
        Fault::respond(429).header("retry-after", "7").json(&json!({ "detail": "slowly" })),
    );
    fal.inject_fault(Operation::Result, Fault::respond(502).html("<h1>nginx</h1>"));
    let job = fal.submit(INPAINTING, &inpainting()).await;

    let first = fal.get(&job.status()).await;
    assert_eq!((first.status, first.body), (500, json!({ "detail": "Internal Server Error" })));
    assert_eq!(fal.get(&job.status()).await.status, 200);
    let third = fal.get(&job.status()).await;
    assert_eq!((third.status, third.header("retry-after")), (429, Some("7")));
    assert_eq!(third.body, json!({ "detail": "slowly" }));
    assert_eq!(third.header("x-fal-request-id"), None);
    assert_eq!(fal.get(&job.status()).await.status, 200);

    let ingress = fal.request(Method::GET, &job.path).send().await.unwrap();
    assert_eq!(ingress.status(), 502);
    assert_eq!(ingress.headers()["content-type"], "text/html");
    assert_eq!(ingress.text().await.unwrap(), "<h1>nginx</h1>");
    assert_eq!(fal.get(&job.path).await.status, 200);
}

#[tokio::test]
async fn fault_replaces_or_follows_the_effect() {
    let fal = Fal::manual().await;
    let submit = || fal.request(Method::POST, &format!("/queue.fal.run/{INPAINTING}")).json(&inpainting());

    fal.inject_fault(Operation::Submit, Fault::respond(503));
    assert_eq!(send(submit()).await.status, 503);
    fal.inject_fault(Operation::Submit, Fault::drop_connection());
    assert!(submit().send().await.is_err());
    fal.inject_fault(Operation::Submit, Fault::respond(503).after_effect());
    assert_eq!(send(submit()).await.status, 503);
    fal.inject_fault(Operation::Submit, Fault::drop_connection().after_effect());
    assert!(submit().send().await.is_err());
    // Only some requests created a job.
    let seen: Vec<_> = fal.requests().iter().map(|it| (it.status(), it.request_id().is_some())).collect();
    assert_eq!(seen, [(Some(503), false), (None, false), (Some(503), true), (None, true)]);

    let job = fal.submit(INPAINTING, &inpainting()).await;
    fal.inject_fault(Operation::Cancel, Fault::drop_connection());
    assert!(fal.request(Method::PUT, &job.cancel()).send().await.is_err());
    assert_eq!(fal.get(&job.status()).await.body["status"], "IN_QUEUE");
    fal.inject_fault(Operation::Cancel, Fault::drop_connection().after_effect());
    assert!(fal.request(Method::PUT, &job.cancel()).send().await.is_err());
    assert_eq!(fal.get(&job.status()).await.body["status"], "COMPLETED");
}

#[tokio::test]
async fn stream_breaks_after_a_number_of_events() {
    let fal = Fal::manual().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    for after in [0, 1, 3] {
        fal.inject_fault(Operation::StatusStream, Fault::drop_response_after(after));
        let response = fal.request(Method::GET, &job.stream()).send().await;
        fal.complete(&job.id);
        // With zero events, the connection may close before the response head is sent.
        let Ok(response) = response else {
            assert_eq!(after, 0);
            continue;
        };
        let events = events(response);
        pin_mut!(events);
        let mut statuses = 0;
        let torn = loop {
            match events.next().await {
                Some(Ok(Event::Status(_))) => statuses += 1,
                Some(Ok(Event::Comment(_))) => {}
                Some(Err(_)) => break true,
                None => break false,
            }
        };
        // A stream with fewer events ends normally.
        let whole = after > 1;
        assert_eq!((statuses, torn), (if whole { 1 } else { after }, !whole), "after {after}");
    }
}

#[tokio::test]
async fn response_breaks_after_a_number_of_bytes() {
    let fal = Fal::instant().await;
    fal.inject_fault(Operation::Run, Fault::drop_response_after(10));
    let torn = fal.request(Method::POST, &format!("/fal.run/{INPAINTING}")).json(&inpainting()).send().await.unwrap();
    assert_eq!(torn.status(), 200);
    let mut bytes = torn.bytes_stream();
    assert_eq!(bytes.next().await.unwrap().unwrap().len(), 10);
    assert!(bytes.next().await.unwrap().is_err());
}

#[tokio::test]
async fn delay_holds_the_response() {
    let fal = Fal::instant().await;
    // The delay outlasts the test: the request has arrived, its response is pending.
    let hour = Duration::from_secs(3600);
    fal.inject_fault(Operation::Run, Fault::none().delay(hour));
    fal.inject_fault(Operation::Run, Fault::none().delay(Duration::from_millis(1)));
    let request = fal.request(Method::POST, &format!("/fal.run/{INPAINTING}")).json(&inpainting());
    let late = tokio::spawn(request.send());
    while fal.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(fal.run(INPAINTING, &inpainting()).await.status, 200);
    assert!(!late.is_finished());
    assert_eq!(fal.requests()[0].status(), None);
    fal.advance_time(hour);
    assert_eq!(late.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn invalid_fault_is_reported() {
    let fal = Fal::instant().await;
    for (fault, reason) in [
        (Fault::respond(42), "invalid fault: status 42 is not from 200 to 599"),
        (Fault::respond(101), "invalid fault: status 101 is not from 200 to 599"),
        (Fault::respond(400).header("a b", "c"), "invalid fault: `a b: c` is not a valid header"),
        (Fault::respond(400).header("a", "b\nc"), "invalid fault: `a: b\nc` is not a valid header"),
    ] {
        fal.inject_fault(Operation::Run, fault);
        let reply = fal.run(INPAINTING, &inpainting()).await;
        assert_eq!((reply.status, reply.body), (500, json!({ "detail": reason })));
    }
}

/// Returns a request of every operation, with a job and a file for them.
fn requests_of_every_operation(fal: &Fal, job: &Job, file: &str) -> Vec<(Operation, RequestBuilder)> {
    let post = |host: &str| fal.request(Method::POST, &format!("/{host}/{INPAINTING}")).json(&small());
    vec![
        (Operation::Run, post("fal.run")),
        (Operation::Submit, post("queue.fal.run")),
        (Operation::Status, fal.request(Method::GET, &job.status())),
        (Operation::StatusStream, fal.request(Method::GET, &job.stream())),
        (Operation::Result, fal.request(Method::GET, &job.path)),
        (Operation::Cancel, fal.request(Method::PUT, &job.cancel())),
        (Operation::Media, fal.http.get(file)),
    ]
}

/// Returns an input whose image is small.
fn small() -> Value {
    inpainting_with(json!({ "image_size": { "width": 8, "height": 8 } }))
}

/// Reads a response to its end.
async fn whole(request: RequestBuilder) -> reqwest::Result<u16> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    response.bytes().await?;
    Ok(status)
}

#[tokio::test]
async fn every_operation_can_break_at_every_point() {
    let fal = Fal::instant().await;
    let job = fal.submit(INPAINTING, &small()).await;
    let file = fal.get(&job.path).await.body["images"][0]["url"].as_str().unwrap().to_owned();
    let points = [
        (Fault::drop_request_after(0), false),
        (Fault::drop_request_after(10), false),
        (Fault::drop_connection(), false),
        (Fault::drop_connection().after_effect(), true),
        (Fault::drop_response_in_head(), true),
        (Fault::drop_response_after(0), true),
        (Fault::drop_response_after_bytes(1), true),
    ];
    for (fault, takes_effect) in points {
        for (operation, request) in requests_of_every_operation(&fal, &job, &file) {
            let before = fal.jobs().len();
            fal.inject_fault(operation, fault.clone());
            let again = request.try_clone().unwrap();
            whole(request).await.expect_err("a broken connection");
            let makes_job = matches!(operation, Operation::Run | Operation::Submit);
            assert_eq!(fal.jobs().len() - before, usize::from(makes_job && takes_effect), "{operation:?} {fault:?}");
            let usual = if operation == Operation::Cancel { 400 } else { 200 };
            assert_eq!(whole(again).await.unwrap(), usual, "{operation:?} {fault:?}");
        }
    }
    assert_eq!(fal.pending_faults(), 0);
}

#[tokio::test]
async fn proxy_responds_before_or_after_the_effect() {
    let fal = Fal::instant().await;
    for (fault, jobs) in [(Fault::nginx(502), 0), (Fault::nginx(504).after_effect(), 1)] {
        fal.inject_fault(Operation::Submit, fault);
        let submit = fal.request(Method::POST, &format!("/queue.fal.run/{INPAINTING}")).json(&inpainting());
        let response = submit.send().await.unwrap();
        assert!(response.status().is_server_error());
        assert_eq!(response.headers()["content-type"], "text/html");
        assert_eq!(response.headers().get("x-fal-request-id"), None);
        let page = response.text().await.unwrap();
        assert!(page.contains("<center>nginx</center>"), "{page}");
        assert_eq!(fal.jobs().len(), jobs);
    }
}

#[tokio::test]
async fn retry_after_is_seconds_or_a_date() {
    let fal = Fal::instant().await;
    fal.inject_fault(Operation::Run, Fault::respond(429).retry_after(Duration::from_millis(1500)));
    fal.inject_fault(Operation::Run, Fault::respond(429).retry_after_date(Duration::from_secs(60)));
    let seconds = fal.run(INPAINTING, &inpainting()).await;
    assert_eq!((seconds.status, seconds.header("retry-after")), (429, Some("2")));
    let date = fal.run(INPAINTING, &inpainting()).await;
    let date = httpdate::parse_http_date(date.header("retry-after").unwrap()).unwrap();
    assert!(date > SystemTime::now() && date < SystemTime::now() + Duration::from_secs(61));
}

#[tokio::test]
async fn request_error_has_the_platforms_format() {
    let fal = Fal::instant().await;
    for (error_type, status, needs_retry) in [
        ("request_timeout", 504, Some("1")),
        ("runner_disconnected", 503, Some("1")),
        ("runner_incomplete_response", 502, Some("1")),
        ("runner_server_error", 500, None),
        ("client_disconnected", 499, None),
        ("bad_request", 400, None),
        ("concurrent_requests_limit", 429, Some("1")),
        ("something_new", 500, None),
    ] {
        fal.inject_fault(Operation::Run, Fault::request_error(error_type));
        let reply = fal.run(INPAINTING, &inpainting()).await;
        assert_eq!(reply.status, status, "{error_type}");
        assert_eq!(reply.header("x-fal-error-type"), Some(error_type));
        assert_eq!(reply.header("x-fal-needs-retry"), needs_retry, "{error_type}");
        assert_eq!(reply.body["error_type"], error_type);
        assert!(reply.body["detail"].is_string());
    }
    assert_eq!(fal.jobs().len(), 0);
}

#[tokio::test]
async fn header_is_added_to_the_normal_response() {
    let fal = Fal::instant().await;
    fal.inject_fault(
        Operation::Run,
        Fault::none().header("x-fal-served-from", "elsewhere").header("x-fal-billable-units", "7"),
    );
    let reply = fal.run(INPAINTING, &inpainting()).await;
    assert_eq!((reply.status, reply.header("x-fal-served-from")), (200, Some("elsewhere")));
    assert_eq!(reply.header("x-fal-billable-units"), Some("7"));
    assert!(reply.header("x-fal-request-id").is_some());
}

#[tokio::test]
async fn accepted_request_has_the_injected_outcome() {
    let fal = Fal::manual().await;
    let policy = json!({ "detail": [{ "loc": ["body", "prompt"], "msg": "no", "type": "content_policy_violation" }] });
    fal.inject_fault(Operation::Submit, Fault::outcome(422).json(&policy).header("x-fal-billable-units", "1"));
    let job = fal.submit(INPAINTING, &inpainting()).await;
    assert_eq!(fal.get(&job.status()).await.body["status"], "IN_QUEUE");
    fal.complete(&job.id);
    let status = fal.get(&job.status()).await.body;
    assert_eq!((&status["status"], &status["error"]), (&json!("COMPLETED"), &json!("Invalid status code: 422")));
    assert_eq!(status["error_type"], Value::Null);
    let result = fal.get(&job.path).await;
    assert_eq!((result.status, &result.body), (422, &policy));
    assert_eq!(result.header("x-fal-billable-units"), Some("1"));
    assert_eq!(result.header("x-fal-request-id"), Some(job.id.as_str()));

    let gone = json!({ "detail": "Runner disconnected", "error_type": "runner_disconnected" });
    fal.inject_fault(Operation::Submit, Fault::outcome(503).json(&gone));
    let job = fal.submit(INPAINTING, &inpainting()).await;
    fal.complete(&job.id);
    let status = fal.get(&job.status()).await.body;
    assert_eq!((&status["error"], &status["error_type"]), (&gone["detail"], &gone["error_type"]));
    assert_eq!(fal.get(&job.path).await.status, 503);

    fal.inject_fault(Operation::Run, Fault::outcome(500));
    let run = fal.run(INPAINTING, &inpainting()).await;
    assert_eq!(run.status, 500);
    assert_eq!(run.header("x-fal-request-id"), Some(fal.jobs()[2].request_id()));
}

#[tokio::test]
async fn connection_is_closed_before_the_request_is_read() {
    let fal = Fal::instant().await;
    fal.drop_connections(2);
    for _ in 0..2 {
        fal.request(Method::GET, "/fal.run").send().await.expect_err("a closed connection");
    }
    assert_eq!(fal.requests().len(), 0);
    assert_eq!(fal.get("/fal.run").await.status, 404);
}

#[tokio::test]
async fn stream_breaks_inside_an_event() {
    let fal = Fal::manual().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    fal.inject_fault(Operation::StatusStream, Fault::drop_response_after_bytes(20));
    let mut bytes = fal.request(Method::GET, &job.stream()).send().await.unwrap().bytes_stream();
    assert_eq!(bytes.next().await.unwrap().unwrap().len(), 20);
    assert!(bytes.next().await.unwrap().is_err());
}

#[tokio::test]
async fn stream_stalls() {
    let fal = Fal::start(Emulator::builder().pace(Pace::manual()).keep_alive(Duration::from_millis(1))).await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    fal.inject_fault(Operation::StatusStream, Fault::stall_response_after(1));
    let events = events(fal.request(Method::GET, &job.stream()).send().await.unwrap());
    pin_mut!(events);
    assert_eq!(next_status(&mut events).await.unwrap()["status"], "IN_QUEUE");
    fal.complete(&job.id);
    fal.advance_time(Duration::from_secs(60));
    // Other requests work. The stream has had enough time for its next event and for a comment.
    for _ in 0..20 {
        assert_eq!(fal.get(&job.status()).await.body["status"], "COMPLETED");
    }
    assert!(futures_util::FutureExt::now_or_never(events.next()).is_none());
}

#[tokio::test]
async fn response_is_throttled() {
    let fal = Fal::instant().await;
    let usual = fal.run(INPAINTING, &inpainting()).await;
    let pause = Duration::from_secs(3600);
    fal.inject_fault(Operation::Run, Fault::throttle(100, pause));
    let run = fal.request(Method::POST, &format!("/fal.run/{INPAINTING}")).json(&inpainting());
    let response = run.send().await.unwrap();
    let length = response.content_length().unwrap();
    let mut bytes = response.bytes_stream();
    let mut body = Vec::new();
    while (body.len() as u64) < length {
        assert!(futures_util::FutureExt::now_or_never(bytes.next()).is_none());
        fal.advance_time(pause);
        let piece = bytes.next().await.unwrap().unwrap();
        assert!(piece.len() <= 100);
        body.extend_from_slice(&piece);
    }
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), usual.body);
}

#[tokio::test]
async fn condition_limits_a_fault() {
    let fal = Fal::instant().await;
    let redux = json!({ "image_url": "https://example.com/a.png" });
    fal.inject_fault(Operation::Run, Fault::respond(500).on(REDUX));
    fal.inject_fault(Operation::Run, Fault::respond(501));
    // The first fault is for another endpoint, so the second applies first.
    assert_eq!(fal.run(INPAINTING, &inpainting()).await.status, 501);
    assert_eq!(fal.run(INPAINTING, &inpainting()).await.status, 200);
    assert_eq!(fal.pending_faults(), 1);
    assert_eq!(fal.run(REDUX, &redux).await.status, 500);

    let (first, second) = (fal.submit(INPAINTING, &inpainting()).await, fal.submit(REDUX, &redux).await);
    fal.inject_fault(Operation::Status, Fault::respond(500).on(REDUX));
    let of_first = first.id.clone();
    fal.inject_fault(
        Operation::Status,
        Fault::respond(501).when(move |request| request.request_id() == Some(&of_first)),
    );
    let status = async |job: &Job| -> Reply { fal.get(&job.status()).await };
    assert_eq!(status(&first).await.status, 501);
    assert_eq!(status(&first).await.status, 200);
    assert_eq!(status(&second).await.status, 500);
    assert_eq!(fal.pending_faults(), 0);

    // Both conditions have to hold.
    fal.inject_fault(
        Operation::Run,
        Fault::respond(500).on(REDUX).when(|request| request.header("x-fal-tags").is_some()),
    );
    assert_eq!(fal.run(REDUX, &redux).await.status, 200);
    let tagged = fal.request(Method::POST, &format!("/fal.run/{REDUX}")).header("x-fal-tags", "a=b").json(&redux);
    assert_eq!(send(tagged).await.status, 500);

    fal.inject_fault(Operation::Run, Fault::respond(500));
    fal.clear_faults();
    assert_eq!(fal.run(REDUX, &redux).await.status, 200);
    // Only the application of an unknown request is known.
    fal.get(&format!("/queue.fal.run/{APP}/requests/unknown")).await;
    assert_eq!(fal.requests().last().unwrap().endpoint(), Some(APP));
}

#[tokio::test]
async fn repeated_fault_happens_until_faults_are_cleared() {
    let fal = Fal::instant().await;
    fal.inject_fault(Operation::Run, Fault::respond(503).on(INPAINTING).repeat());
    fal.inject_fault(Operation::Run, Fault::respond(418));
    assert_eq!(fal.pending_faults(), 1, "a repeated fault is not pending");
    for _ in 0..3 {
        assert_eq!(fal.run(INPAINTING, &inpainting()).await.status, 503);
    }
    let redux = json!({ "image_url": "https://example.com/fox.png" });
    assert_eq!(fal.run(REDUX, &redux).await.status, 418);
    assert_eq!(fal.run(REDUX, &redux).await.status, 200);
    fal.clear_faults();
    assert_eq!(fal.run(INPAINTING, &inpainting()).await.status, 200);
}
