//! Calls: each is built with its options and then awaited.

mod body;
mod cancel;
mod fetch;
mod files;
mod options;
mod run;
mod status;
mod status_stream;
mod submit;
mod subscribe;
mod updates;
mod wait;

pub use cancel::Cancel;
pub use fetch::Fetch;
pub use options::Priority;
pub(crate) use options::SendOptions;
pub use run::Run;
pub use status::Status;
pub use status_stream::StatusStream;
pub use submit::Submit;
pub use subscribe::Subscribe;
pub use updates::{Progress, Updates};
pub use wait::Wait;
