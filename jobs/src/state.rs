use std::fmt;

use crate::saved_file::SavedFile;

/// The state of a job.
///
/// ```text
/// Waiting ──► Intended ──► Submitted ──► Completed
///    ▲           │  ▲          │
///    └───────────┤  │          └───────► Failed
///                └──┴──► Uncertain
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Recorded. It was not sent, or fal has surely not accepted it.
    Waiting,
    /// The intent to send it is committed, and the submission may be on its way.
    Intended,
    /// fal has accepted it, and its request id is recorded.
    Submitted,
    /// Its result is recorded.
    Completed,
    /// It failed for good. The error is recorded.
    Failed,
    /// It is unknown whether fal has accepted the submission, because its request id was not recorded.
    Uncertain,
}

impl State {
    /// All states.
    pub const ALL: [State; 6] =
        [State::Waiting, State::Intended, State::Submitted, State::Completed, State::Failed, State::Uncertain];

    /// Returns the name in the database, such as `submitted`.
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Waiting => "waiting",
            State::Intended => "intended",
            State::Submitted => "submitted",
            State::Completed => "completed",
            State::Failed => "failed",
            State::Uncertain => "uncertain",
        }
    }

    /// Returns the state of a name.
    pub fn from_name(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Returns true if the job is completed or failed.
    pub const fn is_final(self) -> bool {
        matches!(self, State::Completed | State::Failed)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A change of a job's state. [`Record::apply`](crate::record::Record::apply) has the rules.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// The holder of a claim is about to send submission number `attempt`: the record's number and one. Its estimate is reserved
    /// in its budget.
    Intend { claim: String, attempt: i64, request: String, webhook: bool },
    /// fal accepted submission number `attempt`.
    Submit { attempt: i64, request_id: String },
    /// fal surely did not accept submission number `attempt`, so it may be sent again.
    Withdraw { attempt: i64 },
    /// It is unknown whether submission number `attempt` arrived.
    Doubt { attempt: i64 },
    /// The result of a request arrived, with its billed units.
    Complete { request_id: String, output: String, units: Option<String> },
    /// A request failed for good, with a [`Failure`](crate::Failure) as JSON. `units` were billed anyway. Without a request, fal
    /// rejected submission number `attempt`, or the job was cancelled before it was sent.
    Fail { attempt: i64, request_id: Option<String>, error: String, units: Option<String> },
    /// Files of the output were saved.
    Save { files: Vec<SavedFile> },
    /// The caller found the request of an uncertain or failed job.
    Adopt { request_id: String },
    /// The caller permits another submission after number `attempt`, which is uncertain or failed.
    Permit { attempt: i64 },
}
