//! fal's OpenAPI documents as data: an endpoint's id, its schemas and an example result.

pub(crate) mod bounds;
pub(crate) mod document;
mod rewrite;
pub(crate) mod schema;
