//! The endpoints that are served, read from their documents.

mod catalog;
mod document;
mod rewrite;
pub(crate) mod schema;

pub(crate) use catalog::{Catalog, CatalogBuilder, Endpoint};
pub(crate) use document::{Document, app_segments};
