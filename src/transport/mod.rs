//! One HTTP request and its answer: the key, timeouts, repetition, backup hosts, server-sent events.

mod media;
mod meter;
mod parcel;
mod payload;
mod request;
mod retry;
mod send;
mod sse;
mod timeouts;
mod total;
mod tries;

pub(crate) use media::MediaStream;
pub(crate) use meter::Meter;
pub(crate) use parcel::{Parcel, deliver};
pub(crate) use payload::Payload;
pub(crate) use request::{Operation, Request};
pub use retry::RetryPolicy;
pub(crate) use retry::{jittered, random};
pub(crate) use send::{open, send};
pub(crate) use sse::EventStream;
pub(crate) use timeouts::Timeouts;
pub(crate) use total::{deadline, until, within_total};
