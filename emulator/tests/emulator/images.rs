use std::io::Cursor;

use serde_json::{Value, json};

use crate::fal::{Fal, INPAINTING, inpainting_with};

const FLUX: &str = "fal-ai/flux/dev/redux";

/// An image as an independent decoder reads it: width, height, and red, green and blue of every pixel.
type Picture = (u32, u32, Vec<[u8; 3]>);

fn png(bytes: &[u8]) -> Picture {
    let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info.width, info.height, pixels.chunks_exact(3).map(|it| [it[0], it[1], it[2]]).collect())
}

async fn bytes(fal: &Fal, image: &Value) -> Vec<u8> {
    let response = fal.http.get(image["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], image["content_type"].as_str().unwrap());
    response.bytes().await.unwrap().to_vec()
}

async fn picture(fal: &Fal, fields: Value) -> Picture {
    let output = fal.run(INPAINTING, &inpainting_with(fields)).await.body;
    png(&bytes(fal, &output["images"][0]).await)
}

/// Returns the rows of which some pixel differs.
fn differing_rows((width, height, one): &Picture, (_, _, other): &Picture) -> Vec<usize> {
    let width = *width as usize;
    (0..*height as usize).filter(|y| one[y * width..][..width] != other[y * width..][..width]).collect()
}

#[tokio::test]
async fn caption_shows_prompt_seed_and_parameters() {
    let fal = Fal::instant().await;
    let base = json!({ "prompt": "a fox", "seed": 7, "num_inference_steps": 20 });
    let first = picture(&fal, base.clone()).await;
    assert!(first == picture(&fal, base).await);
    // Other steps leave the picture as it is, above the line that shows them.
    let steps = picture(&fal, json!({ "prompt": "a fox", "seed": 7, "num_inference_steps": 21 })).await;
    let rows = differing_rows(&first, &steps);
    assert!(!rows.is_empty() && rows.len() <= 20 && rows[0] > 450, "{rows:?}");
    // The caption is light text on a dark band.
    let white = |(width, _, pixels): &Picture, y: usize| {
        pixels[y * *width as usize..][..*width as usize].iter().filter(|pixel| **pixel > [200; 3]).count()
    };
    assert!((440..512).map(|y| white(&first, y)).sum::<usize>() > 30);
    // A longer prompt takes more lines, and at most half of the image.
    let long = picture(&fal, json!({ "prompt": "word ".repeat(5000), "seed": 7 })).await;
    let lit = |picture: &Picture| (0..512).filter(|y| white(picture, *y) > 0).count();
    assert!(lit(&long) > lit(&first) * 2);
    assert_eq!((0..256).map(|y| white(&long, y)).sum::<usize>(), 0);
}

#[tokio::test]
async fn captions_of_every_size_and_script_are_drawn() {
    let fal = Fal::instant().await;
    for (width, height) in [(1, 1), (1, 4096), (4096, 1), (64, 64), (90, 40), (100, 300), (2000, 90)] {
        let size = json!({ "image_size": { "width": width, "height": height }, "prompt": "x ".repeat(99) });
        assert_eq!(picture(&fal, size).await.2.len(), width * height);
    }
    let mut pictures = Vec::new();
    for prompt in ["雪の山", "Зимний лес", "ثلج", "🦊", "", "\u{0}\u{202e}\u{301}", "x"] {
        pictures.push(picture(&fal, json!({ "prompt": prompt, "seed": 1 })).await);
    }
    pictures.dedup();
    assert_eq!(pictures.len(), 7);
}

#[tokio::test]
async fn images_have_the_requested_file_format() {
    let fal = Fal::instant().await;
    for (format, content_type, extension, magic) in [
        (json!("png"), "image/png", ".png", &b"\x89PNG\r\n"[..]),
        (json!("jpeg"), "image/jpeg", ".jpg", b"\xff\xd8\xff"),
        (Value::Null, "image/jpeg", ".jpg", b"\xff\xd8\xff"),
    ] {
        let mut input =
            json!({ "image_url": "https://example.com/a.png", "image_size": { "width": 60, "height": 40 } });
        if !format.is_null() {
            input["output_format"] = format;
        }
        let output = fal.run(FLUX, &input).await.body;
        let image = &output["images"][0];
        assert_eq!(image["content_type"], content_type);
        assert!(image["url"].as_str().unwrap().ends_with(extension), "{image}");
        assert!(bytes(&fal, image).await.starts_with(magic));
    }
}

#[tokio::test]
async fn jpeg_and_webp_show_the_same_as_png() {
    let properties = json!({ "output_format": { "type": "string" }, "prompt": { "type": "string" } });
    let output = json!({ "image": { "type": "object", "properties": {
        "url": { "type": "string" }, "content_type": { "type": "string" }, "file_name": { "type": "string" },
    } } });
    let text = crate::fal::document("me/it", &properties, &crate::fal::object(&output), &json!({}));
    let builder = fal_emulator::Emulator::builder().document(text).pace(fal_emulator::Pace::instant());
    let fal = Fal::start(builder).await;
    let made = async |format: &str| {
        let input = json!({ "prompt": "a fox", "seed": 1, "output_format": format });
        let image = fal.run("me/it", &input).await.body["image"].clone();
        bytes(&fal, &image).await
    };
    let (width, height, pixels) = png(&made("png").await);

    let webp = made("webp").await;
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(&webp)).unwrap();
    assert_eq!(decoder.dimensions(), (width, height));
    let mut decoded = vec![0; decoder.output_buffer_size().unwrap()];
    decoder.read_image(&mut decoded).unwrap();
    assert!(decoded == pixels.as_flattened());

    let jpeg = made("jpg").await;
    let mut decoder = zune_jpeg::JpegDecoder::new(Cursor::new(&jpeg));
    let decoded = decoder.decode().unwrap();
    let info = decoder.info().unwrap();
    assert_eq!((u32::from(info.width), u32::from(info.height)), (width, height));
    let far = decoded.iter().zip(pixels.as_flattened()).filter(|(one, other)| one.abs_diff(**other) > 60).count();
    assert!(far * 100 < decoded.len(), "{far} of {}", decoded.len());
}
