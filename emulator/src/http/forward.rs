//! Plain requests to hosts elsewhere, which the emulator as a proxy passes on.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HeaderMap, HeaderName, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use hyper::http::request::Parts;
use hyper::http::uri::{PathAndQuery, Scheme};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;

use crate::http::{hosts, tunnel};
use crate::response::refusal::Refusal;
use crate::response::reply::{Dropped, Reply};
use crate::state::State;

/// Passes a request on, if the network is allowed, and returns the response.
pub(super) async fn forward(mut head: Parts, incoming: Incoming, state: &State) -> Result<Reply, Refusal> {
    let target = head.uri.authority().and_then(|target| Some((target, hosts::name_of(target.as_str())?)));
    let (target, name) = target.ok_or_else(|| tunnel::bad_request("the target has to be a URL with a host"))?;
    if !state.settings.allows_network {
        return Err(tunnel::elsewhere(&name, state));
    }
    if head.uri.scheme() != Some(&Scheme::HTTP) {
        return Err(tunnel::bad_request("the target has to be an `http` URL: for `https`, open a tunnel"));
    }
    let stream = tunnel::connect(target, target.port_u16().unwrap_or(80), &name, state).await?;
    let target = head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    head.uri = Uri::try_from(target).map_err(|error| tunnel::bad_request(&format!("invalid target: {error}")))?;
    remove_hops(&mut head.headers);
    let failed =
        |error: hyper::Error| Refusal::Detail(StatusCode::BAD_GATEWAY, format!("no response of {name}: {error}"));
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    // It ends with the response.
    tokio::spawn(connection);
    let mut response = sender.send_request(Request::from_parts(head, incoming)).await.map_err(failed)?;
    remove_hops(response.headers_mut());
    Ok(response.map(|body| body.map_err(|_| Dropped).boxed_unsync()))
}

/// Removes the headers that are for one connection only.
fn remove_hops(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in [CONNECTION, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
    for name in ["keep-alive", "proxy-connection", "proxy-authenticate"] {
        headers.remove(name);
    }
}
