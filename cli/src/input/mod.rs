//! From words and files to a checked input: everything that can be wrong is found before anything is sent.
//!
//! - [`pair`] splits `key=value`, and [`path`] its key.
//! - [`shape`] says which values a field takes, from the description of the endpoint.
//! - [`text`] turns a text into a value of a shape.
//! - [`mod@file`] finds local files, and [`base`] reads the file of `--input`.
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

pub(crate) use self::builder::Builder;
