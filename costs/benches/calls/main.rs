//! Calls a second, and the instructions and allocations of a call, compared with bare reqwest.
//!
//! `cargo bench -p costs --bench calls` prints the tables. `-- ROUNDS` sets the number of rounds.
//! `-- --measure WAY CALLS [IN_FLIGHT [THREADS]]` makes calls of one kind, such as `typed-run`, and prints the seconds, so that
//! a profiler can count them.
//!
//! The server and each measurement run in separate processes. The measurements take turns, and the medians count. A ratio is
//! the median of the ratios of the rounds, because the measurements of a round run under about the same load.

mod measure;
mod peers;
mod raw;
mod valgrind;
mod way;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use costs::{Call, Error};
use measure::Load;
use peers::Peer;
use way::Way;

const ROUNDS: usize = 5;

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["--serve"] => serve(),
        ["--measure", way, calls] => measure_alone(way, calls, "64", "1"),
        ["--measure", way, calls, in_flight] => measure_alone(way, calls, in_flight, "1"),
        ["--measure", way, calls, in_flight, threads] => measure_alone(way, calls, in_flight, threads),
        ["--measure", way, calls, in_flight, threads, base] => print(way, calls, in_flight, threads, base),
        [] => compare(ROUNDS),
        [rounds] => compare(rounds.parse()?),
        _ => Err("expected no argument, or the number of rounds".into()),
    }
}

/// Prints the base URL, and serves until the process ends.
fn serve() -> Result<(), Error> {
    let server = costs::Server::start()?;
    println!("{}", server.url());
    loop {
        std::thread::park();
    }
}

/// Runs one measurement with a server of its own.
fn measure_alone(way: &str, calls: &str, in_flight: &str, threads: &str) -> Result<(), Error> {
    let server = Server::start()?;
    print(way, calls, in_flight, threads, &server.base)
}

/// Runs one measurement, and prints the seconds.
fn print(way: &str, calls: &str, in_flight: &str, threads: &str, base: &str) -> Result<(), Error> {
    let load = Load { calls: calls.parse()?, in_flight: in_flight.parse()?, threads: threads.parse()? };
    println!("{}", measure::measure(way.parse()?, load, base)?);
    Ok(())
}

/// Returns the arguments of a measurement.
fn arguments(way: Way, load: Load, base: &str) -> [String; 6] {
    let Load { calls, in_flight, threads } = load;
    let [calls, in_flight, threads] = [calls, in_flight, threads].map(|number| number.to_string());
    ["--measure".to_owned(), way.to_string(), calls, in_flight, threads, base.to_owned()]
}

/// Runs a program that prints seconds.
fn seconds(mut command: Command) -> Result<f64, Error> {
    let output = command.stderr(Stdio::inherit()).output()?;
    String::from_utf8(output.stdout)?.trim().parse().map_err(|_| format!("{command:?} has failed").into())
}

/// The server, in a process that ends when this is dropped.
struct Server {
    process: Child,
    base: String,
}

impl Server {
    fn start() -> Result<Self, Error> {
        let mut process = Command::new(std::env::current_exe()?).arg("--serve").stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().ok_or("the server has no output")?;
        let base = BufReader::new(output).lines().next().ok_or("the server did not start")??;
        Ok(Server { process, base })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A row of a table of rates.
#[derive(Clone, Copy, Debug)]
enum Row {
    Way(Way),
    Peer(Peer),
}

impl Row {
    fn title(self) -> &'static str {
        match self {
            Row::Way(way) => way.title(),
            Row::Peer(peer) => peer.title(),
        }
    }

    /// Returns the calls a second.
    fn measure(self, load: Load, base: &str) -> Result<f64, Error> {
        let seconds = match self {
            Row::Way(way) => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(arguments(way, load, base));
                seconds(command)?
            }
            Row::Peer(peer) => peer.measure(load, base)?,
        };
        Ok(load.calls as f64 / seconds)
    }
}

fn compare(rounds: usize) -> Result<(), Error> {
    let server = Server::start()?;
    let ways = [
        Way::Bare(Call::Run),
        Way::Serialized,
        Way::Raw,
        Way::Typed(Call::Run),
        Way::Unchecked,
        Way::Untyped,
        Way::Blocking,
    ];
    let (ways, peers) = (ways.map(Row::Way), Peer::installed().into_iter().map(Row::Peer));
    let all: Vec<Row> = ways.into_iter().chain(peers).collect();
    let parallel: Vec<Row> = all.iter().copied().filter(|row| !matches!(row, Row::Way(Way::Blocking))).collect();
    rates("calls-parallel", rounds, 64, &[1, 2], &parallel, &server)?;
    rates("calls-sequential", rounds, 1, &[1], &all, &server)?;
    if valgrind::is_installed() {
        costs(&server)
    } else {
        eprintln!("instructions and allocations are left out: valgrind is not installed");
        Ok(())
    }
}

/// Prints a table of rates. The first row is the one that the others are compared with.
fn rates(
    name: &str,
    rounds: usize,
    in_flight: usize,
    threads: &[usize],
    rows: &[Row],
    server: &Server,
) -> Result<(), Error> {
    let mut measured = vec![vec![Vec::new(); threads.len()]; rows.len()];
    for round in 0..rounds {
        eprintln!("{name}, round {} of {rounds}", round + 1);
        for (row, measured) in rows.iter().zip(&mut measured) {
            for (threads, measured) in threads.iter().zip(measured) {
                // A process of JavaScript or Python has one thread.
                if *threads == 1 || matches!(row, Row::Way(_)) {
                    let calls = if matches!(row, Row::Way(_)) { 10_000 } else { 640 };
                    let calls = if in_flight == 1 { calls / 4 } else { calls };
                    measured.push(row.measure(Load { calls, in_flight, threads: *threads }, &server.base)?);
                }
            }
        }
    }
    let heads = threads.iter().map(|threads| match threads {
        1 => "calls/s, one thread | of reqwest |".to_owned(),
        _ => format!("calls/s, {threads} threads | of reqwest |"),
    });
    println!("<!-- {name} -->\n| {in_flight} in flight | {}", heads.collect::<Vec<_>>().join(" "));
    println!("| --- |{}", " ---: | ---: |".repeat(threads.len()));
    for (row, own) in rows.iter().zip(&measured) {
        let cells = own.iter().zip(&measured[0]).map(|(own, bare)| match own[..] {
            [] => " | |".to_owned(),
            _ => {
                let ratios = own.iter().zip(bare).map(|(own, bare)| own / bare).collect();
                format!(" {:.0} | {:.2} |", median(own.clone()), median(ratios))
            }
        });
        println!("| {} |{}", row.title(), cells.collect::<String>());
    }
    println!("<!-- /{name} -->\n");
    Ok(())
}

/// Prints the instructions and allocations of each call, and of the other ways to make a run.
fn costs(server: &Server) -> Result<(), Error> {
    println!("<!-- calls-costs -->");
    println!(
        "| call | instructions, reqwest | fal-client | ratio | allocations, reqwest | fal-client | KiB, reqwest | fal-client |"
    );
    println!("| --- |{}", " ---: |".repeat(7));
    let calls = Call::ALL.map(|call| (call.name(), Way::Typed(call), call));
    let runs = [("run, `validate(false)`", Way::Unchecked, Call::Run), ("run, JSON values", Way::Untyped, Call::Run)];
    for (title, way, bare) in calls.into_iter().chain(runs) {
        eprintln!("calls-costs, {way}");
        let bare = valgrind::cost(Way::Bare(bare), &server.base)?;
        let own = valgrind::cost(way, &server.base)?;
        println!(
            "| {title} | {:.0} | {:.0} | {:.2} | {:.1} | {:.1} | {:.1} | {:.1} |",
            bare.instructions,
            own.instructions,
            own.instructions / bare.instructions,
            bare.allocations,
            own.allocations,
            bare.bytes / 1024.0,
            own.bytes / 1024.0,
        );
    }
    println!("<!-- /calls-costs -->");
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
