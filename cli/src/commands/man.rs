//! `cargo fal man`

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;
use serde_json::json;

use crate::commands::folders::count;
use crate::context::Context;
use crate::error::{Error, Exit};

/// Write the man pages of all commands
///
/// Without --out, prints the page of the tool.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Output folder, such as ~/.local/share/man/man1. It is created if it is missing
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  cargo fal man --out ~/.local/share/man/man1
  cargo fal man | man -l -";

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let mut command = super::arguments::Arguments::command().bin_name("cargo-fal");
    command.build();
    let terminal = &context.terminal;
    let Some(folder) = &arguments.out else {
        terminal.print(page(&command)?.trim_end())?;
        return Ok(ExitCode::SUCCESS);
    };
    fs::create_dir_all(folder).map_err(|error| Error::io("create the folder", folder, &error))?;
    let commands = command.get_subcommands().filter(|command| !command.is_hide_set());
    let files = std::iter::once(&command).chain(commands).map(|command| write(command, folder));
    let files = files.collect::<Result<Vec<PathBuf>, Error>>()?;
    match terminal.json {
        true => terminal.print_json(&json!({ "files": files }))?,
        false => terminal.print(format_args!("{}: {}", folder.display(), count(files.len(), "man page")))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn write(command: &Command, folder: &Path) -> Result<PathBuf, Error> {
    let file = folder.join(Man::new(command.clone()).get_filename());
    fs::write(&file, page(command)?).map_err(|error| Error::io("write", &file, &error))?;
    Ok(file)
}

fn page(command: &Command) -> Result<String, Error> {
    let mut page = Vec::new();
    let man = Man::new(command.clone()).manual("cargo-fal").source(format!("cargo-fal {}", env!("CARGO_PKG_VERSION")));
    man.render(&mut page).map_err(|error| Error::new(Exit::Failed, format!("cannot render a man page: {error}")))?;
    Ok(String::from_utf8_lossy(&page).chars().map(escaped).collect())
}

/// Escapes a character that older formatters misread.
fn escaped(c: char) -> String {
    if c.is_ascii() { c.into() } else { format!("\\[u{:04X}]", u32::from(c)) }
}
