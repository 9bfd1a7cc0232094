//! A thousand concurrent subscribers behind a proxy that tears, delays, duplicates and garbles at random.
//!
//! `cargo bench --bench soak` runs for five minutes, and `cargo bench --bench soak -- 30` for 30 seconds. It prints a table,
//! and fails if a request was accepted twice, a known request ended without its result, a failed call may have been billed
//! without saying so, or a task, a descriptor or memory is left. The emulator and the proxy run in a separate process.
//!
//! The proxy draws its disturbances from a fixed seed. Requests are delayed, or torn before or after they are forwarded.
//! They are never garbled or duplicated, because that would be another request. Responses may be delayed, torn, sent twice
//! in part, or overwritten in part. The response to a submission is overwritten to its end, so that its request id is not
//! another valid one.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::fs;
use std::process::{ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fal_client::Client;
use fal_emulator::{Emulator, Operation, Pace};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

type Failure = Box<dyn Error + Send + Sync>;

const ENDPOINT: &str = "fal-ai/flux/dev/redux";
const SUBSCRIBERS: usize = 1_000;
const SECONDS: u64 = 300;
const SEED: u64 = 0x5eed;
/// The longest time that calls may take after the last one started.
const DRAIN: Duration = Duration::from_secs(180);
/// The memory that may be added in the last quarter of the time, in KiB: a tenth of it, and this.
const SLACK: u64 = 8 << 10;

fn main() -> Result<ExitCode, Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if arguments.iter().any(|argument| argument == "--serve") {
        return runtime.block_on(serve()).map(|()| ExitCode::SUCCESS);
    }
    let seconds = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(SECONDS);
    runtime.block_on(soak(Duration::from_secs(seconds)))
}

// The process of the emulator and the proxy.

/// Serves until a line arrives on standard input, and then prints what it saw.
async fn serve() -> Result<(), Failure> {
    let accepted = Arc::new(Mutex::new(HashMap::<String, u32>::new()));
    let counted = Arc::clone(&accepted);
    let pace = Pace::default().waiting(Duration::from_secs(1)).running(Duration::from_secs(2));
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

/// The addresses of the emulator and of the proxy.
struct Names {
    upstream: String,
    address: String,
}

/// The numbers of disturbances, by kind.
#[derive(Default)]
struct Counts([AtomicU64; 6]);

const KINDS: [&str; 6] = ["connections", "requests torn", "responses torn", "delayed", "duplicated", "garbled"];

impl Counts {
    fn add(&self, kind: usize) {
        self.0[kind].fetch_add(1, Ordering::Relaxed);
    }

    fn json(&self) -> Value {
        KINDS.iter().zip(&self.0).map(|(kind, count)| (*kind, json!(count.load(Ordering::Relaxed)))).collect()
    }
}

async fn proxy(listener: TcpListener, names: Names, counts: Arc<Counts>) {
    let names = Arc::new(names);
    let mut connections = JoinSet::new();
    let mut dice = Dice(SEED);
    loop {
        tokio::select! {
            Ok((client, _)) = listener.accept() => {
                counts.add(0);
                let (names, counts, dice) = (Arc::clone(&names), Arc::clone(&counts), Dice(dice.next()));
                connections.spawn(relay(client, names, counts, dice));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Relays a connection until one side ends, or a disturbance tears both.
async fn relay(client: TcpStream, names: Arc<Names>, counts: Arc<Counts>, mut dice: Dice) {
    let Ok(server) = TcpStream::connect(&names.upstream).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let is_submission = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (up, down) = (Dice(dice.next()), Dice(dice.next()));
    let up = requests(from_client, to_server, up, &counts, &is_submission);
    let down = responses(from_server, to_client, down, &counts, &is_submission, &names);
    tokio::select! {
        () = up => {}
        () = down => {}
    }
}

async fn requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut dice: Dice,
    counts: &Counts,
    is_submission: &std::sync::atomic::AtomicBool,
) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let chunk = &bytes[..count];
        is_submission.store(chunk.starts_with(b"POST "), Ordering::Relaxed);
        match dice.below(1_000) {
            0..10 => return counts.add(1),
            10..20 => {
                counts.add(1);
                let _ = to.write_all(chunk).await;
                // Usually long enough for the request to take effect.
                sleep(Duration::from_millis(dice.below(20))).await;
                return;
            }
            20..50 => {
                counts.add(3);
                sleep(Duration::from_millis(dice.below(2_000))).await;
            }
            _ => {}
        }
        if to.write_all(chunk).await.is_err() {
            return;
        }
    }
}

async fn responses(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut dice: Dice,
    counts: &Counts,
    is_submission: &std::sync::atomic::AtomicBool,
    names: &Names,
) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let chunk = &mut bytes[..count];
        // URLs in responses lead to the proxy too. Both addresses have the same length.
        replace(chunk, names.upstream.as_bytes(), names.address.as_bytes());
        let drawn = dice.below(1_000);
        match drawn {
            0..10 => {
                counts.add(2);
                let _ = to.write_all(&chunk[..dice.below(count as u64) as usize]).await;
                return;
            }
            10..40 => {
                counts.add(3);
                sleep(Duration::from_millis(dice.below(2_000))).await;
            }
            40..45 => {
                counts.add(4);
                // Ends the connection, because what follows is not what HTTP would expect.
                let again = chunk[dice.below(count as u64) as usize..].to_vec();
                let _ = to.write_all(chunk).await;
                let _ = to.write_all(&again).await;
                return;
            }
            45..50 => {
                counts.add(5);
                let start = dice.below(count as u64) as usize;
                let end = match is_submission.load(Ordering::Relaxed) {
                    true => count,
                    false => count.min(start + 1 + dice.below(16) as usize),
                };
                let start = if end == count { start.min(count / 2) } else { start };
                chunk[start..end].fill(0xff);
            }
            _ => {}
        }
        if to.write_all(chunk).await.is_err() {
            return;
        }
    }
}

fn replace(bytes: &mut [u8], old: &[u8], new: &[u8]) {
    if old.len() != new.len() {
        return;
    }
    for start in 0..(bytes.len() + 1).saturating_sub(old.len()) {
        if bytes[start..].starts_with(old) {
            bytes[start..start + old.len()].copy_from_slice(new);
        }
    }
}

/// A small deterministic random number generator (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }
}

// The process of the client.

/// The end of a call.
struct Ended {
    /// The number of the call.
    call: u64,
    outcome: Outcome,
}

enum Outcome {
    /// A result, with its request id.
    Result(String),
    /// An error that says that the request may have been accepted.
    Uncertain,
    /// An error of a request that is known to be accepted.
    Lost(String),
    /// Any other error.
    Failed(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Usage {
    tasks: usize,
    descriptors: usize,
}

fn usage() -> Result<Usage, Failure> {
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    Ok(Usage { tasks, descriptors: fs::read_dir("/proc/self/fd")?.count() })
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
    let verdict = Verdict { ended: &ended, accepted: &accepted, memory: &memory, before, after, stuck };
    Ok(verdict.print(&report["disturbed"]))
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

fn image_url(call: u64) -> String {
    format!("https://example.com/{call}.png")
}

struct Verdict<'a> {
    ended: &'a [Ended],
    /// The number of times that each call was accepted, by its image.
    accepted: &'a HashMap<String, u32>,
    /// The resident memory in KiB, at regular times.
    memory: &'a [u64],
    before: Usage,
    after: Usage,
    /// The number of subscribers that did not end.
    stuck: usize,
}

impl Verdict<'_> {
    /// Prints the table, and returns whether everything holds.
    fn print(&self, disturbed: &Value) -> ExitCode {
        let is_accepted = |ended: &&Ended| self.accepted.contains_key(&image_url(ended.call));
        let of = |kind: fn(&Outcome) -> bool| self.ended.iter().filter(move |ended| kind(&ended.outcome));
        let results = of(|outcome| matches!(outcome, Outcome::Result(_)));
        let uncertain = of(|outcome| matches!(outcome, Outcome::Uncertain));
        let failed = of(|outcome| matches!(outcome, Outcome::Failed(_)));
        let lost = of(|outcome| matches!(outcome, Outcome::Lost(_)));
        let ids: HashSet<&str> = results
            .clone()
            .filter_map(|ended| match &ended.outcome {
                Outcome::Result(id) => Some(id.as_str()),
                _ => None,
            })
            .collect();
        let jobs: u64 = self.accepted.values().map(|times| u64::from(*times)).sum();
        let billed = results.clone().filter(is_accepted).count() + uncertain.clone().filter(is_accepted).count();
        let quarter = (self.memory.len() / 4).max(1);
        let mean = |part: &[u64]| part.iter().sum::<u64>() / part.len().max(1) as u64;
        let middle = mean(self.memory.get(2 * quarter..3 * quarter).unwrap_or_default());
        let end = mean(self.memory.get(3 * quarter..).unwrap_or_default());

        println!("{:<48} {:>9}", "proxy, disturbances by kind", "");
        for kind in KINDS {
            println!("  {kind:<46} {:>9}", disturbed[kind]);
        }
        println!("calls");
        for (name, count) in [
            ("calls", self.ended.len()),
            ("results", results.clone().count()),
            ("uncertain: the error says so", uncertain.clone().count()),
            ("  of which accepted", uncertain.clone().filter(is_accepted).count()),
            ("failed: not accepted", failed.clone().filter(|ended| !is_accepted(ended)).count()),
            ("jobs of the emulator", jobs as usize),
            ("memory in the third quarter, KiB", middle as usize),
            ("memory in the fourth quarter, KiB", end as usize),
        ] {
            println!("  {name:<46} {count:>9}");
        }
        println!("what has to hold");
        let mut holds = true;
        let mut check = |name: &str, left: u64, right: u64, is_held: bool| {
            println!("  {name:<46} {left:>9} {right:>9} {}", if is_held { "ok" } else { "FAILED" });
            holds &= is_held;
        };
        let equal = |left: usize, right: usize| (left as u64, right as u64, left == right);
        let (left, right, is_held) = equal(jobs as usize, self.accepted.len());
        check("jobs = calls that were accepted", left, right, is_held);
        let (left, right, is_held) = equal(jobs as usize, billed);
        check("jobs = results + uncertain and accepted", left, right, is_held);
        let (left, right, is_held) = equal(results.clone().filter(is_accepted).count(), ids.len());
        check("results = request ids", left, right, is_held);
        for (name, count) in [
            ("results of requests that were not accepted", results.filter(|ended| !is_accepted(ended)).count()),
            ("known requests without a result", lost.clone().count()),
            ("accepted requests with another error", failed.clone().filter(is_accepted).count()),
            ("subscribers that did not end", self.stuck),
        ] {
            check(name, count as u64, 0, count == 0);
        }
        let (before, after) = (self.before, self.after);
        check("tasks left", after.tasks as u64, before.tasks as u64, after.tasks <= before.tasks);
        let is_held = after.descriptors <= before.descriptors;
        check("descriptors left", after.descriptors as u64, before.descriptors as u64, is_held);
        check("memory does not grow, KiB", end, middle, end <= middle + middle / 10 + SLACK);

        let mut examples: Vec<&str> = Vec::new();
        for ended in lost.chain(failed.filter(is_accepted)) {
            if let Outcome::Lost(error) | Outcome::Failed(error) = &ended.outcome
                && examples.len() < 10
            {
                examples.push(error);
            }
        }
        for error in examples {
            println!("{error}");
        }
        if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Reads the resident memory of the process from Linux, in KiB.
fn resident() -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
