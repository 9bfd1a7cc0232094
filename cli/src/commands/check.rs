//! `cargo fal check`

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::commands::folders::{self, Folders, count, print_hints};
use crate::context::Context;
use crate::error::{Error, Exit};

/// The file that names the documents and the generator of the code.
const MANIFEST: &str = "MANIFEST";

/// Check that the generated code is up to date, without writing anything
///
/// Exits with 1 if a file is out of date, edited, missing or left over, or if a document is invalid.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    folders: Folders,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let settings = arguments.folders.apply(&context.settings);
    let terminal = &context.terminal;
    let summary = folders::builder(&settings).check()?;
    print_hints(&summary, terminal);
    // With the same manifest, the documents and the generator are those that the files come from.
    let is_manifest_current = !summary.written.iter().any(|path| path == Path::new(MANIFEST));
    let written = summary.written.iter().map(|path| {
        let file = folders::file(&settings, path);
        match (Path::new(&file).exists(), is_manifest_current) {
            (false, _) => ("missing", file),
            (true, true) => ("edited", file),
            (true, false) => ("out of date", file),
        }
    });
    let removed = summary.removed.iter().map(|path| ("left over", folders::file(&settings, path)));
    let problems: Vec<(&str, String)> = written.chain(removed).collect();
    if terminal.json {
        let problems: Vec<_> =
            problems.iter().map(|(problem, file)| json!({ "file": file, "problem": problem })).collect();
        terminal.print_json(&json!({
            "documents": summary.documents, "unchanged": summary.unchanged, "problems": problems,
        }))?;
    } else if problems.is_empty() {
        let documents = count(summary.documents, "document");
        terminal.print(format_args!("{documents}: all {} files are up to date", summary.unchanged))?;
    } else {
        problems.iter().for_each(|(problem, file)| terminal.note(format_args!("{problem}: {file}")));
        terminal.note(format_args!("to update the code, run `{}`", arguments.folders.generate_command()));
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { Exit::Failed.into() })
}
