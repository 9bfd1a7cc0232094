//! Jobs of which it is unknown whether fal has accepted them.

use std::sync::Arc;
use std::time::Duration;

use fal_client::RetryPolicy;
use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_emulator::{Emulator, Fault, Operation, Pace};
use fal_jobs::{ErrorKind, FailureKind, OnUncertain, State, SubmitOptions};
use futures_util::future::{Either, select};
use tokio::sync::Notify;

use crate::support::{Database, Outcome, fox, instant, on_both_databases};

const ADOPT: OnUncertain = OnUncertain::Resolve { permit_after: None };
/// A request id that fal does not know.
const UNKNOWN: &str = "1af2e7a0-5a4a-4a92-8f8a-1a8d0b1ff930";
const PERMIT: OnUncertain = OnUncertain::Resolve { permit_after: Some(Duration::ZERO) };

on_both_databases!(
    lost_response_is_uncertain_until_the_request_is_adopted,
    lost_request_is_submitted_again_if_permitted,
    submission_is_not_permitted_before_its_time,
    several_matching_requests_are_left_to_the_caller,
    requests_of_other_jobs_and_inputs_are_left_out,
    request_without_a_stored_input_is_left_to_the_caller,
    unavailable_list_decides_nothing,
    only_uncertain_and_failed_jobs_are_decided,
    job_that_adopted_a_wrong_request_finds_its_own,
    equal_jobs_do_not_adopt_the_same_request,
    request_id_of_a_failed_response_is_used_if_fal_knows_it,
    dropped_call_is_as_safe_as_a_crash,
);

async fn lost_response_is_uncertain_until_the_request_is_adopted(database: Database) -> Outcome {
    let (emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    emulator.inject_fault(Operation::Submit, Fault::drop_connection().after_effect());
    for _ in 0..2 {
        let error = journal.run(&redux, fox()).key("fox").await.expect_err("a lost response");
        assert_eq!((error.kind(), error.key()), (ErrorKind::Uncertain, Some("fox")));
    }
    assert_eq!(journal.submit(&redux, fox()).key("fox").await.expect_err("uncertain").kind(), ErrorKind::Uncertain);
    assert_eq!(journal.get("fox").await?.expect("a job").state, State::Uncertain);
    let candidates = journal.find_requests(&client, "fox").await?;
    assert_eq!(candidates.len(), 1);
    assert!(candidates[0].is_equal);
    let done = journal.run(&redux, fox()).key("fox").on_uncertain(ADOPT).await?;
    assert_eq!(done.record.request_id.as_deref(), Some(emulator.jobs()[0].request_id()));
    assert_eq!(emulator.jobs().len(), 1);
    Ok(())
}

async fn lost_request_is_submitted_again_if_permitted(database: Database) -> Outcome {
    let (emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    emulator.inject_fault(Operation::Submit, Fault::nginx(502));
    for _ in 0..2 {
        let error = journal.run(&redux, fox()).key("fox").on_uncertain(ADOPT).await.expect_err("a lost request");
        assert_eq!(error.kind(), ErrorKind::Uncertain);
    }
    assert_eq!(emulator.jobs().len(), 0);
    let done = journal.run(&redux, fox()).key("fox").on_uncertain(PERMIT).await?;
    assert_eq!((done.record.attempt, emulator.jobs().len()), (2, 1));
    Ok(())
}

async fn submission_is_not_permitted_before_its_time(database: Database) -> Outcome {
    let (emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    emulator.inject_fault(Operation::Submit, Fault::nginx(502));
    journal.run(&redux, fox()).key("fox").await.expect_err("a lost request");
    let hour = OnUncertain::Resolve { permit_after: Some(Duration::from_secs(3600)) };
    let waiting = journal.run(&redux, fox()).key("fox").on_uncertain(hour).timeout(Duration::from_millis(200));
    assert_eq!(waiting.await.expect_err("a timeout").kind(), ErrorKind::Timeout);
    assert_eq!(journal.get("fox").await?.expect("a job").state, State::Uncertain);
    assert_eq!(emulator.jobs().len(), 0);
    Ok(())
}

async fn several_matching_requests_are_left_to_the_caller(database: Database) -> Outcome {
    let (emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    emulator.inject_fault(Operation::Submit, Fault::drop_connection().after_effect());
    journal.run(&redux, fox()).key("fox").await.expect_err("a lost response");
    let other = redux.submit(fox()).await?;
    let error = journal.run(&redux, fox()).key("fox").on_uncertain(PERMIT).await.expect_err("two requests");
    assert_eq!(error.kind(), ErrorKind::Uncertain);
    assert!(error.to_string().contains("2 requests match"), "{error}");
    assert_eq!(journal.find_requests(&client, "fox").await?.len(), 2);
    journal.adopt("fox", &other.request_id).await?;
    let done = journal.run(&redux, fox()).key("fox").await?;
    assert_eq!((done.record.request_id, emulator.jobs().len()), (Some(other.request_id), 2));
    Ok(())
}

async fn requests_of_other_jobs_and_inputs_are_left_out(database: Database) -> Outcome {
    let (emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    let first = journal.run(&redux, fox()).key("first").await?;
    redux.submit(redux::Input::builder().image_url("https://example.com/owl.png")).await?;
    emulator.inject_fault(Operation::Submit, Fault::nginx(502));
    journal.run(&redux, fox()).key("second").await.expect_err("a lost request");
    assert_eq!(journal.find_requests(&client, "second").await?, []);
    let taken = first.record.request_id.expect("an id");
    let error = journal.adopt("second", &taken).await.expect_err("the request of another job");
    assert_eq!(error.kind(), ErrorKind::State);
    // A request of an earlier attempt is known, too.
    journal.permit("second").await?;
    emulator.inject_fault(Operation::Submit, Fault::outcome(500));
    journal.run(&redux, fox()).key("second").await.expect_err("a failure");
    journal.permit("second").await?;
    emulator.inject_fault(Operation::Submit, Fault::nginx(502));
    journal.run(&redux, fox()).key("second").await.expect_err("a lost request");
    assert_eq!(journal.find_requests(&client, "second").await?, []);
    Ok(())
}

async fn request_without_a_stored_input_is_left_to_the_caller(database: Database) -> Outcome {
    let (emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    emulator.inject_fault(Operation::Submit, Fault::drop_connection().after_effect());
    let unstored = SubmitOptions::new().store_io(false);
    journal.run(&redux, fox()).key("fox").options(unstored).await.expect_err("a lost response");
    let candidates = journal.find_requests(&client, "fox").await?;
    assert_eq!((candidates.len(), candidates[0].is_equal), (1, false));
    let error = journal.run(&redux, fox()).key("fox").on_uncertain(PERMIT).await.expect_err("an unknown input");
    assert_eq!((error.kind(), emulator.jobs().len()), (ErrorKind::Uncertain, 1));
    Ok(())
}

async fn unavailable_list_decides_nothing(database: Database) -> Outcome {
    let (emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    emulator.inject_fault(Operation::Submit, Fault::nginx(502));
    journal.run(&redux, fox()).key("fox").await.expect_err("a lost request");
    emulator.deny_permission(Operation::RequestsByEndpoint);
    let error = journal.run(&redux, fox()).key("fox").on_uncertain(PERMIT).await.expect_err("no list");
    assert_eq!(error.kind(), ErrorKind::Request);
    assert!(error.client().is_some_and(fal_client::Error::is_permission_denied), "{error}");
    assert_eq!(journal.get("fox").await?.expect("a job").state, State::Uncertain);
    Ok(())
}

async fn only_uncertain_and_failed_jobs_are_decided(database: Database) -> Outcome {
    let (_emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    journal.run(&redux, fox()).key("fox").await?;
    assert_eq!(journal.permit("fox").await.expect_err("completed").kind(), ErrorKind::State);
    assert_eq!(journal.adopt("fox", UNKNOWN).await.expect_err("completed").kind(), ErrorKind::State);
    assert_eq!(journal.find_requests(&client, "fox").await.expect_err("completed").kind(), ErrorKind::State);
    assert_eq!(journal.permit("owl").await.expect_err("missing").kind(), ErrorKind::NotFound);
    assert_eq!(journal.adopt("owl", UNKNOWN).await.expect_err("missing").kind(), ErrorKind::NotFound);
    for id in [
        "",
        "a/b",
        "..",
        "a b",
        "nonsense",
        "1af2e7a0-5a4a-4a92-8f8a-1a8d0b1ff93",
        "1af2e7a0-5a4a-4a92-8f8a-1a8d0b1ff93g",
    ] {
        assert_eq!(journal.adopt("fox", id).await.expect_err(id).kind(), ErrorKind::Input);
    }
    Ok(())
}

async fn job_that_adopted_a_wrong_request_finds_its_own(database: Database) -> Outcome {
    let (emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    emulator.inject_fault(Operation::Submit, Fault::drop_connection().after_effect());
    journal.run(&redux, fox()).key("fox").await.expect_err("a lost response");
    journal.adopt("fox", UNKNOWN).await?;
    let error = journal.run(&redux, fox()).key("fox").await.expect_err("an unknown request");
    assert_eq!(error.failure().map(|failure| failure.kind), Some(FailureKind::Expired));
    assert!(error.to_string().contains("a failed job can adopt"), "{error}");
    let found = journal.find_requests(&client, "fox").await?;
    assert_eq!((found.len(), found[0].is_equal), (1, true));
    journal.adopt("fox", &found[0].request.request_id).await?;
    journal.run(&redux, fox()).key("fox").await?;
    assert_eq!(emulator.jobs().len(), 1);
    // A job that failed in another way has its request.
    emulator.inject_fault(Operation::Submit, Fault::outcome(422));
    journal.run(&redux, fox()).key("owl").await.expect_err("a failure");
    let error = journal.find_requests(&client, "owl").await.expect_err("a failed job");
    assert_eq!(error.kind(), ErrorKind::State);
    assert!(error.to_string().contains("it can adopt a request"), "{error}");
    Ok(())
}

async fn equal_jobs_do_not_adopt_the_same_request(database: Database) -> Outcome {
    let (emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    let keys = ["one", "two", "three"];
    for fault in [Fault::drop_connection().after_effect(), Fault::nginx(502), Fault::nginx(502)] {
        emulator.inject_fault(Operation::Submit, fault);
    }
    for key in keys {
        journal.run(&redux, fox()).key(key).await.expect_err("uncertain");
    }
    let calls = keys.map(|key| journal.run(&redux, fox()).key(key).on_uncertain(ADOPT).send());
    let outcomes = futures_util::future::join_all(calls).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(emulator.jobs().len(), 1);
    Ok(())
}

async fn request_id_of_a_failed_response_is_used_if_fal_knows_it(database: Database) -> Outcome {
    let (emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    let known = redux.submit(fox()).await?.request_id;
    for (key, id, kind) in [("known", &*known, None), ("unknown", "R1", Some(ErrorKind::Uncertain))] {
        emulator.inject_fault(Operation::Submit, Fault::respond(500).header("x-fal-request-id", id));
        let ran = journal.run(&redux, fox()).key(key).await;
        assert_eq!(ran.err().map(|error| error.kind()), kind, "{key}");
    }
    assert_eq!(journal.get("known").await?.expect("a job").request_id, Some(known));
    Ok(())
}

async fn dropped_call_is_as_safe_as_a_crash(database: Database) -> Outcome {
    let arrived = Arc::new(Notify::new());
    let notify = Arc::clone(&arrived);
    let emulator = Emulator::builder()
        .pace(Pace::instant())
        .on_request(move |request| {
            if request.operation() == Operation::Submit {
                notify.notify_one();
            }
        })
        .start()
        .await?;
    let client = emulator.client_builder().retry(RetryPolicy::none()).build()?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    // fal has accepted the request, and the call is dropped before the response.
    emulator.inject_fault(Operation::Submit, Fault::stall_response_after(0));
    {
        let call = journal.run(&redux, fox()).key("fox").send();
        let arrived = std::pin::pin!(arrived.notified());
        assert!(matches!(select(call, arrived).await, Either::Right(_)));
    }
    assert_eq!(journal.run(&redux, fox()).key("fox").await.expect_err("uncertain").kind(), ErrorKind::Uncertain);
    let done = journal.run(&redux, fox()).key("fox").on_uncertain(ADOPT).await?;
    assert_eq!(done.record.attempt, 1);
    assert_eq!(emulator.jobs().len(), 1);
    Ok(())
}
