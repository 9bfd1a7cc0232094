use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use http::header::CONTENT_TYPE;

use super::body::{Body, Source};
use super::head::Head;
use crate::call::Outgoing;
use crate::error::Error;
use crate::files::content_type::essence;
use crate::protocol::{RawResponse, content_encoding};
use crate::transport::{self, Chunks, EventStream, Operation};

/// The settings of a stream that its request does not have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) idle: Duration,
    pub(super) max_event: usize,
}

/// Uploads the files of the input, sends it, and awaits the beginning of the response.
pub(super) async fn open(
    outgoing: Outgoing,
    settings: Settings,
    is_out: Arc<AtomicBool>,
) -> Result<(Head, Body), Error> {
    let client = outgoing.client.clone();
    let context = client.context();
    let operation = Operation::Stream { idle: settings.idle };
    let mut prepared = outgoing.prepare(operation, &context.hosts.run, is_out).await?;
    let response = transport::open(context, &prepared.request).await;
    match &response {
        Ok(response) => prepared.hold.succeeded(response.headers()),
        Err(error) => prepared.hold.failed(operation, error),
    }
    let mut response = response?;

    let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(essence);
    let media_type = media_type.unwrap_or_default();
    let is_encoded = content_encoding(response.headers()).is_some();
    let is_events = media_type == "text/event-stream";
    let is_json = media_type == "application/json" || media_type.ends_with("+json");
    // A page is not an output. It comes from a gateway.
    let is_page = media_type == "text/html";
    let (head, source) = if is_encoded || is_json || is_page {
        let response = transport::whole(response, settings.max_event, settings.idle).await?;
        if is_page {
            return Err(Error::unexpected("unexpected response to the stream request", response));
        }
        let RawResponse { status, headers, body } = response;
        (Head::new(status, headers), Source::Json(Some(body)))
    } else {
        let head = Head::new(response.status(), std::mem::take(response.headers_mut()));
        let chunks = Chunks::new(response, settings.idle);
        let source = match is_events {
            true => Source::Events(EventStream::new(chunks, settings.max_event)),
            false => Source::Binary(chunks),
        };
        (head, source)
    };
    Ok((head, Body::new(source, prepared.request.body.unwrap_or_default(), prepared.turn)))
}
