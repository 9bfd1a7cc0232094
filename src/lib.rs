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
//! # Inputs
//!
//! The builder of an `Input` has a setter per field. A call takes the builder once all required fields are set, and `build`
//! returns the input itself. An optional field `seed` also has `maybe_seed`, which takes an `Option`. Inputs implement
//! `Deserialize` and `Serialize`. A call checks the whole input before it sends anything.
//!
//! ```
//! use fal_client::endpoints::fal_ai::flux::dev::redux::{Input, OutputFormat};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let seed: Option<u32> = None;
//! let format: OutputFormat = "png".parse()?;
//! let built = Input::builder().image_url("https://example.com/fox.png").maybe_seed(seed).output_format(format).build();
//! let parsed: Input = serde_json::from_str(r#"{ "image_url": "https://example.com/fox.png", "output_format": "png" }"#)?;
//! assert_eq!(built, parsed);
//! # Ok(())
//! # }
//! ```
//!
//! # Calls
//!
//! A [`Client`] creates the [`Handle`] of an endpoint. The methods of [`Endpoints`](endpoints::Endpoints) return typed
//! handles. [`Client::endpoint`] returns the handle of any id, with JSON as input and output.
//!
//! A handle has these methods. Each returns a builder for the call's options, which is sent when it is awaited.
//!
//! | method | call |
//! | --- | --- |
//! | [`run`](Handle::run) | runs the model directly, without the queue |
//! | [`stream`](Handle::stream) | runs the model directly and streams its outputs: see [`OutputStream`] |
//! | [`subscribe`](Handle::subscribe) | submits a request to the queue, follows it and fetches its result |
//! | [`submit`](Handle::submit) | submits a request to the queue and returns a [`Job`] |
//! | [`status`](Handle::status), [`status_stream`](Handle::status_stream) | returns or streams the status of a request |
//! | [`wait`](Handle::wait) | follows a request and fetches its result |
//! | [`result`](Handle::result) | fetches the result of a completed request |
//! | [`cancel`](Handle::cancel) | cancels a request |
//! | `realtime` (feature `realtime`) | opens a WebSocket connection, on which inputs and results follow each other |
//! | `run_connection` (feature `realtime`) | opens a WebSocket connection for direct runs |
//!
//! A call's `send` returns its future, to spawn it or to collect several: see [`CallFuture`]. Functions without options are plain
//! async functions: those of [`Client::tokens`] and of `platform`, the access rules of [`Client::storage`], and those of connections
//! and streams.
//!
//! [`ClientBuilder::max_in_flight`] limits the concurrent calls of a client.
//!
//! # Jobs and cancellation
//!
//! A [`Job`] can be saved and resumed in another process with [`Client::resume`], or with [`Handle::resume`], which checks the
//! endpoint. [`cancel_when`](Subscribe::cancel_when) cancels a request when a future completes, such as
//! `tokio::signal::ctrl_c()`. [`cancel_on_drop`](Subscribe::cancel_on_drop) cancels it when the call is dropped.
//!
//! # Errors
//!
//! A failed call returns an [`Error`]. Its methods tell causes apart, such as [`Error::is_invalid_input`],
//! [`Error::is_unauthorized`], [`Error::is_timeout`] and [`Error::is_cancelled`]. [`Error::is_retryable`] says whether repeating the
//! call may help. The client retries what is not billed twice: up to 5 attempts, after 0.5 s, 1 s, 2 s and 4 s. [`RetryPolicy`]
//! changes that.
//!
//! # Files
//!
//! A file of an input is a [`FileInput`]: a URL, bytes, a path or a reader. Anything that is not a URL is uploaded when the
//! call is awaited. [`Client::storage`] uploads files explicitly. [`Client::download`], [`Client::download_all`],
//! [`Client::download_bytes`] and [`Client::download_to`] download the files of an output, which [`Response::media`] finds.
//!
//! # Endpoints
//!
//! The module [`endpoints`] has the types of the shipped endpoints:
//!
//! - [`fal-ai/fast-lcm-diffusion`](endpoints::fal_ai::fast_lcm_diffusion)
//! - [`fal-ai/fast-sdxl-controlnet-canny`](endpoints::fal_ai::fast_sdxl_controlnet_canny)
//! - [`fal-ai/fast-sdxl-controlnet-canny/image-to-image`](endpoints::fal_ai::fast_sdxl_controlnet_canny::image_to_image)
//! - [`fal-ai/fast-sdxl-controlnet-canny/inpainting`](endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting)
//! - [`fal-ai/flux-lora/image-to-image`](endpoints::fal_ai::flux_lora::image_to_image)
//! - [`fal-ai/flux/dev/image-to-image`](endpoints::fal_ai::flux::dev::image_to_image)
//! - [`fal-ai/flux/dev/redux`](endpoints::fal_ai::flux::dev::redux)
//! - [`openrouter/router`](endpoints::openrouter::router)
//!
//! To add types for other endpoints to your crate, generate
//! them from fal's OpenAPI documents: with the command `cargo fal generate`, or in a build script with `fal-codegen` and
//! [`include_endpoints!`]. Types written by hand take the same attributes: [`macro@input`], [`macro@input_object`],
//! [`macro@input_union`], [`macro@output`], [`macro@output_union`] and [`macro@open_enum`].
//!
//! A function over any endpoint, typed or not, takes an [`IntoEndpoint`] and an `impl Into<E::Input>`.
//!
//! # Servers, browsers and apps
//!
//! | a server that | uses |
//! | --- | --- |
//! | receives webhooks, or waits for requests without polling | the module `webhook` (feature `webhook`), and [`Submit::webhook`] |
//! | forwards the calls of browsers and apps with its key | the module `proxy` (feature `proxy`) |
//! | hands short-lived tokens to browsers and apps | [`Client::tokens`] |
//!
//! The module `platform` (feature `platform`) has fal's catalogue, prices, usage, history of requests and account:
//! `client.platform()`.
//!
//! A program calls such a proxy with [`ClientBuilder::proxy_url`], and a gateway with [`ClientBuilder::auth_scheme`]. A program
//! without async uses the module `blocking` (feature `blocking`).
//!
//! # Tests
//!
//! The crate `fal-emulator` is a local fal: `Emulator::start().await?.client()` is a client of it, without a key or a network.
//! The feature `test-util` has constructors of responses and errors, for tests without any service.
//!
//! # Features
//!
//! `rustls` and `socks` are enabled by default. The types of `blocking`, `money`, `platform`, `proxy`, `realtime` and `webhook`
//! are in modules of the same names.
//!
//! | feature | adds |
//! | --- | --- |
//! | `rustls` | TLS by rustls with aws-lc-rs, as with the default features of reqwest and rustls |
//! | `ring` | TLS by rustls with ring, which builds faster |
//! | `rustls-no-provider` | TLS by rustls with the crypto provider that the program installs |
//! | `blocking` | the module `blocking`: calls without async |
//! | `documents` | `documents()`: the OpenAPI documents of the shipped endpoints |
//! | `image` | `FileInput::from(image::DynamicImage)`, uploaded as PNG |
//! | `money` | the module `money`: prices, `Response::cost`, budgets of clients |
//! | `platform` | the module `platform`: models, prices, usage, requests and the account; includes `money` |
//! | `proxy` | the module `proxy`: a service that forwards the calls of browsers and apps to fal |
//! | `realtime` | the module `realtime`: `Handle::realtime` and `Handle::run_connection`, over WebSocket connections |
//! | `socks` | SOCKS proxies of the environment |
//! | `test-util` | constructors for tests: `Response::new`, `Response::blank`, `Response::from_json`, `Error::from_response`, `Error::of_kind` |
//! | `webhook` | the module `webhook`: verifies and parses deliveries of webhooks, with extractors for axum |
//! | `regenerate` | updates `generated/`; only for builds of this crate's own repository |
//!
//! The minimum Rust version is 1.88. It rises only in a minor version, and only to a release that is at least six months old.
//!
//! # Tracing
//!
//! Each call is a [tracing](https://docs.rs/tracing) span at level `info`.
//!
//! | span | fields |
//! | --- | --- |
//! | `fal.run`, `fal.stream`, `fal.submit`, `fal.subscribe` | `endpoint`; `request_id` once it is known |
//! | `fal.wait`, `fal.status`, `fal.status_stream`, `fal.result`, `fal.cancel` | `endpoint`, `request_id` |
//! | `fal.realtime`, `fal.run_connection`: opening a connection | `endpoint` |
//! | `fal.upload` | `repository` |
//! | `fal.platform` | `operation` |
//! | `fal.proxy` | `operation`; `endpoint` |
//! | `fal.download` | `path`, unless the download is to memory or a writer |
//!
//! Spans have these events:
//!
//! | event | level |
//! | --- | --- |
//! | an attempt of a request failed | `debug` |
//! | the status, the queue position or the logs of a request changed | `debug` |
//! | a status stream was lost, or the client polls instead | `debug` |
//! | a request was cancelled after a timeout, by `cancel_when`, or because its submission was abandoned | `debug` |
//! | a token for uploads was rejected | `debug` |
//! | a realtime connection was lost and another is opened | `debug` |
//! | a download was interrupted and is resumed | `debug` |
//! | a proxy refused a request | `debug` |
//! | a host is unreachable and the client tries its backup host | `warn` |
//! | a downloaded file is empty | `warn` |
//! | an endpoint ignored `output_to` | `warn` |
//! | an upload failed and the client tries the fallback repository | `warn` |
//! | a webhook was received, rejected, or did not come for a completed request | `debug` |
//! | a request cannot be cancelled because it was dropped outside a tokio runtime | `warn` |
//!
//! Spans and events never contain the API key, inputs, outputs, log lines or fal's error messages. Their fields are escaped
//! and bounded.

#![cfg_attr(docsrs, feature(doc_cfg))]

// Generated code refers to this crate as `fal_client`, like generated code in any other crate.
#[allow(unused_extern_crates)]
extern crate self as fal_client;

#[cfg(feature = "blocking")]
pub mod blocking;
mod call;
mod client;
#[cfg(feature = "documents")]
mod documents;
mod endpoint;
mod error;
mod files;
mod media;
#[cfg(feature = "money")]
pub mod money;
#[cfg(feature = "platform")]
pub mod platform;
mod protocol;
#[cfg(feature = "proxy")]
pub mod proxy;
mod queue;
#[cfg(feature = "realtime")]
pub mod realtime;
mod schema;
mod storage;
mod stream;
#[cfg(feature = "test-util")]
mod test_util;
mod text;
mod tokens;
mod transport;
#[cfg(feature = "webhook")]
pub mod webhook;

/// The shipped endpoints. Each has a module: `fal-ai/flux/dev/redux` is
/// [`fal_ai::flux::dev::redux`](endpoints::fal_ai::flux::dev::redux).
///
/// The methods of [`Endpoints`](endpoints::Endpoints) mirror the ids too: `client.fal_ai().flux().dev().redux()`.
#[rustfmt::skip]
#[path = "../generated/mod.rs"]
pub mod endpoints;

pub use call::{
    CallFuture, Cancel, Download, DownloadAll, DownloadBytes, DownloadTo, FetchResult, JobEvent, JobHandle, OpenFile,
    OpenMedia, Priority, Response, Run, Saved, Status, StatusStream, Storage, Submit, Subscribe, Updates, Upload, Wait,
};
pub use client::{Client, ClientBuilder, Host, HostProxy, Probe};
#[cfg(feature = "documents")]
pub use documents::documents;
pub use endpoint::{Endpoint, Handle, IntoEndpoint, JsonInput};
pub use error::{Attempt, Error, ErrorKind, ValidationError};
pub use files::{Access, AccessRule, Acl, FileInput, IntoFile, Lifecycle, S3Post};
pub use media::{Audio, File, Image, ImageSize, Media, MediaFile, MediaKind, MediaUrl, Video};
pub use protocol::{
    Cancellation, ErrorType, Failure, FieldError, LocSegment, LockReason, LogEntry, Metrics, ParseEnumError,
    QueueUpdate, UndeclaredValue,
};
pub use queue::{Job, RequestRef};
pub use schema::{EndpointInput, Given, IntoField, IntoList, Missing, Nullable, OneOf, Required};
#[doc(inline)]
pub use schema::{input, input_object, input_union, open_enum, output, output_union};
#[doc(no_inline)]
pub use serde_json;
pub use storage::{Repository, UploadPolicy};
pub use stream::{EventData, OutputStream, StreamEvent, WorkflowEvent};
pub use tokens::{Token, TokenScope, Tokens};
pub use transport::{AuthScheme, RetryPolicy, TransferProgress, UploadProgress};

#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;

/// Items that only generated code uses.
#[doc(hidden)]
pub use schema::private as __private;

/// Includes the endpoints that a build script has generated with `fal_codegen::Builder`.
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

/// Compiles the examples of the README and of the guide.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/guide/calls.md")]
    struct Calls;
    #[doc = include_str!("../docs/guide/streaming.md")]
    struct Streaming;
    #[doc = include_str!("../docs/guide/concurrency.md")]
    struct Concurrency;
    #[doc = include_str!("../docs/guide/inputs.md")]
    struct Inputs;
    #[doc = include_str!("../docs/guide/files.md")]
    struct Files;
    #[doc = include_str!("../docs/guide/realtime.md")]
    struct Realtime;
    #[doc = include_str!("../docs/guide/errors.md")]
    struct Errors;
    #[doc = include_str!("../docs/guide/configuration.md")]
    struct Configuration;
    #[doc = include_str!("../docs/guide/proxy.md")]
    struct Proxy;
    #[doc = include_str!("../docs/guide/endpoints.md")]
    struct Endpoints;
    #[doc = include_str!("../docs/guide/emulator.md")]
    struct Emulator;
    #[cfg(feature = "blocking")]
    #[doc = include_str!("../docs/guide/blocking.md")]
    struct Blocking;
    #[doc = include_str!("../docs/guide/cli.md")]
    struct Cli;
    #[cfg(feature = "platform")]
    #[doc = include_str!("../docs/guide/money.md")]
    struct Money;
    #[cfg(feature = "platform")]
    #[doc = include_str!("../docs/guide/platform.md")]
    struct Platform;
    #[cfg(feature = "webhook")]
    #[doc = include_str!("../docs/guide/webhooks.md")]
    struct Webhooks;
}
