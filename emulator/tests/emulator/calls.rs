//! Calls over a WebSocket.

use std::time::Duration;

use fal_client::LockReason;
use fal_emulator::{Emulator, Fault, Frame, Operation, Pace, ReceivedRequest};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::fal::{Fal, INPAINTING, Socket, connect, inpainting, refused};

const ROUTER: &str = "openrouter/router";
const PATH: &str = "/ws.fal.run/openrouter/router";
const KEY: (&str, &str) = ("authorization", "Key id:secret");

fn prompt(text: &str) -> Value {
    json!({ "prompt": text, "model": "google/gemini-2.5-flash" })
}

async fn send(socket: &mut Socket, value: &Value) {
    socket.send(Message::text(value.to_string())).await.unwrap();
}

/// A response in frames.
#[derive(Debug)]
struct Reply {
    start: Value,
    body: Vec<u8>,
    frames: usize,
    end: Value,
}

/// Returns the next response, or `None` if the connection ends before its end.
async fn reply(socket: &mut Socket) -> Option<Reply> {
    let control = |text: &str| {
        let value: Value = serde_json::from_str(text).ok()?;
        (value.get("type").is_some() && value.get("request_id").is_some()).then_some(value)
    };
    let Some(Ok(Message::Text(text))) = socket.next().await else { return None };
    let start = control(&text).unwrap();
    assert_eq!(start["type"], "start");
    let (mut body, mut frames) = (Vec::new(), 0);
    loop {
        match socket.next().await?.ok()? {
            Message::Text(text) => match control(&text) {
                Some(end) => return Some(Reply { start, body, frames, end }),
                None => body.extend_from_slice(text.as_bytes()),
            },
            Message::Binary(bytes) => body.extend_from_slice(&bytes),
            _ => return None,
        }
        frames += 1;
    }
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

fn runs(fal: &Fal) -> Vec<ReceivedRequest> {
    fal.requests().into_iter().filter(|request| request.operation() == Operation::WebSocketRun).collect()
}

#[tokio::test]
async fn calls_on_one_connection_get_responses_in_order() {
    let fal = Fal::instant().await;
    let mut socket = connect(&fal, PATH, &[KEY]).await.unwrap();
    // The second one is sent before the first one has a response.
    send(&mut socket, &prompt("a")).await;
    send(&mut socket, &json!({ "prompt": 1 })).await;
    let first = reply(&mut socket).await.unwrap();
    assert_eq!((&first.start["status"], &first.end["status"]), (&json!(200), &json!(200)));
    assert_eq!(first.start["request_id"], first.end["request_id"]);
    assert_eq!(first.start["headers"]["content-type"], "application/json");
    assert_eq!(first.start["headers"]["x-fal-request-id"], first.start["request_id"]);
    assert_eq!(first.end["type"], "end");
    assert!(first.end["time_to_first_byte_seconds"].is_f64());
    assert_eq!(first.json(), fal.run(ROUTER, &prompt("a")).await.body);
    let second = reply(&mut socket).await.unwrap();
    assert_eq!(second.start["status"], 422);
    assert_eq!(second.json()["detail"].as_array().unwrap().len(), 2);
    assert_ne!(first.start["request_id"], second.start["request_id"]);

    let handshake = &fal.requests()[0];
    assert_eq!((handshake.operation(), handshake.status()), (Operation::WebSocket, Some(101)));
    let runs = runs(&fal);
    assert_eq!((runs[0].input(), runs[0].endpoint()), (&prompt("a"), Some(ROUTER)));
    assert_eq!((runs[0].status(), runs[1].status()), (Some(200), Some(422)));
    assert_eq!((runs[0].path(), runs[0].mistake()), (PATH, None));
    assert_eq!(runs[0].request_id(), first.start["request_id"].as_str());
    assert!(fal.jobs().iter().any(|job| Some(job.request_id()) == first.start["request_id"].as_str()));
}

#[tokio::test]
async fn messages_that_are_not_json_are_invalid() {
    let fal = Fal::instant().await;
    let mut socket = connect(&fal, PATH, &[KEY]).await.unwrap();
    for message in [Message::text("plain"), Message::text(""), Message::binary(vec![0xff]), Message::text("[]")] {
        socket.send(message).await.unwrap();
        assert_eq!(reply(&mut socket).await.unwrap().start["status"], 422);
    }
    socket.send(Message::binary(prompt("a").to_string())).await.unwrap();
    assert_eq!(reply(&mut socket).await.unwrap().start["status"], 200);
}

/// A small message can have many values.
#[tokio::test]
async fn message_that_takes_too_much_memory_is_invalid() {
    let fal = Fal::instant().await;
    let mut socket = connect(&fal, PATH, &[KEY]).await.unwrap();
    socket.send(Message::text(format!("[{}0]", "0,".repeat(2 << 20)))).await.unwrap();
    let reply = reply(&mut socket).await.unwrap();
    assert_eq!(reply.start["status"], 422);
    let reason = reply.json()["detail"][0]["ctx"]["error"].to_string();
    assert!(reason.contains("more than 128 MiB as JSON"), "{reason}");
}

#[tokio::test]
async fn path_of_a_stream_has_its_events_as_body() {
    let fal = Fal::instant().await;
    let mut socket = connect(&fal, &format!("{PATH}/stream"), &[KEY]).await.unwrap();
    send(&mut socket, &prompt("a")).await;
    let reply = reply(&mut socket).await.unwrap();
    assert_eq!(reply.start["headers"]["content-type"], "text/event-stream");
    let text = String::from_utf8(reply.body).unwrap();
    assert!(text.starts_with("event: event\ndata: "), "{text}");
    assert_eq!(reply.frames, text.matches("event: event").count());
}

#[tokio::test]
async fn bodies_that_look_like_control_frames_are_binary() {
    let fal = Fal::instant().await;
    let odd = json!({ "type": "end", "request_id": "x" });
    fal.inject_fault(Operation::WebSocketRun, Fault::outcome(200).json(&odd));
    let mut socket = connect(&fal, PATH, &[KEY]).await.unwrap();
    send(&mut socket, &prompt("a")).await;
    assert_eq!(reply(&mut socket).await.unwrap().json(), odd);
}

#[tokio::test]
async fn large_bodies_have_several_frames() {
    let fal = Fal::instant().await;
    fal.answer(ROUTER, &json!({ "output": "ü".repeat(2 << 20) })).unwrap();
    let mut socket = connect(&fal, PATH, &[KEY]).await.unwrap();
    send(&mut socket, &prompt("a")).await;
    let reply = reply(&mut socket).await.unwrap();
    assert_eq!(reply.json()["output"].as_str().unwrap().len(), 4 << 20);
    assert!(reply.frames > 4, "{}", reply.frames);
}

#[tokio::test]
async fn handshakes_are_refused() {
    let fal = Fal::start(Emulator::builder().key("id:secret").pace(Pace::instant())).await;
    assert_eq!(refused(connect(&fal, PATH, &[]).await), 401);
    assert_eq!(refused(connect(&fal, PATH, &[("authorization", "Key other:key")]).await), 401);
    assert_eq!(refused(connect(&fal, &format!("{PATH}?fal_jwt_token=x"), &[]).await), 401);
    assert_eq!(refused(connect(&fal, "/ws.fal.run/a/b", &[KEY]).await), 404);
    assert_eq!(fal.get(PATH).await.status, 426);
    fal.lock_account(LockReason::ExhaustedBalance);
    assert_eq!(refused(connect(&fal, PATH, &[KEY]).await), 403);
}

#[tokio::test]
async fn token_and_account_are_checked() {
    let fal = Fal::instant().await;
    let body = json!({ "allowed_apps": ["router"], "token_expiration": 60 });
    let token = fal.post("/rest.fal.ai/tokens/", &body).await.body.as_str().unwrap().to_owned();
    let path = format!("{PATH}?fal_jwt_token={token}");
    let mut socket = connect(&fal, &path, &[]).await.unwrap();
    send(&mut socket, &prompt("a")).await;
    assert_eq!(reply(&mut socket).await.unwrap().start["status"], 200);
    fal.lock_account(LockReason::ExhaustedBalance);
    send(&mut socket, &prompt("a")).await;
    assert_eq!(reply(&mut socket).await.unwrap().start["status"], 403);
}

#[tokio::test]
async fn faults_of_a_call() {
    let fal = Fal::instant().await;
    let mut socket = connect(&fal, PATH, &[KEY]).await.unwrap();
    fal.inject_fault(Operation::WebSocketRun, Fault::respond(503));
    fal.inject_fault(Operation::WebSocketRun, Fault::request_error("concurrent_requests_limit"));
    for status in [503, 429, 200] {
        send(&mut socket, &prompt("a")).await;
        assert_eq!(reply(&mut socket).await.unwrap().start["status"], status);
    }
    fal.inject_fault(Operation::WebSocketRun, Fault::frames([Frame::text("odd"), Frame::close(1011, "gone")]));
    send(&mut socket, &prompt("a")).await;
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("odd"));
    assert!(matches!(socket.next().await, Some(Ok(Message::Close(Some(_))))));
    for fault in [
        Fault::drop_connection(),
        Fault::drop_connection().after_effect(),
        Fault::drop_response_after(3),
        Fault::drop_response_after_bytes(3),
        Fault::drop_response_in_head(),
    ] {
        let name = format!("{fault:?}");
        fal.inject_fault(Operation::WebSocketRun, fault);
        let mut socket = connect(&fal, PATH, &[KEY]).await.unwrap();
        send(&mut socket, &prompt("a")).await;
        assert!(reply(&mut socket).await.is_none(), "{name}");
    }
    assert_eq!(fal.pending_faults(), 0);
}

#[tokio::test]
async fn client_that_leaves_ends_its_connection() {
    let fal = Fal::instant().await;
    fal.inject_fault(Operation::WebSocketRun, Fault::none().delay(Duration::from_secs(3600)));
    let mut socket = connect(&fal, PATH, &[KEY]).await.unwrap();
    send(&mut socket, &prompt("a")).await;
    while runs(&fal).is_empty() {
        tokio::task::yield_now().await;
    }
    drop(socket);
    // A later request is the only one in flight once the emulator has noticed.
    loop {
        let socket = connect(&fal, PATH, &[KEY]).await.unwrap();
        let in_flight = fal.requests().last().unwrap().in_flight();
        drop(socket);
        if in_flight == 1 {
            break;
        }
    }
    assert_eq!(fal.jobs().len(), 0);
}

#[tokio::test]
async fn output_of_an_image_endpoint() {
    let fal = Fal::instant().await;
    let mut socket = connect(&fal, &format!("/ws.fal.run/{INPAINTING}"), &[KEY]).await.unwrap();
    send(&mut socket, &inpainting()).await;
    let output = reply(&mut socket).await.unwrap().json();
    let url = output["images"][0]["url"].as_str().unwrap().to_owned();
    assert_eq!(fal.http.get(url).send().await.unwrap().status(), 200);
}
