use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::account;
use crate::keys::Keys;
use crate::platform::prices::Table;
use crate::queue::accepted_job::AcceptedJob;
use crate::queue::concurrency::Limits;
use crate::queue::pace::Pace;
use crate::request::received_request::ReceivedRequest;

pub(crate) type OnRequest = Arc<dyn Fn(&ReceivedRequest) + Send + Sync>;

pub(crate) type OnJob = Arc<dyn Fn(&AcceptedJob) + Send + Sync>;

/// The settings of an emulator.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) keys: Keys,
    /// The state of the account at the start.
    pub(crate) account: account::State,
    pub(crate) pace: Pace,
    /// The seed of what the emulator chooses.
    pub(crate) seed: u64,
    /// The time before each response.
    pub(crate) latency: Duration,
    pub(crate) concurrency: Limits,
    /// The default start timeouts of endpoints, by id.
    pub(crate) start_timeouts: HashMap<String, Duration>,
    /// The time without events after which a stream sends a comment.
    pub(crate) keep_alive: Duration,
    pub(crate) token_lifetime: Duration,
    /// The time in which the files of an output are uploaded to a client's bucket.
    pub(crate) output_upload_time: Duration,
    /// The time without an input after which a realtime connection ends.
    pub(crate) session_timeout: Option<Duration>,
    /// The names under which the emulator is called, in addition to loopback names.
    pub(crate) allowed_hosts: Vec<String>,
    /// Requests to other hosts than fal's are passed on.
    pub(crate) allows_network: bool,
    /// The hosts to which webhooks are delivered, in addition to loopback hosts.
    pub(crate) webhook_hosts: Vec<String>,
    /// The prices and billable units at the start.
    pub(crate) prices: Table,
    /// The most requests of the platform API without a key, in a time.
    pub(crate) rate_limit: Option<(u32, Duration)>,
    /// The most requests, and the most jobs, that are kept.
    pub(crate) history: usize,
    /// The time after its start until a request appears in the history.
    pub(crate) listing_delay: Duration,
    /// Called with every job once it is accepted.
    pub(crate) on_job: Option<OnJob>,
    /// Called with every request once its response is decided.
    pub(crate) on_request: Option<OnRequest>,
}
