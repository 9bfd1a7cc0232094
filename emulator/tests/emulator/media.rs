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
async fn generated_files_are_of_the_type_that_they_claim() {
    let names = ["audio_url", "video_url", "mesh_url", "lora_url", "zip_url", "json_url", "other_url"];
    let properties: Value = names.iter().map(|name| ((*name).to_owned(), json!({ "type": "string" }))).collect();
    let document = document("me/it", &json!({}), &object(&properties), &json!({}));
    let fal = Fal::start(Emulator::builder().document(document).pace(Pace::instant())).await;
    let output = fal.run("me/it", &json!({})).await.body;
    for (name, extension, content_type, is_valid) in [
        ("audio_url", "wav", "audio/wav", is_wav as fn(&[u8]) -> bool),
        ("video_url", "mp4", "video/mp4", is_mp4),
        ("mesh_url", "glb", "model/gltf-binary", is_glb),
        ("lora_url", "safetensors", "application/octet-stream", |bytes| {
            bytes[..8] == 8_u64.to_le_bytes() && serde_json::from_slice::<Value>(&bytes[8..]).unwrap() == json!({})
        }),
        ("zip_url", "zip", "application/zip", |bytes| bytes.len() == 22 && bytes.starts_with(b"PK\x05\x06")),
        ("json_url", "json", "application/json", |bytes| bytes == b"{}"),
        ("other_url", "txt", "text/plain; charset=utf-8", |bytes| bytes.starts_with(b"This file is a placeholder")),
    ] {
        let url = &output[name];
        assert!(url.as_str().unwrap().ends_with(&format!(".{extension}")), "{url}");
        let file = fetch(&fal.http, url).await;
        assert_eq!(file.headers()["content-type"], content_type);
        assert!(is_valid(&file.bytes().await.unwrap()), "{name}");
    }
}

fn is_wav(bytes: &[u8]) -> bool {
    bytes.starts_with(b"RIFF") && bytes[8..12] == *b"WAVE"
}

/// Walks the boxes of an MP4.
fn is_mp4(bytes: &[u8]) -> bool {
    let mut kinds = Vec::new();
    let mut rest = bytes;
    while let Some((head, _)) = rest.split_first_chunk::<8>() {
        let length = u32::from_be_bytes(head[..4].try_into().unwrap()) as usize;
        kinds.push(String::from_utf8(head[4..].to_vec()).unwrap());
        rest = &rest[length..];
    }
    rest.is_empty() && kinds[0] == "ftyp" && kinds.contains(&"moov".to_owned()) && kinds.contains(&"mdat".to_owned())
}

/// Walks the chunks of a binary glTF file, and reads the scene.
fn is_glb(bytes: &[u8]) -> bool {
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let (scene, corners) = (number(12), number(20 + number(12)));
    let text: Value = serde_json::from_slice(&bytes[20..20 + scene]).unwrap();
    bytes.starts_with(b"glTF\x02\0\0\0")
        && number(8) == bytes.len()
        && bytes[16..20] == *b"JSON"
        && bytes[24 + scene..28 + scene] == *b"BIN\0"
        && bytes.len() == 28 + scene + corners
        && text["buffers"][0]["byteLength"] == corners
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
