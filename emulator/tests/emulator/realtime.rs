use std::time::Duration;

use fal_client::LockReason;
use fal_emulator::{Emulator, Fault, Frame, Operation, Pace, ReceivedRequest};
use futures_util::future::join_all;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::fal::{Fal, Socket, connect, refused};

const LCM: &str = "fal-ai/fast-lcm-diffusion";
const PATH: &str = "/fal.run/fal-ai/fast-lcm-diffusion/realtime";
const KEY: (&str, &str) = ("authorization", "Key id:secret");

fn input(prompt: &str) -> Value {
    json!({ "prompt": prompt, "image_size": { "width": 8, "height": 8 }, "sync_mode": false })
}

async fn send(socket: &mut Socket, value: &Value) {
    socket.send(Message::binary(rmp_serde::to_vec_named(value).unwrap())).await.unwrap();
}

/// The next message of a socket.
#[derive(Debug, PartialEq)]
enum Next {
    Output(Value),
    Text(Value),
    Close(u16, String),
    /// The connection broke without a close frame.
    Broken,
}

async fn next(socket: &mut Socket) -> Next {
    match socket.next().await {
        Some(Ok(Message::Binary(bytes))) => Next::Output(rmp_serde::from_slice(&bytes).unwrap()),
        Some(Ok(Message::Text(text))) => Next::Text(serde_json::from_str(&text).unwrap_or(json!(text.as_str()))),
        Some(Ok(Message::Close(Some(CloseFrame { code, reason })))) => Next::Close(code.into(), reason.as_str().into()),
        Some(Ok(other)) => panic!("unexpected {other:?}"),
        Some(Err(_)) | None => Next::Broken,
    }
}

/// Returns the output of the next result, and skips the timings.
async fn output(socket: &mut Socket) -> Value {
    loop {
        match next(socket).await {
            Next::Output(output) => return output,
            Next::Text(text) if text["type"] == "x-fal-message" => {}
            other => panic!("unexpected {other:?}"),
        }
    }
}

async fn error(socket: &mut Socket) -> (String, String) {
    loop {
        match next(socket).await {
            Next::Text(text) if text["type"] == "x-fal-error" => {
                return (text["error"].as_str().unwrap().into(), text["reason"].as_str().unwrap().into());
            }
            Next::Text(text) if text["type"] == "x-fal-message" => {}
            other => panic!("unexpected {other:?}"),
        }
    }
}

fn inputs(fal: &Fal) -> Vec<ReceivedRequest> {
    fal.requests().into_iter().filter(|request| request.operation() == Operation::RealtimeInput).collect()
}

async fn token(fal: &Fal, app: &str) -> String {
    let body = json!({ "allowed_apps": [app], "token_expiration": 60 });
    fal.post("/rest.fal.ai/tokens/", &body).await.body.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn inputs_get_outputs_and_timings() {
    let fal = Fal::instant().await;
    let mut socket = connect(&fal, PATH, &[KEY]).await.unwrap();
    for prompt in ["a", "b"] {
        send(&mut socket, &input(prompt)).await;
        let Next::Output(output) = next(&mut socket).await else { panic!("no output") };
        assert_eq!(output["prompt"], prompt);
        assert_eq!(output["images"][0]["width"], 8);
        let Next::Text(timings) = next(&mut socket).await else { panic!("no timings") };
        assert_eq!((&timings["type"], &timings["action"]), (&json!("x-fal-message"), &json!("timings")));
        assert!(timings["timing"].is_f64());
    }
    socket.close(None).await.unwrap();

    let requests = fal.requests();
    let handshake = &requests[0];
    assert_eq!(
        (handshake.operation(), handshake.endpoint(), handshake.status()),
        (Operation::Realtime, Some(LCM), Some(101))
    );
    assert_eq!(handshake.header("authorization"), Some("Key id:secret"));
    assert!(handshake.request_id().is_some());
    let inputs = inputs(&fal);
    assert_eq!(inputs.len(), 2);
    assert_eq!((inputs[1].input(), inputs[1].endpoint(), inputs[1].status()), (&input("b"), Some(LCM), Some(200)));
    assert_eq!((inputs[1].path(), inputs[1].mistake()), (PATH, None));
    assert_eq!(inputs[0].body(), rmp_serde::to_vec_named(&input("a")).unwrap());
    // fal bills every output.
    assert_eq!(fal.jobs().len(), 2);
    assert!(fal.jobs().iter().all(|job| job.is_direct() && job.endpoint() == LCM));
}

#[tokio::test]
async fn session_ends_at_the_first_invalid_input() {
    let fal = Fal::instant().await;
    for (message, reason) in [
        (
            Message::binary(rmp_serde::to_vec_named(&json!({ "num_images": 99 })).unwrap()),
            "body.prompt: Field required",
        ),
        (Message::binary(rmp_serde::to_vec(&json!("text")).unwrap()), "body: Input should be a valid dictionary"),
        (Message::binary(vec![0xc1]), "cannot decode the message"),
        (Message::binary(Vec::new()), "cannot decode the message"),
        (Message::text(input("a").to_string()), "text frame"),
    ] {
        let mut socket = connect(&fal, PATH, &[KEY]).await.unwrap();
        socket.send(message.clone()).await.unwrap();
        let (error, text) = error(&mut socket).await;
        assert_eq!(error, "INTERNAL_ERROR");
        assert!(text.contains(reason), "{message:?}: {text}");
        assert_eq!(next(&mut socket).await, Next::Close(1000, String::new()));
        assert_eq!(next(&mut socket).await, Next::Broken);
        assert_eq!(inputs(&fal).last().unwrap().status(), Some(500));
    }
}

#[tokio::test]
async fn json_codec_takes_text_and_binary_frames() {
    let fal = Fal::instant().await;
    let mut socket = connect(&fal, &format!("{PATH}/json"), &[KEY]).await.unwrap();
    socket.send(Message::text(input("a").to_string())).await.unwrap();
    let Next::Text(output) = next(&mut socket).await else { panic!("no text") };
    assert_eq!(output["prompt"], "a");
    assert!(matches!(next(&mut socket).await, Next::Text(_)));
    socket.send(Message::binary(input("b").to_string())).await.unwrap();
    let Some(Ok(Message::Binary(bytes))) = socket.next().await else { panic!("no binary frame") };
    assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap()["prompt"], "b");
}

#[tokio::test]
async fn binary_data_is_judged_as_base64() {
    let fal = Fal::instant().await;
    let mut socket = connect(&fal, PATH, &[KEY]).await.unwrap();
    // {"prompt": <binary>, "image_size": "square", "sync_mode": false}
    let mut bytes = vec![0x83, 0xa6];
    bytes.extend_from_slice(b"prompt");
    bytes.extend_from_slice(&[0xc4, 2, 0, 255, 0xaa]);
    bytes.extend_from_slice(b"image_size");
    bytes.push(0xa6);
    bytes.extend_from_slice(b"square");
    bytes.push(0xa9);
    bytes.extend_from_slice(b"sync_mode");
    bytes.push(0xc2);
    socket.send(Message::binary(bytes)).await.unwrap();
    assert_eq!(output(&mut socket).await["prompt"], "AP8=");
}

#[tokio::test]
async fn handshakes_are_refused() {
    let fal = Fal::start(Emulator::builder().key("id:secret").pace(Pace::instant())).await;
    assert_eq!(refused(connect(&fal, PATH, &[]).await), 401);
    assert_eq!(refused(connect(&fal, PATH, &[("authorization", "Key other:key")]).await), 401);
    assert_eq!(refused(connect(&fal, "/fal.run/fal-ai/fast-lcm-diffusion", &[KEY]).await), 404);
    assert_eq!(refused(connect(&fal, "/fal.run/a/b/realtime", &[KEY]).await), 404);
    assert_eq!(refused(connect(&fal, PATH, &[KEY, ("origin", "https://evil.test")]).await), 403);
    assert_eq!(refused(connect(&fal, PATH, &[KEY, ("sec-websocket-version", "8")]).await), 426);
    for (query, accepted) in [("0", false), ("1", true), ("60", true), ("61", false), ("x", false), ("", false)] {
        let connected = connect(&fal, &format!("{PATH}?max_buffering={query}"), &[KEY]).await;
        match accepted {
            true => drop(connected.unwrap()),
            false => assert_eq!(refused(connected), 422, "{query}"),
        }
    }
    fal.deny_permission(Operation::Realtime);
    assert_eq!(refused(connect(&fal, PATH, &[KEY]).await), 403);
    fal.grant_permission(Operation::Realtime);
    fal.lock_account(LockReason::ExhaustedBalance);
    assert_eq!(refused(connect(&fal, PATH, &[KEY]).await), 403);
    fal.unlock_account();
    fal.inject_fault(Operation::Realtime, Fault::nginx(503));
    assert_eq!(refused(connect(&fal, PATH, &[KEY]).await), 503);
    // Without an upgrade, the path is not a WebSocket.
    assert_eq!(fal.get(PATH).await.status, 405);
}

#[tokio::test]
async fn token_opens_connections_until_it_expires() {
    let fal = Fal::instant().await;
    let path = |token: &str| format!("{PATH}?fal_jwt_token={token}&max_buffering=2");
    let own = token(&fal, "fast-lcm-diffusion").await;
    let other = token(&fal, "flux").await;
    let body = json!({ "allowed_apps": [format!("{LCM}/realtime")], "duration": 60 });
    let newer = fal.post("/rest.fal.ai/tokens/realtime", &body).await.body["token"].as_str().unwrap().to_owned();
    let mut open = connect(&fal, &path(&own), &[]).await.unwrap();
    drop(connect(&fal, &path(&newer), &[]).await.unwrap());
    fal.advance_time(Duration::from_secs(60));
    for token in [own.as_str(), &other, &newer, "", "a.b.c"] {
        let mut socket = connect(&fal, &path(token), &[]).await.unwrap();
        let unauthorized = json!({ "status": "error", "error": "Unauthorized" });
        assert_eq!(next(&mut socket).await, Next::Text(unauthorized));
        assert_eq!(next(&mut socket).await, Next::Close(1008, "Unauthorized".into()));
    }
    // An open connection outlives its token.
    send(&mut open, &input("a")).await;
    assert_eq!(output(&mut open).await["prompt"], "a");
}

#[tokio::test]
async fn upload_policy_closes_the_connection() {
    let fal = Fal::instant().await;
    let mut socket = connect(&fal, PATH, &[KEY, ("x-app-fal-upload-policy", "{}")]).await.unwrap();
    assert_eq!(next(&mut socket).await, Next::Close(1011, "Error while forwarding the request".into()));
}

#[tokio::test]
async fn session_ends_with_a_timeout_on_the_clock() {
    let minute = Duration::from_secs(60);
    let fal = Fal::start(Emulator::builder().pace(Pace::instant()).session_timeout(minute)).await;
    let mut socket = connect(&fal, PATH, &[KEY]).await.unwrap();
    send(&mut socket, &input("a")).await;
    output(&mut socket).await;
    fal.advance_time(minute / 2);
    send(&mut socket, &input("b")).await;
    output(&mut socket).await;
    fal.advance_time(minute);
    assert_eq!(error(&mut socket).await, ("TIMEOUT".into(), "no inputs, reconnect when needed!".into()));
    assert_eq!(next(&mut socket).await, Next::Close(1000, String::new()));
}

#[tokio::test]
async fn buffering_keeps_the_newest_inputs() {
    let fal = Fal::instant().await;
    let mut socket = connect(&fal, &format!("{PATH}?max_buffering=2"), &[KEY]).await.unwrap();
    fal.inject_fault(Operation::RealtimeInput, Fault::none().delay(Duration::from_secs(60)));
    for prompt in ["1", "2", "3", "4", "5"] {
        send(&mut socket, &input(prompt)).await;
    }
    while inputs(&fal).len() < 5 {
        tokio::task::yield_now().await;
    }
    fal.advance_time(Duration::from_secs(60));
    for prompt in ["1", "4", "5"] {
        assert_eq!(output(&mut socket).await["prompt"], prompt);
    }
    let statuses: Vec<_> = inputs(&fal).iter().map(ReceivedRequest::status).collect();
    assert_eq!(statuses, [Some(200), None, None, Some(200), Some(200)]);
}

#[tokio::test]
async fn scripted_outputs_are_the_response_to_each_input() {
    let fal = Fal::instant().await;
    fal.script_stream(LCM, [json!({ "n": 1 }), json!([2])]).unwrap();
    let mut socket = connect(&fal, PATH, &[KEY]).await.unwrap();
    for _ in 0..2 {
        send(&mut socket, &input("a")).await;
        assert_eq!(next(&mut socket).await, Next::Output(json!({ "n": 1 })));
        assert_eq!(next(&mut socket).await, Next::Output(json!([2])));
        assert!(matches!(next(&mut socket).await, Next::Text(_)));
    }
    fal.inject_fault(Operation::RealtimeInput, Fault::outcome(200).json(&json!({ "odd": true })));
    send(&mut socket, &input("a")).await;
    assert_eq!(output(&mut socket).await, json!({ "odd": true }));
}

#[tokio::test]
async fn faults_of_an_input() {
    let fal = Fal::instant().await;
    let mut socket = connect(&fal, PATH, &[KEY]).await.unwrap();
    let frames = [Frame::unauthorized(), Frame::text("plain"), Frame::binary(rmp_serde::to_vec(&json!(1)).unwrap())];
    fal.inject_fault(Operation::RealtimeInput, Fault::frames(frames));
    fal.inject_fault(Operation::RealtimeInput, Fault::frames([Frame::text("after")]).after_effect());
    send(&mut socket, &input("a")).await;
    assert_eq!(next(&mut socket).await, Next::Text(json!({ "status": "error", "error": "Unauthorized" })));
    assert_eq!(next(&mut socket).await, Next::Text(json!("plain")));
    assert_eq!(next(&mut socket).await, Next::Output(json!(1)));
    assert_eq!(fal.jobs().len(), 0);
    send(&mut socket, &input("a")).await;
    assert_eq!(next(&mut socket).await, Next::Text(json!("after")));
    assert_eq!(fal.jobs().len(), 1);

    fal.inject_fault(Operation::RealtimeInput, Fault::respond(200).json(&json!([1])));
    send(&mut socket, &input("a")).await;
    assert_eq!(next(&mut socket).await, Next::Output(json!([1])));
    assert_eq!(fal.jobs().len(), 1);

    let reason = "Error while forwarding the request";
    fal.inject_fault(Operation::RealtimeInput, Fault::close(1011, reason));
    send(&mut socket, &input("a")).await;
    assert_eq!(next(&mut socket).await, Next::Close(1011, reason.into()));

    for (fault, outputs) in [
        (Fault::drop_connection(), 0),
        (Fault::drop_request_after(0), 0),
        (Fault::drop_response_after(1), 1),
        (Fault::drop_response_after_bytes(7), 0),
        (Fault::drop_response_in_head(), 0),
    ] {
        let name = format!("{fault:?}");
        fal.inject_fault(Operation::RealtimeInput, fault);
        let mut socket = connect(&fal, PATH, &[KEY]).await.unwrap();
        send(&mut socket, &input("a")).await;
        for _ in 0..outputs {
            assert!(matches!(next(&mut socket).await, Next::Output(_)), "{name}");
        }
        assert_eq!(next(&mut socket).await, Next::Broken, "{name}");
    }

    for fault in [Fault::outcome(500), Fault::respond(500), Fault::request_error("runner_disconnected")] {
        fal.inject_fault(Operation::RealtimeInput, fault);
        let mut socket = connect(&fal, PATH, &[KEY]).await.unwrap();
        send(&mut socket, &input("a")).await;
        assert_eq!(error(&mut socket).await.0, "INTERNAL_ERROR");
        assert_eq!(next(&mut socket).await, Next::Close(1000, String::new()));
    }
    assert_eq!(fal.pending_faults(), 0);
}

#[tokio::test]
async fn faults_of_a_handshake() {
    let fal = Fal::instant().await;
    let open = async |fault: Fault| {
        fal.inject_fault(Operation::Realtime, fault);
        connect(&fal, PATH, &[KEY]).await
    };
    let mut socket = open(Fault::frames([Frame::error("BUSY", "wait")])).await.unwrap();
    assert_eq!(error(&mut socket).await, ("BUSY".into(), "wait".into()));
    send(&mut socket, &input("a")).await;
    output(&mut socket).await;

    let mut socket = open(Fault::close(4000, &"ü".repeat(100))).await.unwrap();
    assert_eq!(next(&mut socket).await, Next::Close(4000, "ü".repeat(61)));
    let mut socket = open(Fault::drop_response_after(0)).await.unwrap();
    assert_eq!(next(&mut socket).await, Next::Broken);
    let mut socket = open(Fault::drop_response_after(3)).await.unwrap();
    send(&mut socket, &input("a")).await;
    send(&mut socket, &input("b")).await;
    for _ in 0..2 {
        output(&mut socket).await;
    }
    assert_eq!(next(&mut socket).await, Next::Broken);
    let mut socket = open(Fault::drop_response_after_bytes(10)).await.unwrap();
    send(&mut socket, &input("a")).await;
    assert_eq!(next(&mut socket).await, Next::Broken);
    assert!(open(Fault::drop_connection()).await.is_err());
    assert!(open(Fault::drop_response_in_head()).await.is_err());
}

#[tokio::test]
async fn message_that_is_too_large_closes_the_connection() {
    let fal = Fal::instant().await;
    let mut socket = connect(&fal, PATH, &[KEY]).await.unwrap();
    socket.send(Message::binary(vec![0xc0; (64 << 20) + 1])).await.unwrap();
    assert_eq!(next(&mut socket).await, Next::Close(1009, "The message exceeds 64 MiB".into()));
    assert_eq!(inputs(&fal).len(), 0);
}

/// A small message can have many values.
#[tokio::test]
async fn message_that_takes_too_much_memory_is_an_error() {
    let fal = Fal::instant().await;
    let mut socket = connect(&fal, &format!("{PATH}/json"), &[KEY]).await.unwrap();
    socket.send(Message::text(format!("[{}0]", "0,".repeat(2 << 20)))).await.unwrap();
    let (kind, reason) = error(&mut socket).await;
    assert!(kind == "INTERNAL_ERROR" && reason.contains("more than 128 MiB as JSON"), "{kind} {reason}");
}

#[tokio::test]
async fn silent_connection_ends_with_the_emulator() {
    for operation in [Operation::Realtime, Operation::RealtimeInput] {
        let fal = Fal::instant().await;
        fal.inject_fault(operation, Fault::stall_response_after(0));
        let mut socket = connect(&fal, PATH, &[KEY]).await.unwrap();
        if operation == Operation::RealtimeInput {
            send(&mut socket, &input("a")).await;
            while inputs(&fal).is_empty() {
                tokio::task::yield_now().await;
            }
        } else {
            socket.send(Message::Ping(vec![1].into())).await.unwrap();
        }
        let reader = tokio::spawn(async move { next(&mut socket).await });
        fal.emulator.shutdown().await;
        // Neither an output nor a pong has arrived.
        assert_eq!(reader.await.unwrap(), Next::Broken, "{operation:?}");
    }
}

#[tokio::test]
async fn two_hundred_connections_work_concurrently() {
    let fal = Fal::instant().await;
    let fal = &fal;
    let sockets = join_all((0..200).map(|_| async { connect(fal, PATH, &[KEY]).await.unwrap() })).await;
    let most = fal.requests().iter().map(ReceivedRequest::in_flight).max();
    assert_eq!(most, Some(200));
    join_all(sockets.into_iter().enumerate().map(|(index, mut socket)| async move {
        for round in 0..3 {
            let prompt = format!("{index} {round}");
            send(&mut socket, &input(&prompt)).await;
            assert_eq!(output(&mut socket).await["prompt"], prompt);
        }
    }))
    .await;
    assert_eq!(fal.jobs().len(), 600);
}
