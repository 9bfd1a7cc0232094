//! A thousand concurrent subscribers, 200 output streams and 200 realtime connections, behind proxies that tear, delay,
//! duplicate and garble at random.
//!
//! `cargo bench --features realtime --bench soak` runs for two minutes, and with `-- 30` for 30 seconds. It prints a table, and
//! fails if a request was accepted twice, a known request ended without its result, a failed call may have been billed without
//! saying so, a stream or a connection lost a message without an error, or a task, a descriptor or memory is left. The
//! emulators and the proxies run in a separate process.

mod connections;
mod proxy;
mod report;
mod streams;
mod usage;

use std::collections::HashMap;
use std::error::Error;
use std::process::{ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fal_client::Client;
use fal_client::endpoints::openrouter::router;
use fal_emulator::{Emulator, Operation, Pace};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use connections::Connections;
use proxy::{Counts, Names, proxy};
use report::{Ended, Outcome, Report, image_url};
use streams::Streams;
use usage::{resident, usage};

type Failure = Box<dyn Error + Send + Sync>;

const ENDPOINT: &str = "fal-ai/flux/dev/redux";
const SUBSCRIBERS: usize = 1_000;
const STREAMS: usize = 200;
const CONNECTIONS: usize = 200;
const SECONDS: u64 = 120;
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
    let of_streams = Emulator::builder().pace(Pace::default().running(Duration::from_secs(4))).start().await?;
    of_streams.script_stream(router::ENDPOINT, streams::events())?;
    // A model that is quicker than its callers.
    let of_connections = Emulator::builder().pace(Pace::default().running(Duration::from_millis(50))).start().await?;
    let counts = Arc::new(Counts::default());
    let mut proxies = JoinSet::new();
    for (emulator, changes_bytes) in [(&emulator, true), (&of_streams, false), (&of_connections, false)] {
        let upstream = emulator.base_url().trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        println!("http://{address}");
        proxies.spawn(proxy(listener, Names { upstream, address, changes_bytes }, Arc::clone(&counts)));
    }
    BufReader::new(tokio::io::stdin()).lines().next_line().await?;
    proxies.shutdown().await;
    let accepted = accepted.lock().unwrap_or_else(PoisonError::into_inner).clone();
    println!("{}", json!({ "accepted": accepted, "disturbed": counts.json() }));
    Ok(())
}

/// A task that calls until the time is over, and its outcomes.
enum Done {
    Subscriber(Vec<Ended>),
    Streams(Streams),
    Connections(Connections),
}

async fn soak(time: Duration) -> Result<ExitCode, Failure> {
    let this = std::env::current_exe()?;
    let mut server = Command::new(&this);
    let mut server = server.arg("--serve").kill_on_drop(true).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut output = BufReader::new(server.stdout.take().ok_or("the server has no output")?).lines();
    let mut input = server.stdin.take().ok_or("the server has no input")?;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(client(&output.next_line().await?.ok_or("the server did not start")?)?);
    }
    let [client, of_streams, of_connections] = &clients[..] else { return Err("the server did not start".into()) };
    let before = usage()?;

    let until = Instant::now() + time;
    let calls = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..SUBSCRIBERS {
        let subscriber = subscriber(client.clone(), until, Arc::clone(&calls));
        tasks.spawn(async { Done::Subscriber(subscriber.await) });
    }
    for _ in 0..STREAMS {
        let streamer = streams::streamer(of_streams.clone(), until);
        tasks.spawn(async { Done::Streams(streamer.await) });
    }
    for number in 0..CONNECTIONS {
        let user = connections::user(of_connections.clone(), number, until);
        tasks.spawn(async { Done::Connections(user.await) });
    }
    let mut memory = Vec::new();
    while Instant::now() < until {
        memory.push(resident()?);
        sleep(time / 120).await;
    }
    let (mut ended, mut streams, mut connections) = (Vec::new(), Streams::default(), Connections::default());
    let drained = timeout(DRAIN, async {
        while let Some(done) = tasks.join_next().await {
            match done? {
                Done::Subscriber(calls) => ended.extend(calls),
                Done::Streams(of_task) => streams.add(of_task),
                Done::Connections(of_task) => connections.add(of_task),
            }
        }
        Ok::<_, Failure>(())
    })
    .await;
    let stuck = tasks.len();
    drop((tasks, clients));
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
    let checked = Report {
        ended: &ended,
        accepted: &accepted,
        streams: &streams,
        connections: &connections,
        memory: &memory,
        before,
        after,
        stuck,
    };
    Ok(checked.print(&report["disturbed"]))
}

fn client(base: &str) -> Result<Client, Failure> {
    let client = Client::builder()
        .key("id:secret")
        .run_host(format!("{base}/fal.run"))
        .queue_host(format!("{base}/queue.fal.run"))
        .rest_host(format!("{base}/rest.fal.ai"));
    Ok(client.build()?)
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
