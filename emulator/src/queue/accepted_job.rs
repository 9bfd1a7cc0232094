use std::fmt;
use std::sync::Arc;

use crate::queue::job::{Job, Phase};
use crate::request::received_request::ReceivedRequest;

/// A request that the emulator accepted: one that was queued, or a direct run. fal would charge for it.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use fal_emulator::{Emulator, Fault, Operation};
///
/// let emulator = Emulator::start().await?;
/// emulator.fault(Operation::Submit, Fault::drop_connection().after_effect());
/// // … let a client submit …
/// assert!(emulator.jobs().len() <= 1, "it was submitted twice");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AcceptedJob(pub(super) Arc<Job>);

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JobState {
    /// It waits.
    Queued,
    /// It runs.
    Running,
    /// It is over: it has a result, has failed, or was cancelled.
    Completed,
}

impl AcceptedJob {
    /// The id of the request.
    pub fn request_id(&self) -> &str {
        &self.0.id
    }

    /// The id of the endpoint.
    pub fn endpoint(&self) -> &str {
        &self.0.endpoint.document.id
    }

    /// The request that it was made of, with its input and options.
    pub fn request(&self) -> ReceivedRequest {
        ReceivedRequest(Arc::clone(&self.0.received))
    }

    /// Whether it is a direct run, not a queued request.
    pub fn is_direct(&self) -> bool {
        self.0.is_direct
    }

    /// Where it stands now.
    pub fn state(&self) -> JobState {
        match self.0.now().phase {
            Phase::Queued { .. } => JobState::Queued,
            Phase::Running => JobState::Running,
            Phase::Completed => JobState::Completed,
        }
    }

    /// Whether it has started. One that was cancelled or came to its start timeout before that never does.
    pub fn has_run(&self) -> bool {
        self.0.has_started(&self.0.now())
    }

    /// Whether the caller took it back.
    pub fn was_cancelled(&self) -> bool {
        self.0.was_cancelled()
    }
}

impl fmt::Debug for AcceptedJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcceptedJob")
            .field("request_id", &self.request_id())
            .field("endpoint", &self.endpoint())
            .field("is_direct", &self.is_direct())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
