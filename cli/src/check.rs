//! `cargo fal check`

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use crate::folders::{Folders, count, print_hints};

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

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, fal_codegen::Error> {
    let summary = arguments.folders.builder().check()?;
    print_hints(&summary);
    if summary.is_current() {
        println!("{}: all {} files are up to date", count(summary.documents, "document"), summary.unchanged);
        return Ok(ExitCode::SUCCESS);
    }
    // With the same manifest, the documents and the generator are those that the files come from.
    let is_manifest_current = !summary.written.iter().any(|path| path == Path::new(MANIFEST));
    for path in &summary.written {
        let file = arguments.folders.file(path);
        let problem = match (Path::new(&file).exists(), is_manifest_current) {
            (false, _) => "missing",
            (true, true) => "edited",
            (true, false) => "out of date",
        };
        eprintln!("{problem}: {file}");
    }
    for path in &summary.removed {
        eprintln!("left over: {}", arguments.folders.file(path));
    }
    eprintln!("to update the code, run `{}`", arguments.folders.generate_command());
    Ok(ExitCode::FAILURE)
}
