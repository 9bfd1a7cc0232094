//! The overhead of a journal for an item, and the memory of a batch of many items.
//!
//! `cargo bench -p fal-jobs` prints the tables; `-- overhead` or `-- memory` one of them. The emulator and each measurement run in
//! separate processes. The emulator completes jobs when they are submitted. `FAL_JOBS_TEST_POSTGRES` is the URL of a PostgreSQL
//! database, without which PostgreSQL is left out. The SQLite database of the overhead is in the folder for temporary files. That
//! of the memory is in `/dev/shm` if it exists, because each item would wait for the disk four times.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use fal_client::money::{Cost, IntoAmount, Price, PriceTable};
use fal_client::{Client, Handle, JsonInput};
use fal_emulator::{Emulator, Pace};
use fal_jobs::{Budget, Journal};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

type Failure = Box<dyn Error + Send + Sync>;

const ENDPOINT: &str = "fal-ai/flux/dev/redux";

/// Items of a measurement of the overhead, its rounds, and the concurrency.
const ITEMS: u64 = 200;
const ROUNDS: u64 = 5;
const CONCURRENCY: usize = 16;

/// Items of the measurement of memory.
const MANY: u64 = 50_000;

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--serve"] => runtime.block_on(serve()),
        ["overhead"] => runtime.block_on(overhead()),
        ["memory"] => runtime.block_on(memory()),
        [] => ["overhead", "memory"].into_iter().try_for_each(alone),
        _ => Err("expected no argument, `overhead` or `memory`".into()),
    }
}

/// Runs a measurement in a process of its own.
fn alone(measurement: &str) -> Result<(), Failure> {
    let status = std::process::Command::new(std::env::current_exe()?).arg(measurement).status()?;
    if status.success() { Ok(()) } else { Err(format!("the measurement of {measurement} failed").into()) }
}

async fn serve() -> Result<(), Failure> {
    let emulator = Emulator::builder().pace(Pace::instant()).history(1_000).start().await?;
    println!("{}", emulator.base_url());
    std::future::pending().await
}

/// Starts an emulator in another process, which ends with the returned handle.
async fn endpoint() -> Result<(Child, Handle<JsonInput, Value>), Failure> {
    let this = std::env::current_exe()?;
    let mut server = Command::new(&this).arg("--serve").kill_on_drop(true).stdout(Stdio::piped()).spawn()?;
    let output = server.stdout.take().ok_or("the server has no output")?;
    let base = BufReader::new(output).lines().next_line().await?.ok_or("the server did not start")?;
    let client = Client::builder()
        .key("id:secret")
        .run_host(format!("{base}/fal.run"))
        .queue_host(format!("{base}/queue.fal.run"))
        .rest_host(format!("{base}/rest.fal.ai"))
        .build()?;
    Ok((server, client.endpoint(ENDPOINT)))
}

fn input(number: u64) -> Value {
    json!({ "image_url": "https://example.com/fox.png", "seed": number })
}

/// The ways to run items.
enum Way {
    Subscribe,
    Run(Journal),
    Batch(Journal, Option<Budget>),
}

impl Way {
    /// Runs items, and returns the time.
    async fn run(
        &self,
        endpoint: &Handle<JsonInput, Value>,
        numbers: std::ops::Range<u64>,
    ) -> Result<Duration, Failure> {
        let started = Instant::now();
        match self {
            Way::Subscribe => {
                let calls = numbers.map(|number| endpoint.subscribe(input(number)).send());
                stream::iter(calls).buffer_unordered(CONCURRENCY).try_for_each(|_| async { Ok(()) }).await?;
            }
            Way::Run(journal) => {
                let calls = numbers.map(|number| async move { journal.run(endpoint, input(number)).await });
                stream::iter(calls).buffer_unordered(CONCURRENCY).try_for_each(|_| async { Ok(()) }).await?;
            }
            Way::Batch(journal, budget) => {
                let mut batch = journal.batch(endpoint).concurrency(CONCURRENCY);
                if let Some(budget) = budget {
                    batch = batch.budget(budget);
                }
                let mut items = batch.run_iter(numbers.map(input));
                while let Some(item) = items.next().await {
                    item.result?;
                }
            }
        }
        Ok(started.elapsed())
    }
}

async fn overhead() -> Result<(), Failure> {
    let (_server, endpoint) = endpoint().await?;
    let folder = TempDir::new()?;
    let mut databases = vec![("SQLite", format!("sqlite://{}", folder.path().join("jobs.db").display()))];
    databases.extend(std::env::var("FAL_JOBS_TEST_POSTGRES").ok().map(|url| ("PostgreSQL", url)));
    let prices: PriceTable = [Price::new(ENDPOINT, "0.01".into_amount()?, "images")].into_iter().collect();
    let mut ways = vec![("`subscribe`".to_owned(), Way::Subscribe)];
    for (name, url) in databases {
        let journal = Journal::builder().prices(prices.clone()).open(&url).await?;
        let budget = journal.budget("bench", Cost::usd(1_000_000)?).await?.estimate(&prices.estimate(ENDPOINT, 2)?)?;
        ways.push((format!("`Journal::run`, {name}"), Way::Run(journal.clone())));
        ways.push((format!("batch, {name}"), Way::Batch(journal.clone(), None)));
        ways.push((format!("batch with a budget, {name}"), Way::Batch(journal, Some(budget))));
    }
    let mut times = vec![Vec::new(); ways.len()];
    // Inputs of other runs of the bench are in the journal of PostgreSQL.
    let mut next = u64::from(std::process::id()) << 32;
    for round in 0..=ROUNDS {
        for ((_, way), times) in ways.iter().zip(&mut times) {
            let time = way.run(&endpoint, next..next + ITEMS).await?;
            next += ITEMS;
            // The first round warms up.
            if round > 0 {
                times.push(time);
            }
        }
    }
    println!("<!-- batch-overhead -->\n| way | microseconds an item | of `subscribe` |\n| --- | ---: | ---: |");
    let base: Vec<_> = times[0].clone();
    for ((name, _), times) in ways.iter().zip(&times) {
        let ratios = times.iter().zip(&base).map(|(time, base)| time.as_secs_f64() / base.as_secs_f64()).collect();
        let micros = median(times.iter().map(|time| time.as_secs_f64() * 1e6 / ITEMS as f64).collect());
        println!("| {name} | {micros:.0} | {:.1} |", median(ratios));
    }
    println!("<!-- /batch-overhead -->");
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

async fn memory() -> Result<(), Failure> {
    let (_server, endpoint) = endpoint().await?;
    let shared_memory = Path::new("/dev/shm");
    let folder = if shared_memory.is_dir() { TempDir::new_in(shared_memory)? } else { TempDir::new()? };
    let journal = Journal::open(format!("sqlite://{}", folder.path().join("jobs.db").display())).await?;
    let items = move || (0..MANY).map(|number| (format!("item-{number}"), input(number)));
    println!("<!-- batch-memory -->\n| finished | resident memory |\n| --- | ---: |");
    println!("| 0, before the validation | {:.1} MiB |", resident()?);
    let mut results = journal.batch(&endpoint).concurrency(CONCURRENCY).run_all(items).await?;
    println!("| 0 | {:.1} MiB |", resident()?);
    let mut finished = 0;
    while let Some(item) = results.next().await {
        item.result?;
        finished += 1;
        if [MANY / 100, MANY / 10, MANY / 2, MANY].contains(&finished) {
            println!("| {finished} | {:.1} MiB |", resident()?);
        }
    }
    println!("<!-- /batch-memory -->");
    Ok(())
}

/// Reads the resident memory of the process from Linux, in MiB.
fn resident() -> Result<f64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}
