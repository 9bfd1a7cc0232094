//! `cargo fal completions`

#[cfg(feature = "online")]
mod candidates;
mod scripts;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::CompleteEnv;

use self::scripts::{Shell, VARIABLE};
use crate::context::Context;
use crate::error::Error;

#[cfg(feature = "online")]
pub(crate) use self::candidates::of_value;

/// Print the script that completes commands, endpoints, fields, values and jobs
///
/// The script calls the tool for each completion, so it is up to date after an update. It completes `cargo-fal`, and in bash, zsh
/// and fish also `cargo fal`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Name of the shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

const EXAMPLES: &str = "\
Add one of these to the start-up file of the shell:
  bash        source <(cargo fal completions bash)
  zsh         source <(cargo fal completions zsh)
  fish        cargo fal completions fish | source
  powershell  cargo fal completions powershell | Out-String | Invoke-Expression
  elvish      eval (cargo fal completions elvish | slurp)";

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    context.terminal.print(arguments.shell.script().trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// Completes a command line, if a shell has called the tool to do so. It never prints an error, and never uses the network.
pub(crate) fn respond() -> bool {
    if std::env::var_os(VARIABLE).is_none_or(|shell| shell.is_empty()) {
        return false;
    }
    std::panic::set_hook(Box::new(|_| {}));
    let words: Vec<OsString> = std::env::args_os().collect();
    let line: Vec<OsString> = words.iter().skip_while(|word| *word != "--").skip(1).cloned().collect();
    let complete = CompleteEnv::with_factory(|| command(&line)).var(VARIABLE);
    complete.try_complete(words, std::env::current_dir().ok().as_deref()).unwrap_or(true)
}

/// Returns the command with what is known about the words of a line.
#[cfg_attr(not(feature = "online"), expect(unused_variables, reason = "runs nothing"))]
fn command(line: &[OsString]) -> clap::Command {
    let command = super::arguments::Arguments::command();
    #[cfg(feature = "online")]
    let command = candidates::add(command, line);
    command
}
