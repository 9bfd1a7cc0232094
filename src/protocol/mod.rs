//! fal's protocol as data: endpoint ids, statuses, errors and log lines. Nothing here does I/O.

mod cancellation;
mod denial;
pub(crate) mod echo;
mod endpoint_id;
pub(crate) mod envelope;
mod error_type;
mod event;
mod field_error;
pub(crate) mod json;
mod json_path;
mod lock_reason;
mod log;
mod markup;
mod raw_response;
mod request_id;
mod timestamp;
mod undeclared;
mod update;
mod words;

pub use cancellation::Cancellation;
pub(crate) use denial::{Denial, lock_words};
pub(crate) use endpoint_id::{EndpointId, InvalidEndpointId};
pub use error_type::ErrorType;
pub(crate) use event::{EventError, WorkflowStep, has_words_of_error, is_error, workflow_step};
pub use field_error::{FieldError, LocSegment};
pub(crate) use json_path::path_of;
pub use lock_reason::LockReason;
pub use log::LogEntry;
pub(crate) use raw_response::{RawResponse, content_encoding};
pub(crate) use request_id::{InvalidRequestId, RequestId};
pub(crate) use timestamp::unix_seconds;
pub use undeclared::{ParseEnumError, UndeclaredValue};
pub use update::{Failure, Metrics, QueueUpdate};
