//! `cargo fal generate`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::commands::folders::{self, Folders, count, print_hints};
use crate::context::Context;
use crate::error::Error;

/// Generate code from all documents, and remove stale code
///
/// Writes mod.rs, its modules, MANIFEST and REPORT.md. Unchanged files, and files that were not generated, are left alone.
/// If a document is invalid, nothing is written.
#[derive(Debug, Args)]
#[command(after_help = "Declare the module in the crate: `mod endpoints;`")]
pub(crate) struct Arguments {
    #[command(flatten)]
    folders: Folders,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let settings = arguments.folders.apply(&context.settings);
    let terminal = &context.terminal;
    let summary = folders::builder(&settings).generate()?;
    let paths =
        |paths: &[PathBuf]| -> Vec<String> { paths.iter().map(|path| folders::file(&settings, path)).collect() };
    let (written, removed) = (paths(&summary.written), paths(&summary.removed));
    if terminal.json {
        terminal.print_json(&json!({
            "documents": summary.documents, "written": written, "removed": removed, "unchanged": summary.unchanged,
        }))?;
    } else {
        written.iter().try_for_each(|path| terminal.print(format_args!("wrote {path}")))?;
        removed.iter().try_for_each(|path| terminal.print(format_args!("removed {path}")))?;
        let (documents, files) = (count(summary.documents, "document"), count(written.len(), "file"));
        let (removed, unchanged) = (removed.len(), summary.unchanged);
        terminal.print(format_args!("{documents}: {files} written, {removed} removed, {unchanged} unchanged"))?;
    }
    print_hints(&summary, terminal);
    if let Some(warning) = summary.warning(&settings.out) {
        terminal.note(warning);
    }
    Ok(ExitCode::SUCCESS)
}
