//! Submissions from the page: requests to the emulated queue, handled and recorded as those of programs.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Method, Request, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::faults::break_point::BreakPoint;
use crate::handlers::admit::admit;
use crate::handlers::call::Call;
use crate::handlers::perform::perform;
use crate::page::visit::Visit;
use crate::request::received::Received;
use crate::request::received_request::ReceivedRequest;
use crate::request::route::Route;
use crate::response::failure;
use crate::urls::Urls;
use crate::urls::encoded;

/// Submits an input to the queue, and returns the request id. The error says why the request was not accepted.
pub(super) async fn submit(
    visit: &Visit<'_>,
    id: &str,
    webhook: Option<&str>,
    input: &Value,
) -> Result<String, String> {
    let state = visit.state;
    let webhook =
        webhook.map_or_else(String::new, |url| format!("?fal_webhook={}", utf8_percent_encode(url, NON_ALPHANUMERIC)));
    let request = Request::post(format!("/queue.fal.run/{}{webhook}", encoded(id)))
        .header(AUTHORIZATION, format!("Key {}", state.settings.keys.accepted()))
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, "fal-emulator page");
    let request = visit.head.headers.get(HOST).into_iter().fold(request, |request, host| request.header(HOST, host));
    let (head, ()) = request.body(()).map_err(|error| error.to_string())?.into_parts();
    let route = Route::parse(&Method::POST, head.uri.path(), false);
    let urls = Urls::Base(Arc::clone(&state.base_url));
    let in_journal = state
        .journal
        .begin(route.operation(), |in_flight| Received::new(&route, Some(id.to_owned()), in_flight, urls, head));
    let received = &in_journal.received;
    let fault = state.faults.take(&ReceivedRequest(Arc::clone(received)));
    let broken = || "an injected fault broke the connection".to_owned();
    if fault.request_cut().is_some() {
        return Err(broken());
    }
    let admitted = admit(state, &route, received);
    if admitted.is_ok() {
        received.set_body(Bytes::from(input.to_string()));
    }
    in_journal.was_read();
    let call = Call { route: &route, received, fault: &fault };
    let reply = perform(state, call, admitted.map(|()| None), &BreakPoint::never()).await.map_err(|_| broken())?;
    let status = reply.status();
    let body = reply.into_body().collect().await.map_err(|_| broken())?.to_bytes();
    match received_id(status, &body) {
        Some(id) => Ok(id),
        None => Err(format!("status {}: {}", status.as_u16(), failure::reason(&body))),
    }
}

fn received_id(status: StatusCode, body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let id = body.get("request_id")?.as_str()?;
    status.is_success().then(|| id.to_owned())
}
