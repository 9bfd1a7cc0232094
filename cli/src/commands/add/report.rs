//! The report of added documents.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use fal_codegen::{Description, Field};
use serde_json::{Value, json};

use crate::commands::changes;
use crate::commands::folders::count;
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::fetch;
use crate::folder::{Effect, Folder, Staged};
use crate::layout::plain;

/// The most documents that are described in full.
const MAX_DESCRIBED: usize = 3;

/// The outcomes, by endpoint.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// True if endpoints were selected, and not named.
    is_selection: bool,
    pub(super) added: Vec<Added>,
    /// The folder has them already.
    pub(super) unchanged: Vec<String>,
    /// The folder has other documents, which were not replaced.
    pub(super) kept: Vec<String>,
    /// A selection that would be fetched.
    pub(super) listed: Vec<String>,
    pub(super) undocumented: Vec<(String, String)>,
    pub(super) unknown: Vec<(String, Vec<String>)>,
    pub(super) invalid: Vec<(String, String)>,
}

/// A document that was added, or has replaced another one.
#[derive(Debug)]
pub(super) struct Added {
    file: PathBuf,
    description: Description,
    /// The changes of a replaced document, as JSON.
    changes: Option<Value>,
}

impl Added {
    fn verb(&self) -> &'static str {
        if self.changes.is_some() { "replaced" } else { "added" }
    }

    fn to_json(&self) -> Value {
        let Description { id, module, example, .. } = &self.description;
        let required: Vec<&str> = required(&self.description).map(|field| field.name.as_str()).collect();
        json!({
            "id": id, "file": self.file, "module": module, "required": required, "example": example,
            "changes": self.changes,
        })
    }
}

fn required(description: &Description) -> impl Iterator<Item = &Field> {
    description.input.iter().filter(|field| field.required)
}

impl Report {
    pub(super) fn new(is_selection: bool) -> Self {
        Report { is_selection, ..Report::default() }
    }

    pub(super) fn add(&mut self, staged: &Staged) {
        let changes = match &staged.effect {
            Effect::New | Effect::Unchanged => None,
            Effect::Changed(changes) => Some(changes::to_json(changes)),
            Effect::Repaired(_) => Some(json!([])),
        };
        self.added.push(Added { file: staged.file.clone(), description: staged.description.clone(), changes });
    }

    pub(super) fn print(&self, is_dry_run: bool, path: &Path, folder: &Folder, context: &Context) -> Result<(), Error> {
        let terminal = &context.terminal;
        if terminal.json {
            return terminal.print_json(&self.to_json(is_dry_run));
        }
        let prefix = if is_dry_run { "would have " } else { "" };
        for added in &self.added {
            let (id, file) = (&added.description.id, added.file.display());
            terminal.print(format_args!("{prefix}{} {id}: {file}", added.verb()))?;
            if self.added.len() <= MAX_DESCRIBED {
                describe(&added.description, context)?;
            }
        }
        self.listed.iter().try_for_each(|id| terminal.print(format_args!("would fetch {id}")))?;
        if !self.is_selection {
            for id in &self.unchanged {
                let file = folder.file(id).map(|file| file.display().to_string()).unwrap_or_default();
                terminal.print(format_args!("unchanged {id}: {file}"))?;
            }
        }
        for id in &self.kept {
            terminal.note(format_args!("kept {id}: use --force to replace its document"));
        }
        self.undocumented
            .iter()
            .for_each(|(id, reason)| terminal.note(format_args!("no document of {id}: {}", plain(reason))));
        self.invalid.iter().for_each(|(id, reason)| terminal.note(format_args!("invalid document of {id}: {reason}")));
        self.print_summary(is_dry_run, path, context)
    }

    fn print_summary(&self, is_dry_run: bool, path: &Path, context: &Context) -> Result<(), Error> {
        let terminal = &context.terminal;
        if self.is_selection || self.added.len() > MAX_DESCRIBED {
            let added = if is_dry_run { self.added.len() + self.listed.len() } else { self.added.len() };
            let verb = if is_dry_run { "to add" } else { "added" };
            let counts = [(self.unchanged.len(), "there before"), (self.undocumented.len(), "without a document")];
            let more: String = counts
                .iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, what)| format!(", {count} {what}"))
                .collect();
            terminal.print(format_args!("{} {verb} to {}{more}", count(added, "document"), path.display()))?;
        }
        if !self.added.is_empty() && !is_dry_run {
            terminal.note(next_step(context));
        }
        Ok(())
    }

    fn to_json(&self, is_dry_run: bool) -> Value {
        let of = |is_replaced: bool| -> Vec<Value> {
            let added = self.added.iter().filter(|added| added.changes.is_some() == is_replaced);
            added.map(Added::to_json).collect()
        };
        let pairs = |pairs: &[(String, String)]| -> Vec<Value> {
            pairs.iter().map(|(id, reason)| json!({ "id": id, "reason": reason })).collect()
        };
        let unknown: Vec<_> =
            self.unknown.iter().map(|(id, nearest)| json!({ "id": id, "nearest": nearest })).collect();
        json!({
            "dry_run": is_dry_run, "added": of(false), "replaced": of(true), "unchanged": self.unchanged,
            "kept": self.kept, "listed": self.listed, "undocumented": pairs(&self.undocumented), "unknown": unknown,
            "invalid": pairs(&self.invalid),
        })
    }

    /// Returns the exit code. A selection may have endpoints without a document.
    pub(super) fn result(&self) -> Result<ExitCode, Error> {
        if let Some((id, nearest)) = self.unknown.first() {
            return Err(match self.unknown.len() {
                1 => fetch::unknown(id, nearest),
                _ => unknown(&self.unknown),
            });
        }
        match self.undocumented.first() {
            Some((id, reason)) if !self.is_selection => Err(fetch::undocumented(id, reason)),
            _ if self.invalid.is_empty() && (self.kept.is_empty() || self.is_selection) => Ok(ExitCode::SUCCESS),
            _ => Ok(Exit::Failed.into()),
        }
    }
}

/// Creates the error of several unknown endpoints.
fn unknown(unknown: &[(String, Vec<String>)]) -> Error {
    let ids: Vec<String> = unknown.iter().map(|(id, _)| format!("`{id}`")).collect();
    let nearest: Vec<&str> = unknown.iter().filter_map(|(_, nearest)| nearest.first()).map(String::as_str).collect();
    let error = Error::new(Exit::NotFound, format!("fal has no endpoints {}", ids.join(", ")));
    match nearest.is_empty() {
        true => error.help("search the catalogue with `cargo fal search WORDS`"),
        false => error.help(format!("did you mean {}?", nearest.join(", "))),
    }
}

/// Prints what a program needs to know of an endpoint.
fn describe(description: &Description, context: &Context) -> Result<(), Error> {
    let terminal = &context.terminal;
    let fields: Vec<String> =
        required(description).map(|field| format!("{}: {}", plain(&field.name), plain(&field.rust_type))).collect();
    let fields = if fields.is_empty() { "none".to_owned() } else { fields.join(", ") };
    terminal.print(format_args!("  module    {}", description.module))?;
    terminal.print(format_args!("  required  {fields}\n"))?;
    description
        .example
        .lines()
        .try_for_each(|line| terminal.print(format_args!("    {line}").to_string().trim_end()))?;
    terminal.print("")
}

/// Returns what to do to use the added documents.
fn next_step(context: &Context) -> String {
    let settings = &context.settings;
    let build = settings.project.as_deref().unwrap_or(Path::new("")).join("build.rs");
    let has_generator = fal_documents::file::read_text(&build).is_some_and(|text| text.contains("fal_codegen"));
    if has_generator {
        return "next: `cargo build` generates their code".to_owned();
    }
    let command = "next: `cargo fal generate`";
    match settings.out.join("mod.rs").exists() {
        true => command.to_owned(),
        false => format!("{command}, and declare the module `{}` in your crate", module(&settings.out)),
    }
}

fn module(out: &Path) -> String {
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    format!("mod {name};")
}
