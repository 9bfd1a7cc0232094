//! Faults that tests inject, request by request.

pub(crate) mod break_point;
mod disturb;
pub(crate) mod fault;
pub(crate) mod frame;
pub(crate) mod pending;
mod renamed;
mod response;
