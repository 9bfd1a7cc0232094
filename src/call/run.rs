use std::fmt;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use tracing::{Instrument, Span};

use super::any_output::AnyOutput;
use super::future::call_future;
use super::options::{runner_options, send_options, timeout_option};
use super::outgoing::Outgoing;
use super::response::Response;
use super::span::record_request_id;
use crate::error::Error;
use crate::schema::EndpointInput;
use crate::text::shown;
use crate::transport::{Operation, judged, send, within_total};

/// Runs a model directly, without the queue. Sent when awaited.
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
    outgoing: Outgoing,
    timeout: Option<Duration>,
    of: PhantomData<fn(I) -> O>,
}

impl<I, O> Run<I, O> {
    pub(crate) fn new(outgoing: Outgoing) -> Self {
        Run { outgoing, timeout: None, of: PhantomData }
    }

    send_options!();
    runner_options!();

    timeout_option! {
        /// The model may keep running after that.
    }
}

impl<I: EndpointInput, O: DeserializeOwned + Send + 'static> Run<I, O> {
    fn start(self) -> impl Future<Output = Result<Response<O>, Error>> + Send {
        let (span, mut output) = (span(&self.outgoing), None);
        async move { run(self.outgoing, self.timeout, span, &mut output).await?.with_output(output) }
    }
}

/// Creates the span of the call below the span of its caller, who may poll the call elsewhere.
fn span(outgoing: &Outgoing) -> Span {
    tracing::info_span!("fal.run", endpoint = shown(&outgoing.endpoint), request_id = tracing::field::Empty)
}

/// Runs a model. Boxed, so that it is compiled in this crate.
fn run(
    outgoing: Outgoing,
    timeout: Option<Duration>,
    span: Span,
    output: &mut (dyn AnyOutput + Send),
) -> BoxFuture<'_, Result<Response<()>, Error>> {
    let record = span.clone();
    let call = async move {
        let (client, endpoint) = (outgoing.client.clone(), outgoing.endpoint.clone());
        let (is_out, bucket) = (Arc::new(AtomicBool::new(false)), outgoing.bucket());
        let run = pin!(async {
            let mut prepared =
                outgoing.prepare(Operation::Run, &client.context().hosts.run, Arc::clone(&is_out)).await?;
            let response = send(client.context(), &prepared.request).await;
            let response = response.and_then(|response| Response::parse_into(response, output));
            match &response {
                Ok(response) => prepared.hold.succeeded(&response.headers),
                Err(error) => prepared.hold.failed(Operation::Run, error),
            }
            let mut response = response?;
            response.endpoint = prepared.endpoint.into_string();
            if let Some(bucket) = bucket {
                response.look_for_files_in(&bucket, client.context(), &endpoint);
            }
            Ok(response)
        });
        let response = within_total(timeout, "the run", run).await.map_err(|error| {
            // Set after a timeout and after an unreadable response, but not after an error response.
            let error = if is_out.load(Ordering::Relaxed) { judged(Operation::Run, error) } else { error };
            error.with_endpoint(&endpoint)
        })?;
        response.request_id.iter().for_each(|id| record_request_id(&record, id));
        Ok(response)
    };
    call.instrument(span).boxed()
}

call_future!([I: EndpointInput, O: DeserializeOwned + Send + 'static] Run<I, O> => 'static, Response<O>);

impl<I, O> fmt::Debug for Run<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("endpoint", &self.outgoing.endpoint).finish_non_exhaustive()
    }
}
