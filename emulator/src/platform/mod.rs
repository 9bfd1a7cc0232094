//! The parts of the platform API, `api.fal.ai/v1`, that need no jobs: prices, bills, models, times, pages and errors.

pub(crate) mod bill;
pub(crate) mod billed;
pub(crate) mod deletion;
pub(crate) mod error;
pub(crate) mod model_entry;
pub(crate) mod models;
pub(crate) mod number;
pub(crate) mod page;
pub(crate) mod period;
pub(crate) mod price;
pub(crate) mod prices;
pub(crate) mod rate_limit;
pub(crate) mod timeframe;
