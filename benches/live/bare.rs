//! The same work with reqwest, sse-core and serde_json, and with tokio-tungstenite and rmp-serde.

use std::num::NonZeroUsize;
use std::time::Instant;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sse_core::{SseDecoder, SseEvent};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use super::Failure;
use super::messages::{Images, Kind, Text};

/// Returns the seconds.
pub(crate) async fn measure(kind: Kind, name: &str, address: &str) -> Result<f64, Failure> {
    match kind {
        Kind::RoundTrips => round_trips(kind, address).await,
        _ if !kind.is_events() => frames(kind, address).await,
        _ if name == "bare" => events::<Text>(kind, address).await,
        _ => events::<Value>(kind, address).await,
    }
}

async fn events<T: DeserializeOwned>(kind: Kind, address: &str) -> Result<f64, Failure> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let start = Instant::now();
    let url = format!("http://{address}/fal.run/{}/stream", kind.endpoint());
    let request = http.post(url).header("accept", "text/event-stream").body(r#"{"prompt":"a fox"}"#);
    let mut chunks = request.send().await?.error_for_status()?.bytes_stream();
    let mut parser = SseDecoder::with_limit(NonZeroUsize::MAX);
    let mut count = 0;
    while let Some(chunk) = chunks.next().await {
        let mut chunk: Bytes = chunk?;
        while let Some(event) = parser.next(&mut chunk) {
            if let SseEvent::Message(message) = event? {
                std::hint::black_box(serde_json::from_str::<T>(&message.data)?);
                count += 1;
            }
        }
    }
    finished(kind, count, start)
}

async fn frames(kind: Kind, address: &str) -> Result<f64, Failure> {
    let mut socket = connect(kind, address).await?;
    let start = Instant::now();
    socket.send(input()?).await?;
    let mut count = 0;
    while count < kind.count() {
        if let Message::Binary(bytes) = socket.next().await.ok_or("the connection closed")?? {
            std::hint::black_box(rmp_serde::from_slice::<Images>(&bytes)?);
            count += 1;
        }
    }
    let seconds = finished(kind, count, start)?;
    socket.close(None).await?;
    Ok(seconds)
}

async fn round_trips(kind: Kind, address: &str) -> Result<f64, Failure> {
    let mut socket = connect(kind, address).await?;
    let start = Instant::now();
    for _ in 0..kind.count() {
        socket.send(input()?).await?;
        let Message::Binary(bytes) = socket.next().await.ok_or("the connection closed")?? else {
            return Err("unexpected frame".into());
        };
        std::hint::black_box(rmp_serde::from_slice::<Images>(&bytes)?);
    }
    let seconds = finished(kind, kind.count(), start)?;
    socket.close(None).await?;
    Ok(seconds)
}

async fn connect(kind: Kind, address: &str) -> Result<tokio_tungstenite::WebSocketStream<TcpStream>, Failure> {
    let connection = TcpStream::connect(address).await?;
    connection.set_nodelay(true)?;
    let url = format!("ws://{address}/fal.run/{}/realtime", kind.endpoint());
    Ok(client_async(url, connection).await?.0)
}

fn input() -> Result<Message, Failure> {
    Ok(Message::binary(rmp_serde::to_vec_named(&json!({ "prompt": "a fox" }))?))
}

/// Checks that no message was lost. Returns the seconds since the start.
pub(crate) fn finished(kind: Kind, count: usize, start: Instant) -> Result<f64, Failure> {
    match count == kind.count() {
        true => Ok(start.elapsed().as_secs_f64()),
        false => Err(format!("{count} of {} messages", kind.count()).into()),
    }
}
