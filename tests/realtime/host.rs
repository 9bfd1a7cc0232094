//! A host with scripted WebSocket connections. It records its requests.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fal_client::{Client, ClientBuilder, RetryPolicy};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

/// The key of every client of a host.
pub(crate) const KEY: &str = "id-of-key:secret-of-key";

/// The side of the host of a connection.
pub(crate) type Socket = WebSocketStream<TcpStream>;

type Script = Arc<dyn Fn(usize, Socket) -> BoxFuture<'static, ()> + Send + Sync>;
type Respond = Arc<dyn Fn(usize, &Seen) -> Option<String> + Send + Sync>;

/// A request that the host received.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Method, path and query.
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

pub(crate) struct Host {
    pub(crate) base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    open: Arc<AtomicUsize>,
    closed: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Host {
    /// Starts a host that runs `script` on each connection. It gets the index of the connection, from 0.
    pub(crate) async fn start<F: Future<Output = ()> + Send + 'static>(
        script: impl Fn(usize, Socket) -> F + Send + Sync + 'static,
    ) -> Self {
        Host::start_with(|_, _| None, script).await
    }

    /// Starts a host that responds to some requests, given their index, with raw HTTP instead.
    pub(crate) async fn start_with<F: Future<Output = ()> + Send + 'static>(
        respond: impl Fn(usize, &Seen) -> Option<String> + Send + Sync + 'static,
        script: impl Fn(usize, Socket) -> F + Send + Sync + 'static,
    ) -> Self {
        let respond: Respond = Arc::new(respond);
        let script: Script = Arc::new(move |index, socket| script(index, socket).boxed());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let (seen, open, closed) = (Arc::default(), Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let (log, counter, notify, connections) =
            (Arc::clone(&seen), Arc::clone(&open), Arc::clone(&closed), Arc::new(AtomicUsize::new(0)));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, respond, script) = (Arc::clone(&log), Arc::clone(&respond), Arc::clone(&script));
                let (counter, notify, connections) =
                    (Arc::clone(&counter), Arc::clone(&notify), Arc::clone(&connections));
                tokio::spawn(async move {
                    if let Some(socket) = accept(stream, &log, &respond).await {
                        counter.fetch_add(1, Ordering::SeqCst);
                        script(connections.fetch_add(1, Ordering::SeqCst), socket).await;
                        counter.fetch_sub(1, Ordering::SeqCst);
                        notify.notify_waiters();
                    }
                });
            }
        });
        Host { base, seen, open, closed, task }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("not poisoned").clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }

    /// Waits until the scripts of all connections have ended.
    pub(crate) async fn all_closed(&self) {
        loop {
            let closed = self.closed.notified();
            if self.open.load(Ordering::SeqCst) == 0 {
                return;
            }
            closed.await;
        }
    }

    /// Returns a builder of clients that use this host and retry immediately.
    pub(crate) fn builder(&self) -> ClientBuilder {
        Client::builder()
            .env_from(|_| None)
            .key(KEY)
            .run_host(format!("{}/run", self.base))
            .queue_host(format!("{}/queue", self.base))
            .rest_host(format!("{}/rest", self.base))
            .ws_host(format!("{}/ws", self.base))
            .retry(RetryPolicy::default().first_delay(Duration::from_millis(1)))
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().expect("a client")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads the head and the body of a request, and completes a handshake.
async fn accept(mut stream: TcpStream, log: &Mutex<Vec<Seen>>, respond: &Respond) -> Option<Socket> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).expect("a head in UTF-8");
    let mut lines = text.split("\r\n");
    let line = lines.next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut seen = Seen { line, headers, body: String::new() };
    let length = seen.header("content-length").map_or(0, |length| length.parse().unwrap_or(0));
    let mut body = bytes.split_off(head + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    seen.body = String::from_utf8_lossy(&body[..length]).into_owned();
    let index = {
        let mut log = log.lock().expect("not poisoned");
        log.push(seen.clone());
        log.len() - 1
    };
    let key = seen.header("sec-websocket-key").map(str::to_owned);
    let accepted = key.map(|key| {
        let accept = derive_accept_key(key.as_bytes());
        format!("HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: {accept}\r\nx-fal-request-id: R-{index}\r\n\r\n")
    });
    let raw = respond(index, &seen);
    let is_upgrade = raw.is_none();
    stream.write_all(raw.or(accepted)?.as_bytes()).await.ok()?;
    if is_upgrade {
        return Some(WebSocketStream::from_raw_socket(stream, Role::Server, None).await);
    }
    stream.shutdown().await.ok()?;
    None
}

/// Returns a raw response with a JSON body.
pub(crate) fn json(status: u16, body: &str) -> String {
    text(status, "application/json", body)
}

pub(crate) fn text(status: u16, content_type: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Scripted\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// Returns the next message of text or bytes, or the close frame.
pub(crate) async fn receive(socket: &mut Socket) -> Option<Message> {
    while let Some(Ok(message)) = socket.next().await {
        if !message.is_ping() && !message.is_pong() {
            return Some(message);
        }
    }
    None
}

/// Sends messages one after another.
pub(crate) async fn send(socket: &mut Socket, messages: impl IntoIterator<Item = Message>) {
    for message in messages {
        socket.send(message).await.expect("sent");
    }
}

/// Closes a connection with a code, and waits for the client's response.
pub(crate) async fn close(socket: &mut Socket, code: u16, reason: &str) {
    let frame = CloseFrame { code: CloseCode::from(code), reason: reason.to_owned().into() };
    let _ = socket.send(Message::Close(Some(frame))).await;
    while socket.next().await.is_some_and(|message| message.is_ok()) {}
}

/// Receives until the client closes the connection. Returns the messages, and the code of the close frame.
pub(crate) async fn drain(socket: &mut Socket) -> (Vec<Message>, Option<u16>) {
    let mut messages = Vec::new();
    while let Some(message) = receive(socket).await {
        if let Message::Close(frame) = message {
            let _ = socket.flush().await;
            return (messages, Some(frame.map_or(1005, |frame| frame.code.into())));
        }
        messages.push(message);
    }
    (messages, None)
}
