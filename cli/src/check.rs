use std::process::ExitCode;

use clap::Args;

use crate::folders::{Folders, count};

/// Say whether the generated code is up to date, and write nothing
///
/// The exit code is 1 if a file is out of date, missing or left over, or if a document is broken.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    folders: Folders,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, fal_codegen::Error> {
    let summary = arguments.folders.builder().check()?;
    if summary.is_current() {
        println!("{}: all {} files are up to date", count(summary.documents, "document"), summary.unchanged);
        return Ok(ExitCode::SUCCESS);
    }
    for path in &summary.written {
        eprintln!("out of date: {}", arguments.folders.file(path));
    }
    for path in &summary.removed {
        eprintln!("left over: {}", arguments.folders.file(path));
    }
    eprintln!("run `{}`", arguments.folders.generate_command());
    Ok(ExitCode::FAILURE)
}
