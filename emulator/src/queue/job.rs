use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, SystemTime};

use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::endpoints::endpoint::Endpoint;
use crate::output::sources::Sources;
use crate::platform::bill::Bill;
use crate::platform::deletion::Deletion;
use crate::queue::changed::Changed;
use crate::queue::gate::{Gate, Stage};
use crate::queue::saved_job::{SavedEnd, SavedProgress};
use crate::queue::script::{Script, Step};
use crate::queue::slots::Seat;
use crate::random;
use crate::request::received::Received;
use crate::response::failure::Failure;
use crate::saved::change::nanos;
#[cfg(feature = "state")]
use crate::saved::change::time;
use crate::sync::lock;
use crate::time::clock::Clock;
use crate::time::iso8601::iso8601;
use crate::urls::Urls;

/// A request that was accepted. Its progress is not stored: it follows from the script, the time since the submission
/// and the steps that a test advanced it. So no task has to run for a job.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) received: Arc<Received>,
    /// The outcome, known from the start: the base of the output, or the failure.
    pub(crate) prospect: Result<Prospect, Failure>,
    /// The bill, unless the job ends early.
    bill: Bill,
    script: Arc<Script>,
    /// The gates at which the job waits.
    gates: Vec<Arc<Gate>>,
    changed: Arc<Changed>,
    clock: Arc<Clock>,
    submitted: Instant,
    submitted_at: SystemTime,
    /// The time within which the job has to start.
    start_timeout: Option<Duration>,
    /// The place in the line for a slot, with a limit of concurrency.
    seat: Option<Seat>,
    progress: Mutex<Progress>,
    deletion: OnceLock<Deletion>,
    /// Wakes status streams when something other than time changes the job. Jobs of the same line share it.
    pushed: Arc<watch::Sender<()>>,
}

/// The conditions of a job's start.
#[derive(Debug)]
pub(crate) struct Start {
    /// The time within which the job has to start.
    pub(crate) timeout: Option<Duration>,
    pub(crate) seat: Option<Seat>,
    /// The gates that hold the job.
    pub(crate) gates: Vec<Arc<Gate>>,
    pub(crate) changed: Arc<Changed>,
}

/// The base of a job's output.
#[derive(Debug)]
pub(crate) enum Prospect {
    /// The output is made from these files and the input.
    Made(Sources),
    /// The output that a test has set.
    Scripted(Arc<Value>),
}

#[derive(Debug, Default)]
struct Progress {
    /// The least number of steps, set by a test that advances the job.
    advanced: usize,
    /// The times at which a test advanced the job to its steps.
    advanced_at: Vec<SystemTime>,
    ended: Option<EarlyEnd>,
}

/// The end of a job before its last step.
#[derive(Clone, Copy, Debug)]
struct EarlyEnd {
    /// The number of steps before it.
    after: usize,
    reason: End,
    at: SystemTime,
}

/// The reason for an early end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Cancelled,
    /// The client of a direct run closed its connection.
    Disconnected,
    /// The job had not started within its start timeout.
    StartTimeout,
}

impl End {
    #[cfg(feature = "state")]
    const ALL: [End; 3] = [End::Cancelled, End::Disconnected, End::StartTimeout];

    /// Returns the reason as records have it.
    fn word(self) -> &'static str {
        match self {
            End::Cancelled => "cancelled",
            End::Disconnected => "disconnected",
            End::StartTimeout => "start_timeout",
        }
    }

    #[cfg(feature = "state")]
    fn parse(word: &str) -> Option<Self> {
        End::ALL.into_iter().find(|end| end.word() == word)
    }
}

/// The progress of a job at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The number of earlier moments. Every step makes a moment, and so does an early end.
    number: usize,
    pub(crate) phase: Phase,
    /// The number of log lines so far.
    pub(crate) logged: usize,
    ended: Option<End>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Queued { ahead: u32 },
    Running,
    Completed,
}

/// The result of cancelling a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cancelled {
    /// The job was queued and will never start.
    BeforeStart,
    /// The job was running.
    Running,
    /// The job was already completed.
    TooLate,
}

impl Job {
    pub(crate) fn new(
        endpoint: Arc<Endpoint>,
        received: Arc<Received>,
        prospect: Result<Prospect, Failure>,
        bill: Bill,
        script: Arc<Script>,
        Start { timeout: start_timeout, seat, gates, changed }: Start,
        clock: &Arc<Clock>,
    ) -> Self {
        Job {
            id: random::uuid(),
            endpoint,
            start_timeout,
            received,
            prospect,
            bill,
            script,
            gates,
            changed,
            submitted: clock.now(),
            submitted_at: clock.date(),
            clock: Arc::clone(clock),
            progress: Mutex::default(),
            deletion: OnceLock::new(),
            pushed: seat.as_ref().map_or_else(|| Arc::new(watch::Sender::new(())), Seat::pushed),
            seat,
        }
    }

    /// Returns the job of a record, with the state of its progress. One that had ended by itself stays completed.
    #[cfg(feature = "state")]
    pub(crate) fn restored(
        self,
        id: String,
        submitted_at: SystemTime,
        ended_at: Option<SystemTime>,
        progress: SavedProgress,
    ) -> Self {
        // The pace may have fewer steps than before.
        let ended = progress.ended.and_then(|end| {
            Some(EarlyEnd {
                after: end.after.min(self.script.steps.len()),
                reason: End::parse(&end.reason)?,
                at: time(end.at),
            })
        });
        let mut advanced_at: Vec<SystemTime> = progress.advanced_at.into_iter().map(time).collect();
        let mut advanced = progress.advanced;
        if let Some(at) = ended_at {
            advanced = self.script.steps.len();
            advanced_at.resize(advanced, at);
        }
        let deletion = progress.is_deleted.then(|| Deletion { key: None, at: self.clock.now(), response: json!({}) });
        Job {
            id,
            submitted: self.clock.instant(submitted_at),
            submitted_at,
            progress: Mutex::new(Progress { advanced, advanced_at, ended }),
            deletion: deletion.map_or_else(OnceLock::new, OnceLock::from),
            ..self
        }
    }

    /// Returns the record of the progress.
    fn saved_progress(&self) -> SavedProgress {
        let progress = lock(&self.progress);
        SavedProgress {
            advanced: progress.advanced,
            advanced_at: progress.advanced_at.iter().copied().map(nanos).collect(),
            ended: progress.ended.map(|end| SavedEnd {
                after: end.after,
                reason: end.reason.word().to_owned(),
                at: nanos(end.at),
            }),
            is_deleted: self.deletion.get().is_some(),
        }
    }

    /// Returns a receiver that wakes when something other than time changes the job.
    pub(crate) fn pushed(&self) -> watch::Receiver<()> {
        self.pushed.subscribe()
    }

    /// Arrives at the gates that hold the job.
    pub(crate) fn arrive(self: &Arc<Self>) {
        self.gates.iter().for_each(|gate| gate.arrive(self));
    }

    /// Wakes those who follow the job.
    pub(crate) fn wake(&self) {
        self.changed.add(&self.id, || self.saved_progress());
        self.pushed.send_replace(());
    }

    /// Waits until no gate holds the job, or a test has completed it.
    pub(crate) async fn released(&self) {
        let mut pushed = self.pushed();
        let is_held = || self.gates.iter().any(|gate| gate.released_at().is_none());
        while is_held() && self.now().phase != Phase::Completed {
            // The sender lives as long as the job, so this never fails.
            let _ = pushed.changed().await;
        }
    }

    /// Returns the first moment.
    pub(crate) fn start(&self) -> Moment {
        self.moment(0, &Progress::default())
    }

    /// Returns the current moment.
    pub(crate) fn now(&self) -> Moment {
        let progress = self.settled();
        self.moment(self.number(&progress), &progress)
    }

    /// Returns the moment after `moment`, if it has been reached.
    pub(crate) fn after(&self, moment: &Moment) -> Option<Moment> {
        let progress = self.settled();
        let current = self.number(&progress);
        if moment.number < current {
            return Some(self.moment(moment.number + 1, &progress));
        }
        // Without a step, the position changes when other jobs leave the line.
        Some(self.moment(current, &progress)).filter(|now| now != moment)
    }

    /// Returns the time at which the moment after `moment` comes without a push.
    pub(crate) fn moves_at(&self, moment: &Moment) -> Option<Instant> {
        let is_queued = matches!(moment.phase, Phase::Queued { .. });
        let by_time = self.script.by_time && !self.is_held_before(moment.number, self.clock.now());
        let step = Some(moment.number).filter(|_| by_time).and_then(|index| self.time_of(index));
        let late = self.start_timeout.filter(|_| is_queued);
        let next = step.into_iter().chain(late).min().and_then(|next| self.submitted.checked_add(next));
        let line = self.seat.as_ref().filter(|_| is_queued).and_then(Seat::moves_at);
        next.into_iter().chain(line).min()
    }

    /// Returns the time between the submission and the start that the slots allowed, or `None` while the job waits for a
    /// slot.
    fn start_in_slot(&self, seat: &Seat) -> Option<Duration> {
        seat.started().map(|at| at.saturating_duration_since(self.submitted))
    }

    /// Returns the time of a step after the submission. The start waits for a slot, and the steps after it are delayed with it.
    fn time_of(&self, index: usize) -> Option<Duration> {
        let (after, _) = self.script.steps.get(index)?;
        let Some(seat) = self.seat.as_ref().filter(|_| index >= self.script.start()) else {
            return Some(*after);
        };
        let start = self.start_in_slot(seat)?;
        Some(start.max(*after + start.saturating_sub(self.script.waiting())))
    }

    /// Returns the earliest time at which the job may be completed, unless something other than time changes it.
    pub(crate) fn ends_from(&self) -> Option<Instant> {
        let moment = self.now();
        let is_queued = matches!(moment.phase, Phase::Queued { .. });
        let is_held = self.gates.iter().any(|gate| gate.released_at().is_none());
        let last = self.script.steps.len().checked_sub(1).filter(|_| self.script.by_time && !is_held);
        let end = last.and_then(|last| match (self.time_of(last), &self.seat) {
            (Some(after), _) => self.submitted.checked_add(after),
            // The job waits for a slot, so it has not started by now.
            (None, Some(_)) => self.clock.now().checked_add(self.script.run_time),
            (None, None) => None,
        });
        let late = self.start_timeout.filter(|_| is_queued).and_then(|timeout| self.submitted.checked_add(timeout));
        end.into_iter().chain(late).min()
    }

    /// Returns the time at which the job ends by itself.
    pub(crate) fn ends_at(&self) -> Instant {
        self.submitted + self.script.steps.last().map_or(Duration::ZERO, |(after, _)| *after)
    }

    /// Returns the date at which the job ends by itself, if nothing but time determines it.
    pub(crate) fn known_end(&self) -> Option<SystemTime> {
        let is_known =
            self.script.by_time && self.seat.is_none() && self.gates.is_empty() && self.start_timeout.is_none();
        is_known.then(|| self.submitted_at.checked_add(self.ends_at() - self.submitted)).flatten()
    }

    /// Returns the time that the job runs.
    pub(crate) fn run_time(&self) -> Duration {
        self.script.run_time
    }

    fn moment(&self, number: usize, progress: &Progress) -> Moment {
        let ended = progress.ended.filter(|end| number > end.after).map(|end| end.reason);
        let others = self.seat.as_ref().map_or(0, Seat::ahead);
        let queued = |ahead: u32| Phase::Queued { ahead: ahead.saturating_add(others) };
        let mut moment = Moment { number, phase: queued(self.script.ahead), logged: 0, ended };
        for (_, step) in &self.script.steps[..number - usize::from(ended.is_some())] {
            match step {
                Step::Ahead(ahead) => moment.phase = queued(*ahead),
                Step::Start => moment.phase = Phase::Running,
                Step::Log(_) => moment.logged += 1,
                Step::End => moment.phase = Phase::Completed,
            }
        }
        if ended.is_some() {
            moment.phase = Phase::Completed;
        }
        moment
    }

    /// Returns the number of the current moment.
    fn number(&self, progress: &Progress) -> usize {
        match progress.ended {
            Some(end) => end.after + 1,
            None => self.number_at(self.clock.now() - self.submitted, progress),
        }
    }

    /// Returns the number of the moment at a time after the submission, without an early end.
    fn number_at(&self, elapsed: Duration, progress: &Progress) -> usize {
        let by_time = match (self.script.by_time, &self.seat) {
            (false, _) => 0,
            (true, None) => self.script.steps.partition_point(|(after, _)| *after <= elapsed),
            (true, Some(seat)) => {
                let start = self.script.start();
                match self.start_in_slot(seat).filter(|start| *start <= elapsed) {
                    Some(started) => {
                        let delay = started.saturating_sub(self.script.waiting());
                        let after_start = &self.script.steps[start + 1..];
                        start + 1 + after_start.partition_point(|(after, _)| *after + delay <= elapsed)
                    }
                    None => self.script.steps[..start].partition_point(|(after, _)| *after <= elapsed),
                }
            }
        };
        let by_time = (0..by_time).find(|step| self.is_held_before(*step, self.submitted + elapsed)).unwrap_or(by_time);
        by_time.max(progress.advanced).min(self.script.steps.len())
    }

    /// Returns whether a gate holds the job before a step, at a time. Steps that a test makes are not held.
    fn is_held_before(&self, step: usize, at: Instant) -> bool {
        self.gates.iter().any(|gate| self.waits_at(gate, step) && gate.released_at().is_none_or(|time| at < time))
    }

    /// Returns whether a gate is in front of a step.
    fn waits_at(&self, gate: &Gate, step: usize) -> bool {
        let held = match gate.stage {
            Stage::Queued => Step::Start,
            Stage::Running => Step::End,
        };
        self.script.steps.get(step).is_some_and(|(_, step)| *step == held)
    }

    /// Makes the next step. Returns `false` after the last one, and for a start without a slot.
    pub(crate) fn advance(&self) -> bool {
        let mut progress = self.settled();
        let number = self.number(&progress);
        if self.moment(number, &progress).phase == Phase::Completed {
            return false;
        }
        if let Some(seat) = &self.seat
            && number == self.script.start()
            && !seat.start()
        {
            return false;
        }
        progress.advanced = number + 1;
        progress.advanced_at.resize(number + 1, self.clock.date());
        if number + 1 == self.script.steps.len() {
            self.free_slot();
        }
        drop(progress);
        self.wake();
        true
    }

    fn free_slot(&self) {
        if let Some(seat) = &self.seat {
            seat.leave();
        }
    }

    pub(crate) fn cancel(&self) -> Cancelled {
        self.end(End::Cancelled)
    }

    /// Ends a direct run because its client is gone. Has no effect on a completed one.
    pub(crate) fn disconnect(&self) {
        self.end(End::Disconnected);
    }

    fn end(&self, reason: End) -> Cancelled {
        let mut progress = self.settled();
        let number = self.number(&progress);
        let cancelled = match self.moment(number, &progress).phase {
            Phase::Queued { .. } => Cancelled::BeforeStart,
            Phase::Running => Cancelled::Running,
            Phase::Completed => return Cancelled::TooLate,
        };
        progress.ended = Some(EarlyEnd { after: number, reason, at: self.clock.date() });
        self.free_slot();
        drop(progress);
        self.wake();
        cancelled
    }

    /// Returns the failure of a completed job.
    pub(crate) fn failure(&self, moment: &Moment) -> Option<Failure> {
        match moment.ended {
            Some(End::Cancelled) => Some(Failure::cancelled()),
            Some(End::Disconnected) => Some(Failure::disconnected()),
            Some(End::StartTimeout) => Some(Failure::start_timeout()),
            None => self.prospect.as_ref().err().cloned(),
        }
    }

    /// Returns whether the job has started.
    pub(crate) fn has_started(&self, moment: &Moment) -> bool {
        let steps = &self.script.steps[..moment.number - usize::from(moment.ended.is_some())];
        steps.iter().any(|(_, step)| *step == Step::Start)
    }

    pub(crate) fn start_timeout(&self) -> Option<Duration> {
        self.start_timeout
    }

    /// Returns the bill, unless the job ends early.
    pub(crate) fn full_bill(&self) -> Bill {
        self.bill.clone()
    }

    /// Returns the time at which the job was submitted.
    pub(crate) fn submitted_at(&self) -> SystemTime {
        self.submitted_at
    }

    /// Returns the time at which the job started.
    pub(crate) fn started_at(&self) -> Option<SystemTime> {
        let moment = self.now();
        let start = self.script.steps.iter().position(|(_, step)| *step == Step::Start);
        start.filter(|_| self.has_started(&moment)).and_then(|index| self.step_at(index))
    }

    /// Returns the time at which the job was completed.
    pub(crate) fn ended_at(&self) -> Option<SystemTime> {
        let moment = self.now();
        if moment.phase != Phase::Completed {
            return None;
        }
        let ended = lock(&self.progress).ended.map(|end| end.at);
        ended.or_else(|| self.step_at(self.script.steps.len().checked_sub(1)?))
    }

    /// Returns the time of a step that has happened: with time, or earlier because a test advanced the job.
    fn step_at(&self, index: usize) -> Option<SystemTime> {
        // A step behind a gate comes with the release.
        let gates = self.gates.iter().filter(|gate| (0..=index).any(|step| self.waits_at(gate, step)));
        let released = gates.filter_map(|gate| gate.released_at()?.checked_duration_since(self.submitted)).max();
        let after = Some(index).filter(|_| self.script.by_time).and_then(|index| self.time_of(index));
        let by_time = after.map(|after| self.submitted_at + released.map_or(after, |released| released.max(after)));
        let advanced_at = lock(&self.progress).advanced_at.get(index).copied();
        by_time.into_iter().chain(advanced_at).min()
    }

    /// Returns the status of the result of a completed job.
    pub(crate) fn status_code(&self) -> Option<StatusCode> {
        let moment = self.now();
        (moment.phase == Phase::Completed)
            .then(|| self.failure(&moment).map_or(StatusCode::OK, |failure| failure.status()))
    }

    /// Returns the bill of a completed job. A job that was cancelled, or did not start in time, is billed nothing.
    pub(crate) fn bill(&self) -> Option<Bill> {
        let moment = self.now();
        (moment.phase == Phase::Completed)
            .then(|| if moment.ended.is_some() { self.bill.cancelled() } else { self.bill.clone() })
    }

    /// Returns the billable units, as a header shows them.
    pub(crate) fn billable_units(&self) -> String {
        self.bill.units.normalize().to_string()
    }

    pub(crate) fn endpoint_id(&self) -> &str {
        &self.endpoint.document.id
    }

    /// Returns the deletion of the payloads.
    pub(crate) fn deletion(&self) -> Option<&Deletion> {
        self.deletion.get()
    }

    /// Marks the payloads as deleted, and returns the first deletion.
    pub(crate) fn delete(&self, deletion: Deletion) -> &Deletion {
        let deletion = self.deletion.get_or_init(|| deletion);
        self.changed.add(&self.id, || self.saved_progress());
        deletion
    }

    pub(crate) fn is_direct(&self) -> bool {
        self.script.is_direct
    }

    pub(crate) fn was_cancelled(&self) -> bool {
        self.now().ended == Some(End::Cancelled)
    }

    /// Returns the request id and the URLs of the job.
    pub(crate) fn links(&self, urls: &Urls) -> Value {
        let url = urls.to(&format!("queue.fal.run/{}/requests/{}", self.endpoint.app, self.id));
        json!({
            "request_id": self.id,
            "response_url": url,
            "status_url": format!("{url}/status"),
            "cancel_url": format!("{url}/cancel"),
        })
    }

    /// Returns the status in fal's format, with the log lines in the range `logs`.
    pub(crate) fn status(&self, moment: &Moment, urls: &Urls, logs: Option<Range<usize>>) -> Value {
        let mut status = self.links(urls);
        match moment.phase {
            Phase::Queued { ahead } => {
                status["status"] = json!("IN_QUEUE");
                status["queue_position"] = json!(ahead);
            }
            Phase::Running => {
                status["status"] = json!("IN_PROGRESS");
                status["logs"] = self.logs(logs);
                status["metrics"] = json!({});
            }
            Phase::Completed => {
                status["status"] = json!("COMPLETED");
                status["logs"] = self.logs(logs);
                status["metrics"] = match moment.ended {
                    Some(_) => json!({}),
                    None => json!({ "inference_time": self.script.run_time.as_secs_f64() }),
                };
                // An outcome that a test has set may be a success.
                if let Some(failure) = self.failure(moment).filter(|failure| !failure.status().is_success()) {
                    status["error"] = json!(failure.error);
                    if let Some(error_type) = failure.error_type {
                        status["error_type"] = json!(error_type);
                    }
                }
            }
        }
        status
    }

    fn logs(&self, range: Option<Range<usize>>) -> Value {
        let Some(range) = range else {
            return Value::Null;
        };
        let lines = self.script.steps.iter().enumerate().filter_map(|(index, (after, step))| match step {
            Step::Log(message) => Some(self.log(self.time_of(index).unwrap_or(*after), message)),
            _ => None,
        });
        lines.skip(range.start).take(range.len()).collect()
    }

    /// The timestamp comes from the script, so that a line is the same in every response.
    fn log(&self, after: Duration, message: &str) -> Value {
        json!({
            "message": message,
            "timestamp": iso8601(self.submitted_at + after),
            "level": "INFO",
            "source": "USER",
        })
    }

    /// Locks the progress, after applying a start timeout that has passed.
    fn settled(&self) -> MutexGuard<'_, Progress> {
        let mut progress = lock(&self.progress);
        let due = self.start_timeout.filter(|timeout| self.clock.now() - self.submitted >= *timeout);
        if let Some(timeout) = due.filter(|_| progress.ended.is_none()) {
            let number = self.number_at(timeout, &progress);
            if matches!(self.moment(number, &progress).phase, Phase::Queued { .. }) {
                let at = self.submitted_at + timeout;
                progress.ended = Some(EarlyEnd { after: number, reason: End::StartTimeout, at });
            }
        }
        progress
    }
}
