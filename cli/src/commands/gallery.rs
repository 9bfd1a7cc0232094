//! `cargo fal gallery`

use std::process::ExitCode;

use clap::Args;

use crate::context::Context;
use crate::error::{Error, Exit};

/// Write one HTML page of the results in a folder
#[derive(Debug, Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments, _: &Context) -> Result<ExitCode, Error> {
    Err(Error::new(Exit::Failed, "SKELETON"))
}
