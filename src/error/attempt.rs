use std::fmt;
use std::time::Duration;

use crate::text::shown;

/// One failed attempt of a request, as listed by [`Error::attempts`](super::Error::attempts).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The host that the request was sent to.
    pub host: String,
    /// The error message of the attempt.
    pub outcome: String,
    /// Time from the start of the first attempt to the end of this one.
    pub after: Duration,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} after {:?}: {}", shown(&self.host), self.after, self.outcome)
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut attempt = f.debug_struct("Attempt");
        attempt.field("host", &shown(&self.host)).field("outcome", &self.outcome).field("after", &self.after).finish()
    }
}
