//! Uploads of the files in an input, before the input is sent.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting;
use fal_client::{Client, ErrorKind, FileInput, JsonInput, UploadPolicy};
use fal_emulator::{Emulator, Fault, Operation, Pace};
use serde_json::{Value, json};
use tokio::io::ReadBuf;

use crate::support::bytes::some_bytes;
use crate::support::emulator::{start_instant, stored_file};

const URL: &str = "https://example.com/room.png";

/// An endpoint that accepts any JSON object.
const ANYTHING: &str = "tests/anything";

/// Starts an emulator that serves only [`ANYTHING`].
async fn start_with_anything() -> Emulator {
    let document = json!({
        "openapi": "3.0.4",
        "info": { "title": "Anything", "version": "1.0.0", "x-fal-metadata": { "endpointId": ANYTHING } },
        "paths": {
            format!("/{ANYTHING}"): { "post": { "requestBody": { "required": true, "content": {
                "application/json": { "schema": { "type": "object" } },
            } } } },
            format!("/{ANYTHING}/requests/{{request_id}}"): { "get": { "responses": { "200": { "content": {
                "application/json": { "schema": { "type": "object" } },
            } } } } },
        },
    });
    let builder = Emulator::builder().document(document.to_string()).pace(Pace::instant());
    builder.start().await.expect("an emulator")
}

/// Small parts and no fallback.
fn policy() -> UploadPolicy {
    UploadPolicy::default().multipart_above(1000).part_size(400).fallback(None)
}

fn client(emulator: &Emulator) -> Client {
    emulator.client_builder().uploads(policy()).build().expect("a client")
}

fn input(image: FileInput, mask: FileInput) -> inpainting::Input {
    inpainting::Input::builder().prompt("a").control_image_url(URL).image_url(image).mask_url(mask).build()
}

/// The JSON that the endpoint received, in at most one call.
fn sent(emulator: &Emulator) -> Option<Value> {
    let requests = emulator.requests();
    let calls: Vec<_> = requests
        .iter()
        .filter(|request| matches!(request.operation(), Operation::Run | Operation::Submit))
        .map(|request| request.input())
        .collect();
    assert!(calls.len() <= 1, "{calls:?}");
    calls.first().map(|input| (*input).clone())
}

#[tokio::test]
async fn run_submit_and_subscribe_send_urls_in_place_of_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("room.png");
    std::fs::write(&path, some_bytes(2000)).expect("a file");
    for call in ["run", "submit", "subscribe"] {
        let emulator = start_instant().await;
        let input = input(FileInput::path(&path), FileInput::bytes(some_bytes(10), "image/webp"));
        let endpoint = client(&emulator).endpoint(inpainting::ENDPOINT);
        match call {
            "run" => drop(endpoint.run(input).await.expect("a response")),
            "submit" => drop(endpoint.submit(input).await.expect("a job")),
            _ => drop(endpoint.subscribe(input).await.expect("a result")),
        }
        let json = sent(&emulator).expect(call);
        for (field, length, content_type) in [("image_url", 2000, "image/png"), ("mask_url", 10, "image/webp")] {
            let stored = stored_file(&emulator, json[field].as_str().expect("a URL"));
            assert_eq!(stored.content_type(), content_type, "{call}");
            assert!(stored.bytes().expect("bytes") == some_bytes(length), "{call}");
        }
        assert_eq!(json["control_image_url"], URL);
        assert_eq!(uploads(&emulator), 2);
    }
}

/// Counts the uploads, both in one request and in parts.
fn uploads(emulator: &Emulator) -> usize {
    let is_upload = |operation| matches!(operation, Operation::Upload | Operation::CompleteMultipart);
    emulator.requests().iter().filter(|request| is_upload(request.operation())).count()
}

#[tokio::test]
async fn nested_files_are_found_and_equal_files_are_uploaded_once() {
    let emulator = start_with_anything().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.png");
    std::fs::write(&path, some_bytes(10)).expect("a file");
    let bytes = FileInput::bytes(some_bytes(20), "image/png");
    let reader = FileInput::reader(&*some_bytes(30).leak(), None).content_type("image/png");
    let input = JsonInput::from(json!({ "prompt": "a", "list": [{ "url": null }, "b", [1, 2]], "other": { "x": 1 } }))
        .file("a", FileInput::path(&path))
        .and_then(|input| input.file("/list/0/url", FileInput::path(&path)))
        .and_then(|input| input.file("/list/1", bytes.clone()))
        .and_then(|input| input.file("/list/2/1", FileInput::bytes(some_bytes(20), "image/png")))
        .and_then(|input| input.file("/other/~0new~1", bytes.clone()))
        .and_then(|input| input.file("b/c", bytes.name("other.png")))
        .and_then(|input| input.file("r", reader.clone()))
        .and_then(|input| input.file("s", reader))
        .and_then(|input| input.file("u", URL))
        .expect("valid paths");
    client(&emulator).endpoint(ANYTHING).run(input).await.expect("a response");
    let sent = sent(&emulator).expect("a call");
    let length = |value: &Value| stored_file(&emulator, value.as_str().expect("a URL")).size();
    assert_eq!(sent["a"], sent["list"][0]["url"]);
    assert_eq!(sent["list"][1], sent["list"][2][1]);
    assert_eq!(sent["list"][1], sent["other"]["~new/"]);
    assert_ne!(sent["list"][1], sent["b/c"]);
    assert_eq!(sent["r"], sent["s"]);
    assert_eq!([&sent["a"], &sent["list"][1], &sent["b/c"], &sent["r"]].map(length), [10, 20, 20, 30]);
    assert_eq!((&sent["u"], &sent["prompt"], &sent["other"]["x"]), (&json!(URL), &json!("a"), &json!(1)));
    assert_eq!(uploads(&emulator), 4);
}

#[tokio::test]
async fn a_file_needs_an_existing_parent_in_the_json() {
    for (value, path) in [
        (json!({}), "/a/b"),
        (json!({ "a": [] }), "/a/0"),
        (json!({ "a": 1 }), "/a/b"),
        (json!([]), "a"),
        (json!(null), "a"),
    ] {
        let error = JsonInput::from(value.clone()).file(path, URL).expect_err(path);
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(path), "{error}");
    }
    let error = JsonInput::from(json!({ "loras": [{}] })).file("loras[0].path", URL).expect_err("not a pointer");
    assert!(error.to_string().contains("`/loras/0/path`"), "{error}");
    // A later file replaces an earlier one at the same path or below it.
    let input = JsonInput::from(json!({ "a": {} })).file("/a/b", FileInput::path("x")).expect("a valid path");
    let input = input.file("/a/b", URL).expect("a valid path");
    assert_eq!(serde_json::to_value(&input).expect("JSON"), json!({ "a": { "b": URL } }));
    let input = input.file("/a/b", FileInput::path("x")).and_then(|input| input.file("a", URL)).expect("a valid path");
    assert_eq!(serde_json::to_value(&input).expect("JSON"), json!({ "a": URL }));
}

#[tokio::test]
async fn strings_in_plain_json_are_never_read_as_files() {
    let emulator = start_with_anything().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("secret.txt");
    std::fs::write(&path, b"secret").expect("a file");
    let input = json!({ "image_url": path, "other": "file:///etc/passwd", "data": "data:text/plain,a", "n": null });
    client(&emulator).endpoint(ANYTHING).run(input.clone()).await.expect("a response");
    assert_eq!((sent(&emulator), uploads(&emulator)), (Some(input), 0));
}

#[tokio::test]
async fn a_string_without_a_scheme_is_rejected_before_sending() {
    let emulator = start_instant().await;
    for text in ["room.png", "/etc/passwd", "file:///etc/passwd", "C:\\room.png", ""] {
        let image = FileInput::from(text);
        let call = client(&emulator).endpoint(inpainting::ENDPOINT);
        let error = call.run(input(image, FileInput::bytes(some_bytes(10), "image/png"))).await.expect_err(text);
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(error.field_errors()[0].path(), "image_url");
        assert!(error.to_string().contains("FileInput::path"), "{error}");

        let json = JsonInput::from(json!({ "images": [{}] })).file("/images/0/url", text).expect("a valid path");
        let error = client(&emulator).endpoint(ANYTHING).submit(json).await.expect_err(text);
        assert_eq!(error.field_errors()[0].path(), "images[0].url");
        assert!(error.is_invalid_input() && error.to_string().contains("FileInput::path"), "{error}");
    }
    assert!(emulator.requests().is_empty());
}

#[tokio::test]
async fn files_below_the_inline_limit_are_sent_as_data_uris() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.png");
    std::fs::write(&path, b"abc").expect("a file");
    for (of_policy, of_call, inlined) in [
        (0, None, false),
        (3, None, false),
        (4, None, true),
        (0, Some(4), true),
        (4, Some(0), false),
        (4, Some(3), false),
    ] {
        let emulator = start_with_anything().await;
        let uploads = policy().inline_below(of_policy);
        let client = emulator.client_builder().uploads(uploads).build().expect("a client");
        let files = [
            ("bytes", FileInput::bytes(&b"abc"[..], "image/png")),
            ("path", FileInput::path(&path)),
            ("reader", FileInput::reader(&b"abc"[..], 3).content_type("image/png")),
        ];
        let mut input = JsonInput::from(json!({}));
        for (field, file) in files {
            input = input.file(field, file).expect("a valid path");
        }
        let run = client.endpoint(ANYTHING).run(input);
        match of_call {
            Some(bytes) => drop(run.inline_below(bytes).await.expect("a response")),
            None => drop(run.await.expect("a response")),
        }
        let sent = sent(&emulator).expect("a call");
        for field in ["bytes", "path", "reader"] {
            let text = sent[field].as_str().expect("a string");
            assert_eq!(text == "data:image/png;base64,YWJj", inlined, "{field} {text}");
        }
    }
    // The client reads one part ahead from a reader of unknown length. Here that may be all of it.
    for (length, inlined) in [(399, true), (400, false)] {
        let emulator = start_with_anything().await;
        let reader = FileInput::reader(&*some_bytes(length).leak(), None);
        let input = JsonInput::from(json!({})).file("a", reader).expect("a valid path");
        client(&emulator).endpoint(ANYTHING).run(input).inline_below(u64::MAX).await.expect("a response");
        assert_eq!(uploads(&emulator) == 0, inlined);
    }
}

#[tokio::test]
async fn a_failed_file_submits_nothing_and_the_error_names_its_field() {
    let emulator = start_instant().await;
    let client = client(&emulator);
    let endpoint = client.endpoint(inpainting::ENDPOINT);
    let good = FileInput::bytes(some_bytes(10), "image/png");

    let error = endpoint.run(input(good.clone(), FileInput::path("missing.png"))).await.expect_err("no file");
    assert_eq!(error.kind(), ErrorKind::File);
    for word in ["fal-ai/fast-sdxl-controlnet-canny/inpainting", "`mask_url`", "missing.png"] {
        assert!(error.to_string().contains(word), "{error}");
    }

    // Not the emulator above: the upload abandoned there may still arrive and would consume the fault.
    let refusing = start_instant().await;
    refusing.inject_fault(Operation::Upload, Fault::respond(413).json(&json!({ "detail": "too large" })));
    let refused = self::client(&refusing).endpoint(inpainting::ENDPOINT);
    let error = refused.submit(input(good, URL.into())).await.expect_err("refused");
    assert!(error.to_string().contains("`image_url`") && error.to_string().contains("too large"), "{error}");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(413));

    let files = JsonInput::from(json!({ "list": [1, 2] }))
        .file("/list/1", FileInput::path("missing.png"))
        .expect("a valid path");
    let error = client.endpoint(ANYTHING).subscribe(files).await.expect_err("no file");
    assert!(error.to_string().contains("`/list/1`"), "{error}");
    assert_eq!((sent(&emulator), sent(&refusing)), (None, None));
}

/// A reader of one byte that counts how many readers are being read. It stays pending long enough for others to start.
struct Watched {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    polls: usize,
}

impl tokio::io::AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        self.polls += 1;
        match self.polls {
            1 => {
                let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
                self.most.fetch_max(now, Ordering::Relaxed);
            }
            10 => {
                buffer.put_slice(b"x");
                return Poll::Ready(Ok(()));
            }
            11 => {
                self.now.fetch_sub(1, Ordering::Relaxed);
                return Poll::Ready(Ok(()));
            }
            _ => {}
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

#[tokio::test]
async fn files_are_uploaded_in_parallel_up_to_the_limit() {
    for (limit, expected) in [(1, 1), (3, 3)] {
        let emulator = start_with_anything().await;
        let policy = policy().parallel_files(limit);
        let client = emulator.client_builder().uploads(policy).build().expect("a client");
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut input = JsonInput::from(json!({}));
        for index in 0..8 {
            let reader = Watched { now: Arc::clone(&now), most: Arc::clone(&most), polls: 0 };
            input = input.file(format!("f{index}"), FileInput::reader(reader, None)).expect("a valid path");
        }
        client.endpoint(ANYTHING).run(input).await.expect("a response");
        assert_eq!((uploads(&emulator), most.load(Ordering::Relaxed)), (8, expected));
    }
}
