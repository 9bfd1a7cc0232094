use std::fmt;

use fal_client::money::{Cost, Decimal, IntoAmount};

use crate::amount;
use crate::error::{Error, ErrorKind};
use crate::failure::Failure;
use crate::saved_file::{self, SavedFile};
use crate::state::{Event, State};

/// The version of the JSON in the text columns of a job. It changes when older versions of this crate cannot read them.
pub(crate) const FORMAT: i64 = 1;

/// The longest key, label, endpoint id and name of a budget in bytes. PostgreSQL's indexes are limited to about 2,700 bytes.
const MAX_NAME: usize = 1024;

/// A job as the journal has it.
///
/// ```no_run
/// # async fn example(journal: fal_jobs::Journal) -> Result<(), fal_jobs::Error> {
/// if let Some(job) = journal.get("hero-image").await? {
///     println!("{} is {} as request {:?}, and costs {:?}", job.key, job.state, job.request_id, job.cost());
/// }
/// # Ok(())
/// # }
/// ```
///
/// `Debug` leaves out the input and the output.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Record {
    /// The key: the caller's, or one of endpoint and input.
    pub key: String,
    /// The endpoint's id.
    pub endpoint: String,
    /// The caller's label.
    pub label: Option<String>,
    /// The state.
    pub state: State,
    /// The number of submissions that were started.
    pub attempt: i64,
    /// The request id, once fal has accepted the job.
    pub request_id: Option<String>,
    /// The input as canonical JSON. Local files are their SHA-256.
    pub input: String,
    /// The output as JSON, if the job is completed.
    pub output: Option<String>,
    /// The billable units as decimal text.
    pub units: Option<String>,
    /// Time of creation, in milliseconds since 1970.
    pub created_at: i64,
    /// Time of the last intent, in milliseconds since 1970.
    pub intended_at: Option<i64>,
    /// Time of the last submission, in milliseconds since 1970.
    pub submitted_at: Option<i64>,
    /// Time of completion or failure, in milliseconds since 1970.
    pub finished_at: Option<i64>,
    pub(crate) id: i64,
    pub(crate) format: i64,
    pub(crate) input_hash: String,
    pub(crate) request: Option<String>,
    /// Options of the submission as JSON.
    pub(crate) options: Option<String>,
    pub(crate) billing: Billing,
    pub(crate) cost: Option<i64>,
    pub(crate) cost_is_estimated: bool,
    pub(crate) reserved: i64,
    pub(crate) error: Option<String>,
    pub(crate) files: Option<String>,
    /// The request ids of earlier submissions as a JSON array.
    pub(crate) earlier: Option<String>,
    pub(crate) webhook: bool,
    /// Workers may send it.
    pub(crate) enqueued: bool,
    pub(crate) claim: Option<String>,
    pub(crate) revision: i64,
    /// Data was removed from it.
    pub(crate) redacted: bool,
    /// Time of the database when it read the job, in milliseconds since 1970.
    pub(crate) read_at: i64,
    /// True if no living process works on the job.
    pub(crate) is_abandoned: bool,
}

/// A job to be recorded.
#[derive(Clone)]
pub(crate) struct NewRecord {
    pub(crate) key: String,
    pub(crate) endpoint: String,
    pub(crate) label: Option<String>,
    pub(crate) input: String,
    pub(crate) input_hash: String,
    pub(crate) request: Option<String>,
    pub(crate) options: Option<String>,
    pub(crate) billing: Billing,
    pub(crate) webhook: bool,
    /// Workers may send it.
    pub(crate) enqueued: bool,
}

/// The prices of a job's submissions. Amounts are billionths of a dollar.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Billing {
    pub(crate) budget: Option<String>,
    /// The budget that `budget` is within.
    pub(crate) outer: Option<String>,
    /// The amount that is reserved in the budget during a submission.
    pub(crate) estimate: i64,
    /// The price of a unit in dollars, as decimal text.
    pub(crate) unit_price: Option<String>,
}

impl Billing {
    /// Returns the names of the budgets that the job is charged to.
    pub(crate) fn budgets(&self) -> impl Iterator<Item = &str> {
        self.budget.iter().chain(&self.outer).map(String::as_str)
    }
}

impl Record {
    /// Returns the error of a failed job.
    pub fn failure(&self) -> Option<Failure> {
        self.error.as_deref().map(Failure::from_json)
    }

    /// Returns true if data was removed from the job, by [`Journal::redact`](crate::Journal::redact) or
    /// [`JournalBuilder::redact`](crate::JournalBuilder::redact).
    pub fn is_redacted(&self) -> bool {
        self.redacted
    }

    /// Returns the size of the texts in bytes.
    pub(crate) fn size(&self) -> usize {
        let texts = [&self.request, &self.output, &self.error, &self.files];
        self.input.len() + texts.into_iter().flatten().map(String::len).sum::<usize>()
    }

    /// Returns the files of the output that were saved.
    pub fn files(&self) -> Vec<SavedFile> {
        saved_file::parsed(self.files.as_deref())
    }

    /// Returns the request ids of earlier submissions, which the caller permitted to be repeated. fal may have billed them.
    pub fn earlier_request_ids(&self) -> Vec<String> {
        self.earlier.as_deref().and_then(|ids| serde_json::from_str(ids).ok()).unwrap_or_default()
    }

    /// Returns the cost of all submissions of the job, at the prices of their time. `None` without a budget, if the price or the
    /// billed units are unknown.
    ///
    /// In a budget, a submission with an unknown price or unknown units costs its estimate. So does an uncertain one that was followed
    /// by another. [`is_cost_estimated`](Self::is_cost_estimated) is true then.
    pub fn cost(&self) -> Option<Cost> {
        self.cost.map(amount::to_cost)
    }

    /// Returns true if the [cost](Self::cost) includes the estimate of a submission, because its price or its billed units are unknown.
    pub fn is_cost_estimated(&self) -> bool {
        self.cost_is_estimated
    }

    /// Takes over the billing of a call that may send the job.
    pub(crate) fn join(&mut self, billing: &Billing) {
        let has_terms = billing.budget.is_some() || self.billing == Billing::default();
        if self.may_be_sent() && has_terms {
            self.billing = billing.clone();
        }
    }

    /// Charges the job to the budget of a call that may send it, in addition to its own.
    pub(crate) fn charge(&mut self, billing: &Billing) {
        let own = (&self.billing.budget, &self.billing.outer);
        match own {
            _ if !self.may_be_sent() => {}
            (None, _) => self.billing = billing.clone(),
            (own, None) if *own != billing.budget => self.billing.outer = billing.budget.clone(),
            _ => {}
        }
    }

    fn may_be_sent(&self) -> bool {
        matches!(self.state, State::Waiting | State::Failed)
    }

    /// Applies a change at a time in milliseconds since 1970.
    ///
    /// A change that is already there has no effect, so a change whose commit is unknown can be applied again.
    ///
    /// # Errors
    ///
    /// The state does not allow the change. The record is unchanged.
    pub(crate) fn apply(&mut self, event: &Event, now: i64) -> Result<(), Error> {
        match (self.state, event) {
            (State::Waiting, Event::Intend { claim, attempt, request, webhook })
                if self.claim.as_ref() == Some(claim) && *attempt == self.attempt + 1 =>
            {
                if let Some(id) = self.request_id.take() {
                    self.remember(id);
                }
                self.state = State::Intended;
                self.attempt = *attempt;
                self.request = Some(request.clone());
                // The submission before, which the caller permitted to be repeated, may be billed as well.
                self.settle(None, self.reserved);
                self.reserved = if self.billing.budget.is_some() { self.billing.estimate } else { 0 };
                self.webhook = *webhook;
                self.error = None;
                (self.intended_at, self.submitted_at, self.finished_at) = (Some(now), None, None);
            }
            // This claim's own intent, whose commit was unknown.
            (State::Intended, Event::Intend { claim, attempt, .. })
                if self.claim.as_ref() == Some(claim) && *attempt == self.attempt => {}

            // The response may arrive after another process has given the submission up as uncertain, and after the caller has
            // permitted another one.
            (State::Intended | State::Uncertain | State::Waiting, Event::Submit { attempt, request_id })
                if *attempt == self.attempt && self.request_id.as_ref() != Some(request_id) =>
            {
                self.submitted(request_id, now);
            }
            // What fal has accepted is never forgotten.
            (_, Event::Submit { request_id, .. }) => self.remember(request_id.clone()),

            (State::Intended | State::Uncertain, Event::Withdraw { attempt }) if *attempt == self.attempt => {
                self.state = State::Waiting;
                self.reserved = 0;
            }
            (State::Waiting, Event::Withdraw { attempt }) if *attempt == self.attempt => self.reserved = 0,

            (State::Intended, Event::Doubt { attempt }) if *attempt == self.attempt => {
                self.state = State::Uncertain;
            }
            // More is known already.
            (_, Event::Doubt { attempt }) if *attempt <= self.attempt => {}

            (State::Submitted, Event::Complete { request_id, output, units })
                if self.request_id.as_ref() == Some(request_id) =>
            {
                self.state = State::Completed;
                self.output = Some(storable(output));
                self.finished(units.as_deref(), self.reserved, now);
            }
            (State::Completed, Event::Complete { request_id, .. }) if self.request_id.as_ref() == Some(request_id) => {}

            // Another process may report the failure of a request that was given up meanwhile.
            (State::Submitted, Event::Fail { request_id, error, units, .. }) if self.request_id == *request_id => {
                let otherwise = if Failure::from_json(error).may_be_billed { self.reserved } else { 0 };
                self.fail(error, units.as_deref(), otherwise, now);
            }
            (
                State::Waiting | State::Intended | State::Uncertain,
                Event::Fail { attempt, request_id: None, error, units },
            ) if *attempt == self.attempt => {
                // A job that waits may have a reservation of an earlier submission, which may be billed.
                let may_be_billed = self.state == State::Waiting || Failure::from_json(error).may_be_billed;
                let otherwise = if may_be_billed { self.reserved } else { 0 };
                self.fail(error, units.as_deref(), otherwise, now);
            }
            (State::Failed, Event::Fail { request_id: Some(id), .. }) if self.request_id.as_ref() == Some(id) => {}
            (State::Failed, Event::Fail { attempt, request_id: None, .. }) if *attempt == self.attempt => {}

            (State::Completed, Event::Save { files }) => {
                self.files = saved_file::merged(self.files.as_deref(), files);
            }

            (State::Uncertain | State::Failed, Event::Adopt { request_id }) => self.submitted(request_id, now),
            (State::Submitted | State::Completed, Event::Adopt { request_id })
                if self.request_id.as_ref() == Some(request_id) => {}

            (State::Uncertain | State::Failed, Event::Permit { attempt }) if *attempt == self.attempt => {
                self.state = State::Waiting;
                (self.finished_at, self.error) = (None, None);
            }
            (State::Waiting, Event::Permit { attempt }) if *attempt == self.attempt => {}
            // The submission that the caller permitted has begun.
            (_, Event::Permit { attempt }) if *attempt < self.attempt => {}

            (state, event) => {
                let message = format!("the state `{state}` does not allow the change `{}`", event.name());
                return Err(Error::new(ErrorKind::State, message).of(&self.key));
            }
        }
        Ok(())
    }

    fn submitted(&mut self, request_id: &str, now: i64) {
        if let Some(id) = self.request_id.take().filter(|id| id != request_id) {
            self.remember(id);
        }
        (self.finished_at, self.error) = (None, None);
        self.state = State::Submitted;
        self.request_id = Some(request_id.to_owned());
        self.submitted_at = Some(now);
    }

    fn fail(&mut self, error: &str, units: Option<&str>, otherwise: i64, now: i64) {
        self.state = State::Failed;
        self.error = Some(storable(error));
        self.finished(units, otherwise, now);
    }

    fn finished(&mut self, units: Option<&str>, otherwise: i64, now: i64) {
        self.settle(units, otherwise);
        self.claim = None;
        self.finished_at = Some(now);
    }

    /// Ends a reservation, and counts the cost of the billed units. If it is unknown, counts `otherwise`.
    fn settle(&mut self, units: Option<&str>, otherwise: i64) {
        let price = || self.billing.unit_price.as_deref()?.parse::<Decimal>().ok();
        let billed = units.and_then(|units| units.into_amount().ok()).zip(price());
        // A product that is out of range is beyond every budget.
        let billed = billed.map(|(units, price)| units.checked_mul(price).map_or(amount::MAX, amount::from_dollars));
        let is_estimated = billed.is_none();
        if let Some(billed) = billed.or(Some(otherwise).filter(|otherwise| *otherwise > 0)) {
            self.cost = Some(self.cost.unwrap_or(0).saturating_add(billed));
            self.cost_is_estimated |= is_estimated;
        }
        if let Some(units) = units {
            self.units = Some(storable(units));
        }
        self.reserved = 0;
    }

    /// Keeps the request id of another submission.
    fn remember(&mut self, request_id: String) {
        let mut ids = self.earlier_request_ids();
        if self.request_id.as_ref() != Some(&request_id) && !ids.contains(&request_id) {
            ids.push(request_id);
            self.earlier = Some(serde_json::json!(ids).to_string());
        }
    }
}

/// Without input and output.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("key", &self.key)
            .field("endpoint", &self.endpoint)
            .field("label", &self.label)
            .field("state", &self.state)
            .field("attempt", &self.attempt)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

impl NewRecord {
    /// Rejects names that a database cannot store or index.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let names = [
            ("key", Some(&self.key)),
            ("endpoint id", Some(&self.endpoint)),
            ("label", self.label.as_ref()),
            ("budget name", self.billing.budget.as_ref()),
            ("budget name", self.billing.outer.as_ref()),
        ];
        for (kind, name) in names {
            if let Some(name) = name {
                check_name(kind, name)?;
            }
        }
        Ok(())
    }
}

/// Rejects a name that a database cannot store or index.
pub(crate) fn check_name(kind: &str, name: &str) -> Result<(), Error> {
    let problem = if name.is_empty() {
        "it is empty".to_owned()
    } else if name.len() > MAX_NAME {
        format!("it has {} bytes, and at most {MAX_NAME} are allowed", name.len())
    } else if name.contains('\0') {
        "it has a NUL character".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Configuration, format!("invalid {kind}: {problem}")))
}

/// Returns text that both databases can store. PostgreSQL does not store NUL, which JSON does not contain either.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

impl Event {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Event::Intend { .. } => "intend",
            Event::Submit { .. } => "submit",
            Event::Withdraw { .. } => "withdraw",
            Event::Doubt { .. } => "doubt",
            Event::Complete { .. } => "complete",
            Event::Fail { .. } => "fail",
            Event::Save { .. } => "save",
            Event::Adopt { .. } => "adopt",
            Event::Permit { .. } => "permit",
        }
    }
}
