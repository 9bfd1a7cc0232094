//! Properties of the state machine, alone and in a database that several processes change.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use sqlx::{Connection, Executor};

use super::{Settings, Store};
use crate::record::{Billing, NewRecord, Record};
use crate::state::{Event, State};

const KEY: &str = "job";
const BUDGET: &str = "budget";

/// A step of a process, or of fal's response to it. Numbers choose among few ids and attempts, so that steps meet.
#[derive(Clone, Debug)]
enum Step {
    Claim,
    Release,
    Intend,
    Submit { back: i64, id: u8 },
    Withdraw { back: i64 },
    Doubt { back: i64 },
    Complete { id: u8, units: Option<i64> },
    Fail { back: i64, id: Option<u8>, units: Option<i64> },
    Adopt { id: u8 },
    Permit { back: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    let back = 0..2_i64;
    let id = 0..6_u8;
    let units = proptest::option::of(-5..1_000_i64);
    prop_oneof![
        3 => Just(Step::Claim),
        1 => Just(Step::Release),
        4 => Just(Step::Intend),
        4 => (back.clone(), id.clone()).prop_map(|(back, id)| Step::Submit { back, id }),
        2 => back.clone().prop_map(|back| Step::Withdraw { back }),
        2 => back.clone().prop_map(|back| Step::Doubt { back }),
        3 => (id.clone(), units.clone()).prop_map(|(id, units)| Step::Complete { id, units }),
        2 => (back.clone(), proptest::option::of(id.clone()), units)
            .prop_map(|(back, id, units)| Step::Fail { back, id, units }),
        1 => id.prop_map(|id| Step::Adopt { id }),
        2 => back.prop_map(|back| Step::Permit { back }),
    ]
}

/// Returns the event of a step, seen from a record.
fn event(step: &Step, record: &Record, claim: &str) -> Option<Event> {
    let attempt = |back: i64| (record.attempt - back).max(1);
    let text = |units: Option<i64>| units.map(|units| units.to_string());
    let request_id = |id: u8| format!("request-{id}");
    Some(match *step {
        Step::Claim | Step::Release => return None,
        Step::Intend => {
            let (claim, request) = (claim.to_owned(), "{}".to_owned());
            Event::Intend { claim, attempt: record.attempt + 1, request, webhook: false }
        }
        Step::Submit { back, id } => Event::Submit { attempt: attempt(back), request_id: request_id(id) },
        Step::Withdraw { back } => Event::Withdraw { attempt: attempt(back) },
        Step::Doubt { back } => Event::Doubt { attempt: attempt(back) },
        Step::Complete { id, units } => {
            Event::Complete { request_id: request_id(id), output: "{}".to_owned(), units: text(units) }
        }
        Step::Fail { back, id, units } => {
            let (attempt, request_id) = (attempt(back), id.map(request_id));
            Event::Fail { attempt, request_id, error: "{}".to_owned(), units: text(units) }
        }
        Step::Adopt { id } => Event::Adopt { request_id: request_id(id) },
        Step::Permit { back } => Event::Permit { attempt: attempt(back) },
    })
}

fn ids(record: &Record) -> Vec<String> {
    record.request_id.clone().into_iter().chain(record.earlier_request_ids()).collect()
}

/// Checks one change of a record.
fn check(before: &Record, after: &Record) -> Result<(), TestCaseError> {
    let is_sent = before.state == State::Waiting && after.state == State::Intended;
    prop_assert_eq!(
        after.attempt,
        before.attempt + i64::from(is_sent),
        "an attempt is one submission of a waiting job"
    );
    if after.state == State::Waiting && before.state != State::Waiting {
        prop_assert!(before.state != State::Completed, "a completed job is sent again");
    }
    if before.state == State::Completed {
        prop_assert_eq!(after.state, State::Completed);
        prop_assert_eq!(
            (&after.output, &after.request_id, after.cost),
            (&before.output, &before.request_id, before.cost)
        );
    }
    for id in ids(before) {
        prop_assert!(ids(after).contains(&id), "the request id {} is lost", id);
    }
    prop_assert!(after.cost.unwrap_or(0) >= before.cost.unwrap_or(0), "the cost shrinks");
    prop_assert!(after.reserved >= 0);
    prop_assert!(!after.state.is_final() || (after.reserved == 0 && after.finished_at.is_some()));
    prop_assert!(after.state != State::Submitted || after.request_id.is_some());
    prop_assert!(after.state != State::Completed || after.output.is_some());
    Ok(())
}

fn new_record() -> NewRecord {
    NewRecord {
        key: KEY.to_owned(),
        endpoint: "acme/painter".to_owned(),
        label: None,
        input: "{}".to_owned(),
        input_hash: "0".to_owned(),
        request: None,
        options: None,
        billing: Billing {
            budget: Some(BUDGET.to_owned()),
            outer: None,
            estimate: 7,
            unit_price: Some("0.000000001".to_owned()),
        },
        webhook: false,
        enqueued: false,
    }
}

async fn open(url: &str) -> Result<Store, crate::Error> {
    let settings = Settings {
        lease: Duration::from_secs(3600),
        connections: 2,
        retry_for: Duration::from_secs(30),
        redacted: Vec::new(),
    };
    Store::open(url, settings).await
}

/// Runs the steps of each process, concurrently, and returns the record after every change, by revision.
async fn run(url: &str, processes: &[Vec<Step>]) -> Result<BTreeMap<i64, Record>, TestCaseError> {
    let failed = |error: crate::Error| TestCaseError::fail(error.to_string());
    let first = open(url).await.map_err(failed)?;
    first.set_budget(BUDGET, 1_000_000).await.map_err(failed)?;
    let (record, _) = first.insert(&new_record(), None).await.map_err(failed)?;
    let work = processes.iter().enumerate().map(|(number, steps)| async move {
        let store = open(url).await?;
        let claim = format!("process-{number}");
        store.begin_lease(&claim).await?;
        let mut seen = Vec::new();
        for step in steps {
            let changed = match step {
                Step::Claim => store.claim(KEY, &claim).await?,
                Step::Release => {
                    store.release(&claim, &[KEY.to_owned()]).await?;
                    None
                }
                Step::Intend => {
                    // The state may not allow it.
                    store.intend(KEY, &claim, "{}".to_owned(), false).await.ok().flatten()
                }
                step => {
                    let Some(record) = store.get(KEY).await? else { continue };
                    let Some(event) = event(step, &record, &claim) else { continue };
                    store.apply(KEY, &event).await.ok()
                }
            };
            seen.extend(changed);
        }
        Ok(seen)
    });
    let mut history = BTreeMap::from([(record.revision, record)]);
    for record in futures_util::future::try_join_all(work).await.map_err(failed)?.into_iter().flatten() {
        let known = history.entry(record.revision).or_insert_with(|| record.clone());
        // Two changes of one revision would be a lost one. The claim is released without a record.
        let comparable =
            |record: &Record| (record.state, record.attempt, ids(record), record.cost, record.claim.clone());
        prop_assert_eq!(comparable(known), comparable(&record), "revision {}", record.revision);
    }
    let sums = first.budget_sums(BUDGET).await.map_err(failed)?;
    prop_assert!(
        sums.is_some_and(|(row, sums)| (row.spent, row.reserved) == (sums.spent, sums.reserved)),
        "{:?}",
        sums
    );
    first.close().await;
    Ok(history)
}

/// Returns a new schema of the PostgreSQL server of the tests. `None` without a server.
fn schema() -> Result<Option<String>, TestCaseError> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let server = std::env::var("FAL_JOBS_TEST_POSTGRES").ok().filter(|server| server != "none");
    let Some(server) = server else { return Ok(None) };
    let name = format!("properties_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let created = runtime().block_on(async {
        let mut connection = sqlx::PgConnection::connect(&server).await?;
        connection.execute(format!("CREATE SCHEMA {name}").as_str()).await.map(drop)
    });
    created.map_err(|error: sqlx::Error| TestCaseError::fail(error.to_string()))?;
    Ok(Some(format!("{server}?options=-csearch_path%3D{name}")))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

proptest! {
    #[test]
    fn changes_keep_what_is_known(steps in vec((step(), 0..2_usize), 1..60)) {
        let mut record = runtime().block_on(async {
            let store = open("sqlite::memory:").await?;
            store.insert(&new_record(), None).await.map(|(record, _)| record)
        }).map_err(|error: crate::Error| TestCaseError::fail(error.to_string()))?;
        for (step, process) in steps {
            let claim = format!("process-{process}");
            let Some(event) = event(&step, &record, &claim) else {
                record.claim = matches!(step, Step::Claim).then_some(claim);
                continue;
            };
            let before = record.clone();
            if record.apply(&event, 1).is_err() {
                prop_assert!(record == before, "a rejected change has an effect: {event:?}");
                continue;
            }
            check(&before, &record)?;
            if let Event::Submit { request_id, .. } | Event::Adopt { request_id } = &event {
                prop_assert!(ids(&record).contains(request_id), "the request id {} is lost", request_id);
            }
            if let Event::Fail { request_id, .. } = &event && before.state != State::Failed {
                let failed = before.request_id.as_ref().filter(|_| before.state == State::Submitted);
                prop_assert_eq!(request_id.as_ref(), failed, "the failure of another request counts");
            }
            let after = record.clone();
            prop_assert!(record.apply(&event, 2).is_ok() && record == after, "a change is not the same twice: {event:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn concurrent_processes_lose_no_change(processes in vec(vec(step(), 1..25), 3)) {
        let folder = tempfile::tempdir()?;
        let file = format!("sqlite://{}", folder.path().join("jobs.db").display());
        for url in [Some(file), schema()?].into_iter().flatten() {
            let history = runtime().block_on(run(&url, &processes))?;
            let revisions: Vec<_> = history.values().collect();
            for pair in revisions.windows(2) {
                // A release is a revision that no process has seen.
                if pair[1].revision == pair[0].revision + 1 {
                    check(pair[0], pair[1])?;
                }
            }
        }
    }
}
