//! The end of an emulator ends everything that it serves.

use std::time::Duration;

use fal_emulator::{Emulator, Operation, Pace};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio_tungstenite::tungstenite::Message;

use crate::fal::{Fal, connect};

const KEY: (&str, &str) = ("authorization", "Key id:secret");

#[tokio::test]
async fn streams_and_websockets_end_with_the_emulator_and_leave_no_task() {
    let before = Handle::current().metrics().num_alive_tasks();
    let pace = Pace::default().running(Duration::from_secs(3600));
    let fal = Fal::start(Emulator::builder().pace(pace)).await;
    let address = fal.base_url().trim_start_matches("http://").to_owned();
    let input = json!({ "prompt": "a", "model": "m" }).to_string();

    // A stream that waits for its first event.
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let head = "POST /fal.run/openrouter/router/stream HTTP/1.1\r\nhost: localhost\r\nauthorization: Key id:secret";
    let head = format!("{head}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", input.len());
    stream.write_all(format!("{head}{input}").as_bytes()).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    // A connection with an input that is running, an idle one, and a call that is running.
    let mut running = connect(&fal, "/fal.run/openrouter/router/realtime/json", &[KEY]).await.unwrap();
    running.send(Message::text(input.clone())).await.unwrap();
    let mut idle = connect(&fal, "/fal.run/fal-ai/fast-lcm-diffusion/realtime", &[KEY]).await.unwrap();
    let mut call = connect(&fal, "/ws.fal.run/openrouter/router", &[KEY]).await.unwrap();
    call.send(Message::text(input)).await.unwrap();
    while fal.jobs().len() < 3 {
        tokio::task::yield_now().await;
    }
    assert!(fal.requests().iter().any(|request| request.operation() == Operation::WebSocketRun));

    let Fal { emulator, http } = fal;
    drop((emulator, http));
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    for socket in [&mut running, &mut idle, &mut call] {
        assert!(socket.next().await.is_none_or(|message| message.is_err()));
    }
    while Handle::current().metrics().num_alive_tasks() > before {
        tokio::task::yield_now().await;
    }
}
