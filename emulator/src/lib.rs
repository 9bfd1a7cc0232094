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
//! and rejects them in fal's error format. Outputs fit the document, and their URLs work: an image is a PNG of the
//! requested size.
//!
//! One port of the loopback interface serves all of fal's hosts. The first segment of a path is the host:
//! `https://queue.fal.run/fal-ai/flux/dev` becomes `http://127.0.0.1:PORT/queue.fal.run/fal-ai/flux/dev`. URLs in
//! responses have the same form. With the cargo feature `tls`, the port is also a proxy for the real host names, and
//! `Emulator::proxy_environment` leads unmodified programs in any language to it.
//!
//! - [`Pace`] controls the progress of queued jobs: with time, instantly, or step by step.
//! - [`Fault`] makes the next request of an [`Operation`] fail: error responses, delays, broken connections.
//! - [`Emulator::script_stream`] sets the events of streams, and [`Frame`] is one on a WebSocket.
//! - [`Emulator::advance_time`] advances the emulator's clock.
//! - [`Emulator::lock_account`] and [`Emulator::deny_permission`] refuse requests as fal does.
//! - [`EmulatorBuilder::output_upload_time`] delays the files of outputs in a client's own bucket.
//! - [`Emulator::files`] returns the uploaded files. An uploaded PNG is the source image of inputs that refer to it.
//! - [`EmulatorBuilder::price`] sets prices, and [`Emulator::billed`] returns what jobs were billed. The platform API tells both.
//! - [`Emulator::webhooks`] returns the webhooks of submissions, which are signed and delivered to loopback URLs.
//! - [`Emulator::requests_to`] returns the calls of an endpoint, with assertions, and [`Emulator::hold`] keeps its jobs running.
//! - [`Emulator::requests`] returns what a client sent, and [`Emulator::jobs`] what fal would bill.

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
