//! Names and descriptions of jobs, which the commands about jobs share.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use fal_client::QueueUpdate;
use fal_documents::text::printable;
use fal_jobs::{FailureKind, Journal, Record};
use serde_json::{Value, json};

use crate::error::{Error, Exit};
use crate::job_key::short;
use crate::online::{find, is_request_id};
use crate::outcome::{cost_to_json, units_to_json};

/// Returns the state of a job for people: a job that was cancelled has failed.
pub(super) fn state(job: &Record) -> &'static str {
    let is_cancelled = job.failure().is_some_and(|failure| failure.kind == FailureKind::Cancelled);
    if is_cancelled { "cancelled" } else { job.state.as_str() }
}

/// The endpoint of requests that the journal does not have.
#[derive(Debug, Args)]
pub(crate) struct OfEndpoint {
    /// Endpoint of a request that the journal does not have, such as one of another program
    #[arg(long, value_name = "ID")]
    endpoint: Option<String>,
}

/// A job of the journal, or a request of another program.
#[derive(Debug)]
pub(crate) enum Named {
    Job(Box<Record>),
    Request { endpoint: String, request_id: String },
}

impl OfEndpoint {
    /// Finds a job, or takes the name as a request id of the endpoint.
    ///
    /// # Errors
    ///
    /// The journal does not have the job, and no endpoint is given. Or the name is ambiguous.
    pub(crate) async fn find(&self, journal: &Journal, name: &str) -> Result<Named, Error> {
        match (find(journal, name).await, &self.endpoint) {
            (Ok(record), _) => Ok(Named::Job(Box::new(record))),
            (Err(error), Some(endpoint)) if error.exit == Exit::NotFound => match is_request_id(name) {
                true => Ok(Named::Request { endpoint: endpoint.clone(), request_id: name.to_owned() }),
                false => Err(error.help("a request id is a UUID, such as 764cabcf-b745-4b3e-ae38-1200304cf45b")),
            },
            (Err(error), _) => Err(error),
        }
    }
}

/// Describes the place of a request in fal's queue.
pub(crate) fn described(update: &QueueUpdate) -> String {
    match update {
        QueueUpdate::InQueue { position: Some(0), .. } => "next in the queue".to_owned(),
        QueueUpdate::InQueue { position: Some(ahead), .. } => format!("in the queue, {ahead} ahead"),
        QueueUpdate::InQueue { .. } => "in the queue".to_owned(),
        QueueUpdate::InProgress { .. } => "running".to_owned(),
        QueueUpdate::Completed { failure: Some(_), .. } => "failed".to_owned(),
        QueueUpdate::Completed { .. } => "completed".to_owned(),
        QueueUpdate::Other { status, .. } => printable(status, 40),
        _ => "unknown".to_owned(),
    }
}

/// Returns a job as JSON, without its input and output.
pub(crate) fn to_json(job: &Record) -> Value {
    let failure = job.failure().map(|failure| {
        json!({
            "kind": failure.kind, "message": failure.message, "status": failure.status,
            "error_type": failure.error_type, "may_be_billed": failure.may_be_billed,
        })
    });
    json!({
        "key": job.key,
        "short_key": short(&job.key),
        "endpoint": job.endpoint,
        "label": job.label,
        "state": job.state.as_str(),
        "request_id": job.request_id,
        "attempts": job.attempt,
        "created_at": time(job.created_at),
        "submitted_at": job.submitted_at.and_then(time),
        "finished_at": job.finished_at.and_then(time),
        "billable_units": units_to_json(job.units.as_deref()),
        "cost": cost_to_json(job.cost().as_ref(), job.is_cost_estimated()),
        "files": job.files(),
        "failure": failure,
    })
}

/// Returns a time of the journal as text, such as `2026-01-31T12:00:00Z`.
pub(crate) fn time(millis: i64) -> Option<String> {
    let time = UNIX_EPOCH.checked_add(Duration::from_millis(u64::try_from(millis).ok()?))?;
    // Years beyond 9999 have no such text, and cannot be formatted.
    (millis < 253_402_300_800_000).then(|| humantime::format_rfc3339_seconds(time).to_string())
}

/// Returns the time since a time of the journal.
pub(crate) fn since(millis: i64) -> Duration {
    let then = UNIX_EPOCH + Duration::from_millis(u64::try_from(millis).unwrap_or_default());
    SystemTime::now().duration_since(then).unwrap_or_default()
}

/// Formats an age with its largest unit, such as `5 min`. Less than a minute is `now`.
pub(crate) fn age(age: Duration) -> String {
    match age.as_secs() {
        0..60 => "now".to_owned(),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds @ 3_600..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// The time after which fal surely lists a request that it has accepted.
const LISTED: Duration = Duration::from_secs(30 * 60);

/// Returns the minutes until fal surely lists the request of a job, if it has accepted it. `None` if they have passed.
pub(crate) fn minutes_until_listed(job: &Record) -> Option<u64> {
    let left = LISTED.saturating_sub(since(job.intended_at.unwrap_or_default()));
    Some(left.as_secs().div_ceil(60)).filter(|minutes| *minutes > 0)
}
