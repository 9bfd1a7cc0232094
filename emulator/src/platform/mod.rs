//! The parts of the platform API, `api.fal.ai/v1`, that need no state of an emulator: prices, bills, pages and errors.

pub(crate) mod bill;
pub(crate) mod billed;
pub(crate) mod error;
pub(crate) mod number;
pub(crate) mod page;
pub(crate) mod period;
pub(crate) mod price;
pub(crate) mod prices;
