//! The emulator under load, compared with a bare hyper server that responds with the same bodies.
//!
//! `cargo bench -p fal-emulator --bench load` prints the tables, and fails if a request fails; `-- queue`, `-- run` or
//! `-- unfinished` prints the tables of a part. Each server runs in a process of its own. Both ends of 5,000 connections are open
//! files: `ulimit -n` has to be at least 8,192. Only on Linux, which tells the memory of a process.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use fal_emulator::{Emulator, Pace};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

type Failure = Box<dyn Error + Send + Sync>;

const SUBMIT: &str = "/queue.fal.run/fal-ai/flux/dev/redux";
const RUN: &str = "/fal.run/fal-ai/flux/dev/redux";
const INPUT: &str = r#"{"image_url": "https://example.com/a.png", "image_size": "square"}"#;

/// Jobs started in a second, and the time that each takes: 5,000 are in flight.
const RATE: u32 = 2_000;
const JOB_TIME: Duration = Duration::from_millis(2_500);
/// Six times as many as the emulator keeps.
const QUEUED: u32 = 60_000;
const DIRECT: u32 = 12_000;
/// Connections of the jobs in the queue.
const CONNECTIONS: usize = 64;
/// Unfinished jobs before a measurement of submissions, and the submissions of each of its rounds.
const UNFINISHED: [u32; 3] = [0, 10_000, 50_000];
const SUBMISSIONS: u32 = 1_000;
const ROUNDS: u32 = 9;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--serve", pace] => runtime.block_on(serve(pace)),
        ["--bare", submit, status, result] => runtime.block_on(bare([submit, status, result].map(str::to_owned))),
        ["queue"] => runtime.block_on(queue()),
        ["run"] => runtime.block_on(run()),
        ["unfinished"] => runtime.block_on(unfinished()),
        _ => runtime.block_on(async {
            queue().await?;
            run().await?;
            unfinished().await
        }),
    }
}

async fn serve(pace: &str) -> Result<(), Failure> {
    let waits = Duration::from_secs(1);
    let builder = match pace {
        "manual" => Emulator::builder().pace(Pace::manual()).history(100_000),
        "instant" => Emulator::builder().pace(Pace::instant()),
        // A direct run does not wait.
        "direct" => Emulator::builder().pace(Pace::default().running(JOB_TIME)),
        _ => Emulator::builder().pace(Pace::default().waiting(waits).running(JOB_TIME - waits)),
    };
    let emulator = builder.start().await?;
    println!("{}", emulator.base_url().trim_start_matches("http://"));
    std::future::pending().await
}

/// Responds with the bodies of the emulator, without reading what was sent.
async fn bare(bodies: [String; 3]) -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let bodies = Arc::new(bodies.map(Bytes::from));
    loop {
        let (stream, _) = listener.accept().await?;
        let bodies = Arc::clone(&bodies);
        tokio::spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let [submit, status, result] = &*bodies;
                let (is_post, path) = (request.method() == Method::POST, request.uri().path());
                let is_run = path.starts_with("/fal.run");
                let body = match is_post && !is_run {
                    true => submit,
                    false if path.ends_with("/status") => status,
                    false => result,
                };
                let body = body.clone();
                async move {
                    let _ = request.into_body().collect().await;
                    if is_run {
                        sleep(JOB_TIME).await;
                    }
                    let response = Response::builder().header("content-type", "application/json");
                    Ok::<_, Infallible>(response.body(Full::new(body)).expect("a valid response"))
                }
            });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// A server in a process of its own.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(arguments: &[&str]) -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut process = command.args(arguments).stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().ok_or("the server has no output")?;
        let mut server = Server { process, address: String::new() };
        BufReader::new(output).read_line(&mut server.address)?;
        server.address.truncate(server.address.trim_end().len());
        Ok(server)
    }

    /// Starts the bare server with the bodies of an emulator.
    async fn bare() -> Result<Self, Failure> {
        let emulator = Server::start(&["--serve", "instant"])?;
        let client = Client::new(&emulator.address, 1);
        let submitted = client.send(Method::POST, SUBMIT.to_owned()).await?;
        let path = path_of(&submitted)?;
        let status = client.send(Method::GET, format!("{path}/status")).await?;
        let result = client.send(Method::GET, path).await?;
        let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec());
        Server::start(&["--bare", &text(&submitted)?, &text(&status)?, &text(&result)?])
    }

    /// Returns the resident memory, in MiB.
    fn memory(&self) -> Result<f64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the path of a submitted job.
fn path_of(submitted: &[u8]) -> Result<String, Failure> {
    let submitted: Value = serde_json::from_slice(submitted)?;
    let id = submitted["request_id"].as_str().ok_or("no request id")?;
    Ok(format!("/queue.fal.run/fal-ai/flux/requests/{id}"))
}

/// Connections that are kept open, up to a number.
struct Client {
    address: String,
    free: Mutex<Vec<SendRequest<Full<Bytes>>>>,
    permits: Semaphore,
}

impl Client {
    fn new(address: &str, connections: usize) -> Arc<Self> {
        let free = Mutex::default();
        Arc::new(Client { address: address.to_owned(), free, permits: Semaphore::new(connections) })
    }

    async fn send(&self, method: Method, path: String) -> Result<Bytes, Failure> {
        let _permit = self.permits.acquire().await?;
        let free = self.free.lock().expect("no thread panics").pop();
        let mut sender = match free {
            Some(sender) => sender,
            None => {
                let stream = TcpStream::connect(&self.address).await?;
                stream.set_nodelay(true)?;
                let (sender, connection) = handshake(TokioIo::new(stream)).await?;
                tokio::spawn(connection);
                sender
            }
        };
        let body = if method == Method::POST { INPUT } else { "" };
        let request = Request::builder().method(method).uri(path).header("host", &self.address);
        let request = request.header("authorization", "Key id:secret").header("content-type", "application/json");
        sender.ready().await?;
        let response = sender.send_request(request.body(Full::new(Bytes::from(body)))?).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        self.free.lock().expect("no thread panics").push(sender);
        match status.is_success() {
            true => Ok(body),
            false => Err(format!("status {status}: {}", String::from_utf8_lossy(&body)).into()),
        }
    }
}

/// The times of requests by kind, in seconds.
type Times = BTreeMap<&'static str, Vec<f64>>;

/// Measurements of a load.
struct Load {
    /// Jobs that were accepted in a second.
    rate: f64,
    most_in_flight: usize,
    times: Times,
    memory: Vec<f64>,
}

/// Starts jobs at the rate, whether or not earlier ones have ended. Times count from when a request is due.
async fn load(server: &Server, connections: usize, jobs: u32, is_queued: bool) -> Result<Load, Failure> {
    let client = Client::new(&server.address, connections);
    let times = Arc::<Mutex<Times>>::default();
    let mut memory = vec![server.memory()?];
    let (mut most_in_flight, mut tasks, start) = (0, JoinSet::<Result<(), Failure>>::new(), Instant::now());
    for number in 0..jobs {
        let due = start + Duration::from_secs(1) * number / RATE;
        sleep_until(due).await;
        if number > 0 && number % (jobs / 3) == 0 {
            memory.push(server.memory()?);
        }
        while let Some(done) = tasks.try_join_next() {
            done??;
        }
        let (client, times) = (Arc::clone(&client), Arc::clone(&times));
        tasks.spawn(async move {
            if is_queued { queued(&client, &times, due).await } else { direct(&client, &times, due).await }
        });
        most_in_flight = most_in_flight.max(tasks.len());
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let after = start.elapsed().as_secs_f64() - JOB_TIME.as_secs_f64();
    memory.push(server.memory()?);
    let times = std::mem::take(&mut *times.lock().expect("no thread panics"));
    Ok(Load { rate: f64::from(jobs) / after, most_in_flight, times, memory })
}

/// Submits a job, polls its status while it waits and once it is completed, and gets its result.
async fn queued(client: &Client, times: &Mutex<Times>, due: Instant) -> Result<(), Failure> {
    let record = |kind, from: Instant| {
        times.lock().expect("no thread panics").entry(kind).or_default().push(from.elapsed().as_secs_f64());
    };
    let path = path_of(&client.send(Method::POST, SUBMIT.to_owned()).await?)?;
    record("submission", due);
    let accepted = Instant::now();
    for after in [JOB_TIME / 2, JOB_TIME] {
        let due = accepted + after;
        sleep_until(due).await;
        client.send(Method::GET, format!("{path}/status")).await?;
        record("status", due);
    }
    let due = Instant::now();
    client.send(Method::GET, path).await?;
    record("result", due);
    Ok(())
}

async fn direct(client: &Client, times: &Mutex<Times>, due: Instant) -> Result<(), Failure> {
    client.send(Method::POST, RUN.to_owned()).await?;
    let time = (due.elapsed().as_secs_f64() - JOB_TIME.as_secs_f64()).max(0.0);
    times.lock().expect("no thread panics").entry("direct run").or_default().push(time);
    Ok(())
}

async fn queue() -> Result<(), Failure> {
    let bare = load(&Server::bare().await?, CONNECTIONS, QUEUED, true).await?;
    let emulator = load(&Server::start(&["--serve", "paced"])?, CONNECTIONS, QUEUED, true).await?;
    print("load-queue", &bare, &emulator);
    Ok(())
}

async fn run() -> Result<(), Failure> {
    let connections = DIRECT as usize;
    let bare = load(&Server::bare().await?, connections, DIRECT, false).await?;
    let emulator = load(&Server::start(&["--serve", "direct"])?, connections, DIRECT, false).await?;
    print("load-run", &bare, &emulator);
    Ok(())
}

fn print(table: &str, bare: &Load, emulator: &Load) {
    println!(
        "<!-- {table} -->\n| | median | of bare | 99th percentile | of bare |\n| --- | ---: | ---: | ---: | ---: |"
    );
    for (kind, times) in &emulator.times {
        let of_bare = bare.times.get(kind).map_or(&[][..], Vec::as_slice);
        let (median, last) = (percentile(times, 50), percentile(times, 99));
        let ratios = (median / percentile(of_bare, 50), last / percentile(of_bare, 99));
        println!("| {kind} | {:.1} ms | {:.1} | {:.1} ms | {:.1} |", median * 1e3, ratios.0, last * 1e3, ratios.1);
    }
    println!("<!-- /{table} -->\n<!-- {table}-memory -->");
    println!("| | jobs a second | most in flight | MiB at the start | after 1/3 | after 2/3 | at the end |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (name, load) in [("emulator", emulator), ("bare", bare)] {
        let memory: Vec<_> = load.memory.iter().map(|mib| format!("{mib:.0}")).collect();
        println!("| {name} | {:.0} | {} | {} |", load.rate, load.most_in_flight, memory.join(" | "));
    }
    println!("<!-- /{table}-memory -->");
}

fn percentile(times: &[f64], percent: usize) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// Measures submissions while jobs that no test advances fill the queue.
async fn unfinished() -> Result<(), Failure> {
    println!("<!-- load-unfinished -->");
    println!("| unfinished jobs | submissions a second | of the first | MiB |\n| ---: | ---: | ---: | ---: |");
    let mut first = None;
    for unfinished in UNFINISHED {
        let server = Server::start(&["--serve", "manual"])?;
        submit(&server, unfinished).await?;
        let mut rates = Vec::new();
        for _ in 0..ROUNDS {
            let start = Instant::now();
            submit(&server, SUBMISSIONS).await?;
            rates.push(f64::from(SUBMISSIONS) / start.elapsed().as_secs_f64());
        }
        let rate = percentile(&rates, 50);
        let ratio = rate / *first.get_or_insert(rate);
        println!("| {unfinished} | {rate:.0} | {ratio:.2} | {:.0} |", server.memory()?);
    }
    println!("<!-- /load-unfinished -->");
    Ok(())
}

/// Submits jobs, 16 at a time.
async fn submit(server: &Server, jobs: u32) -> Result<(), Failure> {
    const PARALLEL: u32 = 16;
    let client = Client::new(&server.address, PARALLEL as usize);
    let mut tasks = JoinSet::new();
    for part in 0..PARALLEL {
        let client = Arc::clone(&client);
        let share = jobs / PARALLEL + u32::from(part < jobs % PARALLEL);
        tasks.spawn(async move {
            for _ in 0..share {
                client.send(Method::POST, SUBMIT.to_owned()).await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}
