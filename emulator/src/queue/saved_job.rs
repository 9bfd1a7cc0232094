//! The records of jobs in the state file.

use std::collections::BTreeMap;

use hyper::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::platform::bill::Bill;
use crate::queue::job::{Job, Prospect};
use crate::request::secret_name::is_secret_name;
use crate::response::failure::SavedFailure;
use crate::saved::change::nanos;
use crate::urls::Urls;

/// An accepted request.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct SavedJob {
    /// Jobs are numbered in the order in which they were accepted.
    pub(crate) number: u64,
    pub(crate) endpoint: String,
    pub(crate) is_direct: bool,
    pub(crate) method: String,
    /// The path without the query, which may have secrets.
    pub(crate) path: String,
    /// The headers that are not secret.
    pub(crate) headers: BTreeMap<String, String>,
    /// The base URL of the emulator, if the request was for it.
    pub(crate) base_url: Option<String>,
    pub(crate) body: String,
    /// Nanoseconds since 1970.
    pub(crate) submitted_at: u64,
    /// The time at which the job ends by itself, if that was known: nanoseconds since 1970. The pace may differ after a restart.
    #[serde(default)]
    pub(crate) ends_at: Option<u64>,
    /// Seconds.
    pub(crate) start_timeout: Option<f64>,
    pub(crate) prospect: SavedProspect,
    pub(crate) units: String,
    pub(crate) price: Option<SavedPrice>,
}

/// The outcome of a job.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) enum SavedProspect {
    /// The output is made from the input.
    Made,
    Scripted(Value),
    Failed(SavedFailure),
}

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct SavedPrice {
    pub(crate) unit_price: String,
    pub(crate) currency: String,
    pub(crate) unit: String,
    pub(crate) per_call: Option<String>,
}

/// The changes of a job that time did not make.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct SavedProgress {
    pub(crate) advanced: usize,
    /// Nanoseconds since 1970.
    pub(crate) advanced_at: Vec<u64>,
    pub(crate) ended: Option<SavedEnd>,
    /// The payloads were deleted.
    pub(crate) is_deleted: bool,
}

/// The early end of a job.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct SavedEnd {
    pub(crate) after: usize,
    pub(crate) reason: String,
    pub(crate) at: u64,
}

impl SavedJob {
    pub(crate) fn new(number: u64, job: &Job) -> Self {
        let received = &job.received;
        let Bill { units, price } = job.full_bill();
        SavedJob {
            number,
            endpoint: job.endpoint_id().to_owned(),
            is_direct: job.is_direct(),
            method: received.method().to_string(),
            path: received.path().to_owned(),
            headers: public(received.headers()),
            base_url: match received.urls() {
                Urls::Base(base) => Some(base.to_string()),
                Urls::Real => None,
            },
            body: String::from_utf8_lossy(received.body()).into_owned(),
            submitted_at: nanos(job.submitted_at()),
            ends_at: job.known_end().map(nanos),
            start_timeout: job.start_timeout().map(|timeout| timeout.as_secs_f64()),
            prospect: match &job.prospect {
                Ok(Prospect::Made(_)) => SavedProspect::Made,
                Ok(Prospect::Scripted(output)) => SavedProspect::Scripted((**output).clone()),
                Err(failure) => SavedProspect::Failed(failure.save()),
            },
            units: units.to_string(),
            price: price.as_deref().map(|price| SavedPrice {
                unit_price: price.unit_price.to_string(),
                currency: price.currency.clone(),
                unit: price.unit.clone(),
                per_call: price.per_call.map(|price| price.to_string()),
            }),
        }
    }
}

/// Returns the headers that say how the request is handled, and are not secret.
fn public(headers: &HeaderMap) -> BTreeMap<String, String> {
    let is_public = |name: &str| {
        let is_kept = name.starts_with("x-fal-") || ["content-type", "user-agent"].contains(&name);
        is_kept && !is_secret_name(name)
    };
    let kept = headers.iter().filter(|(name, _)| is_public(name.as_str()));
    kept.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned()))).collect()
}
