use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::sync::watch;
use tokio::time::Instant;

use super::reply::Body;
use crate::queue::{Job, Moment, Phase};
use crate::time::Clock;

/// The events of a job, from where it stands to its end: one for every step, with the log lines that are new in it,
/// and a comment whenever nothing happened for as long as `keep_alive`.
pub(crate) fn body(job: Arc<Job>, base_url: String, logs: bool, keep_alive: Duration, clock: Arc<Clock>) -> Body {
    let watcher = Watcher { pushed: job.pushed(), job, base_url, logs, keep_alive, clock, seen: None };
    let events = stream::unfold(watcher, |mut watcher| async {
        let event = watcher.next().await?;
        Some((Ok(Frame::data(event)), watcher))
    });
    StreamBody::new(events).boxed_unsync()
}

struct Watcher {
    job: Arc<Job>,
    pushed: watch::Receiver<()>,
    base_url: String,
    logs: bool,
    keep_alive: Duration,
    clock: Arc<Clock>,
    /// The moment that was told last.
    seen: Option<Moment>,
}

impl Watcher {
    async fn next(&mut self) -> Option<Bytes> {
        let Some(seen) = self.seen else {
            return Some(self.event(self.job.now()));
        };
        if seen.phase == Phase::Completed {
            return None;
        }
        loop {
            // Marked as seen before looking, so that a change after the look wakes the wait.
            self.pushed.borrow_and_update();
            if let Some(moment) = self.job.after(&seen) {
                return Some(self.event(moment));
            }
            tokio::select! {
                _ = self.pushed.changed() => {}
                () = until(self.job.moves_at(&seen), &self.clock) => {}
                () = self.clock.sleep(self.keep_alive) => return Some(Bytes::from_static(b": ping\n\n")),
            }
        }
    }

    fn event(&mut self, moment: Moment) -> Bytes {
        let told = self.seen.map_or(0, |seen| seen.logged);
        let logs = self.logs.then_some(told..moment.logged);
        self.seen = Some(moment);
        format!("data: {}\n\n", self.job.status(&moment, &self.base_url, logs)).into()
    }
}

async fn until(instant: Option<Instant>, clock: &Clock) {
    match instant {
        Some(instant) => clock.sleep_until(instant).await,
        None => pending().await,
    }
}
