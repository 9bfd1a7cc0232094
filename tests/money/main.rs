//! Prices, costs and budgets.

#![allow(missing_docs)]

mod price_tables;
mod response_costs;
