use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::close_timeout::within_close_timeout;
use super::sink::RealtimeSink;
use super::stream::RealtimeStream;
use crate::error::Error;
use crate::schema::EndpointInput;

/// A realtime connection: a stream of results to which inputs can be sent. Opened by
/// [`Handle::realtime`](crate::Handle::realtime).
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use serde_json::json;
///
/// let mut connection = client.endpoint("fal-ai/fast-lcm-diffusion").realtime().await?;
/// connection.send(json!({ "prompt": "a fox", "sync_mode": true })).await?;
/// if let Some(result) = connection.next().await {
///     println!("{}", result?["images"][0]["url"]);
/// }
/// connection.close().await?;
/// # Ok(())
/// # }
/// ```
///
/// The connection has no task of its own. It progresses while `send` or `next` is awaited, so await `next` to respond to fal's pings.
/// Dropping the connection closes it. To send and to receive in different tasks, [`split`](Self::split) it.
///
/// Files of an input are uploaded before it is sent, or inlined: see
/// [`inline_below`](super::ConnectRealtime::inline_below). Bytes in a result are bytes where the output's type has them, such as
/// `Vec<u8>`, and base64 in JSON.
pub struct Realtime<I, O> {
    sink: RealtimeSink<I>,
    stream: RealtimeStream<O>,
}

impl<I, O> Realtime<I, O> {
    pub(super) fn new(sink: RealtimeSink<I>, stream: RealtimeStream<O>) -> Self {
        Realtime { sink, stream }
    }

    /// Splits the connection into the half that sends and the half that receives.
    pub fn split(self) -> (RealtimeSink<I>, RealtimeStream<O>) {
        (self.sink, self.stream)
    }

    /// Returns fal's id of the present connection, if it has one. It is an owned string because a
    /// [reconnection](super::ConnectRealtime::reconnect) replaces it.
    pub fn request_id(&self) -> Option<String> {
        self.stream.shared().request_id()
    }

    /// Returns how many times the connection was [opened again](super::ConnectRealtime::reconnect). Results of inputs that were sent
    /// before the last time do not arrive any more.
    pub fn reconnects(&self) -> u64 {
        self.stream.shared().reconnects()
    }

    /// Waits until all inputs in the queue are written.
    ///
    /// # Errors
    ///
    /// The connection is closed or lost.
    pub async fn flush(&mut self) -> Result<(), Error> {
        self.sink.flush().await
    }
}

impl<I: EndpointInput, O> Realtime<I, O> {
    /// Sends an input: see [`RealtimeSink::send`].
    ///
    /// # Errors
    ///
    /// The input is invalid, a file cannot be uploaded, or the connection is closed or lost.
    pub async fn send(&mut self, input: impl Into<I>) -> Result<(), Error> {
        self.sink.send(input).await
    }

    /// Puts an input into the queue, to be written with those that follow: see [`RealtimeSink::feed`].
    ///
    /// # Errors
    ///
    /// The same as of [`send`](Self::send).
    pub async fn feed(&mut self, input: impl Into<I>) -> Result<(), Error> {
        self.sink.feed(input).await
    }

    /// Returns the next result, or `None` after fal has closed the connection normally: see [`RealtimeStream::next`].
    ///
    /// # Errors
    ///
    /// fal reports an error, the connection is lost, or a frame does not match the output's type.
    pub async fn next(&mut self) -> Option<Result<O, Error>> {
        self.stream.next().await
    }

    /// Writes the queue, closes the connection and waits for fal to confirm. Results that have not been received are discarded.
    ///
    /// # Errors
    ///
    /// The queue cannot be written, or closing takes longer than 10 seconds.
    pub async fn close(mut self) -> Result<(), Error> {
        let closed = async {
            self.sink.close_frame().await?;
            while self.stream.next().await.is_some() {}
            Ok(())
        };
        within_close_timeout(closed).await.map_err(|error| self.stream.shared().about(error))
    }
}

impl<I, O> Stream for Realtime<I, O> {
    type Item = Result<O, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.stream.poll(context)
    }
}

// Nothing is pinned: inputs and outputs are only passed on.
impl<I, O> Unpin for Realtime<I, O> {}

impl<I, O> fmt::Debug for Realtime<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Realtime").field("sink", &self.sink).finish_non_exhaustive()
    }
}
