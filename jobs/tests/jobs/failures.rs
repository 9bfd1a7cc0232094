//! Failures: final ones, and those after which a job goes on.

use fal_client::LockReason;
use fal_client::endpoints::fal_ai::flux::dev::{image_to_image, redux};
use fal_emulator::{Fault, Operation, Pace};
use fal_jobs::{ErrorKind, FailureKind, OnFailed, State};
use serde_json::json;

use crate::support::{Database, Outcome, emulator_with, fox, instant, on_both_databases};

on_both_databases!(
    failed_job_keeps_its_error,
    unbilled_failure_is_retried_on_request,
    rejected_submission_is_final,
    refusal_that_passes_leaves_the_job_waiting,
    job_is_followed_again_after_a_failure_on_the_way,
    unknown_request_is_expired_and_can_be_adopted_again,
    recorded_error_has_no_prompt,
    cancelled_jobs_are_failed,
);

async fn failed_job_keeps_its_error(database: Database) -> Outcome {
    let (emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    emulator.inject_fault(Operation::Submit, Fault::outcome(422));
    let first = journal.run(&redux, fox()).key("fox").await.expect_err("a failure");
    let again = journal.run(&redux, fox()).key("fox").on_failed(OnFailed::RetryUnbilled);
    let again = again.await.expect_err("a failure");
    for error in [&first, &again] {
        let failure = error.failure().expect("a recorded failure");
        assert_eq!((failure.kind, failure.status, failure.may_be_billed), (FailureKind::Failed, Some(422), true));
        assert_eq!((error.kind(), error.request_id()), (ErrorKind::Failed, Some(emulator.jobs()[0].request_id())));
    }
    assert_eq!(first.to_string(), again.to_string());
    assert_eq!(emulator.jobs().len(), 1);
    let done = journal.run(&redux, fox()).key("fox").on_failed(OnFailed::Retry).await?;
    assert_eq!((emulator.jobs().len(), done.record.failure()), (2, None));
    assert_eq!(done.record.earlier_request_ids(), [emulator.jobs()[0].request_id()]);
    Ok(())
}

async fn unbilled_failure_is_retried_on_request(database: Database) -> Outcome {
    let (emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    emulator.inject_fault(Operation::Submit, Fault::outcome(500));
    let error = journal.run(&redux, fox()).key("fox").await.expect_err("a failure");
    assert!(!error.failure().expect("a failure").may_be_billed);
    journal.run(&redux, fox()).key("fox").await.expect_err("the recorded failure");
    assert_eq!(emulator.jobs().len(), 1);
    journal.run(&redux, fox()).key("fox").on_failed(OnFailed::RetryUnbilled).await?;
    assert_eq!(emulator.jobs().len(), 2);
    Ok(())
}

async fn rejected_submission_is_final(database: Database) -> Outcome {
    let (emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    for status in [400, 404, 422] {
        let key = status.to_string();
        emulator.inject_fault(Operation::Submit, Fault::respond(status));
        let error = journal.run(&redux, fox()).key(&key).await.expect_err("a rejection");
        let failure = error.failure().expect("a failure").clone();
        assert_eq!((failure.kind, failure.status), (FailureKind::Rejected, Some(status)));
        assert!(!failure.may_be_billed);
        assert_eq!(journal.get(&key).await?.expect("a job").failure(), Some(failure));
    }
    assert_eq!(emulator.jobs().len(), 0);
    Ok(())
}

async fn refusal_that_passes_leaves_the_job_waiting(database: Database) -> Outcome {
    let (emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    emulator.lock_account(LockReason::ExhaustedBalance);
    let error = journal.run(&redux, fox()).key("fox").await.expect_err("a locked account");
    assert_eq!(error.kind(), ErrorKind::Request);
    assert!(error.client().is_some_and(fal_client::Error::is_account_locked));
    emulator.unlock_account();
    for fault in
        [Fault::respond(429), Fault::respond(401), Fault::nginx(404), Fault::request_error("runner_disconnected")]
    {
        emulator.inject_fault(Operation::Submit, fault);
        let error = journal.run(&redux, fox()).key("fox").await.expect_err("a refusal");
        assert_eq!(error.kind(), ErrorKind::Request, "{error}");
        assert_eq!(journal.get("fox").await?.expect("a job").state, State::Waiting, "{error}");
    }
    journal.run(&redux, fox()).key("fox").await?;
    assert_eq!(emulator.jobs().len(), 1);
    Ok(())
}

async fn job_is_followed_again_after_a_failure_on_the_way(database: Database) -> Outcome {
    let (emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    for fault in [Fault::nginx(502), Fault::respond(401), Fault::drop_connection(), Fault::respond(429)] {
        for operation in [Operation::StatusStream, Operation::Status, Operation::Result] {
            emulator.inject_fault(operation, fault.clone().repeat());
        }
        let error = journal.run(&redux, fox()).key("fox").await.expect_err("a failure on the way");
        assert_eq!(error.kind(), ErrorKind::Request, "{error}");
        assert_eq!(journal.get("fox").await?.expect("a job").state, State::Submitted, "{error}");
        emulator.clear_faults();
    }
    journal.run(&redux, fox()).key("fox").await?;
    assert_eq!(emulator.jobs().len(), 1);
    Ok(())
}

async fn unknown_request_is_expired_and_can_be_adopted_again(database: Database) -> Outcome {
    let (emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    for operation in [Operation::StatusStream, Operation::Status, Operation::Result] {
        emulator.inject_fault(operation, Fault::respond(404).json(&json!({ "status": "NOT_FOUND" })).repeat());
    }
    let error = journal.run(&redux, fox()).key("fox").await.expect_err("an unknown request");
    let failure = error.failure().expect("a failure");
    assert_eq!((failure.kind, failure.may_be_billed), (FailureKind::Expired, true));
    emulator.clear_faults();
    // Such as after a call with the key of another account.
    journal.adopt("fox", emulator.jobs()[0].request_id()).await?;
    let done = journal.run(&redux, fox()).key("fox").await?;
    assert_eq!((done.record.failure(), emulator.jobs().len()), (None, 1));
    Ok(())
}

async fn recorded_error_has_no_prompt(database: Database) -> Outcome {
    const PROMPT: &str = "a secret fox in the snow";
    let (emulator, client) = instant().await?;
    let endpoint = client.endpoint(image_to_image::ENDPOINT);
    let journal = database.journal().await?;
    let body = json!({ "detail": [{
        "loc": ["body", "prompt"],
        "msg": format!("The prompt '{PROMPT}' is not allowed"),
        "type": "content_policy_violation",
        "input": PROMPT,
    }] });
    for (key, fault) in [("failed", Fault::outcome(422)), ("rejected", Fault::respond(422))] {
        emulator.inject_fault(Operation::Submit, fault.json(&body));
        let input = image_to_image::Input::builder().image_url("https://example.com/fox.png").prompt(PROMPT);
        let error = journal.run(&endpoint, input).key(key).await.expect_err("a failure");
        let job = journal.get(key).await?.expect("a job");
        let failure = job.failure().expect("a failure");
        assert_eq!(failure.error_type.as_deref(), Some("content_policy_violation"));
        for text in [error.to_string(), format!("{error:?}"), failure.message.clone(), format!("{job:?} {failure:?}")] {
            assert!(!text.contains("secret fox"), "{text}");
        }
    }
    Ok(())
}

async fn cancelled_jobs_are_failed(database: Database) -> Outcome {
    let (emulator, client) = emulator_with(Pace::manual()).await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    journal.enqueue(&redux, fox()).key("waiting").await?;
    journal.submit(&redux, fox()).key("queued").await?;
    for key in ["waiting", "queued"] {
        let job = journal.cancel(&client, key).await?;
        let failure = job.failure().expect("a failure");
        assert_eq!((job.state, failure.kind, failure.may_be_billed), (State::Failed, FailureKind::Cancelled, false));
        let error = journal.run(&redux, fox()).key(key).await.expect_err("cancelled");
        assert_eq!(error.kind(), ErrorKind::Failed);
    }
    assert_eq!(emulator.jobs().len(), 1);
    emulator.inject_fault(Operation::Submit, Fault::nginx(502));
    journal.submit(&redux, fox()).key("uncertain").await.expect_err("uncertain");
    assert_eq!(journal.cancel(&client, "uncertain").await.expect_err("uncertain").kind(), ErrorKind::Uncertain);
    assert_eq!(journal.cancel(&client, "missing").await.expect_err("missing").kind(), ErrorKind::NotFound);
    let running = journal.submit(&redux, fox()).key("running").await?;
    let id = running.request_id.expect("an id");
    while emulator.jobs().iter().any(|job| job.request_id() == id && !job.has_started()) {
        emulator.advance(&id);
    }
    journal.cancel(&client, "running").await?;
    emulator.complete(&id);
    let error = journal.run(&redux, fox()).key("running").await.expect_err("cancelled");
    assert_eq!(error.failure().map(|failure| failure.kind), Some(FailureKind::Cancelled), "{error}");
    Ok(())
}
