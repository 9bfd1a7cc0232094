use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rust_decimal::Decimal;

use super::amount::{IntoAmount, not_negative};
use super::ledger::Ledger;
use super::{Cost, Estimate, EstimateBasis, Price, Reservation, USD};
use crate::error::{Error, ErrorKind};

/// A limit for the cost of requests, in US dollars. Clients refuse a request that could exceed it, before they send anything.
///
/// ```
/// use fal_client::Client;
/// use fal_client::money::{Budget, IntoAmount, Price};
///
/// # fn main() -> Result<(), fal_client::Error> {
/// let price = Price::new("fal-ai/flux/dev", "0.025".into_amount()?, "megapixels");
/// let budget = Budget::usd(5.0).prices([price]).expect_units("fal-ai/flux/dev", 1);
/// let client = Client::builder().key("id:secret").budget(budget.clone()).build()?;
/// // … use the client …
/// println!("{} of {} are left", budget.remaining(), budget.limit());
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
///
/// Clones share the limit and the settings. So do the clones of a client, and several clients with the same budget.
///
/// # Reservations
///
/// Before a request is sent, its expected cost is reserved. That takes a price ([`prices`](Self::prices)) and expected units: those of
/// the call, such as [`Subscribe::expected_units`](crate::Subscribe::expected_units), or else those of the endpoint
/// ([`expect_units`](Self::expect_units), [`expect_estimate`](Self::expect_estimate)). A request without them is refused, because the
/// budget never assumes one unit.
///
/// The request is refused if the limit has less left than its expected cost, after what is spent and reserved. Concurrent calls
/// cannot exceed the limit together. A request that is billed more than expected can: then nothing is left.
///
/// | the request | the reservation |
/// | --- | --- |
/// | has a response with billed units, also with an error status | becomes the exact cost |
/// | was not sent, or was rejected without being billed | is released |
/// | was removed from the queue by its cancellation | is released |
/// | may be billed, and the units are unknown | becomes spent |
/// | was submitted, and its result was not read | stays until a client with this budget reads the result, or until [`settle`](Self::settle) or [`release`](Self::release) |
///
/// Requests that are not submitted with this budget, such as those of an earlier process, are not counted:
/// [`with_spent`](Self::with_spent) and [`with_reserved`](Self::with_reserved) restore what is known about them.
#[derive(Clone)]
pub struct Budget {
    ledger: Arc<Mutex<Ledger>>,
}

/// The amounts of a [`Budget`] at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BudgetSnapshot {
    /// The limit.
    pub limit: Cost,
    /// The cost of finished requests.
    pub spent: Cost,
    /// The expected cost of requests in flight.
    pub reserved: Cost,
}

impl BudgetSnapshot {
    /// Returns the part of the limit that is neither spent nor reserved. Never negative.
    pub fn remaining(&self) -> Cost {
        let left = self.limit.amount.saturating_sub(self.spent.amount).saturating_sub(self.reserved.amount);
        Cost::new(left.max(Decimal::ZERO), USD)
    }
}

impl Budget {
    /// Creates a budget with a limit in US dollars.
    ///
    /// An invalid limit, such as a negative one, is an error of [`ClientBuilder::build`](crate::ClientBuilder::build), of
    /// [`check`](Self::check) and of [`reserve`](Self::reserve). The same is true for the other amounts of a budget.
    pub fn usd(limit: impl IntoAmount) -> Self {
        let (limit, invalid) = match not_negative(limit) {
            Ok(limit) => (limit, None),
            Err(error) => (Decimal::ZERO, Some(error.context("the limit of the budget"))),
        };
        Budget { ledger: Arc::new(Mutex::new(Ledger::new(limit, invalid))) }
    }

    /// Adds prices: a [`PriceTable`](super::PriceTable) or other prices. Default: none. A price replaces an earlier one of the same
    /// endpoint.
    pub fn prices(self, prices: impl IntoIterator<Item = Price>) -> Self {
        self.ledger().prices.extend(prices);
        self
    }

    /// Sets the units that a call of an endpoint is expected to be billed, in the endpoint's billing unit. Default: unknown.
    pub fn expect_units(self, endpoint: impl AsRef<str>, units: impl IntoAmount) -> Self {
        let (endpoint, units) = (endpoint.as_ref(), not_negative(units));
        self.ledger().expect_units(endpoint, units.map_err(|error| error.context("the expected units")));
        self
    }

    /// Sets the expected cost of a call of an endpoint by an estimate: the units that it was given, or the average cost of past
    /// calls. Default: unknown.
    ///
    /// An average of $0 does not count, unless the endpoint is free: it may have no past calls.
    pub fn expect_estimate(self, estimate: &Estimate) -> Self {
        match estimate.basis {
            EstimateBasis::GivenUnits(units) => self.expect_units(&estimate.endpoint, units),
            EstimateBasis::HistoricalUnits { .. } => {
                self.ledger().expect_cost(&estimate.endpoint, estimate.cost_per_call());
                self
            }
        }
    }

    /// Allows requests whose cost cannot be estimated. Default: `false`, which refuses them.
    ///
    /// Nothing is reserved for them, and they are refused only if nothing is left. What they are billed is counted if the price is
    /// known. Realtime connections, and proxies of the module `proxy`, need this, and are not counted.
    pub fn allow_unpriced(self, allow: bool) -> Self {
        self.ledger().allows_unpriced = allow;
        self
    }

    /// Adds an amount in US dollars that was spent before, for example by an earlier process. Default: 0.
    pub fn with_spent(self, amount: impl IntoAmount) -> Self {
        let amount = not_negative(amount).map_err(|error| error.context("the spent amount"));
        self.ledger().add_spent(amount);
        self
    }

    /// Reserves an amount in US dollars for a request that was submitted before, for example by an earlier process, even beyond
    /// the limit. Default: none.
    pub fn with_reserved(self, endpoint: &str, request_id: &str, amount: impl IntoAmount) -> Self {
        let amount = not_negative(amount).map_err(|error| error.context("the reserved amount"));
        self.ledger().restore(endpoint, request_id, amount);
        self
    }

    /// Checks the amounts with which the budget was created.
    ///
    /// # Errors
    ///
    /// An amount is negative, not a number, or in another currency than US dollars
    /// ([`ErrorKind::Amount`](crate::ErrorKind::Amount)).
    pub fn check(&self) -> Result<(), Error> {
        self.ledger().check()
    }

    /// Returns the limit.
    pub fn limit(&self) -> Cost {
        self.snapshot().limit
    }

    /// Returns the cost of finished requests. It can exceed the limit, because a request can be billed more than expected.
    pub fn spent(&self) -> Cost {
        self.snapshot().spent
    }

    /// Returns the expected cost of requests in flight.
    pub fn reserved(&self) -> Cost {
        self.snapshot().reserved
    }

    /// Returns the part of the limit that is neither spent nor reserved. Never negative.
    pub fn remaining(&self) -> Cost {
        self.snapshot().remaining()
    }

    /// Returns all amounts of one moment.
    pub fn snapshot(&self) -> BudgetSnapshot {
        let ledger = self.ledger();
        let [limit, spent, reserved] =
            [ledger.limit, ledger.spent, ledger.reserved].map(|amount| Cost::new(amount, USD));
        BudgetSnapshot { limit, spent, reserved }
    }

    /// Reserves the expected cost of a request, for programs that send it by other means than a client with this budget. Such a
    /// client reserves on its own.
    ///
    /// `units` are those of the request; `None` stands for the expected units of the endpoint.
    ///
    /// ```
    /// use fal_client::money::{Budget, Cost, IntoAmount, Price};
    ///
    /// # fn main() -> Result<(), fal_client::Error> {
    /// let budget = Budget::usd(1).prices([Price::new("fal-ai/flux/dev", "0.5".into_amount()?, "megapixels")]);
    /// let reservation = budget.reserve("fal-ai/flux/dev", Some("1.5".into_amount()?))?;
    /// let error = budget.reserve("fal-ai/flux/dev", Some(1.into_amount()?)).expect_err("$0.25 is left");
    /// assert!(error.is_budget_exceeded());
    /// reservation.settle(&Cost::usd("0.4")?)?;
    /// assert_eq!(budget.remaining(), Cost::usd("0.6")?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - Too little is left ([`is_budget_exceeded`](Error::is_budget_exceeded)).
    /// - The price or the units are unknown ([`ErrorKind::UnknownPrice`](crate::ErrorKind::UnknownPrice),
    ///   [`ErrorKind::UnknownUnits`](crate::ErrorKind::UnknownUnits)).
    /// - An amount is invalid, as for [`check`](Self::check).
    pub fn reserve(&self, endpoint: &str, units: Option<Decimal>) -> Result<Reservation, Error> {
        let amount = self.ledger().reserve(endpoint, units).map_err(|error| error.with_endpoint(endpoint))?;
        Ok(Reservation::new(self.clone(), endpoint, amount))
    }

    /// Ends the reservation of a submitted request with its cost. Without such a reservation, it does nothing and returns false.
    ///
    /// Reading the result through a client with this budget does the same. So does waiting for its webhook, which does not have the
    /// units: then the expected cost is spent.
    ///
    /// # Errors
    ///
    /// The cost is negative, or not in US dollars ([`ErrorKind::Amount`](crate::ErrorKind::Amount)). The reservation stays.
    pub fn settle(&self, request_id: &str, cost: &Cost) -> Result<bool, Error> {
        let amount = in_usd(cost)?;
        Ok(self.ledger().close_request(request_id, |_, _| amount))
    }

    /// Ends the reservation of a submitted request that is not billed. Without such a reservation, it does nothing and returns
    /// false.
    pub fn release(&self, request_id: &str) -> bool {
        self.ledger().close_request(request_id, |_, _| Decimal::ZERO)
    }

    /// Ends the reservation of a submitted request. `None` is spent as it was expected.
    pub(crate) fn settle_units(&self, request_id: &str, units: Option<Decimal>) {
        self.ledger().close_request(request_id, |ledger, held| ledger.billed(&held.endpoint, units, held.amount));
    }

    /// Refuses requests of unknown cost, unless they are allowed.
    #[cfg(any(feature = "proxy", feature = "realtime"))]
    pub(crate) fn check_uncounted(&self, subject: &str) -> Result<(), Error> {
        self.ledger().check_uncounted(subject)
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BudgetSnapshot { limit, spent, reserved } = self.snapshot();
        write!(f, "Budget({limit}, spent {spent}, reserved {reserved})")
    }
}

/// Returns the amount of a cost that a budget can count.
pub(super) fn in_usd(cost: &Cost) -> Result<Decimal, Error> {
    if !cost.is_in(USD) {
        return Err(Error::new(ErrorKind::Amount, format!("cannot count {cost}: the budget is in {USD}")));
    }
    not_negative(cost.amount)
}
