//! Bodies are streamed in both directions, with limits, and end with the caller's connection.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use fal_client::Client;
use fal_client::proxy::Proxy;
use futures_util::{Stream, StreamExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use crate::mounted::{Mounted, outcome};
use crate::server::KEY;

const RUN: &str = "https://fal.run/acme/painter";

/// An event of a request at fal.
#[derive(Debug, PartialEq, Eq)]
enum Event {
    Began,
    Chunk(Bytes),
    /// The whole body has arrived.
    Complete,
    /// The body broke off.
    Broken,
    /// The connection was closed before the end of the response.
    Closed,
}

/// A fal that reports each event, and responds with the chunks that it is given.
struct Fal {
    base: String,
    events: UnboundedReceiver<Event>,
    respond: UnboundedSender<Bytes>,
    task: JoinHandle<()>,
}

impl Fal {
    async fn start() -> Self {
        let (reported, events) = unbounded_channel();
        let (respond, chunks) = unbounded_channel();
        let chunks = std::sync::Arc::new(tokio::sync::Mutex::new(chunks));
        let app: Router = Router::new().fallback(move |request: axum::extract::Request| {
            let (reported, chunks) = (reported.clone(), std::sync::Arc::clone(&chunks));
            async move {
                let closed = Closed(reported.clone());
                report(&reported, Event::Began);
                let mut body = request.into_body().into_data_stream();
                while let Some(chunk) = body.next().await {
                    match chunk {
                        Ok(chunk) => report(&reported, Event::Chunk(chunk)),
                        Err(_) => {
                            report(&reported, Event::Broken);
                            return axum::response::Response::default();
                        }
                    }
                }
                report(&reported, Event::Complete);
                let response = async_chunks(chunks, closed);
                axum::response::Response::new(Body::from_stream(response))
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.expect("a server") });
        Fal { base, events, respond, task }
    }

    async fn proxy(
        &self,
        adjust: impl Fn(fal_client::proxy::ProxyBuilder) -> fal_client::proxy::ProxyBuilder,
    ) -> Mounted {
        let client = Client::builder().env_from(|_| None).key(KEY).run_host(&self.base).queue_host(&self.base);
        let builder = Proxy::builder(client.build().expect("a client")).endpoints(["**"]);
        Mounted::start(adjust(builder).allow_anyone().build().expect("a proxy")).await
    }

    async fn event(&mut self) -> Event {
        self.events.recv().await.expect("an event")
    }

    /// Returns the events up to the first that is not a chunk, and that one.
    async fn last_event(&mut self) -> Event {
        loop {
            match self.event().await {
                Event::Began | Event::Chunk(_) => {}
                last => return last,
            }
        }
    }
}

impl Drop for Fal {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reports that a response was dropped.
struct Closed(UnboundedSender<Event>);

impl Drop for Closed {
    fn drop(&mut self) {
        report(&self.0, Event::Closed);
    }
}

/// A test that does not look at all events may be over.
fn report(events: &UnboundedSender<Event>, event: Event) {
    let _ = events.send(event);
}

fn async_chunks(
    chunks: std::sync::Arc<tokio::sync::Mutex<UnboundedReceiver<Bytes>>>,
    closed: Closed,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    futures_util::stream::unfold((chunks, closed), |(chunks, closed)| async move {
        // An empty chunk ends the response.
        let chunk = chunks.lock().await.recv().await.filter(|chunk| !chunk.is_empty())?;
        Some((Ok(chunk), (chunks, closed)))
    })
}

/// Returns a body that is sent as a test sends its chunks, and a sender for them.
fn body() -> (UnboundedSender<Result<Bytes, std::io::Error>>, reqwest::Body) {
    let (sender, mut chunks) = unbounded_channel();
    let stream = futures_util::stream::poll_fn(move |context| chunks.poll_recv(context));
    (sender, reqwest::Body::wrap_stream(stream))
}

fn chunk(text: &'static str) -> Result<Bytes, std::io::Error> {
    Ok(Bytes::from_static(text.as_bytes()))
}

#[tokio::test]
async fn chunks_of_a_request_arrive_before_its_end() {
    let mut fal = Fal::start().await;
    let proxy = fal.proxy(|builder| builder).await;
    let (sender, body) = body();
    let call = tokio::spawn(proxy.request("POST", RUN).body(body).send());
    sender.send(chunk("{\"a\":")).expect("sent");
    assert_eq!(fal.event().await, Event::Began);
    assert_eq!(fal.event().await, Event::Chunk(Bytes::from_static(b"{\"a\":")));
    sender.send(chunk("1}")).expect("sent");
    assert_eq!(fal.event().await, Event::Chunk(Bytes::from_static(b"1}")));
    drop(sender);
    assert_eq!(fal.event().await, Event::Complete);
    fal.respond.send(Bytes::new()).expect("sent");
    assert_eq!(call.await.expect("a call").expect("a response").status().as_u16(), 200);
}

#[tokio::test]
async fn chunks_of_a_response_arrive_before_its_end() {
    let mut fal = Fal::start().await;
    let proxy = fal.proxy(|builder| builder).await;
    fal.respond.send(Bytes::from_static(b"data: 1\n\n")).expect("sent");
    let mut response = proxy.request("POST", "https://fal.run/acme/painter/stream").send().await.expect("a response");
    assert_eq!(response.chunk().await.expect("a chunk").as_deref(), Some(&b"data: 1\n\n"[..]));
    fal.respond.send(Bytes::from_static(b"data: 2\n\n")).expect("sent");
    assert_eq!(response.chunk().await.expect("a chunk").as_deref(), Some(&b"data: 2\n\n"[..]));
    fal.respond.send(Bytes::new()).expect("sent");
    assert_eq!(response.chunk().await.expect("the end"), None);
    assert_eq!(fal.last_event().await, Event::Complete);
}

#[tokio::test]
async fn a_caller_that_leaves_a_stream_ends_the_request_to_fal() {
    let mut fal = Fal::start().await;
    let proxy = fal.proxy(|builder| builder).await;
    fal.respond.send(Bytes::from_static(b"data: 1\n\n")).expect("sent");
    let mut response = proxy.request("POST", "https://fal.run/acme/painter/stream").send().await.expect("a response");
    assert!(response.chunk().await.expect("a chunk").is_some());
    assert_eq!(fal.last_event().await, Event::Complete);
    drop(response);
    assert_eq!(fal.event().await, Event::Closed);
}

#[tokio::test]
async fn a_caller_that_leaves_before_the_response_ends_the_request_to_fal() {
    let mut fal = Fal::start().await;
    let proxy = fal.proxy(|builder| builder).await;
    let (sender, body) = body();
    let call = tokio::spawn(proxy.request("POST", RUN).body(body).send());
    sender.send(chunk("{")).expect("sent");
    assert_eq!(fal.event().await, Event::Began);
    call.abort();
    // An incomplete body is not billed.
    assert!(matches!(fal.last_event().await, Event::Broken | Event::Closed));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_never_complete_at_fal() {
    let mut fal = Fal::start().await;
    let proxy = fal.proxy(|builder| builder).await;
    let (sender, body) = body();
    let call = tokio::spawn(proxy.request("POST", RUN).body(body).send());
    sender.send(chunk("{")).expect("sent");
    assert_eq!(fal.event().await, Event::Began);
    sender.send(Err(std::io::Error::other("broken"))).expect("sent");
    assert_eq!(fal.last_event().await, Event::Broken);
    call.await.expect("a call").expect_err("the caller broke it off");
}

#[tokio::test]
async fn a_body_of_unknown_length_is_limited() {
    let mut fal = Fal::start().await;
    let proxy = fal.proxy(|builder| builder.max_body_size(10)).await;
    let (sender, sent) = body();
    let call = tokio::spawn(outcome(proxy.request("POST", RUN).body(sent)));
    sender.send(chunk("1234567890")).expect("sent");
    assert_eq!(fal.event().await, Event::Began);
    assert_eq!(fal.event().await, Event::Chunk(Bytes::from_static(b"1234567890")));
    sender.send(chunk("1")).expect("sent");
    let (status, detail) = call.await.expect("a call");
    assert!(status == 413 && detail.contains("10 bytes"), "{status} {detail}");
    assert_eq!((fal.event().await, fal.event().await), (Event::Broken, Event::Closed));

    let (sender, sent) = body();
    let call = tokio::spawn(outcome(proxy.request("POST", RUN).body(sent)));
    sender.send(chunk("1234567890")).expect("sent");
    drop(sender);
    assert_eq!(fal.last_event().await, Event::Complete);
    fal.respond.send(Bytes::new()).expect("sent");
    assert_eq!(call.await.expect("a call").0, 200);
}

#[tokio::test]
async fn a_declared_length_beyond_the_limit_is_refused_unread() {
    let mut fal = Fal::start().await;
    let proxy = fal.proxy(|builder| builder.max_body_size(1 << 20)).await;
    let large = proxy.request("POST", RUN).body(vec![b' '; (1 << 20) + 1]);
    let (status, _) = outcome(large).await;
    assert_eq!(status, 413);
    let largest = tokio::spawn(outcome(proxy.request("POST", RUN).body(vec![b' '; 1 << 20])));
    fal.respond.send(Bytes::new()).expect("sent");
    assert_eq!(largest.await.expect("a call").0, 200);
    let mut length = 0;
    loop {
        match fal.event().await {
            Event::Began => {}
            Event::Chunk(chunk) => length += chunk.len(),
            last => break assert_eq!((last, length), (Event::Complete, 1 << 20)),
        }
    }
}

#[tokio::test]
async fn a_body_that_pauses_is_refused() {
    let mut fal = Fal::start().await;
    let proxy = fal.proxy(|builder| builder.idle_timeout(Duration::from_secs(1))).await;
    let (sender, body) = body();
    let call = tokio::spawn(outcome(proxy.request("POST", RUN).body(body)));
    sender.send(chunk("{")).expect("sent");
    let (status, detail) = call.await.expect("a call");
    assert!(status == 408 && detail.contains("paused"), "{status} {detail}");
    assert_eq!(fal.last_event().await, Event::Broken);
}

#[tokio::test]
async fn requests_without_a_body_are_forwarded_without_one() {
    let mut fal = Fal::start().await;
    let proxy = fal.proxy(|builder| builder).await;
    for (method, target) in [
        ("GET", "https://queue.fal.run/acme/painter/requests/R1/status"),
        ("PUT", "https://queue.fal.run/acme/painter/requests/R1/cancel"),
    ] {
        fal.respond.send(Bytes::new()).expect("sent");
        let request = proxy.request(method, target).header("content-type", "application/json").body("{\"a\":1}");
        assert_eq!(outcome(request).await.0, 200);
        assert_eq!((fal.event().await, fal.event().await), (Event::Began, Event::Complete), "{method}");
        assert_eq!(fal.event().await, Event::Closed);
    }
}
