use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::faults::fault::{Cut, MessageLimit};
use crate::faults::frame::{Frame, FrameKind};
use crate::sessions::incoming::Incoming;

/// The most bytes of a message.
const MAX_BYTES: usize = 64 << 20;
/// The bytes of the buffer that a connection reads into.
const READ_BUFFER: usize = 16 << 10;
/// The longest time in which a client has to complete the closing handshake.
const CLOSE_TIME: Duration = Duration::from_secs(10);

/// The server's side of a WebSocket.
pub(super) struct Socket {
    stream: WebSocketStream<TokioIo<Upgraded>>,
    /// A permit for every byte of the messages in flight.
    in_flight: Arc<Semaphore>,
    limit: Option<MessageLimit>,
}

/// The connection has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended;

impl Socket {
    /// Wraps a connection that has switched to WebSocket. It breaks when `limit` is reached.
    pub(super) async fn new(upgraded: Upgraded, in_flight: Arc<Semaphore>, limit: Option<MessageLimit>) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .max_message_size(Some(MAX_BYTES))
            .max_frame_size(Some(MAX_BYTES));
        let stream = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
        Socket { stream, in_flight, limit }
    }

    /// Receives the next message.
    pub(super) async fn receive(&mut self) -> Result<Incoming, Ended> {
        loop {
            let (bytes, is_text) = match self.stream.next().await {
                Some(Ok(Message::Text(text))) => (Bytes::from(text), true),
                Some(Ok(Message::Binary(bytes))) => (bytes, false),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Err(Error::Capacity(_))) => return Err(self.refuse_large().await),
                Some(Ok(Message::Close(_))) => {
                    self.finish().await;
                    return Err(Ended);
                }
                Some(Err(_)) | None => return Err(Ended),
            };
            match Incoming::new(bytes, is_text, &self.in_flight) {
                Ok(message) => return Ok(message),
                Err(_) => return Err(self.close(1013, "The emulator's limit of requests in flight is reached").await),
            }
        }
    }

    /// Sends a frame, and ends the connection after a close frame.
    pub(super) async fn send(&mut self, frame: Frame) -> Result<(), Ended> {
        if let Some(Err(broken)) = self.limit.as_ref().map(MessageLimit::check) {
            return Err(self.break_off(broken).await);
        }
        let message = match frame.0 {
            FrameKind::Text(text) => Message::text(text),
            FrameKind::Binary(bytes) => Message::binary(bytes),
            FrameKind::Close { code, reason } => return Err(self.close(code, &reason).await),
        };
        self.stream.send(message).await.map_err(|_| Ended)?;
        match self.limit.as_mut().map_or(Ok(()), MessageLimit::count) {
            Ok(()) => Ok(()),
            Err(broken) => Err(self.break_off(broken).await),
        }
    }

    /// Sends a close frame, and waits for the client's.
    pub(super) async fn close(&mut self, code: u16, reason: &str) -> Ended {
        let frame = CloseFrame { code: code.into(), reason: reason.to_owned().into() };
        if self.stream.send(Message::Close(Some(frame))).await.is_ok() {
            self.finish().await;
        }
        Ended
    }

    /// Closes the connection because of a message that is too large, and drops what the client still sends.
    async fn refuse_large(&mut self) -> Ended {
        let reason = format!("The message exceeds {} MiB", MAX_BYTES >> 20);
        let frame = CloseFrame { code: CloseCode::Size, reason: reason.into() };
        if self.stream.send(Message::Close(Some(frame))).await.is_ok() {
            let _ = timeout(CLOSE_TIME, self.discard()).await;
        }
        Ended
    }

    /// Breaks the connection as a fault says. A silent connection ends when the client closes it.
    pub(super) async fn break_off(&mut self, broken: Cut) -> Ended {
        if let Cut::Stall = broken {
            self.discard().await;
        }
        Ended
    }

    /// Reads to the end below the WebSocket, which would respond to pings.
    async fn discard(&mut self) {
        let mut bytes = [0; 4_096];
        while self.stream.get_mut().read(&mut bytes).await.is_ok_and(|count| count > 0) {}
    }

    /// Completes a closing handshake.
    async fn finish(&mut self) {
        let rest = async { while let Some(Ok(_)) = self.stream.next().await {} };
        let _ = timeout(CLOSE_TIME, rest).await;
    }
}
