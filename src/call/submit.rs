use std::borrow::Cow;
use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Method;
use tracing::Instrument;

use super::SendOptions;
use super::body::body;
use super::options::{queue_options, send_options};
use crate::client::join;
use crate::endpoint::EndpointId;
use crate::queue::Job;
use crate::transport::{Operation, Request, send};
use crate::{Client, EndpointInput, Error};

/// A submission to the queue, which is sent when it is awaited.
#[must_use = "a call does nothing until it is awaited"]
pub struct Submit<I, O> {
    client: Client,
    endpoint: Cow<'static, str>,
    input: I,
    options: SendOptions,
    of: PhantomData<fn() -> O>,
}

impl<I, O> Submit<I, O> {
    pub(crate) fn new(client: Client, endpoint: Cow<'static, str>, input: I) -> Self {
        Submit { client, endpoint, input, options: SendOptions::default(), of: PhantomData }
    }

    send_options!();
    queue_options!();

    /// Has fal post the result to an http or https URL when the request is completed. fal does not deliver to private
    /// addresses, and does not follow redirects.
    pub fn webhook(mut self, url: impl AsRef<str>) -> Self {
        self.options.webhook(url.as_ref());
        self
    }
}

/// Sends an input to the queue.
pub(super) async fn submit<I: EndpointInput, O>(
    client: &Client,
    endpoint: &str,
    input: I,
    mut options: SendOptions,
) -> Result<Job<O>, Error> {
    options.check()?;
    let id = EndpointId::parse(endpoint)?;
    let operation = Operation::Submit { bounded: options.bounded };
    let mut request = Request::new(operation, Method::POST, join(&client.shared().hosts.queue, id.as_str()));
    for (name, value) in &options.query {
        request.url.query_pairs_mut().append_pair(name, value);
    }
    request.body = Some(body(input, options.extra, !options.unchecked).await?);
    request.headers = options.headers;
    let answer = send(client.shared(), &request).await?;
    Job::read(&id, &answer).ok_or_else(|| {
        Error::unexpected("fal took the request but gave no id for it; the error has the whole body", answer)
    })
}

impl<I: EndpointInput, O: 'static> IntoFuture for Submit<I, O> {
    type Output = Result<Job<O>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Submit { client, endpoint, input, options, .. } = self;
        let span = tracing::info_span!("fal.submit", endpoint = &*endpoint);
        let call = async move {
            let _turn = client.turn().await;
            submit(&client, &endpoint, input, options).await.map_err(|error| error.at(&endpoint))
        };
        call.instrument(span).boxed()
    }
}

impl<I, O> fmt::Debug for Submit<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submit").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
