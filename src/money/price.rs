use rust_decimal::Decimal;
use serde::Serialize;

use super::amount::{IntoAmount, as_text, not_negative};
use super::{Cost, USD};
use crate::error::{Error, ErrorKind};

/// The price of an endpoint.
///
/// ```
/// use fal_client::money::{IntoAmount, Price};
///
/// # fn main() -> Result<(), fal_client::Error> {
/// let price = Price::new("fal-ai/flux/dev", "0.025".into_amount()?, "megapixels");
/// assert_eq!(price.cost(1.5)?.to_string(), "$0.0375");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Price {
    /// The id of the endpoint.
    #[serde(rename = "endpoint_id")]
    pub endpoint: String,
    /// The price of one unit.
    #[serde(serialize_with = "as_text")]
    pub unit_price: Decimal,
    /// The name of the unit, such as `image`, `megapixels` or `seconds`. fal's names are free text.
    pub unit: String,
    /// The code of the currency. Default: `USD`.
    pub currency: String,
}

impl Price {
    /// Creates a price in US dollars.
    pub fn new(endpoint: impl Into<String>, unit_price: Decimal, unit: impl Into<String>) -> Self {
        Price { endpoint: endpoint.into(), unit_price, unit: unit.into(), currency: USD.to_owned() }
    }

    /// Sets the currency.
    pub fn with_currency(mut self, currency: impl Into<String>) -> Self {
        self.currency = currency.into();
        self
    }

    /// Returns the cost of units.
    ///
    /// # Errors
    ///
    /// The unit price or the units are negative, or the cost is out of range ([`ErrorKind::Amount`]).
    pub fn cost(&self, units: impl IntoAmount) -> Result<Cost, Error> {
        let cost = || {
            let unit_price = not_negative(self.unit_price).map_err(|error| error.context("the unit price"))?;
            let units = not_negative(units).map_err(|error| error.context("the units"))?;
            let amount = unit_price.checked_mul(units).ok_or_else(|| {
                Error::new(ErrorKind::Amount, format!("the cost of {units} units at {unit_price} is out of range"))
            })?;
            Ok(Cost::new(amount.normalize(), self.currency.clone()))
        };
        cost().map_err(|error: Error| error.with_endpoint(&self.endpoint))
    }
}
