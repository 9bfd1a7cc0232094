use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use super::close_timeout::within_close_timeout;
use super::codec::Encoder;
use super::link::Shared;
use super::send_policy::SendPolicy;
use crate::call::{check_input, upload_files};
use crate::client::Client;
use crate::error::Error;
use crate::schema::EndpointInput;

/// The preparation of inputs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct InputOptions {
    pub(super) unchecked: bool,
    /// Smaller files become data URIs; `None` uses the client's policy.
    pub(super) inline_below: Option<u64>,
}

/// The half of a [`Realtime`](super::Realtime) connection that sends inputs.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use serde_json::json;
///
/// let (mut sink, mut stream) = client.endpoint("fal-ai/fast-lcm-diffusion").realtime().await?.split();
/// tokio::spawn(async move {
///     while let Some(result) = stream.next().await {
///         println!("{result:?}");
///     }
/// });
/// for prompt in ["a fox", "a hare", "an owl"] {
///     sink.send(json!({ "prompt": prompt })).await?;
/// }
/// # Ok(())
/// # }
/// ```
///
/// The connection ends when one half closes it, or when both are dropped.
pub struct RealtimeSink<I> {
    shared: Arc<Shared>,
    client: Client,
    encoder: Encoder<I>,
    inputs: InputOptions,
    policy: SendPolicy,
}

impl<I> RealtimeSink<I> {
    pub(super) fn new(
        shared: Arc<Shared>,
        client: Client,
        encoder: Encoder<I>,
        inputs: InputOptions,
        policy: SendPolicy,
    ) -> Self {
        RealtimeSink { shared, client, encoder, inputs, policy }
    }

    /// Returns how many times the connection was opened again: see [`Realtime::reconnects`](super::Realtime::reconnects).
    pub fn reconnects(&self) -> u64 {
        self.shared.reconnects()
    }

    /// Waits until all inputs in the queue are written.
    ///
    /// # Errors
    ///
    /// The connection is closed or lost.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|context| self.shared.poll_flush(context)).await
    }

    /// Writes the queue and closes the connection. The other half receives the results that are still on their way, and then ends.
    /// The model does not finish other inputs, so close the connection after the last result that you need.
    ///
    /// # Errors
    ///
    /// The connection is lost, or closing takes longer than 10 seconds. Inputs of the queue may not have been sent.
    pub async fn close(self) -> Result<(), Error> {
        within_close_timeout(self.close_frame()).await.map_err(|error| self.shared.about(error))
    }

    pub(super) async fn close_frame(&self) -> Result<(), Error> {
        poll_fn(|context| self.shared.poll_close(context)).await
    }
}

impl<I: EndpointInput> RealtimeSink<I> {
    /// Sends an input: validates it, uploads its files and writes it to the connection.
    ///
    /// With [`SendPolicy::Wait`](super::SendPolicy::Wait), the default, it returns when the connection has taken the input. With
    /// [`SendPolicy::NewestWins`](super::SendPolicy::NewestWins) it never waits for the connection.
    ///
    /// A dropped future may still have put the input into the queue. Sending it again could process it twice.
    ///
    /// # Errors
    ///
    /// - The input is invalid, or a file cannot be uploaded. The connection goes on.
    /// - The connection is closed or lost. fal may have processed earlier inputs.
    pub async fn send(&mut self, input: impl Into<I>) -> Result<(), Error> {
        self.feed(input).await?;
        poll_fn(|context| match self.policy {
            SendPolicy::Wait => self.shared.poll_flush(context),
            SendPolicy::NewestWins => Poll::Ready(self.shared.poke(context)),
        })
        .await
    }

    /// Puts an input into the queue, to be written with those that follow. Otherwise the same as [`send`](Self::send).
    ///
    /// The queue is written by the next `send` or [`flush`](Self::flush), or while the other half waits for a result.
    ///
    /// # Errors
    ///
    /// The same as of [`send`](Self::send).
    pub async fn feed(&mut self, input: impl Into<I>) -> Result<(), Error> {
        let mut message = match self.message(input.into()).await {
            Ok(message) => Some(message),
            Err(error) => return Err(self.shared.about(error)),
        };
        poll_fn(|context| self.shared.poll_feed(context, &mut message)).await
    }

    async fn message(&self, mut input: I) -> Result<tokio_tungstenite::tungstenite::Message, Error> {
        if !self.inputs.unchecked {
            check_input(&input).await?;
        }
        upload_files(&self.client, &mut input, self.inputs.inline_below, None).await?;
        self.encoder.encode(&input)
    }
}

impl<I> fmt::Debug for RealtimeSink<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RealtimeSink").field("policy", &self.policy).finish_non_exhaustive()
    }
}
