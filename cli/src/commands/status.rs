//! `cargo fal status`

use std::process::ExitCode;

use clap::Args;
use fal_client::{Client, QueueUpdate};
use fal_documents::text::printable;
use fal_jobs::{Candidate, Journal, Record, State};
use serde_json::{Value, json};

use super::jobs::{Named, OfEndpoint, age, described, minutes_until_listed, since, state, to_json};
use crate::context::Context;
use crate::error::Error;
use crate::job_key::short;
use crate::online::{block_on, client, journal};

/// The longest message, in characters.
const MAX_TEXT: usize = 2_000;

/// Print the state of a job
///
/// If it is unknown whether fal has accepted the job, this looks for its request, and says how to continue.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Key of the job or its beginning, request id, or `last`
    #[arg(value_name = "KEY")]
    name: String,
    /// Print the log lines of the model
    #[arg(long)]
    logs: bool,
    #[command(flatten)]
    endpoint: OfEndpoint,
}

const EXAMPLES: &str = "\
Examples:
  cargo fal status last
  cargo fal status 1f2e3d4c --logs
  cargo fal status 764cabcf-b745-4b3e-ae38-1200304cf45b --endpoint fal-ai/flux/dev";

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    block_on(status(arguments, context))
}

async fn status(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let terminal = &context.terminal;
    let journal = journal(&context.settings).await?;
    let job = match arguments.endpoint.find(&journal, &arguments.name).await? {
        Named::Job(job) => *job,
        Named::Request { endpoint, request_id } => {
            let update = client()?.endpoint(endpoint.as_str()).status(request_id.as_str()).logs(arguments.logs).await?;
            if terminal.json {
                terminal.print_json(&json!({ "endpoint": endpoint, "request_id": request_id, "queue": update }))?;
            } else {
                let endpoint = printable(&endpoint, MAX_TEXT);
                let mut lines = vec![format!("endpoint: {endpoint}"), format!("state: {}", described(&update))];
                lines.extend(logs(&update));
                terminal.print(lines.join("\n"))?;
            }
            return Ok(ExitCode::SUCCESS);
        }
    };
    let queue = match (&job.request_id, job.state) {
        (Some(id), State::Submitted) => {
            Some(client()?.endpoint(job.endpoint.as_str()).status(id.as_str()).logs(arguments.logs).await?)
        }
        _ => None,
    };
    let candidates = match job.state {
        State::Uncertain => Some(find_requests(&journal, &client()?, &job).await),
        _ => None,
    };
    if terminal.json {
        let mut json = to_json(&job);
        json["queue"] = queue.map_or(Ok(Value::Null), serde_json::to_value).unwrap_or_default();
        json["candidates"] = match &candidates {
            Some(Ok(found)) => found.iter().map(candidate).collect(),
            _ => Value::Null,
        };
        terminal.print_json(&json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut lines = facts(&job, queue.as_ref());
    lines.extend(queue.iter().flat_map(logs));
    terminal.print(lines.join("\n"))?;
    let next = match candidates {
        Some(candidates) => explanation(&job, candidates),
        None => next(&job, queue.as_ref()),
    };
    next.into_iter().for_each(|line| terminal.note(line));
    Ok(ExitCode::SUCCESS)
}

fn facts(job: &Record, queue: Option<&QueueUpdate>) -> Vec<String> {
    let line = |label: &str, value: &str| format!("{label}: {value}");
    let state = queue.map_or_else(|| state(job).to_owned(), |queue| format!("{}, {}", state(job), described(queue)));
    let ago = |time: i64| match age(since(time)) {
        now if now == "now" => now,
        age => format!("{age} ago"),
    };
    let mut lines = vec![line("job", &short(&job.key)), line("endpoint", &printable(&job.endpoint, MAX_TEXT))];
    lines.push(line("state", &state));
    lines.extend(job.failure().map(|failure| line("error", &printable(&failure.message, MAX_TEXT))));
    lines.extend(job.request_id.iter().map(|id| line("request", &printable(id, MAX_TEXT))));
    lines.extend(job.submitted_at.map(|time| line("submitted", &ago(time))));
    lines.extend(job.finished_at.map(|time| line("finished", &ago(time))));
    lines.extend(job.cost().map(|cost| line("cost", &cost.to_string())));
    let files = job.files().len();
    lines.extend((files > 0).then(|| line("saved files", &files.to_string())));
    lines
}

fn logs(update: &QueueUpdate) -> Vec<String> {
    update.logs().iter().map(|line| format!("log: {}", printable(line.message.trim_end(), MAX_TEXT))).collect()
}

/// Says how to continue.
fn next(job: &Record, queue: Option<&QueueUpdate>) -> Vec<String> {
    let key = short(&job.key);
    let line = match job.state {
        State::Waiting => "the job was not sent; to send it, run the same command again".to_owned(),
        State::Submitted if queue.is_some_and(QueueUpdate::is_completed) => {
            format!("to get the result, use `cargo fal result {key}`")
        }
        State::Submitted => format!("to follow it, use `cargo fal watch {key}`"),
        State::Completed => format!("to print its outputs and save its files, use `cargo fal result {key}`"),
        _ => return Vec::new(),
    };
    vec![line]
}

/// Looks for the request of an uncertain job.
async fn find_requests(journal: &Journal, client: &Client, job: &Record) -> Result<Vec<Candidate>, Error> {
    Ok(journal.find_requests(client, &job.key).await?)
}

/// Says how to decide about an uncertain job.
fn explanation(job: &Record, candidates: Result<Vec<Candidate>, Error>) -> Vec<String> {
    let key = short(&job.key);
    let mut lines =
        vec!["the connection was lost while the job was being sent, so fal may have accepted it".to_owned()];
    match candidates {
        Err(error) => {
            lines.push(format!("its request cannot be looked for: {error}"));
            lines.push("look at https://fal.ai/dashboard/requests instead".to_owned());
            lines.push(format!("- if it is there, follow it: cargo fal watch {key} --adopt REQUEST_ID"));
            lines.push(format!("- if it is not there, send it again: cargo fal watch {key} --permit"));
        }
        Ok(found) if found.is_empty() => match minutes_until_listed(job) {
            None => {
                lines.push("fal does not list a request of it".to_owned());
                lines.push(format!("- to send it again, use `cargo fal watch {key} --permit`"));
            }
            Some(minutes) => {
                lines.push(format!("fal does not list a request of it yet; look again in {minutes} min"));
                lines.push(format!("- if it is still not there then, send it again: cargo fal watch {key} --permit"));
            }
        },
        Ok(found) => {
            for candidate in found {
                let input =
                    if candidate.is_equal { "has the same input" } else { "has an input that fal did not store" };
                let id = printable(&candidate.request.request_id, MAX_TEXT);
                lines.push(format!("- request {id} {input}; to follow it, use `cargo fal watch {key} --adopt {id}`"));
            }
        }
    }
    lines
}

fn candidate(candidate: &Candidate) -> Value {
    json!({ "request_id": candidate.request.request_id, "is_equal": candidate.is_equal })
}
