//! From words and files to a checked input: everything that can be wrong is found before anything is sent.
//!
//! - [`pair`] splits `key=value`, and [`path`] its key.
//! - [`shape`] says which values a field takes, from the description of the endpoint.
//! - [`text`] turns a text into a value of a shape.
//! - [`file`] finds local files, and [`base`] reads the file of `--input`.
//! - [`problem`] is a finding, in words.

mod base;
mod builder;
mod file;
mod pair;
mod path;
mod problem;
mod shape;
#[cfg(test)]
mod tests;
mod text;

use fal_client::JsonInput;
use serde_json::Value;

pub(crate) use self::builder::Builder;
use crate::catalog::Entry;
use crate::error::Error;

/// Builds the input of a single call. `base` is the JSON of `--input`, and `pairs` are words such as `seed=42`. See [`Builder`].
pub(crate) fn build(entry: &Entry, base: Value, pairs: &[String]) -> Result<JsonInput, Error> {
    Builder::new(entry)?.build(base, pairs)
}
