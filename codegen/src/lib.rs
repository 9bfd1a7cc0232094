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
//! and in the crate, `

mod builder;
mod digest;
mod document;
mod error;
mod lower;
mod manifest;
mod model;
mod names;
mod normalize;
mod prose;
mod render;
mod report;
mod source;
mod tree;
mod types;
mod write;

pub use builder::{Builder, Summary};
pub use error::{Error, Finding};
