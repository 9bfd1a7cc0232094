//! Output streams: the events of a response, and what each of them is.

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::{Endpoint, Error, ErrorKind, EventData, OutputStream, StreamEvent, WorkflowEvent};
use futures_util::StreamExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::server::{Reply, Server};

/// The output of a language model.
#[fal_client::output]
pub struct Text {
    /// The text so far.
    #[field(required)]
    pub output: String,
    /// True until the text is complete.
    pub partial: Option<bool>,
    /// The reason for an incomplete text.
    pub error: Option<String>,
}

/// An output without required fields.
#[fal_client::output]
pub struct Progress {
    /// The step.
    pub step: Option<i64>,
}

/// Streams an endpoint with these types from a server with one reply.
async fn stream_of<O: DeserializeOwned + Send + 'static>(reply: Reply) -> (Server, OutputStream<Value, O>) {
    let server = Server::start(move |_, _| reply.clone()).await;
    let stream = server.client().endpoint(Endpoint::<Value, O>::new("a/b")).stream(json!({ "prompt": "a fox" }));
    (server, stream)
}

async fn events_of<O: DeserializeOwned + Send + 'static>(reply: Reply) -> Vec<Result<StreamEvent<O>, Error>> {
    stream_of(reply).await.1.collect().await
}

/// The data of each event, or the message of the error.
async fn data_of<O: DeserializeOwned + Send + 'static>(body: &[u8]) -> Vec<Result<EventData<O>, String>> {
    let events = events_of(Reply::chunks(&[body]).complete()).await;
    events.into_iter().map(|event| event.map(|event| event.data).map_err(|error| error.to_string())).collect()
}

fn output(value: Value) -> Result<EventData<Value>, String> {
    Ok(EventData::Output(value))
}

fn text(text: &str) -> Result<EventData<Value>, String> {
    Ok(EventData::Text(text.to_owned()))
}

/// fal's own clients treat some of these differently: see `docs/deviations.md`.
#[tokio::test]
async fn every_form_of_event_is_delivered() {
    for (case, body, expected) in [
        (
            "JSON",
            &b"data: {\"n\":1}\n\ndata: {\"n\":2}\n\n"[..],
            vec![output(json!({ "n": 1 })), output(json!({ "n": 2 }))],
        ),
        ("names and ids", b"event: token\nid: 7\ndata: 1\n\n", vec![output(json!(1))]),
        ("comments", b": ping\n\n:\ndata: 1\n: x\n\n: ping\n\n", vec![output(json!(1))]),
        ("CR LF", b": ping\r\n\r\ndata: 1\r\n\r\n", vec![output(json!(1))]),
        ("CR", b"data: 1\r\rdata: 2\r\r", vec![output(json!(1)), output(json!(2))]),
        ("a byte order mark", b"\xef\xbb\xbfdata: 1\n\n", vec![output(json!(1))]),
        ("several lines", b"data: {\"a\":\ndata: 1}\n\n", vec![output(json!({ "a": 1 }))]),
        ("retry and unknown fields", b"retry: 5\n\nfoo: 1\ndata: 1\n\n", vec![output(json!(1))]),
        ("not JSON", b"data: not json\n\ndata: 1\n\n", vec![text("not json"), output(json!(1))]),
        ("an empty text", b"data:\n\n", vec![text("")]),
        ("bytes that are not UTF-8", b"data: a\xffb\n\n", vec![text("a\u{fffd}b")]),
        (
            "falsy JSON",
            b"data: 0\n\ndata: false\n\ndata: \"\"\n\ndata: null\n\ndata: []\n\ndata: {}\n\n",
            [json!(0), json!(false), json!(""), Value::Null, json!([]), json!({})].map(output).to_vec(),
        ),
        ("no blank line after the last event", b"data: 1\n\ndata: 2", vec![output(json!(1)), output(json!(2))]),
        ("a last text that begins like JSON", b"data: [END]", vec![text("[END]")]),
        ("[DONE]", b"data: 1\n\ndata: [DONE]\n\ndata: 2\n\n", vec![output(json!(1))]),
        ("no event", b": ping\n\n", vec![]),
        ("NaN", b"data: {\"a\":NaN}\n\n", vec![output(json!({ "a": null }))]),
    ] {
        assert_eq!(data_of::<Value>(body).await, expected, "{case}");
    }
}

#[tokio::test]
async fn characters_may_be_split_across_chunks() {
    let body = "data: {\"t\":\"é漢🦊\"}\r\n\r\n".as_bytes();
    for cut in 1..body.len() {
        let (head, tail) = body.split_at(cut);
        let events = events_of::<Value>(Reply::chunks(&[head, tail]).complete()).await;
        let event = events.into_iter().next().expect("an event").expect("no error");
        assert_eq!(event.data, EventData::Output(json!({ "t": "é漢🦊" })), "cut at {cut}");
    }
}

#[tokio::test]
async fn names_ids_and_raw_data_are_kept() {
    let body = b"event: token\nid: 7\ndata: {\"n\":\ndata: 1}\n\ndata: 2\n\n";
    let reply = Reply::chunks(&[body]).complete().header("x-fal-request-id", "R1");
    let events: Vec<_> = events_of::<Value>(reply).await.into_iter().map(|event| event.expect("no error")).collect();
    assert_eq!((&*events[0].name, events[0].id.as_deref()), ("token", Some("7")));
    assert_eq!((&events[0].raw[..], events[0].request_id.as_deref()), (&b"{\"n\":\n1}"[..], Some("R1")));
    // An id applies until the stream sets another one, as the standard says.
    assert_eq!((&*events[1].name, events[1].id.as_deref()), ("message", Some("7")));
}

#[tokio::test]
async fn outputs_are_typed_and_other_json_is_not_taken_for_one() {
    let body = [
        r#"{"output":"Once","partial":true,"error":null}"#,
        r#"{"partial":true}"#,
        r#"{"type":"submit","node_id":"n","app_id":"a/b","request_id":"R2"}"#,
        r#"{"type":"completion","node_id":"n","output":{"text":"x"}}"#,
        r#"{"type":"output","output":{"output":"Once upon"}}"#,
        r#"{"type":"output","output":{"images":[]}}"#,
        r#"{"type":"progress","output":"Once upon a"}"#,
        r#"{"status":"IN_PROGRESS"}"#,
        r#"{"step":1,"error":0.5}"#,
        "{}",
        "null",
        "hello",
    ];
    let events = events_of::<Text>(Reply::events(&body)).await;
    let events: Vec<_> = events.into_iter().map(|event| event.expect("no error")).collect();
    let shown: Vec<String> = events
        .iter()
        .map(|event| match &event.data {
            EventData::Output(text) => format!("output {}", text.output),
            EventData::Workflow(WorkflowEvent::Submit { node_id, app_id, request_id, .. }) => {
                format!("submit {node_id} {app_id:?} {request_id:?}")
            }
            EventData::Workflow(WorkflowEvent::Completion { node_id, output, .. }) => {
                format!("completion {node_id} {output}")
            }
            EventData::Workflow(WorkflowEvent::Output(text)) => format!("final {}", text.output),
            EventData::Json(value) => format!("json {value}"),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "output Once",
            r#"json {"partial":true}"#,
            r#"submit n Some("a/b") Some("R2")"#,
            r#"completion n {"text":"x"}"#,
            "final Once upon",
            r#"json {"output":{"images":[]},"type":"output"}"#,
            "output Once upon a",
            r#"json {"status":"IN_PROGRESS"}"#,
            r#"json {"error":0.5,"step":1}"#,
            "json {}",
            "json null",
            r#"Text("hello")"#,
        ]
    );
    let outputs = events.into_iter().filter_map(StreamEvent::into_output);
    assert_eq!(outputs.map(|text| text.output).collect::<Vec<_>>(), ["Once", "Once upon", "Once upon a"]);
}

#[tokio::test]
async fn an_output_without_required_fields_has_one_of_its_fields() {
    let body = [r#"{"step":1}"#, r#"{"other":1}"#, r#"{"type":"submit","node_id":"n"}"#, "{}"];
    let events = events_of::<Progress>(Reply::events(&body)).await;
    let are_outputs: Vec<bool> =
        events.iter().map(|event| event.as_ref().expect("no error").output().is_some()).collect();
    assert_eq!(are_outputs, [true, false, false, false]);
}

#[tokio::test]
async fn types_with_serde_alone_are_read_as_they_say() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Token {
        token: String,
    }
    let body = [r#"{"token":"a"}"#, r#"{"other":1}"#, r#"{"token":"b","type":"token"}"#];
    let events = events_of::<Token>(Reply::events(&body)).await;
    let outputs: Vec<_> = events.into_iter().map(|event| event.expect("no error").into_output()).collect();
    let token = |token: &str| Some(Token { token: token.to_owned() });
    assert_eq!(outputs, [token("a"), None, token("b")]);
}

#[tokio::test]
async fn an_untyped_workflow_has_the_same_events() {
    let body = [
        r#"{"type":"submit","node_id":"n"}"#,
        r#"{"type":"completion","node_id":"n","output":1}"#,
        r#"{"type":"output","output":{"a":1}}"#,
    ];
    let (_server, stream) = stream_of::<Value>(Reply::events(&body)).await;
    let last = stream.finish().await.expect("an output");
    assert_eq!(last.data, EventData::Workflow(WorkflowEvent::Output(json!({ "a": 1 }))));
    assert_eq!(last.output(), Some(&json!({ "a": 1 })));
}

#[tokio::test]
async fn files_and_flaws_of_an_output_are_told() {
    let body = [r#"{"images":[{"url":"https://x.y/fox.png"}],"seed":"many"}"#];
    let reply = Reply::events(&body);
    let server = Server::start(move |_, _| reply.clone()).await;
    let input = redux::Input::builder().image_url("https://x.y/z");
    let last = server.client().endpoint(redux::ENDPOINT).stream(input).finish().await.expect("an output");
    assert_eq!(last.media()[0].url, "https://x.y/fox.png");
    assert_eq!((last.skipped(), last.missing().contains(&"prompt".to_owned())), (&["seed".to_owned()][..], true));
}

#[tokio::test]
async fn finish_returns_the_last_output() {
    let reply = |events: &[&str]| Reply::events(events).header("x-fal-request-id", "R1");
    for (events, expected) in [
        (&["1", "2"][..], EventData::Output(json!(2))),
        (&["1", "[DONE]"], EventData::Output(json!(1))),
        (&["1", "bye"], EventData::Output(json!(1))),
        (&["hi", "bye"], EventData::Text("bye".to_owned())),
    ] {
        let (_server, stream) = stream_of::<Value>(reply(events)).await;
        let last = stream.finish().await.expect("an event");
        assert_eq!((last.data, last.request_id.as_deref()), (expected, Some("R1")));
    }
    let (_server, stream) = stream_of::<Value>(reply(&[])).await;
    let error = stream.finish().await.expect_err("no event");
    assert_eq!((error.kind(), error.request_id()), (ErrorKind::UnexpectedResponse, Some("R1")));
    assert!(error.may_have_been_accepted() && error.endpoint() == Some("a/b"), "{error}");
}

#[tokio::test]
async fn the_request_id_and_headers_are_there_once_the_stream_has_begun() {
    let reply = Reply::events(&["1"]).header("x-fal-request-id", "R1").header("x-fal-served-from", "there");
    let (_server, mut stream) = stream_of::<Value>(reply).await;
    assert!(stream.request_id().is_none() && stream.headers().is_none());
    stream.next().await.expect("an event").expect("no error");
    assert_eq!(stream.request_id(), Some("R1"));
    assert!(stream.next().await.is_none() && stream.next().await.is_none());
    assert_eq!(stream.headers().expect("headers")["x-fal-served-from"], "there");
}

#[tokio::test]
async fn a_response_that_is_not_a_stream_is_an_event_or_chunks() {
    let reply = Reply::text(200, "application/json; charset=utf-8", r#"{"output":"a"}"#);
    let events = events_of::<Text>(reply).await;
    assert_eq!(events.len(), 1);
    assert!(matches!(&events[0].as_ref().expect("an event").data, EventData::Output(text) if text.output == "a"));

    let pieces: [&[u8]; 3] = [b"\x00\xffRIFF", b"data: 1\n\n", b"end"];
    for media_type in ["audio/wav", "text/plain", "application/octet-stream"] {
        let mut reply = Reply::chunks(&pieces).complete();
        reply = reply.with_type(media_type);
        let events = events_of::<Value>(reply).await;
        let chunks: Vec<u8> = events
            .into_iter()
            .flat_map(|event| match event.expect("no error").data {
                EventData::Binary(chunk) => chunk,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(chunks, pieces.concat(), "{media_type}");
    }
}

#[tokio::test]
async fn a_stream_is_shown_without_its_data() {
    let (_server, mut stream) = stream_of::<Value>(Reply::events(&[r#"{"token":"secret-of-key"}"#])).await;
    assert!(!format!("{stream:?}").contains("fox"));
    let event = stream.next().await.expect("an event").expect("no error");
    let shown = format!("{event:?} {event:#?}");
    assert!(shown.contains("25 bytes") && !shown.contains("secret-of-key"), "{shown}");
}
