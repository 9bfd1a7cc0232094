//! Outputs in the caller's own bucket: the policy, downloads that wait for the upload, and endpoints that ignore it.

use std::collections::BTreeMap;
use std::time::Duration;

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::{ErrorKind, JobEvent, RetryPolicy, S3Post};
use fal_emulator::{Emulator, Operation, Pace};
use futures_util::StreamExt;
use serde_json::json;

use crate::support::emulator::{count, counted, mistakes};
use crate::support::recorder::Recorder;
use crate::support::server::{Reply, Server};
use crate::support::time::{LIMIT, passing};

const BUCKET: &str = "https://fox-outputs.s3.eu-west-1.amazonaws.com/";

fn post() -> S3Post {
    let fields = [
        ("key", "renders of today/${filename}"),
        ("policy", "eyJleHBpcmF0aW9uIjoiMjAyNi0xMS0yN1QxODowMDowMFoifQ"),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
        ("x-amz-credential", "AKIAFOXFOXFOX/20261127/eu-west-1/s3/aws4_request"),
        ("x-amz-security-token", "FwoGZXIvYXdzEFoxTokenOfTheSession"),
        ("x-amz-signature", "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a6978"),
    ];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    S3Post { url: BUCKET.to_owned(), fields: BTreeMap::from(fields) }
}

const SECRETS: [&str; 4] =
    ["eyJleHBpcmF0aW9u", "AKIAFOXFOXFOX", "FwoGZXIvYXdzEFoxTokenOfTheSession", "0f1e2d3c4b5a6978"];

fn input() -> redux::InputBuilder<fal_client::Given> {
    redux::Input::builder().image_url("https://example.com/fox.png").seed(7)
}

async fn emulator(upload_time: Duration) -> Emulator {
    let builder = Emulator::builder().pace(Pace::instant()).output_upload_time(upload_time);
    builder.start().await.expect("an emulator")
}

/// A policy with a short backoff, because the emulator's clock does not move by itself here.
fn quick() -> RetryPolicy {
    RetryPolicy::default().first_delay(Duration::from_millis(1)).max_delay(Duration::from_millis(10))
}

#[tokio::test]
async fn outputs_of_every_call_are_in_the_bucket() {
    let emulator = emulator(Duration::ZERO).await;
    let client = emulator.client();
    let endpoint = client.endpoint(redux::ENDPOINT);
    let run = endpoint.run(input()).output_to(post()).await.expect("an output");
    let subscribed = endpoint.subscribe(input()).output_to(post()).await.expect("an output");
    let mut updates = endpoint.subscribe(input()).output_to(post()).updates();
    let mut streamed = None;
    while let Some(event) = updates.next().await {
        if let JobEvent::Completed(response) = event.expect("an event") {
            streamed = Some(response);
        }
    }
    let job = endpoint.submit(input()).output_to(post()).await.expect("a job");
    let waited = endpoint.wait(&job).await.expect("an output");
    let again = endpoint.result(&job).await.expect("an output");
    assert_eq!(waited.data.images[0].url, again.data.images[0].url, "a result does not change");

    for response in [run, subscribed, streamed.expect("a result"), waited] {
        assert!(!response.ignored_output_to());
        let image = &response.data.images[0];
        let folder = format!("{}/fox-outputs.s3.eu-west-1.amazonaws.com/renders%20of%20today/", emulator.base_url());
        assert!(image.url.starts_with(&folder), "{}", image.url);
        let bytes = client.download_bytes(image).await.expect("a file");
        assert!(bytes.starts_with(b"\xff\xd8\xff"));
    }
    assert_eq!(mistakes(&emulator), Vec::<String>::new());
}

#[tokio::test]
async fn downloads_wait_for_the_upload() {
    let emulator = emulator(Duration::from_secs(30)).await;
    let client = emulator.client_builder().retry(quick()).build().expect("a client");
    let response = client.endpoint(redux::ENDPOINT).run(input()).output_to(post()).await.expect("an output");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fox.jpg");
    let all = folder.path().join("all");
    let waiting = async {
        let one = client.download(&response.data.images[0], &path).await;
        (one, client.download_all(&response.data.images, &all).await)
    };
    let uploading = async {
        while count(&emulator, Operation::Media) < 10 {
            tokio::task::yield_now().await;
        }
        emulator.advance_time(Duration::from_secs(30));
    };
    let ((one, all), ()) = tokio::join!(waiting, uploading);
    assert!(std::fs::read(one.expect("saved")).expect("a file").starts_with(b"\xff\xd8\xff"));
    assert_eq!(all.expect("saved").len(), response.data.images.len());
}

#[tokio::test]
async fn a_file_that_never_appears_is_an_error_with_the_reason() {
    let emulator = emulator(Duration::MAX).await;
    let retry = quick().patience(Duration::from_secs(50));
    let client = emulator.client_builder().retry(retry).build().expect("a client");
    let response = client.endpoint(redux::ENDPOINT).run(input()).output_to(post()).await.expect("an output");
    emulator.advance_time(Duration::from_secs(86_400));
    let image = &response.data.images[0];
    // More often than any other missing file.
    let often = counted(&emulator, Operation::Media, 5);
    let error = passing(LIMIT, often, client.download_bytes(image)).await.expect_err("missing");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(404));
    assert!(error.to_string().contains("not in the bucket after 50s"), "{error}");

    // The caller decides, also against the client's policy and for buckets that the client does not know.
    let before = count(&emulator, Operation::Media);
    client.download_bytes(image).wait_for_upload(Duration::ZERO).await.expect_err("missing");
    assert!(count(&emulator, Operation::Media) - before <= 4);
    let other = emulator.client_builder().retry(RetryPolicy::none()).build().expect("a client");
    let before = count(&emulator, Operation::Media);
    let error = other.download_bytes(image).await.expect_err("missing");
    assert!(!error.to_string().contains("bucket after"), "{error}");
    assert_eq!(count(&emulator, Operation::Media) - before, 1);
    let patient = other.download_bytes(image).wait_for_upload(Duration::from_millis(90_500));
    let often = counted(&emulator, Operation::Media, before + 4);
    let error = passing(LIMIT, often, patient).await.expect_err("missing");
    assert!(error.to_string().contains("bucket after 90.5s"), "{error}");
}

/// S3 responds with 403 for a missing object to those who may not list the bucket.
#[tokio::test]
async fn a_file_whose_absence_is_concealed_is_waited_for() {
    let denied = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
    let server = Server::start(move |index, _| match index {
        0..3 => Reply::text(403, "application/xml", denied),
        _ => Reply::binary(200, "image/png", b"\x89PNG\r\n\x1a\nfox"),
    })
    .await;
    let client = server.client();
    let url = format!("{}/fox.png", server.base());
    let patient = client.download_bytes(&url).wait_for_upload(Duration::from_secs(60));
    assert!(patient.await.expect("a file").ends_with(b"fox"));

    let server = Server::start(move |_, _| Reply::text(403, "application/xml", denied)).await;
    let url = format!("{}/fox.png", server.base());
    let error = server.client().download_bytes(&url).await.expect_err("denied");
    assert_eq!(server.seen().len(), 1);
    assert!(!error.is_permission_denied() && !error.is_account_locked(), "not about fal's key: {error}");
}

#[tokio::test]
async fn an_endpoint_that_ignores_the_policy_is_noticed() {
    for (files, ignored) in [
        (vec!["https://v3.fal.media/files/a/fox.png"], true),
        (vec!["https://v3b.fal.media/files/a/fox.png", "https://example.com/fox.png"], true),
        (vec!["https://fox-outputs.s3.eu-west-1.amazonaws.com/renders/0f-fox.png"], false),
        // An input file that the output repeats.
        (
            vec![
                "https://fox-outputs.s3.eu-west-1.amazonaws.com/renders/0f-fox.png",
                "https://v3.fal.media/files/a/fox.png",
            ],
            false,
        ),
        (vec!["https://example.com/fox.png"], false),
        (vec![], false),
    ] {
        let images: Vec<_> = files.iter().map(|url| json!({ "url": url })).collect();
        let body = json!({ "images": images }).to_string();
        let server = Server::start(move |_, _| Reply::json(200, &body)).await;
        let endpoint = server.client().endpoint("a/b");
        let recorder = Recorder::start();
        let response = endpoint.run(json!({})).output_to(post()).await.expect("an output");
        let events = recorder.stop();
        assert_eq!(response.ignored_output_to(), ignored, "{files:?}");
        assert_eq!(events.contains("ignored `output_to`"), ignored, "{events}");
        assert!(!endpoint.run(json!({})).await.expect("an output").ignored_output_to());
    }
}

#[tokio::test]
async fn invalid_policies_are_refused_before_anything_is_sent() {
    let emulator = emulator(Duration::ZERO).await;
    let endpoint = emulator.client().endpoint(redux::ENDPOINT);
    let with_url = |url: &str| S3Post { url: url.to_owned(), ..post() };
    let with_key = |key: &str| {
        let mut post = post();
        post.fields.insert("key".to_owned(), key.to_owned());
        post
    };
    let with_field = |name: &str, value: &str| {
        let mut post = post();
        post.fields.insert(name.to_owned(), value.to_owned());
        post
    };
    for (post, words) in [
        (with_url("http://fox.s3.amazonaws.com/"), "https://"),
        (with_url("https://fox.r2.cloudflarestorage.com/"), "not an S3 host"),
        (with_url("https://fox.s3.amazonaws.com/folder"), "field `key`"),
        (with_url("https://fox.of.today.s3.amazonaws.com/"), "has a dot"),
        (with_url("https://fox.s3.amazonaws.com:444/"), "port 444"),
        (with_url(&format!("{}/fal.run/", emulator.base_url())), "https://"),
        (with_key("fox.png"), "${filename}"),
        (with_key("/${filename}"), "begins with `/`"),
        (with_key("a/../${filename}"), "`..`"),
        (with_field("KEY", "x/${filename}"), "one field to S3"),
        (with_field("Content-Type", "image/png\nx"), "leave the field out"),
    ] {
        for error in [
            endpoint.run(input()).output_to(post.clone()).await.map(drop).expect_err(words),
            endpoint.submit(input()).output_to(post.clone()).await.map(drop).expect_err(words),
            endpoint.subscribe(input()).output_to(post.clone()).await.map(drop).expect_err(words),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            let message = error.to_string();
            assert!(message.contains("`output_to`") && message.contains(words), "{message}");
        }
    }
    let header = endpoint.run(input()).header("X-App-Fal-Upload-Policy", "{}").await.expect_err("refused");
    assert!(header.to_string().contains("use `output_to`"), "{header}");
    assert!(emulator.requests().is_empty());
}

#[tokio::test]
async fn the_policy_is_sent_as_json_and_never_printed() {
    let recorder = Recorder::start();
    let policy = serde_json::to_string(&post()).expect("JSON");
    let echo = json!({ "detail": format!("Invalid x-app-fal-upload-policy: {policy}") }).to_string();
    let server = Server::start(move |_, _| Reply::json(422, &echo)).await;
    let call = server.client().endpoint("a/b").run(json!({})).output_to(post());
    let mut printed = format!("{:?} {call:?}", post());
    let error = call.await.expect_err("refused");
    printed.push_str(&format!("{error} {error:?} {:?}", error.attempts()));
    printed.push_str(&recorder.stop());
    let emulator = emulator(Duration::ZERO).await;
    emulator.client().endpoint(redux::ENDPOINT).run(input()).output_to(post()).await.expect("an output");
    printed.push_str(&format!("{emulator:?} {:?}", emulator.requests()));
    for secret in SECRETS {
        assert!(!printed.contains(secret), "{secret}: {printed}");
    }
    assert!(printed.contains("fox-outputs") && printed.contains("renders of today"), "{printed}");

    let sent = server.seen()[0].header("x-app-fal-upload-policy").expect("the header").to_owned();
    assert_eq!(serde_json::from_str::<S3Post>(&sent).expect("JSON"), post());
    assert_eq!(serde_json::from_str::<S3Post>(&policy).expect("JSON"), post());
}

/// The policy that boto3 returns, with the bucket in the path and a number among the fields.
#[tokio::test]
async fn a_presigned_post_of_another_program_is_taken_as_it_is() {
    let json = r#"{
        "url": "https://s3.amazonaws.com/fox.outputs",
        "fields": {
            "acl": "public-read", "success_action_status": 201, "key": "füchse/${filename}",
            "AWSAccessKeyId": "AKIAFOXFOXFOX", "policy": "eyJjb25kaXRpb25zIjogW119", "signature": "c2lnbmF0dXJlLW9mLWZveA=="
        }
    }"#;
    let post: S3Post = serde_json::from_str(json).expect("a policy");
    let emulator = emulator(Duration::ZERO).await;
    let client = emulator.client();
    let response =
        client.endpoint(redux::ENDPOINT).subscribe(input()).output_to(post.clone()).await.expect("an output");
    let image = &response.data.images[0];
    assert!(image.url.contains("/s3.amazonaws.com/fox.outputs/f%C3%BCchse/"), "{}", image.url);
    assert!(!response.ignored_output_to());
    client.download_bytes(image).await.expect("a file");
    assert!(post.contains("https://s3.amazonaws.com/fox.outputs/f%C3%BCchse/0f-fox.png"));
    assert!(!post.contains("https://s3.amazonaws.com/fox.outputs"));
    assert!(!post.contains("https://s3.amazonaws.com/fox.outputs-of-others/fox.png"));
}
