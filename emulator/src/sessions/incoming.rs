use std::sync::Arc;

use bytes::Bytes;
use serde::de::Error as _;
use serde_json::{Error, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// A message that arrived on a WebSocket.
pub(super) struct Incoming {
    pub(super) bytes: Bytes,
    pub(super) is_text: bool,
    /// Counts the message while it waits and is handled.
    permit: OwnedSemaphorePermit,
}

impl Incoming {
    /// Counts a message. `in_flight` has a permit for every byte that may be in memory.
    pub(super) fn new(bytes: Bytes, is_text: bool, in_flight: &Arc<Semaphore>) -> Result<Self, TryAcquireError> {
        let permit = reserve(in_flight, bytes.len())?;
        Ok(Incoming { bytes, is_text, permit })
    }

    /// Decodes the message with a codec, and counts the bytes that the value takes in memory.
    pub(super) fn decode(
        &mut self,
        codec: impl FnOnce(&[u8]) -> Result<(Value, usize), Error>,
    ) -> Result<(Value, usize), Error> {
        let (value, weight) = codec(&self.bytes)?;
        let more = reserve(self.permit.semaphore(), weight.saturating_sub(self.bytes.len()));
        self.permit.merge(more.map_err(|_| Error::custom("the emulator's limit of requests in flight is reached"))?);
        Ok((value, weight))
    }
}

fn reserve(in_flight: &Arc<Semaphore>, bytes: usize) -> Result<OwnedSemaphorePermit, TryAcquireError> {
    Arc::clone(in_flight).try_acquire_many_owned(u32::try_from(bytes).unwrap_or(u32::MAX))
}
