//! `cargo fal update`

use std::process::ExitCode;

use clap::Args;

use crate::context::Context;
use crate::error::{Error, Exit};

/// Fetch the documents again, and show the changes
#[derive(Debug, Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments, _: &Context) -> Result<ExitCode, Error> {
    Err(Error::new(Exit::Failed, "SKELETON"))
}
