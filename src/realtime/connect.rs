use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use serde::de::DeserializeOwned;
use tracing::Instrument;

use super::auth::{Auth, TokenSource};
use super::codec::{Decoder, Encoder, RealtimeFrame, standard};
use super::connection::Realtime;
use super::connector::Connector;
use super::link::{LinkOptions, Shared};
use super::send_policy::SendPolicy;
use super::sink::{InputOptions, RealtimeSink};
use super::stream::RealtimeStream;
use crate::call::future::call_future;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::protocol::EndpointId;
use crate::schema::EndpointInput;
use crate::text::shown;
use crate::transport::{UPLOAD_POLICY, join, parse_header};

/// Time limit for opening a connection. fal's own client uses the same, because a runner may have to start.
pub(super) const OPEN_TIMEOUT: Duration = Duration::from_secs(90);

/// Maximum bytes of a message from fal.
const MAX_MESSAGE: usize = 64 << 20;

/// Number of inputs in the queue.
const QUEUE: usize = 16;

/// The path of a realtime connection, below the endpoint.
const PATH: &str = "realtime";

/// Opens a realtime connection. Connects when awaited.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// let endpoint = client.endpoint("fal-ai/fast-lcm-diffusion");
/// let mut connection = endpoint.realtime().max_buffering(2).await?;
/// connection.send(serde_json::json!({ "prompt": "a fox", "sync_mode": true })).await?;
/// while let Some(result) = connection.next().await {
///     println!("{}", result?);
/// }
/// # Ok(())
/// # }
/// ```
///
/// The connection uses the client's HTTP client, with its TLS, proxies and custom headers. A handshake is free of charge, and is
/// retried like a status request. A client of yours (`http_client`) must speak HTTP/1.1 to fal, because HTTP/2 has no such
/// connections.
#[must_use = "a connection is not opened until it is awaited"]
pub struct ConnectRealtime<I, O> {
    client: Client,
    endpoint: Cow<'static, str>,
    path: Option<String>,
    max_buffering: Option<u32>,
    auth: Auth,
    token_lifetime: Option<Duration>,
    encoder: Encoder<I>,
    decoder: Decoder<O>,
    options: LinkOptions,
    inputs: InputOptions,
    headers: HeaderMap,
    open_timeout: Duration,
    max_message: usize,
    invalid: Option<Error>,
}

impl<I, O: DeserializeOwned + 'static> ConnectRealtime<I, O> {
    pub(crate) fn new(client: Client, endpoint: Cow<'static, str>) -> Self {
        let options = LinkOptions { capacity: QUEUE, policy: SendPolicy::default(), reconnect: false, idle: None };
        ConnectRealtime {
            client,
            endpoint,
            path: None,
            max_buffering: None,
            auth: Auth::Key,
            token_lifetime: None,
            encoder: Encoder::MessagePack,
            decoder: Decoder::Standard(standard),
            options,
            inputs: InputOptions::default(),
            headers: HeaderMap::new(),
            open_timeout: OPEN_TIMEOUT,
            max_message: MAX_MESSAGE,
            invalid: None,
        }
    }
}

impl<I, O> ConnectRealtime<I, O> {
    /// Sets the path of the connection below the endpoint. Default: `/realtime`, unless the endpoint's id ends with it. An empty
    /// path connects to the endpoint itself.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Sets the number of inputs that fal keeps while the model is busy. Of more inputs, it keeps the newest. Range: 1 to 60.
    /// Default: decided by the application. A value out of range is an error before anything is sent.
    pub fn max_buffering(mut self, inputs: u32) -> Self {
        self.max_buffering = Some(inputs);
        self
    }

    /// Authenticates with a short-lived token instead of the API key. Default: the key, in the header `Authorization`; for a client
    /// with a [server proxy](crate::ClientBuilder::proxy_url), a token. The request for the token goes through that proxy, and the
    /// connection does not.
    ///
    /// The client requests the token as [`Tokens::create`](crate::Tokens::create) does, and sends it in the URL. A connection that
    /// reconnects uses the token for 90 % of its [lifetime](Self::token_lifetime). The key is never part of a URL.
    pub fn token_auth(mut self) -> Self {
        self.auth = Auth::Token;
        self
    }

    /// Authenticates with a token that a function returns, for example because the API key is on a server.
    ///
    /// The function receives the endpoint with the path, such as `fal-ai/fast-lcm-diffusion/realtime`. It is called for each
    /// connection, unless the [lifetime](Self::token_lifetime) is known. If it fails, nothing is sent.
    ///
    /// ```no_run
    /// # async fn token_from_server(app: String) -> std::io::Result<String> { Ok(app) }
    /// # async fn example() -> Result<(), fal_client::Error> {
    /// let client = fal_client::Client::builder().anonymous().build()?;
    /// let endpoint = client.endpoint("fal-ai/fast-lcm-diffusion");
    /// let connection = endpoint.realtime().token_provider(token_from_server).await?;
    /// # let _ = connection;
    /// # Ok(())
    /// # }
    /// ```
    pub fn token_provider<F, T, E>(mut self, provide: F) -> Self
    where
        F: Fn(String) -> T + Send + Sync + 'static,
        T: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.auth = Auth::Provider(Arc::new(move |app| {
            let provided = provide(app);
            Box::pin(async move { provided.await.map_err(Into::into) })
        }));
        self
    }

    /// Sets the lifetime of tokens. Range: 1 second to 24 hours for [`token_auth`](Self::token_auth). Default: 2 minutes for
    /// `token_auth`; for [`token_provider`](Self::token_provider) none, so that each connection needs a token of its own.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = Some(lifetime);
        self
    }

    /// Sends inputs as JSON in text frames, instead of MessagePack in binary frames. Results are read in both forms in either case.
    pub fn json(mut self) -> Self {
        self.encoder = Encoder::Json;
        self
    }

    /// Writes inputs and reads results with functions of yours, whatever the output's type is. Frames about the connection, such as
    /// errors, are still read by the client.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_client::JsonInput;
    /// use fal_client::realtime::RealtimeFrame;
    /// use serde_json::json;
    ///
    /// let mut connection = client.endpoint("my-team/my-app").realtime().codec(
    ///     |input: &JsonInput| serde_json::to_string(input),
    ///     |frame| match frame {
    ///         RealtimeFrame::Binary(bytes) => Ok(bytes.to_vec()),
    ///         RealtimeFrame::Text(text) => Err(text),
    ///     },
    /// ).await?;
    /// connection.send(json!({ "x": 1 })).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn codec<F, T, E, D>(
        self,
        encode: impl Fn(&I) -> Result<F, E> + Send + Sync + 'static,
        decode: impl Fn(RealtimeFrame) -> Result<T, D> + Send + Sync + 'static,
    ) -> ConnectRealtime<I, T>
    where
        F: Into<RealtimeFrame>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
        D: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let encoder = Encoder::Custom(Arc::new(move |input: &I| {
            encode(input).map(Into::into).map_err(|error| {
                let error = error.into();
                let message = format!("the codec cannot write the input: {error}");
                Error::new(ErrorKind::InvalidInput, message).caused_by(error)
            })
        }));
        let decoder = Decoder::Custom(Arc::new(move |frame| {
            decode(frame).map_err(|error| {
                let error = error.into();
                let message = format!("the codec cannot read a frame: {error}");
                Error::new(ErrorKind::UnexpectedResponse, message).caused_by(error)
            })
        }));
        ConnectRealtime {
            client: self.client,
            endpoint: self.endpoint,
            path: self.path,
            max_buffering: self.max_buffering,
            auth: self.auth,
            token_lifetime: self.token_lifetime,
            encoder,
            decoder,
            options: self.options,
            inputs: self.inputs,
            headers: self.headers,
            open_timeout: self.open_timeout,
            max_message: self.max_message,
            invalid: self.invalid,
        }
    }

    /// Sets what `send` does while the connection cannot take another input. Default: [`SendPolicy::Wait`].
    pub fn send_policy(mut self, policy: SendPolicy) -> Self {
        self.options.policy = policy;
        self
    }

    /// Sets the maximum number of inputs that wait to be written. Default: 16. 0 counts as 1.
    pub fn send_queue(mut self, inputs: usize) -> Self {
        self.options.capacity = inputs.max(1);
        self
    }

    /// Opens another connection when one is lost, after the delays of the client's [`RetryPolicy`](crate::RetryPolicy). Default:
    /// `false`.
    ///
    /// - It applies to torn and silent connections, and to the close codes 1001 and 1011 to 1015. It does not apply to the normal
    ///   close code 1000, with which a model ends a session.
    /// - Inputs that were written before are not sent again, because fal may have processed and billed them. Inputs that are still
    ///   in the queue are sent on the new connection.
    /// - Results of inputs that were written before do not arrive. [`reconnects`](super::Realtime::reconnects) tells.
    /// - After 5 lost connections without a result in between, the loss is an error.
    pub fn reconnect(mut self, reconnect: bool) -> Self {
        self.options.reconnect = reconnect;
        self
    }

    /// Time limit for opening a connection, including retries and the request for a token. Default: 90 seconds.
    pub fn open_timeout(mut self, timeout: Duration) -> Self {
        self.open_timeout = timeout;
        self
    }

    /// Time limit for silence while waiting for a result. fal's pings count as a sign of life. Default: none.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.options.idle = Some(timeout);
        self
    }

    /// Maximum size of a message from fal in bytes. Default: 64 MiB. A larger message ends the connection.
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.max_message = bytes;
        self
    }

    /// Validates each input before it is sent. Default: `true`.
    pub fn validate(mut self, validate: bool) -> Self {
        self.inputs.unchecked = !validate;
        self
    }

    /// Sends files of fewer than `bytes` bytes as data URIs inside the input, without uploading them. Default: the setting of the
    /// client's [`UploadPolicy`](crate::UploadPolicy). An upload takes longer than most realtime models do.
    pub fn inline_below(mut self, bytes: u64) -> Self {
        self.inputs.inline_below = Some(bytes);
        self
    }

    /// Adds a custom header to the handshake. Headers of the client are sent, too. An invalid header is an error before anything is
    /// sent. fal does not support outputs in a bucket of yours on realtime connections.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let (name, value) = (name.as_ref(), value.as_ref());
        let parsed = match name.eq_ignore_ascii_case(UPLOAD_POLICY) {
            true => Err(format!("the header `{UPLOAD_POLICY}` cannot be set: fal refuses it on realtime connections")),
            false => parse_header(name, value),
        };
        match parsed {
            Ok((name, value)) => drop(self.headers.insert(name, value)),
            Err(reason) => drop(self.invalid.get_or_insert_with(|| Error::new(ErrorKind::InvalidInput, reason))),
        }
        self
    }

    /// Returns the endpoint with the path of the connection.
    fn app(&self) -> Result<EndpointId, Error> {
        let id = EndpointId::parse(&self.endpoint)?;
        let path = match &self.path {
            Some(path) => path.trim_start_matches('/'),
            None if id.as_str().ends_with("/realtime") => "",
            None => PATH,
        };
        match path {
            "" => Ok(id),
            path => Ok(EndpointId::parse(&format!("{id}/{path}"))?),
        }
    }
}

impl<I: EndpointInput, O: Send + 'static> ConnectRealtime<I, O> {
    async fn connect(mut self) -> Result<Realtime<I, O>, Error> {
        if let Some(invalid) = self.invalid.take() {
            return Err(invalid);
        }
        if let Some(inputs) = self.max_buffering.filter(|inputs| !(1..=60).contains(inputs)) {
            let message = format!("invalid max_buffering {inputs}: expected 1 to 60");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let app = self.app()?;
        let context = self.client.context();
        context.check_uncounted("a realtime connection")?;
        // The key of such a client is the proxy's.
        if context.proxy_url.is_some() && matches!(self.auth, Auth::Key) {
            self.auth = Auth::Token;
        }
        let mut url = join(&context.hosts.run, app.as_str());
        if let Some(inputs) = self.max_buffering {
            url.query_pairs_mut().append_pair("max_buffering", &inputs.to_string());
        }
        let connector = Arc::new(Connector {
            context: Arc::clone(context),
            endpoint: self.endpoint.into_owned(),
            url,
            headers: self.headers,
            tokens: TokenSource::new(self.auth, self.token_lifetime, app.as_str()),
            open_timeout: self.open_timeout,
            max_message: self.max_message,
        });
        let opened = connector.open().await?;
        let shared = Arc::new(Shared::new(connector, opened, self.options));
        let sink = RealtimeSink::new(Arc::clone(&shared), self.client, self.encoder, self.inputs, self.options.policy);
        Ok(Realtime::new(sink, RealtimeStream::new(shared, self.decoder)))
    }

    fn start(self) -> impl Future<Output = Result<Realtime<I, O>, Error>> + Send {
        let span = tracing::info_span!("fal.realtime", endpoint = shown(&self.endpoint));
        let endpoint = self.endpoint.clone();
        async move { self.connect().await.map_err(|error| error.with_endpoint(&endpoint)) }.instrument(span)
    }
}

call_future!(
    [I: EndpointInput, O: Send + 'static] ConnectRealtime<I, O> => 'static, Realtime<I, O>
);

impl<I, O> fmt::Debug for ConnectRealtime<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectRealtime")
            .field("endpoint", &self.endpoint)
            .field("path", &self.path)
            .field("auth", &self.auth)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
