//! Typed Rust client for [fal.ai](https://fal.ai), generated from fal's own endpoint schemas.

// Generated code names the runtime by its name, here as in any other crate.
#[allow(unused_extern_crates)]
extern crate self as fal_client;

mod call;
mod client;
mod endpoint;
mod error;
mod files;
mod queue;
mod response;
mod schema;
mod transport;

pub use call::{Cancel, Fetch, Priority, Progress, Run, Status, Submit, Subscribe, Updates, Wait};
pub use client::{Client, ClientBuilder};
pub use endpoint::{AsEndpoint, Endpoint, Handle};
pub use error::{Attempt, Error, ErrorKind, ErrorType, FieldError, LocSegment, ValidationError};
pub use files::{Audio, File, FileInput, Image, ImageSize, Video};
pub use queue::{Cancellation, Failure, Job, JobHandle, LogEntry, Metrics, QueueUpdate, RequestRef};
pub use response::Response;
pub use schema::{EndpointInput, Given, Missing, Required, UnlistedError, UnlistedValue};
pub use transport::RetryPolicy;

#[doc(hidden)]
pub use schema::private as __private;
