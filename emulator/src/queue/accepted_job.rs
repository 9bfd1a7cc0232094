use std::fmt;
use std::sync::Arc;

use crate::queue::job::{Job, Phase};
use crate::request::received_request::ReceivedRequest;

/// A request that the emulator accepted: a queued request, or a direct run, which streams and messages of a WebSocket are too.
/// fal would bill it.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use fal_emulator::{Emulator, Fault, Operation};
///
/// let emulator = Emulator::start().await?;
/// emulator.inject_fault(Operation::Submit, Fault::drop_connection().after_effect());
/// // … let a client submit …
/// assert!(emulator.jobs().len() <= 1, "the request was submitted twice");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AcceptedJob(pub(crate) Arc<Job>);

/// The state of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JobState {
    /// The job waits in the queue.
    Queued,
    /// The job is running.
    Running,
    /// The job succeeded, failed or was cancelled.
    Completed,
}

impl AcceptedJob {
    /// Returns the request id.
    pub fn request_id(&self) -> &str {
        &self.0.id
    }

    /// Returns the endpoint id.
    pub fn endpoint(&self) -> &str {
        &self.0.endpoint.document.id
    }

    /// Returns the request that created the job, with its input and options.
    pub fn request(&self) -> ReceivedRequest {
        ReceivedRequest(Arc::clone(&self.0.received))
    }

    /// Returns `true` for a direct run, `false` for a queued request.
    pub fn is_direct(&self) -> bool {
        self.0.is_direct()
    }

    /// Returns the current state.
    pub fn state(&self) -> JobState {
        match self.0.now().phase {
            Phase::Queued { .. } => JobState::Queued,
            Phase::Running => JobState::Running,
            Phase::Completed => JobState::Completed,
        }
    }

    /// Returns `true` once the job has started. A job that is cancelled or reaches its start timeout before that never
    /// starts.
    pub fn has_started(&self) -> bool {
        self.0.has_started(&self.0.now())
    }

    /// Returns the HTTP status of the result, or `None` before the job is completed. Below 400, the job has succeeded.
    pub fn status(&self) -> Option<u16> {
        self.0.status_code().map(|status| status.as_u16())
    }

    /// Returns `true` if the client cancelled the job before it was completed.
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
