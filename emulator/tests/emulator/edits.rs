use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fal_emulator::{Emulator, Pace};
use serde_json::{Value, json};

use crate::fal::{Fal, INPAINTING, document, inpainting_with, object};

type Pixel = [u8; 3];

/// A decoded image: width, height, channels and samples.
struct Picture {
    width: usize,
    height: usize,
    channels: usize,
    samples: Vec<u8>,
}

impl Picture {
    fn read(png: &[u8]) -> Self {
        let mut reader = png::Decoder::new(Cursor::new(png)).read_info().unwrap();
        let mut samples = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut samples).unwrap();
        Picture {
            width: info.width as usize,
            height: info.height as usize,
            channels: info.color_type.samples(),
            samples,
        }
    }

    fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    fn at(&self, x: usize, y: usize) -> &[u8] {
        &self.samples[(y * self.width + x) * self.channels..][..self.channels]
    }
}

/// Encodes a PNG with RGB pixels.
fn png(width: usize, height: usize, pixel: impl Fn(usize, usize) -> Pixel) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&rgb(width, height, pixel)).unwrap();
    writer.finish().unwrap();
    bytes
}

fn rgb(width: usize, height: usize, pixel: impl Fn(usize, usize) -> Pixel) -> Vec<u8> {
    (0..width * height).flat_map(|at| pixel(at % width, at / width)).collect()
}

fn uri(content_type: &str, bytes: &[u8]) -> String {
    format!("data:{content_type};base64,{}", STANDARD.encode(bytes))
}

fn flag(x: usize, _: usize) -> Pixel {
    if x < 100 { [200, 30, 30] } else { [30, 30, 200] }
}

/// Starts an emulator of one endpoint that takes anything and returns an image.
async fn serving(id: &str) -> Fal {
    let image = json!({ "type": "object", "properties": {
        "url": { "type": "string" },
        "content_type": { "type": "string" },
        "width": { "type": "integer" },
        "height": { "type": "integer" },
    } });
    let text = document(id, &json!({}), &object(&json!({ "image": image })), &json!({}));
    Fal::start(Emulator::builder().document(text).pace(Pace::instant())).await
}

async fn file(fal: &Fal, image: &Value) -> Vec<u8> {
    fal.http.get(image["url"].as_str().unwrap()).send().await.unwrap().bytes().await.unwrap().to_vec()
}

/// Returns the image that an endpoint makes.
async fn made(id: &str, input: Value) -> Picture {
    let fal = serving(id).await;
    let output = fal.run(id, &input).await;
    assert_eq!(output.status, 200, "{output:?}");
    let picture = Picture::read(&file(&fal, &output.body["image"]).await);
    assert_eq!(
        (&output.body["image"]["width"], &output.body["image"]["height"]),
        (&json!(picture.width), &json!(picture.height))
    );
    picture
}

fn is_near(one: &[u8], other: &[u8], most: u8) -> bool {
    one.iter().zip(other).all(|(one, other)| one.abs_diff(*other) <= most)
}

#[tokio::test]
async fn every_file_format_is_a_source() {
    let (width, height) = (200, 150);
    let pixels = rgb(width, height, flag);
    let mut jpeg = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut jpeg, 95);
    encoder.encode(&pixels, width as u16, height as u16, jpeg_encoder::ColorType::Rgb).unwrap();
    let mut webp = Vec::new();
    let encoder = image_webp::WebPEncoder::new(&mut webp);
    encoder.encode(&pixels, width as u32, height as u32, image_webp::ColorType::Rgb8).unwrap();
    let mut gif = Vec::new();
    let palette = [200, 30, 30, 30, 30, 200];
    let mut encoder = gif::Encoder::new(&mut gif, width as u16, height as u16, &palette).unwrap();
    let indices: Vec<u8> = (0..width * height).map(|at| u8::from(at % width >= 100)).collect();
    encoder.write_frame(&gif::Frame::from_indexed_pixels(width as u16, height as u16, indices, None)).unwrap();
    drop(encoder);

    for (content_type, bytes) in
        [("image/png", png(width, height, flag)), ("image/jpeg", jpeg), ("image/webp", webp), ("image/gif", gif)]
    {
        let input = json!({ "image_url": uri(content_type, &bytes), "strength": 0 });
        let picture = made("me/edit", input).await;
        assert_eq!(picture.size(), (width, height), "{content_type}");
        for x in (0..width).filter(|x| !(90..110).contains(x)) {
            assert!(is_near(picture.at(x, 20), &flag(x, 0), 6), "{content_type} {x}: {:?}", picture.at(x, 20));
        }
    }
}

#[tokio::test]
async fn hostile_images_are_ignored() {
    let fal = serving("me/edit").await;
    let whole = png(60, 40, flag);
    let mut huge = whole.clone();
    // The header says 40,000 × 40,000 pixels.
    huge[16..24].copy_from_slice(&[0, 0, 0x9c, 0x40, 0, 0, 0x9c, 0x40]);
    let checksum = crc32fast::hash(&huge[12..29]).to_be_bytes();
    huge[29..33].copy_from_slice(&checksum);
    let mut hostile = vec![huge];
    let mut jpeg = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut jpeg, 90);
    encoder.encode(&rgb(60, 40, flag), 60, 40, jpeg_encoder::ColorType::Rgb).unwrap();
    let mut webp = Vec::new();
    let encoder = image_webp::WebPEncoder::new(&mut webp);
    encoder.encode(&rgb(60, 40, flag), 60, 40, image_webp::ColorType::Rgb8).unwrap();
    let gif = b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xff\xff\xff\xff\0\x02\x02L\x01\0;".to_vec();
    for format in [whole, jpeg, webp, gif] {
        for length in [4, 12, 20, 30, format.len() / 2, format.len() - 3] {
            hostile.push(format[..length.min(format.len())].to_vec());
        }
        for at in (8..format.len()).step_by(format.len() / 12 + 1) {
            let mut changed = format.clone();
            changed[at] ^= 0xff;
            hostile.push(changed);
        }
    }
    for bytes in hostile {
        let output = fal.run("me/edit", &json!({ "image_url": uri("image/png", &bytes) })).await;
        assert_eq!(output.status, 200, "{output:?}");
    }
}

#[tokio::test]
async fn strength_blends_the_source() {
    let source = uri("image/png", &png(200, 150, flag));
    let changed = async |strength: f64| {
        let picture = made("me/edit", json!({ "image_url": source, "strength": strength, "seed": 5 })).await;
        let differences = (0..200)
            .map(|x| picture.at(x, 10).iter().zip(flag(x, 0)).map(|(a, b)| u32::from(a.abs_diff(b))).sum::<u32>());
        differences.sum::<u32>()
    };
    let (none, half, all) = (changed(0.0).await, changed(0.5).await, changed(1.0).await);
    assert_eq!(none, 0);
    assert!(half > 200 && all > half * 3 / 2, "{half} {all}");
}

#[tokio::test]
async fn caption_of_an_edit_is_inside_the_mask() {
    let fal = Fal::instant().await;
    let (picture, mask) =
        (png(400, 400, flag), png(400, 400, |x, y| [if x >= 50 && (100..300).contains(&y) { 255 } else { 0 }; 3]));
    let input = json!({
        "image_url": uri("image/png", &picture),
        "mask_url": uri("image/png", &mask),
        "prompt": "a lamp",
        "seed": 7,
    });
    let edit = async |fields: &[(&str, Value)]| {
        let mut input = input.clone();
        fields.iter().for_each(|(name, value)| input[*name] = value.clone());
        let output = fal.run(INPAINTING, &inpainting_with(input)).await.body;
        Picture::read(&file(&fal, &output["images"][0]).await)
    };
    let (lamp, chair) = (edit(&[]).await, edit(&[("prompt", json!("a chair"))]).await);
    let original = Picture::read(&picture);
    let is_painted = |x, y| x >= 50 && (100..300).contains(&y);
    for (x, y) in (0..160_000).map(|at| (at % 400, at / 400)) {
        assert!(is_painted(x, y) || lamp.at(x, y) == original.at(x, y), "{x} {y}");
    }
    assert!((100..300).any(|y| (50..400).any(|x| lamp.at(x, y) != chair.at(x, y))));
    // The words are in the lower half of the mask.
    let lit = |y: usize| (50..400).filter(|x| lamp.at(*x, y).iter().all(|channel| *channel > 200)).count();
    assert!((200..300).map(lit).sum::<usize>() > 20);
    assert!(edit(&[]).await.samples == lamp.samples);
}

#[tokio::test]
async fn control_image_shows_as_lines() {
    let control = uri("image/png", &png(200, 150, |x, _| [if x < 100 { 0 } else { 255 }; 3]));
    let picture = made("me/canny", json!({ "control_image_url": control, "prompt": "x" })).await;
    assert_eq!(picture.size(), (200, 150));
    for y in 0..50 {
        assert_eq!(picture.at(99, y), [235, 245, 255], "{y}");
        assert!(!is_near(picture.at(50, y), &[235, 245, 255], 20), "{y}");
    }
}

#[tokio::test]
async fn upscaled_image_is_the_same_but_larger() {
    let source = png(60, 40, |x, y| [x as u8 * 4, y as u8 * 6, 99]);
    let original = Picture::read(&source);
    for (input, factor) in [(json!({}), 2), (json!({ "upscale_factor": 4 }), 4), (json!({ "scale": "3x" }), 3)] {
        let mut input = input;
        input["image_url"] = json!(uri("image/png", &source));
        let picture = made("me/upscaler", input).await;
        assert_eq!(picture.size(), (60 * factor, 40 * factor));
        for (x, y) in (0..2400).map(|at| (at % 60, at / 60)) {
            assert_eq!(picture.at(x * factor, y * factor), original.at(x, y));
        }
    }
    // The longer side has a limit, and the ratio stays.
    let picture =
        made("me/upscaler", json!({ "image_url": uri("image/png", &png(1000, 10, flag)), "scale": 16 })).await;
    assert_eq!(picture.size(), (4096, 41));
}

#[tokio::test]
async fn removed_background_is_transparent() {
    let round = |x: usize, y: usize| {
        if x.abs_diff(100).pow(2) + y.abs_diff(75).pow(2) < 2500 { [220, 40, 40] } else { [250; 3] }
    };
    let source = uri("image/png", &png(200, 150, round));
    let picture = made("me/background/remove", json!({ "image_url": source })).await;
    assert_eq!((picture.size(), picture.channels), ((200, 150), 4));
    assert_eq!(picture.at(100, 75), [220, 40, 40, 255]);
    assert_eq!(picture.at(5, 5)[3], 0);
}

#[tokio::test]
async fn several_images_make_a_collage() {
    let colours: [Pixel; 3] = [[200, 0, 0], [0, 200, 0], [0, 0, 200]];
    let images: Vec<Value> =
        colours.iter().map(|colour| json!(uri("image/png", &png(100, 100, |_, _| *colour)))).collect();
    let picture =
        made("me/edit", json!({ "image_urls": images, "strength": 0, "image_size": { "width": 200, "height": 200 } }))
            .await;
    for (colour, (x, y)) in colours.iter().zip([(50, 50), (150, 50), (100, 110)]) {
        assert!(is_near(picture.at(x, y), colour, 2), "{x} {y}: {:?}", picture.at(x, y));
    }
}
