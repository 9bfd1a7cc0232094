//! Inputs are judged by the document, and refused in fal's shape.

mod judge;
mod violation;

pub(crate) use judge::{Judge, unreadable};
