use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::queue::job::{Job, Moment, Phase};
use crate::request::received::Received;
use crate::response::reply::{self, Reply};
use crate::state::State;
use crate::time::clock::Clock;
use crate::urls::Urls;

/// Responds with the events of a job from its current state to its completion: one for every step, with the log lines
/// that are new in it, and a comment when nothing happened for the keep-alive interval.
pub(super) fn reply(state: &State, job: Arc<Job>, received: &Received) -> Reply {
    let watcher = Watcher {
        pushed: job.pushed(),
        job,
        urls: received.urls().clone(),
        logs: received.wants_logs(),
        keep_alive: state.settings.keep_alive,
        clock: Arc::clone(&state.clock),
        last: None,
    };
    let events = stream::unfold(watcher, |mut watcher| async {
        let event = watcher.next().await?;
        Some((Ok(Frame::data(event)), watcher))
    });
    reply::events(StreamBody::new(events).boxed_unsync())
}

struct Watcher {
    job: Arc<Job>,
    pushed: watch::Receiver<()>,
    urls: Urls,
    logs: bool,
    keep_alive: Duration,
    clock: Arc<Clock>,
    /// The moment of the last event.
    last: Option<Moment>,
}

impl Watcher {
    async fn next(&mut self) -> Option<Bytes> {
        let Some(last) = self.last else {
            return Some(self.event(self.job.now()));
        };
        if last.phase == Phase::Completed {
            return None;
        }
        loop {
            // Marked as seen before the check, so that a change after the check wakes the wait.
            self.pushed.borrow_and_update();
            if let Some(moment) = self.job.after(&last) {
                return Some(self.event(moment));
            }
            tokio::select! {
                _ = self.pushed.changed() => {}
                () = until(self.job.moves_at(&last), &self.clock) => {}
                () = self.clock.sleep(self.keep_alive) => return Some(Bytes::from_static(b": ping\n\n")),
            }
        }
    }

    fn event(&mut self, moment: Moment) -> Bytes {
        let sent = self.last.map_or(0, |last| last.logged);
        let logs = self.logs.then_some(sent..moment.logged);
        self.last = Some(moment);
        format!("data: {}\n\n", self.job.status(&moment, &self.urls, logs)).into()
    }
}

async fn until(instant: Option<Instant>, clock: &Clock) {
    match instant {
        Some(instant) => clock.sleep_until(instant).await,
        None => pending().await,
    }
}
