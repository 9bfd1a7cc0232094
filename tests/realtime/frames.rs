//! Frames from fal: results, errors and notes, as text and as bytes.

use fal_client::{Endpoint, Error, ErrorKind};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::host::{Host, close, send};

/// Returns what `next` returns for each message.
async fn received(messages: Vec<Message>) -> Vec<Result<Value, Error>> {
    let host = Host::start(move |_, mut socket| {
        let messages = messages.clone();
        async move {
            send(&mut socket, messages).await;
            close(&mut socket, 1000, "").await;
        }
    })
    .await;
    let mut connection = host.client().endpoint("a/b").realtime().await.expect("connected");
    let mut received = Vec::new();
    while let Some(next) = connection.next().await {
        received.push(next);
    }
    received
}

fn text(value: Value) -> Message {
    Message::text(value.to_string())
}

fn packed(value: Value) -> Message {
    Message::binary(rmp_serde::to_vec_named(&value).expect("MessagePack"))
}

#[tokio::test]
async fn results_are_read_in_both_forms() {
    let results = [json!({ "request_id": "r1", "ok": 1 }), json!([1]), json!(0), json!(false), json!("a"), json!(null)];
    let frames = results.iter().flat_map(|result| [text(result.clone()), packed(result.clone())]).collect();
    let received = received(frames).await;
    let expected: Vec<Value> = results.iter().flat_map(|result| [result.clone(), result.clone()]).collect();
    assert_eq!(received.into_iter().map(|next| next.expect("a result")).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn errors_are_typed_in_both_forms_and_in_any_order_of_fields() {
    for (frame, error_type, words) in [
        (
            json!({ "type": "x-fal-error", "error": "INTERNAL_ERROR", "reason": "no brush" }),
            "INTERNAL_ERROR",
            "no brush",
        ),
        (json!({ "reason": "odd", "error": "E", "type": "x-fal-error", "x": [1, { "y": null }] }), "E", "E: odd"),
        (json!({ "type": "x-fal-error", "error": "TIMEOUT", "reason": "no inputs for 30 s" }), "TIMEOUT", "no inputs"),
        (json!({ "type": "x-fal-error", "error": { "code": 3 }, "reason": null }), r#"{"code":3}"#, "code"),
        (json!({ "type": "x-fal-error" }), "error", "error"),
        (json!({ "status": "error", "error": "out of paint" }), "out of paint", "out of paint"),
        (json!({ "status": "error" }), "error", "error"),
    ] {
        for message in [text(frame.clone()), packed(frame.clone())] {
            let mut received = received(vec![message, text(json!({ "x": 1 }))]).await;
            assert_eq!(received.len(), 2, "{frame}");
            assert_eq!(received.remove(1).expect("the connection goes on"), json!({ "x": 1 }));
            let error = received.remove(0).expect_err("an error");
            assert_eq!(error.kind(), ErrorKind::Service);
            assert_eq!(error.error_type().map(|error_type| error_type.as_str()), Some(error_type));
            assert!(error.to_string().contains(words), "{error}");
            assert_eq!((error.endpoint(), error.request_id()), (Some("a/b"), Some("R-0")));
            assert_eq!(error.is_timeout(), error_type == "TIMEOUT");
            assert!(!error.is_unauthorized());
        }
    }
}

#[tokio::test]
async fn unauthorized_is_told() {
    for message in [
        text(json!({ "status": "error", "error": "Unauthorized" })),
        packed(json!({ "status": "error", "error": "Unauthorized" })),
        text(json!({ "type": "x-fal-error", "error": "UNAUTHORIZED", "reason": "expired" })),
    ] {
        let error = received(vec![message]).await.remove(0).expect_err("an error");
        assert!(error.is_unauthorized() && !error.is_retryable(), "{error:?}");
    }
}

#[tokio::test]
async fn notes_are_skipped() {
    let note = json!({ "type": "x-fal-message", "action": "timings", "timing": 0.25 });
    let other = json!({ "type": "x-fal-something-new" });
    let frames =
        vec![text(note.clone()), packed(note), text(other), Message::Ping("p".into()), packed(json!({ "x": 1 }))];
    let received = received(frames).await;
    assert_eq!(received.into_iter().map(|next| next.expect("a result")).collect::<Vec<_>>(), [json!({ "x": 1 })]);
}

#[tokio::test]
async fn results_that_look_like_errors_are_results() {
    for result in [
        json!({ "type": "brush", "error": "none" }),
        json!({ "status": "ok", "error": null }),
        json!({ "result": { "type": "x-fal-error", "error": "E" } }),
        json!([{ "type": "x-fal-error" }]),
        json!("x-fal-error"),
        json!({ "type": 7, "status": ["error"] }),
    ] {
        for message in [text(result.clone()), packed(result.clone())] {
            assert_eq!(received(vec![message]).await.remove(0).expect("a result"), result);
        }
    }
}

#[tokio::test]
async fn unreadable_frames_are_errors_that_keep_the_frame() {
    for (message, body) in [
        (Message::text("plain words"), &b"plain words"[..]),
        (Message::text(""), b""),
        (Message::binary(&b""[..]), b""),
        (Message::binary(&b"\x82\xa1a"[..]), b"\x82\xa1a"),
        (Message::binary(&b"\x01\x02"[..]), b"\x01\x02"),
        (Message::binary(&b"\xc1"[..]), b"\xc1"),
        (Message::binary(&b"\xdd\xff\xff\xff\xff"[..]), b"\xdd\xff\xff\xff\xff"),
    ] {
        let mut received = received(vec![message, text(json!(1))]).await;
        let error = received.remove(0).expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
        assert_eq!(error.body().map(|body| &body[..]), Some(body), "{error}");
        assert!(error.to_string().contains("frame is not an output"), "{error}");
        assert_eq!(received.remove(0).expect("the connection goes on"), json!(1));
    }
    let deep = [vec![0x91; 100_000], vec![0xc0]].concat();
    let error = received(vec![Message::binary(deep)]).await.remove(0).expect_err("too deep");
    assert!(error.to_string().contains("depth"), "{error}");
}

#[tokio::test]
async fn bytes_are_bytes_where_the_type_has_them_and_base64_in_json() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Frame {
        content: Vec<u8>,
        note: Option<String>,
    }

    // {"content": <01 02 ff>, "note": "n", 7: NaN}
    let bytes = b"\x83\xa7content\xc4\x03\x01\x02\xff\xa4note\xa1n\x07\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00";
    let result = received(vec![Message::binary(&bytes[..])]).await.remove(0).expect("a result");
    assert_eq!(result, json!({ "content": "AQL/", "note": "n", "7": null }));

    let host = Host::start(async |_, mut socket| {
        send(&mut socket, [Message::binary(&b"\x82\xa7content\xc4\x03\x01\x02\xff\xa4note\xc4\x01\xff"[..])]).await;
        send(&mut socket, [Message::binary(&b"\x81\xa7content\xc4\x02\x01\x02"[..])]).await;
        close(&mut socket, 1000, "").await;
    })
    .await;
    let client = host.client();
    let mut connection = client.endpoint(Endpoint::<Value, Frame>::new("a/b")).realtime().await.expect("connected");
    let error = connection.next().await.expect("a frame").expect_err("a note of bytes, and content of base64");
    assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
    let frame = connection.next().await.expect("a frame").expect("a result");
    assert_eq!(frame, Frame { content: vec![1, 2], note: None });
}

#[tokio::test]
async fn typed_results_tolerate_odd_values_but_not_other_objects() {
    use fal_client::endpoints::fal_ai::flux::dev::redux;

    let host = Host::start(async |_, mut socket| {
        for value in [json!({ "images": [{ "url": "https://example.com/a.png" }], "seed": "odd" }), json!({ "x": 1 })] {
            send(&mut socket, [packed(value.clone()), text(value)]).await;
        }
        close(&mut socket, 1000, "").await;
    })
    .await;
    let mut connection = host.client().endpoint(redux::ENDPOINT).realtime().await.expect("connected");
    for _ in 0..2 {
        let output = connection.next().await.expect("a frame").expect("an output");
        assert_eq!((output.images.len(), output.seed), (1, None));
    }
    for _ in 0..2 {
        let error = connection.next().await.expect("a frame").expect_err("not an output");
        assert!(error.to_string().contains("none of the output's required fields"), "{error}");
    }
}
