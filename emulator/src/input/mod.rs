//! Inputs are judged by the document, and refused in fal's shape.

mod files;
mod judge;
mod violation;

pub(crate) use files::missing_files;
pub(crate) use judge::{Judge, unreadable};
