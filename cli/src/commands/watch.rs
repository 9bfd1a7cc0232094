//! `cargo fal watch`

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use fal_client::Client;
use fal_jobs::{Filter, Journal, OnUncertain, Record, State};
use futures_util::TryStreamExt;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use indicatif::MultiProgress;
use serde_json::json;

use super::jobs::{Named, OfEndpoint, minutes_until_listed};
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::job_key::short;
use crate::online::budget::{self, Spending};
use crate::online::{Progress, Signals, block_on, client, downloads, journal, left, release};
use crate::outcome::Outcome;

/// The most jobs that are followed in parallel.
const CONCURRENCY: usize = 10;

/// Follow jobs to their ends, and save the files of their outputs
///
/// Sends jobs that wait, and follows the others. Ctrl-C leaves the jobs, which continue. With --json, prints the outcome of one
/// job as an object, and the outcomes of several as an object on each line.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Keys of the jobs or their beginnings, request ids, or `last`. Default: all unfinished jobs
    #[arg(value_name = "KEY")]
    names: Vec<String>,
    /// Output folder for downloaded files. Default: the setting `downloads`, which is fal-output unless set
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the log lines of the model
    #[arg(long)]
    logs: bool,
    /// Time limit, such as 90s or 10m. The jobs continue after it. Default: none
    #[arg(long, value_name = "TIME", value_parser = duration)]
    timeout: Option<Duration>,
    /// Follow this request as that of the job. For a job that may or may not have been accepted
    #[arg(long, value_name = "REQUEST_ID", requires = "names", conflicts_with = "permit")]
    adopt: Option<String>,
    /// Send a job again that may or may not have been accepted. If it was, fal bills both
    #[arg(long, requires = "names")]
    permit: bool,
    /// With --permit: do not wait until fal lists all requests, and do not ask
    #[arg(long, requires = "permit")]
    yes: bool,
    /// Show no images in the terminal
    #[arg(long)]
    no_preview: bool,
    #[command(flatten)]
    endpoint: OfEndpoint,
}

const EXAMPLES: &str = "\
Examples:
  cargo fal watch
  cargo fal watch last --logs
  cargo fal watch 1f2e3d4c --adopt 764cabcf-b745-4b3e-ae38-1200304cf45b";

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "expected a number with a unit, such as 90s or 10m".to_owned())
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    block_on(watch(arguments, context))
}

async fn watch(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let (journal, client) = (journal(&context.settings).await?, client()?);
    let jobs = chosen(arguments, &journal).await?;
    if jobs.is_empty() {
        context.terminal.note("the journal has no unfinished jobs");
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.adopt.is_some() || arguments.permit {
        let [Named::Job(job)] = &jobs[..] else {
            return Err(Error::new(Exit::Usage, "--adopt and --permit are for one job of the journal"));
        };
        decide(arguments, context, &journal, &client, job).await?;
    }
    let budgets = budgets(arguments, context, &client, &jobs).await;
    let mut signals = Signals::new()?;
    let keys: Vec<String> = jobs.iter().map(name).collect();
    let watch = Watch { arguments, journal: &journal, client: &client, budgets: &budgets };
    let following = watch.follow_all(context, jobs);
    tokio::select! {
        followed = following => followed,
        _ = signals.next() => {
            let error = match &keys[..] {
                [key] => left(&journal, key).await,
                _ => {
                    let error = Error::new(Exit::Interrupted, "interrupted; the jobs continue");
                    error.help("follow them with `cargo fal watch`")
                }
            };
            join_all(budgets.values().flatten().map(|spending| release(&spending.journal))).await;
            release(&journal).await;
            Err(error)
        }
    }
}

/// Returns the jobs of the command line, or else all unfinished ones.
async fn chosen(arguments: &Arguments, journal: &Journal) -> Result<Vec<Named>, Error> {
    let (mut jobs, mut seen) = (Vec::new(), HashSet::new());
    for given in &arguments.names {
        let job = arguments.endpoint.find(journal, given).await?;
        // A job may have several names.
        if seen.insert(name(&job)) {
            jobs.push(job);
        }
    }
    if arguments.names.is_empty() {
        let states = State::ALL.into_iter().filter(|state| !state.is_final());
        let unfinished = journal.list(states.fold(Filter::new(), Filter::state));
        jobs = unfinished.map_ok(|job| Named::Job(Box::new(job))).try_collect().await?;
    }
    Ok(jobs)
}

fn name(job: &Named) -> String {
    match job {
        Named::Job(job) => job.key.clone(),
        Named::Request { request_id, .. } => request_id.clone(),
    }
}

/// Adopts a request, or permits another submission.
async fn decide(
    arguments: &Arguments,
    context: &Context,
    journal: &Journal,
    client: &Client,
    job: &Record,
) -> Result<(), Error> {
    let key = short(&job.key);
    if let Some(request_id) = &arguments.adopt {
        // fal must know it as a request of the endpoint.
        client.endpoint(job.endpoint.as_str()).status(request_id.as_str()).await.map_err(|error| {
            match error.is_not_found() {
                true => Error::new(
                    Exit::NotFound,
                    format!("fal does not know the request `{request_id}` of the endpoint `{}`", job.endpoint),
                ),
                false => error.into(),
            }
        })?;
        journal.adopt(&job.key, request_id).await?;
        return Ok(());
    }
    if job.state == State::Uncertain && !arguments.yes {
        let found = journal.find_requests(client, &job.key).await.unwrap_or_default();
        if let Some(candidate) = found.first() {
            let id = &candidate.request.request_id;
            let error =
                Error::new(Exit::Unfinished, format!("fal lists the request `{id}`, which may be that of `{key}`"));
            return Err(error.help(format!(
                "follow it with `cargo fal watch {key} --adopt {id}`, or send another one with --permit --yes"
            )));
        }
        let question = format!("fal may list a request of `{key}` later, and bill both. Send it again?");
        if let Some(minutes) = minutes_until_listed(job)
            && !context.terminal.confirm(&question)
        {
            let error = Error::new(Exit::Unfinished, format!("fal may still list a request of `{key}`"));
            return Err(error.help(format!("try again in {minutes} min, or add --yes to risk that both are billed")));
        }
    }
    journal.permit(&job.key).await?;
    Ok(())
}

/// The budgets of jobs that are to be sent, by their endpoints. An error is that of each job of the endpoint.
type Budgets = HashMap<String, Result<Spending, Error>>;

/// Returns the budgets of jobs that are to be sent, if the project has a limit.
async fn budgets(arguments: &Arguments, context: &Context, client: &Client, jobs: &[Named]) -> Budgets {
    let mut budgets = Budgets::new();
    for job in jobs {
        if let Named::Job(job) = job
            && context.settings.budget.is_some()
            && (job.state == State::Waiting || arguments.permit)
            && !budgets.contains_key(&job.endpoint)
        {
            let opened = budget::open(&context.settings, client, &job.endpoint, None).await;
            budgets.insert(job.endpoint.clone(), opened);
        }
    }
    budgets
}

/// The work of following jobs.
struct Watch<'a> {
    arguments: &'a Arguments,
    journal: &'a Journal,
    client: &'a Client,
    budgets: &'a Budgets,
}

impl Watch<'_> {
    /// Follows jobs in parallel, and prints each outcome when it is there.
    async fn follow_all(&self, context: &Context, jobs: Vec<Named>) -> Result<ExitCode, Error> {
        let arguments = self.arguments;
        let terminal = &context.terminal;
        let folder = arguments.out.as_deref().unwrap_or(&context.settings.downloads);
        let is_one = jobs.len() == 1 && arguments.names.len() == 1;
        let lines = MultiProgress::new();
        let followed = jobs.into_iter().map(|job| {
            let progress = match is_one {
                true => Progress::new(terminal),
                false => Progress::among(&lines, terminal, &short(&name(&job))),
            };
            async move {
                progress.stage("Waiting");
                let outcome = self.follow(&job, folder, &progress).await;
                progress.finish();
                (job, outcome)
            }
        });
        let mut followed = stream::iter(followed).buffer_unordered(CONCURRENCY);
        let mut failed = None;
        while let Some((job, outcome)) = followed.next().await {
            match outcome {
                Ok(outcome) if is_one => outcome.print(context, !arguments.no_preview)?,
                Ok(outcome) if terminal.json => terminal.print(outcome.to_json())?,
                Ok(outcome) => lines.suspend(|| {
                    outcome.print(context, !arguments.no_preview)?;
                    terminal.print("")
                })?,
                Err(error) if is_one => return Err(error),
                // The other jobs are followed nevertheless.
                Err(error) => {
                    match terminal.json {
                        true => terminal.print(json!({ "key": name(&job), "error": error.to_json()["error"] }))?,
                        false => lines.suspend(|| terminal.note(&error)),
                    }
                    failed = Some(error);
                }
            }
        }
        match failed {
            Some(error) => Ok(error.exit.into()),
            None => Ok(ExitCode::SUCCESS),
        }
    }

    async fn follow(&self, job: &Named, folder: &Path, progress: &Progress) -> Result<Outcome, Error> {
        let Watch { arguments, client, .. } = *self;
        let updated = progress.clone();
        match job {
            Named::Job(job) => {
                let is_sent = matches!(job.state, State::Submitted | State::Completed);
                let spending = match self.budgets.get(&job.endpoint).filter(|_| !is_sent) {
                    Some(Err(error)) => return Err(error.clone()),
                    Some(Ok(spending)) => Some(spending),
                    None => None,
                };
                let journal = spending.map_or(self.journal, |spending| &spending.journal);
                let call = journal.resume(client, &job.key).on_update(move |update| updated.update(&update));
                let call = call.on_uncertain(OnUncertain::Resolve { permit_after: None });
                let mut call = call.logs(arguments.logs).download_to(downloads(folder));
                if let Some(timeout) = arguments.timeout {
                    call = call.timeout(timeout);
                }
                if let Some(budget) = spending.and_then(|spending| spending.budget.as_ref()) {
                    call = call.budget(budget);
                }
                match (call.await, spending) {
                    (Ok(job), _) => Outcome::of(&job, folder),
                    (Err(error), Some(spending)) => Err(spending.error(error).await),
                    (Err(error), None) => Err(error.into()),
                }
            }
            Named::Request { endpoint, request_id } => {
                let endpoint = client.endpoint(endpoint.as_str());
                let mut wait = endpoint.wait(request_id.as_str()).logs(arguments.logs);
                if let Some(timeout) = arguments.timeout {
                    wait = wait.timeout(timeout);
                }
                let response = wait.on_update(move |update| updated.update(&update)).await?;
                Outcome::of_response(client, response, folder).await
            }
        }
    }
}
