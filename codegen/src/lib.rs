//! Generates typed Rust for fal.ai endpoints from their OpenAPI documents.
//!
//! In a crate's `build.rs`:
//!
//! ```no_run
//! # fn main() -> Result<(), fal_codegen::Error> {
//! fal_codegen::Builder::new().schemas("schemas").generate()?;
//! # Ok(())
//! # }
//! ```
//!
//! In the crate, a module that includes the generated code:
//!
//! ```text
//! pub mod endpoints {
//!     fal_client::include_endpoints!();
//! }
//! ```
//!
//! Its trait `Endpoints` adds a method for each endpoint to the client. To commit the generated code instead, let
//! [`Builder::out_dir`] name a folder of the crate's sources. The crate then builds without the generator.
//!
//! [`changes`] reports the effect of a newer document on programs, and [`describe`](fn@describe) has an endpoint's fields as data.

mod budget;
mod builder;
mod change;
mod describe;
mod digest;
mod error;
mod features;
mod lock;
mod lower;
mod manifest;
mod mark;
mod model;
mod names;
mod normalize;
mod pipeline;
mod present;
mod prose;
mod refusals;
mod render;
mod report;
mod schema;
mod select;
mod summary;
mod tree;
mod types;
mod words;
mod write;

pub use builder::Builder;
pub use change::{Change, ChangeKind, Effect, changes, compare};
pub use describe::{Describer, Description, Field, Kind, Variant, describe};
pub use error::Error;
pub use fal_documents::Finding;
pub use select::matches;
pub use summary::Summary;
pub use tree::module_path;

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
