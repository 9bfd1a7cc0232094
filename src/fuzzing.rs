//! Entrances to private parts, for the fuzz targets in `fuzz/`. Compiled by `cargo fuzz` only.

use std::future::poll_fn;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::de::DeserializeOwned;

use crate::call::{Response, file_name};
use crate::client::Client;
use crate::error::Error;
use crate::media::File;
use crate::protocol::{QueueUpdate, RawResponse};
use crate::queue::{Job, Target};
use crate::realtime::fuzzing as frames;
use crate::stream::{Body, Head, Source, StreamEvent};
use crate::transport::{Chunks, EventStream};

/// Maximum bytes of an event.
const MAX_EVENT: usize = 1 << 20;

/// Parses a response as the client does: as an output, or as an error. `None` if no server could send it.
pub fn response<O: DeserializeOwned + 'static>(
    status: u16,
    headers: &[(String, Vec<u8>)],
    body: &[u8],
) -> Option<Result<Response<O>, Error>> {
    let headers = headers
        .iter()
        .filter_map(|(name, value)| Some((HeaderName::try_from(name).ok()?, HeaderValue::from_bytes(value).ok()?)));
    let response = RawResponse {
        status: StatusCode::from_u16(status).ok()?,
        headers: HeaderMap::from_iter(headers),
        body: Bytes::copy_from_slice(body),
    };
    Some(if response.status.is_success() {
        Response::parse(response)
    } else {
        Err(Error::service("the model", response))
    })
}

/// Splits the chunks of a status stream into events, and parses them as statuses.
pub fn events(chunks: &[&[u8]]) -> Vec<(String, Option<QueueUpdate>)> {
    let mut stream = EventStream::new(in_memory(chunks), MAX_EVENT);
    let events = std::iter::from_fn(|| {
        let event = stream.next().now_or_never()?.ok()??;
        let update = QueueUpdate::parse(event.data.as_bytes());
        Some((event.data, update))
    });
    events.collect()
}

/// Reads the chunks of an output stream. Ends with the first error.
pub fn outputs<O: DeserializeOwned + 'static>(chunks: &[&[u8]]) -> Vec<Result<StreamEvent<O>, Error>> {
    let source = Source::Events(EventStream::new(in_memory(chunks), MAX_EVENT));
    let mut body = Body::new(source, Bytes::from_static(br#"{"prompt":"a fox in the snow"}"#), None);
    let head = Head::new(StatusCode::OK, HeaderMap::new());
    let mut has_failed = false;
    let events = std::iter::from_fn(|| {
        let event = poll_fn(|context| body.poll_next(&head, context)).now_or_never().filter(|_| !has_failed)?;
        has_failed = event.is_err();
        event.transpose()
    });
    events.collect()
}

fn in_memory(chunks: &[&[u8]]) -> Chunks {
    let chunks: Vec<_> = chunks.iter().map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    Chunks::of(stream::iter(chunks).boxed(), Duration::MAX)
}

/// Returns the URLs of a saved job's requests to which the client would send its key.
pub fn urls(client: &Client, job: &Job<serde_json::Value>) -> Vec<url::Url> {
    let target = Target::new(client.context().clone(), job.endpoint.as_str(), job);
    let requests = [target.status(true), target.status_stream(false), target.result(), target.cancel()];
    let urls = requests.into_iter().filter_map(|request| Some(request.ok()?.url));
    urls.filter(|url| client.context().hosts.trusts(url)).collect()
}

/// Returns the file name of a download, and the key by which names are told apart. `head` is the beginning of the file.
pub fn name(file: &File, content_type: Option<&str>, head: &[u8]) -> (String, String) {
    file_name(&file.into(), content_type, head)
}

/// Reads a frame of a realtime connection. `None` if it is only about the connection.
pub fn frame<O: DeserializeOwned + 'static>(is_text: bool, bytes: &[u8]) -> Option<Result<O, Error>> {
    frames::decode(is_text, bytes)
}

/// Writes an input of a realtime connection as MessagePack.
pub fn packed(input: &serde_json::Value) -> Result<Vec<u8>, Error> {
    frames::encode(input)
}
