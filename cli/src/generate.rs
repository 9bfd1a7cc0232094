use std::process::ExitCode;

use clap::Args;

use crate::folders::{Folders, count};

/// Generate the code of every document, and remove what no document stands for any more
///
/// Writes mod.rs, the modules below it, MANIFEST and REPORT.md; a file that has not changed is not touched, and neither
/// is one that was not generated. Nothing is written when a document is broken.
#[derive(Debug, Args)]
#[command(after_help = "In the crate, declare the module: `mod endpoints;`")]
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
    if let Some(warning) = arguments.folders.warning(&summary) {
        eprintln!("{warning}");
    }
    Ok(ExitCode::SUCCESS)
}
