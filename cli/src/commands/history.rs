//! `cargo fal history`

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;
use fal_documents::text::printable;
use fal_jobs::{Filter, Record, State};
use futures_util::{StreamExt, TryStreamExt};

use super::jobs::{age, since, state, to_json};
use crate::context::Context;
use crate::error::Error;
use crate::job_key::short;
use crate::online::{block_on, journal};

/// List the jobs of the journal, the newest first
///
/// With --json, prints an array of jobs, without their inputs and outputs.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Most jobs to list. 0 lists all
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// State of the jobs. Can be repeated. Default: all
    #[arg(long, value_name = "STATE", value_parser = PossibleValuesParser::new(State::ALL.map(State::as_str)))]
    state: Vec<String>,
    /// Endpoint of the jobs. Default: all
    #[arg(long, value_name = "ID")]
    endpoint: Option<String>,
    /// Greatest age, such as 90m, 24h or 7d. A finished job counts from its end. Default: none
    #[arg(long, value_name = "TIME", value_parser = duration)]
    since: Option<Duration>,
}

const EXAMPLES: &str = "\
Examples:
  cargo fal history --since 24h
  cargo fal history --state failed --state uncertain
  cargo fal history --limit 0 --json";

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "expected a number with a unit, such as 90m, 24h or 7d".to_owned())
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    block_on(history(arguments, context))
}

async fn history(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let terminal = &context.terminal;
    let journal = journal(&context.settings).await?;
    let states = arguments.state.iter().filter_map(|name| State::from_name(name));
    let mut filter = states.fold(Filter::new().newest_first(), Filter::state);
    if let Some(endpoint) = &arguments.endpoint {
        filter = filter.endpoint(endpoint);
    }
    if let Some(age) = arguments.since {
        filter = filter.newer_than(age);
    }
    let limit = if arguments.limit == 0 { usize::MAX } else { arguments.limit };
    let jobs = journal.list(filter).take(limit);
    if terminal.json {
        let jobs: Vec<_> = jobs.map_ok(|job| to_json(&job)).try_collect().await?;
        terminal.print_json(&jobs)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = jobs.map_ok(|job| row(&job)).try_collect().await?;
    match rows.is_empty() {
        true => terminal.note("no job of the journal matches"),
        false => terminal.print(terminal.table_that_wraps(&HEADER, &[0, 1], rows))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The columns, of which only the key and the endpoint wrap.
const HEADER: [&str; 6] = ["JOB", "ENDPOINT", "STATE", "AGE", "COST", "FILES"];

fn row(job: &Record) -> Vec<String> {
    let cost = match job.cost() {
        Some(cost) if job.is_cost_estimated() => format!("~{cost}"),
        Some(cost) => cost.to_string(),
        None => "-".to_owned(),
    };
    let files = match job.files().len() {
        0 => "-".to_owned(),
        files => files.to_string(),
    };
    vec![
        short(&job.key).into_owned(),
        printable(&job.endpoint, 200),
        state(job).to_owned(),
        age(since(job.finished_at.unwrap_or(job.created_at))),
        cost,
        files,
    ]
}
