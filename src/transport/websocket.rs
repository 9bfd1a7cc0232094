//! WebSocket connections, opened by the client's own HTTP client: its TLS, proxies and connect timeout apply.

use http::header::{
    AUTHORIZATION, CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE, USER_AGENT,
};
use http::{HeaderMap, HeaderValue, StatusCode, Version};
use reqwest::Upgraded;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use url::Url;

use super::attempts::Attempts;
use super::body;
use super::context::Context;
use super::headers::header_value;
use super::request::Request;
use super::send::{AGENT, redirected, sender};
use super::time_limit::within;
use crate::error::{Error, ErrorKind, Sender};
use crate::protocol::RawResponse;

/// An open connection.
pub(crate) type WebSocket = WebSocketStream<Upgraded>;

/// The properties of a connection to be opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WebSocketOptions {
    /// Sends the key in the handshake. Without it, the URL should have a token.
    pub(crate) with_key: bool,
    /// Maximum bytes of a message from fal.
    pub(crate) max_message: usize,
}

/// Opens a connection. The handshake is free of charge, so that it is retried like other requests of this kind. Returns the headers
/// of its response, too.
pub(crate) async fn open_websocket(
    context: &Context,
    request: &Request,
    options: WebSocketOptions,
) -> Result<(WebSocket, HeaderMap), Error> {
    let mut attempts = Attempts::direct(context, request)?;
    loop {
        match open(context, request, attempts.url(), options).await {
            Ok(opened) => return Ok(attempts.succeeded(opened)),
            Err(error) => attempts.failed(error).await?,
        }
    }
}

async fn open(
    context: &Context,
    request: &Request,
    url: &Url,
    options: WebSocketOptions,
) -> Result<(WebSocket, HeaderMap), Error> {
    let key = generate_key();
    let headers = headers(context, request, options, &key).await?;
    let has_protocol = headers.contains_key(SEC_WEBSOCKET_PROTOCOL);
    let name = request.operation.name();
    let outgoing = context.http.request(request.method.clone(), url.clone()).version(Version::HTTP_11).headers(headers);
    let sent = async { outgoing.send().await.map_err(Error::transport) };
    let mut response = within(context.timeouts.response(request.operation), name, sent).await?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let limit = body::limit(context, request.operation);
        return Err(refused(context, options, body::whole(response, limit, context.timeouts.idle).await?));
    }
    if let Some(reason) = violation(response.headers(), &key, has_protocol) {
        let raw = RawResponse { status: response.status(), headers: response.headers().clone(), body: "".into() };
        let message = format!("invalid WebSocket handshake: {reason}");
        return Err(Error::new(ErrorKind::UnexpectedResponse, message).with_response(raw));
    }
    let headers = std::mem::take(response.headers_mut());
    let upgraded = response.upgrade().await.map_err(Error::transport)?;
    let limit = Some(options.max_message);
    let config = WebSocketConfig::default().max_message_size(limit).max_frame_size(limit);
    Ok((WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await, headers))
}

async fn headers(
    context: &Context,
    request: &Request,
    options: WebSocketOptions,
    key: &str,
) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    // A server proxy is not in the way: its key and its headers are not fal's.
    if context.proxy_url.is_none() {
        headers.extend(context.headers.clone());
    }
    headers.extend(request.headers.clone());
    if options.with_key
        && context.proxy_url.is_none()
        && let Some(authorization) = context.credentials.authorization().await?
    {
        headers.insert(AUTHORIZATION, authorization);
    }
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    headers.insert(SEC_WEBSOCKET_KEY, header_value(key)?);
    // None is supported, so that a custom header must not offer any.
    headers.remove(SEC_WEBSOCKET_EXTENSIONS);
    Ok(headers)
}

/// Returns what is wrong with the response to a handshake (RFC 6455, 4.1).
fn violation(headers: &HeaderMap, key: &str, has_protocol: bool) -> Option<&'static str> {
    let has = |name, token: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(token))
    };
    if !has(UPGRADE, "websocket") || !has(CONNECTION, "upgrade") {
        return Some("the response switches to another protocol");
    }
    if headers.get(SEC_WEBSOCKET_ACCEPT).map(|value| value.as_bytes())
        != Some(derive_accept_key(key.as_bytes()).as_bytes())
    {
        return Some("the header `Sec-WebSocket-Accept` does not match");
    }
    let is_other_protocol = headers.contains_key(SEC_WEBSOCKET_PROTOCOL) && !has_protocol;
    if headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) || is_other_protocol {
        return Some("the response has an extension or a subprotocol, which was not requested");
    }
    None
}

/// Creates the error of a handshake whose response is an ordinary one.
fn refused(context: &Context, options: WebSocketOptions, response: RawResponse) -> Error {
    if response.status.is_redirection() {
        return redirected("fal", response);
    }
    if response.status.is_success() {
        return Error::unexpected("fal did not open a WebSocket connection", response);
    }
    Error::keyed(response, false, b"", if options.with_key { sender(context) } else { Sender::WithToken })
}
