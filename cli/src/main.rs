//! `cargo fal`: generates typed Rust for fal.ai endpoints, and runs a local emulator of fal.

mod check;
#[cfg_attr(not(feature = "emulate"), path = "no_emulator.rs")]
mod emulate;
#[cfg(feature = "emulate")]
mod failure;
mod folders;
mod generate;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Generate typed Rust for fal.ai endpoints, and run a local emulator of fal
#[derive(Debug, Parser)]
#[command(bin_name = "cargo fal", version, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Generate(generate::Arguments),
    Check(check::Arguments),
    Emulate(emulate::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse_from(without_subcommand(std::env::args_os()));
    let done: Result<ExitCode, Box<dyn std::error::Error>> = match arguments.command {
        Command::Generate(arguments) => generate::run(&arguments).map_err(Into::into),
        Command::Check(arguments) => check::run(&arguments).map_err(Into::into),
        Command::Emulate(arguments) => emulate::run(&arguments),
    };
    done.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}

/// Drops the argument `fal`, which cargo adds: it runs `cargo fal …` as `cargo-fal fal …`.
fn without_subcommand(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.collect();
    if arguments.get(1).is_some_and(|first| first == "fal") {
        arguments.remove(1);
    }
    arguments
}
