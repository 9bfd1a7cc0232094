//! JSON text frames and codecs of the caller.

use std::sync::{Arc, Mutex};

use fal_client::realtime::RealtimeFrame;
use fal_client::{Endpoint, ErrorKind};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::host::{Host, close, receive, send};

/// Starts a host that keeps the first message, and responds with some others.
async fn host(responses: Vec<Message>) -> (Host, Arc<Mutex<Vec<Message>>>) {
    let messages = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&messages);
    let host = Host::start(move |_, mut socket| {
        let (log, responses) = (Arc::clone(&log), responses.clone());
        async move {
            let first = receive(&mut socket).await.expect("a message");
            log.lock().expect("not poisoned").push(first);
            send(&mut socket, responses).await;
            close(&mut socket, 1000, "").await;
        }
    })
    .await;
    (host, messages)
}

#[tokio::test]
async fn json_inputs_are_text_frames() {
    let (host, messages) = host(vec![Message::text(r#"{"x":1}"#), Message::binary(&b"\x81\xa1x\x02"[..])]).await;
    let mut connection = host.client().endpoint("a/b").realtime().json().await.expect("connected");
    connection.send(json!({ "prompt": "a fox" })).await.expect("sent");
    assert_eq!(connection.next().await.expect("a frame").expect("a result"), json!({ "x": 1 }));
    assert_eq!(connection.next().await.expect("a frame").expect("a result"), json!({ "x": 2 }));
    assert_eq!(messages.lock().expect("not poisoned")[..], [Message::text(r#"{"prompt":"a fox"}"#)]);
}

#[tokio::test]
async fn custom_codec_reads_every_frame_that_is_a_result() {
    let frames = vec![
        Message::text(r#"{"type":"x-fal-message","timing":1}"#),
        Message::text("left 3"),
        Message::binary(&b"\x01\x02"[..]),
        Message::text(r#"{"type":"x-fal-error","error":"E","reason":"r"}"#),
        Message::text("odd"),
    ];
    let (host, messages) = host(frames).await;
    let mut connection = host
        .client()
        .endpoint(Endpoint::<Value, Value>::new("a/b"))
        .realtime()
        .codec(
            |input: &Value| input.as_str().map(|text| format!("<{text}>")).ok_or("not a command"),
            |frame| match frame {
                RealtimeFrame::Text(text) if text == "odd" => Err("an odd frame"),
                frame => Ok(frame),
            },
        )
        .await
        .expect("connected");
    let error = connection.send(json!(1)).await.expect_err("not a command");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("the codec cannot write the input: not a command"), "{error}");
    connection.send(json!("forward")).await.expect("sent");

    let next = connection.next().await.expect("a frame").expect("a result");
    assert_eq!(next, RealtimeFrame::Text("left 3".to_owned()));
    let next = connection.next().await.expect("a frame").expect("a result");
    assert_eq!(next, RealtimeFrame::from(vec![1, 2]));
    let error = connection.next().await.expect("a frame").expect_err("an error of fal");
    assert_eq!(error.error_type().map(|error_type| error_type.as_str()), Some("E"));
    let error = connection.next().await.expect("a frame").expect_err("an error of the codec");
    assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
    assert!(error.to_string().contains("the codec cannot read a frame: an odd frame"), "{error}");
    assert!(connection.next().await.is_none());
    assert_eq!(messages.lock().expect("not poisoned")[..], [Message::text("<forward>")]);
}

#[tokio::test]
async fn files_are_inlined_or_uploaded_before_an_input_is_sent() {
    use fal_client::{FileInput, JsonInput};

    let (host, messages) = host(Vec::new()).await;
    let client = host.client();
    let mut connection = client.endpoint("a/b").realtime().json().inline_below(100).await.expect("connected");
    let input = JsonInput::from(json!({})).file("image_url", FileInput::bytes(vec![1, 2, 3], "image/png"));
    connection.send(input.expect("a file")).await.expect("sent");
    assert!(connection.next().await.is_none());
    let sent = messages.lock().expect("not poisoned")[0].to_string();
    assert_eq!(sent, r#"{"image_url":"data:image/png;base64,AQID"}"#);
}
