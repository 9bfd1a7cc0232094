use std::net::SocketAddr;

use axum::Router;
use fal_client::proxy::{Caller, Proxy, ProxyBuilder};
use http::StatusCode;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::server::Server;

/// A proxy in an axum application, at `/api/fal/proxy`.
pub(crate) struct Mounted {
    address: SocketAddr,
    http: reqwest::Client,
    task: JoinHandle<()>,
}

impl Mounted {
    pub(crate) async fn start(proxy: Proxy) -> Self {
        let app: Router = Router::new().route_service("/api/fal/proxy", proxy);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(async move { axum::serve(listener, app).await.expect("a server") });
        let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        Mounted { address, http, task }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/api/fal/proxy", self.address)
    }

    /// Returns a request of a caller. A POST has an empty JSON object as its body.
    pub(crate) fn request(&self, method: &str, target: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let request = self.http.request(method.clone(), self.url()).header("x-fal-target-url", target);
        match method {
            Method::POST => request.header("content-type", "application/json").body("{}"),
            _ => request,
        }
    }

    /// Sends a request, and returns the status and the detail of the response.
    pub(crate) async fn send(&self, method: &str, target: &str) -> (u16, String) {
        outcome(self.request(method, target)).await
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Sends a request, and returns the status and the detail of the response.
pub(crate) async fn outcome(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.expect("a response");
    let status = response.status().as_u16();
    let body = response.bytes().await.expect("a body");
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    (status, body["detail"].as_str().unwrap_or_default().to_owned())
}

/// Returns a builder of a proxy before a scripted fal.
pub(crate) fn builder(fal: &Server) -> ProxyBuilder {
    Proxy::builder(fal.client())
}

/// Starts a proxy that forwards everything that can be allowed, from anyone.
pub(crate) async fn open(fal: &Server) -> Mounted {
    let builder = builder(fal).endpoints(["**"]).uploads(true).webhooks(true);
    Mounted::start(builder.allow_anyone().build().expect("a proxy")).await
}

/// Admits callers with the header `x-session: alice`.
pub(crate) async fn authenticate(caller: Caller) -> Result<(), StatusCode> {
    match caller.headers().get("x-session") {
        Some(session) if session == "alice" => Ok(()),
        Some(session) if session == "mallory" => Err(StatusCode::FORBIDDEN),
        Some(session) if session == "broken" => Err(StatusCode::OK),
        _ => Err(StatusCode::UNAUTHORIZED),
    }
}
