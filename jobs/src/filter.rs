use std::time::Duration;

use crate::state::State;

/// A choice of jobs. The default matches all.
///
/// ```
/// use std::time::Duration;
///
/// use fal_jobs::{Filter, State};
///
/// let stale = Filter::new().state(State::Uncertain).label("night-run").older_than(Duration::from_secs(3600));
/// ```
///
/// A job matches if it meets all conditions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Filter {
    pub(crate) states: Vec<State>,
    pub(crate) key: Option<String>,
    pub(crate) key_prefix: Option<String>,
    pub(crate) key_part: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) older_than: Option<Duration>,
    pub(crate) newer_than: Option<Duration>,
    pub(crate) newest_first: bool,
}

impl Filter {
    /// Creates a filter that matches all jobs.
    pub fn new() -> Self {
        Filter::default()
    }

    /// Matches jobs in a state. Repeated calls match any of their states.
    pub fn state(mut self, state: State) -> Self {
        self.states.push(state);
        self
    }

    /// Matches completed and failed jobs.
    pub fn is_final(self) -> Self {
        self.state(State::Completed).state(State::Failed)
    }

    /// Matches the job with a key.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Matches jobs whose key begins with a string. Case matters. This reads every job that the other conditions match.
    pub fn key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.key_prefix = Some(prefix.into());
        self
    }

    /// Matches jobs whose key contains a string. Case matters. This reads every job that the other conditions match.
    pub fn key_contains(mut self, part: impl Into<String>) -> Self {
        self.key_part = Some(part.into());
        self
    }

    /// Matches the job with a request id, also if it is that of an earlier submission. This reads every job that the other
    /// conditions match.
    pub fn request_id(mut self, request_id: impl Into<String>) -> Self {
        self.request_id = Some(request_id.into());
        self
    }

    /// Matches jobs of an endpoint, such as `fal-ai/flux/dev`.
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Matches jobs with a label.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Matches jobs above an age. The age of a final job is the time since its end, that of another job since its creation.
    pub fn older_than(mut self, age: Duration) -> Self {
        self.older_than = Some(age);
        self
    }

    /// Matches jobs up to an age. The age of a final job is the time since its end, that of another job since its creation.
    pub fn newer_than(mut self, age: Duration) -> Self {
        self.newer_than = Some(age);
        self
    }

    /// Lists the newest jobs first, by their creation. Default: the oldest first. Counts and removals have no order.
    pub fn newest_first(mut self) -> Self {
        self.newest_first = true;
        self
    }

    /// Returns the filter for final jobs only, or `None` if it names another state.
    pub(crate) fn only_final(self) -> Option<Filter> {
        match self.states.is_empty() {
            true => Some(self.is_final()),
            false => self.states.iter().all(|state| state.is_final()).then_some(self),
        }
    }
}
