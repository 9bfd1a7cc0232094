//! Calls. Each is a builder for its options, and is sent when it is awaited.

mod any_input;
mod any_output;
mod background;
mod cancel;
mod cancel_signal;
mod download;
mod fetch_result;
mod follow_options;
pub(crate) mod future;
#[cfg_attr(not(feature = "money"), path = "no_hold.rs")]
mod hold;
mod input_check;
mod input_files;
mod job_event;
mod job_handle;
mod options;
mod outgoing;
mod priority;
mod response;
#[cfg(test)]
mod retry_table;
mod run;
mod send_options;
mod span;
mod status;
mod status_stream;
mod steps;
mod storage;
mod submission;
mod submit;
mod subscribe;
mod updates;
mod wait;

pub use cancel::Cancel;
#[cfg(fuzzing)]
pub(crate) use download::file_name;
pub use download::{Download, DownloadAll, DownloadBytes, DownloadTo, OpenMedia, Saved};
pub use fetch_result::FetchResult;
pub use future::CallFuture;
#[cfg(feature = "realtime")]
pub(crate) use hold::Hold;
#[cfg(feature = "webhook")]
pub(crate) use hold::delivered;
pub(crate) use input_check::check as check_input;
#[cfg(feature = "realtime")]
pub(crate) use input_files::upload as upload_files;
pub use job_event::JobEvent;
pub use job_handle::JobHandle;
pub(crate) use options::{send_options, timeout_option};
pub(crate) use outgoing::Outgoing;
pub use priority::Priority;
pub use response::Response;
pub use run::Run;
pub(crate) use span::record_request_id;
pub use status::Status;
pub use status_stream::StatusStream;
pub use storage::{OpenFile, Storage, Upload};
pub use submit::Submit;
pub use subscribe::Subscribe;
pub use updates::Updates;
pub use wait::Wait;
