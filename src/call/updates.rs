use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use serde::de::DeserializeOwned;

use super::job_event::JobEvent;
use super::steps::Steps;
use crate::error::Error;

/// A stream of a request's events. Ends with its result, or with an error.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use fal_client::JobEvent;
/// use futures_util::StreamExt;
///
/// let mut updates = client.endpoint("fal-ai/flux/dev").subscribe(serde_json::json!({ "prompt": "a fox" })).updates();
/// while let Some(event) = updates.next().await {
///     match event? {
///         JobEvent::Enqueued(job) => println!("{}", job.request_id),
///         JobEvent::Update(update) => println!("{update:?}"),
///         JobEvent::Completed(response) => println!("{}", response.data),
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct Updates<'a, O> {
    steps: BoxStream<'a, Result<JobEvent<O>, Error>>,
}

impl<'a, O: DeserializeOwned + Send + 'static> Updates<'a, O> {
    pub(super) fn new(steps: Steps<'a>) -> Self {
        let events = futures_util::stream::unfold(steps, async |mut steps| {
            let mut output = None;
            let event = steps.next(&mut output).await?;
            let event = event.and_then(|event| event.with_output(output));
            Some((event, steps))
        });
        Updates { steps: events.fuse().boxed() }
    }
}

impl<O> Stream for Updates<'_, O> {
    type Item = Result<JobEvent<O>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.steps.poll_next_unpin(context)
    }
}

impl<O> fmt::Debug for Updates<'_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Updates")
    }
}
