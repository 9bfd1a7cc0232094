//! Files of inputs and outputs.

mod input;
mod part;
mod save;
mod target;
mod uploads;

pub(crate) use input::{OnUpload, Prepared};
pub(crate) use part::Part;
pub(crate) use save::{lacks_files, output_removed, save_media};
pub use target::{OutputFile, Target};
pub(crate) use uploads::Uploads;
