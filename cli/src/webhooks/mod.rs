//! What `listen` and `trigger` share: the signed webhooks of development, and their delivery.

mod delivery;
mod event;
mod keys;
mod target;

pub(crate) use delivery::{Attempt, Delivery};
pub(crate) use event::Event;
pub(crate) use keys::{Keys, signer};
pub(crate) use target::Target;
