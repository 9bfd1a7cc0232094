//! Workers.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fal_client::RetryPolicy;
use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_emulator::{Emulator, Fault, Operation, Pace};
use fal_jobs::{ErrorKind, Journal, State};
use tokio::sync::{Notify, watch};

use crate::support::{Database, Outcome, emulator, on_both_databases};

on_both_databases!(
    workers_share_the_jobs,
    workers_take_their_endpoints_and_labels_only,
    the_oldest_job_is_sent_first,
    a_stopped_worker_finishes_the_jobs_in_progress,
    the_request_of_a_dead_worker_is_followed,
    an_intent_of_a_dead_worker_becomes_uncertain,
    failed_jobs_do_not_stop_a_worker,
    jobs_of_other_calls_are_left_alone,
    a_job_that_fal_cannot_take_now_lets_others_pass,
    a_worker_ends_when_fal_rejects_the_key,
);

fn input(index: usize) -> redux::Input {
    redux::Input::builder().image_url(format!("https://example.com/{index}.png")).into()
}

async fn workers_share_the_jobs(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let journal = database.journal().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    for index in 0..20 {
        let job = journal.enqueue(&redux, input(index)).await?;
        assert_eq!(job.state, State::Waiting);
    }
    let again = journal.enqueue(&redux, input(0)).await?;
    assert_eq!(again.key, journal.get(&again.key).await?.expect("the job").key);
    let (first, second) = (database.journal().await?, database.journal().await?);
    let (first, second) = tokio::try_join!(
        first.worker(&client).concurrency(3).until_empty().run(),
        second.worker(&client).concurrency(3).until_empty().run(),
    )?;
    assert_eq!((first.completed + second.completed, first.failed + second.failed), (20, 0));
    let sent: BTreeSet<_> = emulator.jobs().iter().map(|job| job.request().input()["image_url"].to_string()).collect();
    assert_eq!((emulator.jobs().len(), sent.len()), (20, 20));
    Ok(())
}

async fn workers_take_their_endpoints_and_labels_only(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let journal = database.journal().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    journal.enqueue(&redux, input(0)).key("day").label("day").await?;
    journal.enqueue(&redux, input(1)).key("night").label("night").await?;
    let elsewhere = journal.worker(&client).endpoints(["fal-ai/flux/dev"]).until_empty().run().await?;
    assert_eq!(elsewhere.completed, 0);
    let night = journal.worker(&client).endpoints([redux.id(), "fal-ai/flux/dev"]).label("night").until_empty();
    assert_eq!(night.run().await?.completed, 1);
    assert_eq!(journal.get("day").await?.expect("the job").state, State::Waiting);
    assert_eq!(emulator.jobs().len(), 1);
    Ok(())
}

async fn the_oldest_job_is_sent_first(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let journal = database.journal().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    for index in 0..5 {
        journal.enqueue(&redux, input(index)).await?;
    }
    let finished = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&finished);
    let worker = journal.worker(&client).concurrency(1).until_empty();
    let worker = worker.on_finished(move |job| log.lock().expect("the log").push(job.input.clone()));
    assert_eq!(worker.run().await?.completed, 5);
    let expected: Vec<_> =
        (0..5).map(|index| format!(r#"{{"image_url":"https://example.com/{index}.png"}}"#)).collect();
    assert_eq!(*finished.lock().expect("the log"), expected);
    let sent: Vec<_> = emulator.jobs().iter().map(|job| job.request().input().to_string()).collect();
    assert_eq!(sent, expected);
    Ok(())
}

/// Starts an emulator whose jobs wait for the test, and which counts the requests to submit.
async fn slow_emulator() -> Result<(Emulator, watch::Receiver<usize>), Box<dyn std::error::Error>> {
    let submitted = watch::Sender::new(0);
    let received = submitted.subscribe();
    let count = move |operation| {
        if operation == Operation::Submit {
            submitted.send_modify(|submitted| *submitted += 1);
        }
    };
    let emulator = Emulator::builder().pace(Pace::manual());
    Ok((emulator.on_request(move |request| count(request.operation())).start().await?, received))
}

async fn a_stopped_worker_finishes_the_jobs_in_progress(database: Database) -> Outcome {
    let (emulator, mut submitted) = slow_emulator().await?;
    let client = emulator.client();
    let journal = database.journal().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    for index in 0..5 {
        journal.enqueue(&redux, input(index)).key(index.to_string()).await?;
    }
    let stop = Arc::new(Notify::new());
    let stopped = Arc::clone(&stop);
    let worker = journal.worker(&client).concurrency(2).stop_when(async move { stopped.notified().await }).run();
    let complete = async {
        submitted.wait_for(|submitted| *submitted == 2).await?;
        stop.notify_one();
        for job in emulator.jobs() {
            emulator.complete(job.request_id());
        }
        Ok::<_, Box<dyn std::error::Error>>(())
    };
    let (report, completed) = tokio::join!(worker, complete);
    completed?;
    assert_eq!((report?.completed, emulator.jobs().len()), (2, 2));
    assert_eq!(journal.get("4").await?.expect("the job").state, State::Waiting);
    Ok(())
}

/// Opens a journal whose process is soon taken for dead.
async fn mortal_journal(database: &Database) -> Result<Journal, fal_jobs::Error> {
    Journal::builder().lease(Duration::from_millis(100)).open(&database.url).await
}

async fn the_request_of_a_dead_worker_is_followed(database: Database) -> Outcome {
    let (emulator, _) = slow_emulator().await?;
    let client = emulator.client();
    let (first, second) = (mortal_journal(&database).await?, mortal_journal(&database).await?);
    first.enqueue(&client.endpoint(redux::ENDPOINT), input(0)).key("fox").await?;
    {
        let worker = first.worker(&client).run();
        let submitted = async {
            while first.get("fox").await?.is_none_or(|job| job.state != State::Submitted) {}
            Ok::<_, fal_jobs::Error>(())
        };
        tokio::select! {
            report = worker => panic!("the worker ended: {report:?}"),
            submitted = submitted => submitted?,
        }
    }
    let request_id = emulator.jobs()[0].request_id().to_owned();
    emulator.complete(&request_id);
    assert_eq!(second.worker(&client).interval(Duration::from_millis(20)).until_empty().run().await?.completed, 1);
    assert_eq!(second.get("fox").await?.expect("the job").request_id, Some(request_id));
    assert_eq!(emulator.jobs().len(), 1);
    Ok(())
}

async fn an_intent_of_a_dead_worker_becomes_uncertain(database: Database) -> Outcome {
    let (emulator, mut submitted) = slow_emulator().await?;
    let client = emulator.client();
    // The response never arrives.
    emulator.inject_fault(Operation::Submit, Fault::stall_response_after(0));
    let (first, second) = (mortal_journal(&database).await?, mortal_journal(&database).await?);
    first.enqueue(&client.endpoint(redux::ENDPOINT), input(0)).key("fox").await?;
    tokio::select! {
        report = first.worker(&client).run() => panic!("the worker ended: {report:?}"),
        submitted = submitted.wait_for(|submitted| *submitted == 1) => drop(submitted?),
    }
    let report = second.worker(&client).interval(Duration::from_millis(20)).until_empty().run().await?;
    assert_eq!((report.completed, report.uncertain), (0, 1));
    assert_eq!(second.get("fox").await?.expect("the job").state, State::Uncertain);
    assert_eq!(emulator.jobs().len(), 1);
    Ok(())
}

async fn failed_jobs_do_not_stop_a_worker(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let journal = database.journal().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    for index in 0..3 {
        journal.enqueue(&redux, input(index)).key(index.to_string()).await?;
    }
    emulator.inject_fault(Operation::Submit, Fault::outcome(422));
    let report = journal.worker(&client).concurrency(1).until_empty().run().await?;
    assert_eq!((report.completed, report.failed), (2, 1));
    assert!(journal.get("0").await?.expect("the job").failure().is_some());
    Ok(())
}

async fn jobs_of_other_calls_are_left_alone(database: Database) -> Outcome {
    let (emulator, mut submitted) = slow_emulator().await?;
    let client = emulator.client();
    let journal = database.journal().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    tokio::select! {
        done = journal.run(&redux, input(0)).key("fox") => panic!("the job ended: {done:?}"),
        submitted = submitted.wait_for(|submitted| *submitted == 1) => drop(submitted?),
    }
    let report = journal.worker(&client).until_empty().run().await?;
    assert_eq!(report, Default::default());
    assert_ne!(journal.get("fox").await?.expect("the job").state, State::Uncertain);
    Ok(())
}

async fn a_job_that_fal_cannot_take_now_lets_others_pass(database: Database) -> Outcome {
    let (emulator, _) = emulator().await?;
    let client = emulator.client_builder().retry(RetryPolicy::none()).build()?;
    let journal = database.journal().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    for index in 0..2 {
        journal.enqueue(&redux, input(index)).key(index.to_string()).await?;
    }
    emulator.inject_fault(Operation::Submit, Fault::respond(429));
    let finished = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&finished);
    // The pause of the first job is longer than the second one takes.
    let worker = journal.worker(&client).concurrency(1).interval(Duration::from_secs(4)).until_empty();
    let worker = worker.on_finished(move |job| log.lock().expect("the log").push(job.key.clone()));
    assert_eq!(worker.run().await?.completed, 2);
    assert_eq!(*finished.lock().expect("the log"), ["1", "0"]);
    assert_eq!(journal.get("0").await?.expect("the job").attempt, 2);
    Ok(())
}

async fn a_worker_ends_when_fal_rejects_the_key(database: Database) -> Outcome {
    let emulator = Emulator::builder().key("right:key").start().await?;
    let client = emulator.client_builder().key("wrong:key").build()?;
    let journal = database.journal().await?;
    journal.enqueue(&client.endpoint(redux::ENDPOINT), input(0)).key("fox").await?;
    let error = journal.worker(&client).run().await.expect_err("a rejected key");
    assert_eq!(error.kind(), ErrorKind::Request);
    assert!(error.client().is_some_and(fal_client::Error::is_unauthorized));
    assert_eq!(journal.get("fox").await?.expect("the job").state, State::Waiting);
    Ok(())
}
