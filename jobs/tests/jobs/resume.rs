//! Jobs that are continued without their input.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use fal_client::LockReason;
use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_emulator::{Fault, Operation, Pace};
use fal_jobs::{ErrorKind, Filter, Journal, OnUncertain, State};
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use tokio::sync::Notify;

use crate::support::{Database, Outcome, emulator_with, fox, instant, on_both_databases};

on_both_databases!(
    unfinished_jobs_are_taken_to_their_ends,
    jobs_of_living_processes_are_left_alone,
    dropped_call_gives_its_job_up,
    resumed_job_is_returned,
    resumed_job_reports_updates_and_its_time_limit
);

async fn unfinished_jobs_are_taken_to_their_ends(database: Database) -> Outcome {
    let (emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    journal.run(&redux, fox()).key("completed").await?;
    journal.submit(&redux, fox()).key("submitted").await?;
    emulator.inject_fault(Operation::Submit, Fault::drop_connection().after_effect());
    journal.submit(&redux, fox()).key("uncertain").await.expect_err("a lost response");
    emulator.inject_fault(Operation::Submit, Fault::outcome(422));
    journal.submit(&redux, fox()).key("failing").await?;
    emulator.lock_account(LockReason::ExhaustedBalance);
    journal.submit(&redux, fox()).key("waiting").await.expect_err("a locked account");
    emulator.unlock_account();

    let mut outcomes = Vec::new();
    let mut resumed = database.journal().await?.resume_all(&client).concurrency(2).stream();
    while let Some(outcome) = resumed.next().await {
        outcomes.push(match outcome {
            Ok(job) => (job.key, None),
            Err(error) => (error.key().expect("a key").to_owned(), Some(error.kind())),
        });
    }
    outcomes.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    let expected = [
        ("failing", Some(ErrorKind::Failed)),
        ("submitted", None),
        ("uncertain", Some(ErrorKind::Uncertain)),
        ("waiting", None),
    ];
    assert_eq!(outcomes, expected.map(|(key, kind)| (key.to_owned(), kind)));
    let resolve = journal.resume_all(&client).on_uncertain(OnUncertain::Resolve { permit_after: None });
    let resolved: Vec<_> = resolve.filter(Filter::new().state(State::Uncertain)).stream().collect().await;
    assert_eq!(resolved.len(), 1);
    assert_eq!(resolved[0].as_ref().map(|job| (&*job.key, job.state)).ok(), Some(("uncertain", State::Completed)));
    assert_eq!(emulator.jobs().len(), 5);
    assert!(journal.resume_all(&client).stream().next().await.is_none());
    Ok(())
}

async fn jobs_of_living_processes_are_left_alone(database: Database) -> Outcome {
    let (emulator, client) = emulator_with(Pace::manual()).await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let (one, other) = (database.journal().await?, database.journal().await?);
    one.submit(&redux, fox()).key("fox").await?;
    let following = Arc::new(Notify::new());
    let seen = Arc::clone(&following);
    let call = one.run(&redux, fox()).key("fox").on_update(move |_| seen.notify_one()).send();
    let Either::Right((_, call)) = select(call, pin!(following.notified())).await else {
        return Err("the job ended too early".into());
    };
    assert!(other.resume_all(&client).stream().next().await.is_none());
    emulator.complete(emulator.jobs()[0].request_id());
    assert_eq!(call.await?.record.state, State::Completed);
    Ok(())
}

async fn resumed_job_is_returned(database: Database) -> Outcome {
    let (emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    journal.submit(&redux, fox()).key("fox").await?;
    for _ in 0..2 {
        let folder = tempfile::tempdir()?;
        let job = database.journal().await?.resume(&client, "fox").download_to(folder.path()).await?;
        assert_eq!(std::fs::read_dir(folder.path())?.count(), job.files().len());
        assert!(job.output.is_some_and(|output| output.contains("images")));
    }
    let request_id = journal.get("fox").await?.and_then(|job| job.request_id).ok_or("no request id")?;
    let of_request = |id: &str| journal.list(Filter::new().request_id(id)).count();
    assert_eq!((of_request(&request_id).await, of_request("00000000-0000-0000-0000-000000000000").await), (1, 0));
    assert_eq!(journal.resume(&client, "owl").await.expect_err("missing").kind(), ErrorKind::NotFound);
    assert_eq!(emulator.jobs().len(), 1);
    Ok(())
}

async fn resumed_job_reports_updates_and_its_time_limit(database: Database) -> Outcome {
    let (emulator, client) = emulator_with(Pace::manual()).await?;
    let journal = database.journal().await?;
    journal.submit(&client.endpoint(redux::ENDPOINT), fox()).key("fox").await?;
    let error = journal.resume(&client, "fox").timeout(Duration::from_millis(1)).await.expect_err("a time limit");
    assert_eq!((error.kind(), error.key()), (ErrorKind::Timeout, Some("fox")));
    let following = Arc::new(Notify::new());
    let seen = Arc::clone(&following);
    let call = journal.resume(&client, "fox").on_update(move |_| seen.notify_one()).send();
    let Either::Right((_, call)) = select(call, pin!(following.notified())).await else {
        return Err("the job ended too early".into());
    };
    emulator.complete(emulator.jobs()[0].request_id());
    assert_eq!(call.await?.state, State::Completed);
    Ok(())
}

async fn dropped_call_gives_its_job_up(database: Database) -> Outcome {
    let (emulator, client) = emulator_with(Pace::manual()).await?;
    let redux = client.endpoint(redux::ENDPOINT);
    // The lease does not expire during the test.
    let builder = || Journal::builder().lease(Duration::from_secs(3600));
    let (one, other) = (builder().open(&database.url).await?, builder().open(&database.url).await?);
    let following = Arc::new(Notify::new());
    let seen = Arc::clone(&following);
    let call = one.run(&redux, fox()).key("fox").on_update(move |_| seen.notify_one()).send();
    let Either::Right(((), call)) = select(call, pin!(following.notified())).await else {
        return Err("the job ended too early".into());
    };
    drop(call);
    emulator.complete(emulator.jobs()[0].request_id());
    assert_eq!(other.run(&redux, fox()).key("fox").await?.record.state, State::Completed);
    assert_eq!(one.run(&redux, fox()).key("fox").await?.record.attempt, 1);
    assert_eq!(emulator.jobs().len(), 1);
    Ok(())
}
