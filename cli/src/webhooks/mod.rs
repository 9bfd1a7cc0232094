//! The signed webhooks of development, and their delivery: for `listen` and `trigger`.

mod delivery;
mod event;
mod keys;
mod target;

pub(crate) use delivery::{Attempt, Delivery};
pub(crate) use event::Event;
pub(crate) use keys::{Keys, signer};
pub(crate) use target::Target;
