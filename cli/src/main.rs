//! `cargo fal`: finds models of fal.ai, generates typed Rust for them, runs them, and emulates fal.

// The commands that call fal use the rest.
#![cfg_attr(not(feature = "online"), allow(dead_code))]

#[cfg(feature = "online")]
mod amount;
mod catalog;
mod commands;
mod context;
mod error;
#[cfg(feature = "online")]
mod fetch;
#[cfg(feature = "online")]
mod folder;
#[cfg(feature = "online")]
mod input;
#[cfg(feature = "online")]
mod job_key;
mod layout;
mod nearest;
#[cfg(feature = "online")]
mod online;
#[cfg(feature = "online")]
mod outcome;
mod settings;
mod terminal;
mod tool;
#[cfg(feature = "emulate")]
mod webhooks;

use std::process::ExitCode;

use anstream::ColorChoice;

#[cfg(feature = "online")]
use crate::commands::Command;
use crate::commands::arguments::{self, Arguments};
use crate::context::Context;
use crate::error::Error;
use crate::settings::Settings;
use crate::terminal::Terminal;

fn main() -> ExitCode {
    if commands::completions::respond() {
        return ExitCode::SUCCESS;
    }
    let words = arguments::words();
    match arguments::color(&words) {
        clap::ColorChoice::Always => ColorChoice::Always.write_global(),
        clap::ColorChoice::Never => ColorChoice::Never.write_global(),
        clap::ColorChoice::Auto => {}
    }
    // What follows `--` is for another command.
    let has = |flag: &str| words.iter().take_while(|word| *word != "--").any(|word| word == flag);
    let terminal = Terminal::new(has("--json"), has("--quiet") || has("-q"));
    let arguments = match Arguments::parse(&words, &terminal) {
        Ok(arguments) => arguments,
        Err(error) => {
            terminal.fail(&error);
            return error.exit.into();
        }
    };
    let terminal = Terminal::new(arguments.json, arguments.quiet);
    run(&arguments, &terminal).unwrap_or_else(|error| {
        terminal.fail(&error);
        error.exit.into()
    })
}

fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitCode, Error> {
    let settings = match Settings::read(arguments.settings.as_deref()) {
        #[cfg(feature = "online")]
        Err(error) if matches!(arguments.command, Command::Doctor(_)) => Settings::defaults(error),
        settings => settings?,
    };
    arguments.command.run(&Context { settings, terminal: terminal.clone() })
}
