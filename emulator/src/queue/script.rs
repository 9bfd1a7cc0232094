use std::time::Duration;

/// Everything that happens to a job, in order, and when, counted from its submission.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) steps: Vec<(Duration, Step)>,
    /// How many jobs are ahead at first.
    pub(crate) ahead: u32,
    pub(crate) run_time: Duration,
    /// Whether steps happen when their time has come.
    pub(crate) by_time: bool,
}

/// One thing that happens to a job.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// So many jobs are ahead now.
    Ahead(u32),
    /// It runs.
    Start,
    /// It logs a line.
    Log(String),
    /// It is completed.
    End,
}
