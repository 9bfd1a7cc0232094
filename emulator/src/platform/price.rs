use rust_decimal::Decimal;

/// The price of an endpoint, as the platform API tells it.
///
/// ```
/// use fal_emulator::{Decimal, Price};
///
/// let image = Price::usd(Decimal::new(25, 3), "images"); // 0.025 dollars per image
/// let video = Price::new(Decimal::new(4, 1), "EUR", "seconds").per_call(Decimal::new(2, 0));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    pub(crate) unit_price: Decimal,
    pub(crate) currency: String,
    pub(crate) unit: String,
    /// The historical price of a call.
    pub(crate) per_call: Option<Decimal>,
}

impl Price {
    /// Creates the price of one unit in dollars. `unit` is free text, such as `images`, `megapixels` or `1000 characters`.
    pub fn usd(unit_price: Decimal, unit: impl Into<String>) -> Self {
        Price::new(unit_price, "USD", unit)
    }

    /// Creates the price of one unit in a currency, such as `EUR`.
    pub fn new(unit_price: Decimal, currency: impl Into<String>, unit: impl Into<String>) -> Self {
        Price { unit_price, currency: currency.into(), unit: unit.into(), per_call: None }
    }

    /// Sets the historical price of a call, from which fal estimates costs. Default: the average cost of the emulator's own
    /// billed jobs, or the price of one unit before the first of them.
    pub fn per_call(mut self, price: Decimal) -> Self {
        self.per_call = Some(price);
        self
    }
}
