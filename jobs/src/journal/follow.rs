//! The options of the calls that follow a job to its end, and report on the way.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::course::{Course, OnUpdate};
use crate::claims::Claim;
use crate::error::Error;
use crate::files::Target;
use crate::record::Record;
use crate::state::State;

#[derive(Default)]
pub(super) struct Follow {
    pub(super) logs: bool,
    pub(super) on_update: Option<OnUpdate>,
    pub(super) timeout: Option<Duration>,
    pub(super) target: Option<Target>,
}

impl Follow {
    /// Returns the end of the time limit, which begins now.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.timeout.and_then(|timeout| Instant::now().checked_add(timeout))
    }

    /// Works on a job until it is final, and saves the files of its output.
    pub(super) async fn finish(
        self,
        mut course: Course<'_>,
        deadline: Option<Instant>,
        record: Record,
        claim: Option<Claim<'_>>,
        request: impl Future<Output = Result<String, Error>>,
    ) -> Result<Record, Error> {
        let Follow { logs, on_update, target, .. } = self;
        let (journal, client) = (course.journal, course.client);
        (course.logs, course.on_update, course.deadline) = (logs, Mutex::new(on_update), deadline);
        let record = course.finish(record, claim, request).await?;
        match target.filter(|_| record.state == State::Completed) {
            Some(target) => journal.save_media(client, &record, &target).await,
            None => Ok(record),
        }
    }
}

macro_rules! follow_options {
    () => {
        /// Registers a callback for every change of the queue position, the status or the logs. Not called while another process
        /// works on the job.
        pub fn on_update(mut self, call: impl FnMut(fal_client::QueueUpdate) + Send + 'static) -> Self {
            self.follow.on_update = Some(Box::new(call));
            self
        }

        /// Includes the model's logs in updates, each line once and in order. Default: `false`.
        pub fn logs(mut self, logs: bool) -> Self {
            self.follow.logs = logs;
            self
        }

        /// Total time limit. Default: none. When it passes, the call fails with [`ErrorKind::Timeout`], the request keeps running,
        /// and running the job again continues it.
        ///
        /// A submission that is on its way is awaited even beyond the limit, because only its response has the request id.
        pub fn timeout(mut self, timeout: std::time::Duration) -> Self {
            self.follow.timeout = Some(timeout);
            self
        }
    };
}

pub(super) use follow_options;
