use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::queue::pace::Pace;
use crate::record::records::{RecordedBody, RecordedEvent, RecordedJob, RecordedResponse};
use crate::sync::lock;

/// The recorded statuses of a job, and its progress in a replay.
pub(super) struct Timeline {
    /// The name of the record.
    pub(super) name: String,
    /// The path of the job, with the host.
    pub(super) path: String,
    cancelled_after: Option<u64>,
    pub(super) polled: Vec<Stage<RecordedResponse>>,
    pub(super) streamed: Vec<Stage<RecordedEvent>>,
    progress: Mutex<Progress>,
    /// Wakes status streams when something other than time changes the job.
    pushed: watch::Sender<()>,
    pub(super) is_used: AtomicBool,
}

/// A status with the time at which it is due.
pub(super) struct Stage<T> {
    pub(super) status: T,
    /// The time after the submission. `None` if only a test advances the job.
    due: Option<Duration>,
    after_ms: u64,
}

#[derive(Debug, Default)]
struct Progress {
    started: Option<Instant>,
    /// The number of stages by which a test advanced the job.
    advanced: usize,
    is_cancelled: bool,
}

/// The times of a replay.
#[derive(Clone, Debug)]
pub(crate) enum Speed {
    Pace(Pace),
    /// The recorded times, multiplied.
    Recorded(f64),
}

impl Speed {
    /// Returns the time of a recorded time that nothing else determines.
    pub(super) fn scale(&self, after_ms: u64) -> Duration {
        match self {
            Speed::Pace(_) => Duration::ZERO,
            Speed::Recorded(factor) => {
                Duration::try_from_secs_f64(after_ms as f64 / 1_000.0 * factor).unwrap_or(Duration::ZERO)
            }
        }
    }
}

impl Timeline {
    pub(super) fn new(name: String, job: RecordedJob, speed: &Speed) -> Self {
        let RecordedJob { url, cancelled_after_ms, mut statuses, mut events } = job;
        // A client may poll where the recorded one streamed, and the other way round.
        if statuses.is_empty() {
            statuses = polled(&events);
        }
        if events.is_empty() {
            events = streamed(&statuses);
        }
        let path = format!("/{}", url.trim_start_matches("https://").trim_end_matches('/'));
        let polled = stages(
            statuses,
            speed,
            |it| it.after_ms,
            |it| it.body.as_ref().and_then(RecordedBody::text).map(str::to_owned),
        );
        let streamed = stages(events, speed, |it| it.after_ms, |it| data_of(&it.text()));
        Timeline {
            name,
            path,
            cancelled_after: cancelled_after_ms,
            polled,
            streamed,
            progress: Mutex::default(),
            pushed: watch::Sender::new(()),
            is_used: AtomicBool::new(false),
        }
    }

    /// Starts the time of the job. Statuses that are polled without a submission start it too.
    pub(super) fn start(&self, now: Instant) {
        lock(&self.progress).started.get_or_insert(now);
    }

    pub(super) fn cancel(&self) {
        lock(&self.progress).is_cancelled = true;
        self.pushed.send_replace(());
    }

    /// Advances the job by one stage. Returns `false` after the last one.
    pub(super) fn advance(&self, now: Instant) -> bool {
        let last = self.polled.len().max(self.streamed.len()).saturating_sub(1);
        let current = self.index(&self.polled, now).max(self.index(&self.streamed, now));
        if current >= last {
            return false;
        }
        lock(&self.progress).advanced = current + 1;
        self.pushed.send_replace(());
        true
    }

    pub(super) fn pushed(&self) -> watch::Receiver<()> {
        self.pushed.subscribe()
    }

    /// Returns the index of the current stage.
    pub(super) fn index<T>(&self, stages: &[Stage<T>], now: Instant) -> usize {
        self.is_used.store(true, Relaxed);
        let mut progress = lock(&self.progress);
        let elapsed = now.saturating_duration_since(*progress.started.get_or_insert(now));
        let last = stages.len().saturating_sub(1);
        if progress.is_cancelled && self.cancelled_after.is_some() {
            return last;
        }
        let by_time = stages.iter().rposition(|stage| stage.due.is_some_and(|due| due <= elapsed)).unwrap_or(0);
        // The client of the record cancelled the job. Until this one does, its end does not come.
        let before_end = self.cancelled_after.and_then(|end| stages.iter().rposition(|stage| stage.after_ms < end));
        let most = if self.cancelled_after.is_some() { before_end.unwrap_or(0) } else { last };
        by_time.max(progress.advanced).min(most)
    }

    /// Returns the time at which the stage after `index` is due.
    pub(super) fn due_after<T>(&self, stages: &[Stage<T>], index: usize) -> Option<Instant> {
        let started = lock(&self.progress).started?;
        let is_held =
            self.cancelled_after.is_some_and(|end| stages.get(index + 1).is_some_and(|next| next.after_ms >= end));
        stages.get(index + 1).filter(|_| !is_held).and_then(|stage| started.checked_add(stage.due?))
    }
}

/// Gives every status its time. With a pace, the statuses of each phase are spread over its time.
fn stages<T>(
    statuses: Vec<T>,
    speed: &Speed,
    after_ms: impl Fn(&T) -> u64,
    text: impl Fn(&T) -> Option<String>,
) -> Vec<Stage<T>> {
    let phase = |status: &T| {
        let value: Value = text(status).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        match value.get("status").and_then(Value::as_str) {
            Some("IN_QUEUE") => 0,
            Some("IN_PROGRESS") => 1,
            _ => 2,
        }
    };
    let phases: Vec<u32> = statuses.iter().map(phase).collect();
    let count =
        |wanted: u32| u32::try_from(phases.iter().filter(|phase| **phase == wanted).count()).unwrap_or(u32::MAX);
    let (queued, running) = (count(0).max(1), count(1).max(1));
    let mut numbers = [0_u32; 3];
    let due = |after_ms: u64, phase: u32, number: u32| match speed {
        Speed::Recorded(_) => Some(speed.scale(after_ms)),
        Speed::Pace(pace) => pace.times().map(|(waiting, running_time)| match phase {
            0 => waiting * number / queued,
            1 => waiting + running_time * number / running,
            _ => waiting + running_time,
        }),
    };
    let stages = statuses.into_iter().zip(&phases).map(|(status, phase)| {
        let number = &mut numbers[*phase as usize];
        let (after_ms, due) = (after_ms(&status), due(after_ms(&status), *phase, *number));
        *number += 1;
        Stage { status, due, after_ms }
    });
    stages.collect()
}

/// Returns the data of an event.
fn data_of(event: &str) -> Option<String> {
    let lines: Vec<&str> = event.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim_start).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Makes polled statuses of streamed ones: each has all log lines so far.
fn polled(events: &[RecordedEvent]) -> Vec<RecordedResponse> {
    let mut logs = Vec::new();
    let statuses = events.iter().filter_map(|event| {
        let mut value: Value = serde_json::from_str(&data_of(&event.text())?).ok()?;
        if let Some(Value::Array(new)) = value.get("logs") {
            logs.extend(new.iter().cloned());
            value["logs"] = Value::from(logs.clone());
        }
        let status = if value.get("status").is_some_and(|status| status == "COMPLETED") { 200 } else { 202 };
        let headers = [("content-type".to_owned(), "application/json".to_owned())].into();
        let body = Some(RecordedBody::of_text(value.to_string()));
        Some(RecordedResponse { status, after_ms: event.after_ms, headers, body })
    });
    statuses.collect()
}

/// Makes streamed statuses of polled ones: each has the log lines that are new.
fn streamed(statuses: &[RecordedResponse]) -> Vec<RecordedEvent> {
    let mut sent = 0;
    let events = statuses.iter().filter_map(|status| {
        let mut value: Value = serde_json::from_str(status.body.as_ref()?.text()?).ok()?;
        if let Some(Value::Array(logs)) = value.get_mut("logs") {
            let new = logs.split_off(sent.min(logs.len()));
            sent += new.len();
            *logs = new;
        }
        Some(RecordedEvent::new(status.after_ms, format!("data: {value}\n\n")))
    });
    events.collect()
}
