//! A thousand concurrent subscribers behind a proxy that tears, delays, duplicates and garbles at random.
//!
//! `cargo bench --bench soak` runs for five minutes, and `cargo bench --bench soak -- 30` for 30 seconds. It prints a table,
//! and fails if a request was accepted twice, a known request ended without its result, a failed call may have been billed
//! without saying so, or a task, a descriptor or memory is left. The emulator and the proxy run in a separate process.

mod proxy;
mod report;
mod usage;

use std::collections::HashMap;
use std::error::Error;
use std::process::{ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fal_client::Client;
use fal_emulator::{Emulator, Operation, Pace};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use proxy::{Counts, Names, proxy};
use report::{Ended, Outcome, Report, image_url};
use usage::{resident, usage};

type Failure = Box<dyn Error + Send + Sync>;

const ENDPOINT: &str = "fal-ai/flux/dev/redux";
const SUBSCRIBERS: usize = 1_000;
const SECONDS: u64 = 300;
/// The longest time that calls may take after the last one started.
const DRAIN: Duration = Duration::from_secs(180);

fn main() -> Result<ExitCode, Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if arguments.iter().any(|argument| argument == "--serve") {
        return runtime.block_on(serve()).map(|()| ExitCode::SUCCESS);
    }
    let seconds = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(SECONDS);
    runtime.block_on(soak(Duration::from_secs(seconds)))
}

/// Serves until a line arrives on standard input, and then prints what it saw.
async fn serve() -> Result<(), Failure> {
    let accepted = Arc::new(Mutex::new(HashMap::<String, u32>::new()));
    let counted = Arc::clone(&accepted);
    // The emulator keeps 10,000 jobs. At this pace these are the jobs of two minutes, longer than any call looks away.
    let pace = Pace::default().waiting(Duration::from_secs(2)).running(Duration::from_secs(10));
    let emulator = Emulator::builder().pace(pace).on_request(move |request| {
        // Only an accepted submission has a request id.
        if request.operation() == Operation::Submit && request.request_id().is_some() {
            let call = request.input()["image_url"].as_str().unwrap_or_default().to_owned();
            *counted.lock().unwrap_or_else(PoisonError::into_inner).entry(call).or_default() += 1;
        }
    });
    let emulator = emulator.start().await?;
    let upstream = emulator.base_url().trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    println!("http://{address}");
    let counts = Arc::new(Counts::default());
    let proxy = tokio::spawn(proxy(listener, Names { upstream, address }, Arc::clone(&counts)));
    BufReader::new(tokio::io::stdin()).lines().next_line().await?;
    proxy.abort();
    let accepted = accepted.lock().unwrap_or_else(PoisonError::into_inner).clone();
    println!("{}", json!({ "accepted": accepted, "disturbed": counts.json() }));
    Ok(())
}

async fn soak(time: Duration) -> Result<ExitCode, Failure> {
    let this = std::env::current_exe()?;
    let mut server = Command::new(&this);
    let mut server = server.arg("--serve").kill_on_drop(true).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut output = BufReader::new(server.stdout.take().ok_or("the server has no output")?).lines();
    let mut input = server.stdin.take().ok_or("the server has no input")?;
    let base = output.next_line().await?.ok_or("the server did not start")?;
    let before = usage()?;

    let client = Client::builder()
        .key("id:secret")
        .run_host(format!("{base}/fal.run"))
        .queue_host(format!("{base}/queue.fal.run"))
        .rest_host(format!("{base}/rest.fal.ai"))
        .build()?;
    let until = Instant::now() + time;
    let calls = Arc::new(AtomicU64::new(0));
    let mut subscribers = JoinSet::new();
    for _ in 0..SUBSCRIBERS {
        subscribers.spawn(subscriber(client.clone(), until, Arc::clone(&calls)));
    }
    let mut memory = Vec::new();
    while Instant::now() < until {
        memory.push(resident()?);
        sleep(time / 120).await;
    }
    let mut ended: Vec<Ended> = Vec::new();
    let drained = timeout(DRAIN, async {
        while let Some(subscriber) = subscribers.join_next().await {
            ended.extend(subscriber?);
        }
        Ok::<_, Failure>(())
    })
    .await;
    let stuck = subscribers.len();
    drop((subscribers, client));
    if let Ok(drained) = drained {
        drained?;
    }

    // Connections close in the background.
    let mut after = usage()?;
    for _ in 0..100 {
        if after.tasks <= before.tasks && after.descriptors <= before.descriptors {
            break;
        }
        sleep(Duration::from_millis(100)).await;
        after = usage()?;
    }
    input.write_all(b"report\n").await?;
    let report = output.next_line().await?.ok_or("the server did not report")?;
    let report: Value = serde_json::from_str(&report)?;
    let accepted: HashMap<String, u32> = serde_json::from_value(report["accepted"].clone())?;
    let checked = Report { ended: &ended, accepted: &accepted, memory: &memory, before, after, stuck };
    Ok(checked.print(&report["disturbed"]))
}

/// Calls until the time is over.
async fn subscriber(client: Client, until: Instant, calls: Arc<AtomicU64>) -> Vec<Ended> {
    let mut ended = Vec::new();
    while Instant::now() < until {
        let call = calls.fetch_add(1, Ordering::Relaxed);
        let mut known = false;
        let response = client
            .endpoint(ENDPOINT)
            .subscribe(json!({ "image_url": image_url(call) }))
            .logs(call.is_multiple_of(2))
            .on_enqueue(|_| known = true)
            .await;
        let outcome = match response {
            Ok(response) => Outcome::Result(response.request_id.unwrap_or_default()),
            // Every job of the emulator succeeds.
            Err(error) if known => Outcome::Lost(format!("{error:?}")),
            Err(error) if error.may_have_been_accepted() => Outcome::Uncertain,
            Err(error) => Outcome::Failed(format!("{error:?}")),
        };
        ended.push(Ended { call, outcome });
    }
    ended
}
