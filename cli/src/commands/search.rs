//! `cargo fal search`

use std::process::ExitCode;

use clap::Args;

use crate::context::Context;
use crate::error::{Error, Exit};

/// Search the catalogue of fal
#[derive(Debug, Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments, _: &Context) -> Result<ExitCode, Error> {
    Err(Error::new(Exit::Failed, "SKELETON"))
}
