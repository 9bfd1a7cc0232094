//! Replaces `hold.rs` without the cargo feature `money`: nothing is reserved.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use http::HeaderMap;

use super::response::Response;
use super::send_options::SendOptions;
use crate::error::Error;
use crate::queue::Target;
use crate::transport::{Context, Operation};

pub(crate) struct Hold;

impl Hold {
    pub(crate) fn reserve(_: &Context, _: &str, _: Option<&SendOptions>, _: &Arc<AtomicBool>) -> Result<Self, Error> {
        Ok(Hold)
    }

    pub(crate) fn succeeded(&mut self, _: &HeaderMap) {}

    pub(crate) fn failed(&mut self, _: Operation, _: &Error) {}

    pub(crate) fn submitted(&mut self, _: &str) {}
}

pub(super) fn fetched(_: &Target, _: bool, _: &Result<Response<()>, Error>) {}

#[cfg(feature = "webhook")]
pub(crate) fn delivered<O>(_: &Target, _: &Result<Response<O>, Error>) {}

pub(super) fn removed(_: &Target) {}
