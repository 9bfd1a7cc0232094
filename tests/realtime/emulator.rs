//! Realtime connections, runs over a connection and tokens against the emulator.

use std::time::Duration;

use fal_client::endpoints::Endpoints;
use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::{Client, FileInput};
use fal_emulator::{Emulator, Operation, Pace};
use serde_json::json;

async fn start() -> (Emulator, Client) {
    let emulator = Emulator::builder().pace(Pace::instant()).start().await.expect("an emulator");
    let client = emulator.client();
    (emulator, client)
}

fn input() -> redux::InputBuilder<fal_client::Given> {
    redux::Input::builder().image_url("https://example.com/fox.png")
}

#[tokio::test]
async fn typed_inputs_and_outputs_go_both_ways() {
    let (emulator, client) = start().await;
    let redux = client.fal_ai().flux().dev().redux();
    let mut connection = redux.realtime().max_buffering(3).await.expect("connected");
    for images in [1, 2] {
        connection.send(input().num_images(images).seed(i128::from(u64::MAX))).await.expect("sent");
        let output = connection.next().await.expect("a frame").expect("an output");
        assert_eq!(output.images.len(), images as usize);
    }
    connection.close().await.expect("closed");
    let received: Vec<_> =
        emulator.requests().into_iter().filter(|it| it.operation() == Operation::RealtimeInput).collect();
    assert_eq!(received.len(), 2);
    let seed = received[0].input()["seed"].as_u64();
    assert_eq!(seed, Some(u64::MAX));
    assert!(emulator.requests().iter().all(|request| request.mistake().is_none()));
}

#[tokio::test]
async fn json_paths_and_split_connections_work() {
    let (_emulator, client) = start().await;
    let endpoint = client.endpoint("fal-ai/flux/dev/redux");
    let connecting = endpoint.realtime().path("/realtime/json").json();
    let (mut sink, mut stream) = connecting.await.expect("connected").split();
    sink.send(json!({ "image_url": "https://example.com/fox.png" })).await.expect("sent");
    let output = stream.next().await.expect("a frame").expect("an output");
    assert!(output["images"][0]["url"].is_string(), "{output}");
    sink.close().await.expect("closed");
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn invalid_input_is_an_error_of_the_model() {
    let (_emulator, client) = start().await;
    let mut connection = client.endpoint("fal-ai/flux/dev/redux").realtime().await.expect("connected");
    connection.send(json!({ "image_url": 3 })).await.expect("sent");
    let error = connection.next().await.expect("a frame").expect_err("invalid");
    assert_eq!(error.error_type().map(|word| word.as_str()), Some("INTERNAL_ERROR"), "{error}");
    assert!(connection.next().await.is_none(), "the emulator ends the session");
}

#[tokio::test]
async fn tokens_of_both_kinds_open_connections() {
    let (emulator, client) = start().await;
    let redux = client.fal_ai().flux().dev().redux();
    let connect_with = async |token: fal_client::Token| {
        let provide = move |_| std::future::ready(Ok::<_, std::io::Error>(token.as_str().to_owned()));
        let anonymous = emulator.client_builder().anonymous().build().expect("a client");
        let redux = anonymous.fal_ai().flux().dev().redux();
        let mut connection = redux.realtime().token_provider(provide).await?;
        connection.send(input()).await?;
        connection.next().await.expect("a frame")
    };
    let ttl = Duration::from_secs(60);
    let token = client.tokens().create(&redux, ttl).await.expect("a token");
    connect_with(token.clone()).await.expect("an output");
    connect_with(client.tokens().create_realtime(&redux, ttl).await.expect("a token")).await.expect("an output");

    let other = client.tokens().create("fal-ai/other", ttl).await.expect("a token");
    let error = connect_with(other).await.expect_err("another application");
    assert!(error.is_unauthorized(), "{error}");
    emulator.advance_time(ttl);
    let error = connect_with(token).await.expect_err("expired");
    assert!(error.is_unauthorized(), "{error}");

    let mut connection = redux.realtime().token_auth().await.expect("connected");
    connection.send(input()).await.expect("sent");
    connection.next().await.expect("a frame").expect("an output");
}

#[tokio::test]
async fn files_are_uploaded_before_an_input_is_sent() {
    let (emulator, client) = start().await;
    let redux = client.fal_ai().flux().dev().redux();
    let mut connection = redux.realtime().await.expect("connected");
    let file = FileInput::bytes(vec![1, 2, 3], "image/png");
    connection.send(redux::Input::builder().image_url(file)).await.expect("sent");
    connection.next().await.expect("a frame").expect("an output");
    let uploaded: Vec<String> = emulator.files().iter().map(|file| file.url().to_owned()).collect();
    let inputs = emulator.requests().into_iter().filter(|request| request.operation() == Operation::RealtimeInput);
    let urls: Vec<String> = inputs.filter_map(|it| Some(it.input()["image_url"].as_str()?.to_owned())).collect();
    assert_eq!((uploaded.len(), &uploaded), (1, &urls));
}

#[tokio::test]
async fn session_that_waits_too_long_ends() {
    let builder = Emulator::builder().pace(Pace::instant()).session_timeout(Duration::from_secs(10));
    let emulator = builder.start().await.expect("an emulator");
    let mut connection = emulator.client().endpoint("fal-ai/flux/dev/redux").realtime().await.expect("connected");
    let waiting = async { connection.next().await };
    let advance = async {
        tokio::task::yield_now().await;
        emulator.advance_time(Duration::from_secs(11));
    };
    let (next, ()) = tokio::join!(waiting, advance);
    let error = next.expect("a frame").expect_err("too late");
    assert!(error.is_timeout(), "{error}");
    assert!(connection.next().await.is_none());
}

#[tokio::test]
async fn runs_over_a_connection_are_those_of_run() {
    let (emulator, client) = start().await;
    let redux = client.fal_ai().flux().dev().redux();
    let mut connection = redux.run_connection().await.expect("connected");
    for images in [1, 2] {
        let response = connection.run(input().num_images(images)).await.expect("a response");
        assert_eq!(response.data.images.len(), images as usize);
        assert!(response.request_id.is_some() && response.missing().is_empty());
    }
    let mut untyped = client.endpoint("fal-ai/flux/dev/redux").run_connection().await.expect("connected");
    let error = untyped.run(json!({ "image_url": 3 })).await.expect_err("invalid");
    assert!(error.is_invalid_input() && !error.field_errors().is_empty(), "{error}");
    assert!(!error.may_have_been_accepted(), "{error}");
    untyped.run(json!({ "image_url": "https://example.com/fox.png" })).await.expect("a response");
    let runs = emulator.requests().iter().filter(|it| it.operation() == Operation::WebSocketRun).count();
    assert_eq!(runs, 4);
}
