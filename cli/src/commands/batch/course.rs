//! The run of a batch, from its first row to its summary.

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use fal_client::{JsonInput, Media};
use fal_jobs::{ErrorKind, Filter, Item, Items, OnFailed, OnUncertain, Record, Snapshot, State, Target};
use serde_json::{Map, Value, json};

use super::jobs::{Iter, Job};
use super::progress::{ProgressLine, TICK};
use super::results::{Line, RESULTS, Results, SavedFile};
use super::rows::Problem;
use super::{Arguments, Batch, budget_name, dry_run, slug};
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::layout::plain;
use crate::online::budget::{self, MaxCost, Spending};
use crate::online::{self, Signals};

/// The most failed rows that are printed while the batch runs.
const MAX_SHOWN: u64 = 10;

/// The number of characters of a file's hash in its name.
const HASH_IN_NAME: usize = 8;

/// The longest data URI that a line of results keeps. The file is saved anyway.
const MAX_DATA_URI: usize = 1024;

/// The rows that run, by their index.
type Running = Arc<Mutex<HashMap<u64, Job>>>;

/// Runs a batch, and prints its summary.
pub(super) async fn run(batch: &Batch, arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let client = online::client()?;
    let max_cost = arguments.max_cost.clone().map(|cost| MaxCost::Shared { name: budget_name(batch), cost });
    let spending = budget::open(&context.settings, &client, &batch.endpoint, max_cost.as_ref()).await?;
    continue_earlier(batch, arguments, context, &spending).await?;

    let running: Running = Arc::default();
    let on_failed = if arguments.retry_failed { OnFailed::Retry } else { OnFailed::RetryUnbilled };
    let mut jobs = spending
        .journal
        .batch(&client.endpoint(batch.endpoint.as_str()))
        .label(&batch.label)
        .concurrency(arguments.concurrency.into())
        .on_failed(on_failed)
        .on_uncertain(OnUncertain::Resolve { permit_after: None })
        .download_to(target(&batch.out, running.clone()))
        .stop_when(tokio::signal::ctrl_c());
    if let Some(budget) = &spending.budget {
        jobs = jobs.budget(budget);
    }
    let items = jobs.run_iter(Source { jobs: batch.jobs.iter()?, running: running.clone() });
    let mut run = Run {
        results: Results::create(&batch.out)?,
        progress: ProgressLine::new(&context.terminal, batch.plan.total),
        running,
        batch,
        shown: 0,
    };
    let End { snapshot, stopped_by, is_interrupted } = run.follow(items, &spending).await?;
    run.progress.finish();
    let failed = run.results.finish()?;
    summarize(batch, &snapshot, failed.as_deref(), context, &spending).await?;
    let left = batch.plan.total.saturating_sub(snapshot.done + snapshot.failed);
    // Other processes need not wait for the lease of this one.
    spending.journal.close().await;
    match stopped_by {
        Some(error) => Err(error),
        None if is_interrupted && left > 0 => {
            let message = format!("interrupted; {left} rows are left");
            Err(Error::new(Exit::Interrupted, message).help("to continue, run the same command again"))
        }
        None if snapshot.failed > 0 => Ok(Exit::Failed.into()),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Checks `--resume`, and says what an earlier run has left.
async fn continue_earlier(
    batch: &Batch,
    arguments: &Arguments,
    context: &Context,
    spending: &Spending,
) -> Result<(), Error> {
    let earlier = spending.journal.count(Filter::new().endpoint(&batch.endpoint).label(&batch.label)).await?;
    if earlier.total() == 0 && arguments.resume {
        let message = format!("nothing to resume: the journal has no jobs of the batch `{}`", plain(&batch.label));
        return Err(Error::new(Exit::NotFound, message)
            .help("to start it, leave out `--resume`; for a batch with a label, add `--label`"));
    }
    if earlier.total() > 0 {
        let completed = earlier.of(State::Completed);
        let label = plain(&batch.label);
        context.terminal.note(format_args!("continuing the batch `{label}`: {completed} jobs are completed"));
    }
    Ok(())
}

/// The rows as items of the journal's batch.
struct Source {
    jobs: Iter,
    running: Running,
}

impl Iterator for Source {
    type Item = Result<(String, JsonInput), String>;

    fn next(&mut self) -> Option<Self::Item> {
        let job = match self.jobs.next()? {
            Ok(job) => job,
            Err(Problem { line, message }) => return Some(Err(format!("line {line}: {message}"))),
        };
        let item = (job.journal_key.clone(), job.input.clone());
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(job.row - 1, job);
        Some(Ok(item))
    }
}

/// Returns the folder of the files, whose names begin with the rows.
fn target(folder: &Path, running: Running) -> Target {
    Target::folder(folder).names(move |file, sha256| {
        let running = running.lock().unwrap_or_else(PoisonError::into_inner);
        let job = running.values().find(|job| job.journal_key == file.key);
        let stem = job.map_or_else(|| "file".to_owned(), |job| file_stem(job.row, job.key.as_deref()));
        let hash = &sha256[..HASH_IN_NAME];
        let extension = Path::new(&file.file_name).extension().and_then(|extension| extension.to_str());
        match extension.filter(|extension| extension.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
            Some(extension) => format!("{stem}-{hash}.{}", extension.to_ascii_lowercase()),
            None => format!("{stem}-{hash}"),
        }
    })
}

/// Returns the beginning of the names of a row's files: `0007-fox`.
pub(super) fn file_stem(row: u64, key: Option<&str>) -> String {
    match key.map(slug).filter(|slug| !slug.is_empty()) {
        Some(slug) => format!("{row:04}-{slug}"),
        None => format!("{row:04}"),
    }
}

/// A batch that runs.
struct Run<'a> {
    batch: &'a Batch,
    results: Results,
    progress: ProgressLine,
    running: Running,
    /// The number of failed rows that were to be printed.
    shown: u64,
}

impl Run<'_> {
    /// Follows the items to the last one, or until the second Ctrl-C.
    async fn follow(&mut self, mut items: Items<JsonInput, Value>, spending: &Spending) -> Result<End, Error> {
        let progress = items.progress();
        let mut signals = Signals::new()?;
        let (mut is_interrupted, mut ticks) = (false, tokio::time::interval(TICK));
        loop {
            tokio::select! {
                item = items.next() => match item {
                    Some(item) => self.finish(item)?,
                    None => break,
                },
                _ = ticks.tick() => {}
                _ = signals.next() => {
                    if is_interrupted {
                        break;
                    }
                    is_interrupted = true;
                    self.progress.note("no more rows are started; press Ctrl-C again to leave those that run to the next run");
                }
            }
            self.progress.update(&progress.snapshot());
        }
        let stopped_by = match items.stopped_by() {
            Some(error) => Some(spending.explain(error).await),
            None => None,
        };
        Ok(End { snapshot: progress.snapshot(), stopped_by, is_interrupted })
    }

    /// Writes the result of a row.
    fn finish(&mut self, item: Item<Value>) -> Result<(), Error> {
        let Some(job) = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&item.index) else {
            // The file has changed since it was checked.
            if let Err(error) = &item.result {
                self.show(&error.to_string());
            }
            return Ok(());
        };
        let error = match item.result {
            Ok(completed) => {
                return self.results.add(&line_of(&job, &completed.record, completed.data.clone()));
            }
            // It was not sent.
            Err(error) if error.kind() == ErrorKind::Budget => return Ok(()),
            Err(error) => error,
        };
        let state = match error.kind() {
            ErrorKind::Failed | ErrorKind::Input | ErrorKind::KeyConflict => "failed",
            ErrorKind::Uncertain => "uncertain",
            // Its files cannot be saved.
            ErrorKind::File => "completed",
            _ => "unfinished",
        };
        let text = error.to_string();
        let name = error.key().map(|key| format!("job `{}`: ", key.escape_debug())).unwrap_or_default();
        let text = text.strip_prefix(&name).unwrap_or(&text);
        let key = job.key.as_ref().map(|key| format!(" (`{key}`)")).unwrap_or_default();
        self.show(&format!("row {}{key}: {text}", job.row));
        self.results.add(&Line {
            row: job.row,
            key: job.key.clone(),
            state,
            endpoint: self.batch.endpoint.clone(),
            request_id: error.request_id().map(str::to_owned),
            job: job.journal_key,
            input: job.json.clone(),
            error: Some(text.to_owned()),
            ..Line::default()
        })?;
        if state == "failed" {
            let mut row = job.json;
            row.extend(job.key.map(|key| (self.batch.key_column.clone(), Value::String(key))));
            self.results.add_failed(&row)?;
        }
        Ok(())
    }

    /// Prints what is wrong with a row.
    fn show(&mut self, text: &str) {
        self.shown += 1;
        match self.shown {
            ..=MAX_SHOWN => self.progress.note(&plain(text)),
            _ if self.shown == MAX_SHOWN + 1 => self.progress.note("other failed rows are in the results only"),
            _ => {}
        }
    }
}

/// Returns the line of a completed row.
fn line_of(job: &Job, record: &Record, output: Value) -> Line {
    let media = output.media();
    let files = record.files().into_iter().filter_map(|saved| {
        let is_flagged = media.iter().find(|media| media.path == saved.path).and_then(|media| media.flagged);
        let (content_type, size) = (saved.content_type, saved.size);
        Some(SavedFile { file: saved.file_name?, path: saved.path, content_type, size, is_flagged })
    });
    // Local files of the recorded input are hashes.
    let mut input: Map<String, Value> = serde_json::from_str(&record.input).unwrap_or_default();
    input.extend(job.json.clone());
    Line {
        row: job.row,
        key: job.key.clone(),
        state: "completed",
        endpoint: record.endpoint.clone(),
        request_id: record.request_id.clone(),
        job: record.key.clone(),
        input,
        files: files.collect(),
        output: without_data(output),
        cost: record.cost().map(|cost| cost.amount.normalize().to_string()),
        is_cost_estimated: record.is_cost_estimated(),
        milliseconds: record.finished_at.zip(record.submitted_at).map(|(end, start)| end.saturating_sub(start)),
        error: None,
    }
}

/// Removes the bytes of long data URIs.
fn without_data(mut output: Value) -> Value {
    let mut values = vec![&mut output];
    while let Some(value) = values.pop() {
        match value {
            Value::String(text) if text.len() > MAX_DATA_URI && text.starts_with("data:") => {
                let head = text.find(',').filter(|head| *head <= MAX_DATA_URI).map_or("data:", |end| &text[..=end]);
                *text = head.to_owned();
            }
            Value::Array(items) => values.extend(items),
            Value::Object(fields) => values.extend(fields.values_mut()),
            _ => {}
        }
    }
    output
}

/// The end of a run.
struct End {
    snapshot: Snapshot,
    stopped_by: Option<Error>,
    is_interrupted: bool,
}

/// Prints the summary of a run.
async fn summarize(
    batch: &Batch,
    snapshot: &Snapshot,
    failed: Option<&Path>,
    context: &Context,
    spending: &Spending,
) -> Result<(), Error> {
    let results = batch.out.join(RESULTS);
    let left = batch.plan.total.saturating_sub(snapshot.done + snapshot.failed);
    let usage = match &spending.budget {
        Some(budget) => Some(budget.usage().await?),
        None => None,
    };
    if context.terminal.json {
        return context.terminal.print_json(&json!({
            "endpoint": batch.endpoint,
            "label": batch.label,
            "rows": batch.plan.total,
            "completed": snapshot.done,
            "failed": snapshot.failed,
            "left": left,
            "cost": spending.price.as_ref().map(|_| snapshot.spent.amount.normalize().to_string()),
            "budget": usage.map(|usage| json!({
                "spent": usage.spent.amount.normalize().to_string(),
                "reserved": usage.reserved.amount.normalize().to_string(),
                "limit": usage.limit.amount.normalize().to_string(),
            })),
            "results": results,
            "failed_rows": failed,
        }));
    }
    let mut facts = vec![("completed", format!("{} of {} rows", snapshot.done, batch.plan.total))];
    if snapshot.failed > 0 {
        facts.push(("failed", snapshot.failed.to_string()));
    }
    if left > 0 {
        facts.push(("left", left.to_string()));
    }
    facts.push((
        "cost",
        match &spending.price {
            Some(_) => snapshot.spent.to_string(),
            None => "unknown, because fal has no price of the endpoint".to_owned(),
        },
    ));
    facts.extend(usage.map(|usage| ("limit", format!("{} of {} spent", usage.spent, usage.limit))));
    facts.push(("results", results.display().to_string()));
    facts.extend(failed.map(|failed| ("failed rows", failed.display().to_string())));
    dry_run::print(context, facts)
}
