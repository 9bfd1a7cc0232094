use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{io, thread};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::exchange::{APP, EVENTS, MANY_EVENTS, OUTPUT, REQUEST_ID};
use crate::{Error, runtime};

/// A fal that costs little: one thread, hand-written HTTP/1.1, and responses that it made before.
pub struct Server {
    url: String,
    requests: Arc<AtomicU64>,
}

impl Server {
    /// Starts a server on a free port of the loopback interface. It has a thread of its own, because allocations are counted per
    /// thread.
    ///
    /// # Errors
    ///
    /// Fails if the port cannot be opened.
    pub fn start() -> Result<Self, Error> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let requests = Arc::new(AtomicU64::new(0));
        let (runtime, counter) = (runtime()?, Arc::clone(&requests));
        thread::spawn(move || runtime.block_on(serve(listener, counter)));
        Ok(Server { url, requests })
    }

    /// Returns the base URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the number of requests so far.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

async fn serve(listener: TcpListener, counter: Arc<AtomicU64>) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let responses = Arc::new(Responses::new());
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        let (responses, counter) = (Arc::clone(&responses), Arc::clone(&counter));
        // The client closes connections when it ends.
        tokio::spawn(async move { drop(respond(connection, &responses, &counter).await) });
    }
}

async fn respond(mut connection: TcpStream, responses: &Responses, counter: &AtomicU64) -> Result<(), Error> {
    let mut received = Vec::with_capacity(16 << 10);
    while connection.read_buf(&mut received).await? > 0 {
        while let Some((line, length)) = request(&received)? {
            counter.fetch_add(1, Ordering::Relaxed);
            // One write, so that the client reads the same pieces every time.
            connection.write_all(responses.to(&received[..line])).await?;
            received.drain(..length);
        }
    }
    Ok(())
}

/// Returns the length of the first line and of the whole request, once all of it has arrived.
fn request(received: &[u8]) -> Result<Option<(usize, usize)>, Error> {
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = str::from_utf8(&received[..end])?;
    let mut lines = head.split("\r\n");
    let line = lines.next().unwrap_or_default().len();
    let mut body = 0;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            body = value.trim().parse()?;
        }
    }
    let length = end + 4 + body;
    Ok((received.len() >= length).then_some((line, length)))
}

/// The responses, whole.
struct Responses {
    output: Vec<u8>,
    events: Vec<u8>,
    many_events: Vec<u8>,
    job: Vec<u8>,
    status: Vec<u8>,
    statuses: Vec<u8>,
    cancellation: Vec<u8>,
}

impl Responses {
    fn new() -> Self {
        let of_request = format!("https://queue.fal.run/{APP}/requests/{REQUEST_ID}");
        let urls = format!(
            r#""request_id":"{REQUEST_ID}","response_url":"{of_request}","status_url":"{of_request}/status","cancel_url":"{of_request}/cancel""#
        );
        let job = format!(r#"{{"status":"IN_QUEUE",{urls},"queue_position":0}}"#);
        let status = format!(r#"{{"status":"COMPLETED",{urls},"logs":null,"metrics":{{"inference_time":2.62}}}}"#);
        let events = |data: &str, count| response("text/event-stream", &format!("data: {data}\n\n").repeat(count));
        Responses {
            output: response("application/json", OUTPUT),
            events: events(OUTPUT, EVENTS),
            many_events: events(OUTPUT, MANY_EVENTS),
            job: response("application/json", &job),
            status: response("application/json", &status),
            statuses: events(&status, 1),
            cancellation: response("application/json", r#"{"status":"CANCELLATION_REQUESTED"}"#),
        }
    }

    /// Returns the response to a request line.
    fn to(&self, line: &[u8]) -> &[u8] {
        let has = |part: &str| line.windows(part.len()).any(|window| window == part.as_bytes());
        match line {
            _ if line.starts_with(b"PUT") => &self.cancellation,
            _ if line.starts_with(b"POST /queue") => &self.job,
            _ if line.starts_with(b"POST") && has("/stream ") => &self.events,
            _ if line.starts_with(b"POST") && has("/many ") => &self.many_events,
            _ if has("/status/stream") => &self.statuses,
            _ if has("/status") => &self.status,
            _ => &self.output,
        }
    }
}

fn response(media_type: &str, body: &str) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\nx-fal-request-id: {REQUEST_ID}\r\n\
         x-fal-billable-units: 1\r\ndate: Sat, 28 Nov 2026 00:00:00 GMT\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body.as_bytes()].concat()
}
