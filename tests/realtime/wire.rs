//! The URL, the headers and the bytes that go over the wire.

use fal_client::ErrorKind;
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use crate::host::{Host, KEY, close, drain, receive};

#[tokio::test]
async fn url_has_the_path_and_the_buffering() {
    let host = Host::start(async |_, mut socket| drop(drain(&mut socket).await)).await;
    let client = host.client();
    for (id, path, expected) in [
        ("ada/sketch", None, "/run/ada/sketch/realtime"),
        ("ada/sketch/fast", None, "/run/ada/sketch/fast/realtime"),
        ("ada/sketch/realtime", None, "/run/ada/sketch/realtime"),
        ("ada/sketch/realtime", Some("/realtime"), "/run/ada/sketch/realtime/realtime"),
        ("2718-sketch", None, "/run/2718/sketch/realtime"),
        ("workflows/ada/flow", Some("custom/path"), "/run/workflows/ada/flow/custom/path"),
        ("ada/sketch", Some("//custom/path/"), "/run/ada/sketch/custom/path"),
        ("ada/sketch", Some(""), "/run/ada/sketch"),
        ("ada/sketch", Some("/"), "/run/ada/sketch"),
    ] {
        let mut connection = client.endpoint(id).realtime();
        if let Some(path) = path {
            connection = connection.path(path);
        }
        drop(connection.await.expect("connected"));
        assert_eq!(host.lines().last().map(String::as_str), Some(format!("GET {expected}").as_str()));
    }
    for inputs in [1, 60] {
        drop(client.endpoint("a/b").realtime().max_buffering(inputs).await.expect("connected"));
        assert_eq!(
            host.lines().last().map(String::as_str),
            Some(format!("GET /run/a/b/realtime?max_buffering={inputs}").as_str())
        );
    }
}

#[tokio::test]
async fn invalid_options_are_errors_before_anything_is_sent() {
    let host = Host::start(async |_, _| {}).await;
    let client = host.client();
    let endpoint = client.endpoint("a/b");
    for inputs in [0, 61, u32::MAX] {
        let error = endpoint.realtime().max_buffering(inputs).await.expect_err("out of range");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("1 to 60"), "{error}");
    }
    for path in ["../c", "a?b", "a#b", "a//b", "é"] {
        let error = endpoint.realtime().path(path).await.expect_err("not a path");
        assert_eq!(error.kind(), ErrorKind::EndpointId, "{error}");
    }
    for (name, words) in [
        ("Authorization", "pass the key"),
        ("X-App-Fal-Upload-Policy", "realtime"),
        ("bad name", "invalid header name"),
    ] {
        let error = endpoint.realtime().header(name, "{}").await.expect_err("not allowed");
        assert!(error.is_invalid_input() && error.to_string().contains(words), "{error}");
    }
    let error = client.endpoint("just-a-name").realtime().await.expect_err("not an id");
    assert_eq!(error.kind(), ErrorKind::EndpointId);
    assert!(host.lines().is_empty());
}

#[tokio::test]
async fn handshake_has_the_key_and_custom_headers() {
    let host = Host::start(async |_, mut socket| drop(drain(&mut socket).await)).await;
    let client = host.builder().header("x-trace", "t1").header("x-other", "o1").build().expect("a client");
    let connection = client.endpoint("a/b").realtime().header("x-other", "o2").await.expect("connected");
    assert_eq!(connection.request_id().as_deref(), Some("R-0"));
    let seen = host.seen().remove(0);
    assert_eq!(seen.header("authorization"), Some(format!("Key {KEY}").as_str()));
    assert_eq!((seen.header("x-trace"), seen.header("x-other")), (Some("t1"), Some("o2")));
    assert_eq!((seen.header("upgrade"), seen.header("sec-websocket-version")), (Some("websocket"), Some("13")));
    assert!(seen.header("user-agent").is_some_and(|agent| agent.starts_with("fal-client/")));
    assert_eq!(seen.header("sec-websocket-extensions"), None);

    let anonymous = host.builder().anonymous().build().expect("a client");
    drop(anonymous.endpoint("a/b").realtime().await.expect("connected"));
    assert_eq!(host.seen().remove(1).header("authorization"), None);
}

/// An input with every kind of value, and bytes.
#[derive(Debug, Serialize)]
struct Stroke {
    width: u8,
    #[serde(serialize_with = "as_bytes")]
    pixels: Vec<u8>,
    pressure: f64,
    label: Option<&'static str>,
    clock: u64,
    seed: i128,
}

fn as_bytes<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

impl fal_client::EndpointInput for Stroke {
    fn validate(&self) -> Result<(), fal_client::ValidationError> {
        Ok(())
    }

    fn visit_files(&mut self, _visit: &mut dyn FnMut(&str, &mut fal_client::FileInput)) {}
}

#[tokio::test]
async fn inputs_are_message_pack_in_binary_frames() {
    let (sent, mut received) = mpsc::unbounded_channel();
    let host = Host::start(move |_, mut socket| {
        let sent = sent.clone();
        async move {
            while let Some(message) = receive(&mut socket).await {
                let _ = sent.send(message);
            }
        }
    })
    .await;
    let client = host.client();
    let mut next = async || match received.recv().await {
        Some(Message::Binary(bytes)) => bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
        other => panic!("expected bytes, got {other:?}"),
    };

    let strokes = fal_client::Endpoint::<Stroke, serde_json::Value>::new("ada/sketch");
    let mut connection = client.endpoint(strokes).realtime().await.expect("connected");
    let stroke =
        Stroke { width: 3, pixels: vec![9, 8], pressure: 0.25, label: None, clock: 1 << 41, seed: u64::MAX.into() };
    connection.send(stroke).await.expect("sent");
    let expected = [
        "86",
        "a57769647468",
        "03",
        "a6706978656c73",
        "c4020908",
        "a87072657373757265",
        "cb3fd0000000000000",
        "a56c6162656c",
        "c0",
        "a5636c6f636b",
        "cf0000020000000000",
        "a473656564",
        "cfffffffffffffffff",
    ];
    assert_eq!(next().await, expected.concat());

    let mut connection = client.endpoint("ada/sketch").realtime().await.expect("connected");
    connection.send(json!("text")).await.expect("sent");
    assert_eq!(next().await, "a474657874");
    connection.send(json!({ "a": [-1, 300, true, {}] })).await.expect("sent");
    assert_eq!(next().await, "81a16194ffcd012cc380");
    connection.send(json!(null)).await.expect("sent");
    assert_eq!(next().await, "c0");
}

#[tokio::test]
async fn typed_inputs_are_validated_and_written_with_named_fields() {
    use fal_client::endpoints::fal_ai::flux::dev::redux;

    let host = Host::start(async |_, mut socket| {
        let Some(Message::Binary(bytes)) = receive(&mut socket).await else { panic!("expected bytes") };
        let input: serde_json::Value = rmp_serde::from_slice(&bytes).expect("MessagePack");
        assert_eq!(input, json!({ "image_url": "https://example.com/a.png", "seed": 7, "num_images": 2 }));
        close(&mut socket, 1000, "").await;
    })
    .await;
    let client = host.client();
    let mut connection = client.endpoint(redux::ENDPOINT).realtime().await.expect("connected");
    let input = || redux::Input::builder().image_url("https://example.com/a.png");
    let error = connection.send(input().num_images(99)).await.expect_err("too many");
    assert!(error.is_invalid_input() && !error.field_errors().is_empty(), "{error}");
    connection.send(input().seed(7).num_images(2)).await.expect("sent");
    assert!(connection.next().await.is_none());
}
