//! `cargo fal check`

use std::process::ExitCode;

use clap::Args;

use crate::folders::{Folders, count, print_hints};

/// Check that the generated code is up to date, without writing anything
///
/// Exits with 1 if a file is out of date, missing or stale, or if a document is invalid.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    folders: Folders,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, fal_codegen::Error> {
    let summary = arguments.folders.builder().check()?;
    print_hints(&summary);
    if summary.is_current() {
        println!("{}: all {} files are up to date", count(summary.documents, "document"), summary.unchanged);
        return Ok(ExitCode::SUCCESS);
    }
    for path in &summary.written {
        eprintln!("out of date: {}", arguments.folders.file(path));
    }
    for path in &summary.removed {
        eprintln!("stale: {}", arguments.folders.file(path));
    }
    eprintln!("to update the code, run `{}`", arguments.folders.generate_command());
    Ok(ExitCode::FAILURE)
}
