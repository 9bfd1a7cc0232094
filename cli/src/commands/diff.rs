//! `cargo fal diff`

use std::process::ExitCode;

use clap::Args;

use crate::context::Context;
use crate::error::{Error, Exit};

/// Compare two versions of a document
#[derive(Debug, Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments, _: &Context) -> Result<ExitCode, Error> {
    Err(Error::new(Exit::Failed, "SKELETON"))
}
