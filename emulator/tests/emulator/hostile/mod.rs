//! Hostile input: each has a defined response, nothing leaks, and the emulator still serves afterwards.

mod bodies;
mod floods;
mod heads;
mod paths;
mod targets;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::fal::{Fal, INPAINTING, inpainting, is_complete};

/// Sends bytes over a new connection, and returns the status and the response. The status is 0 if the connection ended without
/// a response.
async fn send(fal: &Fal, request: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(fal.base_url().trim_start_matches("http://")).await.unwrap();
    // The emulator may refuse the request before it is sent.
    let _ = stream.write_all(request).await;
    read(&mut stream).await
}

/// Sends bytes, and ends the connection on the side of the client.
async fn send_all(fal: &Fal, request: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(fal.base_url().trim_start_matches("http://")).await.unwrap();
    let _ = stream.write_all(request).await;
    let _ = stream.shutdown().await;
    read(&mut stream).await
}

async fn read(stream: &mut TcpStream) -> (u16, String) {
    let (mut response, mut bytes) = (String::new(), [0; 4_096]);
    while !is_complete(&response) && !response.starts_with("HTTP/1.1 101 ") {
        match stream.read(&mut bytes).await {
            Ok(count) if count > 0 => response.push_str(&String::from_utf8_lossy(&bytes[..count])),
            _ => break,
        }
    }
    let status = response.strip_prefix("HTTP/1.1 ").or(response.strip_prefix("HTTP/1.0 "));
    (status.and_then(|rest| rest.get(..3)?.parse().ok()).unwrap_or(0), response)
}

async fn assert_serves(fal: &Fal) {
    let reply = fal.run(INPAINTING, &inpainting()).await;
    assert_eq!(reply.status, 200, "{reply:?}");
}
