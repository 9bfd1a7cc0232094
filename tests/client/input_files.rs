//! The files of an input go up before it goes out, on every call.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting;
use fal_client::{Client, ErrorKind, FileInput, JsonInput};
use serde_json::{Value, json};
use tokio::io::ReadBuf;

use crate::support::server::{Reply, Seen};
use crate::support::storage::{Fault, Storage, hash, some_bytes};

const URL: &str = "https://example.com/room.png";

fn input(image: FileInput, mask: FileInput) -> inpainting::Input {
    inpainting::Input::builder().prompt("a").control_image_url(URL).image_url(image).mask_url(mask).build()
}

/// The JSON that was sent to the endpoint.
fn sent(storage: &Storage) -> Option<Value> {
    let calls: Vec<Seen> =
        storage.server().seen().into_iter().filter(|seen| seen.target.contains("/fal-ai/")).collect();
    assert!(calls.len() <= 1, "{calls:?}");
    calls.first().map(Seen::json)
}

fn client(storage: &Storage) -> Client {
    storage.builder().build().expect("a client")
}

#[tokio::test]
async fn run_submit_and_subscribe_send_urls_in_place_of_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("room.png");
    std::fs::write(&path, some_bytes(2000)).expect("a file");
    for call in ["run", "submit", "subscribe"] {
        let storage = Storage::start().await;
        let input = input(FileInput::path(&path), FileInput::bytes(some_bytes(10), "image/webp"));
        let endpoint = client(&storage).endpoint(inpainting::ENDPOINT);
        match call {
            "run" => drop(endpoint.run(input).await),
            "submit" => drop(endpoint.submit(input).await.expect("a job")),
            _ => drop(endpoint.subscribe(input).timeout(std::time::Duration::from_millis(1000)).await),
        }
        let storage_seen = storage.server().seen();
        let posted = storage_seen.iter().find(|seen| seen.target.contains("/fal-ai/") && seen.method == "POST");
        let json = posted.expect(call).json();
        for (field, length, content_type) in [("image_url", 2000, "image/png"), ("mask_url", 10, "image/webp")] {
            let kept = storage.file(json[field].as_str().expect("a URL")).expect("a file");
            assert_eq!((hash(&kept.bytes), &*kept.content_type), (hash(&some_bytes(length)), content_type), "{call}");
        }
        assert_eq!(json["control_image_url"], URL);
        assert_eq!(storage.files(), 2);
    }
}

#[tokio::test]
async fn files_in_objects_and_lists_are_found_and_the_same_file_goes_up_once() {
    let storage = Storage::start().await;
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
        .expect("places");
    client(&storage).endpoint("fal-ai/any").run(input).await.expect("an answer");
    let sent = sent(&storage).expect("a call");
    let length = |value: &Value| storage.file(value.as_str().expect("a URL")).expect("a file").bytes.len();
    assert_eq!(sent["a"], sent["list"][0]["url"]);
    assert_eq!(sent["list"][1], sent["list"][2][1]);
    assert_eq!(sent["list"][1], sent["other"]["~new/"]);
    assert_ne!(sent["list"][1], sent["b/c"]);
    assert_eq!(sent["r"], sent["s"]);
    assert_eq!([&sent["a"], &sent["list"][1], &sent["b/c"], &sent["r"]].map(length), [10, 20, 20, 30]);
    assert_eq!((&sent["u"], &sent["prompt"], &sent["other"]["x"]), (&json!(URL), &json!("a"), &json!(1)));
    assert_eq!(storage.files(), 4);
}

#[tokio::test]
async fn json_has_no_place_for_a_file_where_there_is_none() {
    for (value, place) in [
        (json!({}), "/a/b"),
        (json!({ "a": [] }), "/a/0"),
        (json!({ "a": 1 }), "/a/b"),
        (json!([]), "a"),
        (json!(null), "a"),
    ] {
        let error = JsonInput::from(value.clone()).file(place, URL).expect_err(place);
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(place), "{error}");
    }
    let error = JsonInput::from(json!({ "loras": [{}] })).file("loras[0].path", URL).expect_err("no pointer");
    assert!(error.to_string().contains("`/loras/0/path`"), "{error}");
    // A place can be given another file, and what is above it too.
    let input = JsonInput::from(json!({ "a": {} })).file("/a/b", FileInput::path("x")).expect("a place");
    let input = input.file("/a/b", URL).expect("a place");
    assert_eq!(serde_json::to_value(&input).expect("JSON"), json!({ "a": { "b": URL } }));
    let input = input.file("/a/b", FileInput::path("x")).and_then(|input| input.file("a", URL)).expect("a place");
    assert_eq!(serde_json::to_value(&input).expect("JSON"), json!({ "a": URL }));
}

#[tokio::test]
async fn plain_json_is_sent_as_it_is() {
    let storage = Storage::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("secret.txt");
    std::fs::write(&path, b"secret").expect("a file");
    let input = json!({ "image_url": path, "other": "file:///etc/passwd", "data": "data:text/plain,a", "n": null });
    client(&storage).endpoint("fal-ai/any").run(input.clone()).await.expect("an answer");
    assert_eq!((sent(&storage), storage.files()), (Some(input), 0));
}

#[tokio::test]
async fn text_without_a_scheme_is_refused_before_anything_is_sent() {
    let storage = Storage::start().await;
    for text in ["room.png", "/etc/passwd", "file:///etc/passwd", "C:\\room.png", ""] {
        let image = FileInput::from(text);
        let call = client(&storage).endpoint(inpainting::ENDPOINT);
        let error = call.run(input(image, FileInput::bytes(some_bytes(10), "image/png"))).await.expect_err(text);
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(error.field_errors()[0].path(), "image_url");
        assert!(error.to_string().contains("FileInput::path"), "{error}");

        let json = JsonInput::from(json!({ "images": [{}] })).file("/images/0/url", text).expect("a place");
        let error = client(&storage).endpoint("fal-ai/any").submit(json).await.expect_err(text);
        assert_eq!(error.field_errors()[0].path(), "images[0].url");
        assert!(error.is_invalid_input() && error.to_string().contains("FileInput::path"), "{error}");
    }
    assert!(storage.server().seen().is_empty());
}

#[tokio::test]
async fn small_files_go_into_the_input_where_that_is_wished() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.png");
    std::fs::write(&path, b"abc").expect("a file");
    for (policy, below, inlined) in [
        (0, None, false),
        (3, None, false),
        (4, None, true),
        (0, Some(4), true),
        (4, Some(0), false),
        (4, Some(3), false),
    ] {
        let storage = Storage::start().await;
        let client = storage.builder().uploads(Storage::policy().inline_below(policy)).build().expect("a client");
        let files = [
            ("bytes", FileInput::bytes(&b"abc"[..], "image/png")),
            ("path", FileInput::path(&path)),
            ("told", FileInput::reader(&b"abc"[..], 3).content_type("image/png")),
        ];
        let mut input = JsonInput::from(json!({}));
        for (place, file) in files {
            input = input.file(place, file).expect("a place");
        }
        let run = client.endpoint("fal-ai/any").run(input);
        match below {
            Some(below) => drop(run.inline_below(below).await.expect("an answer")),
            None => drop(run.await.expect("an answer")),
        }
        let sent = sent(&storage).expect("a call");
        for place in ["bytes", "path", "told"] {
            let text = sent[place].as_str().expect("text");
            assert_eq!(text == "data:image/png;base64,YWJj", inlined, "{place} {text}");
        }
    }
    // Of a reader one part is read ahead, which may be all that it has.
    for (length, inlined) in [(399, true), (400, false)] {
        let storage = Storage::start().await;
        let reader = FileInput::reader(&*some_bytes(length).leak(), None);
        let input = JsonInput::from(json!({})).file("a", reader).expect("a place");
        client(&storage).endpoint("fal-ai/any").run(input).inline_below(u64::MAX).await.expect("an answer");
        assert_eq!(storage.files() == 0, inlined);
    }
}

#[tokio::test]
async fn if_one_file_fails_nothing_is_submitted_and_the_error_names_the_field() {
    let storage = Storage::start().await;
    let client = client(&storage);
    let endpoint = client.endpoint(inpainting::ENDPOINT);
    let good = FileInput::bytes(some_bytes(10), "image/png");

    let error = endpoint.run(input(good.clone(), FileInput::path("nobody.png"))).await.expect_err("no file");
    assert_eq!(error.kind(), ErrorKind::File);
    for word in ["fal-ai/fast-sdxl-controlnet-canny/inpainting", "`mask_url`", "nobody.png"] {
        assert!(error.to_string().contains(word), "{error}");
    }

    // A storage of its own: the upload that the call before gave up may still be arriving there, and would take the fault.
    let refusing = Storage::start().await;
    refusing.fault("upload", Fault::Answer(Reply::json(413, r#"{"detail":"too large"}"#)));
    let refused = self::client(&refusing).endpoint(inpainting::ENDPOINT);
    let error = refused.submit(input(good, URL.into())).await.expect_err("refused");
    assert!(error.to_string().contains("`image_url`") && error.to_string().contains("too large"), "{error}");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(413));

    let files =
        JsonInput::from(json!({ "list": [1, 2] })).file("/list/1", FileInput::path("nobody.png")).expect("a place");
    let error = client.endpoint("fal-ai/any").subscribe(files).await.expect_err("no file");
    assert!(error.to_string().contains("`/list/1`"), "{error}");
    assert_eq!((sent(&storage), sent(&refusing)), (None, None));
}

/// A reader that is not ready before others are being read, too; tells how many are.
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
async fn several_files_go_up_at_once_and_no_more_than_were_asked_for() {
    for (files_at_once, expected) in [(1, 1), (3, 3)] {
        let storage = Storage::start().await;
        let policy = Storage::policy().files_at_once(files_at_once);
        let client = storage.builder().uploads(policy).build().expect("a client");
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut input = JsonInput::from(json!({}));
        for index in 0..8 {
            let reader = Watched { now: Arc::clone(&now), most: Arc::clone(&most), polls: 0 };
            input = input.file(format!("f{index}"), FileInput::reader(reader, None)).expect("a place");
        }
        client.endpoint("fal-ai/any").run(input).await.expect("an answer");
        assert_eq!((storage.files(), most.load(Ordering::Relaxed)), (8, expected));
    }
}
