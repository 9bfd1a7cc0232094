use std::fmt;

/// How urgent a queued request is. It can only be lowered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Priority {
    /// In the order in which requests come.
    Normal,
    /// Behind every request of normal priority, also those of other customers.
    Low,
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Priority::Normal => "normal",
            Priority::Low => "low",
        })
    }
}
