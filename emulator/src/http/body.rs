use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::request::received::{MAX_WEIGHT, weight};
use crate::response::refusal::Refusal;
use crate::state::MAX_IN_FLIGHT_BYTES;
use crate::storage::content::Blob;

/// The most bytes of a body that is not an uploaded file. Data URIs make JSON bodies large.
const MAX_BYTES: usize = 64 << 20;
/// The longest time without a byte of a body.
const MAX_SILENCE: Duration = Duration::from_secs(60);
/// The longest time for which the rest of a refused body is read and dropped.
const DISCARD_TIME: Duration = Duration::from_secs(10);

/// The reason why a body is not read to its end.
pub(crate) enum Unread {
    /// The client disconnected.
    Disconnected,
    Refused(Refusal),
}

/// A body in memory.
pub(crate) struct Held {
    pub(crate) bytes: Bytes,
    /// Counts the body while it is handled.
    pub(crate) permit: OwnedSemaphorePermit,
}

/// Reads a body to its end. `in_flight` has a permit for every byte that may be in memory.
pub(crate) async fn read(mut incoming: Incoming, in_flight: &Arc<Semaphore>) -> Result<Held, Unread> {
    let read = read_within(&mut incoming, in_flight).await;
    finish(read, incoming)
}

async fn read_within(incoming: &mut Incoming, in_flight: &Arc<Semaphore>) -> Result<Held, Unread> {
    let too_large = || Unread::Refused(Refusal::TooLarge { max_bytes: MAX_BYTES });
    if incoming.size_hint().lower() > MAX_BYTES as u64 {
        return Err(too_large());
    }
    let mut permit = reserve(in_flight, 0)?;
    let mut bytes = Vec::new();
    while let Some(data) = next(incoming).await? {
        if data.len() > MAX_BYTES - bytes.len() {
            return Err(too_large());
        }
        permit.merge(reserve(in_flight, data.len())?);
        bytes.extend_from_slice(&data);
    }
    let weight = weight(&bytes);
    if weight > MAX_WEIGHT {
        let detail = format!("The request body takes more than {} MiB of memory as JSON", MAX_WEIGHT >> 20);
        return Err(Unread::Refused(Refusal::Detail(StatusCode::PAYLOAD_TOO_LARGE, detail)));
    }
    permit.merge(reserve(in_flight, weight.saturating_sub(bytes.len()))?);
    Ok(Held { bytes: bytes.into(), permit })
}

fn reserve(in_flight: &Arc<Semaphore>, bytes: usize) -> Result<OwnedSemaphorePermit, Unread> {
    let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
    Arc::clone(in_flight).try_acquire_many_owned(permits).map_err(|_| {
        let detail =
            format!("the emulator's limit of {} MiB of requests in flight is reached", MAX_IN_FLIGHT_BYTES >> 20);
        Unread::Refused(Refusal::Detail(StatusCode::SERVICE_UNAVAILABLE, detail))
    })
}

/// Reads a body to its end into a blob.
pub(crate) async fn read_file(mut incoming: Incoming, mut blob: Blob) -> Result<Blob, Unread> {
    let read = async {
        while let Some(data) = next(&mut incoming).await? {
            blob.append(&data).map_err(|error| Unread::Refused(Refusal::NoRoom(error)))?;
        }
        Ok(blob)
    }
    .await;
    finish(read, incoming)
}

/// Returns the next bytes of a body, or `None` at its end.
async fn next(incoming: &mut Incoming) -> Result<Option<Bytes>, Unread> {
    loop {
        let frame = timeout(MAX_SILENCE, incoming.frame()).await.map_err(|_| {
            let detail = format!("The request body stalled for {} s", MAX_SILENCE.as_secs());
            Unread::Refused(Refusal::Detail(StatusCode::REQUEST_TIMEOUT, detail))
        })?;
        match frame {
            Some(frame) => match frame.map_err(|_| Unread::Disconnected)?.into_data() {
                Ok(data) => return Ok(Some(data)),
                Err(_trailers) => {}
            },
            None => return Ok(None),
        }
    }
}

fn finish<T>(read: Result<T, Unread>, incoming: Incoming) -> Result<T, Unread> {
    if let Err(Unread::Refused(_)) = read {
        discard(incoming);
    }
    read
}

/// Reads and drops the rest of a body in the background, for a short time. A client that is still sending would miss the
/// response if the connection closed immediately.
pub(crate) fn discard(mut incoming: Incoming) {
    if incoming.is_end_stream() {
        return;
    }
    tokio::spawn(timeout(DISCARD_TIME, async move { while let Some(Ok(_)) = incoming.frame().await {} }));
}

/// Reads `bytes` bytes of a body, or all of a shorter one, and returns the rest.
pub(crate) async fn read_some(mut incoming: Incoming, bytes: usize) -> Incoming {
    let mut left = bytes;
    while left > 0 {
        match incoming.frame().await {
            Some(Ok(frame)) => left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len)),
            _ => break,
        }
    }
    incoming
}
