//! Reservations of submitted requests. A call is expected to cost 0.1 dollars.

use fal_client::{Cancellation, QueueUpdate, RetryPolicy};
use fal_emulator::{Emulator, Fault, Operation, Pace};

use crate::support::{ENDPOINT, assert_amounts, budget, client, dollars, emulator, input, with_units};

#[tokio::test]
async fn reservation_ends_when_any_client_with_the_budget_reads_the_result() {
    let emulator = emulator().await;
    let budget = budget("1");
    let job = client(&emulator, &budget).endpoint(ENDPOINT).submit(input()).await.expect("a job");
    assert_amounts(&budget, "0", "0.1");
    emulator.client().resume(job.clone()).wait().await.expect("an output");
    assert_amounts(&budget, "0", "0.1");
    let other = client(&emulator, &budget).resume(job.clone());
    emulator.inject_fault(Operation::Result, with_units("2"));
    other.wait().await.expect("an output");
    assert_amounts(&budget, "0.2", "0");
    other.result().await.expect("an output");
    assert_amounts(&budget, "0.2", "0");
}

#[tokio::test]
async fn caller_settles_or_releases_a_request() {
    let emulator = emulator().await;
    let budget = budget("1");
    let endpoint = client(&emulator, &budget).endpoint(ENDPOINT);
    let (first, second) = (endpoint.submit(input()).await, endpoint.submit(input()).await);
    assert!(budget.settle(&first.expect("a job").request_id, &dollars("0.03")).expect("dollars"));
    assert!(budget.release(&second.expect("a job").request_id));
    assert_amounts(&budget, "0.03", "0");
}

#[tokio::test]
async fn requests_of_an_earlier_process_are_restored() {
    let emulator = emulator().await;
    let job = emulator.client().endpoint(ENDPOINT).submit(input()).await.expect("a job");
    let budget = budget("0.5").with_spent("0.45").with_reserved(ENDPOINT, &job.request_id, "0.1");
    assert_eq!(budget.remaining(), dollars("0"));
    emulator.inject_fault(Operation::Result, with_units("0.2"));
    client(&emulator, &budget).resume(job).result().await.expect("an output");
    assert_amounts(&budget, "0.47", "0");
    assert_eq!(budget.remaining(), dollars("0.03"));
}

#[tokio::test]
async fn removed_requests_are_released_and_running_ones_are_not() {
    let emulator = Emulator::builder().pace(Pace::manual()).start().await.expect("an emulator");
    let budget = budget("1");
    let endpoint = client(&emulator, &budget).endpoint(ENDPOINT);
    let (waiting, running) = (endpoint.submit(input()).await, endpoint.submit(input()).await);
    let (waiting, running) = (waiting.expect("a job"), running.expect("a job"));
    while let QueueUpdate::InQueue { .. } = endpoint.status(&running).await.expect("a status") {
        assert!(emulator.advance(&running.request_id));
    }
    assert_amounts(&budget, "0", "0.2");
    assert_eq!(endpoint.cancel(&waiting).await.expect("an outcome"), Cancellation::Removed);
    assert_amounts(&budget, "0", "0.1");
    assert_eq!(endpoint.cancel(&running).await.expect("an outcome"), Cancellation::Requested);
    assert_amounts(&budget, "0", "0.1");
}

#[tokio::test]
async fn reservation_stays_while_the_result_can_still_be_read() {
    let emulator = emulator().await;
    let budget = budget("1");
    let builder = emulator.client_builder().retry(RetryPolicy::none()).budget(budget.clone());
    let client = builder.build().expect("a client");
    let job = client.endpoint(ENDPOINT).submit(input()).await.expect("a job");
    for fault in [
        Fault::nginx(502),
        Fault::respond(401),
        Fault::respond(403),
        Fault::respond(404),
        Fault::respond(429),
        Fault::drop_connection(),
        Fault::respond(400).json(&serde_json::json!({ "detail": "Request is still in progress" })),
    ] {
        emulator.inject_fault(Operation::Result, fault);
        client.resume(job.clone()).result().await.expect_err("a failure");
        assert_amounts(&budget, "0", "0.1");
    }
    emulator.inject_fault(Operation::Result, with_units("1"));
    client.resume(job).result().await.expect("an output");
    assert_amounts(&budget, "0.1", "0");
}
