//! Messages a second of output streams and realtime connections, compared with bare reqwest and bare tokio-tungstenite.
//!
//! `cargo bench --features realtime --bench live` prints the tables. The server and each measurement run in separate
//! processes. The measurements take turns, and the medians count. A ratio is the median of the ratios of the rounds,
//! because the measurements of a round run under about the same load.
//!
//! `--measure ENDPOINT NAME ADDRESS` does one measurement against a server that `--serve` has started, for valgrind.

mod bare;
mod client;
mod messages;
mod server;

use std::collections::BTreeMap;
use std::error::Error;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use messages::Kind;

type Failure = Box<dyn Error + Send + Sync>;

const ROUNDS: usize = 5;

/// The measurements of a kind. "Bare" ones come first: the others are compared with them.
const EVENTS: [&str; 4] = ["bare", "bare, to a `Value`", "stream", "stream of `Value`"];
const FRAMES: [&str; 2] = ["bare", "realtime"];

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    // One thread, so that a rate is that of a processor.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--serve"] => runtime.block_on(server::serve()),
        ["--measure", endpoint, name, address] => runtime.block_on(measure(endpoint, name, address)),
        [] => runtime.block_on(compare(ROUNDS)),
        [rounds] => runtime.block_on(compare(rounds.parse()?)),
        _ => Err("expected no argument, or the number of rounds".into()),
    }
}

/// Runs one measurement, and prints the messages a second.
async fn measure(endpoint: &str, name: &str, address: &str) -> Result<(), Failure> {
    let kind = Kind::of(endpoint).ok_or("unknown endpoint")?;
    let seconds = match name.starts_with("bare") {
        true => bare::measure(kind, name, address).await?,
        false => client::measure(kind, name, address).await?,
    };
    println!("{}", kind.count() as f64 / seconds);
    Ok(())
}

async fn compare(rounds: usize) -> Result<(), Failure> {
    let this = std::env::current_exe()?;
    let mut server = Command::new(&this).arg("--serve").kill_on_drop(true).stdout(Stdio::piped()).spawn()?;
    let output = server.stdout.take().ok_or("the server has no output")?;
    let address = BufReader::new(output).lines().next_line().await?.ok_or("the server did not start")?;

    let mut rates: BTreeMap<(Kind, usize), Vec<f64>> = BTreeMap::new();
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for kind in Kind::ALL {
            for (index, name) in names(kind).iter().enumerate() {
                let mut measurement = Command::new(&this);
                measurement.args(["--measure", kind.endpoint(), name, &address]);
                let done = measurement.stderr(Stdio::inherit()).output().await?;
                let rate = String::from_utf8(done.stdout)?.trim().parse().map_err(|_| "a measurement failed")?;
                rates.entry((kind, index)).or_default().push(rate);
            }
        }
    }
    for kind in Kind::ALL {
        println!("<!-- {} -->", kind.marker());
        println!("| {} | messages a second | ratio |\n| --- | ---: | ---: |", kind.title());
        for (index, name) in names(kind).iter().enumerate() {
            let own = &rates[&(kind, index)];
            let bare = &rates[&(kind, bare_of(name))];
            let ratios = own.iter().zip(bare).map(|(own, bare)| own / bare).collect();
            println!("| {name} | {:.0} | {:.2} |", median(own.clone()), median(ratios));
        }
        println!("<!-- /{} -->\n", kind.marker());
    }
    Ok(())
}

fn names(kind: Kind) -> &'static [&'static str] {
    if kind.is_events() { &EVENTS } else { &FRAMES }
}

/// Returns the index of the measurement that another is compared with.
fn bare_of(name: &str) -> usize {
    usize::from(name.ends_with("`Value`"))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
