use std::time::Duration;

use fal_client::LockReason;
use fal_emulator::{Emulator, Fault, Operation, Pace};
use futures_util::StreamExt;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::fal::{APP, Fal, INPAINTING, document, inpainting, object, send};

const ROUTER: &str = "openrouter/router";

fn prompt() -> Value {
    json!({ "prompt": "Write a haiku.", "model": "google/gemini-2.5-flash" })
}

async fn open(fal: &Fal, id: &str, input: &Value) -> Response {
    fal.request(Method::POST, &format!("/fal.run/{id}/stream")).json(input).send().await.unwrap()
}

/// Returns the blocks of a stream, and whether it ended properly.
async fn blocks(response: Response) -> (Vec<String>, bool) {
    let mut bytes = response.bytes_stream();
    let mut text = Vec::new();
    let mut complete = true;
    while let Some(chunk) = bytes.next().await {
        match chunk {
            Ok(chunk) => text.extend_from_slice(&chunk),
            Err(_) => complete = false,
        }
        if !complete {
            break;
        }
    }
    let text = String::from_utf8(text).unwrap();
    (text.split_terminator("\n\n").map(str::to_owned).collect(), complete)
}

fn data(block: &str) -> Value {
    let line = block.lines().find_map(|line| line.strip_prefix("data: "));
    serde_json::from_str(line.unwrap()).unwrap()
}

/// Returns the data of all events of a stream.
async fn all(fal: &Fal, id: &str, input: &Value) -> Vec<Value> {
    let (blocks, complete) = blocks(open(fal, id, input).await).await;
    assert!(complete);
    blocks.iter().map(|block| data(block)).collect()
}

#[tokio::test]
async fn text_grows_word_by_word() {
    let fal = Fal::instant().await;
    let response = open(&fal, ROUTER, &prompt()).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let request_id = response.headers()["x-fal-request-id"].to_str().unwrap().to_owned();
    let (blocks, complete) = blocks(response).await;
    assert!(complete && blocks.len() > 3, "{blocks:?}");
    assert!(blocks.iter().all(|block| block.starts_with("event: event\ndata: ")), "{blocks:?}");
    let events: Vec<Value> = blocks.iter().map(|block| data(block)).collect();
    let texts: Vec<&str> = events.iter().map(|event| event["output"].as_str().unwrap()).collect();
    assert!(texts.windows(2).all(|pair| pair[1].starts_with(pair[0]) && pair[1].len() > pair[0].len()));
    let (last, partial) = events.split_last().unwrap();
    assert!(partial.iter().all(|event| event["partial"] == true));
    assert_eq!(last["partial"], false);
    assert_eq!((&last["error"], &last["reasoning"]), (&Value::Null, &Value::Null));
    // The last event is what a direct run returns.
    assert_eq!(*last, fal.run(ROUTER, &prompt()).await.body);

    let job = &fal.jobs()[0];
    assert_eq!((job.request_id(), job.endpoint(), job.is_direct()), (request_id.as_str(), ROUTER, true));
    let request = &fal.requests()[0];
    assert_eq!((request.operation(), request.endpoint()), (Operation::Stream, Some(ROUTER)));
    assert_eq!((request.status(), request.mistake()), (Some(200), None));
    assert_eq!(request.input()["prompt"], "Write a haiku.");
}

#[tokio::test]
async fn other_outputs_have_partial_ones_that_fit_the_document() {
    let fal = Fal::instant().await;
    let events = all(&fal, INPAINTING, &inpainting()).await;
    assert_eq!(events.len(), 3);
    let urls: Vec<&str> = events.iter().map(|event| event["images"][0]["url"].as_str().unwrap()).collect();
    assert!(urls[0] != urls[1] && urls[1] != urls[2] && urls[0] != urls[2], "{urls:?}");
    for url in urls {
        assert_eq!(fal.http.get(url).send().await.unwrap().status(), 200);
    }
    assert_eq!(events[2], fal.run(INPAINTING, &inpainting()).await.body);
}

#[tokio::test]
async fn long_texts_have_a_bounded_number_of_events() {
    let fal = Fal::instant().await;
    fal.answer(ROUTER, &json!({ "output": "wörd ".repeat(50_000) })).unwrap();
    let events = all(&fal, ROUTER, &prompt()).await;
    assert!(events.len() <= 101, "{}", events.len());
    assert_eq!(events.last().unwrap()["output"].as_str().unwrap().len(), 300_000);
    fal.answer(ROUTER, &json!({ "output": "" })).unwrap();
    assert_eq!(all(&fal, ROUTER, &prompt()).await, [json!({ "output": "", "partial": false })]);
}

#[tokio::test]
async fn id_that_ends_in_stream_streams_its_own_document() {
    let output = object(&json!({ "text": { "type": "string" } }));
    let builder = Emulator::builder()
        .pace(Pace::instant())
        .document(document("a/speech/stream", &object(&json!({})), &output, &json!({})))
        .document(document(
            "a/speech",
            &object(&json!({})),
            &object(&json!({ "n": { "type": "integer" } })),
            &json!({}),
        ));
    let fal = Fal::start(builder).await;
    assert!(all(&fal, "a/speech", &json!({})).await[0]["text"].is_string());
    assert_eq!(fal.requests()[0].endpoint(), Some("a/speech/stream"));
    assert!(all(&fal, "a/speech/stream", &json!({})).await[0]["text"].is_string());
    assert_eq!(open(&fal, "a/speech/other", &json!({})).await.status(), 404);
}

#[tokio::test]
async fn workflow_streams_events_of_its_nodes() {
    let output = object(&json!({ "text": { "type": "string" } }));
    let document = document("workflows/me/wf", &object(&json!({})), &output, &json!({}));
    let fal = Fal::start(Emulator::builder().pace(Pace::instant()).document(document)).await;
    let events = all(&fal, "workflows/me/wf", &json!({})).await;
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["submit", "completion", "output"]);
    assert_eq!(events[2]["output"], fal.run("workflows/me/wf", &json!({})).await.body);
    assert_eq!(events[0]["node_id"], events[1]["node_id"]);
}

#[tokio::test]
async fn refused_requests_have_no_stream() {
    let fal = Fal::start(Emulator::builder().key("id:secret").pace(Pace::instant())).await;
    let path = format!("/fal.run/{ROUTER}/stream");
    let reply = fal.post(&path, &json!({ "prompt": 1 })).await;
    assert_eq!(reply.status, 422);
    assert_eq!(reply.body["detail"].as_array().unwrap().len(), 2);
    assert!(reply.header("x-fal-request-id").is_some());
    let reply = fal.post(&format!("/fal.run/{APP}/nothing/stream"), &json!({})).await;
    assert_eq!((reply.status, &reply.body["detail"]), (404, &json!("Path /nothing/stream not found")));
    assert_eq!(fal.post("/fal.run/a/b/stream", &json!({})).await.status, 404);
    assert_eq!(fal.get(&path).await.status, 405);
    assert_eq!(send(fal.anonymous(Method::POST, &path).json(&prompt())).await.status, 401);
    fal.deny_permission(Operation::Stream);
    assert_eq!(fal.post(&path, &prompt()).await.status, 403);
    fal.grant_permission(Operation::Stream);
    fal.lock_account(LockReason::ExhaustedBalance);
    assert_eq!(fal.post(&path, &prompt()).await.status, 403);
}

#[tokio::test]
async fn token_opens_the_streams_of_its_application_until_it_expires() {
    let fal = Fal::instant().await;
    let token = |app: &'static str| {
        let body = json!({ "allowed_apps": [app], "token_expiration": 60 });
        async { fal.post("/rest.fal.ai/tokens/", &{ body }).await.body.as_str().unwrap().to_owned() }
    };
    let (own, other) = (token("router").await, token("flux").await);
    let stream = |token: &str| {
        let path = format!("/fal.run/{ROUTER}/stream?fal_jwt_token={token}");
        send(fal.anonymous(Method::POST, &path).json(&prompt()))
    };
    assert_eq!(stream(&own).await.status, 200);
    assert_eq!(stream(&other).await.status, 401);
    assert_eq!(stream(&format!("{own}x")).await.status, 401);
    assert_eq!(stream("").await.status, 401);
    fal.advance_time(Duration::from_secs(60));
    let reply = stream(&own).await;
    assert_eq!((reply.status, &reply.body["detail"]), (401, &json!("The token has expired")));
}

#[tokio::test]
async fn waiting_stream_sends_comments_and_time_brings_the_events() {
    let pace = Pace::default().running(Duration::from_secs(3600));
    let fal = Fal::start(Emulator::builder().pace(pace).keep_alive(Duration::from_millis(1))).await;
    let mut bytes = open(&fal, ROUTER, &prompt()).await.bytes_stream();
    for _ in 0..2 {
        assert!(bytes.next().await.unwrap().unwrap().starts_with(b": ping\n\n"));
    }
    fal.advance_time(Duration::from_secs(3600));
    let mut text = Vec::new();
    while let Some(chunk) = bytes.next().await {
        text.extend_from_slice(&chunk.unwrap());
    }
    assert!(String::from_utf8(text).unwrap().contains(r#""partial":false"#));
}

#[tokio::test]
async fn endless_run_sends_comments_only() {
    let pace = Pace::default().running(Duration::MAX);
    let fal = Fal::start(Emulator::builder().pace(pace).keep_alive(Duration::from_millis(1))).await;
    let mut bytes = open(&fal, ROUTER, &prompt()).await.bytes_stream();
    for _ in 0..2 {
        assert!(bytes.next().await.unwrap().unwrap().starts_with(b": ping\n\n"));
    }
}

#[tokio::test]
async fn scripted_events_are_sent_as_they_are() {
    let fal = Fal::instant().await;
    let events = vec![
        json!({ "type": "submit", "node_id": "a", "app_id": "fal-ai/x", "request_id": "r" }),
        json!(0),
        json!(""),
        json!({ "type": "error", "node_id": "a", "message": "no", "error": { "status": 422, "body": {} } }),
    ];
    fal.script_stream(ROUTER, events.clone()).unwrap();
    assert_eq!(all(&fal, ROUTER, &prompt()).await, events);
    assert_eq!(all(&fal, ROUTER, &prompt()).await, events);
    assert!(fal.script_stream("a/b", []).is_err());
    // Inputs are still validated.
    assert_eq!(open(&fal, ROUTER, &json!({})).await.status(), 422);
    fal.script_stream(ROUTER, []).unwrap();
    assert_eq!(all(&fal, ROUTER, &prompt()).await, Vec::<Value>::new());
}

#[tokio::test]
async fn faults_break_streams() {
    let fal = Fal::instant().await;
    let stream = async || blocks(open(&fal, ROUTER, &prompt()).await).await;
    fal.inject_fault(Operation::Stream, Fault::drop_response_after(2));
    let (torn, complete) = stream().await;
    assert!(!complete && torn.len() == 2, "{torn:?}");
    fal.inject_fault(Operation::Stream, Fault::drop_response_after_bytes(30));
    let (torn, complete) = stream().await;
    assert!(!complete && torn.concat().len() == 30, "{torn:?}");
    fal.inject_fault(Operation::Stream, Fault::outcome(500));
    assert_eq!(open(&fal, ROUTER, &prompt()).await.status(), 500);
    fal.inject_fault(Operation::Stream, Fault::nginx(503));
    assert_eq!(open(&fal, ROUTER, &prompt()).await.status(), 503);
    fal.inject_fault(Operation::Stream, Fault::outcome(200).json(&json!({ "odd": 1 })));
    assert_eq!(all(&fal, ROUTER, &prompt()).await, [json!({ "odd": 1 })]);
    fal.inject_fault(Operation::Stream, Fault::drop_connection());
    let refused = fal.request(Method::POST, &format!("/fal.run/{ROUTER}/stream")).json(&prompt()).send().await;
    assert!(refused.is_err());
    assert_eq!(fal.pending_faults(), 0);
}

#[tokio::test]
async fn stalled_stream_stays_silent_and_ends_with_the_emulator() {
    let fal = Fal::start(Emulator::builder().pace(Pace::instant()).keep_alive(Duration::from_millis(1))).await;
    fal.inject_fault(Operation::Stream, Fault::stall_response_after(1));
    let response = open(&fal, ROUTER, &prompt()).await;
    let reader = tokio::spawn(blocks(response));
    let Fal { emulator, .. } = fal;
    emulator.shutdown().await;
    let (blocks, complete) = reader.await.unwrap();
    assert!(blocks.len() <= 1 && !complete, "{blocks:?}");
}

#[tokio::test]
async fn raw_bodies_are_sent_chunk_by_chunk() {
    let fal = Fal::instant().await;
    let chunks: Vec<&[u8]> = vec![b"data: {\"output\": \"\xc3", b"\xb6\"}\r\n\r\n", b": note\n\ndata: [DONE]"];
    fal.inject_fault(Operation::Stream, Fault::respond(200).events(chunks.clone()));
    let response = open(&fal, ROUTER, &prompt()).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.bytes().await.unwrap(), chunks.concat());

    fal.inject_fault(Operation::Stream, Fault::respond(200).body("audio/wav", [0, 159, 146, 150]));
    let response = open(&fal, ROUTER, &prompt()).await;
    assert_eq!(response.headers()["content-type"], "audio/wav");
    assert_eq!(response.bytes().await.unwrap().as_ref(), [0, 159, 146, 150]);

    fal.inject_fault(Operation::Stream, Fault::respond(200).body("a\nb", "x"));
    assert_eq!(open(&fal, ROUTER, &prompt()).await.status(), 500);
}

#[tokio::test]
async fn two_hundred_streams_run_concurrently() {
    let fal = Fal::start(Emulator::builder().pace(Pace::default().running(Duration::from_secs(3600)))).await;
    let input = prompt();
    let responses = futures_util::future::join_all((0..200).map(|_| open(&fal, ROUTER, &input))).await;
    fal.advance_time(Duration::from_secs(3600));
    for streamed in futures_util::future::join_all(responses.into_iter().map(blocks)).await {
        assert!(streamed.1 && streamed.0.last().unwrap().contains(r#""partial":false"#));
    }
}
