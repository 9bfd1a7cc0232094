use std::io::Cursor;

use fal_emulator::{Emulator, Pace};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use crate::fal::{Fal, INPAINTING, document, inpainting_with, object};

/// Decodes a PNG completely, and returns width and height.
fn png_size(bytes: &[u8]) -> (u32, u32) {
    let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info.width, info.height)
}

async fn fetch(http: &Client, url: &Value) -> Response {
    http.get(url.as_str().unwrap()).send().await.unwrap()
}

#[tokio::test]
async fn image_is_a_png_of_the_requested_size() {
    let fal = Fal::instant().await;
    let input = inpainting_with(json!({ "image_size": { "width": 320, "height": 200 }, "num_images": 2 }));
    let output = fal.run(INPAINTING, &input).await.body;
    let images = output["images"].as_array().unwrap();
    let mut pictures = Vec::new();
    for image in images {
        assert_eq!((&image["width"], &image["height"]), (&json!(320), &json!(200)));
        assert_eq!(image["content_type"], "image/png");
        assert!(image["url"].as_str().unwrap().starts_with(&format!("{}/v3.fal.media/files/", fal.base_url())));
        let response = fetch(&fal.http, &image["url"]).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "image/png");
        let bytes = response.bytes().await.unwrap();
        assert_eq!(png_size(&bytes), (320, 200));

        let head = fal.http.head(image["url"].as_str().unwrap()).send().await.unwrap();
        assert_eq!(head.status(), 200);
        assert_eq!(head.headers()["content-length"].to_str().unwrap(), bytes.len().to_string());
        pictures.push(bytes);
    }
    assert_ne!(pictures[0], pictures[1]);
}

#[tokio::test]
async fn extreme_image_sizes_are_drawn() {
    let fal = Fal::instant().await;
    for (width, height) in [(1, 1), (1, 300), (97, 3)] {
        let size = json!({ "image_size": { "width": width, "height": height } });
        let output = fal.run(INPAINTING, &inpainting_with(size)).await.body;
        let bytes = fetch(&fal.http, &output["images"][0]["url"]).await.bytes().await.unwrap();
        assert_eq!(png_size(&bytes), (width, height));
    }
}

#[tokio::test]
async fn sync_mode_returns_the_image_inline() {
    let fal = Fal::instant().await;
    let size = json!({ "width": 30, "height": 20 });
    let job = fal.submit(INPAINTING, &inpainting_with(json!({ "sync_mode": true, "image_size": size }))).await;
    let url = fal.get(&job.path).await.body["images"][0]["url"].as_str().unwrap().to_owned();
    let base64 = url.strip_prefix("data:image/png;base64,").unwrap();
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, base64).unwrap();
    assert_eq!(png_size(&bytes), (30, 20));
}

#[tokio::test]
async fn other_generated_files_are_readable() {
    let schema = object(&json!({ "audio_url": { "type": "string" }, "zip_url": { "type": "string" } }));
    let document = document("me/it", &json!({}), &schema, &json!({}));
    let fal = Fal::start(Emulator::builder().document(document).pace(Pace::instant())).await;
    let output = fal.run("me/it", &json!({})).await.body;
    let audio = fetch(&fal.http, &output["audio_url"]).await;
    assert_eq!(audio.headers()["content-type"], "audio/wav");
    let wav = audio.bytes().await.unwrap();
    assert!(wav.starts_with(b"RIFF") && wav.len() == 8044);
    let other = fetch(&fal.http, &output["zip_url"]).await;
    assert_eq!(other.headers()["content-type"], "text/plain; charset=utf-8");
}

#[tokio::test]
async fn unknown_files_are_not_found() {
    let fal = Fal::instant().await;
    for name in [
        "",
        "emulator",
        "emulator/x.png",
        "emulator/0000000000000001-0x1.png",
        "emulator/0000000000000001-99999x99999.png",
        "emulator/0000000000000001-4294967297x1.png",
        "emulator/..%2f..%2fetc%2fpasswd",
        "other/0000000000000001-1x1.png",
    ] {
        let reply = crate::fal::send(fal.anonymous(Method::GET, &format!("/v3.fal.media/files/{name}"))).await;
        assert_eq!(reply.status, 404, "{name}");
    }
}
