//! A local emulator of [fal.ai](https://fal.ai) for tests, development and demonstrations. It needs no API key and no
//! network.
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use fal_emulator::Emulator;
//!
//! let emulator = Emulator::start().await?;
//! let client = emulator.client(); // a `fal_client::Client` of this emulator
//! println!("{} serves {} endpoints", emulator.base_url(), emulator.endpoints().count());
//! # Ok(())
//! # }
//! ```
//!
//! The emulator serves every endpoint whose OpenAPI document it has. It validates inputs with the document's schema,
//! and rejects them in fal's error format. Outputs fit the document, and their URLs work: an image has the requested size,
//! and shows its prompt and seed.
//!
//! One port of the loopback interface serves all of fal's hosts. The first segment of a path is the host:
//! `https://queue.fal.run/fal-ai/flux/dev` becomes `http://127.0.0.1:PORT/queue.fal.run/fal-ai/flux/dev`. URLs in
//! responses have the same form. With the cargo feature `tls`, the port is also a proxy for the real host names, and
//! `Emulator::proxy_environment` leads unmodified programs in any language to it.
//!
//! # Outputs
//!
//! - [`Emulator::answer`], [`Emulator::answer_next`] and [`Emulator::answer_with`] set outputs, and [`Emulator::script_stream`] the
//!   events of streams. [`Frame`] is one on a WebSocket.
//! - [`Emulator::files`] returns the uploaded files. An uploaded image is the source of edits that refer to it.
//! - [`EmulatorBuilder::seed`] changes the outputs of inputs without a seed. The same seed makes the same bytes.
//! - [`EmulatorBuilder::workflow`] serves a workflow, whose nodes call other endpoints.
//!
//! # Time
//!
//! - [`Pace`] controls the progress of queued jobs: with time, instantly, or step by step.
//! - [`Emulator::hold`] keeps jobs running until a test releases them, and [`Emulator::hold_in_queue`] keeps them waiting.
//! - [`EmulatorBuilder::concurrency`] limits the jobs that run at a time, and [`EmulatorBuilder::latency`] delays every response.
//! - [`Emulator::advance_time`] advances the emulator's clock.
//!
//! # Failures
//!
//! - [`Fault`] makes requests of an [`Operation`] fail: error responses, delays, broken connections.
//! - [`Emulator::lock_account`] and [`Emulator::deny_permission`] refuse requests as fal does.
//! - [`EmulatorBuilder::rate_limit`] limits the requests without a key, and [`EmulatorBuilder::start_timeout`] the time in the queue.
//! - [`EmulatorBuilder::output_upload_time`] delays the files of outputs in a client's own bucket.
//!
//! # Checks
//!
//! - [`Emulator::requests`] returns what a client sent, and [`Emulator::jobs`] what fal would bill.
//! - [`Emulator::requests_to`] returns the calls of an endpoint, with assertions.
//! - [`Emulator::assert_no_mistakes`] fails on requests that a client of fal must not send, such as a key to a file host.
//! - [`EmulatorBuilder::price`] sets prices, and [`Emulator::billed`] returns what jobs were billed. The platform API tells both.
//! - [`Emulator::webhooks`] returns the webhooks of submissions, which are signed and delivered to loopback URLs.
//!
//! # For people, and for other languages
//!
//! [`Emulator::base_url`] is also a page for browsers. It shows requests with their inputs and outputs, has a form for each
//! endpoint, and switches for faults. Tests in other languages control the emulator with JSON below `{base_url}/emulator/`, see
//! the README.
//!
//! # Cargo features
//!
//! None is on by default.
//!
//! - `tls`: HTTPS (`EmulatorBuilder::tls`), and the proxy for unmodified programs (`Emulator::proxy_environment`).
//! - `state`: a file that keeps requests and files across restarts (`EmulatorBuilder::state`).
//! - `record`: records of the real fal (`EmulatorBuilder::record`), and their replay (`EmulatorBuilder::replay`).

#![cfg_attr(docsrs, feature(doc_cfg))]

mod account;
#[cfg(feature = "tls")]
mod authority;
mod builder;
mod control;
mod documents;
mod emulator;
mod endpoints;
mod error;
mod faults;
mod handlers;
mod hex;
mod hold;
mod http;
mod input;
mod keys;
mod media;
mod output;
mod page;
mod platform;
#[cfg(feature = "tls")]
mod proxy;
mod queue;
mod random;
#[cfg(feature = "record")]
mod record;
mod request;
mod response;
#[cfg(feature = "state")]
mod restore;
mod saved;
mod sessions;
mod settings;
mod state;
mod storage;
mod sync;
mod time;
mod tokens;
mod urls;
mod webhooks;

/// The parts of webhooks, for tools and tests that deliver them themselves.
pub mod webhook {
    pub use crate::random::uuid as request_id;
    pub use crate::webhooks::message::body;
    pub use crate::webhooks::schedule::{MAX_RETRIES, delay, timeout};
    pub use crate::webhooks::signer::Signer;
}

pub use builder::EmulatorBuilder;
pub use emulator::Emulator;
pub use error::{DocumentError, Error};
pub use faults::fault::Fault;
pub use faults::frame::Frame;
pub use hold::Hold;
pub use platform::billed::Billed;
pub use platform::model_entry::ModelEntry;
pub use platform::price::Price;
#[cfg(feature = "tls")]
pub use proxy::environment::ProxyEnvironment;
pub use queue::accepted_job::{AcceptedJob, JobState};
pub use queue::pace::Pace;
pub use request::operation::Operation;
pub use request::received_request::ReceivedRequest;
pub use request::requests::Requests;
pub use rust_decimal::Decimal;
pub use storage::stored_file::StoredFile;
pub use webhooks::delivery::{WebhookAttempt, WebhookDelivery, WebhookState};
pub use webhooks::fault::WebhookFault;

/// Compiles the examples of the README.
#[cfg(all(doctest, feature = "record"))]
#[doc = include_str!("../README.md")]
struct Readme;
