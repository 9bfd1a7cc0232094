//! Generates typed Rust for fal.ai endpoints from their OpenAPI documents.
//!
//! In one's own `build.rs`:
//!
//! ```no_run
//! # fn main() -> Result<(), fal_codegen::Error> {
//! fal_codegen::Builder::new().schemas("schemas").generate()?;
//! # Ok(())
//! # }
//! ```
//!
//! and in the crate, a module that takes in what was generated:
//!
//! ```text
//! pub mod endpoints {
//!     fal_client::include_endpoints!();
//! }
//! ```
//!
//! Its trait `Endpoints` gives a client a method for each endpoint. [`Builder::out_dir`] writes into the crate's sources
//! instead, to be committed; then whoever uses the crate compiles no generator.

mod builder;
mod change;
mod digest;
mod document;
mod error;
mod features;
mod lower;
mod manifest;
mod mark;
mod model;
mod names;
mod normalize;
mod patch;
mod pipeline;
mod pointer;
mod present;
mod prose;
mod render;
mod report;
mod schema;
mod select;
mod source;
mod summary;
mod tree;
mod types;
mod write;

pub use builder::Builder;
pub use change::{Change, ChangeKind, Effect, changes};
pub use error::{Error, Finding};
pub use summary::Summary;
