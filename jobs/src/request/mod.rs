//! The request of a job: the exact JSON that is sent, with options.

mod json;
mod options;

pub(crate) use json::{RecordedEndpoint, RecordedInput};
pub use options::SubmitOptions;
