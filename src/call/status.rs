use std::pin::pin;
use std::time::Duration;

use tracing::Instrument;

use super::future::call_future;
use super::options::timeout_option;
use crate::error::Error;
use crate::protocol::QueueUpdate;
use crate::queue::{Target, parse_status};
use crate::text::shown;
use crate::transport::{Operation, judged, send, within_total};

/// Fetches the status of a request. Sent when awaited.
///
/// ```no_run
/// # async fn example(client: fal_client::Client, job: fal_client::Job<serde_json::Value>) -> Result<(), fal_client::Error> {
/// let status = client.resume(job).status().logs(true).await?;
/// println!("completed: {}, {} log lines", status.is_completed(), status.logs().len());
/// # Ok(())
/// # }
/// ```
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

    /// Includes the model's logs so far. Default: `false`.
    pub fn logs(mut self, logs: bool) -> Self {
        self.logs = logs;
        self
    }

    timeout_option!();

    fn start(self) -> impl Future<Output = Result<QueueUpdate, Error>> + Send {
        let Status { target, logs, timeout } = self;
        let span = tracing::info_span!(
            "fal.status",
            endpoint = shown(&target.endpoint),
            request_id = shown(target.request_id())
        );
        let call = async move {
            let request = pin!(async { parse_status(send(&target.context, &target.status(logs)?).await?) });
            let status = within_total(timeout, "fetching the status", request).await;
            status.map_err(|error| target.explain(judged(Operation::Status, error)))
        };
        call.instrument(span)
    }
}

call_future!([] Status => 'static, QueueUpdate);
