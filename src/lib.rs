//! Typed Rust client for [fal.ai](https://fal.ai), generated from fal's own endpoint schemas.
//!
//! ```no_run
//! use fal_client::endpoints::Endpoints;
//! use fal_client::endpoints::fal_ai::flux::dev::redux;
//! use fal_client::{Client, FileInput};
//!
//! # async fn example() -> Result<(), fal_client::Error> {
//! let client = Client::from_env()?; // FAL_KEY
//! let input = redux::Input::builder().image_url(FileInput::path("fox.png")).num_images(2);
//! let response = client.fal_ai().flux().dev().redux().subscribe(input).await?;
//! for image in &response.data.images {
//!     println!("{}", image.url);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A [`Client`] leads to the [`Handle`] of an endpoint: typed, by the methods of [`endpoints::Endpoints`], or untyped, by
//! [`Client::endpoint`] with an id. A handle's methods make calls ([`Run`], [`Subscribe`], [`Submit`]…), which are built
//! with their options and sent when they are awaited. Whatever fails is an [`Error`].
//!
//! Files of an input are [`FileInput`]s: a URL, bytes, a path, a reader. What is no URL is uploaded when the call is made;
//! [`Client::storage`] uploads by itself. [`Client::download`] and its siblings fetch what a model made.
//!
//! # Features
//!
//! | feature | what it brings |
//! | --- | --- |
//! | `documents` | `documents()`: the schema documents of the shipped endpoints as text |
//! | `image` | a `FileInput` from an `image::DynamicImage`, sent as PNG |
//! | `regenerate` | for this project's own builds: brings `generated/` up to date |
//!
//! # Tracing
//!
//! Each call is a span of [`tracing`]: `fal.run`, `fal.submit`, `fal.subscribe`, `fal.wait`, `fal.status`,
//! `fal.status_stream`, `fal.result` and `fal.cancel`, with the fields `endpoint` and, as soon as there is one, `request_id`; `fal.upload` with `repository`, and
//! `fal.download` with `path`, where there is one. In them are events for each attempt that failed (debug), for the use of a
//! backup host and of another repository (warn), for each change of a request (debug), and for a status stream and a
//! download that broke (debug). Neither the key nor inputs, outputs, log lines or fal's words about them are in any of
//! these.

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
mod media;
mod protocol;
mod queue;
mod schema;
mod storage;
mod transport;

/// The endpoints of the documents in `schemas/`, a module each: `fal-ai/flux/dev/redux` is `fal_ai::flux::dev::redux`.
///
/// The methods of [`Endpoints`](endpoints::Endpoints) mirror the ids too.
#[rustfmt::skip]
#[path = "../generated/mod.rs"]
pub mod endpoints;

pub use call::{
    Cancel, Download, DownloadAll, DownloadBytes, DownloadTo, FetchResult, JobEvent, JobHandle, Priority, Response,
    Run, Status, StatusStream, Storage, Submit, Subscribe, Updates, Upload, Wait,
};
pub use client::{Client, ClientBuilder};
#[cfg(feature = "documents")]
pub use documents::documents;
pub use endpoint::{Endpoint, Handle, IntoEndpoint, JsonInput};
pub use error::{Attempt, Error, ErrorKind, ValidationError};
pub use fal_client_macros::{input, input_object, input_union, open_enum, output, output_union};
pub use files::{Access, AccessRule, Acl, FileInput, Lifecycle};
pub use media::{Audio, File, Image, ImageSize, MediaUrl, Video};
pub use protocol::{
    Cancellation, ErrorType, Failure, FieldError, LocSegment, LogEntry, Metrics, ParseEnumError, QueueUpdate,
    UndeclaredValue,
};
pub use queue::{Job, RequestRef};
pub use schema::{EndpointInput, Given, Missing, Nullable, Required};
pub use serde_json::Value as Json;
pub use storage::{Repository, UploadPolicy};
pub use transport::{RetryPolicy, TransferProgress};

/// What only generated code names.
#[doc(hidden)]
pub use schema::private as __private;

/// Takes in what a build script has generated with `fal_codegen::Builder`.
///
/// ```text
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

/// The examples of the README and of the guide compile.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/guide/calls.md")]
    struct Calls;
    #[doc = include_str!("../docs/guide/inputs.md")]
    struct Inputs;
    #[doc = include_str!("../docs/guide/files.md")]
    struct Files;
    #[doc = include_str!("../docs/guide/errors.md")]
    struct Errors;
    #[doc = include_str!("../docs/guide/configuration.md")]
    struct Configuration;
    #[doc = include_str!("../docs/guide/endpoints.md")]
    struct Endpoints;
    #[doc = include_str!("../docs/guide/emulator.md")]
    struct Emulator;
    #[doc = include_str!("../docs/guide/cli.md")]
    struct Cli;
}
