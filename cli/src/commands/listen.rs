//! `cargo fal listen`

use std::process::ExitCode;

use clap::Args;

use crate::context::Context;
use crate::error::{Error, Exit};

/// Deliver signed webhooks of jobs to a local address
#[derive(Debug, Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments, _: &Context) -> Result<ExitCode, Error> {
    Err(Error::new(Exit::Failed, "SKELETON"))
}
