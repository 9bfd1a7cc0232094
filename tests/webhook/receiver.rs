use std::time::Duration;

use axum::Router;
use axum::routing::post;
use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::webhook::{Receiver, Rejection, Verifier};
use fal_client::{Client, ErrorKind, Handle, Job, JsonInput};
use fal_emulator::{Emulator, Fault, Operation, Pace, WebhookFault, WebhookState};
use futures_util::FutureExt;
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::support::{Key, NOW, client, verifier};

const ID: &str = "fal-ai/flux/dev/redux";

/// A receiver behind an axum server, and an emulator that delivers to it.
struct Setup {
    emulator: Emulator,
    client: Client,
    receiver: Receiver,
    url: String,
    server: JoinHandle<()>,
}

impl Setup {
    async fn start(pace: Pace) -> Self {
        let emulator = Emulator::builder().pace(pace).start().await.expect("an emulator");
        let client = emulator.client();
        let receiver = Receiver::new(&client);
        let app = Router::new().route("/fal", post(receiver.handler()));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/fal", listener.local_addr().expect("an address"));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.expect("a server") });
        Setup { emulator, client, receiver, url, server }
    }

    fn endpoint(&self) -> Handle<JsonInput, Value> {
        self.client.endpoint(ID)
    }

    async fn submit(&self) -> Job<Value> {
        let input = json!({ "image_url": "https://example.com/fox.png", "seed": 7 });
        self.endpoint().submit(input).webhook(&self.url).await.expect("a job")
    }

    /// Counts the requests about jobs: statuses, streams and results.
    fn polls(&self) -> usize {
        let is_poll = |operation| matches!(operation, Operation::Status | Operation::StatusStream | Operation::Result);
        self.emulator.requests().iter().filter(|request| is_poll(request.operation())).count()
    }

    async fn delivered(&self, job: &Job<Value>) {
        let delivery = self.emulator.webhook_attempted(&job.request_id, usize::MAX).await.expect("a webhook");
        assert_eq!(delivery.state, WebhookState::Delivered);
    }
}

impl Drop for Setup {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[tokio::test]
async fn wait_needs_no_polling() {
    let setup = Setup::start(Pace::manual()).await;
    let job = setup.submit().await;
    let mut wait = setup.receiver.wait(&job).send();
    assert!((&mut wait).now_or_never().is_none());
    setup.emulator.complete(&job.request_id);
    let response = wait.await.expect("an output");
    assert_eq!(response.data["seed"], 7);
    assert_eq!(response.request_id, Some(job.request_id));
    assert_eq!(setup.polls(), 0);
}

#[tokio::test]
async fn delivery_before_the_wait_is_kept() {
    let setup = Setup::start(Pace::instant()).await;
    let job = setup.submit().await;
    setup.delivered(&job).await;
    assert_eq!(setup.receiver.wait(&job).await.expect("an output").data["seed"], 7);
    assert_eq!(setup.polls(), 0);
    assert_eq!(setup.receiver.wait(&job).await.expect("an output").data["seed"], 7);
    assert!(setup.polls() > 0, "the second wait fetches it");
}

#[tokio::test]
async fn several_waits_of_a_job_are_resolved() {
    let setup = Setup::start(Pace::manual()).await;
    let job = setup.submit().await;
    let mut waits: Vec<_> = (0..3).map(|_| setup.receiver.wait(&job).send()).collect();
    waits.iter_mut().for_each(|wait| assert!(wait.now_or_never().is_none()));
    drop(waits.pop());
    setup.emulator.complete(&job.request_id);
    for wait in waits {
        assert_eq!(wait.await.expect("an output").data["seed"], 7);
    }
    assert_eq!(setup.polls(), 0);
}

#[tokio::test]
async fn many_jobs_are_resolved() {
    let setup = Setup::start(Pace::instant()).await;
    let jobs = futures_util::future::join_all((0..30).map(|_| setup.submit())).await;
    let waits = jobs.iter().map(|job| setup.receiver.wait(job).send());
    for (job, response) in jobs.iter().zip(futures_util::future::join_all(waits).await) {
        assert_eq!(response.expect("an output").request_id.as_deref(), Some(&*job.request_id));
    }
    assert_eq!(setup.polls(), 0);
}

#[tokio::test]
async fn failed_request_is_a_typed_error() {
    let setup = Setup::start(Pace::instant()).await;
    let detail = json!({ "detail": [{ "loc": ["body", "image_url"], "msg": "too small", "type": "image_too_small" }] });
    setup.emulator.inject_fault(Operation::Submit, Fault::outcome(422).json(&detail));
    let job = setup.submit().await;
    let error = setup.receiver.wait(&job).await.expect_err("a failure");
    assert!(error.is_invalid_input() && !error.is_retryable() && !error.may_have_been_accepted());
    assert_eq!((error.endpoint(), error.request_id()), (Some(ID), Some(&*job.request_id)));
    assert_eq!(error.field_errors()[0].path(), "image_url");
    assert_eq!(setup.polls(), 0);

    let setup = Setup::start(Pace::manual()).await;
    let job = setup.submit().await;
    setup.client.resume(job.clone()).cancel().await.expect("a cancellation");
    let error = setup.receiver.wait(&job).await.expect_err("a cancellation");
    assert!(error.is_cancelled(), "{error}");
}

#[tokio::test]
async fn output_that_is_not_in_the_webhook_is_fetched() {
    let setup = Setup::start(Pace::instant()).await;
    setup.emulator.inject_webhook_fault(WebhookFault::PayloadError);
    let job = setup.submit().await;
    assert_eq!(setup.receiver.wait(&job).await.expect("an output").data["seed"], 7);
    assert!(setup.polls() > 0);
}

#[tokio::test]
async fn old_shape_and_duplicates_are_accepted() {
    let setup = Setup::start(Pace::instant()).await;
    for fault in [WebhookFault::OldShape, WebhookFault::Duplicate] {
        setup.emulator.inject_webhook_fault(fault);
        let job = setup.submit().await;
        assert_eq!(setup.receiver.wait(&job).await.expect("an output").data["seed"], 7);
        setup.delivered(&job).await;
    }
    assert_eq!(setup.polls(), 0);
}

#[tokio::test]
async fn forged_deliveries_resolve_nothing() {
    let setup = Setup::start(Pace::instant()).await;
    for fault in [WebhookFault::WrongSignature, WebhookFault::AlteredBody, WebhookFault::OldTimestamp] {
        setup.emulator.inject_webhook_fault(fault);
        let job = setup.submit().await;
        let mut wait = setup.receiver.wait(&job).send();
        assert!((&mut wait).now_or_never().is_none());
        let delivery = setup.emulator.webhook_attempted(&job.request_id, 1).await.expect("a webhook");
        assert_eq!(delivery.attempts[0].outcome, Ok(401), "{fault:?}");
        assert!((&mut wait).now_or_never().is_none(), "{fault:?}");
        setup.emulator.advance_time(Duration::from_secs(5));
        assert_eq!(wait.await.expect("the retry").data["seed"], 7);
    }
    assert_eq!(setup.polls(), 0);
}

#[tokio::test]
async fn rotated_key_is_fetched() {
    let setup = Setup::start(Pace::instant()).await;
    let job = setup.submit().await;
    setup.receiver.wait(&job).await.expect("an output");
    setup.emulator.rotate_webhook_key();
    let job = setup.submit().await;
    setup.receiver.wait(&job).await.expect("an output");
    assert_eq!(setup.polls(), 0);
    let requests = setup.emulator.requests();
    let fetches: Vec<_> = requests.iter().filter(|request| request.operation() == Operation::WebhookKeys).collect();
    assert_eq!(fetches.len(), 2);
    assert!(fetches.iter().all(|request| request.mistake().is_none()), "without the API key");
}

#[tokio::test]
async fn unreachable_keys_are_retried_by_fal() {
    let setup = Setup::start(Pace::instant()).await;
    let client = setup.emulator.client_builder().retry(fal_client::RetryPolicy::none()).build().expect("a client");
    let clock = crate::support::Clock::now();
    let verifier = clock.apply(Verifier::new(&client));
    let receiver = setup.receiver.clone().verifier(verifier);
    setup.emulator.inject_fault(Operation::WebhookKeys, Fault::respond(503));
    let app = Router::new().route("/fal", post(receiver.handler()));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/fal", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move { axum::serve(listener, app).await.expect("a server") });
    let input = json!({ "image_url": "https://example.com/fox.png", "seed": 7 });
    let job = setup.endpoint().submit(input).webhook(url).await.expect("a job");
    let delivery = setup.emulator.webhook_attempted(&job.request_id, 1).await.expect("a webhook");
    assert_eq!(delivery.attempts[0].outcome, Ok(503));
    clock.advance(5);
    setup.emulator.advance_time(Duration::from_secs(5));
    assert_eq!(receiver.wait(&job).await.expect("the retry").data["seed"], 7);
    server.abort();
}

#[tokio::test]
async fn wait_ends_with_a_status_check_if_the_delivery_is_lost() {
    let setup = Setup::start(Pace::instant()).await;
    setup.emulator.inject_webhook_fault(WebhookFault::Lost);
    let job = setup.submit().await;
    let response = setup.receiver.wait(&job).check_every(Duration::ZERO).await.expect("an output");
    assert_eq!(response.data["seed"], 7);
    assert!(setup.polls() > 0);
}

#[tokio::test]
async fn wait_without_a_receiver_follows_the_request() {
    let setup = Setup::start(Pace::instant()).await;
    let receiver = Receiver::new(&setup.client);
    let job = setup.submit().await;
    let wait = receiver.wait(&job).check_every(Duration::MAX).send();
    drop(receiver);
    assert_eq!(wait.await.expect("an output").data["seed"], 7);
}

#[tokio::test]
async fn timeout_leaves_the_request_alone() {
    let setup = Setup::start(Pace::manual()).await;
    let job = setup.submit().await;
    let error = setup.receiver.wait(&job).timeout(Duration::from_millis(1)).await.expect_err("a timeout");
    assert!(error.is_timeout() && error.request_id() == Some(&*job.request_id), "{error}");
    setup.emulator.complete(&job.request_id);
    assert_eq!(setup.receiver.wait(&job).await.expect("an output").data["seed"], 7);
    assert_eq!(setup.polls(), 0);
}

#[tokio::test]
async fn unknown_requests_are_acknowledged() {
    let setup = Setup::start(Pace::instant()).await;
    let other = Receiver::new(&setup.client);
    let job = setup.submit().await;
    setup.delivered(&job).await;
    let mut wait = other.wait(&job).send();
    assert!((&mut wait).now_or_never().is_none(), "a receiver of another process");
}

#[tokio::test]
async fn jobs_with_invalid_ids_are_errors() {
    let setup = Setup::start(Pace::instant()).await;
    let job: Job<Value> = Job::new("a/b", "../x");
    let error = setup.receiver.wait(&job).await.expect_err("an invalid id");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn any_server_can_pass_deliveries() {
    let setup = Setup::start(Pace::manual()).await;
    let error = setup.receiver.receive(&HeaderMap::new(), "{}").await.expect_err("no headers");
    assert_eq!(error.webhook_rejection(), Some(Rejection::MissingHeader));
    let address = setup.url.trim_start_matches("http://").trim_end_matches("/fal").parse().expect("an address");
    let (status, words) = crate::support::post(address, "/fal", &HeaderMap::new(), "{}").await;
    assert_eq!((status, &*words), (401, "a header of the webhook is missing"));
}

/// A receiver whose client reaches no server, with a delivery.
async fn received(body: &str) -> Receiver {
    let key = Key::new(7);
    let receiver = Receiver::new(&client("http://127.0.0.1:1")).verifier(verifier(&key));
    receiver.receive(&key.sign(&NOW.to_string(), body.as_bytes()), body.to_owned()).await.expect("a valid delivery");
    receiver
}

#[tokio::test]
async fn output_of_another_type_is_an_error_with_its_body() {
    let receiver = received(r#"{"request_id":"R1","status":"OK","payload":[7]}"#).await;
    let error = receiver.wait(&Job::<redux::Output>::new(ID, "R1")).await.expect_err("another type");
    assert_eq!((error.kind(), error.request_id()), (ErrorKind::UnexpectedResponse, Some("R1")));
    assert_eq!(error.body().map(|body| &body[..]), Some(&b"[7]"[..]), "{error}");
}

#[tokio::test]
async fn body_with_odd_numbers_resolves_its_request() {
    let receiver = received(r#"{"request_id":"R1","status":"OK","payload":{"seed":NaN,"text":"x"}}"#).await;
    let response = receiver.wait(&Job::<Value>::new(ID, "R1")).await.expect("an output");
    assert_eq!(response.data["text"], "x");
}

#[tokio::test]
async fn requests_that_the_queue_does_not_know_yet_are_waited_for() {
    let setup = Setup::start(Pace::instant()).await;
    setup.emulator.inject_webhook_fault(WebhookFault::Lost);
    let job = setup.submit().await;
    let unknown = Fault::respond(404).json(&json!({ "detail": "NOT_FOUND" }));
    setup.emulator.inject_fault(Operation::Status, unknown);
    let response = setup.receiver.wait(&job).check_every(Duration::ZERO).await.expect("an output");
    assert_eq!(response.data["seed"], 7);
}
