//! Batches of jobs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::money::{Cost, IntoAmount, Price, PriceTable};
use fal_client::{Client, Handle, JsonInput, LockReason, RetryPolicy};
use fal_emulator::{Emulator, Fault, Operation, Pace};
use fal_jobs::{ErrorKind, Item, Items, Journal};
use futures_util::stream;
use serde_json::json;

use crate::support::{Database, Outcome, on_both_databases};

on_both_databases!(
    items_are_submitted_once,
    failed_items_do_not_stop_the_batch,
    invalid_items_are_reported_before_anything_is_sent,
    repeated_keys_share_a_job_or_conflict,
    source_is_pulled_when_there_is_room,
    stopped_batch_finishes_the_items_that_run,
    locked_account_stops_the_batch,
    reservation_that_is_released_serves_the_next_item,
    exhausted_budget_stops_the_batch,
    dropped_batch_continues_where_it_was,
    rejected_submission_is_retried,
    uncertain_submission_is_not_retried,
    key_that_may_not_list_requests_continues_the_other_items,
    progress_counts_items_and_their_cost,
    files_are_saved_and_recorded,
);

type Input = redux::InputBuilder<fal_client::Given>;

fn input(seed: i64) -> Input {
    redux::Input::builder().image_url("https://example.com/fox.png").seed(seed)
}

fn keyed(seed: i64) -> (String, Input) {
    (format!("photo-{seed}"), input(seed))
}

async fn emulator(pace: Pace) -> Result<(Emulator, Handle<redux::Input, redux::Output>), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().pace(pace).start().await?;
    let client: Client = emulator.client_builder().retry(RetryPolicy::none()).build()?;
    Ok((emulator, client.endpoint(redux::ENDPOINT)))
}

async fn all<I, O>(mut items: Items<I, O>) -> Vec<Item<O>>
where
    I: fal_client::EndpointInput + Clone,
    O: serde::de::DeserializeOwned + Send + 'static,
{
    let mut finished = Vec::new();
    while let Some(item) = items.next().await {
        finished.push(item);
    }
    finished
}

fn kinds<O>(items: &[Item<O>]) -> Vec<Option<ErrorKind>> {
    let mut kinds: Vec<_> =
        items.iter().map(|item| (item.index, item.result.as_ref().err().map(fal_jobs::Error::kind))).collect();
    kinds.sort_by_key(|(index, _)| *index);
    kinds.into_iter().map(|(_, kind)| kind).collect()
}

async fn items_are_submitted_once(database: Database) -> Outcome {
    let (emulator, redux) = emulator(Pace::instant()).await?;
    for _ in 0..2 {
        let journal = database.journal().await?;
        let finished = all(journal.batch(&redux).concurrency(3).run(stream::iter((0..10).map(keyed)))).await;
        assert_eq!(kinds(&finished), vec![None; 10]);
        let keys: BTreeSet<_> = finished.into_iter().filter_map(|item| item.key).collect();
        assert_eq!(keys, (0..10).map(|seed| keyed(seed).0).collect());
        assert_eq!(emulator.jobs().len(), 10);
    }
    // Without keys, those of the inputs apply. An untyped endpoint takes JSON.
    let journal = database.journal().await?;
    let untyped: Handle<JsonInput, _> = redux.client().endpoint(redux::ENDPOINT.id());
    for _ in 0..2 {
        let inputs = (0..5).map(|seed| json!({ "image_url": "https://example.com/owl.png", "seed": seed }));
        let finished = all(journal.batch(&untyped).run_iter(inputs)).await;
        assert!(finished.iter().all(|item| item.key.is_some() && item.result.is_ok()), "{finished:?}");
        assert_eq!(emulator.jobs().len(), 15);
    }
    assert!(all(journal.batch(&redux).run_iter(Vec::<Input>::new())).await.is_empty());
    let nothing = journal.batch(&redux).run_all(Vec::<Input>::new).await?;
    let snapshot = nothing.progress().snapshot();
    assert_eq!((snapshot.total, snapshot.remaining, snapshot.rate), (Some(0), Some(std::time::Duration::ZERO), 0.0));
    assert!(all(nothing).await.is_empty());
    Ok(())
}

async fn failed_items_do_not_stop_the_batch(database: Database) -> Outcome {
    let (emulator, redux) = emulator(Pace::instant()).await?;
    emulator.inject_fault(Operation::Submit, Fault::respond(422));
    let journal = database.journal().await?;
    let rows = (0..6).map(|seed| if seed == 3 { Err("row 3 has no seed") } else { Ok(keyed(seed)) });
    let items = journal.batch(&redux).concurrency(1).run_iter(rows);
    let finished = all(items).await;
    let expected = [Some(ErrorKind::Failed), None, None, Some(ErrorKind::Input), None, None];
    assert_eq!(kinds(&finished), expected);
    let error = finished.iter().find(|item| item.index == 3).and_then(|item| item.result.as_ref().err());
    assert!(error.is_some_and(|error| error.to_string().contains("row 3 has no seed")), "{error:?}");
    Ok(())
}

async fn invalid_items_are_reported_before_anything_is_sent(database: Database) -> Outcome {
    let (emulator, redux) = emulator(Pace::instant()).await?;
    let journal = database.journal().await?;
    let items = || {
        (0..2_000).map(|index| match index {
            700 => Err("the row is too short"),
            701 => Ok((String::new(), input(index))),
            index => Ok((format!("photo-{}", index % 1999), input(index).num_images(if index == 5 { 99 } else { 1 }))),
        })
    };
    let error = journal.batch(&redux).run_all(items).await.err().ok_or("no error")?;
    assert_eq!(error.kind(), ErrorKind::Input);
    let invalid: Vec<_> = error.invalid_items().iter().map(|item| (item.index, item.key.as_deref())).collect();
    assert_eq!(invalid, [(5, Some("photo-5")), (700, None), (701, Some("")), (1999, Some("photo-0"))]);
    let message = error.to_string();
    assert!(message.starts_with("4 of 2000 items are invalid: item index 5 (`photo-5`): invalid input"), "{message}");
    assert!(message.contains("num_images") && message.contains("the row is too short"), "{message}");
    assert!(emulator.requests().is_empty() && journal.get("photo-1").await?.is_none());

    let finished = all(journal.batch(&redux).run_all(|| (0..3).map(keyed)).await?).await;
    assert_eq!(kinds(&finished), [None, None, None]);
    Ok(())
}

async fn repeated_keys_share_a_job_or_conflict(database: Database) -> Outcome {
    let (emulator, redux) = emulator(Pace::instant()).await?;
    let journal = database.journal().await?;
    let items = [("fox", input(1)), ("fox", input(1)), ("owl", input(2)), ("owl", input(3))];
    let finished = all(journal.batch(&redux).concurrency(1).run_iter(items)).await;
    assert_eq!(kinds(&finished), [None, None, None, Some(ErrorKind::KeyConflict)]);
    assert_eq!(emulator.jobs().len(), 2);
    // The same input without a key, at the same time.
    let finished = all(journal.batch(&redux).run_iter((0..8).map(|_| input(4)))).await;
    assert_eq!(kinds(&finished), vec![None; 8]);
    assert_eq!(emulator.jobs().len(), 3);
    Ok(())
}

async fn source_is_pulled_when_there_is_room(database: Database) -> Outcome {
    let (_emulator, redux) = emulator(Pace::instant()).await?;
    let journal = database.journal().await?;
    let pulled = Arc::new(AtomicUsize::new(0));
    let counter = pulled.clone();
    let source = (0..).map(move |seed| {
        counter.fetch_add(1, Ordering::SeqCst);
        keyed(seed)
    });
    let mut items = journal.batch(&redux).concurrency(4).run_iter(source);
    assert_eq!(pulled.load(Ordering::SeqCst), 0);
    for handed_out in 1..=20 {
        items.next().await.ok_or("no item")?.result?;
        assert!(pulled.load(Ordering::SeqCst) <= handed_out + 4);
    }
    Ok(())
}

async fn stopped_batch_finishes_the_items_that_run(database: Database) -> Outcome {
    let (emulator, redux) = emulator(Pace::manual()).await?;
    let journal = database.journal().await?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let batch = journal.batch(&redux).concurrency(2).stop_when(stopped);
    let mut items = batch.run_all(|| (0..10).map(keyed)).await?;
    assert!(!items.is_stopped());
    let batch = tokio::spawn(async move {
        let mut finished = Vec::new();
        while let Some(item) = items.next().await {
            finished.push(item);
        }
        (finished, items)
    });
    while emulator.jobs().len() < 2 {
        tokio::task::yield_now().await;
    }
    stop.send(()).map_err(|()| "the batch has ended")?;
    tokio::task::yield_now().await;
    for job in emulator.jobs() {
        emulator.complete(job.request_id());
    }
    let (finished, items) = batch.await?;
    assert_eq!(kinds(&finished), [None, None]);
    assert!(items.is_stopped() && items.stopped_by().is_none());
    let snapshot = items.progress().snapshot();
    assert_eq!((snapshot.done, snapshot.failed, snapshot.running, snapshot.not_started), (2, 0, 0, 8));
    assert_eq!(emulator.jobs().len(), 2);
    assert!(journal.get("photo-5").await?.is_none());
    Ok(())
}

async fn locked_account_stops_the_batch(database: Database) -> Outcome {
    let (emulator, redux) = emulator(Pace::instant()).await?;
    let journal = database.journal().await?;
    emulator.lock_account(LockReason::ExhaustedBalance);
    let mut items = journal.batch(&redux).concurrency(2).run_all(|| (0..50).map(keyed)).await?;
    let mut finished = Vec::new();
    while let Some(item) = items.next().await {
        finished.push(item);
    }
    assert_eq!(finished.len(), 50);
    let not_started = finished.iter().filter(|item| {
        item.result
            .as_ref()
            .is_err_and(|error| error.kind() == ErrorKind::NotStarted && error.to_string().contains("lock"))
    });
    assert!(not_started.count() >= 46);
    assert!(items.stopped_by().is_some_and(|error| error.kind() == ErrorKind::Request && error.key().is_none()));
    let snapshot = items.progress().snapshot();
    assert_eq!(snapshot.failed + snapshot.not_started, 50);
    assert!(emulator.requests().len() <= 4 && emulator.jobs().is_empty());

    // A stream may not end, so that only its started items are returned.
    let finished = all(journal.batch(&redux).concurrency(2).run_iter((0..).map(keyed))).await;
    assert!((1..=4).contains(&finished.len()), "{finished:?}");

    emulator.unlock_account();
    let journal = database.journal().await?;
    let finished = all(journal.batch(&redux).run_all(|| (10..30).map(keyed)).await?).await;
    assert_eq!(kinds(&finished), vec![None; 20]);
    Ok(())
}

fn prices() -> Result<PriceTable, fal_client::Error> {
    Ok([Price::new(redux::ENDPOINT.id(), "0.01".into_amount()?, "images")].into_iter().collect())
}

async fn reservation_that_is_released_serves_the_next_item(database: Database) -> Outcome {
    let (emulator, redux) = emulator(Pace::instant()).await?;
    let journal = Journal::builder().prices(prices()?).open(&database.url).await?;
    let first = journal.run(&redux, input(100)).await?;
    let cost = first.record.cost().ok_or("no cost")?;
    // Two reservations fit at a time, and the cost of all items.
    let estimate = prices()?.estimate(redux::ENDPOINT.id(), 1000)?;
    let budget = journal.budget("cards", Cost::usd("29.99")?).await?.estimate(&estimate)?;
    let finished = all(journal.batch(&redux).concurrency(8).budget(&budget).run_iter((0..20).map(keyed))).await;
    assert_eq!(kinds(&finished), vec![None; 20]);
    assert_eq!(budget.usage().await?.spent, Cost::usd(cost.amount * fal_client::money::Decimal::from(20))?);
    budget.check().await?;
    assert_eq!(emulator.jobs().len(), 21);
    Ok(())
}

async fn exhausted_budget_stops_the_batch(database: Database) -> Outcome {
    let (emulator, redux) = emulator(Pace::instant()).await?;
    // Without prices, a job costs its estimate: three fit.
    let journal = database.journal().await?;
    let budget = journal.budget("cards", Cost::usd("0.035")?).await?;
    let budget = budget.estimate(&prices()?.estimate(redux::ENDPOINT.id(), 1)?)?;
    let mut items = journal.batch(&redux).concurrency(2).budget(&budget).run_all(|| (0..20).map(keyed)).await?;
    let mut finished = Vec::new();
    while let Some(item) = items.next().await {
        finished.push(item);
    }
    assert_eq!(items.stopped_by().map(fal_jobs::Error::kind), Some(ErrorKind::Budget));
    assert!(items.is_stopped());
    let snapshot = items.progress().snapshot();
    assert_eq!((snapshot.done, snapshot.failed, snapshot.running, snapshot.not_started), (3, 0, 0, 17));
    assert_eq!(finished.iter().filter(|item| item.result.is_ok()).count(), 3);
    assert_eq!(finished.len(), 20);
    assert_eq!(emulator.jobs().len(), 3);
    budget.check().await?;
    // A higher limit continues the same batch.
    let budget =
        journal.budget("cards", Cost::usd("0.2")?).await?.estimate(&prices()?.estimate(redux::ENDPOINT.id(), 1)?)?;
    let finished = all(journal.batch(&redux).budget(&budget).run_all(|| (0..20).map(keyed)).await?).await;
    assert_eq!(kinds(&finished), vec![None; 20]);
    assert_eq!(emulator.jobs().len(), 20);
    assert_eq!(budget.usage().await?.spent, Cost::usd("0.2")?);
    Ok(())
}

async fn dropped_batch_continues_where_it_was(database: Database) -> Outcome {
    let (emulator, redux) = emulator(Pace::manual()).await?;
    let journal = database.journal().await?;
    let mut items = journal.batch(&redux).concurrency(3).run_all(|| (0..3).map(keyed)).await?;
    while emulator.jobs().len() < 3 {
        assert!(futures_util::FutureExt::now_or_never(items.next()).is_none());
        tokio::task::yield_now().await;
    }
    // The request ids are recorded.
    for seed in 0..3 {
        while journal.get(keyed(seed).0).await?.is_none_or(|record| record.request_id.is_none()) {
            tokio::task::yield_now().await;
        }
    }
    drop(items);
    for job in emulator.jobs() {
        emulator.complete(job.request_id());
    }
    let finished = all(journal.batch(&redux).run_all(|| (0..3).map(keyed)).await?).await;
    assert_eq!(kinds(&finished), [None, None, None]);
    assert_eq!(emulator.jobs().len(), 3);
    Ok(())
}

async fn rejected_submission_is_retried(database: Database) -> Outcome {
    let (emulator, redux) = emulator(Pace::instant()).await?;
    let journal = database.journal().await?;
    emulator.inject_fault(Operation::Submit, Fault::respond(429));
    let finished = all(journal.batch(&redux).retries(1).run_iter([keyed(1)])).await;
    assert_eq!(kinds(&finished), [None]);
    assert_eq!(emulator.jobs().len(), 1);
    emulator.inject_fault(Operation::Submit, Fault::respond(429));
    let finished = all(journal.batch(&redux).retries(0).run_iter([keyed(2)])).await;
    assert_eq!(kinds(&finished), [Some(ErrorKind::Request)]);
    Ok(())
}

async fn uncertain_submission_is_not_retried(database: Database) -> Outcome {
    let (emulator, redux) = emulator(Pace::instant()).await?;
    let journal = database.journal().await?;
    emulator.inject_fault(Operation::Submit, Fault::drop_response_in_head());
    let finished = all(journal.batch(&redux).concurrency(1).run_iter((0..3).map(keyed))).await;
    assert_eq!(kinds(&finished), [Some(ErrorKind::Uncertain), None, None]);
    let submissions = emulator.requests().iter().filter(|request| request.operation() == Operation::Submit).count();
    assert_eq!(submissions, 3);
    Ok(())
}

async fn key_that_may_not_list_requests_continues_the_other_items(database: Database) -> Outcome {
    let (emulator, redux) = emulator(Pace::instant()).await?;
    emulator.inject_fault(Operation::Submit, Fault::drop_connection().after_effect());
    emulator.deny_permission(Operation::RequestsByEndpoint);
    let journal = database.journal().await?;
    let batch = || journal.batch(&redux).concurrency(1).retries(0);
    assert_eq!(kinds(&all(batch().run_iter((0..1).map(keyed))).await), [Some(ErrorKind::Uncertain)]);
    let batch = batch().on_uncertain(fal_jobs::OnUncertain::Resolve { permit_after: None });
    let finished = all(batch.run_iter((0..3).map(keyed))).await;
    assert_eq!(kinds(&finished), [Some(ErrorKind::Request), None, None]);
    Ok(())
}

async fn progress_counts_items_and_their_cost(database: Database) -> Outcome {
    let (emulator, redux) = emulator(Pace::instant()).await?;
    let journal = Journal::builder().prices(prices()?).open(&database.url).await?;
    emulator.inject_fault(Operation::Submit, Fault::respond(422));
    let snapshots = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = snapshots.clone();
    let on_progress = move |snapshot: &fal_jobs::Snapshot| {
        if let Ok(mut seen) = seen.lock() {
            seen.push(snapshot.clone());
        }
    };
    let batch = journal.batch(&redux).concurrency(1).on_progress(on_progress);
    let progress = batch.progress();
    let finished = all(batch.run_all(|| (0..4).map(keyed)).await?).await;
    let snapshot = progress.snapshot();
    assert_eq!((snapshot.done, snapshot.failed, snapshot.running, snapshot.total), (3, 1, 0, Some(4)));
    let costs = finished.iter().filter_map(|item| item.result.as_ref().ok()?.record.cost());
    assert_eq!(Some(snapshot.spent), Cost::total(costs)?);
    assert_eq!(snapshot.remaining, Some(std::time::Duration::ZERO));
    let snapshots = snapshots.lock().map_err(|_| "poisoned")?;
    assert_eq!(snapshots.len(), 4);
    assert!(snapshots.iter().all(|snapshot| snapshot.total == Some(4)));
    Ok(())
}

async fn files_are_saved_and_recorded(database: Database) -> Outcome {
    let folder = tempfile::tempdir()?;
    for _ in 0..2 {
        // The files of the second batch are there, so that it needs neither fal nor its files.
        let (emulator, redux) = emulator(Pace::instant()).await?;
        let journal = database.journal().await?;
        let items = journal.batch(&redux).download_to(folder.path()).run_all(|| (0..4).map(keyed)).await?;
        for item in all(items).await {
            let files = item.result?.record.files();
            assert!(!files.is_empty());
            for file in files {
                assert!(folder.path().join(file.file_name.ok_or("no name")?).is_file());
            }
        }
        drop(emulator);
    }
    Ok(())
}
