//! `cargo fal emulate` in a build without the emulator.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Args;

/// Run a local emulator of fal (missing in this build)
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    ignored: Vec<OsString>,
}

pub(crate) fn run(_: &Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    Err("this `cargo fal` was built without the emulator: install it with `cargo install cargo-fal`".into())
}
