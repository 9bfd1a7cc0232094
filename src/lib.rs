//! Typed Rust client for [fal.ai](https://fal.ai), generated from fal's own endpoint schemas.

// Generated code names the runtime by its name, here as in any other crate.
#[allow(unused_extern_crates)]
extern crate self as fal_client;

mod call;
mod client;
#[cfg(feature = "documents")]
mod documents;
mod endpoint;
mod error;
mod files;
mod queue;
mod response;
mod schema;
mod transport;

/// The endpoints of the documents in `schemas/`, a module each: `fal-ai/flux/dev/redux` is `fal_ai::flux::dev::redux`.
///
/// The methods of [`Endpoints`](endpoints::Endpoints) mirror the ids too.
#[rustfmt::skip]
#[path = "../generated/mod.rs"]
pub mod endpoints;

pub use call::{Cancel, Fetch, Priority, Progress, Run, Status, StatusStream, Submit, Subscribe, Updates, Wait};
pub use client::{Client, ClientBuilder};
#[cfg(feature = "documents")]
pub use documents::documents;
pub use endpoint::{AsEndpoint, Endpoint, Handle};
pub use error::{Attempt, Error, ErrorKind, ErrorType, FieldError, LocSegment, ValidationError};
pub use files::{Access, Audio, Download, File, FileInput, Image, ImageSize, Lifecycle, MediaUrl, Video};
pub use queue::{Cancellation, Failure, Job, JobHandle, LogEntry, Metrics, QueueUpdate, RequestRef};
pub use response::Response;
pub use schema::{EndpointInput, Given, Missing, Required, UnlistedError, UnlistedValue};
pub use transport::RetryPolicy;

#[doc(hidden)]
pub use schema::private as __private;

/// Takes in what a build script has generated with `fal_codegen::Builder`.
///
/// ```ignore
/// pub mod endpoints {
///     fal_client::include_endpoints!();
/// }
/// ```
#[macro_export]
macro_rules! include_endpoints {
    () => {
        ::core::include!(::core::concat!(::core::env!("OUT_DIR"), "/endpoints/mod.rs"));
    };
}
