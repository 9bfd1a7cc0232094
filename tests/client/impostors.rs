//! Pages, JSON or nothing that a host returns instead of a file. It is an error with the host's words, and nothing is
//! saved. In a folder, the extension of a file follows its type.

use fal_client::{Audio, ErrorKind, File, Image, MediaUrl, Video};

use crate::support::server::{Reply, Server};

const PNG: &str = "\u{89}PNG\r\n\u{1a}\n";

/// A server that returns these bytes, one for each character.
async fn serving(content_type: &'static str, body: &'static str) -> Server {
    let bytes: Vec<u8> = body.chars().map(|c| u8::try_from(u32::from(c)).expect("a byte")).collect();
    Server::start(move |_, _| Reply::text(200, content_type, "").with_bytes(&bytes)).await
}

/// Downloads a file of a server in every way. Nothing may be saved.
async fn refused(server: &Server, media: impl Into<MediaUrl>) -> String {
    let (client, media) = (server.client(), media.into());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("saved");
    let error = client.download(media.clone(), &path).await.expect_err("not the file");
    assert_eq!(error.kind(), ErrorKind::UnexpectedResponse, "{error}");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(200));
    let mut written = Vec::new();
    client.download_to(media.clone(), &mut written).await.expect_err("not the file");
    client.download_bytes(media.clone()).await.expect_err("not the file");
    client.download_all([media], folder.path()).await.expect_err("not the file");
    assert_eq!((std::fs::read_dir(folder.path()).expect("a folder").count(), written.len()), (0, 0));
    error.to_string()
}

#[tokio::test]
async fn a_page_or_data_is_not_saved_as_an_image() {
    for (content_type, body, name, words) in [
        (
            "text/html; charset=utf-8",
            "<!DOCTYPE html><title>Sign in</title>",
            "fox.png",
            "a page instead of image/png: Sign in",
        ),
        (
            "text/html",
            "<html><body><h1>Gone fishing</h1></body></html>",
            "fox.mp4",
            "a page instead of video/mp4: Gone fishing",
        ),
        (
            "application/json",
            r#"{"detail":"quota exceeded"}"#,
            "fox.webp",
            "JSON instead of image/webp: quota exceeded",
        ),
        ("application/problem+json", r#"{"title":"expired"}"#, "fox.gif", "JSON instead of image/gif: expired"),
        (
            "application/xml",
            "<?xml version='1.0'?><Error><Message>denied</Message></Error>",
            "a.wav",
            "XML instead of audio/wav: denied",
        ),
        // The bytes say what the host does not.
        ("image/png", "<!doctype html><title>Blocked</title>", "fox.png", "a page instead of image/png: Blocked"),
        (
            "application/octet-stream",
            r#"{"error":"no such file"}"#,
            "fox.mp3",
            "JSON instead of audio/mpeg: no such file",
        ),
        ("image/svg+xml", "<html><title>Not found</title>", "fox.svg", "a page instead of image/svg+xml: Not found"),
        ("text/plain", "Access denied", "fox.jpg", "text/plain instead of image/jpeg: Access denied"),
        ("text/html", "<title>Sign in</title>", "room.glb", "a page instead of model/gltf-binary: Sign in"),
        ("text/html", "", "fox.png", "an empty file instead of image/png"),
    ] {
        let server = serving(content_type, body).await;
        let message = refused(&server, format!("{}/files/{name}?x=1", server.base())).await;
        assert!(message.starts_with(&format!("the file's host returned {words}")), "{name}: {message}");
    }
}

#[tokio::test]
async fn the_output_says_what_the_url_does_not() {
    let server = serving("text/html", "<!DOCTYPE html><title>Sign in</title>").await;
    let url = format!("{}/files/7", server.base());
    for (media, expected) in [
        (MediaUrl::from(&Image::new(&url)), "an image"),
        (MediaUrl::from(&Video::new(&url)), "a video"),
        (MediaUrl::from(&Audio::new(&url)), "audio"),
        (MediaUrl::from(&serde_json::json!({ "url": url, "content_type": "image/webp" })), "image/webp"),
        (MediaUrl::from(&serde_json::json!({ "url": url, "file_name": "fox.heic" })), "image/heic"),
    ] {
        let message = refused(&server, media).await;
        assert!(
            message.starts_with(&format!("the file's host returned a page instead of {expected}: Sign in")),
            "{message}"
        );
    }
    // The path says what the caller expects.
    let folder = tempfile::tempdir().expect("a folder");
    let error = server.client().download(&url, folder.path().join("fox.png")).await.expect_err("a page");
    assert!(error.to_string().contains("a page instead of image/png: Sign in"), "{error}");
    server.client().download(&url, folder.path().join("page.html")).await.expect("a page");
    // Nothing says that it is not a page.
    let page = server.client().download_bytes(&File::new(&url)).await.expect("a page");
    assert!(page.starts_with(b"<!DOCTYPE"));
    let named = format!("{}/files/report.html", server.base());
    server.client().download_bytes(named).await.expect("a page");
}

#[tokio::test]
async fn nothing_is_not_saved_as_an_image() {
    for (content_type, name) in
        [("image/png", "fox.png"), ("video/mp4", "7"), ("application/octet-stream", "fox.mov"), ("a/b", "a.zip")]
    {
        let server = serving(content_type, "").await;
        let message = refused(&server, format!("{}/{name}", server.base())).await;
        assert!(message.contains("returned an empty file instead of"), "{name}: {message}");
    }
    let client = fal_client::Client::builder().anonymous().build().expect("a client");
    client.download_bytes("data:image/png;base64,").await.expect_err("an empty image");
    // A text may be empty.
    let server = serving("text/plain", "").await;
    assert_eq!(server.client().download_bytes(format!("{}/log.txt", server.base())).await.expect("nothing"), "");
}

#[tokio::test]
async fn an_endless_page_is_read_to_a_limit() {
    let server = Server::start(|_, _| Reply::text(200, "text/html", &"<p>no ".repeat(1 << 20)).stalled()).await;
    let error = server.client().download_bytes(format!("{}/fox.png", server.base())).await.expect_err("a page");
    assert_eq!(error.body().map(|body| body.len()), Some(64 << 10));
    assert!(error.to_string().len() < 2000, "{error}");
}

#[tokio::test]
async fn real_files_are_saved_whatever_the_host_calls_them() {
    for (content_type, body, name, saved) in [
        ("image/png", PNG, "fox.png", "fox.png"),
        ("text/html", PNG, "fox.png", "fox.png"),
        ("application/json", PNG, "fox", "fox.png"),
        ("image/webp", "unknown bytes", "fox.png", "fox.webp"),
        ("image/webp", PNG, "fox.jpg", "fox.png"),
        ("image/jpg", "unknown bytes", "fox.jpeg", "fox.jpeg"),
        ("image/jpeg", "unknown bytes", "fox.png.JPG", "fox.png.JPG"),
        ("application/octet-stream", "unknown bytes", "fox.png", "fox.png"),
        ("application/octet-stream", "GIF89a", "fox.png", "fox.gif"),
        ("audio/mpeg", "unknown bytes", "voice.wav", "voice.mp3"),
        ("video/mp4", "\0\0\0\u{14}ftypqt  \0\0\0\0qt  ", "clip.mp4", "clip.mov"),
        ("video/mp4", "\0\0\0\u{14}ftypisom\0\0\0\0mp41", "voice.m4a", "voice.m4a"),
        ("image/svg+xml", "<?xml version='1.0'?><svg/>", "fox.svg", "fox.svg"),
        ("text/plain", "v 0 0 0", "room.obj", "room.obj"),
        ("application/zip", "PK\u{3}\u{4}", "weights.pt", "weights.pt"),
        ("application/json", "{}", "config.json", "config.json"),
        ("text/plain; charset=utf-8", "a,b", "table.csv", "table.csv"),
    ] {
        let server = serving(content_type, body).await;
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("{}/files/{name}", server.base());
        let paths = server.client().download_all([&url], folder.path()).await.expect(name);
        assert_eq!(paths, [folder.path().join(saved)], "{content_type}");
        // A path that the caller chose is kept.
        let path = folder.path().join("mine.xyz");
        assert_eq!(server.client().download(&url, &path).await.expect(name), path);
    }
}

#[tokio::test]
async fn texts_may_be_media_and_json_never_is() {
    for (name, content_type, body, is_file) in [
        ("a.m3u8", "text/plain", "#EXTM3U", true),
        ("a.ppm", "text/plain", "P3\n1 1\n255\n0 0 0", true),
        ("a.ts", "text/plain", "export const a = 1;", true),
        ("a.svg", "text/plain", "<svg/>", true),
        ("a.png", "text/plain", "gone", false),
        ("a.png", "application/octet-stream", "[1, 2]", false),
        ("a.png", "application/octet-stream", "\"gone\"", false),
        ("a.mp4", "application/octet-stream", "<Error><Code>NoSuchKey</Code></Error>", false),
        ("a.png", "image/png", "<h1>Sorry</h1>", false),
        ("a.json", "application/octet-stream", "[1, 2]", true),
        ("a.txt", "application/octet-stream", "\"quoted\"", true),
    ] {
        let server = Server::start(move |_, _| Reply::text(200, content_type, body)).await;
        let downloaded = server.client().download_bytes(format!("{}/{name}", server.base())).await;
        assert_eq!(downloaded.is_ok(), is_file, "{name} {content_type} {body}: {downloaded:?}");
    }
}
