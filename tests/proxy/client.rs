//! fal-client through the proxy to the emulator.

use std::time::Duration;

use fal_client::proxy::Proxy;
use fal_client::{Client, FileInput, RetryPolicy, UploadPolicy};
use fal_emulator::{Emulator, Operation, Pace};
use futures_util::TryStreamExt;
use serde_json::json;

use crate::mounted::{Mounted, authenticate};

const ENDPOINT: &str = "fal-ai/flux/dev/image-to-image";
const LANGUAGE_MODEL: &str = "openrouter/router";

async fn emulator() -> Emulator {
    Emulator::builder().pace(Pace::instant()).start().await.expect("an emulator")
}

async fn mount(emulator: &Emulator) -> Mounted {
    let builder = Proxy::builder(emulator.client()).endpoints(["fal-ai/flux/**"]).uploads(true);
    Mounted::start(builder.authenticate(authenticate).build().expect("a proxy")).await
}

/// Returns a client of the proxy. It knows neither a key nor the emulator.
fn client(proxy: &Mounted) -> Client {
    let builder = Client::builder().env_from(|_| None).proxy_url(proxy.url()).header("x-session", "alice");
    let policy = UploadPolicy::default().multipart_above(1000).part_size(600);
    builder.uploads(policy).retry(RetryPolicy::none()).build().expect("a client")
}

fn mistakes(emulator: &Emulator) -> Vec<String> {
    let requests = emulator.requests();
    requests.iter().filter_map(|request| Some(format!("{}: {}", request.path(), request.mistake()?))).collect()
}

#[tokio::test]
async fn calls_and_files_pass() {
    let emulator = emulator().await;
    let proxy = mount(&emulator).await;
    let client = client(&proxy);
    let endpoint = client.endpoint(ENDPOINT);
    let image =
        client.storage().upload(FileInput::bytes(include_bytes!("../../docs/inpainting.png").to_vec(), "image/png"));
    let input = json!({ "prompt": "a fox", "image_url": image.await.expect("a file").url });

    let run = endpoint.run(input.clone()).await.expect("a response");
    assert!(run.data["images"][0]["url"].is_string(), "{}", run.data);
    let subscribed = endpoint.subscribe(input.clone()).await.expect("a response");
    assert!(subscribed.data["images"][0]["url"].is_string() && subscribed.request_id.is_some());

    let job = endpoint.submit(input).await.expect("a job");
    let job = client.resume(job);
    let updates: Vec<_> = job.status_stream().logs(true).try_collect().await.expect("updates");
    assert!(updates.last().is_some_and(|update| update.is_completed()), "{updates:?}");
    job.status().await.expect("a status");
    job.result().await.expect("a result");
    job.cancel().await.expect("an outcome");

    let count = |operation| emulator.requests().iter().filter(|request| request.operation() == operation).count();
    assert_eq!((count(Operation::InitiateMultipart), count(Operation::CdnToken)), (1, 0));
    assert!(count(Operation::StatusStream) >= 2);
    assert_eq!(mistakes(&emulator), [""; 0]);
}

#[tokio::test]
async fn output_streams_pass() {
    let emulator = emulator().await;
    let builder = Proxy::builder(emulator.client()).endpoints([LANGUAGE_MODEL]);
    let proxy = Mounted::start(builder.authenticate(authenticate).build().expect("a proxy")).await;
    let input = json!({ "prompt": "Write a haiku about a fox.", "model": "example/model" });
    let stream = client(&proxy).endpoint(LANGUAGE_MODEL).stream(input);
    let events: Vec<_> = stream.try_collect().await.expect("events");
    assert!(events.len() > 1, "{events:?}");
    let requests = emulator.requests();
    assert_eq!((requests.len(), requests[0].operation()), (1, Operation::Stream));
    assert_eq!(mistakes(&emulator), [""; 0]);
}

#[tokio::test]
async fn tokens_are_issued_within_the_limits() {
    let emulator = emulator().await;
    let builder = Proxy::builder(emulator.client()).endpoints([LANGUAGE_MODEL]).tokens(Duration::from_secs(120));
    let proxy = Mounted::start(builder.authenticate(authenticate).build().expect("a proxy")).await;
    let tokens = client(&proxy).tokens();
    tokens.create(LANGUAGE_MODEL, Duration::from_secs(120)).await.expect("a token");
    tokens.create_realtime(LANGUAGE_MODEL, Duration::from_secs(60)).await.expect("a token");
    for (scope, seconds) in [("acme/painter", 60), (LANGUAGE_MODEL, 121)] {
        let error = tokens.create(scope, Duration::from_secs(seconds)).await.expect_err(scope);
        assert!(error.is_permission_denied(), "{error}");
    }
}

#[tokio::test]
async fn refusals_of_the_proxy_are_errors_of_the_client() {
    let emulator = emulator().await;
    let proxy = mount(&emulator).await;
    let error = client(&proxy).endpoint("fal-ai/fast-sdxl").run(json!({})).await.expect_err("not allowed");
    assert!(error.is_permission_denied() && error.to_string().contains("does not allow"), "{error}");
    assert!(!error.may_have_been_accepted() && !error.is_retryable());
    let builder = Client::builder().env_from(|_| None).proxy_url(proxy.url());
    let client = builder.build().expect("a client");
    let error = client.endpoint(ENDPOINT).run(json!({})).await.expect_err("no session");
    assert!(error.is_unauthorized() && error.to_string().contains("authentication"), "{error}");
    assert_eq!(emulator.requests().len(), 0);
}
