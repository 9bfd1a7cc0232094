use std::time::Duration;

/// The steps of a job, in order, each with its time after the submission.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) steps: Vec<(Duration, Step)>,
    /// The initial number of other jobs ahead.
    pub(crate) ahead: u32,
    pub(crate) run_time: Duration,
    /// The script of a direct run. The queue does not show its jobs.
    pub(crate) is_direct: bool,
    /// Steps happen at their time. Otherwise a test advances the job.
    pub(crate) by_time: bool,
}

/// A step of a job.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// The number of other jobs ahead changes.
    Ahead(u32),
    /// The job starts.
    Start,
    /// The job logs a line.
    Log(String),
    /// The job is completed.
    End,
}

impl Script {
    /// Returns the index of the start.
    pub(crate) fn start(&self) -> usize {
        self.steps.iter().position(|(_, step)| *step == Step::Start).unwrap_or_default()
    }

    /// Returns the time between the submission and the start.
    pub(crate) fn waiting(&self) -> Duration {
        self.steps.get(self.start()).map_or(Duration::ZERO, |(after, _)| *after)
    }
}
