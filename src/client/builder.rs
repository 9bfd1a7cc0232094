use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::{Client, Inner};
use crate::error::{Error, ErrorKind};
use crate::storage::{Tokens, UploadPolicy};
use crate::transport::{Context, Credentials, Hosts, RetryPolicy, Timeouts, parse_headers, tls};

/// How long a connection may take to come about. fal's own clients use the same.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an unused connection is kept. A gateway closes it at some time, and what is paid for is not repeated when it
/// goes out on a connection that is being closed: so it is not kept long.
const POOL_IDLE: Duration = Duration::from_secs(20);

/// How many requests of one client are followed by status streams at once.
const MAX_STREAMS: usize = 100;

/// Sets up a [`Client`].
///
/// ```
/// # fn main() -> Result<(), fal_client::Error> {
/// let client = fal_client::Client::builder().key("id:secret").build()?;
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
#[must_use]
pub struct ClientBuilder {
    credentials: Option<Result<Credentials, Error>>,
    run_host: Option<String>,
    queue_host: Option<String>,
    rest_host: Option<String>,
    api_host: Option<String>,
    cdn_host: Option<String>,
    headers: Vec<(String, String)>,
    http: Option<reqwest::Client>,
    retry: RetryPolicy,
    timeouts: Timeouts,
    uploads: UploadPolicy,
    max_in_flight: Option<usize>,
}

impl ClientBuilder {
    /// The key, `id:secret`, as fal's dashboard shows it. It is sent to hosts of fal's and to those that are configured
    /// here, and to no others.
    pub fn key(mut self, key: impl AsRef<str>) -> Self {
        self.credentials = Some(Credentials::key(key.as_ref()));
        self
    }

    /// A function that is asked for the key at every request: for keys that change, or come from a vault.
    ///
    /// ```
    /// # async fn key_of_the_vault() -> std::io::Result<String> { Ok("id:secret".to_owned()) }
    /// # fn main() -> Result<(), fal_client::Error> {
    /// let client = fal_client::Client::builder().key_provider(key_of_the_vault).build()?;
    /// # let _ = client;
    /// # Ok(())
    /// # }
    /// ```
    pub fn key_provider<F, T, E>(mut self, provide: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.credentials = Some(Ok(Credentials::provider(provide)));
        self
    }

    /// Calls without a key, which only public applications take.
    pub fn anonymous(mut self) -> Self {
        self.credentials = Some(Ok(Credentials::Anonymous));
        self
    }

    /// The host of direct runs: a host name, or a base URL whose path goes before every path (default `fal.run`).
    pub fn run_host(mut self, host: impl Into<String>) -> Self {
        self.run_host = Some(host.into());
        self
    }

    /// The host of the queue: a host name or a base URL (default `queue.` before the run host).
    pub fn queue_host(mut self, host: impl Into<String>) -> Self {
        self.queue_host = Some(host.into());
        self
    }

    /// The host of tokens and storage: a host name or a base URL (default `rest.fal.ai`).
    pub fn rest_host(mut self, host: impl Into<String>) -> Self {
        self.rest_host = Some(host.into());
        self
    }

    /// The host of the platform API, which signs URLs of files and sets who may read them: a host name or a base URL
    /// (default `api.fal.ai`).
    pub fn api_host(mut self, host: impl Into<String>) -> Self {
        self.api_host = Some(host.into());
        self
    }

    /// The host that files are uploaded to: a host name or a base URL (default: what the REST host says, one of fal's).
    /// The key is not sent there.
    pub fn cdn_host(mut self, host: impl Into<String>) -> Self {
        self.cdn_host = Some(host.into());
        self
    }

    /// What the environment says: the key from `FAL_KEY`, else from `FAL_KEY_ID` and `FAL_KEY_SECRET`, and the hosts
    /// from `FAL_RUN_HOST`, `FAL_QUEUE_RUN_HOST`, `FAL_REST_HOST` and `FAL_CDN_V3_HOST`, which fal's own tools know too, and
    /// the platform's from `FAL_API_HOST`. An empty variable counts as unset, and what was set on the builder before wins.
    pub fn env(self) -> Self {
        self.env_from(|name| std::env::var(name).ok())
    }

    /// The same as [`env`](Self::env) with another source of variables, for tests and for settings from elsewhere.
    ///
    /// ```
    /// # fn main() -> Result<(), fal_client::Error> {
    /// let settings = |name: &str| (name == "FAL_KEY").then(|| "id:secret".to_owned());
    /// let client = fal_client::Client::builder().env_from(settings).build()?;
    /// # let _ = client;
    /// # Ok(())
    /// # }
    /// ```
    pub fn env_from(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let pair = || Some(format!("{}:{}", variable("FAL_KEY_ID")?.trim(), variable("FAL_KEY_SECRET")?.trim()));
        if self.credentials.is_none() {
            self.credentials =
                match (variable("FAL_KEY").or_else(pair), variable("FAL_KEY_ID").or(variable("FAL_KEY_SECRET"))) {
                    (Some(key), _) => Some(Credentials::key(&key)),
                    (None, Some(_)) => {
                        let message = "only one of FAL_KEY_ID and FAL_KEY_SECRET is set: set both, or FAL_KEY";
                        Some(Err(Error::new(ErrorKind::Credentials, message)))
                    }
                    (None, None) => None,
                };
        }
        self.run_host = self.run_host.or_else(|| variable("FAL_RUN_HOST"));
        self.queue_host = self.queue_host.or_else(|| variable("FAL_QUEUE_RUN_HOST"));
        self.rest_host = self.rest_host.or_else(|| variable("FAL_REST_HOST"));
        self.api_host = self.api_host.or_else(|| variable("FAL_API_HOST"));
        self.cdn_host = self.cdn_host.or_else(|| variable("FAL_CDN_V3_HOST"));
        self
    }

    /// A header of one's own for every request to fal, questions after a request included; storage hosts do not get it.
    /// `Authorization` is the client's and is refused. Of a header that a call sets too, the call's counts.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// An HTTP client of one's own, with its proxies, certificates and connection pool. It should not follow redirects:
    /// a redirect of a call that has the key with it is an error to the client that is made here.
    pub fn http_client(mut self, http: reqwest::Client) -> Self {
        self.http = Some(http);
        self
    }

    /// How requests are repeated that did not get through (see [`RetryPolicy`]).
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Where and how files are uploaded (see [`UploadPolicy`]).
    pub fn uploads(mut self, policy: UploadPolicy) -> Self {
        self.uploads = policy;
        self
    }

    /// How long fal may take to begin its answer, each time a request is sent (default 2 minutes). It does not hold for
    /// a direct run, which answers when the model is done: that has a `timeout` of its own.
    pub fn answer_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.response = timeout;
        self
    }

    /// How long the body of an answer, or of an upload, may pause (default 1 minute).
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.idle = timeout;
        self
    }

    /// How long a status stream may be silent before another one is opened (default 45 seconds). fal sends a comment
    /// every 15 seconds.
    pub fn stream_idle_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.stream_idle = timeout;
        self
    }

    /// How many direct runs and queued requests of this client may be under way at once; a further call waits for its
    /// turn before it is sent. A subscribed request counts until it is completed, a submitted one until fal has taken
    /// it. A call's `timeout` runs while it waits. No bound by default; fal itself bounds what *runs* at once by account.
    pub fn max_in_flight(mut self, requests: usize) -> Self {
        self.max_in_flight = Some(requests);
        self
    }

    /// The client. It sends nothing.
    ///
    /// # Errors
    ///
    /// No key is given and the client is not anonymous, a host is neither a host name nor a base URL, a header
    /// cannot be sent, or TLS cannot be set up because the machine has no certificate authorities.
    pub fn build(self) -> Result<Client, Error> {
        let credentials = self.credentials.unwrap_or_else(|| {
            let message = "there is no fal key: set the environment variable FAL_KEY (and build the client with \
                           `Client::from_env`), give it with `Client::builder().key(…)`, or call public applications \
                           with `.anonymous()`";
            Err(Error::new(ErrorKind::Credentials, message))
        })?;
        let hosts = Hosts::new(self.run_host.as_deref(), self.queue_host.as_deref(), self.rest_host.as_deref())?
            .with_storage(self.api_host.as_deref(), self.cdn_host.as_deref())?;
        let headers = parse_headers(&self.headers)?;
        let http = match self.http {
            Some(http) => http,
            None => http_client(&hosts)?,
        };
        // A bound of 0 would make every call wait for ever.
        let in_flight =
            self.max_in_flight.map(|bound| Arc::new(Semaphore::new(bound.clamp(1, Semaphore::MAX_PERMITS))));
        let context = Arc::new(Context {
            http,
            hosts,
            headers,
            credentials,
            retry: self.retry,
            timeouts: self.timeouts,
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
        });
        let inner = Inner { context, uploads: self.uploads, tokens: Tokens::default(), in_flight };
        Ok(Client { inner: Arc::new(inner) })
    }
}

fn http_client(hosts: &Hosts) -> Result<reqwest::Client, Error> {
    let mut builder = reqwest::Client::builder();
    if hosts.are_local() {
        // The proxy of the environment is for the world outside.
        builder = builder.no_proxy();
    }
    builder
        .tls_backend_preconfigured(tls::config(hosts.are_plain())?)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE)
        .build()
        .map_err(|error| Error::new(ErrorKind::Configuration, "the HTTP client cannot be built").caused_by(error))
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("run_host", &self.run_host)
            .field("queue_host", &self.queue_host)
            .field("rest_host", &self.rest_host)
            .field("api_host", &self.api_host)
            .field("cdn_host", &self.cdn_host)
            .field("retry", &self.retry)
            .field("uploads", &self.uploads)
            .field("max_in_flight", &self.max_in_flight)
            .finish_non_exhaustive()
    }
}
