//! `cargo fal diff`

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use fal_codegen::Effect;
use fal_documents::budget::MAX_FILE;
use fal_documents::{Document, Source};
use serde_json::json;

use crate::catalog::Catalog;
use crate::commands::changes;
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::settings::Settings;

/// Compare two versions of a document
///
/// Each version is a file, a folder, the id of an endpoint whose document is in the schemas folder, or `-` for stdin. With one
/// version, it is compared with the schemas folder. The report tells which changes break programs.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo fal diff new.json                                    a file with the document in the schemas folder
  cargo fal diff fal-ai/flux/dev fal-ai/flux/schnell         two endpoints
  git show HEAD~1:schemas/app.json | cargo fal diff - me/app an older version
  cargo fal diff --exit-code old/ schemas/                   two folders; fails on breaking changes")]
pub(crate) struct Arguments {
    /// Old version
    #[arg(value_name = "OLD")]
    first: String,
    /// New version
    #[arg(value_name = "NEW")]
    second: Option<String>,
    /// Exit with 1 if there are breaking changes. Default: 0, also with changes
    #[arg(long)]
    exit_code: bool,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let Context { settings, terminal } = context;
    let (mut old, new) = match &arguments.second {
        Some(second) => (read(&arguments.first, settings)?, read(second, settings)?),
        None => {
            let new = read(&arguments.first, settings)?;
            let catalog = Catalog::load(settings)?;
            let old = new.iter().map(|new| Ok(catalog.require(&new.id)?.document.clone()));
            (old.collect::<Result<Vec<_>, Error>>()?, new)
        }
    };
    // Two endpoints are compared as if one were the successor of the other.
    if let ([old], [new]) = (&mut old[..], &new[..])
        && old.id != new.id
    {
        terminal.note(format_args!("note: `{}` is compared with another endpoint, `{}`", old.id, new.id));
        old.id = new.id.clone();
    }
    let changes = fal_codegen::compare(&old, &new)?;
    let is_breaking = changes.iter().any(|change| change.effect == Effect::Breaking);
    if terminal.json {
        terminal.print_json(&json!({ "breaking": is_breaking, "changes": changes::to_json(&changes) }))?;
    } else if changes.is_empty() {
        terminal.note("no changes");
    } else {
        changes::print(&changes, terminal)?;
    }
    Ok(if arguments.exit_code && is_breaking { Exit::Failed.into() } else { ExitCode::SUCCESS })
}

/// Reads the documents of a version.
fn read(version: &str, settings: &Settings) -> Result<Vec<Document>, Error> {
    let path = Path::new(version);
    let sources = if version == "-" {
        vec![source("stdin", std::io::stdin()).map_err(|error| Error::io("read", Path::new("stdin"), &error))?]
    } else if path.is_dir() {
        fal_documents::find(path)?.sources
    } else if path.exists() {
        vec![file(path)?]
    } else if looks_like_a_file(version) {
        return Err(Error::new(Exit::NotFound, format!("no file `{version}`")));
    } else {
        return Ok(vec![Catalog::load(settings)?.require(version)?.document.clone()]);
    };
    let mut documents = Vec::new();
    for source in &sources {
        documents.extend(fal_documents::parse(source)?.documents);
    }
    match documents.is_empty() {
        true => Err(Error::new(Exit::Failed, format!("no documents in `{version}`"))),
        false => Ok(documents),
    }
}

/// Reads a file, which may be a pipe, with the patch next to it.
fn file(path: &Path) -> Result<Source, Error> {
    let read = |path: &Path| source(&path.to_string_lossy(), File::open(path)?);
    let mut found = read(path).map_err(|error| Error::io("read", path, &error))?;
    let patch = path.with_extension("patch.json");
    if path.extension().is_some_and(|extension| extension == "json") && patch.is_file() {
        let text = read(&patch).map_err(|error| Error::io("read", &patch, &error))?.text;
        found.patch = Some((patch, text));
    }
    Ok(found)
}

fn source(name: &str, from: impl Read) -> std::io::Result<Source> {
    let mut text = Vec::new();
    from.take(MAX_FILE as u64 + 1).read_to_end(&mut text)?;
    if text.len() > MAX_FILE {
        return Err(std::io::Error::other(format!("larger than {} MiB", MAX_FILE >> 20)));
    }
    Ok(Source { file: PathBuf::from(name), path: name.to_owned(), text, patch: None })
}

/// Returns true for a path. Ids of endpoints have no extension.
fn looks_like_a_file(version: &str) -> bool {
    version.ends_with(".json") || version.starts_with(['.', '/', '~']) || version.ends_with('/')
}
