//! A server that discards inputs, and responds with bodies that it made before.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::Failure;
use super::bodies::Kind;

type Bodies = Arc<BTreeMap<&'static str, Bytes>>;

/// Prints the address, and serves until the process ends.
pub(crate) async fn serve() -> Result<(), Failure> {
    let bodies: Bodies = Arc::new(Kind::ALL.into_iter().map(|kind| (kind.name(), kind.output().into())).collect());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        let bodies = Arc::clone(&bodies);
        let respond = service_fn(move |request| respond(Arc::clone(&bodies), request));
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), respond));
    }
}

/// Responds with the body that the end of the path names.
async fn respond(bodies: Bodies, mut request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Failure> {
    while let Some(frame) = request.frame().await {
        frame?;
    }
    let name = request.uri().path().rsplit('/').next().unwrap_or_default();
    let body = bodies.get(name).ok_or("unknown path")?.clone();
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    Ok(response)
}
