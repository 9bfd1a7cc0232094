use std::io::Cursor;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::fal::{Fal, INPAINTING, inpainting_with};

type Pixel = [u8; 3];

/// Encodes a PNG with RGB pixels.
fn png(width: u32, height: u32, pixel: impl Fn(u32, u32) -> Pixel) -> Vec<u8> {
    let pixels: Vec<u8> =
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y)).collect();
    encoded(width, height, png::ColorType::Rgb, png::BitDepth::Eight, &pixels)
}

fn encoded(width: u32, height: u32, color: png::ColorType, depth: png::BitDepth, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(data).unwrap();
    writer.finish().unwrap();
    bytes
}

/// Decodes a PNG, and returns size and pixels.
fn read(png: &[u8]) -> (u32, u32, Vec<Pixel>) {
    let mut reader = png::Decoder::new(Cursor::new(png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info.width, info.height, pixels.chunks_exact(3).map(|it| [it[0], it[1], it[2]]).collect())
}

/// Returns the first image of an endpoint's output.
async fn image(fal: &Fal, input: &Value) -> (u32, u32, Vec<Pixel>) {
    let output = fal.run(INPAINTING, input).await;
    assert_eq!(output.status, 200, "{output:?}");
    let image = &output.body["images"][0];
    let bytes = fal.http.get(image["url"].as_str().unwrap()).send().await.unwrap().bytes().await.unwrap();
    let (width, height, pixels) = read(&bytes);
    assert_eq!((&image["width"], &image["height"]), (&json!(width), &json!(height)));
    (width, height, pixels)
}

/// Returns a pixel of an image that is red on the left and blue on the right.
fn flag(x: u32, _: u32) -> Pixel {
    if x < 20 { [255, 0, 0] } else { [0, 0, 255] }
}

fn uri(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(png))
}

#[tokio::test]
async fn uploaded_image_shows_through_the_output() {
    let fal = Fal::instant().await;
    let url = fal.uploaded("image/png", png(40, 30, flag)).await;
    let inline = uri(&png(40, 30, flag));
    for image_url in [url, inline] {
        let (width, height, pixels) = image(&fal, &inpainting_with(json!({ "image_url": image_url }))).await;
        assert_eq!((width, height), (40, 30));
        for (at, [red, _, blue]) in pixels.iter().enumerate() {
            let (own, other) = if at % 40 < 20 { (red, blue) } else { (blue, red) };
            assert!(*own >= 191 && *other <= 64, "{at}: {red} {blue}");
        }
    }
}

/// The image of [`flag`], as other formats than PNG.
const FLAGS: [&str; 3] = [
    "data:image/jpeg;base64,/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQE\
     RMUFRUVDA8XGBYUGBIUFRT/2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBT/wAARCAAe\
     ACgDASIAAhEBAxEB/8QAFwABAQEBAAAAAAAAAAAAAAAAAAYHCP/EABgQAQADAQAAAAAAAAAAAAAAAAAHRYPC/8QAFQEBAQAAAAAAAAAAAAAAAAAACQf/xAAbE\
     QABBQEBAAAAAAAAAAAAAAAAAwc2g7MEBf/aAAwDAQACEQMRAD8A50AQwVMgZVq9eEAv5Vq9eEAVRkoB51u6ga7vzfvrxTAC5EcN9AByMWQMq1evCAX8q1evCA\
     KoyUA863dQNd35v314pgBciOH/2Q==",
    "data:image/webp;base64,UklGRigAAABXRUJQVlA4TBsAAAAvJ0AHAA8Q87//8x8OhASEB/6v9UCO6H+UMAQA",
    "data:image/webp;base64,UklGRoAAAABXRUJQVlA4IHQAAABQBQCdASooAB4APjEUiEKiISEYBAAgAwSgDIxoB+EH4AbgBhgPwArv/cAAL3mDP7VLOQAA/veil\
     /+vRQy8jgt//4WZ/CzP4WZ/8K4/iENIyxBKEj/D/t89Jd5q//D/mviWtYB5m+18S1rA7YH8DfMkxpAAAA==",
];

#[tokio::test]
async fn source_images_may_be_jpeg_and_webp() {
    let fal = Fal::instant().await;
    for flag in FLAGS {
        let (width, height, pixels) = image(&fal, &inpainting_with(json!({ "image_url": flag }))).await;
        assert_eq!((width, height), (40, 30));
        let [left, right] = [pixels[15 * 40 + 5], pixels[15 * 40 + 35]];
        assert!(left[0] >= 180 && left[2] <= 70 && right[0] <= 70 && right[2] >= 180, "{left:?} {right:?}");
    }
    // Damaged images are ignored.
    for flag in FLAGS {
        let damaged = &flag[..flag.len() / 2 / 4 * 4];
        let (kind, data) = damaged.split_once(',').unwrap();
        let damaged = format!("{kind},{}", &data[..data.len() / 4 * 4]);
        assert_eq!(fal.run(INPAINTING, &inpainting_with(json!({ "image_url": damaged }))).await.status, 200);
    }
}

#[tokio::test]
async fn source_image_stays_where_the_mask_is_black() {
    let fal = Fal::instant().await;
    let picture = fal.uploaded("image/png", png(40, 30, flag)).await;
    // The lower half of the mask is white, so it is painted.
    let mask = fal.uploaded("image/png", png(40, 30, |_, y| if y < 15 { [0; 3] } else { [255; 3] })).await;
    let input = inpainting_with(json!({ "image_url": picture, "mask_url": mask, "seed": 7 }));
    let (_, _, pixels) = image(&fal, &input).await;
    let original: Vec<Pixel> = (0..30).flat_map(|y| (0..40).map(move |x| flag(x, y))).collect();
    assert_eq!(pixels[..600], original[..600]);
    assert!(pixels[600..].iter().zip(&original[600..]).all(|(new, old)| new != old));
    // The painted half depends on prompt and seed.
    let other = inpainting_with(json!({ "image_url": picture, "mask_url": mask, "seed": 8 }));
    assert_ne!(image(&fal, &other).await.2[600..], pixels[600..]);
}

#[tokio::test]
async fn output_has_the_source_size_by_default() {
    let fal = Fal::instant().await;
    let picture = uri(&png(40, 30, flag));
    let input = inpainting_with(json!({ "image_url": picture, "image_size": { "width": 80, "height": 20 } }));
    let (width, height, pixels) = image(&fal, &input).await;
    assert_eq!((width, height), (80, 20));
    assert!(pixels[39][0] >= 191 && pixels[40][2] >= 191);
    // Without a source image, the control image is used.
    let input = inpainting_with(json!({ "control_image_url": picture }));
    let (width, height, _) = image(&fal, &input).await;
    assert_eq!((width, height), (40, 30));
}

#[tokio::test]
async fn every_png_colour_type_is_decoded() {
    use png::{BitDepth, ColorType};
    let fal = Fal::instant().await;
    for (color, depth, sample) in [
        (ColorType::Grayscale, BitDepth::Eight, vec![255]),
        (ColorType::GrayscaleAlpha, BitDepth::Eight, vec![255, 9]),
        (ColorType::Rgba, BitDepth::Eight, vec![255, 255, 255, 9]),
        (ColorType::Rgb, BitDepth::Sixteen, vec![255; 6]),
    ] {
        let picture = encoded(4, 4, color, depth, &sample.repeat(16));
        let input = inpainting_with(json!({ "image_url": uri(&picture) }));
        let (width, height, pixels) = image(&fal, &input).await;
        assert_eq!((width, height), (4, 4), "{color:?}");
        assert!(pixels.iter().flatten().all(|channel| *channel >= 191), "{color:?}");
    }
}

#[tokio::test]
async fn source_that_is_not_an_image_is_ignored() {
    let fal = Fal::instant().await;
    let mut broken = png(40, 30, flag);
    broken.truncate(60);
    let jpeg = fal.uploaded("image/jpeg", "no picture").await;
    for image_url in [jpeg, uri(&broken), "data:image/png;base64,%%%".to_owned(), "data:,".to_owned()] {
        let (width, height, _) = image(&fal, &inpainting_with(json!({ "image_url": image_url }))).await;
        assert_eq!((width, height), (512, 512), "{image_url}");
    }
}

#[tokio::test]
async fn output_image_works_as_the_next_input() {
    let fal = Fal::instant().await;
    let small = json!({ "image_size": { "width": 40, "height": 30 } });
    let drawn = fal.run(INPAINTING, &inpainting_with(small)).await.body["images"][0]["url"].clone();
    let black = uri(&png(1, 1, |_, _| [0; 3]));
    // The black mask keeps the image over two steps.
    let kept = inpainting_with(json!({ "image_url": drawn, "mask_url": black }));
    let kept = fal.run(INPAINTING, &kept).await.body["images"][0]["url"].clone();
    let (width, height, pixels) = image(&fal, &inpainting_with(json!({ "image_url": kept, "mask_url": black }))).await;
    let bytes = fal.http.get(drawn.as_str().unwrap()).send().await.unwrap().bytes().await.unwrap();
    assert_eq!((width, height, pixels), read(&bytes));
}

#[tokio::test]
async fn source_image_is_used_in_the_queue_and_in_sync_mode() {
    let fal = Fal::instant().await;
    let (picture, black) = (png(40, 30, flag), uri(&png(1, 1, |_, _| [0; 3])));
    let url = fal.uploaded("image/png", picture.clone()).await;
    let input = inpainting_with(json!({ "image_url": url, "mask_url": black, "num_images": 2 }));
    let job = fal.submit(INPAINTING, &input).await;
    let result = fal.get(&job.path).await.body;
    assert_eq!(fal.get(&job.path).await.body, result);
    for image in result["images"].as_array().unwrap() {
        let bytes = fal.http.get(image["url"].as_str().unwrap()).send().await.unwrap().bytes().await.unwrap();
        assert_eq!(read(&bytes), read(&picture));
    }
    assert_ne!(result["images"][0]["url"], result["images"][1]["url"]);

    let input = inpainting_with(json!({ "image_url": url, "mask_url": black, "sync_mode": true }));
    let output = fal.run(INPAINTING, &input).await.body;
    let data = output["images"][0]["url"].as_str().unwrap().strip_prefix("data:image/png;base64,").unwrap();
    assert_eq!(read(&STANDARD.decode(data).unwrap()), read(&picture));
    // A generated file is not an upload.
    assert_eq!(fal.files().len(), 1);
}

#[tokio::test]
async fn missing_source_file_fails_the_request() {
    let fal = Fal::instant().await;
    let upload = fal
        .upload(&fal.token().await, "image/png", png(4, 4, flag))
        .header("x-fal-object-lifecycle", r#"{"expiration_duration_seconds":60}"#);
    let uploaded = upload.send().await.unwrap().json::<Value>().await.unwrap();
    let there = inpainting_with(json!({ "image_url": uploaded["access_url"] }));
    assert_eq!(fal.run(INPAINTING, &there).await.status, 200);

    let nowhere = format!("{}/v3.fal.media/files/uploads/nothing.png", fal.base_url());
    let nested = json!({ "image_url": nowhere, "loras": [{ "path": nowhere }] });
    let refused = fal.run(INPAINTING, &inpainting_with(nested)).await;
    assert_eq!(refused.status, 422);
    let details = refused.body["detail"].as_array().unwrap();
    assert_eq!(details.len(), 2, "{details:?}");
    assert_eq!(details[0]["type"], "file_download_error");
    assert_eq!(details[0]["loc"], json!(["body", "image_url"]));
    assert_eq!(details[1]["loc"], json!(["body", "loras", 0, "path"]));

    fal.advance_time(Duration::from_secs(60));
    assert_eq!(fal.run(INPAINTING, &there).await.status, 422);
}

#[tokio::test]
async fn painted_output_expires() {
    let fal = Fal::instant().await;
    let submit = fal
        .request(reqwest::Method::POST, &format!("/queue.fal.run/{INPAINTING}"))
        .header("x-fal-object-lifecycle-preference", r#"{"expiration_duration_seconds":60}"#)
        .json(&inpainting_with(json!({ "image_url": uri(&png(4, 4, flag)) })));
    let submitted = submit.send().await.unwrap().json::<Value>().await.unwrap();
    let path = submitted["response_url"].as_str().unwrap().strip_prefix(fal.base_url()).unwrap().to_owned();
    let url = fal.get(&path).await.body["images"][0]["url"].as_str().unwrap().to_owned();
    let status = async || fal.http.get(&url).send().await.unwrap().status().as_u16();
    assert_eq!(status().await, 200);
    fal.advance_time(Duration::from_secs(60));
    assert_eq!(status().await, 404);
    // The result is still available, but does not restore the file.
    assert_eq!(fal.get(&path).await.body["images"][0]["url"], url);
    fal.uploaded("a/b", "x").await;
    assert_eq!(status().await, 404);
}
