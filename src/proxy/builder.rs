use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use http::{HeaderName, StatusCode};

use super::caller::Caller;
use super::forwarded;
use super::pattern::Pattern;
use super::service::Proxy;
use super::settings::{Authenticate, Settings};
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::schema::{Given, Missing};
use crate::text::shown;

/// The name of the setting that has no default, in messages of the compiler.
#[derive(Clone, Copy, Debug)]
pub enum Authentication {}

/// Builder for [`Proxy`]. It has no `build` before [`authenticate`](Self::authenticate) or
/// [`allow_anyone`](Self::allow_anyone) is called.
///
/// ```compile_fail
/// # fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// let proxy = fal_client::proxy::Proxy::builder(client).endpoints(["fal-ai/flux/*"]).build()?;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct ProxyBuilder<A = Missing<Authentication>> {
    client: Client,
    settings: Settings,
    authenticate: Option<Authenticate>,
    /// The first error of a setting.
    error: Option<Error>,
    state: PhantomData<A>,
}

impl ProxyBuilder {
    pub(super) fn new(client: Client) -> Self {
        let settings = Settings::default();
        ProxyBuilder { client, settings, authenticate: None, error: None, state: PhantomData }
    }
}

impl<A> ProxyBuilder<A> {
    /// Sets the function that decides whether a caller may use the proxy. It is called once for each valid request, before
    /// anything is forwarded. An error is the status of the response: usually 401, 403 or 429.
    ///
    /// A status below 400 counts as 500.
    ///
    /// ```
    /// use fal_client::proxy::{Caller, Proxy};
    /// use http::StatusCode;
    ///
    /// # async fn is_known(session: &str) -> bool { session == "alice" }
    /// # fn main() -> Result<(), fal_client::Error> {
    /// # let client = fal_client::Client::builder().key("id:secret").build()?;
    /// async fn authenticate(caller: Caller) -> Result<(), StatusCode> {
    ///     let session = caller.headers().get("x-session").and_then(|session| session.to_str().ok());
    ///     let is_known = is_known(session.unwrap_or_default()).await;
    ///     is_known.then_some(()).ok_or(StatusCode::UNAUTHORIZED)
    /// }
    /// let proxy = Proxy::builder(client).endpoints(["fal-ai/flux/*"]).authenticate(authenticate).build()?;
    /// # let _ = proxy;
    /// # Ok(())
    /// # }
    /// ```
    pub fn authenticate<F, T>(self, authenticate: F) -> ProxyBuilder<Given>
    where
        F: Fn(Caller) -> T + Send + Sync + 'static,
        T: Future<Output = Result<(), StatusCode>> + Send + 'static,
    {
        self.with_authentication(Some(Arc::new(move |caller| authenticate(caller).boxed())))
    }

    /// Lets anyone use the proxy who can reach it. For a service that is not reachable from elsewhere, or if a middleware
    /// before the proxy authenticates its callers. fal bills all calls to the account of the client's key.
    pub fn allow_anyone(self) -> ProxyBuilder<Given> {
        self.with_authentication(None)
    }

    fn with_authentication(self, authenticate: Option<Authenticate>) -> ProxyBuilder<Given> {
        let ProxyBuilder { client, settings, error, .. } = self;
        ProxyBuilder { client, settings, authenticate, error, state: PhantomData }
    }

    /// Allows endpoints, in addition to those that are already allowed. Required: at least one, unless
    /// [`uploads`](Self::uploads) are allowed.
    ///
    /// A pattern is an endpoint id. In it, `*` is any part of one segment, and `**` any number of segments:
    ///
    /// | pattern | allows |
    /// | --- | --- |
    /// | `fal-ai/flux/dev` | this endpoint |
    /// | `fal-ai/flux/*` | `fal-ai/flux/dev`, but not `fal-ai/flux` or `fal-ai/flux/dev/redux` |
    /// | `fal-ai/fast-*` | `fal-ai/fast-sdxl` |
    /// | `fal-ai/flux/**` | `fal-ai/flux` and all endpoints below it |
    /// | `**` | every endpoint |
    ///
    /// They apply to runs, output streams and submissions. Status, result and cancellation are allowed for the applications of
    /// allowed endpoints: their URLs have `fal-ai/flux` only.
    pub fn endpoints<P: AsRef<str>>(mut self, patterns: impl IntoIterator<Item = P>) -> Self {
        for pattern in patterns {
            match Pattern::parse(pattern.as_ref()) {
                Ok(pattern) => self.settings.allowed.push(pattern),
                Err(error) => self.error = self.error.or(Some(error)),
            }
        }
        self
    }

    /// Allows uploads to fal's CDN. Default: `false`.
    ///
    /// The proxy forwards the requests for a signed URL (`initiate`, `initiate-multipart` and `complete-multipart`). The caller
    /// sends the file itself to that URL, past the proxy and its limits.
    pub fn uploads(mut self, allow: bool) -> Self {
        self.settings.uploads = allow;
        self
    }

    /// Allows tokens for the allowed endpoints, with a maximum lifetime. Default: none. Minimum: 1 second.
    ///
    /// A caller with a token calls fal directly until it expires, past the proxy and its limits. fal's own clients request 120
    /// seconds.
    ///
    /// A token is valid for whole applications. It is allowed if the application is, such as `fal-ai/flux`, or all endpoints
    /// below it, such as `fal-ai/flux/**`. fal names the application without its owner: a token for `flux` is valid for the
    /// application `flux` of every owner. A pattern such as `fal-ai/*` therefore allows no such token; `**` and `*/*` do.
    pub fn tokens(mut self, max_lifetime: Duration) -> Self {
        self.settings.tokens = Some(max_lifetime);
        self
    }

    /// Allows callers to set the webhook of a submission. Default: `false`, because fal signs its call of the webhook for your
    /// account: a caller could let fal report their own request to your receiver.
    pub fn webhooks(mut self, allow: bool) -> Self {
        self.settings.webhooks = allow;
        self
    }

    /// Forwards another header of requests. By default, the proxy forwards `Accept` and those headers of fal that only concern
    /// the caller's own request, such as `X-Fal-Queue-Priority`. The guide lists them.
    ///
    /// The headers of the proxy's client, set with [`ClientBuilder::header`](crate::ClientBuilder::header), replace headers of
    /// the caller.
    pub fn forward_header(mut self, name: impl AsRef<str>) -> Self {
        match HeaderName::from_bytes(name.as_ref().as_bytes()).ok().filter(|name| !forwarded::is_reserved(name)) {
            Some(name) => self.settings.headers.push(name),
            None => {
                let name = shown(name.as_ref());
                let message =
                    format!("the header `{name}` cannot be forwarded: it is invalid, or the proxy sets it itself");
                self.error = self.error.or(Some(Error::new(ErrorKind::Configuration, message)));
            }
        }
        self
    }

    /// Maximum size of the body of a request in bytes. Default: 16 MiB. Files are not part of it if they are uploaded.
    pub fn max_body_size(mut self, bytes: u64) -> Self {
        self.settings.max_body_size = bytes;
        self
    }

    /// Total time limit of a request, with its authentication and its response. Default: 1 hour.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.settings.time_limit = limit;
        self
    }

    /// Time limit for a pause in a body, of the caller or of fal, and for fal to begin its response. Default: 5 minutes.
    ///
    /// It does not apply to the response of a run, which begins when the model is done.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.settings.idle_timeout = limit;
        self
    }

    /// Maximum number of concurrent requests of the proxy, open streams included. Default: 256. 0 counts as 1.
    ///
    /// Further requests are refused with 429 and `Retry-After: 1`. Each request needs two connections.
    pub fn max_in_flight(mut self, requests: usize) -> Self {
        self.settings.max_in_flight = requests;
        self
    }
}

impl ProxyBuilder<Given> {
    /// Creates the proxy.
    ///
    /// # Errors
    ///
    /// - No endpoint is allowed, and no uploads are.
    /// - A pattern of endpoints is invalid, or a header cannot be forwarded.
    /// - The client has a budget, which cannot count what others send.
    /// - The client does not send its key to a host that the settings need: see
    ///   [`ClientBuilder::rest_host`](crate::ClientBuilder::rest_host).
    pub fn build(self) -> Result<Proxy, Error> {
        let ProxyBuilder { client, settings, authenticate, error, .. } = self;
        if let Some(error) = error {
            return Err(error);
        }
        if settings.allowed.is_empty() && !settings.uploads {
            let message = "the proxy allows no endpoint: name them with `endpoints([…])`, or allow all with \
                           `endpoints([\"**\"])`";
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        client.context().check_uncounted("the requests of a proxy")?;
        let hosts = &client.context().hosts;
        let needs_rest = settings.uploads || settings.tokens.is_some();
        let needed = [
            (!settings.allowed.is_empty()).then_some(&hosts.run),
            (!settings.allowed.is_empty()).then_some(&hosts.queue),
            needs_rest.then_some(&hosts.rest),
        ];
        if let Some(error) = needed.into_iter().flatten().find_map(|base| hosts.unset(base)) {
            return Err(error);
        }
        Ok(Proxy::new(client, settings, authenticate))
    }
}

impl<A> fmt::Debug for ProxyBuilder<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyBuilder").field("client", &self.client).finish_non_exhaustive()
    }
}
