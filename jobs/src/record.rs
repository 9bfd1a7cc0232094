use crate::error::{Error, ErrorKind};
use crate::saved_file::{self, SavedFile};
use crate::state::{Event, State};

/// The version of the JSON in the text columns of a job. It changes when older versions of this crate cannot read them.
pub(crate) const FORMAT: i64 = 1;

/// A job as the journal has it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Record {
    /// The key: the caller's, or one of endpoint and input.
    pub key: String,
    /// The endpoint's id.
    pub endpoint: String,
    /// The caller's label.
    pub label: Option<String>,
    /// The state.
    pub state: State,
    /// The number of submissions that were started.
    pub attempt: i64,
    /// The request id, once fal has accepted the job.
    pub request_id: Option<String>,
    /// The input as canonical JSON. Local files are their SHA-256.
    pub input: String,
    /// The output as JSON, if the job is completed.
    pub output: Option<String>,
    /// The billable units as decimal text.
    pub units: Option<String>,
    /// Time of creation, in milliseconds since 1970.
    pub created_at: i64,
    /// Time of the last intent, in milliseconds since 1970.
    pub intended_at: Option<i64>,
    /// Time of the last submission, in milliseconds since 1970.
    pub submitted_at: Option<i64>,
    /// Time of completion or failure, in milliseconds since 1970.
    pub finished_at: Option<i64>,
    pub(crate) id: i64,
    pub(crate) format: i64,
    pub(crate) input_hash: String,
    pub(crate) request: Option<String>,
    pub(crate) cost: Option<i64>,
    pub(crate) reserved: i64,
    pub(crate) budget: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) files: Option<String>,
    pub(crate) webhook: bool,
    pub(crate) claim: Option<String>,
    pub(crate) revision: i64,
    /// True if the lease of the claim has expired.
    pub(crate) is_abandoned: bool,
}

/// A job to be recorded.
#[derive(Clone, Debug)]
pub(crate) struct NewRecord {
    pub(crate) key: String,
    pub(crate) endpoint: String,
    pub(crate) label: Option<String>,
    pub(crate) input: String,
    pub(crate) input_hash: String,
    pub(crate) request: Option<String>,
    pub(crate) budget: Option<String>,
    pub(crate) webhook: bool,
}

impl Record {
    /// Returns the files of the output that were saved.
    pub fn files(&self) -> Vec<SavedFile> {
        saved_file::parsed(self.files.as_deref())
    }

    /// Applies a change at a time in milliseconds since 1970. A change that is already there has no effect.
    ///
    /// # Errors
    ///
    /// The state does not allow the change. The record is unchanged.
    pub(crate) fn apply(&mut self, event: &Event, now: i64) -> Result<(), Error> {
        let is_current = |attempt: &i64| *attempt == self.attempt;
        match (self.state, event) {
            (State::Waiting, Event::Intend { request, reserved, webhook }) => {
                self.state = State::Intended;
                self.attempt += 1;
                self.request = Some(request.clone());
                self.reserved = *reserved;
                self.webhook = *webhook;
                self.intended_at = Some(now);
                (self.request_id, self.error) = (None, None);
            }
            // The response may arrive after another process has given the submission up as uncertain.
            (State::Intended | State::Uncertain, Event::Submit { attempt, request_id }) if is_current(attempt) => {
                self.state = State::Submitted;
                self.request_id = Some(request_id.clone());
                self.submitted_at = Some(now);
            }
            (State::Intended | State::Uncertain, Event::Withdraw { attempt }) if is_current(attempt) => {
                self.state = State::Waiting;
                self.reserved = 0;
            }
            (State::Intended, Event::Doubt { attempt }) if is_current(attempt) => self.state = State::Uncertain,
            (State::Submitted, Event::Complete { request_id, output, units, cost })
                if self.request_id.as_ref() == Some(request_id) =>
            {
                self.state = State::Completed;
                (self.output, self.units, self.cost) = (Some(output.clone()), units.clone(), *cost);
                self.reserved = 0;
                self.finished_at = Some(now);
            }
            (State::Intended | State::Submitted, Event::Fail { attempt, error, cost }) if is_current(attempt) => {
                self.state = State::Failed;
                (self.error, self.cost) = (Some(error.clone()), *cost);
                self.reserved = 0;
                self.finished_at = Some(now);
            }
            (State::Completed, Event::Save { files }) => {
                self.files = saved_file::merged(self.files.as_deref(), files);
            }
            (State::Uncertain, Event::Adopt { request_id }) => {
                self.state = State::Submitted;
                self.request_id = Some(request_id.clone());
                self.submitted_at = Some(now);
            }
            (State::Uncertain | State::Failed, Event::Permit) => {
                self.state = State::Waiting;
                self.reserved = 0;
                self.finished_at = None;
            }
            // Another process was first.
            (State::Submitted | State::Completed, Event::Submit { request_id, .. } | Event::Adopt { request_id })
            | (State::Completed, Event::Complete { request_id, .. })
                if self.request_id.as_ref() == Some(request_id) => {}
            (State::Waiting, Event::Permit) => {}
            (state, event) => {
                let message = format!("the state `{state}` does not allow the change `{}`", event.name());
                return Err(Error::new(ErrorKind::State, message).of(&self.key));
            }
        }
        Ok(())
    }
}

impl Event {
    fn name(&self) -> &'static str {
        match self {
            Event::Intend { .. } => "intend",
            Event::Submit { .. } => "submit",
            Event::Withdraw { .. } => "withdraw",
            Event::Doubt { .. } => "doubt",
            Event::Complete { .. } => "complete",
            Event::Fail { .. } => "fail",
            Event::Save { .. } => "save",
            Event::Adopt { .. } => "adopt",
            Event::Permit => "permit",
        }
    }
}
