//! The rate of commits, printed: `cargo test -p fal-jobs --lib throughput -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use futures_util::StreamExt;

use super::{Settings, Store};
use crate::record::{Billing, NewRecord};
use crate::state::Event;

async fn job(store: &Store, process: &str, at: usize) -> Result<(), crate::Error> {
    let input = format!("{{\"prompt\":\"{}\"}}", "p".repeat(300));
    let key = format!("k{at}");
    let new = NewRecord {
        key: key.clone(),
        endpoint: "acme/painter".to_owned(),
        label: None,
        input_hash: crate::key::hash(&input),
        request: Some(input.clone()),
        input: input.clone(),
        options: None,
        billing: Billing::default(),
        webhook: false,
        enqueued: false,
    };
    store.insert(&new).await?;
    store.claim(&key, process).await?;
    store.intend(&key, process, input, false).await?;
    let request_id = format!("request-{at}");
    store.apply(&key, &Event::Submit { attempt: 1, request_id: request_id.clone() }).await?;
    let output = format!("{{\"images\":[\"{}\"]}}", "u".repeat(1000));
    store.apply(&key, &Event::Complete { request_id, output, units: None }).await?;
    Ok(())
}

async fn measure(name: &str, url: &str) -> Result<(), crate::Error> {
    let settings = Settings {
        lease: Duration::from_secs(3600),
        connections: 10,
        retry_for: Duration::from_secs(30),
        redacted: Vec::new(),
    };
    let store = Store::open(url, settings).await?;
    store.begin_lease("bench").await?;
    for (first, jobs, concurrency) in [(0, 200, 1), (1_000, 2_000, 32)] {
        let began = Instant::now();
        let done = futures_util::stream::iter(first..first + jobs)
            .map(|at| job(&store, "bench", at))
            .buffer_unordered(concurrency)
            .collect::<Vec<_>>();
        done.await.into_iter().collect::<Result<Vec<_>, _>>()?;
        let seconds = began.elapsed().as_secs_f64();
        println!(
            "{name}, {concurrency} at a time: {:.0} jobs a second",
            f64::from(u32::try_from(jobs).unwrap_or(0)) / seconds
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints a measurement"]
async fn throughput() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    measure("SQLite", &format!("sqlite://{}", folder.path().join("jobs.db").display())).await?;
    if let Ok(url) = std::env::var("FAL_JOBS_TEST_POSTGRES") {
        let schema = format!("throughput_{}", std::process::id());
        let pool = sqlx::PgPool::connect(&url).await?;
        sqlx::query(&format!("CREATE SCHEMA {schema}")).execute(&pool).await?;
        measure("PostgreSQL", &format!("{url}?options=-csearch_path%3D{schema}")).await?;
        sqlx::query(&format!("DROP SCHEMA {schema} CASCADE")).execute(&pool).await?;
    }
    Ok(())
}
