//! Prices, costs and budgets.

#![allow(missing_docs)]

mod bills;
mod budget_limits;
mod budget_outcomes;
mod budget_properties;
mod interrupted_calls;
mod price_tables;
mod response_costs;
#[allow(dead_code)]
#[path = "../client/support/server.rs"]
mod server;
mod submitted_requests;
mod support;
#[path = "../client/support/unreachable.rs"]
mod unreachable;
#[cfg(feature = "webhook")]
mod webhooks;
