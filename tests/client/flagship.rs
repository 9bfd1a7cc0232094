//! Typed calls of one endpoint, from the input to the image, against the emulator.

use std::time::Duration;

use fal_client::endpoints::Endpoints;
use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting::{
    ENDPOINT, ImageSizePreset, Input, InputBuilder, LoraWeight,
};
use fal_client::{Cancellation, Error, ErrorKind, ErrorType, FileInput, Given, JobEvent, QueueUpdate};
use fal_emulator::{Emulator, Operation, Pace};
use futures_util::StreamExt;
use serde_json::json;

use crate::support::emulator::{count, counted, start, start_instant, stored_file};
use crate::support::time::settle;

const URL: &str = "https://example.com/a.png";

fn input() -> InputBuilder<Given, Given, Given, Given> {
    Input::builder().prompt("Ice fortress").control_image_url(URL).image_url(URL).mask_url(URL)
}

/// Reads width and height from the header of a PNG.
fn size(png: &[u8]) -> (u32, u32) {
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes([png[at], png[at + 1], png[at + 2], png[at + 3]]);
    (number(16), number(20))
}

#[tokio::test]
async fn subscribe_returns_images_of_the_requested_size() {
    let emulator = start_instant().await;
    let client = emulator.client();
    let inpainting = client.fal_ai().fast_sdxl_controlnet_canny().inpainting();
    assert_eq!(inpainting.id(), "fal-ai/fast-sdxl-controlnet-canny/inpainting");
    let call = inpainting.subscribe(input().image_size((320, 200)).num_images(2).seed(7));
    let response = call.await.expect("a result");
    assert_eq!((response.data.images.len(), response.data.seed), (2, Some(7)));
    assert_eq!(response.data.has_nsfw_concepts, [false, false]);
    assert!(response.metrics.inference_time.is_some());
    for image in &response.data.images {
        let bytes = client.download_bytes(image).await.expect("an image");
        assert_eq!(size(&bytes), (320, 200));
    }
}

#[tokio::test]
async fn run_returns_an_image_of_the_requested_size() {
    let emulator = start_instant().await;
    let client = emulator.client();
    let call = client.endpoint(ENDPOINT).run(input().image_size(ImageSizePreset::SquareHd).sync_mode(true));
    let response = call.await.expect("a response");
    assert!(response.request_id.as_ref().is_some_and(|id| !id.is_empty()));
    let image = &response.data.images[0];
    assert!(image.url.starts_with("data:image/png;base64,"));
    assert_eq!(size(&client.download_bytes(image).await.expect("an image")), (1024, 1024));
}

#[tokio::test]
async fn only_set_fields_are_sent_and_local_files_are_uploaded() {
    let emulator = start_instant().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("room.png");
    std::fs::write(&path, b"abc").expect("a file");
    let input = Input::builder()
        .prompt("p")
        .control_image_url(URL)
        .image_url(FileInput::path(&path))
        .mask_url(FileInput::bytes(&b"def"[..], "image/png"))
        .loras([LoraWeight::new("a/b").scale(0.5)]);
    emulator.client().endpoint(ENDPOINT).submit(input).await.expect("a job");
    let jobs = emulator.jobs();
    let sent = jobs[0].request().input().clone();
    let file = |field: &str| stored_file(&emulator, sent[field].as_str().expect("a URL"));
    assert_eq!(file("image_url").bytes().expect("bytes").as_slice(), b"abc");
    assert_eq!(file("mask_url").bytes().expect("bytes").as_slice(), b"def");
    assert_eq!(
        sent,
        json!({
            "prompt": "p",
            "control_image_url": URL,
            "image_url": file("image_url").url(),
            "mask_url": file("mask_url").url(),
            "loras": [{ "path": "a/b", "scale": 0.5 }],
        })
    );
}

#[tokio::test]
async fn an_unreadable_file_is_named_and_nothing_is_sent() {
    let emulator = start_instant().await;
    let input = Input::builder()
        .prompt("p")
        .control_image_url(URL)
        .image_url(URL)
        .mask_url(FileInput::path("no/such/mask.png"));
    let error = emulator.client().endpoint(ENDPOINT).subscribe(input).await.expect_err("no file");
    assert_eq!(error.kind(), ErrorKind::File);
    assert!(error.to_string().contains("`mask_url`") && error.to_string().contains("no/such/mask.png"), "{error}");
    assert!(emulator.requests().is_empty());
}

/// Returns path and type of each field error.
fn violations(error: &Error) -> Vec<(String, String)> {
    error.field_errors().iter().map(|field| (field.path(), field.error_type.to_string())).collect()
}

#[tokio::test]
async fn schema_violations_are_found_before_sending_as_the_service_finds_them() {
    let emulator = start_instant().await;
    let endpoint = emulator.client().endpoint(ENDPOINT);
    let bad = || input().num_images(9).guidance_scale(-1).image_size((0, 20_000));
    let error = endpoint.subscribe(bad()).await.expect_err("out of range");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(emulator.requests().is_empty());
    let mut ours = violations(&error);
    ours.sort();
    assert_eq!(
        ours,
        [
            ("guidance_scale".to_owned(), "greater_than_equal".to_owned()),
            ("image_size.height".to_owned(), "less_than_equal".to_owned()),
            ("image_size.width".to_owned(), "greater_than".to_owned()),
            ("num_images".to_owned(), "less_than_equal".to_owned()),
        ]
    );

    // The emulator validates against the document and reports the same violations.
    for error in [
        endpoint.run(bad()).validate(false).await.expect_err("422"),
        endpoint.subscribe(bad()).validate(false).await.expect_err("422"),
    ] {
        assert_eq!((error.kind(), error.status().map(|status| status.as_u16())), (ErrorKind::Service, Some(422)));
        assert!(error.request_id().is_some());
        let mut theirs = violations(&error);
        theirs.sort();
        assert_eq!(theirs, ours);
    }
}

#[tokio::test]
async fn a_string_without_a_scheme_is_rejected_before_sending() {
    let emulator = start_instant().await;
    let input =
        Input::builder().prompt("p").control_image_url(URL).image_url("room.png").mask_url("file:///etc/passwd");
    let error = emulator.client().endpoint(ENDPOINT).run(input).await.expect_err("not a URL");
    assert_eq!(violations(&error).len(), 2);
    assert!(error.to_string().contains("FileInput::path"), "{error}");
    assert!(emulator.requests().is_empty());
}

#[tokio::test]
async fn status_shows_every_state_of_a_request() {
    let emulator = start(Pace::manual()).await;
    let endpoint = emulator.client().endpoint(ENDPOINT);
    let job = endpoint.submit(input()).await.expect("a job");
    let error = endpoint.result(&job).await.expect_err("not completed");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(400));
    let mut states = Vec::new();
    loop {
        let status = endpoint.status(&job).logs(true).await.expect("a status");
        states.push(match &status {
            QueueUpdate::InQueue { position, .. } => format!("queued behind {}", position.expect("a position")),
            QueueUpdate::InProgress { logs, .. } => format!("running, {} lines", logs.len()),
            QueueUpdate::Completed { logs, .. } => format!("completed, {} lines", logs.len()),
            other => format!("{other:?}"),
        });
        if !emulator.advance(&job.request_id) {
            break;
        }
    }
    let expected = [
        "queued behind 1",
        "queued behind 0",
        "running, 0 lines",
        "running, 1 lines",
        "running, 2 lines",
        "completed, 2 lines",
    ];
    assert_eq!(states, expected);
    assert_eq!(endpoint.result(&job).await.expect("a result").data.images.len(), 1);
}

#[tokio::test]
async fn cancel_has_an_outcome_for_every_state() {
    let emulator = start(Pace::manual()).await;
    let endpoint = emulator.client().endpoint(ENDPOINT);
    for (steps, expected) in
        [(0, Cancellation::Removed), (2, Cancellation::Requested), (9, Cancellation::AlreadyCompleted)]
    {
        let job = endpoint.submit(input()).await.expect("a job");
        for _ in 0..steps {
            emulator.advance(&job.request_id);
        }
        assert_eq!(endpoint.cancel(&job).await.expect("an outcome"), expected);
        let outcome = endpoint.wait(&job).await;
        if expected == Cancellation::AlreadyCompleted {
            outcome.expect("a result");
        } else {
            let error = outcome.expect_err("cancelled");
            assert!(error.is_cancelled(), "{error}");
            assert_eq!(error.error_type(), Some(&ErrorType::ClientCancelled));
        }
    }
    assert_eq!(endpoint.cancel("unknown").await.expect("an outcome"), Cancellation::NotFound);
}

#[tokio::test]
async fn updates_show_every_step_without_polling() {
    let emulator = start(Pace::manual()).await;
    let mut updates = emulator.client().endpoint(ENDPOINT).subscribe(input()).logs(true).updates();
    let mut messages = Vec::new();
    let mut request_id = String::new();
    while let Some(progress) = updates.next().await {
        match progress.expect("no error") {
            JobEvent::Enqueued(job) => request_id = job.request_id,
            JobEvent::Update(update) => {
                messages.extend(update.logs().iter().map(|line| line.message.clone()));
                emulator.advance(&request_id);
            }
            JobEvent::Completed(response) => assert_eq!(response.request_id, Some(request_id.clone())),
            _ => {}
        }
    }
    assert_eq!(messages, ["Loading the model", "Step 1 of 1"]);
    let polled = emulator.requests().iter().any(|request| request.operation() == Operation::Status);
    assert!(!polled, "the status was polled");
}

#[tokio::test]
async fn a_rejected_key_is_a_401_that_does_not_show_it() {
    let emulator = Emulator::builder().key("id:secret").start().await.expect("an emulator");
    let client = emulator.client_builder().key("id:wrong").build().expect("a client");
    let error = client.endpoint(ENDPOINT).subscribe(input()).await.expect_err("401");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(401));
    assert!(!error.is_retryable() && !error.to_string().contains("wrong"), "{error}");
}

/// Calls borrow nothing.
#[tokio::test]
async fn calls_can_be_spawned() {
    let emulator = start_instant().await;
    let inpainting = emulator.client().fal_ai().fast_sdxl_controlnet_canny().inpainting();
    let calls: Vec<_> = (0..20).map(|seed| tokio::spawn(inpainting.subscribe(input().seed(seed)).send())).collect();
    for (seed, call) in (0_i128..).zip(calls) {
        assert_eq!(call.await.expect("no panic").expect("a result").data.seed, Some(seed));
    }
}

#[tokio::test]
async fn a_request_that_misses_its_start_timeout_is_a_start_timeout_error() {
    let emulator = start(Pace::manual()).await;
    let endpoint = emulator.client().endpoint(ENDPOINT);
    let job = endpoint.submit(input()).start_timeout(Duration::from_secs(5)).await.expect("a job");
    emulator.advance_time(Duration::from_secs(6));
    let error = endpoint.wait(&job).await.expect_err("too late");
    assert!(error.is_timeout() && error.is_start_timeout() && !error.is_retryable(), "{error:?}");
    assert_eq!(error.error_type(), Some(&ErrorType::RequestTimeout));
}

#[tokio::test]
async fn a_submission_beyond_max_queue_length_is_rejected() {
    let emulator = start(Pace::manual().ahead(3)).await;
    let endpoint = emulator.client().endpoint(ENDPOINT);
    let error = endpoint.submit(input()).max_queue_length(2).await.expect_err("full");
    assert_eq!((error.status().map(|status| status.as_u16()), error.attempts().len()), (Some(429), 1));
    endpoint.submit(input()).max_queue_length(3).await.expect("a job");
}

/// fal sends comments while nothing happens. They show that the stream is alive.
#[tokio::test]
async fn keep_alives_prevent_a_reconnect() {
    let pause = Duration::from_millis(400);
    let emulator = Emulator::builder()
        .pace(Pace::default().ahead(0).waiting(pause).log_lines(0).running(pause))
        .keep_alive(Duration::from_millis(20))
        .start()
        .await
        .expect("an emulator");
    let client = emulator.client_builder().status_idle_timeout(Duration::from_millis(200)).build().expect("a client");
    let passed = async {
        counted(&emulator, Operation::StatusStream, 1).await;
        // While this is never idle, only this moves the clock.
        tokio::time::pause();
        while count(&emulator, Operation::Result) == 0 {
            settle().await;
            tokio::time::advance(Duration::from_millis(10)).await;
        }
        tokio::time::resume();
        std::future::pending().await
    };
    tokio::select! {
        outcome = client.endpoint(ENDPOINT).subscribe(input()).send() => drop(outcome.expect("a result")),
        () = passed => unreachable!("it never ends"),
    }
    let operations: Vec<Operation> = emulator.requests().iter().map(|request| request.operation()).collect();
    assert_eq!(operations, [Operation::Submit, Operation::StatusStream, Operation::Result]);
}
