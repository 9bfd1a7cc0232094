//! Extractors of axum.

use std::fmt;

use axum_core::body::Body;
use axum_core::extract::{FromRef, FromRequest, Request};
use axum_core::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::StatusCode;
use serde::de::DeserializeOwned;

use super::delivery::Delivery;
use super::message::Webhook;
use super::verifier::Verifier;
use crate::error::{Error, Rejection};

/// The rejection of the extractors. Its response has the status of [`Rejection::status`].
#[derive(Clone, Debug)]
pub struct Rejected(Error);

impl Rejected {
    /// Returns the error.
    pub fn error(&self) -> &Error {
        &self.0
    }

    /// Returns the error by value.
    pub fn into_error(self) -> Error {
        self.0
    }
}

impl From<Error> for Rejected {
    fn from(error: Error) -> Self {
        Rejected(error)
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Rejected {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// Says what is wrong, but not more: the details are for the program's log.
impl IntoResponse for Rejected {
    fn into_response(self) -> Response {
        match self.0.webhook_rejection() {
            Some(rejection) => (rejection.status(), rejection.to_string()).into_response(),
            None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

/// Verifies the delivery before the handler is called. The [`Verifier`] is a part of the router's state.
impl<S> FromRequest<S> for Delivery
where
    S: Send + Sync,
    Verifier: FromRef<S>,
{
    type Rejection = Rejected;

    async fn from_request(request: Request, state: &S) -> Result<Self, Rejected> {
        let verifier = Verifier::from_ref(state);
        let delivery = verify(&verifier, request).await?;
        verifier.check_replay(&delivery).await?;
        Ok(delivery)
    }
}

/// Verifies the delivery before it is parsed. The [`Verifier`] is a part of the router's state.
///
/// ```no_run
/// use axum::extract::FromRef;
/// use fal_client::webhook::{Verifier, Webhook};
///
/// #[derive(Clone)]
/// struct AppState {
///     verifier: Verifier,
/// }
///
/// impl FromRef<AppState> for Verifier {
///     fn from_ref(state: &AppState) -> Self {
///         state.verifier.clone()
///     }
/// }
///
/// async fn completed(webhook: Webhook<serde_json::Value>) {
///     println!("request {}", webhook.request_id);
/// }
/// ```
impl<S, O> FromRequest<S> for Webhook<O>
where
    S: Send + Sync,
    Verifier: FromRef<S>,
    O: DeserializeOwned + 'static,
{
    type Rejection = Rejected;

    async fn from_request(request: Request, state: &S) -> Result<Self, Rejected> {
        Ok(Delivery::from_request(request, state).await?.parse())
    }
}

/// Reads and verifies a request. The headers are checked before the body is read.
pub(super) async fn verify(verifier: &Verifier, request: Request) -> Result<Delivery, Error> {
    let verified = async {
        let signed = verifier.check(request.headers())?;
        let body = read(request.into_body(), verifier.max_body).await?;
        verifier.verify_body(signed, body).await
    };
    verified.await.inspect_err(|error| {
        tracing::debug!(rejection = ?error.webhook_rejection(), "webhook rejected");
    })
}

async fn read(body: Body, limit: usize) -> Result<Bytes, Error> {
    let mut whole = BytesMut::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk
            .map_err(|error| Error::rejected(Rejection::IncompleteBody, "the connection was lost").caused_by(error))?;
        if whole.len() + chunk.len() > limit {
            return Err(Error::rejected(Rejection::BodyTooLarge, format_args!("expected at most {limit} bytes")));
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}
