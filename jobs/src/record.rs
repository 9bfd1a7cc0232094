use fal_client::money::{Cost, Decimal, IntoAmount};

use crate::amount;
use crate::error::{Error, ErrorKind};
use crate::state::{Event, State};

/// The version of the JSON in the text columns of a job. It changes when older versions of this crate cannot read them.
pub(crate) const FORMAT: i64 = 1;

/// A job as the journal has it.
#[derive(Clone, Debug, PartialEq)]
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
    pub(crate) billing: Billing,
    pub(crate) cost: Option<i64>,
    pub(crate) reserved: i64,
    pub(crate) error: Option<String>,
    pub(crate) files: Option<String>,
    pub(crate) webhook: bool,
    pub(crate) claim: Option<String>,
    pub(crate) revision: i64,
    /// True if the lease of the claim has expired.
    pub(crate) is_abandoned: bool,
}

/// A job to be recorded.
#[derive(Clone, Debug)]
pub(crate) struct NewRecord {
    pub(crate) key: String,
    pub(crate) endpoint: String,
    pub(crate) label: Option<String>,
    pub(crate) input: String,
    pub(crate) input_hash: String,
    pub(crate) request: Option<String>,
    pub(crate) billing: Billing,
    pub(crate) webhook: bool,
}

/// The prices of a job's submissions. Amounts are billionths of a dollar.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Billing {
    pub(crate) budget: Option<String>,
    /// The amount that is reserved in the budget during a submission.
    pub(crate) estimate: i64,
    /// The price of a unit in dollars, as decimal text.
    pub(crate) unit_price: Option<String>,
}

impl Record {
    /// Applies a change at a time in milliseconds since 1970. A change that is already there has no effect.
    ///
    /// # Errors
    ///
    /// The state does not allow the change. The record is unchanged.
    pub(crate) fn apply(&mut self, event: &Event, now: i64) -> Result<(), Error> {
        let is_current = |attempt: &i64| *attempt == self.attempt;
        match (self.state, event) {
            (State::Waiting, Event::Intend { request }) => {
                self.state = State::Intended;
                self.attempt += 1;
                self.request = Some(request.clone());
                self.reserved = if self.billing.budget.is_some() { self.billing.estimate } else { 0 };
                self.intended_at = Some(now);
                (self.request_id, self.error) = (None, None);
            }
            // The response may arrive after another process has given the submission up as uncertain.
            (State::Intended | State::Uncertain, Event::Submit { attempt, request_id }) if is_current(attempt) => {
                self.state = State::Submitted;
                self.request_id = Some(request_id.clone());
                self.submitted_at = Some(now);
            }
            (State::Intended | State::Uncertain, Event::Withdraw { attempt }) if is_current(attempt) => {
                self.state = State::Waiting;
                self.reserved = 0;
            }
            (State::Intended, Event::Doubt { attempt }) if is_current(attempt) => self.state = State::Uncertain,
            (State::Submitted, Event::Complete { request_id, output, units })
                if self.request_id.as_ref() == Some(request_id) =>
            {
                self.state = State::Completed;
                self.output = Some(output.clone());
                self.settle(units.as_deref(), self.reserved);
                self.finished_at = Some(now);
            }
            (State::Intended | State::Submitted, Event::Fail { attempt, error, units }) if is_current(attempt) => {
                self.state = State::Failed;
                self.error = Some(error.clone());
                self.settle(units.as_deref(), 0);
                self.finished_at = Some(now);
            }
            (State::Uncertain, Event::Adopt { request_id }) => {
                self.state = State::Submitted;
                self.request_id = Some(request_id.clone());
                self.submitted_at = Some(now);
            }
            (State::Uncertain | State::Failed, Event::Permit) => {
                self.state = State::Waiting;
                // The first submission may be billed as well.
                self.settle(None, self.reserved);
                self.finished_at = None;
            }
            // Another process was first.
            (State::Submitted | State::Completed, Event::Submit { request_id, .. } | Event::Adopt { request_id })
            | (State::Completed, Event::Complete { request_id, .. })
                if self.request_id.as_ref() == Some(request_id) => {}
            (State::Waiting, Event::Permit) => {}
            (state, event) => {
                let message = format!("the state `{state}` does not allow the change `{}`", event.name());
                return Err(Error::new(ErrorKind::State, message).of(&self.key));
            }
        }
        Ok(())
    }

    /// Takes over the billing of a call, if the job was not sent yet.
    pub(crate) fn join(&mut self, new: &NewRecord) {
        let is_same = self.endpoint == new.endpoint && self.input_hash == new.input_hash;
        let has_terms = new.billing.budget.is_some() || self.billing == Billing::default();
        if self.state == State::Waiting && is_same && has_terms {
            self.billing = new.billing.clone();
        }
    }

    /// Returns the cost of all submissions of the job that are known to be billed, at the prices of their time. `None` if the price
    /// or the billed units are unknown.
    ///
    /// In a budget, a submission with unknown units costs its estimate. So does an uncertain one that was followed by another.
    pub fn cost(&self) -> Option<Cost> {
        self.cost.map(amount::to_cost)
    }

    /// Ends a reservation, and counts the cost of the billed units. If it is unknown, counts `otherwise`.
    fn settle(&mut self, units: Option<&str>, otherwise: i64) {
        let price = || self.billing.unit_price.as_deref()?.parse::<Decimal>().ok();
        let billed = units.and_then(|units| units.into_amount().ok()).zip(price());
        // A product that is out of range is beyond every budget.
        let billed = billed.map(|(units, price)| units.checked_mul(price).map_or(amount::MAX, amount::from_dollars));
        if let Some(billed) = billed.or(Some(otherwise).filter(|otherwise| *otherwise > 0)) {
            self.cost = Some(self.cost.unwrap_or(0).saturating_add(billed));
        }
        if let Some(units) = units {
            self.units = Some(units.to_owned());
        }
        self.reserved = 0;
    }
}

impl Event {
    fn name(&self) -> &'static str {
        match self {
            Event::Intend { .. } => "intend",
            Event::Submit { .. } => "submit",
            Event::Withdraw { .. } => "withdraw",
            Event::Doubt { .. } => "doubt",
            Event::Complete { .. } => "complete",
            Event::Fail { .. } => "fail",
            Event::Adopt { .. } => "adopt",
            Event::Permit => "permit",
        }
    }
}
