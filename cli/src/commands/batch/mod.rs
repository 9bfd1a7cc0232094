//! `cargo fal batch`

mod arguments;
mod course;
mod dry_run;
mod jobs;
mod progress;
mod results;
mod rows;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use sha2::{Digest, Sha256};

pub(crate) use self::arguments::Arguments;
use self::jobs::{Jobs, Plan};
pub(crate) use self::results::RESULTS;
use self::rows::Source;
use crate::catalog::{self, Catalog};
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::online::{self, block_on};
use crate::settings::Settings;

/// A batch: an endpoint, rows, and the label that tells it from others of the endpoint.
struct Batch {
    endpoint: String,
    label: String,
    plan: Plan,
    jobs: Arc<Jobs>,
    key_column: String,
    out: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let entry = match Catalog::load(&context.settings)?.get(&arguments.id) {
        Some(entry) => entry.clone(),
        // Only this needs a key.
        None => block_on(async { catalog::endpoint(context, &online::client()?, &arguments.id).await })?,
    };
    let source = Source::new(&arguments.file, arguments.format, &arguments.key_column)?;
    let label = match &arguments.label {
        Some(label) => label.clone(),
        None => default_label(&arguments.file, &source, &context.settings)?,
    };
    let out = arguments.out.clone().unwrap_or_else(|| {
        let name = arguments.file.file_stem().filter(|_| arguments.label.is_none() && source.stdin().is_none());
        let name = name.map_or_else(|| label.clone(), |name| name.to_string_lossy().into_owned());
        context.settings.downloads.join(format!("{}-{}", slug(&name), slug(&arguments.id)))
    });
    let jobs = Arc::new(Jobs::new(&entry, source, arguments.fields.clone(), &label, arguments.limit)?);
    let plan = jobs.check()?;
    let key_column = arguments.key_column.clone();
    let batch = Batch { endpoint: arguments.id.clone(), label, plan, jobs, key_column, out };
    block_on(async {
        match arguments.dry_run {
            true => dry_run::report(&batch, arguments, context).await,
            false => course::run(&batch, arguments, context).await,
        }
    })
}

/// Returns the label of a file: its path in the project. That of stdin is a hash of its content.
fn default_label(file: &Path, source: &Source, settings: &Settings) -> Result<String, Error> {
    if let Some(bytes) = source.stdin() {
        return Ok(format!("stdin-{}", hash(bytes)));
    }
    let path = fs::canonicalize(file).map_err(|error| Error::io("read", file, &error))?;
    let project = settings.project.as_ref().map(|project| match project.as_os_str().is_empty() {
        true => fs::canonicalize("."),
        false => fs::canonicalize(project),
    });
    let project = project.and_then(Result::ok);
    let label = project.and_then(|project| path.strip_prefix(project).ok().map(Path::to_owned)).unwrap_or(path);
    Ok(label.to_string_lossy().replace('\\', "/"))
}

/// Returns the beginning of a SHA-256 in hexadecimal.
fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The longest part of a file name that is made of a key.
const MAX_SLUG: usize = 60;

/// Returns text as a part of a file name, which cannot leave a folder.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().take(MAX_SLUG) {
        match c.is_alphanumeric() || c == '_' {
            true => slug.push(c),
            false if slug.ends_with('-') => {}
            false => slug.push('-'),
        }
    }
    slug.trim_matches('-').to_owned()
}

/// Returns the name of the budget of a batch.
fn budget_name(batch: &Batch) -> String {
    format!("batch {} {}", batch.endpoint, batch.label)
}

/// Returns an error if the file has no rows.
fn require_rows(total: u64) -> Result<(), Error> {
    match total {
        0 => Err(Error::new(Exit::Invalid, "the file has no rows")
            .help("write a JSON object on each line, or a CSV header and rows")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_plain_file_names() {
        for (text, expected) in [
            ("fox", "fox"),
            ("../../etc/passwd", "etc-passwd"),
            ("a//b\\c: d", "a-b-c-d"),
            ("..", ""),
            ("\u{1b}[31mréd", "31mréd"),
            ("CON.", "CON"),
        ] {
            assert_eq!(slug(text), expected);
        }
        assert_eq!(slug(&"x".repeat(1000)).len(), MAX_SLUG);
    }
}
