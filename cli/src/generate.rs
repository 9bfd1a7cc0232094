//! `cargo fal generate`

use std::process::ExitCode;

use clap::Args;

use crate::folders::{Folders, count, print_hints};

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

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, fal_codegen::Error> {
    let summary = arguments.folders.builder().generate()?;
    for path in &summary.written {
        println!("wrote {}", arguments.folders.file(path));
    }
    for path in &summary.removed {
        println!("removed {}", arguments.folders.file(path));
    }
    let (written, removed) = (summary.written.len(), summary.removed.len());
    let (documents, unchanged) = (count(summary.documents, "document"), summary.unchanged);
    println!("{documents}: {} written, {removed} removed, {unchanged} unchanged", count(written, "file"));
    print_hints(&summary);
    if let Some(warning) = arguments.folders.warning(&summary) {
        eprintln!("{warning}");
    }
    Ok(ExitCode::SUCCESS)
}
