//! With the feature `image`, images of the crate of that name are files of an input.

use fal_client::{Client, FileInput, JsonInput};
use image::{DynamicImage, ImageBuffer, Rgb, Rgba};
use serde_json::json;

#[path = "support/storage.rs"]
mod storage;
mod support;

use storage::Storage;

fn images() -> Vec<DynamicImage> {
    let at = |x: u32, y: u32| [(x * 40) as u8, (y * 40) as u8, 7];
    let rgb = DynamicImage::from(ImageBuffer::from_fn(5, 3, |x, y| Rgb(at(x, y))));
    let float = ImageBuffer::from_fn(5, 3, |x, y| Rgba([x as f32 / 5.0, y as f32 / 3.0, 0.5, 1.0]));
    vec![
        rgb.to_rgba8().into(),
        rgb.to_luma8().into(),
        rgb.to_luma_alpha16().into(),
        rgb.to_rgb32f().into(),
        DynamicImage::ImageRgba32F(float),
        rgb,
    ]
}

#[tokio::test]
async fn an_image_goes_up_as_a_png_with_the_same_pixels() {
    let storage = Storage::start().await;
    let client: Client = storage.builder().build().expect("a client");
    for image in images() {
        let input = JsonInput::from(json!({})).file("image_url", image.clone()).expect("a place");
        let sent = client.endpoint("fal-ai/any").run(input).await.expect("an answer").data;
        let kept = storage.file(sent["image_url"].as_str().expect("a URL")).expect("a file");
        assert_eq!(kept.content_type, "image/png");
        let back = image::load_from_memory(&kept.bytes).expect("a PNG");
        assert_eq!(back.to_rgba16(), image.to_rgba16(), "{:?}", image.color());
    }
}

#[tokio::test]
async fn the_same_image_goes_up_once_and_shows_no_pixels() {
    let storage = Storage::start().await;
    let client = storage.builder().build().expect("a client");
    let file = FileInput::from(images().remove(0));
    assert_eq!(format!("{file:?}"), "FileInput(image of 5 by 3 pixels)");
    let input = JsonInput::from(json!({})).file("a", file.clone()).and_then(|input| input.file("b", file));
    client.endpoint("fal-ai/any").run(input.expect("places")).await.expect("an answer");
    assert_eq!(storage.files(), 1);
}

#[tokio::test]
async fn an_image_without_pixels_is_an_error() {
    let storage = Storage::start().await;
    let client = storage.builder().build().expect("a client");
    let error = client.storage().upload(DynamicImage::new_rgb8(0, 0)).await.expect_err("no pixels");
    assert!(error.to_string().contains("cannot be encoded as PNG"), "{error}");
}
