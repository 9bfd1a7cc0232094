//! `cargo fal run`

mod arguments;

use std::process::ExitCode;

pub(crate) use self::arguments::Arguments;
use crate::context::Context;
use crate::error::{Error, Exit};

pub(crate) fn run(_: &Arguments, _: &Context) -> Result<ExitCode, Error> {
    Err(Error::new(Exit::Failed, "SKELETON"))
}
