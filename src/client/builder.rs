use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::environment::{key, missing_key, not_blank, switch, variable};
use super::{Client, Inner};
use crate::error::Error;
#[cfg(feature = "money")]
use crate::money::Budget;
use crate::storage::{Tokens, UploadCache, UploadPolicy};
use crate::transport::{
    AuthScheme, Buckets, Context, Credentials, Durations, Hosts, Proxies, RetryPolicy, Streams, Timeouts, Variable,
    check_encryption, http_client, parse_base_url, parse_headers, shown_host,
};

/// A setting, or the error of the environment variable that should have set it.
type Setting<T> = Option<Result<T, Error>>;

/// Default of the maximum size of an output. Outputs are JSON with URLs, or with files as data URIs of some megabytes.
const MAX_OUTPUT: usize = 256 << 20;

/// Builder for [`Client`].
///
/// ```
/// use std::time::Duration;
/// use fal_client::Client;
///
/// # fn main() -> Result<(), fal_client::Error> {
/// let client = Client::builder().key("id:secret").idle_timeout(Duration::from_secs(30)).max_in_flight(20).build()?;
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
#[must_use]
pub struct ClientBuilder {
    credentials: Setting<Credentials>,
    /// The key of the environment, which is fal's. A server proxy does not get it.
    key_of_fal: Setting<Credentials>,
    auth_scheme: AuthScheme,
    proxy_url: Option<String>,
    run_host: Setting<String>,
    queue_host: Setting<String>,
    rest_host: Setting<String>,
    api_host: Setting<String>,
    cdn_host: Setting<String>,
    ws_host: Setting<String>,
    site_host: Setting<String>,
    allow_http: Setting<bool>,
    proxies: Setting<Proxies>,
    headers: Vec<(String, String)>,
    http: Option<reqwest::Client>,
    retry: RetryPolicy,
    timeouts: Timeouts,
    uploads: UploadPolicy,
    no_upload_cache: bool,
    max_in_flight: Option<usize>,
    max_status_streams: Option<usize>,
    max_output_size: Option<usize>,
    #[cfg(feature = "money")]
    budget: Option<Budget>,
}

impl ClientBuilder {
    /// Sets the API key, in the form `id:secret` that fal's dashboard shows. It is sent only to fal's hosts and to the hosts
    /// that are configured on this builder. If the run host or the queue host is not one of fal's, it is sent to configured hosts
    /// only.
    pub fn key(mut self, key: impl AsRef<str>) -> Self {
        self.credentials = Some(Credentials::key(key.as_ref()));
        self
    }

    /// Sets a function that returns the API key. It is called for every request, so the key may change.
    ///
    /// ```
    /// # async fn read_key_from_vault() -> std::io::Result<String> { Ok("id:secret".to_owned()) }
    /// # fn main() -> Result<(), fal_client::Error> {
    /// let client = fal_client::Client::builder().key_provider(read_key_from_vault).build()?;
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

    /// Sends no API key. Only public applications accept such calls.
    pub fn anonymous(mut self) -> Self {
        self.credentials = Some(Ok(Credentials::anonymous()));
        self
    }

    /// Sets the scheme of the header `Authorization`, for gateways that expect another one. Default: [`AuthScheme::Key`].
    ///
    /// A gateway that expects its key in a header of its own gets it by [`header`](Self::header), together with
    /// [`anonymous`](Self::anonymous).
    pub fn auth_scheme(mut self, scheme: AuthScheme) -> Self {
        self.auth_scheme = scheme;
        self
    }

    /// Sends every request through a server proxy, which adds the API key: a base URL such as
    /// `https://app.example/api/fal/proxy`. Default: no proxy.
    ///
    /// ```
    /// # fn main() -> Result<(), fal_client::Error> {
    /// let client = fal_client::Client::builder().proxy_url("https://app.example/api/fal/proxy").build()?;
    /// # let _ = client;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The header `x-fal-target-url` has the real URL, as the proxies of fal's JavaScript packages and of the feature `proxy`
    /// expect it.
    ///
    /// - No key is needed. A [`key`](Self::key) is what the proxy requires, and it is sent to the proxy. A key in the environment
    ///   is fal's, so it is not used.
    /// - Files are uploaded with signed URLs of fal's CDN, whatever the [`UploadPolicy`] says. The file itself goes to the CDN
    ///   directly, and a download comes directly from its host.
    /// - WebSocket connections do not go through the proxy.
    /// - Backup hosts are not tried.
    pub fn proxy_url(mut self, url: impl Into<String>) -> Self {
        self.proxy_url = Some(url.into());
        self
    }

    /// Sets the host of direct runs: a host name, or a base URL whose path precedes every path. Default: `fal.run`.
    pub fn run_host(mut self, host: impl Into<String>) -> Self {
        self.run_host = Some(Ok(host.into()));
        self
    }

    /// Sets the host of the queue: a host name or a base URL. Default: the run host, prefixed with `queue.`.
    pub fn queue_host(mut self, host: impl Into<String>) -> Self {
        self.queue_host = Some(Ok(host.into()));
        self
    }

    /// Sets the host that issues upload tokens and upload URLs: a host name or a base URL. Default: `rest.fal.ai`.
    ///
    /// If the run host or the queue host is not one of fal's, an upload fails until this is set.
    pub fn rest_host(mut self, host: impl Into<String>) -> Self {
        self.rest_host = Some(Ok(host.into()));
        self
    }

    /// Sets the host of the platform API, which signs URLs of files and controls access to them: a host name or a base URL.
    /// Default: `api.fal.ai`.
    ///
    /// If the run host or the queue host is not one of fal's, such a call fails until this is set.
    pub fn api_host(mut self, host: impl Into<String>) -> Self {
        self.api_host = Some(Ok(host.into()));
        self
    }

    /// Sets the host that files are uploaded to: a host name or a base URL. Default: the host of fal's that the REST host
    /// names. The API key is not sent there.
    pub fn cdn_host(mut self, host: impl Into<String>) -> Self {
        self.cdn_host = Some(Ok(host.into()));
        self
    }

    /// Sets the host of direct runs over a WebSocket connection (`Handle::run_connection`): a host name or a base URL, which may
    /// begin with `wss://`. Default: the run host, prefixed with `ws.`.
    ///
    /// Realtime connections are to the [run host](Self::run_host). Both kinds need the cargo feature `realtime`.
    pub fn ws_host(mut self, host: impl Into<String>) -> Self {
        self.ws_host = Some(Ok(host.into()));
        self
    }

    /// Sets the host of fal's website, which serves the documents of endpoints (`Platform::document`): a host name or a base
    /// URL. It never receives the key. Default: `fal.ai`. Only the cargo feature `platform` uses it.
    pub fn site_host(mut self, host: impl Into<String>) -> Self {
        self.site_host = Some(Ok(host.into()));
        self
    }

    /// Allows base URLs that begin with `http://` and lead to another machine. Default: `false`.
    ///
    /// The API key, inputs and outputs then travel without encryption. `http://localhost` and other local hosts are always
    /// allowed, and fal's own hosts never are.
    ///
    /// ```
    /// # fn main() -> Result<(), fal_client::Error> {
    /// let builder = fal_client::Client::builder().key("id:secret").run_host("http://emulator:8000/fal.run");
    /// let builder = builder.queue_host("http://emulator:8000/queue.fal.run").allow_http(true);
    /// let client = builder.build()?;
    /// # let _ = client;
    /// # Ok(())
    /// # }
    /// ```
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.allow_http = Some(Ok(allow));
        self
    }

    /// Reads unset settings from environment variables.
    ///
    /// | variable | setting |
    /// | --- | --- |
    /// | `FAL_KEY`, or else `FAL_KEY_ID` and `FAL_KEY_SECRET` | [`key`](Self::key) |
    /// | `FAL_RUN_HOST` | [`run_host`](Self::run_host) |
    /// | `FAL_QUEUE_RUN_HOST` | [`queue_host`](Self::queue_host) |
    /// | `FAL_REST_HOST` | [`rest_host`](Self::rest_host) |
    /// | `FAL_API_HOST` | [`api_host`](Self::api_host) |
    /// | `FAL_CDN_V3_HOST` | [`cdn_host`](Self::cdn_host) |
    /// | `FAL_WS_RUN_HOST` | [`ws_host`](Self::ws_host) |
    /// | `FAL_SITE_HOST` | [`site_host`](Self::site_host) |
    /// | `FAL_ALLOW_HTTP`: `1` or `0` | [`allow_http`](Self::allow_http) |
    ///
    /// All but `FAL_API_HOST`, `FAL_SITE_HOST` and `FAL_ALLOW_HTTP` are the variables of fal's own tools. An empty variable counts as unset.
    /// A setting that is already set on the builder takes precedence. A variable that cannot be used, for example because
    /// it is not UTF-8, is an error of [`build`](Self::build).
    pub fn env(self) -> Self {
        self.read(&variable)
    }

    /// Reads unset settings from a function instead of the environment. Otherwise the same as [`env`](Self::env).
    ///
    /// The proxies come from the function, too: see [`build`](Self::build).
    ///
    /// ```
    /// # fn main() -> Result<(), fal_client::Error> {
    /// let settings = |name: &str| (name == "FAL_KEY").then(|| "id:secret".to_owned());
    /// let client = fal_client::Client::builder().env_from(settings).build()?;
    /// # let _ = client;
    /// # Ok(())
    /// # }
    /// ```
    pub fn env_from(self, variable: impl Fn(&str) -> Option<String>) -> Self {
        self.read(&|name| Ok(variable(name)))
    }

    fn read(mut self, variable: Variable<'_>) -> Self {
        self.key_of_fal = self.key_of_fal.or_else(|| key(variable).transpose());
        let host = |name: &str| not_blank(name, variable(name)).transpose();
        self.run_host = self.run_host.or_else(|| host("FAL_RUN_HOST"));
        self.queue_host = self.queue_host.or_else(|| host("FAL_QUEUE_RUN_HOST"));
        self.rest_host = self.rest_host.or_else(|| host("FAL_REST_HOST"));
        self.api_host = self.api_host.or_else(|| host("FAL_API_HOST"));
        self.cdn_host = self.cdn_host.or_else(|| host("FAL_CDN_V3_HOST"));
        self.ws_host = self.ws_host.or_else(|| host("FAL_WS_RUN_HOST"));
        self.site_host = self.site_host.or_else(|| host("FAL_SITE_HOST"));
        self.allow_http = self.allow_http.or_else(|| Some(switch("FAL_ALLOW_HTTP", host("FAL_ALLOW_HTTP")?)));
        self.proxies = Some(Proxies::from_env(variable));
        self
    }

    /// Adds a custom header to every request to fal, including status requests. Storage hosts do not get it. A header that a
    /// call sets replaces the client's header of the same name. Headers that follow from the key or the body are rejected:
    /// `Authorization`, `Content-Type`, `Content-Encoding`, `Content-Length` and `Transfer-Encoding`.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the HTTP client, with its proxies, certificates and connection pool. Default: a client with the proxies of the
    /// environment, which does not follow redirects and does not decompress. Yours should not follow redirects either,
    /// because a redirected request could take the API key with it. If yours decompresses, the size limits apply to the
    /// decompressed bytes.
    pub fn http_client(mut self, http: reqwest::Client) -> Self {
        self.http = Some(http);
        self
    }

    /// Sets the policy for retrying failed requests. Default: [`RetryPolicy::default`].
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Sets the policy for uploading files. Default: [`UploadPolicy::default`].
    pub fn uploads(mut self, policy: UploadPolicy) -> Self {
        self.uploads = policy;
        self
    }

    /// Reuses uploads: a file that several calls of this client send is uploaded once. Default: `true`.
    ///
    /// - It applies to the files of inputs, not to readers, and not to [`Storage::upload`](crate::Storage::upload).
    /// - Files are the same if they have the same bytes, name and media type, and if the API key, the repositories, the expiry and
    ///   the access rules are the same. Concurrent calls share one upload. A failed upload is not kept.
    /// - After an error of the type [`FileDownloadError`](crate::ErrorType::FileDownloadError), no earlier upload is reused: a file
    ///   may have been deleted.
    /// - An upload is reused for an hour, or for half of its [lifecycle](crate::UploadPolicy::lifecycle) if that is shorter. Files
    ///   that expire within ten minutes are not reused.
    /// - Files are hashed with SHA-256 before they are uploaded. A local file is therefore read twice, but only hashed again if its
    ///   size or its times have changed.
    /// - The client remembers the last 1000 files by their hashes and URLs, without their bytes.
    ///
    /// The client does not know whether the account's setting lets files expire within an hour. Use `false` in that case.
    pub fn upload_cache(mut self, reuse: bool) -> Self {
        self.no_upload_cache = !reuse;
        self
    }

    /// Time limit for fal to begin its response, per attempt. Default: 2 minutes.
    ///
    /// It does not apply to direct runs, whose response begins when the model is done. Limit those with
    /// [`Run::timeout`](crate::Run::timeout).
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.response = timeout;
        self
    }

    /// Time limit for a pause in the body of a response or of an upload. Default: 1 minute. Streams and realtime connections
    /// have a limit of their own, such as [`OutputStream::idle_timeout`](crate::OutputStream::idle_timeout).
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.idle = timeout;
        self
    }

    /// Time limit for silence on a status stream, after which the client opens another one. Default: 45 seconds. fal sends a
    /// comment every 15 seconds.
    pub fn status_idle_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.status_idle = timeout;
        self
    }

    /// Maximum number of concurrent direct runs and queued requests of this client. Default: unlimited. 0 counts as 1.
    ///
    /// Further calls wait before they are sent, and their `timeout` includes the wait. A subscribed request counts until it
    /// is completed, a submitted one until fal has accepted it. Separately, fal limits how many requests of an account run
    /// concurrently.
    pub fn max_in_flight(mut self, requests: usize) -> Self {
        self.max_in_flight = Some(requests);
        self
    }

    /// Maximum number of open status streams of this client and its clones. 0 polls every request.
    ///
    /// Each stream needs a connection, and so a descriptor and a port. Requests beyond the number are polled until a stream ends.
    /// The request that has waited longest then gets its place.
    ///
    /// Default: half of the process's limit of open files (`ulimit -n`) when the client is built, at most 1,000. 100 through a
    /// [proxy](Self::build) or a [server proxy](Self::proxy_url), with an [`http_client`](Self::http_client), and on systems
    /// other than Linux and Windows. Windows has no such limit: 1,000.
    ///
    /// ```
    /// # fn main() -> Result<(), fal_client::Error> {
    /// let client = fal_client::Client::builder().key("id:secret").max_status_streams(2_000).build()?;
    /// # let _ = client;
    /// # Ok(())
    /// # }
    /// ```
    pub fn max_status_streams(mut self, streams: usize) -> Self {
        self.max_status_streams = Some(streams);
        self
    }

    /// Maximum size of an output in bytes, of direct runs and of results. Default: 256 MiB. A larger output is an error,
    /// although it is billed. Other responses of fal are limited to 16 MiB. Downloads have a limit of their own:
    /// [`DownloadBytes::max_bytes`](crate::DownloadBytes::max_bytes).
    pub fn max_output_size(mut self, bytes: usize) -> Self {
        self.max_output_size = Some(bytes);
        self
    }

    /// Sets a budget, which refuses calls that could exceed it. Default: no budget. Several clients may share one.
    ///
    /// Runs, submissions, subscriptions, streams and runs over a connection count. Realtime connections and proxies need
    /// [`Budget::allow_unpriced`](crate::money::Budget::allow_unpriced).
    ///
    /// ```
    /// use fal_client::money::{Budget, IntoAmount, Price};
    ///
    /// # fn main() -> Result<(), fal_client::Error> {
    /// let price = Price::new("fal-ai/flux/dev", "0.025".into_amount()?, "megapixels");
    /// let budget = Budget::usd(5.0).prices([price]).expect_units("fal-ai/flux/dev", 1);
    /// let client = fal_client::Client::builder().key("id:secret").budget(budget).build()?;
    /// # let _ = client;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "money")]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Creates the client. Sends nothing.
    ///
    /// Requests go through the proxies that the environment variables `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY` name,
    /// except for the hosts in `NO_PROXY` and for local hosts. The cargo feature `socks`, which is on by default, adds
    /// `socks4://` and `socks5://`. A custom [`http_client`](Self::http_client) has its own proxies.
    ///
    /// # Errors
    ///
    /// - The API key is missing or malformed, and the client is not [`anonymous`](Self::anonymous).
    /// - A host is neither a host name nor a base URL.
    /// - A base URL leads to another machine over http, and [`allow_http`](Self::allow_http) is not set.
    /// - An environment variable that was read cannot be used, or names an unusable proxy.
    /// - A header has an invalid name or value.
    /// - An amount of the budget is invalid.
    /// - TLS cannot be set up, for example because the system has no root certificates, or because the
    ///   [features](crate#features) for TLS are off.
    pub fn build(self) -> Result<Client, Error> {
        let proxy_url = self.proxy_url.as_deref().map(|url| parse_base_url("proxy URL", url)).transpose()?;
        let default = || match proxy_url {
            Some(_) => Ok(Credentials::anonymous()),
            None => self.key_of_fal.unwrap_or_else(|| Err(missing_key("set the environment variable FAL_KEY"))),
        };
        let credentials = self.credentials.unwrap_or_else(default)?.with_scheme(self.auth_scheme)?;
        let [run, queue, rest, api, cdn, ws, site] = [
            self.run_host,
            self.queue_host,
            self.rest_host,
            self.api_host,
            self.cdn_host,
            self.ws_host,
            self.site_host,
        ]
        .map(Option::transpose);
        let hosts = Hosts::new(run?.as_deref(), queue?.as_deref(), rest?.as_deref())?
            .with_storage(api?.as_deref(), cdn?.as_deref())?
            .with_ws(ws?.as_deref())?
            .with_site(site?.as_deref())?;
        if !self.allow_http.transpose()?.unwrap_or(false) && !credentials.are_anonymous() {
            proxy_url.as_ref().map_or_else(|| hosts.check_encryption(), check_encryption)?;
        }
        let headers = parse_headers(&self.headers)?;
        #[cfg(feature = "money")]
        if let Some(budget) = &self.budget {
            budget.check()?;
        }
        let has_own_client = self.http.is_some();
        let (http, proxies) = match self.http {
            Some(http) => (http, Proxies::default()),
            None => {
                let proxies = self.proxies.unwrap_or_else(|| Proxies::from_env(&variable))?;
                let plain = proxy_url.as_ref().map_or_else(|| hosts.are_plain(), |url| url.scheme() == "http");
                (http_client(plain, &proxies)?, proxies)
            }
        };
        let is_direct = !has_own_client && proxy_url.is_none() && proxies.shown(&hosts.queue).is_none();
        // With a limit of 0 every call would wait forever.
        let in_flight =
            self.max_in_flight.map(|limit| Arc::new(Semaphore::new(limit.clamp(1, Semaphore::MAX_PERMITS))));
        let context = Arc::new(Context {
            http,
            proxies,
            hosts,
            proxy_url,
            headers,
            credentials,
            retry: self.retry,
            timeouts: self.timeouts,
            max_output: self.max_output_size.unwrap_or(MAX_OUTPUT),
            streams: Streams::new(self.max_status_streams, is_direct),
            durations: Durations::default(),
            buckets: Buckets::default(),
            #[cfg(feature = "money")]
            budget: self.budget,
            lost_files: AtomicU64::default(),
            #[cfg(feature = "blocking")]
            runtime: std::sync::OnceLock::new(),
        });
        let upload_cache = (!self.no_upload_cache).then(UploadCache::default);
        let inner = Inner { context, uploads: self.uploads, tokens: Tokens::default(), upload_cache, in_flight };
        Ok(Client { inner: Arc::new(inner) })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = |host: &Setting<String>| host.as_ref().and_then(|host| Some(shown_host(host.as_ref().ok()?)));
        f.debug_struct("ClientBuilder")
            .field("proxy_url", &self.proxy_url.as_deref().map(shown_host))
            .field("auth_scheme", &self.auth_scheme)
            .field("run_host", &host(&self.run_host))
            .field("queue_host", &host(&self.queue_host))
            .field("rest_host", &host(&self.rest_host))
            .field("api_host", &host(&self.api_host))
            .field("cdn_host", &host(&self.cdn_host))
            .field("ws_host", &host(&self.ws_host))
            .field("site_host", &host(&self.site_host))
            .field("allow_http", &self.allow_http)
            .field("retry", &self.retry)
            .field("uploads", &self.uploads)
            .field("max_in_flight", &self.max_in_flight)
            .field("max_status_streams", &self.max_status_streams)
            .field("max_output_size", &self.max_output_size)
            .finish_non_exhaustive()
    }
}
