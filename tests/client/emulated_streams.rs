//! Output streams of the emulator, which makes them from the documents.

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::endpoints::openrouter::router;
use fal_client::{ErrorKind, FileInput, StreamEvent};
use fal_emulator::{Fault, Operation};
use futures_util::{StreamExt, TryStreamExt};
use serde_json::json;

use crate::support::emulator::{count, mistakes, start_instant};

#[tokio::test]
async fn a_text_grows_until_it_is_the_output_of_a_run() {
    let emulator = start_instant().await;
    let endpoint = emulator.client().endpoint(router::ENDPOINT);
    let input = || router::Input::builder().prompt("Write a haiku.").model("openai/gpt-4o");
    let events: Vec<_> = endpoint.stream(input()).try_collect().await.expect("a stream");
    let texts: Vec<router::Output> = events.into_iter().filter_map(StreamEvent::into_output).collect();
    assert!(texts.len() > 3 && texts.windows(2).all(|pair| pair[1].output.starts_with(&pair[0].output)));
    let last = texts.last().expect("a text");
    assert_eq!((last.partial, &last.output), (Some(false), &endpoint.run(input()).await.expect("a run").data.output));
    let finished = endpoint.stream(input()).finish().await.expect("an output");
    assert_eq!((&*finished.name, &finished.output().expect("a text").output), ("event", &last.output));
    assert!(emulator.jobs().iter().any(|job| Some(job.request_id()) == finished.request_id.as_deref()));
    assert_eq!(mistakes(&emulator), [""; 0]);
}

#[tokio::test]
async fn files_are_uploaded_first_and_outputs_are_typed() {
    let emulator = start_instant().await;
    let client = emulator.client();
    let input = redux::Input::builder().image_url(FileInput::bytes(&b"\x89PNG\r\n\x1a\n"[..], "image/png"));
    let last = client.endpoint(redux::ENDPOINT).stream(input).finish().await.expect("an output");
    assert_eq!(count(&emulator, Operation::Upload), 1);
    assert_eq!(last.media().len(), last.output().expect("an output").images.len());
    client.download_bytes(&last.output().expect("an output").images[0]).await.expect("a file");
    assert_eq!(mistakes(&emulator), [""; 0]);
}

#[tokio::test]
async fn a_torn_stream_delivers_its_events_and_is_billed_once() {
    let emulator = start_instant().await;
    let endpoint = emulator.client().endpoint(router::ENDPOINT);
    emulator.inject_fault(Operation::Stream, Fault::drop_response_after(2));
    let mut events = endpoint.stream(router::Input::builder().prompt("Write a haiku.").model("openai/gpt-4o"));
    let (mut delivered, mut failed) = (0, None);
    while let Some(event) = events.next().await {
        match event {
            Ok(_) => delivered += 1,
            Err(error) => failed = Some(error),
        }
    }
    let error = failed.expect("a lost connection");
    assert_eq!((delivered, error.kind(), error.request_id()), (2, ErrorKind::Transport, events.request_id()));
    assert!(error.may_have_been_accepted(), "{error}");
    assert_eq!((emulator.jobs().len(), count(&emulator, Operation::Stream)), (1, 1));
}

#[tokio::test]
async fn scripted_events_are_delivered() {
    let emulator = start_instant().await;
    let endpoint = emulator.client().endpoint("openrouter/router");
    let chunks = ["data: {\"output\":\"é", "\"}\n\nevent: error\ndata: {\"detail\":\"busy\"}\n\n"];
    emulator.inject_fault(Operation::Stream, Fault::respond(200).events(chunks));
    let mut events = endpoint.stream(json!({ "prompt": "Hi", "model": "openai/gpt-4o" }));
    let first = events.try_next().await.expect("no error").expect("an event");
    assert_eq!(first.output(), Some(&json!({ "output": "é" })));
    assert!(events.try_next().await.expect_err("an error event").to_string().contains("busy"));
}
