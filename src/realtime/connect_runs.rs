use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use serde::de::DeserializeOwned;
use tracing::Instrument;

use super::auth::{Auth, TokenSource};
use super::connect::OPEN_TIMEOUT;
use super::connector::Connector;
use super::run_connection::RunConnection;
use crate::call::future::call_future;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::protocol::EndpointId;
use crate::schema::EndpointInput;
use crate::text::shown;
use crate::transport::join;

/// Opens a connection for direct runs. Connects when awaited.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use serde_json::json;
///
/// let mut connection = client.endpoint("fal-ai/flux/schnell").run_connection().await?;
/// for prompt in ["a fox", "a hare"] {
///     let response = connection.run(json!({ "prompt": prompt })).await?;
///     println!("{}", response.data);
/// }
/// # Ok(())
/// # }
/// ```
///
/// It is a WebSocket connection to the host of [`ws_host`](crate::ClientBuilder::ws_host), opened like that of
/// [`ConnectRealtime`](super::ConnectRealtime).
#[must_use = "a connection is not opened until it is awaited"]
pub struct ConnectRuns<I, O> {
    client: Client,
    endpoint: Cow<'static, str>,
    open_timeout: Duration,
    of: PhantomData<fn(I) -> O>,
}

impl<I, O> ConnectRuns<I, O> {
    pub(crate) fn new(client: Client, endpoint: Cow<'static, str>) -> Self {
        ConnectRuns { client, endpoint, open_timeout: OPEN_TIMEOUT, of: PhantomData }
    }

    /// Time limit for opening the connection, including retries. Default: 90 seconds.
    pub fn open_timeout(mut self, timeout: Duration) -> Self {
        self.open_timeout = timeout;
        self
    }
}

impl<I: EndpointInput, O: DeserializeOwned + Send + 'static> ConnectRuns<I, O> {
    async fn connect(self) -> Result<RunConnection<I, O>, Error> {
        let id = EndpointId::parse(&self.endpoint)?;
        let context = self.client.context();
        if context.proxy_url.is_some() {
            let message = "a client with `proxy_url` has no key for direct runs over WebSocket connections: use `run`";
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        let Some(host) = &context.hosts.ws else {
            let message = "unknown WebSocket host, because the run host is not a plain host name: set it with `ws_host(…)` \
                           or FAL_WS_RUN_HOST";
            return Err(Error::new(ErrorKind::Configuration, message));
        };
        let connector = Arc::new(Connector {
            context: Arc::clone(context),
            endpoint: self.endpoint.clone().into_owned(),
            url: join(host, id.as_str()),
            headers: HeaderMap::new(),
            tokens: TokenSource::new(Auth::Key, None, id.as_str()),
            open_timeout: self.open_timeout,
            max_message: context.max_output,
        });
        let opened = connector.open().await?;
        Ok(RunConnection::new(self.client, connector, opened.socket))
    }

    fn start(self) -> impl Future<Output = Result<RunConnection<I, O>, Error>> + Send {
        let span = tracing::info_span!("fal.run_connection", endpoint = shown(&self.endpoint));
        let endpoint = self.endpoint.clone();
        async move { self.connect().await.map_err(|error| error.with_endpoint(&endpoint)) }.instrument(span)
    }
}

call_future!(
    [I: EndpointInput, O: DeserializeOwned + Send + 'static] ConnectRuns<I, O> => 'static, RunConnection<I, O>
);

impl<I, O> fmt::Debug for ConnectRuns<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectRuns").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
