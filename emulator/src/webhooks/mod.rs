//! Webhooks: the signer, the deliveries and their faults.

pub(crate) mod delivery;
pub(crate) mod fault;
pub(crate) mod message;
pub(crate) mod outbox;
pub(crate) mod post;
pub(crate) mod schedule;
pub(crate) mod signer;
pub(crate) mod target;
