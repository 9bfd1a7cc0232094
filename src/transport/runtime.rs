use tokio::runtime::Handle;

use crate::error::{Error, ErrorKind};

/// Fails outside of a tokio runtime, where tokio would panic.
pub(crate) fn check_runtime() -> Result<(), Error> {
    let message = "no tokio runtime: await calls in a function with `#[tokio::main]`, or in `Runtime::block_on`";
    Handle::try_current().map(drop).map_err(|_| Error::new(ErrorKind::Configuration, message))
}
