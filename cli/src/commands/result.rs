//! `cargo fal result`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use fal_client::Client;
use fal_jobs::{Record, State};

use super::jobs::{Named, OfEndpoint, described};
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::job_key::short;
use crate::online::{block_on, client, downloads, journal};
use crate::outcome::Outcome;

/// Print the result of a job, and save its files
///
/// Nothing is sent again. Files that are in the folder already are kept.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Key of the job or its beginning, request id, or `last`
    #[arg(value_name = "KEY")]
    name: String,
    /// Output folder for downloaded files. Default: the setting `downloads`, which is fal-output unless set
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Show no images in the terminal
    #[arg(long)]
    no_preview: bool,
    #[command(flatten)]
    endpoint: OfEndpoint,
}

const EXAMPLES: &str = "\
Examples:
  cargo fal result last
  cargo fal result 1f2e3d4c --out foxes
  cargo fal result 764cabcf-b745-4b3e-ae38-1200304cf45b --endpoint fal-ai/flux/dev --json";

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    block_on(result(arguments, context))
}

async fn result(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let folder = arguments.out.as_deref().unwrap_or(&context.settings.downloads);
    let (journal, client) = (journal(&context.settings).await?, client()?);
    let outcome = match arguments.endpoint.find(&journal, &arguments.name).await? {
        Named::Request { endpoint, request_id } => {
            let response = client.endpoint(endpoint.as_str()).result(request_id).await?;
            Outcome::of_response(&client, response, folder).await?
        }
        Named::Job(job) => {
            check_finished(&client, &job).await?;
            let job = journal.resume(&client, &job.key).download_to(downloads(folder)).await?;
            Outcome::of(&job, folder)?
        }
    };
    outcome.print(context, !arguments.no_preview)?;
    Ok(ExitCode::SUCCESS)
}

/// Checks that the outcome of a job is there, so that nothing is sent and nothing is awaited.
///
/// # Errors
///
/// The job is not finished.
async fn check_finished(client: &Client, job: &Record) -> Result<(), Error> {
    let key = short(&job.key);
    let state = match (&job.request_id, job.state) {
        (_, State::Completed | State::Failed) => return Ok(()),
        (Some(id), State::Submitted) => {
            let update = client.endpoint(job.endpoint.as_str()).status(id.as_str()).await?;
            if update.is_completed() {
                return Ok(());
            }
            described(&update)
        }
        (_, State::Uncertain) => {
            let message = format!("it is unknown whether fal has accepted the job `{key}`");
            return Err(Error::new(Exit::Unfinished, message).help(format!("find out with `cargo fal status {key}`")));
        }
        (_, state) => state.to_string(),
    };
    let message = format!("the job `{key}` is not finished: {state}");
    Err(Error::new(Exit::Unfinished, message).help(format!("follow it with `cargo fal watch {key}`")))
}
