use std::time::Duration;

use crate::queue::script::{Script, Step};
use crate::time::clock::MAX_ADVANCE;

/// The progress of queued jobs.
///
/// ```
/// use std::time::Duration;
/// use fal_emulator::Pace;
///
/// let visible = Pace::default(); // two jobs ahead, four log lines, completed after about a second
/// let slow = Pace::default().ahead(5).waiting(Duration::from_secs(10)).running(Duration::from_secs(30));
/// let instant = Pace::instant(); // completed when submitted
/// let manual = Pace::manual(); // advanced with Emulator::advance, for tests of every state
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
    /// Jobs progress with time.
    Real,
    /// Jobs progress when a test advances them.
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
    /// Completes jobs when they are submitted, with two log lines. Direct runs, streams and realtime inputs respond immediately.
    pub fn instant() -> Self {
        Pace { ahead: 0, waiting: Duration::ZERO, log_lines: 2, running: Duration::ZERO, ..Pace::default() }
    }

    /// Advances jobs only by [`Emulator::advance`](crate::Emulator::advance).
    ///
    /// Every queue position is a step, and so are the start, each log line and the end. A job has one other job ahead
    /// and two log lines. Direct runs respond immediately. A start timeout still passes with time, and completes a job
    /// that has not started by then.
    pub fn manual() -> Self {
        Pace { clock: Clock::Stopped, ahead: 1, log_lines: 2, ..Pace::default() }
    }

    /// Sets the initial number of other jobs ahead in the queue. Default: 2.
    pub fn ahead(mut self, jobs: u32) -> Self {
        self.ahead = jobs;
        self
    }

    /// Sets the time that a job waits in the queue. Default: 450 ms. At most a century.
    pub fn waiting(mut self, time: Duration) -> Self {
        self.waiting = time.min(MAX_ADVANCE);
        self
    }

    /// Sets the number of log lines of a job. Default: 4.
    pub fn log_lines(mut self, lines: u32) -> Self {
        self.log_lines = lines;
        self
    }

    /// Sets the time that a job, a direct run or an input of a realtime connection takes. The events of a stream are spread over
    /// it. Default: 600 ms. At most a century.
    pub fn running(mut self, time: Duration) -> Self {
        self.running = time.min(MAX_ADVANCE);
        self
    }

    /// Returns the times that a job waits and runs, or `None` if only a test advances jobs.
    #[cfg(feature = "record")]
    pub(crate) fn times(&self) -> Option<(Duration, Duration)> {
        (self.clock == Clock::Real).then_some((self.waiting, self.running))
    }

    /// Returns the script of a queued job.
    pub(crate) fn queued(&self) -> Script {
        let mut steps = Vec::new();
        let positions = self.ahead.saturating_add(1);
        for position in 1..=self.ahead {
            steps.push((self.waiting * position / positions, Step::Ahead(self.ahead - position)));
        }
        steps.push((self.waiting, Step::Start));
        let parts = self.log_lines.saturating_add(1);
        for line in 1..=self.log_lines {
            steps.push((self.waiting + self.running * line / parts, Step::Log(log_line(line, self.log_lines))));
        }
        steps.push((self.waiting + self.running, Step::End));
        Script {
            steps,
            ahead: self.ahead,
            run_time: self.running,
            is_direct: false,
            by_time: self.clock == Clock::Real,
        }
    }

    /// Returns the script of a direct run, which starts immediately.
    pub(crate) fn direct(&self) -> Script {
        let run_time = if self.clock == Clock::Real { self.running } else { Duration::ZERO };
        let steps = vec![(Duration::ZERO, Step::Start), (run_time, Step::End)];
        Script { steps, ahead: 0, run_time, is_direct: true, by_time: true }
    }
}

fn log_line(line: u32, lines: u32) -> String {
    if line == 1 { "Loading the model".to_owned() } else { format!("Step {} of {}", line - 1, lines - 1) }
}
