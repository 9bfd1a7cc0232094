//! The bodies that pass through a proxy. Both are streamed, so that the memory of a request does not depend on their sizes.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::forwarded::too_large;
use super::refusal::Refusal;
use crate::error::{Error, ErrorKind};

/// The body of a response of a [`Proxy`](super::Proxy). Dropping it ends the request to fal.
pub struct ProxyBody(UnsyncBoxBody<Bytes, Error>);

impl ProxyBody {
    pub(super) fn full(body: impl Into<Bytes>) -> Self {
        ProxyBody(Full::new(body.into()).map_err(|never| match never {}).boxed_unsync())
    }

    /// Creates a body that returns fal's chunks as they come. The permit is held until fal's response ends.
    pub(super) fn returned(
        response: reqwest::Response,
        idle: Duration,
        deadline: Option<Instant>,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        let (sender, chunks) = mpsc::channel(1);
        let task = tokio::spawn(async move {
            let _permit = permit;
            let late = || Err(Error::new(ErrorKind::Timeout, "the time limit of the proxy passed"));
            before(deadline, pass_on(response, sender, idle)).await.unwrap_or_else(late)
        });
        let chunks = stream::unfold(Some(Reading { chunks, task }), |reading| async move {
            let mut reading = reading?;
            if let Some(chunk) = reading.chunks.recv().await {
                return Some((Ok(Frame::data(chunk)), Some(reading)));
            }
            let lost = |_| Err(Error::new(ErrorKind::Transport, "the response of fal is incomplete"));
            (&mut reading.task).await.unwrap_or_else(lost).err().map(|error| (Err(error), None))
        });
        ProxyBody(StreamBody::new(chunks).boxed_unsync())
    }
}

/// A response of fal that a task reads. Its limits therefore hold while the caller does not read.
struct Reading {
    chunks: mpsc::Receiver<Bytes>,
    task: JoinHandle<Result<(), Error>>,
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass_on(mut response: reqwest::Response, sender: mpsc::Sender<Bytes>, idle: Duration) -> Result<(), Error> {
    loop {
        let chunk = timeout(idle, response.chunk()).await;
        let chunk = chunk.map_err(|_| Error::timeout("reading the response of fal", idle))?;
        let Some(chunk) = chunk.map_err(Error::transport)? else { return Ok(()) };
        match timeout(idle, sender.send(chunk)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Ok(()),
            Err(_) => return Err(Error::timeout("sending the response to the caller", idle)),
        }
    }
}

impl Body for ProxyBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.0).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl fmt::Debug for ProxyBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyBody")
    }
}

/// The body of a caller, with its limits. It is not read before the connection to fal is established.
#[derive(Clone)]
pub(super) struct Incoming {
    chunks: Arc<Mutex<Option<Chunks>>>,
    state: Arc<Mutex<State>>,
    /// The length, if the caller has declared it.
    pub(super) length: Option<u64>,
}

type Chunks = BoxStream<'static, Result<Bytes, Refusal>>;

struct State {
    /// Time of the latest chunk.
    latest: Instant,
    failure: Option<Refusal>,
}

impl Incoming {
    pub(super) fn new<B>(body: B, limit: u64, idle: Duration) -> Result<Self, Refusal>
    where
        B: Body<Data = Bytes> + Send + 'static,
    {
        let hint = body.size_hint();
        if hint.lower() > limit {
            return Err(too_large(limit));
        }
        let chunks = stream::try_unfold((Box::pin(body), limit), move |(mut body, left)| async move {
            loop {
                let frame = match timeout(idle, body.frame()).await {
                    Ok(None) => return Ok(None),
                    Ok(Some(Ok(frame))) => frame,
                    Ok(Some(Err(_))) => return Err(Refusal::bad_request("the body of the request is incomplete")),
                    Err(_) => {
                        let detail = format!("the body of the request paused for {idle:?}");
                        return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, detail).retryable());
                    }
                };
                // Trailers are not forwarded.
                let Ok(chunk) = frame.into_data() else { continue };
                match left.checked_sub(chunk.len() as u64) {
                    Some(left) => return Ok(Some((chunk, (body, left)))),
                    None => return Err(too_large(limit)),
                }
            }
        });
        let state = State { latest: Instant::now(), failure: None };
        Ok(Incoming {
            chunks: Arc::new(Mutex::new(Some(chunks.boxed()))),
            state: Arc::new(Mutex::new(state)),
            length: hint.exact(),
        })
    }

    /// Returns a body for the request to fal. It takes the chunks when it is first polled.
    pub(super) fn stream(&self) -> impl Stream<Item = Result<Bytes, io::Error>> + Send + 'static {
        let (chunks, state) = (Arc::clone(&self.chunks), Arc::clone(&self.state));
        let taken = async move { lock(&chunks).take().unwrap_or_else(|| stream::empty().boxed()) };
        stream::once(taken).flatten().map(move |chunk| {
            let mut state = lock(&state);
            state.latest = Instant::now();
            chunk.map_err(|refusal| {
                state.failure = Some(refusal);
                io::Error::other("the body of the caller failed")
            })
        })
    }

    /// Reads the whole body.
    pub(super) async fn whole(self) -> Result<Bytes, Refusal> {
        let chunks = lock(&self.chunks).take().unwrap_or_else(|| stream::empty().boxed());
        let whole = chunks.try_fold(BytesMut::new(), async |mut whole, chunk| {
            whole.extend_from_slice(&chunk);
            Ok(whole)
        });
        whole.await.map(BytesMut::freeze)
    }

    /// Returns true if fal has not received any byte.
    pub(super) fn is_untouched(&self) -> bool {
        lock(&self.chunks).is_some()
    }

    pub(super) fn latest(&self) -> Instant {
        lock(&self.state).latest
    }

    /// Returns the reason why the body failed, if it did.
    pub(super) fn failure(&self) -> Option<Refusal> {
        lock(&self.state).failure.take()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Awaits a future until a deadline. `None` if the deadline passes.
pub(super) async fn before<T>(deadline: Option<Instant>, work: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => timeout_at(deadline, work).await.ok(),
        None => Some(work.await),
    }
}
