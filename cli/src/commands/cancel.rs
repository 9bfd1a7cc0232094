//! `cargo fal cancel`

use std::process::ExitCode;

use clap::Args;
use fal_client::{Cancellation, Client};
use fal_jobs::{ErrorKind, FailureKind, Journal, Record, State};
use serde_json::json;

use super::jobs::{Named, OfEndpoint};
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::job_key::short;
use crate::online::{block_on, client, journal};

/// Cancel jobs
///
/// A job that waits in the queue is removed, and is not billed. fal tells the model of a running job to stop.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Keys of the jobs or their beginnings, request ids, or `last`
    #[arg(value_name = "KEY", required = true)]
    names: Vec<String>,
    #[command(flatten)]
    endpoint: OfEndpoint,
}

const EXAMPLES: &str = "\
Examples:
  cargo fal cancel last
  cargo fal cancel 1f2e3d4c 5a6b7c8d";

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    block_on(cancel(arguments, context))
}

async fn cancel(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let terminal = &context.terminal;
    let (journal, client) = (journal(&context.settings).await?, client()?);
    let mut failed: Option<Error> = None;
    let mut results = Vec::new();
    for name in &arguments.names {
        match cancel_one(&journal, &client, name, arguments).await {
            Ok((name, result)) if terminal.json => results.push(json!({ "key": name, "result": result })),
            Ok((name, result)) => terminal.print(format_args!("{}: {}", short(&name), described(result)))?,
            // The other jobs are cancelled nevertheless.
            Err(error) => {
                if let Some(earlier) = failed.replace(error) {
                    terminal.note(earlier);
                }
            }
        }
    }
    if terminal.json {
        terminal.print_json(&results)?;
    }
    failed.map_or(Ok(ExitCode::SUCCESS), Err)
}

/// Cancels a job. Returns its key and the result.
async fn cancel_one(
    journal: &Journal,
    client: &Client,
    name: &str,
    arguments: &Arguments,
) -> Result<(String, &'static str), Error> {
    let job = match arguments.endpoint.find(journal, name).await? {
        Named::Job(job) => job,
        Named::Request { endpoint, request_id } => {
            let result = match client.endpoint(endpoint.as_str()).cancel(request_id.as_str()).await? {
                Cancellation::Removed => "cancelled",
                Cancellation::AlreadyCompleted => "completed",
                Cancellation::NotFound => {
                    return Err(Error::new(Exit::NotFound, format!("fal does not know the request `{request_id}`")));
                }
                _ => "stopping",
            };
            return Ok((request_id, result));
        }
    };
    let cancelled = match journal.cancel(client, &job.key).await {
        Err(error) if error.kind() == ErrorKind::Uncertain => {
            let key = short(&job.key);
            let message =
                format!("the job `{key}` cannot be cancelled, because it is unknown whether fal has accepted it");
            return Err(Error::new(Exit::Unfinished, message).help(format!("find out with `cargo fal status {key}`")));
        }
        cancelled => cancelled?,
    };
    let cancelled = match cancelled.state {
        State::Submitted => ended(journal, client, cancelled).await?,
        _ => cancelled,
    };
    let is_cancelled = cancelled.failure().is_some_and(|failure| failure.kind == FailureKind::Cancelled);
    let may_be_billed = cancelled.failure().is_some_and(|failure| failure.may_be_billed);
    let result = match cancelled.state {
        State::Completed => "completed",
        State::Failed if is_cancelled && may_be_billed => "stopped",
        State::Failed if is_cancelled => "cancelled",
        State::Failed => "failed",
        _ => "stopping",
    };
    Ok((cancelled.key, result))
}

/// Records the outcome of a job that has ended, and returns the job. A job that still runs stays as it is.
async fn ended(journal: &Journal, client: &Client, job: Record) -> Result<Record, Error> {
    let request_id = job.request_id.as_deref().unwrap_or_default();
    if !client.endpoint(job.endpoint.as_str()).status(request_id).await?.is_completed() {
        return Ok(job);
    }
    match journal.resume(client, &job.key).await {
        Err(error) if error.kind() != ErrorKind::Failed => Err(error.into()),
        _ => Ok(journal.get(&job.key).await?.unwrap_or(job)),
    }
}

fn described(result: &str) -> String {
    match result {
        "completed" => "completed already".to_owned(),
        "failed" => "failed already".to_owned(),
        "stopped" => "cancelled while it ran, and fal may bill it".to_owned(),
        "stopping" => "running; fal tells the model to stop, and `cargo fal watch` brings the outcome".to_owned(),
        result => result.to_owned(),
    }
}
