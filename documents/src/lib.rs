//! Reads the documents of [fal.ai](https://fal.ai) endpoints, in every form that they are saved in.
//!
//! [`find`] finds the files of a folder, with their patches. [`parse`] turns a file into [`Document`]s: an id, and the schemas of
//! input and output.
//!
//! ```no_run
//! use std::path::Path;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let found = fal_documents::find(Path::new("schemas")).map_err(|findings| findings[0].to_string())?;
//! for source in &found.sources {
//!     let contents = fal_documents::parse(source).map_err(|findings| findings[0].to_string())?;
//!     contents.documents.iter().for_each(|document| println!("{}: {}", document.id, document.input));
//! }
//! # Ok(())
//! # }
//! ```
//!
//! With the cargo feature `validate`, [`Validator`](https://docs.rs/fal-documents/latest/fal_documents/struct.Validator.html) validates
//! inputs as fal does.
//!
//! `fal-codegen` generates types from the schemas, and `fal-emulator` serves them.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod budget;
mod definitions;
mod document;
pub mod file;
mod finding;
mod form;
mod json;
mod operations;
mod patch;
pub mod pointer;
mod refusals;
mod source;
pub mod text;
#[cfg(feature = "validate")]
pub mod validate;
mod wrong_file;

pub use document::{Contents, Document, component};
pub use finding::Finding;
pub use form::{app_segments, is_id, parse};
pub use source::{Found, Source, find};
#[cfg(feature = "validate")]
pub use validate::Validator;

/// Digest of this crate's source. Another one may read the same document differently.
pub const SOURCE: &str = env!("FAL_DOCUMENTS_SOURCE");

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
