//! `cargo fal run`

mod arguments;
mod course;
mod fields;
mod stream;

use std::fs::{self, File};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use fal_client::{Client, JsonInput};
use fal_jobs::{OnFailed, OnUncertain, Record, State};
use serde_json::json;

pub(crate) use self::arguments::{Arguments, endpoint_id, option, with_fields, with_flags};
use self::course::{Course, Stop};
pub(crate) use self::fields::PAIRS;
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::job_key::short;
use crate::online::budget::{self, MaxCost, Spending};
use crate::online::{Progress, Signals, block_on, client, downloads};
use crate::outcome::Outcome;

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    block_on(start(arguments, context))
}

async fn start(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let input = arguments.build_input()?;
    let client = client()?;
    if arguments.stream {
        return stream::run(arguments, context, &client, input).await;
    }
    let folder = arguments.out.as_deref().unwrap_or(&context.settings.downloads);
    if !arguments.detach {
        check_folder(folder)?;
    }
    let max_cost = arguments.max_cost.clone().map(MaxCost::Call);
    let spending = budget::open(&context.settings, &client, &arguments.id, max_cost.as_ref()).await?;
    if arguments.detach {
        return submit(arguments, context, &client, &spending, input).await;
    }
    // Before this, Ctrl-C ends the process: nothing was sent.
    let mut signals = Signals::new()?;
    let progress = Progress::new(&context.terminal);
    progress.stage("Preparing");
    let key = Arc::new(OnceLock::new());
    let course = Course { journal: &spending.journal, client: &client, progress: &progress, key: Arc::clone(&key) };
    let mut call = spending.journal.run(&client.endpoint(arguments.id.as_str()), input);
    call = call.on_failed(on_failed(arguments)).on_uncertain(OnUncertain::Resolve { permit_after: None });
    call = call.logs(arguments.logs).download_to(downloads(folder));
    if let Some(key) = &arguments.key {
        call = call.key(key);
    }
    if let Some(budget) = &spending.budget {
        call = call.budget(budget);
    }
    if let Some(timeout) = arguments.timeout {
        call = call.timeout(timeout);
    }
    let recorded = progress.clone();
    let call = call.on_recorded(move |job| {
        recorded.stage(if job.state == State::Submitted { "Following an earlier request" } else { "Submitting" });
        let _ = key.set(job.key.clone());
    });
    let uploading = progress.clone();
    let call = call.on_upload_progress(move |field, upload| uploading.upload(field, upload));
    let updated = progress.clone();
    let call = call.on_update(move |update| updated.update(&update));
    let finished = course.finish(&mut signals, call.into_future()).await;
    progress.finish();
    let completed = match finished {
        Ok(completed) => completed,
        Err(Stop::Signal(error)) => return Err(error),
        Err(Stop::Job(error)) => return Err(spending.error(error).await),
    };
    Outcome::of(&completed.record, folder)?.print(context, !arguments.no_preview)?;
    Ok(ExitCode::SUCCESS)
}

/// Runs a job that has failed again, because the user has decided so by running the command. A job with a key of the user is only
/// sent again if the failure is surely not billed.
fn on_failed(arguments: &Arguments) -> OnFailed {
    if arguments.key.is_some() { OnFailed::RetryUnbilled } else { OnFailed::Retry }
}

/// Submits the job, without waiting for its result.
async fn submit(
    arguments: &Arguments,
    context: &Context,
    client: &Client,
    spending: &Spending,
    input: JsonInput,
) -> Result<ExitCode, Error> {
    let mut call = spending.journal.submit(&client.endpoint(arguments.id.as_str()), input);
    call = call.on_failed(on_failed(arguments)).on_uncertain(OnUncertain::Resolve { permit_after: None });
    if let Some(key) = &arguments.key {
        call = call.key(key);
    }
    if let Some(budget) = &spending.budget {
        call = call.budget(budget);
    }
    let job: Record = match call.await {
        Ok(job) => job,
        Err(error) => return Err(spending.error(error).await),
    };
    let terminal = &context.terminal;
    if terminal.json {
        terminal.print_json(&json!({
            "key": job.key, "endpoint": job.endpoint, "state": job.state.as_str(), "request_id": job.request_id,
        }))?;
    } else {
        let request_id = job.request_id.as_deref().unwrap_or_default();
        let key = short(&job.key);
        terminal.print(format_args!("request: {}\njob: {key}", fal_documents::text::printable(request_id, 100)))?;
        terminal.note(format_args!("to follow it, use `cargo fal watch {key}`"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Checks that files can be written to a folder, or to the one that it will be created in, before anything is billed.
///
/// # Errors
///
/// They cannot.
fn check_folder(folder: &Path) -> Result<(), Error> {
    let remedy = "nothing was sent; choose another folder with --out";
    let existing = folder.ancestors().map(or_here).find(|folder| folder.exists()).unwrap_or(Path::new("."));
    if !existing.is_dir() {
        let message = format!("cannot write to `{}`: `{}` is not a folder", folder.display(), existing.display());
        return Err(Error::new(Exit::Failed, message).help(remedy));
    }
    let probe = existing.join(format!(".cargo-fal-{}.tmp", std::process::id()));
    match File::create_new(&probe) {
        Ok(_) => {
            let _ = fs::remove_file(&probe);
            Ok(())
        }
        Err(error) => Err(Error::io("write to the folder", folder, &error).help(remedy)),
    }
}

fn or_here(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}
