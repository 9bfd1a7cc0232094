//! The request of an attempt.

use bytes::Bytes;
use futures_util::future::{Either, select};
use http_body_util::Full;
use hyper::Request;
use hyper::client::conn::http1::handshake;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::webhooks::target::Target;

/// Posts a delivery on a new connection, and returns the status of the response. Redirects are not followed.
pub(crate) async fn post(target: &Target, signed: &[(&str, String)], body: Bytes) -> Result<u16, String> {
    let path = target.uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::post(path).header(HOST, target.authority()).header(CONTENT_TYPE, "application/json");
    let request = signed.iter().fold(request, |request, (name, value)| request.header(*name, value));
    let request = request.body(Full::new(body)).map_err(|error| error.to_string())?;
    let stream = connect(target).await?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let response = std::pin::pin!(sender.send_request(request));
    // The connection is driven here, so that no task outlives the attempt.
    match select(response, std::pin::pin!(connection)).await {
        Either::Left((response, _)) => response.map(|response| response.status().as_u16()),
        Either::Right((_, response)) => response.await.map(|response| response.status().as_u16()),
    }
    .map_err(|error| error.to_string())
}

async fn connect(target: &Target) -> Result<TcpStream, String> {
    let mut reason = "the host has no address".to_owned();
    for address in target.addresses().await? {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => reason = format!("cannot connect to {address}: {error}"),
        }
    }
    Err(reason)
}
