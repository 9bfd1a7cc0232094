use std::sync::Arc;

use rust_decimal::Decimal;

use crate::platform::price::Price;

/// The billable units of a job, and the price of its endpoint when the job was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Bill {
    pub(crate) units: Decimal,
    pub(crate) price: Option<Arc<Price>>,
}

impl Bill {
    /// Returns the cost, which is zero without a price.
    pub(crate) fn cost(&self) -> Decimal {
        self.price.as_ref().map_or(Decimal::ZERO, |price| self.units.saturating_mul(price.unit_price))
    }

    /// Returns the bill of a job that did not run.
    pub(crate) fn cancelled(&self) -> Self {
        Bill { units: Decimal::ZERO, price: self.price.clone() }
    }
}
