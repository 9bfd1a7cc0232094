use rust_decimal::Decimal;
use serde::Serialize;

use super::{Cost, Price, as_text};
use crate::error::{Error, ErrorKind};

/// An estimated cost, with its basis.
///
/// ```
/// use fal_client::money::{Cost, Estimate, EstimateBasis, IntoAmount, Price};
///
/// # fn main() -> Result<(), fal_client::Error> {
/// // fal has billed $0.45 for 10 calls on average, at $0.01 a unit: 4.5 units a call.
/// let price = Price::new("fal-ai/fast-sdxl", "0.01".into_amount()?, "units");
/// let estimate = Estimate::historical("fal-ai/fast-sdxl", Cost::usd("0.45")?, 10, Some(&price))?;
/// assert_eq!(estimate.cost_per_call()?.to_string(), "$0.0450");
/// assert_eq!(estimate.units_per_call(), Some("4.5".into_amount()?));
/// # Ok(())
/// # }
/// ```
///
/// An estimate never assumes one unit per call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Estimate {
    /// The id of the endpoint.
    #[serde(rename = "endpoint_id")]
    pub endpoint: String,
    /// The cost of all calls.
    pub cost: Cost,
    /// The number of calls.
    pub calls: u64,
    /// The basis of the estimate.
    pub basis: EstimateBasis,
}

/// The basis of an [`Estimate`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EstimateBasis {
    /// The units that the caller has given.
    GivenUnits(#[serde(serialize_with = "as_text")] Decimal),
    /// The average cost of past calls of the endpoint.
    #[non_exhaustive]
    HistoricalUnits {
        /// The average units of a call: its cost divided by the unit price. `None` for a free endpoint, and without a price.
        #[serde(serialize_with = "as_text")]
        units_per_call: Option<Decimal>,
    },
}

impl Estimate {
    /// The cost of one call, for the units that its caller has given.
    pub(crate) fn given(endpoint: &str, units: Decimal, cost: Cost) -> Self {
        Estimate { endpoint: endpoint.to_owned(), cost, calls: 1, basis: EstimateBasis::GivenUnits(units) }
    }

    /// Creates the estimate of `calls` calls that cost `total` according to past calls.
    ///
    /// # Errors
    ///
    /// The number of calls is zero, or the units of a call are out of range ([`ErrorKind::Amount`]).
    pub fn historical(
        endpoint: impl Into<String>,
        total: Cost,
        calls: u64,
        price: Option<&Price>,
    ) -> Result<Self, Error> {
        let basis = EstimateBasis::HistoricalUnits { units_per_call: None };
        let mut estimate = Estimate { endpoint: endpoint.into(), cost: total, calls, basis };
        let per_call = estimate.cost_per_call()?;
        let price = price.filter(|price| per_call.is_in(&price.currency) && !price.unit_price.is_zero());
        if let Some(price) = price {
            let units = per_call.amount.checked_div(price.unit_price);
            let units = units.ok_or_else(|| estimate.out_of_range("the units of a call"))?;
            estimate.basis = EstimateBasis::HistoricalUnits { units_per_call: Some(units.normalize()) };
        }
        Ok(estimate)
    }

    /// Returns the cost of one call.
    ///
    /// # Errors
    ///
    /// The number of calls is zero ([`ErrorKind::Amount`]).
    pub fn cost_per_call(&self) -> Result<Cost, Error> {
        let amount = self.cost.amount.checked_div(Decimal::from(self.calls));
        let amount = amount.ok_or_else(|| self.out_of_range("the cost of a call"))?;
        Ok(Cost::new(amount.normalize(), self.cost.currency.clone()))
    }

    /// Returns the units of one call, if they are known.
    pub fn units_per_call(&self) -> Option<Decimal> {
        match self.basis {
            EstimateBasis::GivenUnits(units) => Some(units),
            EstimateBasis::HistoricalUnits { units_per_call } => units_per_call,
        }
    }

    fn out_of_range(&self, what: &str) -> Error {
        let message = format!("{what} is out of range: {} for {} calls", self.cost, self.calls);
        Error::new(ErrorKind::Amount, message).with_endpoint(&self.endpoint)
    }
}
