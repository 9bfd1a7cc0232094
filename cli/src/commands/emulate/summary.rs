//! The summary of what the emulator received.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fal_emulator::{AcceptedJob, Decimal, Emulator, JobState, Operation, ReceivedRequest};
use serde::{Serialize, Serializer};

use crate::commands::folders::count;
use crate::error::{Error, Exit};
use crate::layout::plain;

/// The most lines of a kind in the text, and the most kinds of findings that are kept.
const MAX_LINES: usize = 10;
const MAX_FINDINGS: usize = 1_000;

/// Counts of requests and jobs, while the emulator runs. The emulator itself keeps the latest only.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    requests: u64,
    jobs: BTreeMap<String, u64>,
    failures: Findings,
    mistakes: Findings,
    /// The endpoints of calls that were not found.
    not_found: BTreeSet<String>,
}

/// Requests by what is remarkable about them.
#[derive(Debug, Default)]
struct Findings {
    counts: BTreeMap<(String, String), u64>,
    /// The number of requests that are not among them.
    further: u64,
}

impl Findings {
    fn add(&mut self, reason: String, request: String) {
        let key = (reason, request);
        match self.counts.len() < MAX_FINDINGS || self.counts.contains_key(&key) {
            true => *self.counts.entry(key).or_default() += 1,
            false => self.further += 1,
        }
    }

    fn total(&self) -> u64 {
        self.counts.values().sum::<u64>() + self.further
    }

    fn list(&self) -> Vec<Finding> {
        let counts = self.counts.iter();
        let mut list: Vec<Finding> = counts
            .map(|((reason, request), count)| Finding {
                reason: reason.clone(),
                request: request.clone(),
                count: *count,
            })
            .collect();
        list.sort_by_key(|finding| std::cmp::Reverse(finding.count));
        list
    }
}

impl Tally {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request whose response is decided.
    pub(crate) fn request(&self, request: &ReceivedRequest) {
        let mut counts = self.lock();
        counts.requests += 1;
        let failure = match request.status() {
            Some(status) if status >= 400 => Some(status.to_string()),
            Some(_) => None,
            // A newer input of a connection may replace one that waits.
            None if request.operation() == Operation::RealtimeInput => None,
            None => Some("no response".to_owned()),
        };
        if let Some(failure) = failure {
            counts.failures.add(failure, shown(request));
        }
        let is_call = matches!(request.operation(), Operation::Submit | Operation::Run | Operation::Stream);
        let not_found = request.endpoint().filter(|_| is_call && request.status() == Some(404));
        if let Some(endpoint) = not_found.filter(|_| counts.not_found.len() < MAX_FINDINGS) {
            counts.not_found.insert(endpoint.to_owned());
        }
        if let Some(mistake) = request.mistake() {
            counts.mistakes.add(mistake.to_owned(), shown(request));
        }
    }

    /// Counts a job.
    pub(crate) fn job(&self, job: &AcceptedJob) {
        *self.lock().jobs.entry(job.endpoint().to_owned()).or_default() += 1;
    }
}

/// Describes a request, without the id that makes it different from others of its kind.
fn shown(request: &ReceivedRequest) -> String {
    let path = request.path().trim_start_matches('/');
    let path = match request.request_id() {
        Some(id) => path.replace(id, "{id}"),
        None => path.to_owned(),
    };
    plain(&format!("{} {path}", request.method()))
}

/// The jobs of earlier runs, which a state file keeps.
#[derive(Debug)]
pub(crate) struct Earlier {
    jobs: HashSet<String>,
    costs: BTreeMap<String, Decimal>,
}

impl Earlier {
    pub(crate) fn new(emulator: &Emulator) -> Self {
        let cost = |id: &str| (id.to_owned(), emulator.billed_on(id).cost());
        Earlier {
            jobs: emulator.jobs().iter().map(|job| job.request_id().to_owned()).collect(),
            costs: emulator.endpoints().map(cost).collect(),
        }
    }

    fn cost_since(&self, endpoint: &str, emulator: &Emulator) -> Decimal {
        let before = self.costs.get(endpoint).copied().unwrap_or_default();
        (emulator.billed_on(endpoint).cost() - before).normalize()
    }
}

/// Facts about a run of the emulator.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// The exit code of the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<u8>,
    requests: u64,
    jobs: u64,
    /// The costs of completed jobs, or `None` without a price.
    #[serde(serialize_with = "number")]
    cost_usd: Option<Decimal>,
    endpoints: Vec<Endpoint>,
    failed_requests: u64,
    failures: Vec<Finding>,
    mistakes: Vec<Finding>,
    /// Connections and requests to other hosts than fal's, by the host.
    refused_hosts: BTreeMap<String, u64>,
    /// Called endpoints whose documents are missing.
    unknown_endpoints: Vec<String>,
    /// Requests that were not recorded, or have no record.
    record_problems: Vec<String>,
    /// Records of a replay that were not used.
    unused_records: Vec<String>,
}

/// The jobs of an endpoint.
#[derive(Debug, Serialize)]
struct Endpoint {
    endpoint: String,
    jobs: u64,
    completed: u64,
    failed: u64,
    cancelled: u64,
    /// Queued or running.
    unfinished: u64,
    #[serde(serialize_with = "number")]
    cost_usd: Option<Decimal>,
}

/// Requests that have the same problem.
#[derive(Debug, Serialize)]
struct Finding {
    reason: String,
    request: String,
    count: u64,
}

impl Summary {
    /// Sums up. `is_priced` tells whether an endpoint has a price.
    pub(crate) fn new(
        tally: &Tally,
        emulator: &Emulator,
        is_priced: impl Fn(&str) -> bool,
        exit_code: Option<u8>,
        earlier: &Earlier,
    ) -> Self {
        let counts = tally.lock();
        let mut endpoints: Vec<Endpoint> = counts
            .jobs
            .iter()
            .map(|(endpoint, jobs)| Endpoint {
                endpoint: endpoint.clone(),
                jobs: *jobs,
                completed: 0,
                failed: 0,
                cancelled: 0,
                unfinished: 0,
                cost_usd: is_priced(endpoint).then(|| earlier.cost_since(endpoint, emulator)),
            })
            .collect();
        for job in emulator.jobs().iter().filter(|job| !earlier.jobs.contains(job.request_id())) {
            let Some(endpoint) = endpoints.iter_mut().find(|other| other.endpoint == job.endpoint()) else { continue };
            let count = match (job.state(), job.status()) {
                _ if job.was_cancelled() => &mut endpoint.cancelled,
                (JobState::Completed, Some(status)) if status >= 400 => &mut endpoint.failed,
                (JobState::Completed, _) => &mut endpoint.completed,
                _ => &mut endpoint.unfinished,
            };
            *count += 1;
        }
        let unknown = counts.not_found.iter().filter(|id| emulator.endpoints().all(|served| served != id.as_str()));
        let is_any_priced = endpoints.iter().any(|endpoint| endpoint.cost_usd.is_some());
        Summary {
            exit_code,
            requests: counts.requests,
            jobs: counts.jobs.values().sum(),
            cost_usd: is_any_priced.then(|| endpoints.iter().filter_map(|endpoint| endpoint.cost_usd).sum()),
            endpoints,
            failed_requests: counts.failures.total(),
            failures: counts.failures.list(),
            mistakes: counts.mistakes.list(),
            refused_hosts: emulator.refused_hosts(),
            unknown_endpoints: unknown.cloned().collect(),
            record_problems: emulator.record_problems(),
            unused_records: emulator.unused_records(),
        }
    }

    /// Returns the summary as lines.
    pub(crate) fn to_text(&self) -> String {
        let mut lines = vec![self.headline()];
        lines.extend(self.endpoints.iter().map(Endpoint::to_line));
        push(&mut lines, "failed", &self.failures, |finding| format!("{} {}", finding.reason, finding.request));
        push(&mut lines, "mistake", &self.mistakes, |finding| format!("{}: {}", finding.reason, finding.request));
        // In a replay, the records are missing.
        let unknown = self.unknown_endpoints.iter().filter(|_| self.record_problems.is_empty()).map(|id| {
            let id = plain(id);
            format!(
                "unknown: {id}; fetch its document with `cargo fal add {id}`, and serve it with `--schemas schemas`"
            )
        });
        lines.extend(unknown.take(MAX_LINES));
        let refused = self.refused_hosts.iter().map(|(host, number)| {
            let connections = count(usize::try_from(*number).unwrap_or(usize::MAX), "connection");
            format!("refused: {connections} to {}; allow it with --allow-network", plain(host))
        });
        lines.extend(refused.take(MAX_LINES));
        if self.refused_hosts.len() > MAX_LINES {
            lines.push(format!("refused: {} more hosts", self.refused_hosts.len() - MAX_LINES));
        }
        lines.join("\n  ")
    }

    /// Requires that the records fit the requests.
    pub(crate) fn check_records(&self) -> Result<(), Error> {
        let list = |title: &str, lines: &[String]| match lines {
            [] => String::new(),
            lines => format!("\n{title}:\n  {}", lines.join("\n  ")),
        };
        let findings =
            list("requests", &self.record_problems) + &list("records that were not used", &self.unused_records);
        match findings.is_empty() {
            true => Ok(()),
            false => Err(Error::new(Exit::Failed, format!("the records do not fit the requests:{findings}"))),
        }
    }

    fn headline(&self) -> String {
        if self.requests == 0 {
            return "emulator: no requests".to_owned();
        }
        let number = |number: u64, thing: &str| count(usize::try_from(number).unwrap_or(usize::MAX), thing);
        let mut parts = vec![number(self.requests, "request")];
        if self.failed_requests > 0 {
            parts[0].push_str(&format!(" ({} failed)", self.failed_requests));
        }
        parts.push(number(self.jobs, "job"));
        match self.cost_usd {
            Some(cost) => parts.push(dollars(cost)),
            None if self.jobs > 0 => parts.push("no costs without --price".to_owned()),
            None => {}
        }
        format!("emulator: {}", parts.join(", "))
    }
}

impl Endpoint {
    fn to_line(&self) -> String {
        let states = [
            (self.completed, "completed"),
            (self.failed, "failed"),
            (self.cancelled, "cancelled"),
            (self.unfinished, "unfinished"),
        ];
        let states =
            states.into_iter().filter(|(count, _)| *count > 0).map(|(count, state)| format!("{count} {state}"));
        let cost = self.cost_usd.map(|cost| format!(", {}", dollars(cost))).unwrap_or_default();
        format!("{}: {}{cost}", plain(&self.endpoint), states.collect::<Vec<_>>().join(", "))
    }
}

/// Adds the most frequent findings.
fn push(lines: &mut Vec<String>, kind: &str, findings: &[Finding], describe: impl Fn(&Finding) -> String) {
    for finding in findings.iter().take(MAX_LINES) {
        let times = if finding.count > 1 { format!(" ({} times)", finding.count) } else { String::new() };
        lines.push(format!("{kind}: {}{times}", describe(finding)));
    }
    if findings.len() > MAX_LINES {
        lines.push(format!("{kind}: {} more kinds, see --log", findings.len() - MAX_LINES));
    }
}

/// Formats an amount with at least two decimals.
fn dollars(amount: Decimal) -> String {
    let amount = amount.normalize();
    match amount.scale() < 2 {
        true => format!("${amount:.2}"),
        false => format!("${amount}"),
    }
}

fn number<S: Serializer>(amount: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
    amount.and_then(|amount| amount.to_string().parse::<f64>().ok()).serialize(serializer)
}
