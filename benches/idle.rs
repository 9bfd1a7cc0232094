//! Memory and file descriptors of a process that follows up to a thousand queued requests.
//!
//! `cargo bench --bench idle` prints a table. The emulator runs in a separate process.

use std::error::Error;
use std::fs;
use std::process::Stdio;
use std::time::Duration;

use fal_client::{Client, JobEvent};
use fal_emulator::{Emulator, Pace};
use futures_util::StreamExt;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

const ENDPOINT: &str = "fal-ai/flux/dev/redux";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--serve"] => runtime.block_on(serve()),
        ["--follow", base, requests] => runtime.block_on(follow(base, requests.parse()?)),
        _ => runtime.block_on(compare()),
    }
}

/// Measures each number of requests in a separate process, so that no measurement affects another.
async fn compare() -> Result<(), Box<dyn Error>> {
    let this = std::env::current_exe()?;
    let mut server = Command::new(&this).arg("--serve").kill_on_drop(true).stdout(Stdio::piped()).spawn()?;
    let output = server.stdout.take().ok_or("the server has no output")?;
    let base = BufReader::new(output).lines().next_line().await?.ok_or("the server did not start")?;
    println!("requests   resident above start   descriptors above start");
    for requests in ["10", "100", "1000"] {
        let status = Command::new(&this).args(["--follow", &base, requests]).status().await?;
        if !status.success() {
            return Err("a measurement failed".into());
        }
    }
    Ok(())
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let pace = Pace::default().waiting(Duration::from_secs(3600));
    let emulator = Emulator::builder().pace(pace).start().await?;
    println!("{}", emulator.base_url());
    std::future::pending().await
}

/// Follows requests until each has sent an update, and prints the memory and descriptors used for them.
async fn follow(base: &str, requests: usize) -> Result<(), Box<dyn Error>> {
    let client = Client::builder()
        .key("id:secret")
        .run_host(format!("{base}/fal.run"))
        .queue_host(format!("{base}/queue.fal.run"))
        .rest_host(format!("{base}/rest.fal.ai"))
        .build()?;
    let (memory, descriptors) = (resident()?, fs::read_dir("/proc/self/fd")?.count());
    let mut followed = Vec::with_capacity(requests);
    for _ in 0..requests {
        let input = json!({ "image_url": "https://example.com/a.png" });
        let mut updates = client.endpoint(ENDPOINT).subscribe(input).logs(true).updates();
        while let Some(progress) = updates.next().await {
            if matches!(progress?, JobEvent::Update(_)) {
                break;
            }
        }
        followed.push(updates);
    }
    let memory = resident()?.saturating_sub(memory) / 1024;
    let descriptors = fs::read_dir("/proc/self/fd")?.count().saturating_sub(descriptors);
    println!("{requests:>8}   {memory:>16} KiB   {descriptors:>23}");
    drop(followed);
    Ok(())
}

/// Reads the resident memory of the process from Linux, in bytes.
fn resident() -> Result<usize, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<usize>()? * 1024)
}
