//! Prices, costs and budgets.

mod amount;
mod billed;
mod cost;
mod estimate;
mod price;
mod price_table;

pub use rust_decimal::Decimal;

pub use amount::IntoAmount;
pub(crate) use amount::exact;
pub(crate) use billed::billed_units;
pub use cost::Cost;
pub use estimate::{Estimate, EstimateBasis};
pub use price::Price;
pub use price_table::PriceTable;

/// The currency of fal's prices.
const USD: &str = "USD";
