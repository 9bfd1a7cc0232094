//! Jobs that run once.

use std::time::Duration;

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_emulator::{Fault, Operation};
use fal_jobs::{ErrorKind, FailureKind, OnFailed, Reuse, State};

use crate::support::{Database, Outcome, emulator, on_both_databases};

on_both_databases!(
    equal_key_is_submitted_once,
    completed_job_without_a_key_is_followed_by_another,
    lost_response_is_uncertain,
    failed_job_keeps_its_error,
);

async fn equal_key_is_submitted_once(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let input = || redux::Input::builder().image_url("https://example.com/fox.png");
    let first = database.journal().await?.run(&redux, input()).key("fox").await?;
    let second = database.journal().await?.run(&redux, input()).key("fox").await?;
    assert_eq!(first.record.request_id, second.record.request_id);
    assert_eq!(first.data.images, second.data.images);
    assert_eq!((second.media().len(), second.request_id.as_ref()), (1, second.record.request_id.as_ref()));
    assert_eq!(emulator.jobs().len(), 1);
    let other = redux::Input::builder().image_url("https://example.com/owl.png");
    let conflict = database.journal().await?.run(&redux, other).key("fox").await.expect_err("another input");
    assert_eq!(conflict.kind(), ErrorKind::KeyConflict);
    Ok(())
}

async fn completed_job_without_a_key_is_followed_by_another(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    let input = || redux::Input::builder().image_url("https://example.com/fox.png");
    let hour = Duration::from_secs(3600);
    let first = journal.run(&redux, input()).reuse(Reuse::Any(hour)).await?;
    let again = journal.run(&redux, input()).reuse(Reuse::Any(hour)).await?;
    assert_eq!(first.record.key, again.record.key);
    let without_seed = journal.run(&redux, input()).reuse(Reuse::Seeded(hour)).await?;
    assert_eq!(without_seed.record.key, format!("{}#2", first.record.key));
    let third = journal.run(&redux, input()).await?;
    assert_eq!(third.record.key, format!("{}#3", first.record.key));
    assert_eq!(emulator.jobs().len(), 3);
    let with_seed = || input().seed(7);
    journal.run(&redux, with_seed()).await?;
    journal.run(&redux, with_seed()).reuse(Reuse::Seeded(hour)).await?;
    assert_eq!(emulator.jobs().len(), 4);
    Ok(())
}

async fn lost_response_is_uncertain(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    let input = || redux::Input::builder().image_url("https://example.com/fox.png");
    emulator.inject_fault(Operation::Submit, Fault::drop_connection().after_effect());
    for _ in 0..2 {
        let error = journal.run(&redux, input()).key("fox").await.expect_err("a lost response");
        assert_eq!((error.kind(), error.key()), (ErrorKind::Uncertain, Some("fox")));
    }
    assert_eq!(journal.get("fox").await?.expect("a job").state, State::Uncertain);
    assert_eq!(emulator.jobs().len(), 1);
    Ok(())
}

async fn failed_job_keeps_its_error(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    let input = || redux::Input::builder().image_url("https://example.com/fox.png");
    emulator.inject_fault(Operation::Submit, Fault::outcome(422));
    let first = journal.run(&redux, input()).key("fox").await.expect_err("a failure");
    let again =
        journal.run(&redux, input()).key("fox").on_failed(OnFailed::RetryUnbilled).await.expect_err("a failure");
    for error in [&first, &again] {
        let failure = error.failure().expect("a recorded failure");
        assert_eq!((failure.kind, failure.status, failure.may_be_billed), (FailureKind::Failed, Some(422), true));
        assert_eq!((error.kind(), error.request_id()), (ErrorKind::Failed, Some(emulator.jobs()[0].request_id())));
    }
    assert_eq!(first.to_string(), again.to_string());
    assert_eq!(emulator.jobs().len(), 1);
    journal.run(&redux, input()).key("fox").on_failed(OnFailed::Retry).await?;
    assert_eq!(emulator.jobs().len(), 2);
    Ok(())
}
