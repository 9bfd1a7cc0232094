//! A scripted platform API.

use fal_client::platform::Platform;
use serde_json::Value;

use crate::server::{Reply, Seen, Server};

/// Starts a server that responds with JSON.
pub(crate) async fn start(script: impl Fn(usize, &Seen) -> Value + Send + Sync + 'static) -> Server {
    Server::start(move |index, seen| Reply::json(200, &script(index, seen).to_string())).await
}

/// Starts a server that responds to each request with the next body. The last one is repeated.
pub(crate) async fn start_with(bodies: &[&str]) -> Server {
    let bodies: Vec<String> = bodies.iter().map(|body| (*body).to_owned()).collect();
    Server::start(move |index, _| Reply::json(200, &bodies[index.min(bodies.len() - 1)])).await
}

/// Returns the platform API of a server.
pub(crate) fn platform(server: &Server) -> Platform {
    let builder = server.builder().api_host(format!("{}/api", server.base()));
    builder.build().expect("a client").platform()
}

/// Returns the values of a parameter of a request.
pub(crate) fn values(seen: &Seen, name: &str) -> Vec<String> {
    let url = url::Url::parse(&format!("http://x{}", seen.target)).expect("a URL");
    url.query_pairs().filter(|(found, _)| found == name).map(|(_, value)| value.into_owned()).collect()
}

/// Returns the body of an error of the platform API.
pub(crate) fn error(error_type: &str, message: &str) -> String {
    let docs_url = "https://fal.ai/docs/platform-apis";
    serde_json::json!({
        "error": { "type": error_type, "message": message, "docs_url": docs_url, "request_id": "debug-7" }
    })
    .to_string()
}
