//! A local fal.ai, driven by endpoint documents: for development, tests and demonstrations, with no key and no network.
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use fal_emulator::Emulator;
//!
//! let emulator = Emulator::start().await?;
//! let client = emulator.client(); // a fal_client::Client that talks to it
//! println!("{} serves {} endpoints", emulator.base_url(), emulator.endpoints().count());
//! # Ok(())
//! # }
//! ```
//!
//! It serves every endpoint of its documents on one port of the loopback interface. The first segment of a path is the
//! fal host that is meant, so `https://queue.fal.run/fal-ai/flux/dev` becomes
//! `http://127.0.0.1:PORT/queue.fal.run/fal-ai/flux/dev`, and the URLs in its answers have that form. Inputs are judged
//! by the document's own schema and refused in fal's error shape, outputs are made to fit the document, and every
//! media URL in them is one that the emulator serves: an image is a real PNG of the requested size.
//!
//! - How a queued job moves on is set by a [`Pace`]: by time, at once, or step by step as a test says.
//! - What goes wrong is ordered as a [`Fault`]: the next request of an [`Operation`] gets it.
//! - Time can be moved with [`Emulator::advance_time`].
//! - What was uploaded is in [`Emulator::files`]; a PNG of it that an input refers to is worked on.
//! - What a client sent is in [`Emulator::requests`], what was accepted of it, and would be charged, in
//!   [`Emulator::jobs`].

mod builder;
mod documents;
mod emulator;
mod endpoints;
mod error;
mod faults;
mod handlers;
mod http;
mod input;
mod keys;
mod media;
mod output;
mod queue;
mod random;
mod request;
mod response;
mod settings;
mod state;
mod storage;
mod sync;
mod time;

pub use builder::EmulatorBuilder;
pub use emulator::Emulator;
pub use error::{DocumentError, Error};
pub use faults::fault::Fault;
pub use queue::accepted_job::{AcceptedJob, JobState};
pub use queue::pace::Pace;
pub use request::operation::Operation;
pub use request::received_request::ReceivedRequest;
pub use storage::stored_file::StoredFile;

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
