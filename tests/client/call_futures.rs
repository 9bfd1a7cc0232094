//! The futures of calls: collected, spawned, and polled without a runtime.

use std::time::Duration;

use fal_client::endpoints::Endpoints;
use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::{CallFuture, Client, ErrorKind, FileInput, Job, Response};
use futures_util::{FutureExt, StreamExt, future, stream};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::emulator::start_instant;

const ENDPOINT: &str = "fal-ai/flux/dev/redux";

fn input() -> Value {
    json!({ "image_url": "https://example.com/a.png" })
}

fn offline() -> Client {
    Client::builder().key("id:secret").build().expect("a client")
}

#[tokio::test]
async fn calls_are_collected_by_the_usual_means() {
    let emulator = start_instant().await;
    let client = emulator.client();
    let redux = client.fal_ai().flux().dev().redux();
    let typed = || redux::Input::builder().image_url("https://example.com/a.png");

    let mut set = JoinSet::new();
    for _ in 0..3 {
        set.spawn(redux.subscribe(typed()).send());
    }
    for response in set.join_all().await {
        assert_eq!(response.expect("a response").data.images.len(), 1);
    }

    let jobs: Vec<Job<redux::Output>> =
        future::try_join_all((0..3).map(|_| redux.submit(typed()).send())).await.expect("three jobs");
    let waits = jobs.iter().map(|job| redux.wait(job).send());
    let responses: Vec<_> = stream::iter(waits).buffer_unordered(2).collect().await;
    assert_eq!(responses.iter().filter(|response| response.is_ok()).count(), 3);

    let boxed: CallFuture<'static, Response<Value>> = client.endpoint(ENDPOINT).run(input()).send();
    tokio::spawn(boxed).await.expect("not a panic").expect("a response");
}

#[tokio::test]
async fn every_call_has_a_future_that_can_be_spawned() {
    let emulator = start_instant().await;
    let client = emulator.client();
    let endpoint = client.endpoint(ENDPOINT);
    let folder = tempfile::tempdir().expect("a folder");
    let job = tokio::spawn(endpoint.submit(input()).send()).await.expect("not a panic").expect("a job");
    let response = tokio::spawn(endpoint.wait(&job).send()).await.expect("not a panic").expect("a response");
    tokio::spawn(endpoint.status(&job).send()).await.expect("not a panic").expect("a status");
    tokio::spawn(endpoint.result(&job).send()).await.expect("not a panic").expect("a result");
    tokio::spawn(endpoint.cancel(&job).send()).await.expect("not a panic").expect("an outcome");

    let (image, path) = (&response.data["images"][0], folder.path().join("a.png"));
    tokio::spawn(client.download(image, path).send()).await.expect("not a panic").expect("a path");
    tokio::spawn(client.download_bytes(image).send()).await.expect("not a panic").expect("bytes");
    tokio::spawn(client.download_to(image, tokio::io::sink()).send()).await.expect("not a panic").expect("a length");
    tokio::spawn(client.download_all([image], folder.path()).send()).await.expect("not a panic").expect("paths");
    let upload = client.storage().upload(FileInput::bytes("a", "text/plain"));
    tokio::spawn(upload.send()).await.expect("not a panic").expect("a file");
}

#[tokio::test]
async fn a_future_may_borrow_what_its_callbacks_use() {
    let emulator = start_instant().await;
    let mut updates = 0;
    let call = emulator.client().endpoint(ENDPOINT).subscribe(input()).on_update(|_| updates += 1).send();
    call.await.expect("a response");
    assert!(updates > 0);
}

#[test]
fn calls_outside_of_a_runtime_fail_without_a_panic() {
    let client = offline();
    let endpoint = client.endpoint(ENDPOINT);
    let job = endpoint.job("R1");
    let failed = [
        endpoint.run(input()).send().now_or_never().map(|run| run.err()),
        endpoint.subscribe(input()).send().now_or_never().map(|response| response.err()),
        endpoint.subscribe(input()).updates().next().now_or_never().map(|update| update.and_then(Result::err)),
        endpoint.submit(input()).send().now_or_never().map(|job| job.err()),
        endpoint.wait(&job).send().now_or_never().map(|response| response.err()),
        endpoint.status(&job).send().now_or_never().map(|status| status.err()),
        endpoint.status_stream(&job).next().now_or_never().map(|update| update.and_then(Result::err)),
        endpoint.cancel(&job).send().now_or_never().map(|outcome| outcome.err()),
        client.download("https://example.com/a.png", "a.png").send().now_or_never().map(|path| path.err()),
        client.storage().upload(FileInput::path("a.png")).send().now_or_never().map(|file| file.err()),
        client
            .storage()
            .sign("https://v3.fal.media/a.png", Duration::from_secs(60))
            .now_or_never()
            .map(|url| url.err()),
        client.tokens().create("a/b", Duration::from_secs(60)).now_or_never().map(|token| token.err()),
    ];
    for error in failed {
        let error = error.expect("ready").expect("an error");
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains("no tokio runtime"), "{error}");
    }
}

#[test]
fn futures_may_be_made_before_the_runtime() {
    let call = offline().storage().upload("https://example.com/a.png").send();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    assert_eq!(runtime.block_on(call).expect("a file").url, "https://example.com/a.png");
}
