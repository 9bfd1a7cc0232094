//! The sources of errors. A source is exposed as it is only if it can be printed as it is.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::text::{Redacted, beginning, within};

/// Maximum characters of the message of a source.
const MAX_MESSAGE: usize = 2000;

/// Maximum number of sources in a chain.
const MAX_CHAIN: usize = 16;

/// Stands in for a source whose texts have a secret, or are not fit to print.
#[derive(Debug)]
struct Cause {
    message: String,
    source: Option<Box<Cause>>,
}

/// Returns the source itself, or its messages if its texts must not be printed as they are.
pub(super) fn safe(source: Box<dyn StdError + Send + Sync>) -> Arc<dyn StdError + Send + Sync> {
    let first: &dyn StdError = &*source;
    let chain: Vec<&dyn StdError> =
        std::iter::successors(Some(first), |error| (*error).source()).take(MAX_CHAIN + 1).collect();
    if chain.len() <= MAX_CHAIN && chain.iter().all(|error| is_safe(*error)) {
        return Arc::from(source);
    }
    let messages =
        chain.iter().take(MAX_CHAIN).rev().map(|error| within(&beginning(format_args!("{error}")), MAX_MESSAGE));
    match messages.fold(None, |source, message| Some(Box::new(Cause { message, source }))) {
        Some(cause) => Arc::from(cause as Box<dyn StdError + Send + Sync>),
        None => Arc::from(source),
    }
}

fn is_safe(error: &dyn StdError) -> bool {
    let (message, debug) = (beginning(format_args!("{error}")), beginning(format_args!("{error:?}")));
    message.len() < MAX_MESSAGE
        && within(&message, MAX_MESSAGE) == message
        && !debug.ends_with('…')
        && format!("{:?}", Redacted(format_args!("{debug}"))) == debug
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
