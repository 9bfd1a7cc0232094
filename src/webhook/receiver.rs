use std::fmt;
use std::sync::Arc;

use axum_core::extract::Request;
use axum_core::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{HeaderMap, StatusCode};

use super::delivery::Delivery;
use super::extract::{Rejected, verify};
use super::inbox::Inbox;
use super::message::queue_id;
use super::verifier::Verifier;
use super::wait::WebhookWait;
use crate::client::Client;
use crate::error::Error;
use crate::queue::{Job, Target};
use crate::text::shown;

/// Receives webhooks, and resolves the jobs that the program waits for. Clones are cheap and share everything.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use axum::Router;
/// use axum::routing::post;
/// use fal_client::webhook::Receiver;
///
/// let receiver = Receiver::new(&client);
/// let app: Router = Router::new().route("/fal", post(receiver.handler()));
/// let listener = tokio::net::TcpListener::bind("0.0.0.0:3000").await?;
/// tokio::spawn(async move { axum::serve(listener, app).await });
///
/// let call = client.endpoint("fal-ai/flux/dev").submit(serde_json::json!({ "prompt": "a fox" }));
/// let job = call.webhook("https://example.com/fal").await?;
/// println!("{}", receiver.wait(&job).await?.data); // without polling
/// # Ok(())
/// # }
/// ```
///
/// Other servers pass the headers and the body to [`receive`](Self::receive).
///
/// - A delivery is verified before it resolves anything. Duplicates change nothing.
/// - fal may deliver before the submission returns, or before the program waits. So the latest 10,000 deliveries are kept
///   for an hour, up to 64 MiB in total. The result of a request whose delivery was not kept is fetched from the queue.
/// - So is a result that fal could not put into the webhook.
/// - In case a delivery is lost, a wait checks the status of the request from time to time: see
///   [`WebhookWait::check_every`].
/// - Every verified delivery is acknowledged. Processes that share a URL do not see each other's deliveries, and depend on
///   that check. Give each process a URL of its own.
/// - When all clones of the receiver are dropped, its waits follow the requests as
///   [`Handle::wait`](crate::Handle::wait) does.
#[derive(Clone)]
pub struct Receiver {
    client: Client,
    verifier: Verifier,
    inbox: Arc<Inbox>,
}

impl Receiver {
    /// Creates a receiver with a [`Verifier`] of the client. The client also checks statuses and fetches results.
    pub fn new(client: &Client) -> Self {
        Receiver { client: client.clone(), verifier: Verifier::new(client), inbox: Arc::default() }
    }

    /// Replaces the verifier. Its replay guard has no effect.
    pub fn verifier(mut self, verifier: Verifier) -> Self {
        self.verifier = verifier;
        self
    }

    /// Returns a handler for a route of axum: `post(receiver.handler())`.
    ///
    /// Its responses have status 200 for a verified delivery, and otherwise that of
    /// [`Rejection::status`](super::Rejection::status).
    pub fn handler(&self) -> impl Fn(Request) -> BoxFuture<'static, Response> + Clone + Send + Sync + use<> {
        let receiver = self.clone();
        move |request| {
            let receiver = receiver.clone();
            async move {
                match verify(&receiver.verifier, request).await {
                    Ok(delivery) => {
                        receiver.accept(delivery);
                        StatusCode::OK.into_response()
                    }
                    Err(error) => Rejected::from(error).into_response(),
                }
            }
            .boxed()
        }
    }

    /// Verifies a delivery, and resolves the job that it is about. `body` are the bytes as they were received.
    ///
    /// # Errors
    ///
    /// [`Error::webhook_rejection`] is the reason, and [`Rejection::status`](super::Rejection::status) the status to respond
    /// with.
    pub async fn receive(&self, headers: &HeaderMap, body: impl Into<Bytes>) -> Result<(), Error> {
        self.accept(self.verifier.verify(headers, body).await?);
        Ok(())
    }

    /// Resolves the job of a delivery that was verified, for handlers that take a [`Delivery`].
    pub fn accept(&self, delivery: Delivery) {
        let request_id = queue_id(&delivery);
        tracing::debug!(request_id = shown(&request_id), bytes = delivery.body.len(), "webhook received");
        self.inbox.accept(request_id, delivery);
    }

    /// Waits for the webhook of a job, and returns its result.
    ///
    /// The job should have been submitted with the receiver's URL as its [`webhook`](crate::Submit::webhook). Otherwise the
    /// wait ends with a status check.
    pub fn wait<O>(&self, job: &Job<O>) -> WebhookWait<O> {
        let target = Target::new(self.client.context().clone(), job.endpoint.clone(), job);
        WebhookWait::new(Arc::downgrade(&self.inbox), target)
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}
