//! Calls without async: the same client, handles and options. Each call ends with `.call()` instead of `.await`.
//!
//! ```no_run
//! use fal_client::blocking::{Call, Client};
//! use fal_client::endpoints::Endpoints;
//! use fal_client::endpoints::fal_ai::flux::dev::redux;
//!
//! fn main() -> Result<(), fal_client::Error> {
//!     let client = Client::from_env()?; // FAL_KEY
//!     let input = redux::Input::builder().image_url("https://example.com/fox.png");
//!     let response = client.fal_ai().flux().dev().redux().subscribe(input).call()?;
//!     client.download_all(&response.data.images, "foxes").call()?;
//!     Ok(())
//! }
//! ```
//!
//! | async | blocking |
//! | --- | --- |
//! | `Client::from_env()?` | [`blocking::Client::from_env()?`](Client::from_env) |
//! | `Client::builder().build()?` | [`Client::builder().build_blocking()?`](crate::ClientBuilder::build_blocking) |
//! | `call.await?` | [`call.call()?`](Call::call) |
//! | `stream.next().await` | [`for item in stream.iter()`](Iterate::iter), or `stream.next().call()` |
//! | [`FileInput::reader`](crate::FileInput::reader) of an `AsyncRead` | [`FileInput::blocking_reader`](crate::FileInput::blocking_reader) of a [`std::io::Read`] |
//! | [`download_to`](crate::Client::download_to) an `AsyncWrite` | [`download_to`](Client::download_to) a [`std::io::Write`] |
//!
//! A call runs in the thread that calls it, and its callbacks do too. They may borrow, and they may make calls themselves. A
//! panic of a callback reaches the caller.
//!
//! All blocking clients of a process share one background thread, which drives their connections and timers. It ends when the
//! last of these clients is dropped, with its handles and jobs.
//!
//! In an async task, a blocking call would stop the other tasks of the thread. It fails there, with
//! [`ErrorKind::Configuration`](crate::ErrorKind::Configuration). It works in `tokio::task::spawn_blocking` and
//! `tokio::task::block_in_place`.

mod call;
mod client;
mod iter;
mod reader;
mod runtime;
mod writer;

pub use call::{Call, Outcome};
pub use client::Client;
pub use iter::{Iter, Iterate};
