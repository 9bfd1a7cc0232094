//! The commands that this build leaves out.

use std::process::ExitCode;

use clap::Args;

use crate::context::Context;
use crate::error::{Error, Exit};

/// Not in this build, which has few dependencies
#[derive(Debug, Args)]
#[command(disable_help_flag = true, hide = true)]
pub(crate) struct Arguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    _ignored: Vec<std::ffi::OsString>,
}

pub(crate) fn run(_: &Arguments, _: &Context) -> Result<ExitCode, Error> {
    let error = Error::new(Exit::Usage, "this `cargo fal` was built without the command");
    Err(error.help("install the whole tool with `cargo install cargo-fal`"))
}
