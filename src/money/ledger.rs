use std::collections::HashMap;

use rust_decimal::Decimal;

use super::budget::in_usd;
use super::price_table::canonical;
use super::{Cost, PriceTable, USD};
use crate::error::{Error, ErrorKind};

/// The amounts of a budget, and the settings that its clones share.
pub(super) struct Ledger {
    pub(super) limit: Decimal,
    pub(super) spent: Decimal,
    pub(super) reserved: Decimal,
    pub(super) prices: PriceTable,
    pub(super) allows_unpriced: bool,
    /// By endpoint.
    expected: HashMap<String, Expected>,
    /// Submitted requests whose results were not read, by request id.
    requests: HashMap<String, Held>,
    /// The error of the first invalid amount.
    invalid: Option<Error>,
}

/// The expectation about a call.
#[derive(Clone, Copy)]
enum Expected {
    Units(Decimal),
    Cost(Decimal),
}

/// The reservation of a submitted request.
pub(super) struct Held {
    pub(super) endpoint: String,
    pub(super) amount: Decimal,
}

impl Ledger {
    pub(super) fn new(limit: Decimal, invalid: Option<Error>) -> Self {
        Ledger {
            limit,
            spent: Decimal::ZERO,
            reserved: Decimal::ZERO,
            prices: PriceTable::new(),
            allows_unpriced: false,
            expected: HashMap::new(),
            requests: HashMap::new(),
            invalid,
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        self.invalid.clone().map_or(Ok(()), Err)
    }

    /// Returns an amount, or keeps its error until the budget is used.
    fn valid(&mut self, amount: Result<Decimal, Error>) -> Option<Decimal> {
        amount.map_err(|error| self.invalid.get_or_insert(error).clone()).ok()
    }

    pub(super) fn expect_units(&mut self, endpoint: &str, units: Result<Decimal, Error>) {
        if let Some(units) = self.valid(units) {
            self.expected.insert(canonical(endpoint).into_owned(), Expected::Units(units));
        }
    }

    pub(super) fn expect_cost(&mut self, endpoint: &str, cost: Result<Cost, Error>) {
        let amount = cost.and_then(|cost| in_usd(&cost)).map_err(|error| error.context("the expected cost"));
        if let Some(amount) = self.valid(amount) {
            self.expected.insert(canonical(endpoint).into_owned(), Expected::Cost(amount));
        }
    }

    pub(super) fn add_spent(&mut self, amount: Result<Decimal, Error>) {
        let amount = self.valid(amount).unwrap_or_default();
        self.spent = self.spent.saturating_add(amount);
    }

    pub(super) fn restore(&mut self, endpoint: &str, request_id: &str, amount: Result<Decimal, Error>) {
        let amount = self.valid(amount).unwrap_or_default();
        self.reserved = self.reserved.saturating_add(amount);
        self.hold(request_id, Held { endpoint: endpoint.to_owned(), amount });
    }

    /// Reserves the expected cost of a call, and returns it.
    pub(super) fn reserve(&mut self, endpoint: &str, units: Option<Decimal>) -> Result<Decimal, Error> {
        self.check()?;
        let left = self.limit.saturating_sub(self.spent).saturating_sub(self.reserved).max(Decimal::ZERO);
        let amount = match self.expected_cost(endpoint, units) {
            Err(error) if self.allows_unpriced && error.kind() != ErrorKind::Amount => match left.is_zero() {
                true => return Err(self.exceeded("an unknown amount", left)),
                false => Decimal::ZERO,
            },
            amount => amount?,
        };
        if amount > left {
            return Err(self.exceeded(&Cost::new(amount, USD).to_string(), left));
        }
        self.reserved = self.reserved.saturating_add(amount);
        Ok(amount)
    }

    fn expected_cost(&self, endpoint: &str, units: Option<Decimal>) -> Result<Decimal, Error> {
        let expected = match units {
            Some(units) => Some(Expected::Units(units)),
            None => self.expected.get(&*canonical(endpoint)).copied(),
        };
        match expected {
            Some(Expected::Cost(amount)) if !amount.is_zero() || self.is_free(endpoint) => Ok(amount),
            Some(Expected::Cost(_)) => {
                let message = "the estimate of the endpoint is $0, as without past calls: give the units with \
                               `expected_units` of the call, or with `Budget::expect_units`";
                Err(Error::new(ErrorKind::UnknownUnits, message))
            }
            Some(Expected::Units(units)) if self.prices.get(endpoint).is_some() => {
                in_usd(&self.prices.cost(endpoint, units)?)
            }
            Some(Expected::Units(_)) => {
                let message =
                    "the budget cannot estimate the cost: no price for the endpoint; add it with `Budget::prices`";
                Err(Error::new(ErrorKind::UnknownPrice, message))
            }
            None => {
                let message = "the budget cannot estimate the cost: the units of a call are unknown; give them with \
                               `expected_units` of the call, or with `Budget::expect_units`";
                Err(Error::new(ErrorKind::UnknownUnits, message))
            }
        }
    }

    fn is_free(&self, endpoint: &str) -> bool {
        self.prices.get(endpoint).is_some_and(|price| price.unit_price.is_zero())
    }

    fn exceeded(&self, needed: &str, left: Decimal) -> Error {
        let [limit, spent, reserved, left] =
            [self.limit, self.spent, self.reserved, left].map(|amount| Cost::new(amount, USD));
        let message = format!(
            "the budget is exceeded: the request needs {needed}, and {left} is left (limit {limit}, spent {spent}, \
             reserved {reserved})"
        );
        Error::new(ErrorKind::Budget, message)
    }

    /// Returns the amount that a request has cost. Without its units or its price, it is the expected amount.
    pub(super) fn billed(&self, endpoint: &str, units: Option<Decimal>, expected: Decimal) -> Decimal {
        let cost = units.and_then(|units| self.prices.cost(endpoint, units).ok());
        cost.and_then(|cost| in_usd(&cost).ok()).unwrap_or(expected)
    }

    /// Ends a reservation with what the request has cost.
    pub(super) fn close(&mut self, reserved: Decimal, cost: Decimal) {
        self.reserved = self.reserved.saturating_sub(reserved).max(Decimal::ZERO);
        self.spent = self.spent.saturating_add(cost);
    }

    /// Keeps a reservation until the request is settled.
    pub(super) fn hold(&mut self, request_id: &str, held: Held) {
        if let Some(earlier) = self.requests.insert(request_id.to_owned(), held) {
            self.close(earlier.amount, earlier.amount);
        }
    }

    /// Ends the reservation of a submitted request with its cost. Returns false without one.
    pub(super) fn close_request(&mut self, request_id: &str, cost: impl FnOnce(&Self, &Held) -> Decimal) -> bool {
        let Some(held) = self.requests.remove(request_id) else { return false };
        let cost = cost(self, &held);
        self.close(held.amount, cost);
        true
    }

    #[cfg(any(feature = "proxy", feature = "realtime"))]
    pub(super) fn check_uncounted(&self, subject: &str) -> Result<(), Error> {
        self.check()?;
        if self.allows_unpriced {
            return Ok(());
        }
        let message = format!(
            "the budget cannot count the cost of {subject}: use a client without a budget, or allow it with \
             `Budget::allow_unpriced`"
        );
        Err(Error::new(ErrorKind::UnknownUnits, message))
    }
}
