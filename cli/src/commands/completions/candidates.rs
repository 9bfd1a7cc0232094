//! Candidates of completions: ids of endpoints, fields, values, local files and keys of jobs. A file that cannot be read has none.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::Command;
use clap::builder::StyledStr;
use clap_complete::engine::{
    ArgValueCandidates, ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter,
};
use fal_codegen::{Field, Kind};
use fal_documents::text::printable;
use fal_jobs::Filter;
use futures_util::{StreamExt, TryStreamExt};
use serde_json::Value;

use crate::catalog::Catalog;
use crate::commands::run;
use crate::job_key::short;
use crate::online::{block_on, journal};
use crate::settings::Settings;

/// The longest description, in characters.
const MAX_HELP: usize = 100;
/// The most keys of jobs.
const MAX_JOBS: usize = 50;

/// Adds the candidates of the arguments, and the flags of the endpoint that a line has.
pub(super) fn add(mut command: Command, line: &[OsString]) -> Command {
    let Ok(settings) = Settings::read(run::option(line, "--settings").as_deref().map(Path::new)) else {
        return command;
    };
    // The word that is being completed is not an id yet.
    let before = &line[..line.len().saturating_sub(1)];
    let id = run::endpoint_id(&command, before);
    let entry = id.and_then(|id| Catalog::load(&settings).ok()?.get(&id).cloned());
    if let Some(entry) = entry {
        command = run::with_flags(command, &entry);
        let fields = fal_codegen::describe(&entry.document).map(|description| description.input).unwrap_or_default();
        command = command.mut_subcommand("run", |run| {
            run.mut_arg(run::PAIRS, |pairs| {
                pairs.add(ArgValueCompleter::new(move |word: &OsStr| of_pair(&fields, word)))
            })
        });
    }
    command.mut_subcommands(|command| {
        let settings = settings.clone();
        command.mut_args(move |argument| {
            let names: Vec<String> =
                argument.get_value_names().into_iter().flatten().map(ToString::to_string).collect();
            let settings = settings.clone();
            match names.first().map(String::as_str) {
                Some("ID") => argument.add(ArgValueCandidates::new(move || ids(&settings))),
                Some("KEY") if argument.is_positional() => {
                    argument.add(ArgValueCandidates::new(move || jobs(&settings)))
                }
                _ => argument,
            }
        })
    })
}

fn ids(settings: &Settings) -> Vec<CompletionCandidate> {
    let Ok(catalog) = Catalog::load(settings) else { return Vec::new() };
    let candidate = |entry: &crate::catalog::Entry| {
        candidate(entry.document.id.clone(), entry.document.category.as_deref().unwrap_or_default())
    };
    catalog.entries().map(candidate).collect()
}

/// Returns the keys of the latest jobs, if the journal is a file that exists.
fn jobs(settings: &Settings) -> Vec<CompletionCandidate> {
    let file = match (&settings.journal, &settings.project) {
        (Some(url), _) => url.strip_prefix("sqlite://").map(Into::into),
        (None, Some(project)) => Some(project.join(".fal/journal.db")),
        (None, None) => None,
    };
    if !file.is_some_and(|file| file.is_file()) {
        return Vec::new();
    }
    let records = block_on(async {
        let journal = journal(settings).await?;
        Ok(journal.list(Filter::new().newest_first()).take(MAX_JOBS).try_collect::<Vec<_>>().await?)
    });
    let last = candidate("last".to_owned(), "the latest job");
    let keys = records
        .unwrap_or_default()
        .into_iter()
        .map(|record| candidate(short(&record.key).into_owned(), &record.endpoint));
    std::iter::once(last).chain(keys).collect()
}

fn candidate(value: String, help: &str) -> CompletionCandidate {
    let help = Some(help).filter(|help| !help.is_empty()).map(|help| StyledStr::from(printable(help, MAX_HELP)));
    CompletionCandidate::new(value).help(help)
}

/// Completes a pair: the name of a field, or its value.
fn of_pair(fields: &[Field], word: &OsStr) -> Vec<CompletionCandidate> {
    let Some(word) = word.to_str() else { return Vec::new() };
    match word.split_once('=') {
        Some((key, value)) => {
            let plain = key.trim_end_matches(':');
            let field = all(fields).into_iter().find(|(path, _)| *path == plain || path.replace("[0]", "") == plain);
            let candidates = field.map(|(_, field)| of_value(field, OsStr::new(value))).unwrap_or_default();
            candidates.into_iter().map(|candidate| candidate.add_prefix(format!("{key}="))).collect()
        }
        None => {
            let is_nested = word.contains(['.', '[']);
            let named = all(fields).into_iter().filter(|(path, _)| path.starts_with(word));
            let named = named.filter(|(path, _)| is_nested || !path.contains(['.', '[']));
            named.map(|(path, field)| candidate(format!("{path}="), &field.description)).collect()
        }
    }
}

/// Returns the fields of an input and of its objects, with their paths.
fn all(fields: &[Field]) -> Vec<(String, &Field)> {
    let mut all = Vec::new();
    for field in fields {
        all.push((field.path.replace("[]", "[0]"), field));
        let variants = field.variants.iter().flat_map(|variant| &variant.fields);
        all.extend(field.fields.iter().chain(variants).map(|field| (field.path.replace("[]", "[0]"), field)));
    }
    all
}

/// Completes a value of a field: a declared value, or a local file after `@`.
pub(crate) fn of_value(field: &Field, word: &OsStr) -> Vec<CompletionCandidate> {
    let Some(word) = word.to_str() else { return Vec::new() };
    if let Some(path) = word.strip_prefix('@') {
        let files = PathCompleter::any().complete(OsStr::new(path));
        return files.into_iter().map(|file| file.add_prefix("@")).collect();
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut values: Vec<String> = field.values.iter().map(text).collect();
    if field.kind == Kind::Boolean {
        values.extend(["true", "false"].map(str::to_owned));
    }
    if *field.kind.item() == Kind::File {
        values.push("@".to_owned());
    }
    // A shell would run or split anything else.
    values.retain(|value| value.starts_with(word) && !value.chars().any(|c| c.is_control() || c.is_whitespace()));
    values.into_iter().map(CompletionCandidate::new).collect()
}
