use std::fmt;
use std::io;

use hyper::StatusCode;

use crate::response::refusal::Refusal;

/// A limit of the emulator that a request would exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exceeded {
    pub(crate) max: usize,
    /// The limited things, in the plural.
    pub(crate) of: &'static str,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the emulator's limit of {} {} is reached", self.max, self.of)
    }
}

impl From<Exceeded> for Refusal {
    fn from(exceeded: Exceeded) -> Self {
        Refusal::Detail(StatusCode::TOO_MANY_REQUESTS, exceeded.to_string())
    }
}

impl From<Exceeded> for io::Error {
    fn from(exceeded: Exceeded) -> Self {
        io::Error::new(io::ErrorKind::StorageFull, exceeded.to_string())
    }
}
