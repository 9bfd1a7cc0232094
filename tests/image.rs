//! Images of the crate `image` as files of an input. Needs the feature `image`.

use fal_client::FileInput;
use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting;
use fal_emulator::Emulator;
use image::{DynamicImage, ImageBuffer, Rgb, Rgba};

/// One image of each kind of pixel.
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
async fn images_are_uploaded_as_png_with_the_same_pixels() {
    for image in images() {
        let emulator = Emulator::start().await.expect("an emulator");
        let input = inpainting::Input::builder()
            .prompt("a fox")
            .control_image_url("https://example.com/a.png")
            .image_url("https://example.com/a.png")
            .mask_url(image.clone());
        emulator.client().endpoint(inpainting::ENDPOINT).submit(input).await.expect("a job");
        let files = emulator.files();
        assert_eq!(emulator.jobs()[0].request().input()["mask_url"], files[0].url());
        assert_eq!((files.len(), files[0].content_type()), (1, "image/png"));
        let decoded = image::load_from_memory(&files[0].bytes().expect("bytes")).expect("a PNG");
        assert_eq!(decoded.to_rgba16(), image.to_rgba16(), "{:?}", image.color());
    }
}

#[tokio::test]
async fn the_same_image_is_uploaded_once() {
    let emulator = Emulator::start().await.expect("an emulator");
    let file = FileInput::from(images().remove(0));
    let input = inpainting::Input::builder()
        .prompt("a fox")
        .control_image_url(file.clone())
        .image_url("https://example.com/a.png")
        .mask_url(file);
    emulator.client().endpoint(inpainting::ENDPOINT).submit(input).await.expect("a job");
    assert_eq!(emulator.files().len(), 1);
}

#[test]
fn debug_output_of_an_image_has_no_pixels() {
    let file = FileInput::from(images().remove(0));
    assert_eq!(format!("{file:?}"), "FileInput(image of 5 by 3 pixels)");
}

#[tokio::test]
async fn an_image_without_pixels_is_rejected() {
    let emulator = Emulator::start().await.expect("an emulator");
    let error = emulator.client().storage().upload(DynamicImage::new_rgb8(0, 0)).await.expect_err("no pixels");
    assert!(error.to_string().contains("cannot encode the image as PNG"), "{error}");
    assert!(emulator.requests().is_empty());
}
