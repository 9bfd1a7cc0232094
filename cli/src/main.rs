//! `cargo fal`: finds models of fal.ai, generates typed Rust for them, runs them, and emulates fal.

mod arguments;
mod catalog;
mod commands;
mod context;
mod error;
#[cfg(feature = "online")]
mod online;
mod settings;
mod terminal;

use std::process::ExitCode;

use anstream::ColorChoice;

use crate::arguments::Arguments;
#[cfg(feature = "online")]
use crate::commands::Command;
use crate::context::Context;
use crate::error::Error;
use crate::settings::Settings;
use crate::terminal::Terminal;

fn main() -> ExitCode {
    let arguments = Arguments::of_process();
    match arguments.color {
        clap::ColorChoice::Always => ColorChoice::Always.write_global(),
        clap::ColorChoice::Never => ColorChoice::Never.write_global(),
        clap::ColorChoice::Auto => {}
    }
    let terminal = Terminal::new(arguments.json, arguments.quiet);
    run(&arguments, &terminal).unwrap_or_else(|error| {
        terminal.fail(&error);
        error.exit.into()
    })
}

fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitCode, Error> {
    let terminal = terminal.clone();
    let file = arguments.settings.as_deref();
    let context = match Settings::read(file) {
        Ok(settings) => Context::new(settings, terminal),
        #[cfg(feature = "online")]
        Err(error) if matches!(arguments.command, Command::Doctor(_)) => {
            Context { invalid_settings: Some(error), ..Context::new(Settings::defaults(), terminal) }
        }
        Err(error) => return Err(error),
    };
    arguments.command.run(&context)
}
