use std::fmt;
use std::time::Duration;

/// One try of a request, for an error that says what was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The host that was tried.
    pub host: String,
    /// What came of it.
    pub outcome: String,
    /// How long after the first try began this one ended.
    pub after: Duration,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} after {:?}: {}", self.host, self.after, self.outcome)
    }
}
