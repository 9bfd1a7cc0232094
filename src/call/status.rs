use std::future::IntoFuture;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tracing::Instrument;

use super::options::timeout_option;
use crate::error::Error;
use crate::protocol::QueueUpdate;
use crate::queue::{Target, parse_status};
use crate::transport::{send, within_total};

/// A question for a request's status, which is sent when it is awaited.
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct Status {
    target: Target,
    logs: bool,
    timeout: Option<Duration>,
}

impl Status {
    pub(crate) fn new(target: Target) -> Self {
        Status { target, logs: false, timeout: None }
    }

    /// Whether the answer has the lines that the model has logged so far (default false).
    pub fn logs(mut self, logs: bool) -> Self {
        self.logs = logs;
        self
    }

    timeout_option!();
}

impl IntoFuture for Status {
    type Output = Result<QueueUpdate, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Status { target, logs, timeout } = self;
        let span = tracing::info_span!("fal.status", endpoint = target.endpoint, request_id = target.request_id());
        let call = async move {
            let ask = async { parse_status(send(&target.context, &target.status(logs)?).await?) };
            within_total(timeout, "the question for the status", ask).await.map_err(|error| target.explain(error))
        };
        call.instrument(span).boxed()
    }
}
