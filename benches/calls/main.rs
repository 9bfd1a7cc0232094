//! Calls a second, and the instructions and allocations of a call, compared with bare reqwest.
//!
//! `cargo bench --features blocking --bench calls` prints the tables. `-- ROUNDS` sets the number of rounds.
//! `-- --measure WAY CALLS [IN_FLIGHT [THREADS]]` makes calls of one kind, such as `typed-run`, and prints the seconds, so that
//! a profiler can count them.
//!
//! The server and each measurement run in separate processes. The measurements take turns, and the medians count. A ratio is
//! the median of the ratios of the rounds, because the measurements of a round run under about the same load.

mod bare;
mod measure;
mod ours;
mod peers;
mod server;
mod valgrind;
mod way;

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use measure::Load;
use peers::Peer;
use way::{Program, Verb, Way};

type Failure = Box<dyn Error + Send + Sync>;

const ROUNDS: usize = 5;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["--serve"] => tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(server::serve()),
        ["--measure", way, calls] => measure_alone(way, calls, "64", "1"),
        ["--measure", way, calls, in_flight] => measure_alone(way, calls, in_flight, "1"),
        ["--measure", way, calls, in_flight, threads] => measure_alone(way, calls, in_flight, threads),
        ["--measure", way, calls, in_flight, threads, base] => print(way, calls, in_flight, threads, base),
        [] => compare(ROUNDS),
        [rounds] => compare(rounds.parse()?),
        _ => Err("expected no argument, or the number of rounds".into()),
    }
}

/// Runs one measurement with a server of its own.
fn measure_alone(way: &str, calls: &str, in_flight: &str, threads: &str) -> Result<(), Failure> {
    let server = Server::start()?;
    print(way, calls, in_flight, threads, &server.base)
}

/// Runs one measurement, and prints the seconds.
fn print(way: &str, calls: &str, in_flight: &str, threads: &str, base: &str) -> Result<(), Failure> {
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
fn seconds(mut command: Command) -> Result<f64, Failure> {
    let output = command.stderr(Stdio::inherit()).output()?;
    String::from_utf8(output.stdout)?.trim().parse().map_err(|_| format!("{command:?} has failed").into())
}

/// The server, in a process that ends when this is dropped.
struct Server {
    process: Child,
    base: String,
}

impl Server {
    fn start() -> Result<Self, Failure> {
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
    fn measure(self, load: Load, base: &str) -> Result<f64, Failure> {
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

fn compare(rounds: usize) -> Result<(), Failure> {
    use Program::{Bare, Blocking, Raw, Serialized, Typed, Unchecked, Untyped};

    let server = Server::start()?;
    let ways = |programs: &[Program]| -> Vec<Row> {
        programs.iter().map(|program| Row::Way(Way::new(*program, Verb::Run))).collect()
    };
    let peers = || Peer::installed().into_iter().map(Row::Peer);
    let all = [Bare, Serialized, Raw, Typed, Unchecked, Untyped];
    let mut rows = ways(&all);
    rows.extend(peers());
    rates("calls-parallel", rounds, 64, &[1, 2], &rows, &server)?;
    let mut rows = ways(&[&all[..], &[Blocking]].concat());
    rows.extend(peers());
    rates("calls-sequential", rounds, 1, &[1], &rows, &server)?;
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
) -> Result<(), Failure> {
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
fn costs(server: &Server) -> Result<(), Failure> {
    println!("<!-- calls-costs -->");
    println!(
        "| call | instructions, reqwest | fal-client | ratio | allocations, reqwest | fal-client | KiB, reqwest | fal-client |"
    );
    println!("| --- |{}", " ---: |".repeat(7));
    let verbs = Verb::ALL.map(|verb| (format!("{verb:?}").to_ascii_lowercase(), Way::new(Program::Typed, verb)));
    let others = [("run, `validate(false)`", Program::Unchecked), ("run, JSON values", Program::Untyped)];
    let others = others.map(|(title, program)| (title.to_owned(), Way::new(program, Verb::Run)));
    for (title, way) in verbs.into_iter().chain(others) {
        eprintln!("calls-costs, {way}");
        let bare = valgrind::cost(Way::new(Program::Bare, way.verb), &server.base)?;
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
