//! Prices, costs and budgets.

mod amount;
mod billed;
mod budget;
mod cost;
mod estimate;
mod ledger;
mod price;
mod price_table;
mod reservation;

pub use rust_decimal::Decimal;

pub use amount::IntoAmount;
pub(crate) use amount::{as_text, exact, not_negative};
pub(crate) use billed::{BILLABLE_UNITS, billed_units};
pub use budget::{Budget, BudgetSnapshot};
pub use cost::Cost;
pub use estimate::{Estimate, EstimateBasis};
pub use price::Price;
pub use price_table::PriceTable;
pub use reservation::Reservation;

/// The currency of fal's prices.
const USD: &str = "USD";
