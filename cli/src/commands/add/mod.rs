//! `cargo fal add`

mod files;
mod report;
mod selection;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use self::report::Report;
use crate::commands::changes;
use crate::commands::folders::count;
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::fetch::{self, Fetcher, Outcome};
use crate::folder::{Effect, Folder, Staged};
use crate::online::block_on;

/// Add the documents of endpoints to the schemas folder
///
/// ID is fetched from fal, without a key if FAL_KEY is not set. FILE has one or more documents, in any form that the generator
/// reads; `-` reads stdin. Each document is checked before it is written to schemas/ID.json.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Endpoint ids, files of documents, or `-` for stdin
    #[arg(value_name = "ID|FILE|-", required_unless_present = "selection", conflicts_with = "selection")]
    sources: Vec<String>,
    #[command(flatten)]
    selection: Selection,
    /// Replace documents that differ, without asking
    #[arg(long, visible_alias = "force")]
    yes: bool,
    /// Show what would be added, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Folder of the documents. Default: schemas
    #[arg(long, value_name = "DIR")]
    schemas: Option<PathBuf>,
}

/// The active endpoints of fal to add, apart from those that are there. Can be interrupted and run again.
#[derive(Debug, Args)]
#[group(id = "selection", multiple = true)]
struct Selection {
    /// All active endpoints of fal that are missing here
    #[arg(long)]
    all: bool,
    /// All active endpoints of a category that are missing here, such as text-to-image
    #[arg(long, value_name = "CATEGORY")]
    category: Option<String>,
    /// All active endpoints of an owner that are missing here, such as fal-ai
    #[arg(long, value_name = "OWNER")]
    owner: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  cargo fal add fal-ai/flux/dev fal-ai/flux/schnell
  cargo fal add --category text-to-image
  cargo fal add saved.json
  curl https://my-app.example/openapi.json | cargo fal add -";

impl Selection {
    fn is_empty(&self) -> bool {
        !self.all && self.category.is_none() && self.owner.is_none()
    }
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let path = arguments.schemas.as_ref().unwrap_or(&context.settings.schemas);
    let folder = Folder::read(path, &context.settings)?;
    folder.problems().for_each(|problem| context.terminal.note(format_args!("invalid document: {problem}")));
    let mut adding = Adding { arguments, context, folder, report: Report::new(!arguments.selection.is_empty()) };
    match arguments.selection.is_empty() {
        true => adding.named()?,
        false => block_on(adding.selected())?,
    }
    let Adding { report, folder, .. } = adding;
    report.print(arguments.dry_run, path, &folder, context)?;
    report.result()
}

/// A run of the command.
struct Adding<'a> {
    arguments: &'a Arguments,
    context: &'a Context,
    folder: Folder,
    report: Report,
}

impl Adding<'_> {
    /// Adds the named endpoints and the documents of files.
    fn named(&mut self) -> Result<(), Error> {
        let mut found = Vec::new();
        let mut ids = Vec::new();
        let mut seen = BTreeSet::new();
        for source in self.arguments.sources.iter().filter(|source| seen.insert(*source)) {
            if source == "-" || files::is_file(source) {
                found.extend(files::read(source, &self.context.terminal)?);
            } else {
                fetch::check_id(source)?;
                ids.push(source.clone());
            }
        }
        if !ids.is_empty() {
            found.extend(block_on(self.fetch(&ids))?);
        }
        let mut replaced = Vec::new();
        for (id, json) in unique(found)? {
            match self.folder.stage(&id, json) {
                Ok(staged) => match staged.effect {
                    Effect::New => self.apply(staged),
                    Effect::Unchanged => self.report.unchanged.push(id),
                    Effect::Changed(_) | Effect::Repaired(_) => replaced.push(staged),
                },
                Err(error) => self.report.invalid.push((id, error.to_string())),
            }
        }
        self.replace(replaced)?;
        if self.arguments.dry_run { Ok(()) } else { self.folder.save() }
    }

    /// Fetches documents. Endpoints without one are reported, and do not keep the others from being added.
    async fn fetch(&mut self, ids: &[String]) -> Result<Vec<(String, Value)>, Error> {
        let mut fetcher = Fetcher::new(&fetch::client()?);
        let mut found = Vec::new();
        for fetched in fetcher.documents(ids, &self.context.terminal).await? {
            let id = fetched.id;
            if fetched.is_deprecated {
                self.context.terminal.note(format_args!("fal calls `{id}` deprecated"));
            }
            match fetched.outcome {
                Outcome::Document(text) => match fetch::json(&id, &text) {
                    Ok(json) => found.push((id, json)),
                    Err(error) => self.report.invalid.push((id, error.to_string())),
                },
                Outcome::Undocumented(reason) => self.report.undocumented.push((id, reason)),
                Outcome::Unknown => {
                    let nearest = fetcher.nearest(&id, self.folder.ids()).await;
                    self.report.unknown.push((id, nearest));
                }
            }
        }
        Ok(found)
    }

    /// Replaces documents, if the user wants it.
    fn replace(&mut self, staged: Vec<Staged>) -> Result<(), Error> {
        if staged.is_empty() {
            return Ok(());
        }
        let terminal = &self.context.terminal;
        for staged in staged.iter().filter(|_| !terminal.json) {
            let file = staged.file.display();
            match &staged.effect {
                Effect::Repaired(problem) => terminal.note(format_args!("{file} is not valid: {problem}")),
                Effect::Changed(changes) if changes.is_empty() => {
                    terminal.print(format_args!("{file} differs, without an effect on the generated code"))?;
                }
                Effect::Changed(changes) => {
                    terminal.print(format_args!("{file} differs:"))?;
                    changes::print(changes, terminal)?;
                }
                Effect::New | Effect::Unchanged => {}
            }
        }
        let question = format!("replace {}?", count(staged.len(), "document"));
        let is_replaced = self.arguments.yes || self.arguments.dry_run || terminal.confirm(&question);
        for staged in staged {
            match is_replaced {
                true => self.apply(staged),
                false => self.report.kept.push(staged.id),
            }
        }
        Ok(())
    }

    fn apply(&mut self, staged: Staged) {
        self.report.add(&staged);
        self.folder.apply(staged);
    }
}

/// Returns the documents, each once.
fn unique(documents: Vec<(String, Value)>) -> Result<Vec<(String, Value)>, Error> {
    let mut unique: BTreeMap<String, Value> = BTreeMap::new();
    for (id, json) in documents {
        if unique.get(&id).is_some_and(|other| *other != json) {
            return Err(
                Error::new(Exit::Failed, format!("two different documents of `{id}`")).help("add only one of them")
            );
        }
        unique.insert(id, json);
    }
    Ok(unique.into_iter().collect())
}
