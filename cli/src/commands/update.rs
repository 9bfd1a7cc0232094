//! `cargo fal update`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use fal_codegen::{Change, Effect as Of};
use serde_json::{Value, json};

use crate::commands::changes;
use crate::commands::folders::count;
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::fetch::{self, BATCH, Fetched, Fetcher, Outcome};
use crate::folder::{Effect, Folder};
use crate::layout::plain;
use crate::online::{Signals, block_on};
use crate::terminal::Terminal;

/// Update the documents of the schemas folder, after showing what changes for programs
///
/// Documents that are written by hand, or that an app serves, are left as they are. So are patches: a document that its patch
/// no longer fits is not updated.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Endpoints to update. Default: all of the schemas folder
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Update without asking
    #[arg(long, conflicts_with = "check")]
    yes: bool,
    /// Write nothing. Exit with 1 on breaking changes, and for endpoints that fal calls deprecated or no longer has
    #[arg(long)]
    check: bool,
    /// Endpoint whose breaking changes and deprecation do not fail the check. Can be repeated
    #[arg(long, value_name = "ID", requires = "check")]
    allow: Vec<String>,
    /// Folder of the documents. Default: schemas
    #[arg(long, value_name = "DIR")]
    schemas: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  cargo fal update
  cargo fal update fal-ai/flux/dev --yes
  cargo fal update --check --allow fal-ai/flux/dev

`cargo fal check` compares the generated code with the schemas folder, without a network. `update --check` compares the folder
with fal.";

/// The findings about the documents.
#[derive(Debug, Default)]
struct Report {
    changes: Vec<Change>,
    /// The endpoints whose documents differ.
    changed: Vec<String>,
    unchanged: Vec<String>,
    deprecated: Vec<String>,
    /// fal has no such endpoints any more.
    removed: Vec<String>,
    /// fal has no documents of them any more, for this reason.
    undocumented: Vec<(String, String)>,
    /// Their documents cannot be used, for this reason.
    failed: Vec<(String, String)>,
    /// Documents that are not from fal.
    left: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let terminal = &context.terminal;
    let path = arguments.schemas.as_ref().unwrap_or(&context.settings.schemas);
    let mut folder = Folder::read(path, &context.settings)?;
    folder.problems().for_each(|problem| terminal.note(format_args!("invalid document: {problem}")));
    let mut report = Report::default();
    let ids = selected(arguments, &folder, &mut report)?;
    block_on(fetch(&ids, &mut folder, &mut report, terminal))?;
    if !terminal.json {
        report.print(terminal)?;
    }
    let is_written = write(arguments, &mut folder, &report, terminal)?;
    if terminal.json {
        terminal.print_json(&report.to_json(is_written))?;
    } else {
        report.print_summary(is_written, terminal)?;
    }
    let has_invalid = folder.problems().next().is_some();
    let failures = report.failed.len() + if arguments.check { report.findings(&arguments.allow) } else { 0 };
    let is_declined = !arguments.check && !is_written && !report.changed.is_empty();
    Ok(if failures > 0 || is_declined || has_invalid { Exit::Failed.into() } else { ExitCode::SUCCESS })
}

/// Returns the endpoints to fetch.
fn selected(arguments: &Arguments, folder: &Folder, report: &mut Report) -> Result<Vec<String>, Error> {
    for id in arguments.ids.iter().chain(&arguments.allow) {
        if !folder.has(id) {
            let error = Error::new(Exit::NotFound, format!("no document of `{}` in the schemas folder", plain(id)));
            let nearest = crate::nearest::nearest(id, folder.ids());
            return Err(match nearest.first() {
                Some(nearest) => error.help(format!("did you mean `{nearest}`?")),
                None => error.help("see those that are there with `cargo fal list`"),
            });
        }
    }
    let is_selected = |id: &&str| arguments.ids.is_empty() || arguments.ids.iter().any(|selected| selected == id);
    let (from_fal, left): (Vec<&str>, Vec<&str>) =
        folder.ids().filter(is_selected).partition(|id| folder.is_from_fal(id));
    report.left = left.into_iter().map(str::to_owned).collect();
    if from_fal.is_empty() && report.left.is_empty() {
        let error = Error::new(Exit::Failed, "the schemas folder has no documents");
        return Err(error.help("add some with `cargo fal add ID`"));
    }
    Ok(from_fal.into_iter().map(str::to_owned).collect())
}

/// Fetches the documents, and applies those that differ in memory.
async fn fetch(ids: &[String], folder: &mut Folder, report: &mut Report, terminal: &Terminal) -> Result<(), Error> {
    let mut fetcher = Fetcher::new(&fetch::client()?);
    let mut signals = Signals::new()?;
    let bar = fetch::bar(ids.len(), terminal);
    for batch in ids.chunks(BATCH) {
        let fetched = tokio::select! {
            fetched = fetcher.documents(batch, terminal) => fetched?,
            _ = signals.next() => return Err(Error::new(Exit::Interrupted, "interrupted; nothing was written")),
        };
        fetched.into_iter().for_each(|fetched| apply(fetched, folder, report));
        bar.inc(batch.len() as u64);
    }
    bar.finish_and_clear();
    Ok(())
}

fn apply(fetched: Fetched, folder: &mut Folder, report: &mut Report) {
    let id = fetched.id;
    if fetched.is_deprecated {
        report.deprecated.push(id.clone());
    }
    let text = match fetched.outcome {
        Outcome::Document(text) => text,
        Outcome::Undocumented(reason) => return report.undocumented.push((id, reason)),
        Outcome::Unknown => return report.removed.push(id),
    };
    let staged = fetch::json(&id, &text).and_then(|json| folder.stage(&id, json));
    match staged {
        Ok(staged) => match &staged.effect {
            Effect::Unchanged => report.unchanged.push(id),
            Effect::Changed(changes) => {
                report.changes.extend(changes.iter().cloned());
                report.changed.push(id);
                folder.apply(staged);
            }
            Effect::New | Effect::Repaired(_) => folder.apply(staged),
        },
        Err(error) => report.failed.push((id, error.to_string())),
    }
}

/// Writes the documents that differ, if the user wants it.
fn write(arguments: &Arguments, folder: &mut Folder, report: &Report, terminal: &Terminal) -> Result<bool, Error> {
    if arguments.check || report.changed.is_empty() {
        return Ok(false);
    }
    let question = format!("update {}?", count(report.changed.len(), "document"));
    let is_confirmed = arguments.yes || terminal.confirm(&question);
    if is_confirmed {
        folder.save()?;
    }
    Ok(is_confirmed)
}

impl Report {
    /// Returns the number of findings that fail a check.
    fn findings(&self, allowed: &[String]) -> usize {
        let is_allowed = |id: &String| allowed.contains(id);
        let breaking =
            self.changes.iter().filter(|change| change.effect == Of::Breaking && !is_allowed(&change.endpoint));
        let endpoints = self.deprecated.iter().chain(&self.removed).chain(self.undocumented.iter().map(|(id, _)| id));
        breaking.count() + endpoints.filter(|id| !is_allowed(id)).count()
    }

    fn print(&self, terminal: &Terminal) -> Result<(), Error> {
        if !self.changes.is_empty() {
            changes::print(&self.changes, terminal)?;
        }
        let is_silent = |id: &&String| !self.changes.iter().any(|change| change.endpoint == **id);
        for id in self.changed.iter().filter(is_silent) {
            terminal.print(format_args!("{id}: the document differs, without an effect on the generated code"))?;
        }
        for id in &self.deprecated {
            terminal.print(format_args!("{id}: fal calls the endpoint deprecated"))?;
        }
        for id in &self.removed {
            terminal.print(format_args!("{id}: fal does not have the endpoint any more"))?;
        }
        for (id, reason) in &self.undocumented {
            terminal.print(format_args!("{id}: fal has no document of the endpoint any more: {}", plain(reason)))?;
        }
        for (id, reason) in &self.failed {
            terminal.note(format_args!("{id}: the new document cannot be used; the old one stays: {reason}"));
        }
        for id in &self.left {
            terminal.note(format_args!("{id}: left as it is, because its document is not from fal"));
        }
        Ok(())
    }

    fn print_summary(&self, is_written: bool, terminal: &Terminal) -> Result<(), Error> {
        let verb = if is_written { "updated" } else { "changed" };
        let all = self.changed.len() + self.unchanged.len();
        terminal.print(match self.changed.len() {
            0 => format!("{}: all up to date", count(all, "document")),
            changed => format!("{}: {changed} {verb}, {} up to date", count(all, "document"), self.unchanged.len()),
        })?;
        if is_written {
            terminal.note("next: `cargo fal generate`, or `cargo build` if a build script generates the code");
        } else if !self.changed.is_empty() {
            terminal.note("nothing was written; `cargo fal update --yes` updates the documents");
        }
        Ok(())
    }

    fn to_json(&self, is_written: bool) -> Value {
        let pairs = |pairs: &[(String, String)]| -> Vec<Value> {
            pairs.iter().map(|(id, reason)| json!({ "id": id, "reason": reason })).collect()
        };
        json!({
            "is_written": is_written, "changed": self.changed, "changes": changes::to_json(&self.changes),
            "unchanged": self.unchanged, "deprecated": self.deprecated, "removed": self.removed,
            "undocumented": pairs(&self.undocumented), "failed": pairs(&self.failed), "left": self.left,
        })
    }
}
