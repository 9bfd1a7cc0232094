use std::fmt;
use std::time::Duration;

/// One failed attempt of a request, as listed by [`Error::attempts`](super::Error::attempts).
#[derive(Clone, Debug, PartialEq, Eq)]
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
        write!(f, "{} after {:?}: {}", self.host, self.after, self.outcome)
    }
}
