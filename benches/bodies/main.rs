//! Time, memory and allocations of large bodies, compared with bare reqwest and serde derives.
//!
//! `cargo bench --bench bodies` prints the tables. The server and each measurement run in separate processes. The measurements
//! take turns, and the medians count. A ratio is the median of the ratios of the rounds, because the measurements of a round run
//! under about the same load.
//!
//! `--measure KIND WAY ADDRESS TIMES` does the work of one measurement a number of times, for valgrind. Reading needs no server.

mod bodies;
mod server;
mod ways;

use std::alloc::System;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::process::Stdio;
use std::time::Instant;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use bodies::Kind;
use ways::Work;

type Failure = Box<dyn Error + Send + Sync>;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ROUNDS: usize = 5;

/// The number of times that a measurement does its work. The fastest counts.
const TIMES: usize = 3;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    // One thread, so that a time is that of a processor.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--serve"] => runtime.block_on(server::serve()),
        ["--measure", kind, way, address, times] => {
            let kind = Kind::ALL.into_iter().find(|known| known.name() == kind).ok_or("unknown kind")?;
            let figures = runtime.block_on(measure(kind, way, address, times.parse()?))?;
            println!("{} {} {}", figures.seconds, figures.memory, figures.allocations);
            Ok(())
        }
        [] => runtime.block_on(compare(ROUNDS)),
        [rounds] => runtime.block_on(compare(rounds.parse()?)),
        _ => Err("expected no argument, or the number of rounds".into()),
    }
}

/// The figures of a measurement.
#[derive(Clone, Copy)]
struct Figures {
    /// The time of the fastest work.
    seconds: f64,
    /// The peak of the resident memory during the first work, above the memory before it, in bytes.
    memory: u64,
    /// The allocations of the first work. A reallocation is one.
    allocations: usize,
}

async fn measure(kind: Kind, way: &str, address: &str, times: usize) -> Result<Figures, Failure> {
    let work = Work::new(kind, way, address).await?;
    let mut figures = Figures { seconds: f64::MAX, memory: 0, allocations: 0 };
    for time in 0..times {
        let input = work.input();
        // Resets the peak of the memory.
        fs::write("/proc/self/clear_refs", "5")?;
        let (before, region, start) = (memory("VmRSS:")?, Region::new(ALLOCATOR), Instant::now());
        work.run(input).await?;
        figures.seconds = figures.seconds.min(start.elapsed().as_secs_f64());
        if time == 0 {
            let counts = region.change();
            figures.allocations = counts.allocations + counts.reallocations;
            figures.memory = memory("VmHWM:")?.saturating_sub(before);
        }
    }
    Ok(figures)
}

/// Reads a figure of the process's memory from Linux, in bytes.
fn memory(name: &str) -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such figure")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

async fn compare(rounds: usize) -> Result<(), Failure> {
    let this = std::env::current_exe()?;
    let mut server = Command::new(&this).arg("--serve").kill_on_drop(true).stdout(Stdio::piped()).spawn()?;
    let output = server.stdout.take().ok_or("the server has no output")?;
    let address = BufReader::new(output).lines().next_line().await?.ok_or("the server did not start")?;

    let mut measured: BTreeMap<(Kind, &str), Vec<Figures>> = BTreeMap::new();
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for kind in Kind::ALL {
            for way in kind.ways() {
                let mut measurement = Command::new(&this);
                measurement.args(["--measure", kind.name(), way, &address, &TIMES.to_string()]);
                let done = measurement.stderr(Stdio::inherit()).output().await?;
                let output = String::from_utf8(done.stdout)?;
                let [seconds, memory, allocations] = output.split_whitespace().collect::<Vec<_>>()[..] else {
                    return Err(format!("the measurement of {way} of {} failed", kind.name()).into());
                };
                let figures =
                    Figures { seconds: seconds.parse()?, memory: memory.parse()?, allocations: allocations.parse()? };
                measured.entry((kind, way)).or_default().push(figures);
            }
        }
    }
    for kind in Kind::ALL {
        println!("<!-- bodies-{} -->", kind.name());
        println!("| {} | ms | of {} | peak memory of the body's size | allocations |", kind.title(), kind.yardstick());
        println!("| --- | ---: | ---: | ---: | ---: |");
        for way in kind.ways() {
            let (own, yardstick) = (&measured[&(kind, *way)], &measured[&(kind, kind.yardstick())]);
            let of = |figure: fn(&Figures) -> f64| median(own.iter().map(figure).collect());
            let ratio = median(own.iter().zip(yardstick).map(|(own, other)| own.seconds / other.seconds).collect());
            let (milliseconds, memory) =
                (of(|own| own.seconds * 1e3), of(|own| own.memory as f64) / kind.size() as f64);
            let allocations = of(|own| own.allocations as f64);
            println!("| {way} | {milliseconds:.1} | {ratio:.2} | {memory:.2} | {allocations:.0} |");
        }
        println!("<!-- /bodies-{} -->\n", kind.name());
    }
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
