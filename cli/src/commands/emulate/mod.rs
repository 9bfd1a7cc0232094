//! `cargo fal emulate`

mod command;
mod environment;
mod failure;
mod log;
mod money;
mod signals;
mod summary;

use std::ffi::OsString;
use std::fs;
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use fal_emulator::{Decimal, Emulator, Pace};
use serde_json::{Map, Value, json};

use self::environment::{Environment, EnvironmentFile, Via};
use self::failure::Failure;
use self::log::Log;
use self::money::{EndpointPrice, dollars};
use self::summary::{Earlier, Summary, Tally};
use crate::commands::folders::count;
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::online::{Signals, block_on};
use crate::terminal::Terminal;

/// The port without a command, so that its variables stay valid.
const PORT: u16 = 8787;

/// Run a local emulator of fal, which needs neither a key nor the internet
///
/// With COMMAND, it runs the command in an environment that leads to the emulator, passes its exit code on, and prints a summary.
/// Without, it prints the variables to set, and runs until Ctrl-C.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Port on the loopback interface. 0 chooses a free port. Default: 8787, or a free port with COMMAND
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Folder of the documents to serve, which `cargo fal add` fills. Can be repeated. Default: the endpoints that fal-client ships
    #[arg(long, value_name = "DIR")]
    schemas: Vec<PathBuf>,
    /// Name, in addition to loopback names, under which the emulator may be called. Can be repeated
    #[arg(long, value_name = "HOST", value_parser = host_name)]
    allow_host: Vec<String>,
    /// The only key that is accepted. Default: any key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Time that each job waits in the queue, such as 30s or 2m. Default: 450ms
    #[arg(long, value_name = "TIME", value_parser = duration)]
    waiting: Option<Duration>,
    /// Time that each job runs, such as 30s or 2m. Default: 600ms
    #[arg(long, value_name = "TIME", value_parser = duration)]
    running: Option<Duration>,
    /// Time before each response, such as 80ms, as over a slow network. Default: none
    #[arg(long, value_name = "TIME", value_parser = duration)]
    latency: Option<Duration>,
    /// Seed of what the emulator chooses: outputs, and the failures of a share of requests. The same seed and the same requests give
    /// the same outputs. Default: 0
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Number of jobs that run at a time. Others wait in the queue. Default: no limit
    #[arg(long, value_name = "N")]
    concurrency: Option<usize>,
    /// Make submissions, direct runs and streams fail. Can be repeated
    ///
    /// FAILURE is an HTTP status (400 to 599) or one of these: rate-limit, content-policy, drop (the connection closes),
    /// accepted-drop (the request is accepted and billed, and the connection closes without its response), locked (the account has no balance), no-permission (of the key). With 422, 500 and content-policy, the request is
    /// accepted and its job fails.
    ///
    /// WHICH is a number of requests (3), a single one (@3) or a share (10%), which --seed decides about. Submissions, direct runs and
    /// streams are counted apart. Default: all.
    ///
    /// Examples: 500, 3x503, @2xdrop, 10%x503, fal-ai/flux/dev/redux=content-policy
    #[arg(long, value_name = "[ENDPOINT=][WHICHx]FAILURE")]
    fail: Vec<Failure>,
    /// Price of an endpoint, or of all endpoints that have no other. Can be repeated. Default: jobs cost nothing
    ///
    /// A job is billed one unit, or the number of images that its input requests.
    ///
    /// Examples: 0.01/unit, fal-ai/flux/dev/redux=0.025/image
    #[arg(long, value_name = "[ENDPOINT=]USD/UNIT")]
    price: Vec<EndpointPrice>,
    /// Balance of the account. When it is used up, the account is locked, as fal does. Default: never locked
    #[arg(long, value_name = "USD", value_parser = dollars)]
    balance: Option<Decimal>,
    /// File that keeps jobs and files, so that they survive a restart. It is created if it is missing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["record", "replay"])]
    state: Option<PathBuf>,
    /// Forward requests to the real fal, which bills them, and keep them in this folder. Needs FAL_KEY
    ///
    /// The records have neither keys nor signatures.
    #[arg(long, value_name = "DIR", conflicts_with = "replay")]
    record: Option<PathBuf>,
    /// Base URL of another emulator that plays the real fal for --record
    #[arg(long, value_name = "URL", requires = "record")]
    upstream: Option<String>,
    /// Serve the records of this folder. Records that are not used, and requests without a record, are a failure
    #[arg(long, value_name = "DIR")]
    replay: Option<PathBuf>,
    /// Use https in base URLs, with a certificate of the emulator's own authority
    #[arg(long)]
    tls: bool,
    /// Pass requests to other hosts than fal's on. Default: they are refused, and named in the summary
    #[arg(long)]
    allow_network: bool,
    /// Way on which clients reach the emulator: `proxy` is for any client, `hosts` for fal-client for Rust. Default: proxy, but
    /// hosts on stdout
    #[arg(long, value_name = "WAY", value_enum, hide_possible_values = true)]
    via: Option<Via>,
    /// File of the variables, written once the emulator listens and removed at its end
    ///
    /// Each line is NAME=value without quotes, for `.`, `docker --env-file` and $GITHUB_ENV. A program that finds the file can
    /// send requests.
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// File of the log of requests. It is replaced. Default: stderr, or none with COMMAND
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// With COMMAND, log requests on stderr
    #[arg(long, short, conflicts_with = "log")]
    verbose: bool,
    /// File of the summary as JSON. It is replaced
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
    /// Command to run, with its arguments
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  cargo fal emulate
  cargo fal emulate -- pytest
  cargo fal emulate --fail 2x503 --price 0.025/image -- node --test
  cargo fal emulate --via hosts -- cargo test
  cargo fal emulate --env-file fal.env

Exit codes with COMMAND:
  that of the command
  128 and the number of the signal that ended it
  126  the command cannot be executed
  127  no such command";

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    block_on(serve(arguments, context))
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "expected a number with a unit, such as 30s or 2m".to_owned())
}

async fn serve(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let terminal = &context.terminal;
    let log = Log::new(arguments.log.as_deref(), arguments.verbose || arguments.command.is_empty(), terminal)?;
    arguments.env_file.as_deref().map_or(Ok(()), EnvironmentFile::prepare)?;
    // Before the file exists, which a signal removes.
    let signals = arguments.command.is_empty().then(Signals::new).transpose()?;
    let tally = Tally::default();
    let emulator = start(arguments, log, &tally).await?;
    let earlier = Earlier::new(&emulator);
    emulator.hints().for_each(|hint| terminal.note(hint));
    let priced = arguments.price.iter().try_for_each(|price| price.check(&emulator));
    let injected = priced.and_then(|()| arguments.fail.iter().try_for_each(|failure| failure.inject(&emulator)));
    injected.map_err(|error| Error::new(Exit::Usage, error))?;
    let certificates = tempfile::Builder::new().prefix("fal-emulator-").tempdir();
    let certificates = certificates.map_err(|error| Error::io("create a folder in", &std::env::temp_dir(), &error))?;
    let environment = |via| Environment::new(via, &emulator, certificates.path());
    // Both write the certificates. A program that finds the file of the variables already reads them.
    let (hosts, proxy) = (environment(Via::Hosts)?, environment(Via::Proxy)?);
    let chosen = if arguments.via == Some(Via::Hosts) { &hosts } else { &proxy };
    let write = |path| EnvironmentFile::write(path, chosen);
    let _file = arguments.env_file.as_deref().map(write).transpose()?;
    let exit_code = match signals {
        Some(mut signals) => {
            print(&emulator, arguments.via, &hosts, &proxy, terminal)?;
            signals.next().await;
            None
        }
        None => Some(command::run(&arguments.command, chosen).await?),
    };
    let is_priced = |endpoint: &str| arguments.price.iter().any(|price| price.is_of(endpoint));
    let summary = Summary::new(&tally, &emulator, is_priced, exit_code, &earlier);
    // The state file is a single file afterwards, which can be copied.
    emulator.shutdown().await;
    finish(&summary, arguments.summary.as_deref(), exit_code, terminal)
}

async fn start(arguments: &Arguments, log: Log, tally: &Tally) -> Result<Emulator, Error> {
    let (requests, jobs) = (tally.clone(), tally.clone());
    let port = arguments.port.unwrap_or(if arguments.command.is_empty() { PORT } else { 0 });
    let mut builder = Emulator::builder()
        .port(port)
        .allow_hosts(&arguments.allow_host)
        .on_request(move |request| {
            requests.request(request);
            log.request(request);
        })
        .on_job(move |job| jobs.job(job));
    if let Some(folder) = &arguments.record {
        builder = builder.record(folder).record_key(key_of_fal()?);
    }
    if let Some(file) = &arguments.state {
        builder = builder.state(file);
    }
    if let Some(url) = &arguments.upstream {
        builder = builder.upstream(url);
    }
    if let Some(folder) = &arguments.replay {
        builder = builder.replay(folder);
    }
    if arguments.tls {
        builder = builder.tls();
    }
    if arguments.allow_network {
        builder = builder.allow_network();
    }
    builder = arguments.schemas.iter().fold(builder, |builder, folder| builder.schemas(folder));
    if let Some(key) = &arguments.key {
        builder = builder.key(key);
    }
    let mut pace = Pace::default();
    if let Some(waiting) = arguments.waiting {
        pace = pace.waiting(waiting);
    }
    if let Some(running) = arguments.running {
        pace = pace.running(running);
    }
    builder = builder.pace(pace);
    if let Some(latency) = arguments.latency {
        builder = builder.latency(latency);
    }
    if let Some(seed) = arguments.seed {
        builder = builder.seed(seed);
    }
    if let Some(jobs) = arguments.concurrency {
        builder = builder.concurrency(jobs);
    }
    builder = arguments.price.iter().fold(builder, |builder, price| price.apply(builder));
    if let Some(balance) = arguments.balance {
        builder = builder.balance(balance).lock_when_exhausted();
    }
    builder.start().await.map_err(|error| match error {
        fal_emulator::Error::Listen { port, source } => {
            let error = Error::new(Exit::Failed, format!("cannot listen on 127.0.0.1:{port}: {source}"));
            error.help("end the other `cargo fal emulate`, or take a free port with `--port 0`")
        }
        fal_emulator::Error::Documents(_) => Error::new(Exit::Failed, error.to_string())
            .help("`cargo fal add ENDPOINT` fetches the document of an endpoint into the folder `schemas`"),
        fal_emulator::Error::Client(error) => Error::new(Exit::Usage, format!("--key: {error}")),
        error => Error::new(Exit::Failed, error.to_string()),
    })
}

/// Returns the key for the real fal.
fn key_of_fal() -> Result<String, Error> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let pair = || Some(format!("{}:{}", variable("FAL_KEY_ID")?, variable("FAL_KEY_SECRET")?));
    variable("FAL_KEY").or_else(pair).ok_or_else(|| {
        let error =
            Error::new(Exit::Account, "missing API key: --record sends requests to fal, and FAL_KEY is not set");
        error.help("set FAL_KEY to a key of https://fal.ai/dashboard/keys")
    })
}

/// Prints the variables. A shell can evaluate all that is on stdout: the variables of one way, because other clients than fal-client
/// give another meaning to `FAL_RUN_HOST`.
fn print(
    emulator: &Emulator,
    via: Option<Via>,
    hosts: &Environment,
    proxy: &Environment,
    terminal: &Terminal,
) -> Result<(), Error> {
    let endpoints = emulator.endpoints().count();
    if terminal.json {
        let object = |environment: &Environment| -> Map<String, Value> {
            environment.set.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect()
        };
        return terminal.print_json(&json!({
            "url": emulator.base_url(),
            "endpoints": endpoints,
            "environment": { "hosts": object(hosts), "proxy": object(proxy) },
        }));
    }
    let chosen = if via == Some(Via::Proxy) { proxy } else { hosts };
    let clients =
        if via == Some(Via::Proxy) { "Any client, without a change" } else { "Programs with fal-client for Rust" };
    let mut lines = vec![
        format!("# {} serves {}; press Ctrl-C to stop", emulator.base_url(), count(endpoints, "endpoint")),
        "# In a browser, it shows its endpoints and requests".to_owned(),
        format!("\n# {clients}:"),
    ];
    lines.extend(chosen.exports());
    // One write, because a reader may close stdout after the lines that it needs.
    terminal.print(lines.join("\n"))?;
    if via.is_none() {
        terminal.note("\nAny other client, without a change. `--via proxy` prints these on stdout:\n");
        terminal.note(proxy.exports().join("\n"));
        terminal.note("\nOr start it with `cargo fal emulate -- COMMAND`.\n");
    }
    Ok(())
}

/// Prints the summary, and returns the exit code of the process.
fn finish(
    summary: &Summary,
    file: Option<&Path>,
    exit_code: Option<u8>,
    terminal: &Terminal,
) -> Result<ExitCode, Error> {
    let json = || json!(summary).to_string();
    match terminal.json {
        true => terminal.note(json()),
        false => terminal.note(summary.to_text()),
    }
    let written =
        file.map_or(Ok(()), |file| fs::write(file, json() + "\n").map_err(|error| Error::io("write", file, &error)));
    let checked = written.and_then(|()| summary.check_records());
    match exit_code {
        // The failure of the command says more.
        Some(code) if code != 0 => {
            let _ = checked.map_err(|error| terminal.fail(&error));
            Ok(ExitCode::from(code))
        }
        _ => checked.map(|()| ExitCode::SUCCESS),
    }
}

/// Checks that the emulator serves an endpoint.
fn served(emulator: &Emulator, endpoint: &str) -> Result<(), String> {
    if emulator.endpoints().any(|other| other == endpoint) {
        return Ok(());
    }
    let served = emulator.endpoints().next().unwrap_or_default();
    Err(format!("the emulator does not serve the endpoint `{endpoint}`: choose another, such as `{served}`"))
}

/// Reads a name or an address of `--allow-host`. Anything else, such as a URL, could never be the host of a request.
fn host_name(text: &str) -> Result<String, String> {
    let is_address = |text: &str| text.parse::<Ipv6Addr>().is_ok();
    let bracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let is_name = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    match is_name || bracketed.is_some_and(is_address) {
        true => Ok(text.to_owned()),
        false => Err("expected a host name without scheme, port or path, such as fal.internal".to_owned()),
    }
}
