//! A server with scripted responses, down to the byte. It records its requests.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fal_client::{Client, ClientBuilder, RetryPolicy};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// The key of every client of a scripted server.
pub(crate) const KEY: &str = "id-of-key:secret-of-key";

/// A request that the server received.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    /// Returns method, path and query.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

/// The response to a request, or the lack of one.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    head: Option<String>,
    body: Vec<u8>,
    /// The announced length if it is not the body's. The connection then breaks after the body.
    announced: Option<usize>,
    /// Keeps the connection open after the body.
    silent: bool,
    /// Leaves the length of the body unannounced.
    unannounced: bool,
    /// Sends the body again each second until the client closes the connection.
    repeated: bool,
    /// Keeps the connection open for another request.
    reusable: bool,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &str) -> Self {
        Reply::text(status, "application/json", body)
    }

    pub(crate) fn text(status: u16, content_type: &str, body: &str) -> Self {
        Reply::binary(status, content_type, body.as_bytes())
    }

    pub(crate) fn binary(status: u16, content_type: &str, body: &[u8]) -> Self {
        let head = format!("HTTP/1.1 {status} Scripted\r\ncontent-type: {content_type}\r\n");
        Reply {
            head: Some(head),
            body: body.into(),
            announced: None,
            silent: false,
            unannounced: false,
            repeated: false,
            reusable: false,
        }
    }

    /// Responds with a complete stream of events.
    pub(crate) fn events(events: &[&str]) -> Self {
        let body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        Reply::text(200, "text/event-stream", &body)
    }

    /// Responds with these chunks of a stream of events, each of which arrives alone.
    pub(crate) fn chunks(chunks: &[&[u8]]) -> Self {
        let mut body = Vec::new();
        for chunk in chunks {
            body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            body.extend_from_slice(chunk);
            body.extend_from_slice(b"\r\n");
        }
        Reply::binary(200, "text/event-stream", &body).header("transfer-encoding", "chunked").unannounced()
    }

    /// Ends a response of chunks.
    pub(crate) fn complete(self) -> Self {
        self.and("0\r\n\r\n")
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        if let Some(head) = &mut self.head {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        self
    }

    /// Announces a longer body and breaks the connection after this one.
    pub(crate) fn torn(self) -> Self {
        let length = self.body.len() + 1000;
        self.torn_of(length)
    }

    /// Announces a body of `length` bytes and breaks the connection after this one.
    pub(crate) fn torn_of(mut self, length: usize) -> Self {
        self.announced = Some(length);
        self
    }

    /// Replaces the media type.
    pub(crate) fn with_type(mut self, content_type: &str) -> Self {
        self.head = self.head.map(|head| head.replace("text/event-stream", content_type));
        self
    }

    /// Replaces the body by any bytes.
    pub(crate) fn with_bytes(mut self, bytes: &[u8]) -> Self {
        self.body = bytes.to_vec();
        self
    }

    /// Appends to the body.
    pub(crate) fn and(mut self, more: &str) -> Self {
        self.body.extend_from_slice(more.as_bytes());
        self
    }

    /// Shortens the body to `length` bytes.
    pub(crate) fn cut(mut self, length: usize) -> Self {
        self.body.truncate(length);
        self
    }

    /// Ends the body with the connection instead of announcing its length.
    pub(crate) fn unannounced(mut self) -> Self {
        self.unannounced = true;
        self
    }

    /// Sends the body again each second.
    pub(crate) fn repeated(mut self) -> Self {
        self.repeated = true;
        self.unannounced()
    }

    /// Closes the connection without a response.
    pub(crate) fn dropped() -> Self {
        Reply {
            head: None,
            body: Vec::new(),
            announced: None,
            silent: false,
            unannounced: false,
            repeated: false,
            reusable: false,
        }
    }

    /// Keeps the connection open without a response.
    pub(crate) fn never() -> Self {
        Reply { silent: true, ..Reply::dropped() }
    }

    /// Announces a longer body and keeps the connection open after this one.
    pub(crate) fn stalled(self) -> Self {
        self.torn().silent()
    }

    /// Keeps the connection open after the response.
    pub(crate) fn silent(mut self) -> Self {
        self.silent = true;
        self
    }

    /// Announces the whole body, sends `length` bytes of it, and keeps the connection open.
    pub(crate) fn held_after(mut self, length: usize) -> Self {
        self.announced = Some(self.body.len());
        self.cut(length).silent()
    }

    /// Keeps the connection open for another request.
    pub(crate) fn reusable(mut self) -> Self {
        self.reusable = true;
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let Some(head) = &self.head else { return Vec::new() };
        let length = self.announced.unwrap_or(self.body.len());
        let length = if self.unannounced { String::new() } else { format!("content-length: {length}\r\n") };
        let close = if self.reusable { "" } else { "connection: close\r\n" };
        let mut bytes = format!("{head}{length}{close}\r\n").into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

pub(crate) struct Server {
    address: SocketAddr,
    base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    counts: watch::Receiver<Counts>,
    task: JoinHandle<()>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    opened: usize,
    open: usize,
    held: usize,
}

/// A connection that is counted while it is open.
struct Counted(watch::Sender<Counts>);

impl Counted {
    fn new(counts: &watch::Sender<Counts>) -> Self {
        counts.send_modify(|counts| {
            counts.opened += 1;
            counts.open += 1;
        });
        Counted(counts.clone())
    }

    fn hold(&self) {
        self.0.send_modify(|counts| counts.held += 1);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|counts| counts.open -= 1);
    }
}

impl Server {
    /// Starts a server that responds with `script`. It gets the index of each request, from 0.
    pub(crate) async fn start(script: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> Self {
        Server::start_with(None, script).await
    }

    /// Starts a server that speaks TLS.
    pub(crate) async fn start_tls(
        tls: TlsAcceptor,
        script: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Server::start_with(Some(tls), script).await
    }

    async fn start_with(
        tls: Option<TlsAcceptor>,
        script: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (script, log) = (Arc::new(script), Arc::clone(&seen));
        let (counter, counts) = watch::channel(Counts::default());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, script, log) = (tls.clone(), Arc::clone(&script), Arc::clone(&log));
                let counted = Counted::new(&counter);
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => serve(tls.accept(stream).await?, script, log, counted).await,
                        None => serve(stream, script, log, counted).await,
                    }
                });
            }
        });
        Server { address, base: format!("http://{address}"), seen, counts, task }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Returns the received requests, in order.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("not poisoned").clone()
    }

    /// Waits until a connection is kept open after its response, or without one.
    pub(crate) async fn held(&self) {
        self.held_times(1).await;
    }

    /// Waits until this has happened `count` times.
    pub(crate) async fn held_times(&self, count: usize) {
        drop(self.counts.clone().wait_for(|counts| counts.held >= count).await.expect("a server"));
    }

    /// Returns the number of connections that were opened so far.
    pub(crate) fn opened(&self) -> usize {
        self.counts.borrow().opened
    }

    /// Returns the number of open connections.
    pub(crate) fn open(&self) -> usize {
        self.counts.borrow().open
    }

    /// Waits until no connection is open.
    pub(crate) async fn closed(&self) {
        drop(self.counts.clone().wait_for(|counts| counts.open == 0).await.expect("a server"));
    }

    /// Drops a call when the server holds one of its connections, and waits until its connections and tasks are gone.
    pub(crate) async fn hold_and_drop(&self, call: impl Future) {
        let before = tasks();
        {
            let mut call = pin!(call);
            tokio::select! {
                biased;
                () = self.held() => {}
                _ = &mut call => panic!("the call ended without the held response: {:?}", self.lines()),
            }
            assert!(tasks() > before, "a task drives the connection");
        }
        let gone = async {
            self.closed().await;
            ended(before).await;
        };
        timeout(Duration::from_secs(60), gone).await.expect("connections and tasks are gone");
    }

    /// Returns method, path and query of each request.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().iter().map(Seen::line).collect()
    }

    /// Returns a builder of clients that use this server for every host and retry immediately. Proxies of the test's
    /// environment are not used.
    pub(crate) fn builder(&self) -> ClientBuilder {
        Client::builder()
            .env_from(|_| None)
            .key(KEY)
            .run_host(format!("{}/run", self.base))
            .queue_host(format!("{}/queue", self.base))
            .rest_host(format!("{}/rest", self.base))
            .retry(RetryPolicy::default().first_delay(Duration::from_millis(1)))
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().expect("a client")
    }
}

/// Returns the number of tasks of the runtime.
pub(crate) fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Waits until no more tasks are alive than before.
pub(crate) async fn ended(before: usize) {
    while tasks() > before {
        tokio::task::yield_now().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    script: Arc<impl Fn(usize, &Seen) -> Reply>,
    log: Arc<Mutex<Vec<Seen>>>,
    counted: Counted,
) -> std::io::Result<()> {
    let reply = loop {
        let Some(seen) = receive(&mut stream).await? else { return Ok(()) };
        let index = {
            let mut log = log.lock().expect("not poisoned");
            log.push(seen.clone());
            log.len() - 1
        };
        let reply = script(index, &seen);
        stream.write_all(&reply.bytes()).await?;
        stream.flush().await?;
        if !reply.reusable {
            break reply;
        }
    };
    if reply.repeated {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            stream.write_all(&reply.body).await?;
            stream.flush().await?;
        }
    }
    if reply.silent {
        counted.hold();
        // Until the client closes it.
        while stream.read(&mut [0; 64]).await? > 0 {}
    }
    stream.shutdown().await
}

async fn receive(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Option<Seen>> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).expect("a head in UTF-8");
    let mut lines = text.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let (method, target) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap_or(0));
    let mut body = bytes.split_off(head + 4);
    while body.len() < length {
        // The connection broke within the request.
        if stream.read_buf(&mut body).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(Seen { method, target, headers, body }))
}
