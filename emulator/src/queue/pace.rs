use std::time::Duration;

use crate::queue::script::{Script, Step};

/// How a queued job moves on.
///
/// ```
/// use std::time::Duration;
/// use fal_emulator::Pace;
///
/// let visible = Pace::default(); // two jobs ahead, four log lines, done after a second
/// let slow = Pace::default().ahead(5).waiting(Duration::from_secs(10)).running(Duration::from_secs(30));
/// let at_once = Pace::instant(); // completed when submitted, for tests
/// let by_hand = Pace::manual(); // moves on with Emulator::advance, for tests that look at every state
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Pace {
    clock: Clock,
    ahead: u32,
    waiting: Duration,
    log_lines: u32,
    running: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Clock {
    /// Jobs move on with time.
    Real,
    /// Jobs move on when told.
    Stopped,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            clock: Clock::Real,
            ahead: 2,
            waiting: Duration::from_millis(450),
            log_lines: 4,
            running: Duration::from_millis(600),
        }
    }
}

impl Pace {
    /// Jobs are completed when they are submitted, with two log lines; direct runs answer at once.
    pub fn instant() -> Self {
        Pace { ahead: 0, waiting: Duration::ZERO, log_lines: 2, running: Duration::ZERO, ..Pace::default() }
    }

    /// Jobs move on step by step with [`Emulator::advance`](crate::Emulator::advance), and not by themselves: one
    /// step for every position in the queue, one for the start, one for every log line, one for the end. A job starts
    /// with one other ahead and has two log lines. Direct runs answer at once. Time still counts for a start timeout:
    /// a job that has not been moved to its start by then is completed.
    pub fn manual() -> Self {
        Pace { clock: Clock::Stopped, ahead: 1, log_lines: 2, ..Pace::default() }
    }

    /// How many other jobs are ahead in the queue at first.
    pub fn ahead(mut self, jobs: u32) -> Self {
        self.ahead = jobs;
        self
    }

    /// How long a job waits in the queue.
    pub fn waiting(mut self, time: Duration) -> Self {
        self.waiting = time;
        self
    }

    /// How many lines a job logs.
    pub fn log_lines(mut self, lines: u32) -> Self {
        self.log_lines = lines;
        self
    }

    /// How long a job runs, and how long a direct run takes.
    pub fn running(mut self, time: Duration) -> Self {
        self.running = time;
        self
    }

    /// What happens to a queued job.
    pub(crate) fn queued(&self) -> Script {
        let mut steps = Vec::new();
        let places = self.ahead.saturating_add(1);
        for place in 1..=self.ahead {
            steps.push((self.waiting * place / places, Step::Ahead(self.ahead - place)));
        }
        steps.push((self.waiting, Step::Start));
        let parts = self.log_lines.saturating_add(1);
        for line in 1..=self.log_lines {
            steps.push((self.waiting + self.running * line / parts, Step::Log(log_line(line, self.log_lines))));
        }
        steps.push((self.waiting + self.running, Step::End));
        Script { steps, ahead: self.ahead, run_time: self.running, by_time: self.clock == Clock::Real }
    }

    /// What happens to a direct run: it starts at once.
    pub(crate) fn direct(&self) -> Script {
        let run_time = if self.clock == Clock::Real { self.running } else { Duration::ZERO };
        Script { steps: vec![(Duration::ZERO, Step::Start), (run_time, Step::End)], ahead: 0, run_time, by_time: true }
    }
}

fn log_line(line: u32, lines: u32) -> String {
    if line == 1 { "Loading the model".to_owned() } else { format!("Step {} of {}", line - 1, lines - 1) }
}
