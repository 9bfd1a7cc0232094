use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::exchange::{MANY, OUTPUT};

const JOB: &str = r#"{"status":"IN_QUEUE","request_id":"R1","queue_position":0}"#;
const COMPLETED: &str = r#"{"status":"COMPLETED","request_id":"R1","logs":null,"metrics":{"inference_time":1.5}}"#;
const CANCELLING: &str = r#"{"status":"CANCELLATION_REQUESTED"}"#;

/// A fal with fixed responses. It uses threads of its own, because allocations are counted per thread.
pub struct Server {
    url: String,
    requests: Arc<AtomicU64>,
}

impl Server {
    /// Starts a server on a free port of the loopback interface.
    ///
    /// # Errors
    ///
    /// Fails if the port cannot be opened.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let requests = Arc::new(AtomicU64::new(0));
        let counter = requests.clone();
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let counter = counter.clone();
                // The client closes connections when it ends.
                thread::spawn(move || serve(connection, &counter));
            }
        });
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

fn serve(mut connection: TcpStream, counter: &AtomicU64) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut reader = BufReader::new(connection.try_clone()?);
    loop {
        let mut head = String::new();
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            match line.trim_end().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.parse().map_err(io::Error::other)?;
                }
                Some(_) => {}
                None => break,
            }
        }
        io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
        counter.fetch_add(1, Ordering::Relaxed);
        // One write, so that the client reads the same pieces every time.
        connection.write_all(response(&head).as_bytes())?;
    }
}

/// Returns the response to a request with this first line.
fn response(head: &str) -> String {
    let path = head.split(' ').nth(1).unwrap_or_default();
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let events = |data: &str, count| ("text/event-stream", format!("data: {data}\n\n").repeat(count));
    let (content_type, body) = match path {
        _ if path.ends_with("/status/stream") => events(COMPLETED, 1),
        _ if path.ends_with("/many") => events(OUTPUT, MANY),
        _ if path.ends_with("/stream") => events(OUTPUT, 1),
        _ if path.ends_with("/status") => ("application/json", COMPLETED.to_owned()),
        _ if path.ends_with("/cancel") => ("application/json", CANCELLING.to_owned()),
        _ if path.starts_with("/queue/") && head.starts_with("POST ") => ("application/json", JOB.to_owned()),
        _ => ("application/json", OUTPUT.to_owned()),
    };
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\nx-fal-request-id: R1\r\nx-fal-billable-units: 1\r\n\
         date: Mon, 01 Jan 2026 00:00:00 GMT\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}
