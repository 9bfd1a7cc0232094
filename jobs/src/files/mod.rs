//! Files of inputs and outputs.

mod input;
mod part;
mod save;
mod target;

pub(crate) use input::{Prepared, forget_lost};
pub(crate) use save::save_media;
pub use target::{OutputFile, Target};
