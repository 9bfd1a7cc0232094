use std::fmt;

use rust_decimal::Decimal;

use super::budget::in_usd;
use super::ledger::Held;
use super::{Budget, Cost, USD};
use crate::error::Error;

/// The reserved cost of one request. Created by [`Budget::reserve`].
///
/// Dropping it keeps the amount as spent, because the request may have been sent.
#[must_use = "a reservation that is dropped counts as spent"]
pub struct Reservation {
    budget: Budget,
    endpoint: String,
    /// `None` once it has ended.
    amount: Option<Decimal>,
}

impl Reservation {
    pub(super) fn new(budget: Budget, endpoint: &str, amount: Decimal) -> Self {
        Reservation { budget, endpoint: endpoint.to_owned(), amount: Some(amount) }
    }

    /// Returns the reserved amount.
    pub fn amount(&self) -> Cost {
        Cost::new(self.amount.unwrap_or_default(), USD)
    }

    /// Ends the reservation with the cost of the request.
    ///
    /// # Errors
    ///
    /// The cost is negative, or not in US dollars ([`ErrorKind::Amount`](crate::ErrorKind::Amount)). The reserved amount is spent
    /// then.
    pub fn settle(mut self, cost: &Cost) -> Result<(), Error> {
        let cost = in_usd(cost)?;
        self.close(|_| cost);
        Ok(())
    }

    /// Ends the reservation of a request that is not billed.
    pub fn release(mut self) {
        self.close(|_| Decimal::ZERO);
    }

    /// Keeps the amount reserved for a submitted request, until its result is read through a client with the budget, or until
    /// [`Budget::settle`] or [`Budget::release`].
    pub fn hold(mut self, request_id: &str) {
        if let Some(amount) = self.amount.take() {
            self.budget.ledger().hold(request_id, Held { endpoint: std::mem::take(&mut self.endpoint), amount });
        }
    }

    /// Ends the reservation with billed units.
    pub(crate) fn settle_units(mut self, units: Decimal) {
        let (budget, endpoint) = (self.budget.clone(), std::mem::take(&mut self.endpoint));
        self.close(|amount| budget.ledger().billed(&endpoint, Some(units), amount));
    }

    fn close(&mut self, cost: impl FnOnce(Decimal) -> Decimal) {
        if let Some(amount) = self.amount.take() {
            let cost = cost(amount);
            self.budget.ledger().close(amount, cost);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.close(|amount| amount);
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reservation({})", self.amount())
    }
}
