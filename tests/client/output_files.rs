//! The files of outputs: which values are files, their kinds, and their safety flags.

use std::collections::BTreeMap;

use fal_client::{Audio, File, Image, Media, MediaFile, MediaKind, Video};
use serde_json::{Value, json};

use crate::support::emulator::start_instant;
use crate::support::server::{Reply, Server};

/// A part that is one thing or another.
#[fal_client::output_union]
pub enum Part {
    /// An image.
    Image(Image),
    /// Several videos.
    Videos(Vec<Video>),
}

/// An object without metadata.
#[fal_client::output]
pub struct Sketch {
    /// The URL of the sketch.
    pub url: String,
    /// A page about it.
    pub page: Option<String>,
}

/// An output with every shape that has files.
#[fal_client::output]
pub struct Output {
    /// The images.
    pub images: Vec<Image>,
    /// The verdicts on the images.
    pub has_nsfw_concepts: Option<Vec<bool>>,
    /// A video.
    pub video: Option<File>,
    /// Narration.
    pub narration: Option<Audio>,
    /// Files by format.
    pub model_urls: Option<BTreeMap<String, File>>,
    /// Parts.
    pub parts: Option<Vec<Part>>,
    /// A sketch.
    pub sketch: Option<Box<Sketch>>,
    /// A URL.
    pub thumbnail_url: Option<String>,
    /// A text.
    pub text: Option<String>,
    /// Anything.
    pub extra: Option<Value>,
}

fn lines(files: &[MediaFile]) -> Vec<String> {
    let line = |file: &MediaFile| {
        let flag = file.flagged.map(|flagged| format!(" {flagged}")).unwrap_or_default();
        format!("{} {:?} {}{flag}", file.path, file.kind, file.url)
    };
    files.iter().map(line).collect()
}

fn typed(value: Value) -> Vec<String> {
    lines(&serde_json::from_value::<Output>(value).expect("an output").media())
}

fn untyped(value: &Value) -> Vec<String> {
    lines(&value.media())
}

#[test]
fn files_of_typed_outputs_are_found_wherever_they_are() {
    let found = typed(json!({
        "images": [{ "url": "https://h/a" }, { "url": "" }, { "url": "data:image/png;base64,AA" }],
        "video": { "url": "https://h/v", "content_type": "video/mp4" },
        "narration": { "url": "https://h/n.bin" },
        "model_urls": { "glb": { "url": "https://h/m.glb" }, "none": null },
        "parts": [{ "url": "https://h/p" }, [{ "url": "https://h/q" }], { "clip": { "url": "https://h/c.mp4" } }],
        "sketch": { "url": "https://h/s.png", "page": "https://h/s.png" },
        "thumbnail_url": "https://h/t",
        "text": "https://h/x.png",
        "extra": { "video": { "url": "https://h/e" } },
    }));
    assert_eq!(
        found,
        [
            "images[0] Image https://h/a",
            "images[2] Image data:image/png;base64,AA",
            "video Video https://h/v",
            "narration Audio https://h/n.bin",
            "model_urls.glb File https://h/m.glb",
            "parts[0] Image https://h/p",
            "parts[1][0] Video https://h/q",
            "parts[2].clip Video https://h/c.mp4",
            "sketch Image https://h/s.png",
            "thumbnail_url Image https://h/t",
            "extra.video Video https://h/e",
        ]
    );
}

#[test]
fn untyped_strings_are_files_only_by_their_fields() {
    for (value, expected) in [
        (json!({ "image": "https://h/a" }), vec!["image Image https://h/a"]),
        (json!({ "image_urls": ["https://h/a"] }), vec!["image_urls[0] Image https://h/a"]),
        (json!({ "video_url": "data:video/mp4;base64,AA" }), vec!["video_url Video data:video/mp4;base64,AA"]),
        (json!({ "model_url": "https://h/m.glb" }), vec!["model_url File https://h/m.glb"]),
        (json!({ "texture_urls": { "base": "https://h/b.png" } }), vec!["texture_urls.base Image https://h/b.png"]),
        (
            json!({ "result_url": "https://v3.fal.media/files/b/x" }),
            vec!["result_url File https://v3.fal.media/files/b/x"],
        ),
        (json!({ "archive_file": "https://h/all.zip" }), vec!["archive_file File https://h/all.zip"]),
        (json!({ "home_url": "https://h/" }), vec![]),
        (json!({ "page_url": "https://h/index.html" }), vec![]),
        (json!({ "text": "https://h/a.png", "prompt": "data:image/png;base64,AA" }), vec![]),
        (json!({ "image": "a fox at https://h/a.png", "video": "videos/a.mp4", "mask": "" }), vec![]),
        (json!("https://h/a.png"), vec![]),
        (
            json!({ "images": [{ "url": "https://h/a", "caption": "https://h/b" }] }),
            vec!["images[0] Image https://h/a"],
        ),
    ] {
        assert_eq!(untyped(&value), expected, "{value}");
    }
}

#[test]
fn untyped_objects_are_files_by_their_fields_or_by_their_url() {
    for (value, expected) in [
        (json!({ "out": { "url": "https://h/a", "content_type": "audio/wav" } }), vec!["out Audio https://h/a"]),
        (json!({ "url": "https://h/a", "file_name": "a.webm" }), vec![" Video https://h/a"]),
        (json!([{ "url": "https://h/a.jpg" }]), vec!["[0] Image https://h/a.jpg"]),
        (json!({ "mask": { "url": "https://h/a" } }), vec!["mask Image https://h/a"]),
        (json!({ "frames_zip": { "url": "https://h/a", "file_size": null } }), vec!["frames_zip File https://h/a"]),
        (
            json!({ "x": { "url": "https://h/a", "content_type": "application/octet-stream", "fps": 24.0 } }),
            vec!["x Video https://h/a"],
        ),
        (
            json!({ "media": { "url": "https://h/a", "content_type": "video/mp4", "start_frame_url": "https://h/s" } }),
            vec!["media Video https://h/a", "media.start_frame_url Image https://h/s"],
        ),
        (json!({ "citations": [{ "url": "https://h/article", "title": "A" }] }), vec![]),
        (json!({ "image": { "url": 7 }, "video": { "url": null } }), vec![]),
    ] {
        assert_eq!(untyped(&value), expected, "{value}");
    }
}

#[test]
fn facts_of_a_file_are_kept() {
    let value = json!({ "image": {
        "url": "https://h/a", "content_type": "image/png", "file_name": "fox.png", "file_size": 1234
    } });
    let file = &value.media()[0];
    let facts = (file.content_type.as_deref(), file.file_name.as_deref(), file.file_size, file.kind);
    assert_eq!(facts, (Some("image/png"), Some("fox.png"), Some(1234), MediaKind::Image));
}

#[test]
fn safety_flags_are_paired_with_files() {
    let images =
        |urls: &[&str]| -> Vec<Value> { urls.iter().map(|url| json!({ "url": format!("https://h/{url}") })).collect() };
    for (value, expected) in [
        (json!({ "images": images(&["a", "b"]), "has_nsfw_concepts": [true, false] }), vec![Some(true), Some(false)]),
        (json!({ "nsfw_content_detected": [false, null], "images": images(&["a", "b"]) }), vec![Some(false), None]),
        (json!({ "images": images(&["a", "b"]), "has_nsfw_concepts": [true] }), vec![Some(true), None]),
        (json!({ "images": images(&["a"]), "has_nsfw_concepts": [true, false] }), vec![None]),
        (json!({ "images": images(&["a"]), "has_nsfw_concepts": [false, false] }), vec![Some(false)]),
        (json!({ "images": images(&["a"]), "has_nsfw_concepts": [] }), vec![None]),
        (json!({ "images": images(&["a"]), "has_nsfw_concepts": null }), vec![None]),
        (json!({ "images": images(&["a", "b"]), "nsfw": true }), vec![Some(true), Some(true)]),
        (json!({ "video": { "url": "https://h/v.mp4" }, "moderation_flagged": true }), vec![Some(true)]),
        (json!({ "image": { "url": "https://h/a" }, "has_nsfw_concepts": [true] }), vec![Some(true)]),
        (json!({ "images": [{ "url": "https://h/a", "nsfw": 1 }, { "url": "https://h/b" }] }), vec![Some(true), None]),
        (
            json!({ "data": { "images": images(&["a", "b"]) }, "has_nsfw_concepts": [false, true] }),
            vec![Some(false), Some(true)],
        ),
        (json!({ "images": images(&["a"]), "nsfw_score": 0.9, "enable_nsfw_filter": true }), vec![None]),
    ] {
        let flags: Vec<Option<bool>> = value.media().iter().map(|file| file.flagged).collect();
        assert_eq!(flags, expected, "{value}");
        if let Ok(output) = serde_json::from_value::<Output>(value.clone())
            && value.get("has_nsfw_concepts").is_some()
            && value.get("images").is_some()
        {
            let flags: Vec<Option<bool>> = output.media().iter().map(|file| file.flagged).collect();
            assert_eq!(flags, expected, "typed {value}");
        }
    }
}

#[tokio::test]
async fn flags_are_paired_by_the_positions_in_the_response() {
    let body = json!({
        "images": [null, { "url": "https://h/a.png" }, 7, { "url": "https://h/b.png" }],
        "has_nsfw_concepts": [true, false, true, true],
    });
    let server = Server::start(move |_, _| Reply::json(200, &body.to_string())).await;
    let endpoint = fal_client::Endpoint::<Value, Output>::new("a/b");
    let response = server.client().endpoint(endpoint).run(json!({})).await.expect("an output");
    let paired: Vec<_> = response.media().into_iter().map(|file| (file.path, file.flagged)).collect();
    assert_eq!(paired, [("images[0]".to_owned(), Some(false)), ("images[1]".to_owned(), Some(true))]);
    // Without the response it is unknown which images were left out.
    assert_eq!(response.data.media()[0].flagged, None);
}

#[tokio::test]
async fn files_of_an_output_are_downloaded_and_used_as_inputs() {
    use fal_client::endpoints::fal_ai::flux::dev::redux;

    let emulator = start_instant().await;
    let client = emulator.client();
    let input = redux::Input::builder().image_url("https://example.com/fox.png").num_images(2);
    let response = client.endpoint(redux::ENDPOINT).subscribe(input).await.expect("an output");
    let files = response.media();
    assert_eq!(files.iter().map(|file| file.kind).collect::<Vec<_>>(), [MediaKind::Image; 2]);
    assert!(files.iter().all(|file| file.flagged == Some(false)), "{files:?}");

    let folder = tempfile::tempdir().expect("a folder");
    let saved = client.download_all(&files, folder.path()).await.expect("saved");
    assert_eq!(saved.len(), 2);
    let path = folder.path().join("one");
    client.download(&files[0], &path).await.expect("saved");
    assert_eq!(std::fs::read(path).expect("a file"), std::fs::read(&saved[0]).expect("a file"));
    let again = redux::Input::builder().image_url(&files[0]);
    client.endpoint(redux::ENDPOINT).run(again).await.expect("an output");
}

#[test]
fn hostile_outputs_are_bounded() {
    let many: Vec<Value> = (0..20_000).map(|_| json!({ "url": "https://h/a.png" })).collect();
    assert_eq!(json!({ "images": many }).media().len(), 10_000);

    let mut deep = json!({ "image": "https://h/a" });
    for _ in 0..10_000 {
        deep = Value::Array(vec![deep]);
    }
    assert_eq!(deep.media().len(), 0);
    // Dropping such a value recurses.
    std::mem::forget(deep);

    // The verdicts are read once, and not for each field.
    let mut wide: serde_json::Map<String, Value> = (0..200_000).map(|index| (format!("f{index}"), json!(1))).collect();
    wide.insert("has_nsfw_concepts".to_owned(), vec![true; 200_000].into());
    wide.insert("image".to_owned(), json!("https://h/a.png"));
    wide.insert("images".to_owned(), vec!["https://h/a.png"; 199_999].into());
    assert_eq!(Value::Object(wide).media().iter().filter(|file| file.flagged == Some(true)).count(), 10_000);

    let name = "x".repeat(5000);
    assert_eq!(json!({ name: { "image": "https://h/a" } }).media().len(), 0);
}

#[test]
fn debug_output_has_no_bytes_of_a_data_uri() {
    let value = json!({ "image": format!("data:image/png;base64,{}", "QUFB".repeat(100)) });
    let text = format!("{:?}", value.media());
    assert!(text.contains("data:image/png;base64,") && !text.contains("QUFB"), "{text}");
}
