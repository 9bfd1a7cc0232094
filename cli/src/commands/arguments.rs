//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ColorChoice, CommandFactory, FromArgMatches, Parser};

use super::Command;
use crate::error::Error;
use crate::terminal::Terminal;

/// Find models of fal, generate typed Rust for them, run them, and emulate fal
#[derive(Debug, Parser)]
#[command(bin_name = "cargo fal", version, disable_help_subcommand = true, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// Print facts as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Use colours. `auto` does so in a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
    /// Print neither progress nor notes. Errors remain
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Settings file. Default: the nearest fal.toml, from the working directory upwards
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  success
  1  failure: a check found something, a job failed, or a file cannot be used
  2  wrong arguments or settings
  3  invalid input; nothing was sent
  4  fal refuses the key or the account
  5  fal cannot be reached; try again later
  6  over budget; nothing was sent
  7  the endpoint or job does not exist
  8  the job is not finished; `cargo fal watch` continues it
  130  interrupted by Ctrl-C";

impl Arguments {
    /// Parses the words of a command line. Exits if they are wrong, or ask for help.
    ///
    /// # Errors
    ///
    /// The endpoint of `run`, whose fields are flags, is not known.
    #[cfg_attr(not(feature = "online"), expect(unused_variables, reason = "fetches nothing"))]
    pub(crate) fn parse(words: &[OsString], terminal: &Terminal) -> Result<Self, Error> {
        let command = Arguments::command();
        #[cfg(feature = "online")]
        let (command, entry) = super::run::with_fields(command, words, terminal)?;
        let mut matches = command.clone().get_matches_from(words);
        let parsed = Arguments::from_arg_matches_mut(&mut matches);
        let arguments: Self = parsed.unwrap_or_else(|error| error.format(&mut command.clone()).exit());
        #[cfg(feature = "online")]
        let arguments = arguments.with_entry(entry);
        Ok(arguments)
    }
}

#[cfg(feature = "online")]
impl Arguments {
    /// Gives `run` the document of its endpoint.
    fn with_entry(mut self, entry: Option<crate::catalog::Entry>) -> Self {
        if let Command::Run(run) = &mut self.command {
            run.set_entry(entry);
        }
        self
    }
}

/// Returns the choice of colours. Help and errors of arguments have colours, too, and are printed before all is parsed.
pub(crate) fn color(arguments: &[OsString]) -> ColorChoice {
    let arguments = arguments.iter().take_while(|argument| *argument != "--").filter_map(|argument| argument.to_str());
    let mut is_next = false;
    let choice = arguments.filter_map(|argument| {
        let value = if is_next { Some(argument) } else { argument.strip_prefix("--color=") };
        is_next = argument == "--color";
        value?.parse().ok()
    });
    choice.last().unwrap_or(ColorChoice::Auto)
}

/// Returns the words of the process. Drops the word `fal`, which cargo adds: it runs `cargo fal …` as `cargo-fal fal …`.
pub(crate) fn words() -> Vec<OsString> {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|first| first == "fal") {
        arguments.remove(1);
    }
    arguments
}
