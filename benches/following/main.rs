//! Requests that are followed to their results: the delay after completion, the requests a job, and what the process needs.
//!
//! `cargo bench --bench following` prints tables. Ours takes turns with fal's own clients, if `interop/install` has installed
//! them. `-- --all` includes a thousand jobs of the Python client, which take some minutes each.
//!
//! The emulator and each measurement run in processes of their own. A job is completed at a random moment after its submission.
//! Both processes read the same clock: the delay is the time between the completion and the result in the program's hands.
//! The program says when it is ready, begins after a line on its standard input, and says when it is done. Its memory,
//! descriptors and processor time are read from Linux.

mod clock;
mod emulator;
mod ours;
mod process;
mod table;

use std::error::Error;

use process::{Program, Way};
use table::{Jobs, measure, waiting};

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--serve", min, max] => runtime.block_on(emulator::serve(min.parse()?, max.parse()?)),
        ["--follow", base, jobs, streams] => runtime.block_on(ours::follow(base, jobs.parse()?, streams.parse().ok())),
        ["--wait", base, jobs] => runtime.block_on(ours::wait(base, jobs.parse()?)),
        _ => runtime.block_on(compare(arguments.iter().any(|argument| argument == "--all"))),
    }
}

async fn compare(all: bool) -> Result<(), Failure> {
    waiting("following-waiting", &[10, 100, 1_000]).await?;
    let ways = [
        Way { name: "fal-client", program: Program::Ours { streams: None } },
        Way { name: "fal-client, `max_status_streams(100)`", program: Program::Ours { streams: Some(100) } },
        Way { name: "`@fal-ai/client`, streaming", program: Program::JavaScript { mode: "streaming" } },
        Way { name: "`@fal-ai/client`, polling", program: Program::JavaScript { mode: "polling" } },
        Way { name: "`fal_client`, async", program: Program::Python },
    ];
    let without_python = if all { &ways[..] } else { &ways[..4] };
    let below_the_limit: Vec<Way> = ways.iter().filter(|way| !way.is_limited()).cloned().collect();
    let short = |count| Jobs { count, seconds: (1.0, 3.0), rounds: 3 };
    measure("following-1", &below_the_limit, short(1)).await?;
    measure("following-100", &below_the_limit, short(100)).await?;
    measure("following-1000", without_python, short(1_000)).await?;
    measure("following-1000-long", without_python, Jobs { count: 1_000, seconds: (20.0, 40.0), rounds: 1 }).await?;
    Ok(())
}
