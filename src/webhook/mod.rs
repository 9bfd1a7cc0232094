//! Webhooks: verifies deliveries of fal, parses them, and resolves the jobs that a program waits for.
//!
//! ```no_run
//! use axum::Router;
//! use axum::routing::post;
//! use fal_client::endpoints::fal_ai::flux::dev::redux;
//! use fal_client::webhook::{Verifier, Webhook};
//!
//! fn app(client: &fal_client::Client) -> Router {
//!     Router::new().route("/fal", post(completed)).with_state(Verifier::new(client))
//! }
//!
//! async fn completed(webhook: Webhook<redux::Output>) {
//!     match webhook.result {
//!         Ok(response) => println!("{}: {} images", webhook.request_id, response.data.images.len()),
//!         Err(error) => eprintln!("{error}"),
//!     }
//! }
//! ```
//!
//! - [`Verifier`] verifies a delivery of any server: its headers and its raw body.
//! - [`Receiver`] resolves the jobs that a program waits for, without polling.
//! - [`Webhook`] and [`Delivery`] are extractors of axum, which verify before the handler is called.
//!
//! [`Submit::webhook`](crate::Submit::webhook) sets the URL that fal delivers to.

mod delivery;
mod extract;
mod headers;
mod inbox;
mod key_set;
mod key_source;
mod message;
mod receiver;
mod verifier;
mod wait;

pub use delivery::Delivery;
pub use extract::Rejected;
pub use message::{Webhook, WebhookStatus};
pub use receiver::Receiver;
pub use verifier::Verifier;
pub use wait::WebhookWait;

pub use crate::error::Rejection;
