use std::borrow::Cow;
use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Method;
use serde::de::DeserializeOwned;
use tracing::Instrument;

use super::body::body;
use super::options::{SendOptions, send_options};
use super::response::Response;
use crate::client::Client;
use crate::error::Error;
use crate::protocol::EndpointId;
use crate::schema::EndpointInput;
use crate::transport::{Operation, Request, join, send, within_total};

/// A direct run, which is sent when it is awaited.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// let call = client.endpoint("fal-ai/flux/schnell").run(serde_json::json!({ "prompt": "a fox" }));
/// let response = call.tags([("team", "posters")]).await?;
/// println!("{} for {:?} units", response.data, response.billable_units);
/// # Ok(())
/// # }
/// ```
#[must_use = "a call does nothing until it is awaited"]
pub struct Run<I, O> {
    client: Client,
    endpoint: Cow<'static, str>,
    input: I,
    options: SendOptions,
    timeout: Option<Duration>,
    of: PhantomData<fn() -> O>,
}

impl<I, O> Run<I, O> {
    pub(crate) fn new(client: Client, endpoint: Cow<'static, str>, input: I) -> Self {
        Run { client, endpoint, input, options: SendOptions::default(), timeout: None, of: PhantomData }
    }

    send_options!();

    /// How long it may take in all (no limit by default). The model may run on when it passes.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

impl<I: EndpointInput, O: DeserializeOwned + Send + 'static> Run<I, O> {
    async fn send(self) -> Result<Response<O>, Error> {
        let Run { client, endpoint, input, mut options, timeout, .. } = self;
        let call = async {
            options.check(&input)?;
            let id = EndpointId::parse(&endpoint)?;
            let _turn = client.turn().await;
            let mut request =
                Request::new(Operation::Run, Method::POST, join(&client.context().hosts.run, id.as_str()));
            request.body = Some(body(&client, input, &mut options).await?);
            request.headers = options.headers;
            Response::parse(send(client.context(), &request).await?)
        };
        within_total(timeout, "the run", call).await.map_err(|error| error.with_endpoint(&endpoint))
    }
}

impl<I: EndpointInput, O: DeserializeOwned + Send + 'static> IntoFuture for Run<I, O> {
    type Output = Result<Response<O>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let span = tracing::info_span!("fal.run", endpoint = &*self.endpoint, request_id = tracing::field::Empty);
        let record = span.clone();
        let call = async move {
            let response = self.send().await?;
            record.record("request_id", &response.request_id);
            Ok(response)
        };
        call.instrument(span).boxed()
    }
}

impl<I, O> fmt::Debug for Run<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
