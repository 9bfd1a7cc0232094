//! A program that receives webhooks, and verifies them as programs do.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{FromRef, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use fal_client::webhook::{Verifier, Webhook};
use fal_emulator::webhook::Signer;
use serde_json::Value;

use crate::support::Project;

/// A server with a route `/hook`.
pub(crate) struct Receiver {
    address: SocketAddr,
    state: Hook,
}

#[derive(Clone)]
struct Hook {
    verifier: Verifier,
    received: Arc<Mutex<Vec<Webhook<Value>>>>,
    respond: Arc<dyn Fn() -> Response + Send + Sync>,
}

impl FromRef<Hook> for Verifier {
    fn from_ref(hook: &Hook) -> Self {
        hook.verifier.clone()
    }
}

impl Receiver {
    /// Starts a receiver that accepts what the project's key has signed.
    pub(crate) async fn new(project: &Project) -> Self {
        Receiver::responding(project, || "thank you".into_response()).await
    }

    /// Starts a receiver with another response.
    pub(crate) async fn responding(project: &Project, respond: impl Fn() -> Response + Send + Sync + 'static) -> Self {
        Receiver::with(Verifier::from_jwks(key(project).jwks().to_string()).unwrap(), respond).await
    }

    /// Starts a receiver with another verifier.
    pub(crate) async fn with(verifier: Verifier, respond: impl Fn() -> Response + Send + Sync + 'static) -> Self {
        let state = Hook { verifier, received: Arc::default(), respond: Arc::new(respond) };
        let app = Router::new().route("/hook", post(handle)).with_state(state.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Receiver { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Returns the verified webhooks.
    pub(crate) fn received(&self) -> Vec<Webhook<Value>> {
        self.state.received.lock().unwrap().clone()
    }
}

/// Gives the project a known key.
fn key(project: &Project) -> Signer {
    let digits = "07".repeat(32);
    project.write(".fal/webhook-key", digits);
    Signer::from_secret(&[7; 32])
}

async fn handle(State(hook): State<Hook>, webhook: Webhook<Value>) -> Response {
    hook.received.lock().unwrap().push(webhook);
    (hook.respond)()
}
