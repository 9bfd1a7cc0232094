//! Calls: each is built with its options and then awaited.

mod background;
mod body;
mod cancel;
mod download;
mod fetch_result;
mod files;
mod job_handle;
mod options;
mod response;
mod run;
mod status;
mod status_stream;
mod storage;
mod submit;
mod subscribe;
mod updates;
mod wait;

pub use cancel::Cancel;
pub use download::{Download, DownloadAll, DownloadBytes, DownloadTo};
pub use fetch_result::FetchResult;
pub use job_handle::JobHandle;
pub use options::Priority;
pub use response::Response;
pub use run::Run;
pub use status::Status;
pub use status_stream::StatusStream;
pub use storage::{Storage, Upload};
pub use submit::Submit;
pub use subscribe::Subscribe;
pub use updates::{JobEvent, Updates};
pub use wait::Wait;
