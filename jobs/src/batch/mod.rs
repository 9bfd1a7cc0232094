//! Many jobs of one endpoint.

mod builder;
mod item;
mod items;
mod progress;
mod validation;
mod work;

pub use builder::Batch;
pub use item::{IntoItem, Item, NewItem};
pub use items::Items;
pub use progress::{Progress, Snapshot};
