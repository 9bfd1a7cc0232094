use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::faults::fault::Fault;
use crate::request::operation::Operation;

/// A fault in JSON. See [`Fault`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultForm {
    operation: String,
    /// The status of a response. One of `status`, `outcome` and `drop_connection` is required, or a `delay`.
    status: Option<u16>,
    /// The status with which an accepted job ends.
    outcome: Option<u16>,
    #[serde(default)]
    drop_connection: bool,
    /// The JSON body of the response.
    body: Option<Value>,
    /// In seconds.
    retry_after: Option<f64>,
    delay: Option<f64>,
    #[serde(default)]
    after_effect: bool,
    endpoint: Option<String>,
    nth: Option<u64>,
    times: Option<u64>,
    probability: Option<f64>,
    #[serde(default)]
    repeat: bool,
}

impl FaultForm {
    /// Returns the operation and the fault, or the reason why they are invalid.
    pub(super) fn fault(self) -> Result<(Operation, Fault), String> {
        let operation = operation(&self.operation)?;
        let check = |status: u16| match (200..=599).contains(&status) {
            true => Ok(status),
            false => Err(format!("invalid status {status}: expected 200 to 599")),
        };
        let mut fault = match (self.status, self.outcome, self.drop_connection) {
            (Some(status), None, false) => Fault::respond(check(status)?),
            (None, Some(status), false) => Fault::outcome(check(status)?),
            (None, None, true) => Fault::drop_connection(),
            (None, None, false) if self.delay.is_some() => Fault::none(),
            _ => return Err("expected one of `status`, `outcome` and `drop_connection`, or a `delay`".to_owned()),
        };
        if let Some(body) = &self.body {
            fault = fault.json(body);
        }
        if let Some(time) = self.retry_after {
            fault = fault.retry_after(seconds("retry_after", time)?);
        }
        if let Some(time) = self.delay {
            fault = fault.delay(seconds("delay", time)?);
        }
        if self.after_effect {
            fault = fault.after_effect();
        }
        if let Some(endpoint) = self.endpoint {
            fault = fault.on(endpoint);
        }
        if let Some(number) = self.nth {
            fault = fault.nth(number);
        }
        if let Some(count) = self.times {
            fault = fault.times(count);
        }
        if let Some(share) = self.probability {
            fault = fault.probability(share);
        }
        Ok((operation, if self.repeat { fault.repeat() } else { fault }))
    }
}

pub(super) fn seconds(name: &str, seconds: f64) -> Result<Duration, String> {
    Duration::try_from_secs_f64(seconds).map_err(|_| format!("invalid `{name}` {seconds}: expected seconds, 0 or more"))
}

/// Parses the name of an operation: `submit`, `status_stream`, and so on.
fn operation(name: &str) -> Result<Operation, String> {
    let plain = |text: &str| text.replace(['_', '-'], "").to_ascii_lowercase();
    let found = Operation::ALL.iter().find(|operation| plain(&format!("{operation:?}")) == plain(name));
    found.copied().ok_or_else(|| {
        let name = crate::request::difference::cut(name);
        format!(
            "unknown operation `{name}`: expected one such as `submit`, `status`, `status_stream`, `result` or `run`"
        )
    })
}
