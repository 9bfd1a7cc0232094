//! Webhooks that complete jobs.

use std::time::Duration;

use axum::Router;
use axum::routing::post;
use fal_client::Client;
use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::money::{Decimal, Price, PriceTable};
use fal_client::webhook::Verifier;
use fal_emulator::{Emulator, Fault, Operation, Pace, WebhookFault, WebhookState};
use fal_jobs::{ErrorKind, FailureKind, Journal, State, SubmitOptions};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::support::events::Events;
use crate::support::{Database, Outcome, emulator, emulator_with, on_both_databases};

on_both_databases!(
    webhook_completes_job_without_polling,
    webhook_of_another_process_completes_job,
    webhook_fails_job,
    duplicates_change_nothing,
    early_delivery_is_refused_until_the_id_is_recorded,
    missing_output_is_fetched,
    units_of_job_with_a_price_are_fetched,
    lost_webhook_is_replaced_by_following,
    deliveries_of_other_users_are_refused,
    failing_result_is_delivered_again,
    failing_database_is_delivered_to_again,
    webhooks_complete_the_jobs_of_a_worker,
    a_worker_follows_a_request_whose_webhook_is_lost,
);

/// A server with the handler. Dropping it stops it.
struct Server {
    url: String,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(journal: &Journal, client: &Client) -> Result<Server, std::io::Error> {
    serve_with(journal, client, Verifier::new(client).user_id("emulator")).await
}

async fn serve_with(journal: &Journal, client: &Client, verifier: Verifier) -> Result<Server, std::io::Error> {
    let app = Router::new().route("/fal", post(journal.webhook_handler(client, verifier)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/fal", listener.local_addr()?);
    let task = tokio::spawn(async move {
        let served = axum::serve(listener, app).await;
        served.expect("a server");
    });
    Ok(Server { url, task })
}

fn input() -> redux::Input {
    redux::Input::builder().image_url("https://example.com/fox.png").build()
}

fn to(server: &Server) -> SubmitOptions {
    SubmitOptions::new().webhook(&server.url)
}

fn count(emulator: &Emulator, operation: Operation) -> usize {
    emulator.requests().iter().filter(|request| request.operation() == operation).count()
}

fn polls(emulator: &Emulator) -> usize {
    [Operation::Status, Operation::StatusStream, Operation::Result]
        .map(|operation| count(emulator, operation))
        .iter()
        .sum()
}

async fn webhook_completes_job_without_polling(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let journal = database.journal().await?;
    let server = serve(&journal, &client).await?;
    let handle = client.endpoint(redux::ENDPOINT);
    let done = journal.run(&handle, input()).key("fox").options(to(&server)).await?;
    assert_eq!((done.record.state, done.data.images.len()), (State::Completed, 1));
    assert_eq!(done.record.request_id.as_deref(), Some(emulator.jobs()[0].request_id()));
    assert_eq!((polls(&emulator), emulator.jobs().len()), (0, 1));
    assert_eq!(done.record.units, None);
    // The same as by polling.
    let polled = journal.run(&handle, input()).key("owl").await?;
    assert_eq!(polled.record.output.is_some(), done.record.output.is_some());
    Ok(())
}

async fn webhook_of_another_process_completes_job(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let server = serve(&database.journal().await?, &client).await?;
    let handle = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    let jobs = (0..5).map(|index| journal.run(&handle, input()).key(format!("fox-{index}")).options(to(&server)));
    for done in futures_util::future::join_all(jobs.map(|call| call.send())).await {
        assert_eq!(done?.record.state, State::Completed);
    }
    assert_eq!((polls(&emulator), emulator.jobs().len()), (0, 5));
    Ok(())
}

async fn webhook_fails_job(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let journal = database.journal().await?;
    let server = serve(&journal, &client).await?;
    let refusal = json!({ "detail": [{ "loc": ["body", "prompt"], "msg": "no", "type": "content_policy_violation" }] });
    emulator.inject_fault(Operation::Submit, Fault::outcome(422).json(&refusal));
    let run = journal.run(&client.endpoint(redux::ENDPOINT), input()).key("fox").options(to(&server));
    let error = run.await.expect_err("a failed job");
    assert_eq!(error.kind(), ErrorKind::Failed);
    let failure = journal.get("fox").await?.and_then(|job| job.failure()).ok_or("a failure")?;
    assert_eq!((failure.kind, failure.error_type.as_deref()), (FailureKind::Failed, Some("content_policy_violation")));
    assert_eq!(polls(&emulator), 0);
    Ok(())
}

async fn duplicates_change_nothing(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let journal = database.journal().await?;
    let server = serve(&journal, &client).await?;
    emulator.inject_webhook_fault(WebhookFault::Duplicate);
    let done = journal.run(&client.endpoint(redux::ENDPOINT), input()).key("fox").options(to(&server)).await?;
    let id = done.record.request_id.clone().unwrap_or_default();
    let delivery = emulator.webhook_attempted(&id, 2).await.ok_or("a webhook")?;
    assert_eq!(delivery.attempts.iter().map(|attempt| attempt.outcome.clone()).collect::<Vec<_>>(), [Ok(200), Ok(200)]);
    let job = journal.get("fox").await?.ok_or("the job")?;
    assert_eq!(
        (job.state, job.output, job.finished_at),
        (State::Completed, done.record.output.clone(), done.record.finished_at)
    );
    Ok(())
}

async fn early_delivery_is_refused_until_the_id_is_recorded(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let journal = database.journal().await?;
    let server = serve(&journal, &client).await?;
    let handle = client.endpoint(redux::ENDPOINT);
    // The journal learns the request id only after the first attempt.
    let job = handle.submit(input()).webhook(&server.url).await?;
    let delivery = emulator.webhook_attempted(&job.request_id, 1).await.ok_or("a webhook")?;
    assert_eq!((delivery.attempts[0].outcome.clone(), &delivery.state), (Ok(503), &WebhookState::Pending));
    emulator.inject_fault(Operation::Submit, Fault::drop_connection().after_effect());
    journal.run(&handle, input()).key("fox").await.expect_err("an uncertain job");
    journal.adopt("fox", &job.request_id).await?;
    emulator.advance_time(Duration::from_secs(10));
    let delivery = emulator.webhook_attempted(&job.request_id, 2).await.ok_or("a webhook")?;
    assert_eq!(delivery.state, WebhookState::Delivered);
    assert_eq!(journal.get("fox").await?.ok_or("the job")?.state, State::Completed);
    Ok(())
}

async fn missing_output_is_fetched(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let journal = database.journal().await?;
    let server = serve(&journal, &client).await?;
    emulator.inject_webhook_fault(WebhookFault::PayloadError);
    let done = journal.run(&client.endpoint(redux::ENDPOINT), input()).options(to(&server)).await?;
    assert_eq!(done.data.images.len(), 1);
    assert_eq!(count(&emulator, Operation::Result), 1);
    Ok(())
}

async fn units_of_job_with_a_price_are_fetched(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let prices = PriceTable::from_iter([Price::new(redux::ENDPOINT.id(), Decimal::new(25, 3), "megapixels")]);
    let journal = Journal::builder().prices(prices).open(&database.url).await?;
    let server = serve(&journal, &client).await?;
    let done = journal.run(&client.endpoint(redux::ENDPOINT), input()).options(to(&server)).await?;
    assert!(done.record.units.is_some() && done.record.cost().is_some(), "{:?}", done.record.units);
    assert_eq!(count(&emulator, Operation::Result), 1);
    Ok(())
}

async fn lost_webhook_is_replaced_by_following(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let journal = Journal::builder().webhook_patience(Duration::from_millis(50)).open(&database.url).await?;
    let server = serve(&journal, &client).await?;
    emulator.inject_webhook_fault(WebhookFault::Lost);
    let done = journal.run(&client.endpoint(redux::ENDPOINT), input()).options(to(&server)).await?;
    assert_eq!(done.record.state, State::Completed);
    assert_eq!(count(&emulator, Operation::Result), 1);
    Ok(())
}

async fn deliveries_of_other_users_are_refused(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let journal = database.journal().await?;
    let events = Events::record();
    let server = serve_with(&journal, &client, Verifier::new(&client).user_id("somebody")).await?;
    let job = journal.submit(&client.endpoint(redux::ENDPOINT), input()).key("fox").options(to(&server)).await?;
    let id = job.request_id.unwrap_or_default();
    let delivery = emulator.webhook_attempted(&id, 1).await.ok_or("a webhook")?;
    assert!(delivery.attempts[0].outcome.clone().is_ok_and(|status| (400..500).contains(&status)), "{delivery:?}");
    let warnings: Vec<String> = events.lines().into_iter().filter(|line| line.starts_with("WARN")).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("a webhook was rejected error=the webhook belongs to another user"), "{warnings:?}");
    assert_eq!(journal.get("fox").await?.ok_or("the job")?.state, State::Submitted);
    Ok(())
}

async fn failing_result_is_delivered_again(database: Database) -> Outcome {
    let emulator = Emulator::start().await?;
    let client = emulator.client_builder().retry(fal_client::RetryPolicy::none()).build()?;
    let journal = database.journal().await?;
    let server = serve(&journal, &client).await?;
    emulator.inject_webhook_fault(WebhookFault::PayloadError);
    emulator.inject_fault(Operation::Result, Fault::respond(429));
    let job = journal.submit(&client.endpoint(redux::ENDPOINT), input()).key("fox").options(to(&server)).await?;
    let id = job.request_id.unwrap_or_default();
    let delivery = emulator.webhook_attempted(&id, 1).await.ok_or("a webhook")?;
    assert_eq!(delivery.attempts[0].outcome, Ok(503));
    emulator.advance_time(Duration::from_secs(10));
    emulator.webhook_attempted(&id, 2).await.ok_or("a webhook")?;
    assert_eq!(journal.get("fox").await?.ok_or("the job")?.state, State::Completed);
    Ok(())
}

async fn failing_database_is_delivered_to_again(database: Database) -> Outcome {
    let (emulator, client) = emulator_with(Pace::manual()).await?;
    let journal = database.journal().await?;
    let server = serve(&journal, &client).await?;
    let handle = client.endpoint(redux::ENDPOINT);
    let job = journal.submit(&handle, input()).key("fox").options(to(&server)).await?;
    let id = job.request_id.unwrap_or_default();
    database.execute("ALTER TABLE jobs RENAME TO hidden").await?;
    assert!(emulator.complete(&id));
    let delivery = emulator.webhook_attempted(&id, 1).await.ok_or("a webhook")?;
    assert_eq!(delivery.attempts[0].outcome, Ok(503));
    database.execute("ALTER TABLE hidden RENAME TO jobs").await?;
    emulator.advance_time(Duration::from_secs(10));
    let delivery = emulator.webhook_attempted(&id, 2).await.ok_or("a webhook")?;
    assert_eq!(delivery.attempts[1].outcome, Ok(200));
    assert_eq!(journal.get("fox").await?.ok_or("the job")?.state, State::Completed);
    assert_eq!(emulator.jobs().len(), 1);
    Ok(())
}

async fn webhooks_complete_the_jobs_of_a_worker(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let journal = database.journal().await?;
    let server = serve(&journal, &client).await?;
    for key in ["fox", "owl"] {
        journal.enqueue(&client.endpoint(redux::ENDPOINT), input()).key(key).await?;
    }
    let worker = database.journal().await?.worker(&client).concurrency(1).webhook(&server.url);
    let report = worker.interval(Duration::from_millis(50)).until_empty().run().await?;
    assert_eq!(report.completed, 0);
    for key in ["fox", "owl"] {
        assert_eq!(journal.get(key).await?.expect("the job").state, State::Completed);
    }
    assert_eq!((emulator.jobs().len(), polls(&emulator)), (2, 0));
    Ok(())
}

async fn a_worker_follows_a_request_whose_webhook_is_lost(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let journal = Journal::builder().webhook_patience(Duration::from_millis(50)).open(&database.url).await?;
    journal.enqueue(&client.endpoint(redux::ENDPOINT), input()).key("fox").await?;
    // The server of this address is gone.
    let gone = serve(&journal, &client).await?.url.clone();
    let worker = journal.worker(&client).webhook(gone).interval(Duration::from_millis(50)).until_empty();
    assert_eq!(worker.run().await?.completed, 1);
    assert_eq!(emulator.jobs().len(), 1);
    Ok(())
}
