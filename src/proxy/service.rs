use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tower_service::Service;
use tracing::Instrument;

use super::bodies::{Incoming, ProxyBody, before};
use super::builder::ProxyBuilder;
use super::caller::Caller;
use super::exchange::Forwarded;
use super::operation::Operation;
use super::refusal::Refusal;
use super::settings::{Authenticate, Settings};
use super::target::Target;
use super::{forwarded, returned, token_request};
use crate::client::Client;
use crate::error::ErrorKind;
use crate::transport::TARGET_URL;

/// Maximum bytes of a request for a token.
const MAX_TOKEN_REQUEST: u64 = 16 << 10;

/// A service that forwards the calls of browsers and apps to fal, with the API key of its client.
///
/// It is a tower service, which takes a request of any path. Clones are cheap and share the limit of concurrent requests.
///
/// ```no_run
/// # use axum::Router;
/// # async fn is_signed_in(caller: fal_client::proxy::Caller) -> Result<(), http::StatusCode> { Ok(()) }
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use fal_client::Client;
/// use fal_client::proxy::Proxy;
///
/// let proxy = Proxy::builder(Client::from_env()?)
///     .endpoints(["fal-ai/flux/*", "fal-ai/fast-sdxl"])
///     .uploads(true)
///     .authenticate(is_signed_in)
///     .build()?;
/// let app: Router = Router::new().route_service("/api/fal/proxy", proxy);
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
/// axum::serve(listener, app).await?;
/// # Ok(())
/// # }
/// ```
///
/// A client sends its request to the proxy, and names the real URL in the header `x-fal-target-url`. The proxy checks the
/// request and sends it to the host that its client has configured: an emulator, for example.
///
/// - It forwards what the builder allows, and nothing else: endpoints by a list of patterns, uploads, tokens, webhooks.
/// - It takes neither the URL nor the key from the caller. Cookies and `Authorization` are not forwarded.
/// - It sends a request once. It never retries, so that nothing is billed twice.
/// - Bodies are streamed in both directions. If the caller disconnects, the request to fal ends.
///
/// CORS is not part of it. If pages of another origin call the proxy, put a layer such as tower-http's `CorsLayer` before it,
/// which allows the header `x-fal-target-url`.
#[derive(Clone)]
pub struct Proxy {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    settings: Settings,
    /// `None` if anyone may use the proxy.
    authenticate: Option<Authenticate>,
    permits: Arc<Semaphore>,
}

impl Proxy {
    /// Returns a builder. The proxy sends requests with the client's key, to its hosts, with its headers.
    pub fn builder(client: Client) -> ProxyBuilder {
        ProxyBuilder::new(client)
    }

    pub(super) fn new(client: Client, settings: Settings, authenticate: Option<Authenticate>) -> Self {
        // With a limit of 0 every request would be refused.
        let permits = Arc::new(Semaphore::new(settings.max_in_flight.clamp(1, Semaphore::MAX_PERMITS)));
        Proxy { inner: Arc::new(Inner { client, settings, authenticate, permits }) }
    }
}

impl<B> Service<Request<B>> for Proxy
where
    B: Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<ProxyBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<ProxyBody>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move {
            Ok(inner.respond(request).await.unwrap_or_else(|refusal| {
                tracing::debug!(
                    status = refusal.status.as_u16(),
                    detail = refusal.detail,
                    "the proxy refused a request"
                );
                refusal.into_response()
            }))
        })
    }
}

impl Inner {
    /// Responds to a request. The order of the checks is the order of the guide's table of refusals.
    async fn respond<B>(&self, request: Request<B>) -> Result<Response<ProxyBody>, Refusal>
    where
        B: Body<Data = Bytes> + Send + 'static,
    {
        let deadline = Instant::now().checked_add(self.settings.time_limit);
        let (parts, body) = request.into_parts();
        let target = self.target(&parts)?;
        let body = self.body(&parts, body, target.operation)?;
        let endpoint = target.endpoint.as_ref().map(ToString::to_string);
        let span = tracing::info_span!("fal.proxy", operation = target.operation.name(), endpoint);
        let is_stream = target.url.path().ends_with("/stream");
        let headers = forwarded::headers(&parts.headers, target.operation, &self.settings.headers, is_stream);
        async {
            let method = parts.method.clone();
            self.authenticate(parts, &target, deadline).await?;
            self.check_allowed(&target)?;
            let permit = Arc::clone(&self.permits).try_acquire_owned().map_err(|_| Refusal::busy())?;
            let body = match body {
                Some(body) if target.operation == Operation::Token => Some(self.check_token(body, deadline).await?),
                body => body,
            };
            self.forward(target, method, headers, body, permit, deadline).await
        }
        .instrument(span)
        .await
    }

    /// Checks the method and the header with the real URL.
    fn target(&self, parts: &Parts) -> Result<Target, Refusal> {
        if ![Method::GET, Method::POST, Method::PUT].contains(&parts.method) {
            return Err(Refusal::method("GET, POST, PUT"));
        }
        let mut targets = parts.headers.get_all(TARGET_URL).iter();
        let (Some(target), None) = (targets.next(), targets.next()) else {
            return Err(Refusal::bad_request("the request needs exactly one header `x-fal-target-url`"));
        };
        // What is not ASCII is not a URL of fal's.
        Target::parse(&parts.method, target.to_str().unwrap_or_default(), &self.client.context().hosts)
    }

    /// Checks what is declared about the body. Requests that need none are forwarded without.
    fn body<B>(&self, parts: &Parts, body: B, operation: Operation) -> Result<Option<Incoming>, Refusal>
    where
        B: Body<Data = Bytes> + Send + 'static,
    {
        if !operation.has_body() {
            return Ok(None);
        }
        forwarded::check_content_type(&parts.headers)?;
        let limit = match operation {
            Operation::Token => MAX_TOKEN_REQUEST,
            _ => self.settings.max_body_size,
        };
        Incoming::new(body, limit, self.settings.idle_timeout).map(Some)
    }

    async fn authenticate(&self, parts: Parts, target: &Target, deadline: Option<Instant>) -> Result<(), Refusal> {
        let Some(authenticate) = &self.authenticate else { return Ok(()) };
        let caller = Caller {
            headers: parts.headers,
            extensions: parts.extensions,
            operation: target.operation,
            endpoint: target.endpoint.clone(),
            request_id: target.request_id.clone(),
        };
        let decided = before(deadline, authenticate(caller)).await;
        let status = match decided {
            Some(Ok(())) => return Ok(()),
            Some(Err(status)) if status.is_client_error() || status.is_server_error() => status,
            Some(Err(_)) => StatusCode::INTERNAL_SERVER_ERROR,
            None => StatusCode::GATEWAY_TIMEOUT,
        };
        let detail = match status {
            StatusCode::UNAUTHORIZED => "the proxy requires authentication".to_owned(),
            _ => {
                let reason = status.canonical_reason().unwrap_or("no reason given").to_lowercase();
                format!("the proxy refused the caller: {reason}")
            }
        };
        let refusal = Refusal::new(status, detail);
        match status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            true => Err(refusal.retryable()),
            false => Err(refusal),
        }
    }

    fn check_allowed(&self, target: &Target) -> Result<(), Refusal> {
        let Settings { allowed, .. } = &self.settings;
        match (target.operation, &target.endpoint) {
            (Operation::Upload, _) if !self.settings.uploads => Err(Refusal::forbidden("this proxy allows no uploads")),
            (Operation::Token, _) if self.settings.tokens.is_none() => {
                Err(Refusal::forbidden("this proxy issues no tokens"))
            }
            (Operation::Run | Operation::Submit, Some(id)) if !allowed.call(id) => {
                Err(Refusal::forbidden(format!("this proxy does not allow the endpoint `{id}`")))
            }
            (Operation::Status | Operation::Result | Operation::Cancel, Some(id)) if !allowed.queued(id) => {
                Err(Refusal::forbidden(format!("this proxy does not allow requests of `{id}`")))
            }
            _ if target.has_webhook && !self.settings.webhooks => {
                Err(Refusal::forbidden("this proxy does not allow webhooks"))
            }
            _ => Ok(()),
        }
    }

    /// Checks the scope of a token, and returns the body to forward.
    async fn check_token(&self, body: Incoming, deadline: Option<Instant>) -> Result<Incoming, Refusal> {
        let late = || Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body of the request did not arrive in time");
        let body = before(deadline, body.whole()).await.ok_or_else(late)??;
        let max_seconds = self.settings.tokens.unwrap_or_default().as_secs().max(1);
        let checked = token_request::check(&body, &self.settings.allowed, max_seconds)?;
        Incoming::new(Full::new(checked), MAX_TOKEN_REQUEST, self.settings.idle_timeout)
    }

    async fn forward(
        &self,
        target: Target,
        method: Method,
        mut headers: http::HeaderMap,
        body: Option<Incoming>,
        permit: OwnedSemaphorePermit,
        deadline: Option<Instant>,
    ) -> Result<Response<ProxyBody>, Refusal> {
        let context = self.client.context();
        // The owner of the account decides.
        headers.extend(context.headers.clone());
        let idle = self.settings.idle_timeout;
        let forwarded = Forwarded { context, target: &target, method, headers, body, idle };
        let fal = match before(deadline, forwarded.send()).await {
            Some(sent) => sent?,
            None => return Err(forwarded.refusal(ErrorKind::Timeout)),
        };
        let mut response = Response::new(ProxyBody::full(Bytes::new()));
        *response.status_mut() = fal.status();
        *response.headers_mut() = returned::headers(fal.headers(), fal.content_length());
        *response.body_mut() = ProxyBody::returned(fal, idle, deadline, permit);
        Ok(response)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("client", &self.inner.client).finish_non_exhaustive()
    }
}
