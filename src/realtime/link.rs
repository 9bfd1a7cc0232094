//! The connection behind a realtime call, without the types of its inputs and outputs.
//!
//! It has no task of its own. It progresses while a caller sends or waits for a result, and its halves share it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::task::AtomicWaker;
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

use super::connector::{Connector, Opened};
use super::send_policy::SendPolicy;
use crate::error::{Error, ErrorKind};
use crate::transport::WebSocket;

/// Maximum number of connections in a row that are lost before a result arrives.
const MAX_LOSSES: u32 = 5;

/// Maximum number of messages that are read ahead while inputs are sent.
const MAX_READ_AHEAD: usize = 64;

/// Maximum bytes of these messages, but for the last one.
const MAX_BYTES_AHEAD: usize = 1 << 20;

/// Time after which a caller that sends reads, too, because no one else has.
const MAX_UNHEARD: Duration = Duration::from_secs(1);

/// The settings of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinkOptions {
    /// Maximum number of inputs in the queue.
    pub(super) capacity: usize,
    pub(super) policy: SendPolicy,
    pub(super) reconnect: bool,
    pub(super) idle: Option<Duration>,
}

/// A connection that the halves of a realtime call share.
pub(super) struct Shared {
    link: Mutex<Link>,
    tasks: Arc<Tasks>,
    /// Wakes both tasks.
    waker: Waker,
}

/// The tasks that wait for the connection. It wakes both, because either one makes it progress for the other.
#[derive(Default)]
struct Tasks {
    reader: AtomicWaker,
    writer: AtomicWaker,
}

impl Wake for Tasks {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.reader.wake();
        self.writer.wake();
    }
}

/// The state of a connection.
struct Link {
    connector: Arc<Connector>,
    options: LinkOptions,
    state: State,
    request_id: Option<String>,
    /// Inputs that the connection has not taken yet.
    queue: VecDeque<Message>,
    /// False while the connection has taken inputs, and may have to write them.
    is_flushed: bool,
    /// True if an input was written, which fal may have processed.
    has_sent: bool,
    /// True once the caller has closed the connection.
    is_closing: bool,
    /// Messages that were read ahead.
    inbox: VecDeque<Message>,
    /// False once the half that receives is dropped. Its messages are discarded, so that fal does not wait for a reader.
    is_received: bool,
    /// The number of lost connections since the last result.
    losses: u32,
    reconnects: u64,
    /// The reason why the connection is closed.
    reason: Option<Error>,
    /// The same, until the reader has received it.
    untold: Option<Error>,
    /// The time of the last frame, unless another has arrived since it was noted.
    heard_at: Instant,
    has_heard: bool,
    silence: Option<Pin<Box<Sleep>>>,
}

enum State {
    Open(Box<WebSocket>),
    Opening(BoxFuture<'static, Result<Opened, Error>>),
    Closed,
}

/// The end of a connection.
enum Loss {
    Closed(Option<CloseFrame>),
    Failed(SocketError),
    Silent(Duration),
    /// The host has closed the connection without a word.
    Torn,
}

impl Shared {
    pub(super) fn new(connector: Arc<Connector>, opened: Opened, options: LinkOptions) -> Self {
        let link = Link {
            connector,
            options,
            state: State::Open(Box::new(opened.socket)),
            request_id: opened.request_id,
            queue: VecDeque::new(),
            is_flushed: true,
            has_sent: false,
            is_closing: false,
            inbox: VecDeque::new(),
            is_received: true,
            losses: 0,
            reconnects: 0,
            reason: None,
            untold: None,
            heard_at: Instant::now(),
            has_heard: false,
            silence: None,
        };
        let tasks = Arc::new(Tasks::default());
        Shared { link: Mutex::new(link), waker: Waker::from(Arc::clone(&tasks)), tasks }
    }

    fn lock(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn request_id(&self) -> Option<String> {
        self.lock().request_id.clone()
    }

    pub(super) fn reconnects(&self) -> u64 {
        self.lock().reconnects
    }

    /// Adds the endpoint and the request id to an error.
    pub(super) fn about(&self, error: Error) -> Error {
        self.lock().about(error)
    }

    /// Puts a message into the queue.
    pub(super) fn poll_feed(
        &self,
        context: &mut Context<'_>,
        message: &mut Option<Message>,
    ) -> Poll<Result<(), Error>> {
        self.poll_writer(context, |link, context| link.poll_feed(context, message))
    }

    /// Writes the queue.
    pub(super) fn poll_flush(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_writer(context, Link::poll_flush)
    }

    /// Writes as much of the queue as possible without waiting.
    pub(super) fn poke(&self, context: &mut Context<'_>) -> Result<(), Error> {
        match self.poll_flush(context) {
            Poll::Ready(flushed) => flushed,
            Poll::Pending => Ok(()),
        }
    }

    /// Writes the queue and a close frame.
    pub(super) fn poll_close(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_writer(context, Link::poll_close)
    }

    fn poll_writer(
        &self,
        context: &mut Context<'_>,
        step: impl FnOnce(&mut Link, &mut Context<'_>) -> Poll<Result<(), Error>>,
    ) -> Poll<Result<(), Error>> {
        self.tasks.writer.register(context.waker());
        let mut link = self.lock();
        let was_open = link.is_open();
        let done = step(&mut link, &mut Context::from_waker(&self.waker));
        if was_open != link.is_open() || !link.inbox.is_empty() {
            self.tasks.reader.wake();
        }
        done
    }

    /// Returns the next message of text or bytes. `was_result` says that the last one was a result.
    pub(super) fn poll_next(
        &self,
        context: &mut Context<'_>,
        was_result: bool,
    ) -> Poll<Option<Result<Message, Error>>> {
        self.tasks.reader.register(context.waker());
        let mut link = self.lock();
        if was_result {
            link.losses = 0;
        }
        let before = link.progress();
        let next = link.poll_next(&mut Context::from_waker(&self.waker));
        if before != link.progress() {
            self.tasks.writer.wake();
        }
        next
    }

    /// Discards the messages that have arrived, and all later ones.
    pub(super) fn stop_receiving(&self) {
        let mut link = self.lock();
        link.is_received = false;
        link.inbox.clear();
        drop(link);
        self.tasks.writer.wake();
    }

    /// Ends a connection whose key or token fal has rejected.
    pub(super) fn reject(&self, error: &Error) {
        self.lock().reject(error);
        self.tasks.writer.wake();
    }
}

impl Link {
    fn is_full(&self) -> bool {
        self.queue.len() >= self.options.capacity
    }

    fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// Returns what a writer waits for.
    fn progress(&self) -> (usize, bool, bool) {
        (self.queue.len(), self.is_flushed, self.is_open())
    }

    fn about(&self, error: Error) -> Error {
        let error = error.with_endpoint(&self.connector.endpoint);
        match &self.request_id {
            Some(request_id) if error.request_id().is_none() => error.with_request_id(request_id),
            _ => error,
        }
    }

    fn poll_feed(&mut self, context: &mut Context<'_>, message: &mut Option<Message>) -> Poll<Result<(), Error>> {
        loop {
            if self.is_closing || matches!(self.state, State::Closed) {
                return Poll::Ready(Err(self.closed()));
            }
            if !self.is_full() {
                self.queue.extend(message.take());
                return Poll::Ready(Ok(()));
            }
            match self.options.policy {
                SendPolicy::NewestWins => drop(self.queue.pop_front()),
                SendPolicy::Wait => {
                    let flushed = self.poll_flush(context);
                    if self.is_full() {
                        ready!(flushed)?;
                    }
                }
            }
        }
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            if !ready!(self.poll_open(context)) {
                return Poll::Ready(Err(self.closed()));
            }
            let written = self.poll_write(context);
            if let Poll::Ready(Err(error)) = written {
                self.unwritable(context, error);
                continue;
            }
            // A caller that only sends responds to pings, too. fal may not read before its own messages are read.
            if written.is_pending() || self.heard_at().elapsed() >= MAX_UNHEARD {
                self.read_ahead(context);
                if written.is_pending() && !self.is_open() {
                    continue;
                }
            }
            return written.map(|_| Ok(()));
        }
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if !self.is_closing {
            if matches!(self.state, State::Closed) {
                return Poll::Ready(Ok(()));
            }
            ready!(self.poll_flush(context))?;
            self.is_closing = true;
            if let State::Open(socket) = &mut self.state {
                // A connection that cannot be written to is as good as closed.
                let _ = socket.start_send_unpin(Message::Close(Some(normal_close())));
            }
        }
        if let State::Open(socket) = &mut self.state {
            let _ = ready!(socket.poll_flush_unpin(context));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        loop {
            if let Some(message) = self.inbox.pop_front() {
                return Poll::Ready(Some(Ok(message)));
            }
            if !ready!(self.poll_open(context)) {
                return Poll::Ready(self.untold.take().map(Err));
            }
            if (!self.queue.is_empty() || !self.is_flushed)
                && let Poll::Ready(Err(error)) = self.poll_write(context)
            {
                self.unwritable(context, error);
                continue;
            }
            if self.poll_read(context).is_pending() && self.inbox.is_empty() {
                let limit = ready!(self.poll_silence(context));
                self.lost(Loss::Silent(limit));
            }
        }
    }

    /// Reads one frame of an open connection.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let State::Open(socket) = &mut self.state else { return Poll::Ready(()) };
        let next = ready!(socket.poll_next_unpin(context));
        self.has_heard = true;
        match next {
            Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) if self.is_received => {
                self.inbox.push_back(message);
            }
            Some(Ok(Message::Close(frame))) => {
                // Writes the response to the frame. fal does not wait for it.
                let _ = socket.poll_flush_unpin(context);
                self.lost(Loss::Closed(frame));
            }
            // The socket responds to pings itself, when it is read again. No one receives the rest.
            Some(Ok(_)) => {}
            Some(Err(error)) => self.lost(Loss::Failed(error)),
            None => self.lost(Loss::Torn),
        }
        Poll::Ready(())
    }

    /// Returns the time of the last frame. The clock is not read for each frame.
    fn heard_at(&mut self) -> Instant {
        if std::mem::take(&mut self.has_heard) {
            self.heard_at = Instant::now();
        }
        self.heard_at
    }

    /// Reads what has arrived, up to a number of messages and bytes.
    fn read_ahead(&mut self, context: &mut Context<'_>) {
        let has_room = |inbox: &VecDeque<Message>| {
            inbox.len() < MAX_READ_AHEAD && inbox.iter().map(Message::len).sum::<usize>() < MAX_BYTES_AHEAD
        };
        while self.is_open() && has_room(&self.inbox) && self.poll_read(context).is_ready() {}
    }

    /// Waits until a reconnection is complete. Returns false if the connection is closed.
    fn poll_open(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        if let State::Opening(opening) = &mut self.state {
            match ready!(opening.poll_unpin(context)) {
                Ok(opened) => {
                    self.state = State::Open(Box::new(opened.socket));
                    self.request_id = opened.request_id;
                    self.reconnects += 1;
                    self.is_flushed = true;
                    self.has_heard = true;
                }
                Err(error) => self.end(error),
            }
        }
        Poll::Ready(self.is_open())
    }

    /// Writes the queue to an open connection.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        let State::Open(socket) = &mut self.state else { return Poll::Ready(Ok(())) };
        while !self.queue.is_empty() {
            // An input that the socket has taken can no longer be replaced by a newer one.
            if self.options.policy == SendPolicy::NewestWins {
                ready!(socket.poll_flush_unpin(context))?;
            }
            ready!(socket.poll_ready_unpin(context))?;
            let Some(message) = self.queue.pop_front() else { break };
            self.is_flushed = false;
            self.has_sent = true;
            socket.start_send_unpin(message)?;
        }
        if !self.is_flushed {
            ready!(socket.poll_flush_unpin(context))?;
            self.is_flushed = true;
        }
        Poll::Ready(Ok(()))
    }

    /// Ends a connection that cannot be written to. What fal has sent before may say why.
    fn unwritable(&mut self, context: &mut Context<'_>, error: SocketError) {
        self.read_ahead(context);
        if self.is_open() {
            self.lost(Loss::Failed(error));
        }
    }

    /// Waits until nothing was heard for the time limit, if there is one.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<Duration> {
        let Some(limit) = self.options.idle else { return Poll::Pending };
        let Some(end) = self.heard_at().checked_add(limit) else { return Poll::Pending };
        let silence = self.silence.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if silence.deadline() != end {
            silence.as_mut().reset(end);
        }
        silence.poll_unpin(context).map(|()| limit)
    }

    /// Closes the connection after its end, or begins to open another one.
    fn lost(&mut self, loss: Loss) {
        if self.is_closing || loss.is_normal() {
            self.state = State::Closed;
            return;
        }
        if loss.may_pass() && self.reopen() {
            return;
        }
        let error = loss.into_error();
        self.end(if self.has_sent { error.with_acceptance() } else { error });
    }

    /// Begins to open another connection, unless that is not wanted or has failed too often.
    fn reopen(&mut self) -> bool {
        let reopens = self.options.reconnect && !self.is_closing && self.losses < MAX_LOSSES;
        if reopens {
            self.losses += 1;
            self.state = State::Opening(self.connector.reopen(self.losses));
        }
        reopens
    }

    /// Ends a connection whose key or token fal has rejected. fal itself may leave it open.
    fn reject(&mut self, error: &Error) {
        self.connector.tokens.forget();
        if !self.is_open() {
            return;
        }
        self.say_goodbye();
        if !self.connector.tokens.has_tokens() || !self.reopen() {
            self.state = State::Closed;
            self.reason = Some(error.clone());
        }
    }

    /// Tells fal that the connection ends, unless that would have to wait.
    fn say_goodbye(&mut self) {
        if let State::Open(socket) = &mut self.state
            && !self.is_closing
        {
            let _ = socket.start_send_unpin(Message::Close(Some(normal_close())));
            let _ = socket.poll_flush_unpin(&mut Context::from_waker(Waker::noop()));
        }
    }

    fn end(&mut self, error: Error) {
        let error = self.about(error);
        self.state = State::Closed;
        self.reason = Some(error.clone());
        self.untold = Some(error);
    }

    /// Creates the error of sending to a closed connection.
    fn closed(&self) -> Error {
        match &self.reason {
            Some(reason) => reason.clone(),
            None => self.about(Error::new(ErrorKind::Transport, "the connection is closed: open another one")),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.say_goodbye();
    }
}

fn normal_close() -> CloseFrame {
    CloseFrame { code: CloseCode::Normal, reason: "".into() }
}

impl Loss {
    /// Returns true if fal has closed the connection because it is done.
    fn is_normal(&self) -> bool {
        match self {
            Loss::Closed(None) => true,
            Loss::Closed(Some(frame)) => matches!(frame.code, CloseCode::Normal | CloseCode::Status),
            _ => false,
        }
    }

    /// Returns true if another connection may last longer.
    fn may_pass(&self) -> bool {
        match self {
            Loss::Closed(None) => false,
            Loss::Closed(Some(frame)) => {
                matches!(u16::from(frame.code), 1001 | 1006 | 1011 | 1012 | 1013 | 1014 | 1015)
            }
            Loss::Failed(error) => matches!(error, SocketError::Io(_) | SocketError::Protocol(_)),
            Loss::Silent(_) | Loss::Torn => true,
        }
    }

    fn into_error(self) -> Error {
        match self {
            Loss::Closed(None) => Error::closed(1005, ""),
            Loss::Closed(Some(frame)) => Error::closed(frame.code.into(), frame.reason.as_str()),
            Loss::Failed(error) => failed(error),
            Loss::Silent(limit) => Error::timeout("waiting for the next message", limit),
            Loss::Torn => Error::new(ErrorKind::Transport, "the connection was lost: the host has closed it"),
        }
    }
}

/// Creates the error of a connection that cannot be read or written.
pub(super) fn failed(error: SocketError) -> Error {
    if let SocketError::Capacity(CapacityError::MessageTooLong { max_size, .. }) = error {
        let message = format!("a message of fal exceeds the limit of {max_size} bytes");
        return Error::new(ErrorKind::UnexpectedResponse, message);
    }
    Error::new(ErrorKind::Transport, format!("the connection was lost: {error}")).caused_by(error)
}
