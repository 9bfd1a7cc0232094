//! fal's protocol as data: what its requests are about and what its responses say. Nothing here does I/O.

mod answer;
mod cancellation;
mod endpoint_id;
mod error_type;
mod field_error;
mod log;
mod undeclared;
mod update;

pub(crate) use answer::Answer;
pub use cancellation::Cancellation;
pub(crate) use endpoint_id::{EndpointId, InvalidEndpointId};
pub use error_type::ErrorType;
pub use field_error::{FieldError, LocSegment};
pub use log::LogEntry;
pub use undeclared::{ParseEnumError, UndeclaredValue};
pub use update::{Failure, Metrics, QueueUpdate};
