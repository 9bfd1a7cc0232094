use std::time::Duration;

use fal_emulator::{Fault, Operation};
use futures_util::{StreamExt, pin_mut};
use reqwest::Method;
use serde_json::json;

use crate::fal::{Event, Fal, INPAINTING, answer, events, inpainting};

#[tokio::test]
async fn requests_take_the_faults_of_their_operation_in_order() {
    let fal = Fal::instant().await;
    fal.fault(Operation::Status, Fault::answer(500));
    fal.fault(Operation::Status, Fault::none());
    fal.fault(Operation::Status, Fault::answer(429).header("retry-after", "7").json(&json!({ "detail": "slowly" })));
    fal.fault(Operation::Result, Fault::answer(502).html("<h1>nginx</h1>"));
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
async fn a_fault_comes_instead_of_the_effect_or_after_it() {
    let fal = Fal::manual().await;
    let submit = || fal.request(Method::POST, &format!("/queue.fal.run/{INPAINTING}")).json(&inpainting());

    fal.fault(Operation::Submit, Fault::answer(503));
    assert_eq!(answer(submit()).await.status, 503);
    fal.fault(Operation::Submit, Fault::drop_connection());
    assert!(submit().send().await.is_err());
    fal.fault(Operation::Submit, Fault::answer(503).after_effect());
    assert_eq!(answer(submit()).await.status, 503);
    fal.fault(Operation::Submit, Fault::drop_connection().after_effect());
    assert!(submit().send().await.is_err());
    // Which of them have made a job?
    let seen: Vec<_> = fal.requests().iter().map(|it| (it.status(), it.request_id().is_some())).collect();
    assert_eq!(seen, [(Some(503), false), (None, false), (Some(503), true), (None, true)]);

    let job = fal.submit(INPAINTING, &inpainting()).await;
    fal.fault(Operation::Cancel, Fault::drop_connection());
    assert!(fal.request(Method::PUT, &job.cancel()).send().await.is_err());
    assert_eq!(fal.get(&job.status()).await.body["status"], "IN_QUEUE");
    fal.fault(Operation::Cancel, Fault::drop_connection().after_effect());
    assert!(fal.request(Method::PUT, &job.cancel()).send().await.is_err());
    assert_eq!(fal.get(&job.status()).await.body["status"], "COMPLETED");
}

#[tokio::test]
async fn a_stream_is_torn_after_so_many_events() {
    let fal = Fal::manual().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    for after in [0, 1, 3] {
        fal.fault(Operation::StatusStream, Fault::tear_after(after));
        let response = fal.request(Method::GET, &job.stream()).send().await;
        fal.complete(&job.id);
        // With no event at all, the connection may be gone before the head of the answer is out.
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
        // A stream with fewer events ends as usual.
        let whole = after > 1;
        assert_eq!((statuses, torn), (if whole { 1 } else { after }, !whole), "after {after}");
    }
}

#[tokio::test]
async fn an_answer_is_torn_after_so_many_bytes() {
    let fal = Fal::instant().await;
    fal.fault(Operation::Run, Fault::tear_after(10));
    let torn = fal.request(Method::POST, &format!("/fal.run/{INPAINTING}")).json(&inpainting()).send().await.unwrap();
    assert_eq!(torn.status(), 200);
    let mut bytes = torn.bytes_stream();
    assert_eq!(bytes.next().await.unwrap().unwrap().len(), 10);
    assert!(bytes.next().await.unwrap().is_err());
}

#[tokio::test]
async fn an_answer_comes_late() {
    let fal = Fal::instant().await;
    // Later than any test runs: the request is there, its answer is not.
    fal.fault(Operation::Run, Fault::none().delay(Duration::from_secs(3600)));
    fal.fault(Operation::Run, Fault::none().delay(Duration::from_millis(1)));
    let request = fal.request(Method::POST, &format!("/fal.run/{INPAINTING}")).json(&inpainting());
    let late = tokio::spawn(request.send());
    while fal.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(fal.run(INPAINTING, &inpainting()).await.status, 200);
    assert!(!late.is_finished());
    assert_eq!(fal.requests()[0].status(), None);
    late.abort();
}

#[tokio::test]
async fn a_fault_that_makes_no_sense_says_so() {
    let fal = Fal::instant().await;
    for (fault, reason) in [
        (Fault::answer(42), "a fault cannot be answered: 42 is not a status from 200 to 599"),
        (Fault::answer(101), "a fault cannot be answered: 101 is not a status from 200 to 599"),
        (Fault::answer(400).header("a b", "c"), "a fault cannot be answered: `a b: c` is not a header"),
        (Fault::answer(400).header("a", "b\nc"), "a fault cannot be answered: `a: b\nc` is not a header"),
    ] {
        fal.fault(Operation::Run, fault);
        let answer = fal.run(INPAINTING, &inpainting()).await;
        assert_eq!((answer.status, answer.body), (500, json!({ "detail": reason })));
    }
}
