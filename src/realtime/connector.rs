use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Method;
use url::Url;

use super::auth::TokenSource;
use crate::error::Error;
use crate::text::{learn_url, shown};
use crate::transport::{Context, Operation, Request, WebSocket, WebSocketOptions, open_websocket, within_total};

/// The name of a handshake in errors and events.
pub(super) const HANDSHAKE: &str = "WebSocket handshake";

/// Opens a connection, and opens it again.
pub(super) struct Connector {
    pub(super) context: Arc<Context>,
    pub(super) endpoint: String,
    /// The URL without a token.
    pub(super) url: Url,
    pub(super) headers: http::HeaderMap,
    pub(super) tokens: TokenSource,
    pub(super) open_timeout: Duration,
    pub(super) max_message: usize,
}

/// An open connection, with fal's id of it.
pub(super) struct Opened {
    pub(super) socket: WebSocket,
    pub(super) request_id: Option<String>,
}

impl Connector {
    /// Opens a connection.
    pub(super) async fn open(&self) -> Result<Opened, Error> {
        let opened = within_total(Some(self.open_timeout), "opening the connection", pin!(self.handshake())).await;
        opened.map_err(|error| error.with_endpoint(&self.endpoint))
    }

    /// Waits for the backoff after `losses` lost connections, and opens another one.
    pub(super) fn reopen(self: &Arc<Self>, losses: u32) -> BoxFuture<'static, Result<Opened, Error>> {
        let connector = Arc::clone(self);
        async move {
            let delay = connector.context.retry.backoff(losses);
            tracing::debug!(endpoint = shown(&connector.endpoint), losses, "connection lost; opening another");
            tokio::time::sleep(delay).await;
            connector.open().await
        }
        .boxed()
    }

    async fn handshake(&self) -> Result<Opened, Error> {
        loop {
            let token = self.tokens.get(&self.context).await?;
            let mut url = self.url.clone();
            if let Some(token) = &token {
                url = with_token(url, &token.token);
            }
            let mut request = Request::new(Operation::Storage(HANDSHAKE), Method::GET, url);
            request.headers = self.headers.clone();
            let options = WebSocketOptions { with_key: token.is_none(), max_message: self.max_message };
            match open_websocket(&self.context, &request, options).await {
                Ok((socket, headers)) => {
                    let request_id = headers.get("x-fal-request-id").and_then(|id| id.to_str().ok());
                    return Ok(Opened { socket, request_id: request_id.map(str::to_owned) });
                }
                Err(error) => {
                    let is_rejected = error.is_unauthorized() || error.is_permission_denied();
                    if token.is_none() || !is_rejected {
                        return Err(error);
                    }
                    self.tokens.forget();
                    // A kept token may have expired early.
                    if token.is_some_and(|token| !token.is_kept) {
                        return Err(error);
                    }
                }
            }
        }
    }
}

/// Puts the token first, as fal's own clients do.
fn with_token(mut url: Url, token: &str) -> Url {
    let rest = url.query().map(str::to_owned);
    url.set_query(None);
    url.query_pairs_mut().append_pair("fal_jwt_token", token);
    if let (Some(rest), Some(query)) = (rest, url.query().map(str::to_owned)) {
        url.set_query(Some(&format!("{query}&{rest}")));
    }
    learn_url(&url);
    url
}
