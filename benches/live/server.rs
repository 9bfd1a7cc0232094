//! A server that costs little: it writes messages that it made before.

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

use super::Failure;
use super::messages::Kind;

/// Prints the address, and serves until the process ends.
pub(crate) async fn serve() -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        tokio::spawn(async move {
            // A client that has what it wants closes the connection.
            let _ = respond(connection).await;
        });
    }
}

/// Responds to a request. Its kind is in the path.
async fn respond(connection: TcpStream) -> Result<(), Failure> {
    let mut head = [0; 1 << 10];
    let length = connection.peek(&mut head).await?;
    let line = String::from_utf8_lossy(&head[..length]).lines().next().unwrap_or_default().to_owned();
    let kind = Kind::ALL.into_iter().find(|kind| line.contains(kind.endpoint())).ok_or("unknown path")?;
    match kind {
        Kind::RoundTrips => round_trips(connection, kind).await,
        kind if kind.is_events() => events(connection, kind).await,
        _ => frames(connection, kind).await,
    }
}

/// Writes each event in a chunk of its own, as servers of models do.
async fn events(mut connection: TcpStream, kind: Kind) -> Result<(), Failure> {
    // The request is small, and comes in one piece.
    let _ = connection.read(&mut [0; 64 << 10]).await?;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nx-fal-request-id: r\r\n\r\n";
    connection.write_all(head.as_bytes()).await?;
    let message = kind.message();
    let length = message.len() + b"data: \n\n".len();
    let mut chunk = format!("{length:x}\r\ndata: ").into_bytes();
    chunk.extend(message);
    chunk.extend(b"\n\n\r\n");
    write(&mut connection, &chunk, kind).await?;
    connection.write_all(b"0\r\n\r\n").await?;
    Ok(())
}

/// Writes frames after the first message.
async fn frames(connection: TcpStream, kind: Kind) -> Result<(), Failure> {
    let mut socket = accept_async(connection).await?;
    socket.next().await.ok_or("no message")??;
    let message = kind.message();
    let mut frame = vec![0x82];
    match u16::try_from(message.len()) {
        Ok(length @ ..126) => frame.push(length as u8),
        Ok(length) => {
            frame.push(126);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(127);
            frame.extend((message.len() as u64).to_be_bytes());
        }
    }
    frame.extend(message);
    write(socket.get_mut(), &frame, kind).await?;
    // Until the client closes.
    while let Some(Ok(_)) = socket.next().await {}
    Ok(())
}

/// Writes a frame for each message.
async fn round_trips(connection: TcpStream, kind: Kind) -> Result<(), Failure> {
    let mut socket = accept_async(connection).await?;
    let message = Message::binary(kind.message());
    while let Some(Ok(received)) = socket.next().await {
        if received.is_binary() {
            socket.send(message.clone()).await?;
        }
    }
    Ok(())
}

async fn write(connection: &mut TcpStream, message: &[u8], kind: Kind) -> Result<(), Failure> {
    let batch = message.repeat(kind.batch());
    for _ in 0..kind.count() / kind.batch() {
        connection.write_all(&batch).await?;
    }
    Ok(())
}
