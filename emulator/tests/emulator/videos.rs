use fal_emulator::{Emulator, Pace};
use serde_json::{Value, json};

use crate::fal::{Fal, document, object};

/// The parts of an MP4 with one video track.
struct Mp4 {
    width: u16,
    height: u16,
    seconds: f64,
    frames: Vec<Vec<u8>>,
}

/// Returns the content of the boxes of a kind in a box.
fn boxes<'a>(mut bytes: &'a [u8], kind: &[u8; 4]) -> Vec<&'a [u8]> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let length = number(bytes, 0) as usize;
        if bytes[4..8] == *kind {
            found.push(&bytes[8..length]);
        }
        bytes = &bytes[length..];
    }
    found
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

impl Mp4 {
    fn read(file: &[u8]) -> Self {
        let inside = |path: &[&[u8; 4]]| path.iter().fold(file, |bytes, kind| boxes(bytes, kind)[0]);
        let media: [&[u8; 4]; 3] = [b"moov", b"trak", b"mdia"];
        let table = |kind| inside(&[&media[..], &[b"minf", b"stbl", kind]].concat());
        let header = inside(&[&media[..], &[b"mdhd"]].concat());
        let (scale, duration) = (number(header, 12), number(header, 16));
        let description = boxes(&table(b"stsd")[8..], b"avc1")[0];
        let [width, height] = [24, 26].map(|at| u16::from_be_bytes([description[at], description[at + 1]]));
        assert_eq!(boxes(&description[78..], b"avcC")[0][..2], [1, 66]);

        let sizes = table(b"stsz");
        let count = number(sizes, 8) as usize;
        let times = table(b"stts");
        assert_eq!((number(times, 8) as usize, number(times, 8) * number(times, 12)), (count, duration));
        let mut at = number(table(b"stco"), 8) as usize;
        let mut frames = Vec::new();
        for index in 0..count {
            let size = number(sizes, 12 + index * 4) as usize;
            assert_eq!(number(file, at) as usize, size - 4);
            frames.push(file[at + 4..at + size].to_vec());
            at += size;
        }
        assert_eq!(at, file.len());
        Mp4 { width, height, seconds: f64::from(duration) / f64::from(scale), frames }
    }
}

/// Starts an emulator of one endpoint that takes anything and returns a video.
async fn serving() -> Fal {
    let video = json!({ "type": "object", "properties": {
        "url": { "type": "string" },
        "content_type": { "type": "string" },
        "width": { "type": "integer" },
        "height": { "type": "integer" },
        "fps": { "type": "number" },
        "duration": { "type": "number" },
        "num_frames": { "type": "integer" },
    } });
    let text = document("me/film", &json!({}), &object(&json!({ "video": video })), &json!({}));
    Fal::start(Emulator::builder().document(text).pace(Pace::instant())).await
}

async fn film(input: Value) -> (Value, Vec<u8>) {
    let fal = serving().await;
    let output = fal.run("me/film", &input).await;
    assert_eq!(output.status, 200, "{output:?}");
    let video = output.body["video"].clone();
    let response = fal.http.get(video["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!((response.status().as_u16(), &video["content_type"]), (200, &json!("video/mp4")));
    assert_eq!(response.headers()["content-type"], "video/mp4");
    (video, response.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn videos_have_the_requested_size_length_and_speed() {
    for (input, size, frames, fps) in [
        (json!({}), (768, 432), 120, 24),
        (json!({ "duration": "8s", "fps": 10 }), (768, 432), 80, 10),
        (json!({ "aspect_ratio": "9:16", "duration": 1 }), (432, 768), 24, 24),
        (json!({ "aspect_ratio": "1:1", "resolution": "480p", "duration": 0.5 }), (480, 480), 12, 24),
        (json!({ "resolution": "1080p", "num_frames": 9 }), (1280, 720), 9, 24),
        (json!({ "video_size": { "width": 101, "height": 50 }, "num_frames": 3, "fps": "25" }), (102, 50), 3, 25),
        (json!({ "width": 1, "height": 1, "num_frames": 2 }), (2, 2), 2, 24),
        (json!({ "num_frames": 1e12, "fps": 1000, "width": 40, "height": 40 }), (40, 40), 1800, 60),
        (json!({ "duration": "auto", "fps": "many", "aspect_ratio": "auto" }), (768, 432), 120, 24),
    ] {
        let (video, bytes) = film(input.clone()).await;
        let mp4 = Mp4::read(&bytes);
        assert_eq!(
            (u32::from(mp4.width), u32::from(mp4.height), mp4.frames.len()),
            (size.0, size.1, frames),
            "{input}"
        );
        assert!((mp4.seconds - frames as f64 / f64::from(fps)).abs() < 1e-6, "{input}");
        assert_eq!((&video["width"], &video["height"]), (&json!(mp4.width), &json!(mp4.height)));
        assert_eq!((&video["num_frames"], &video["fps"]), (&json!(frames), &json!(fps)));
        assert!((video["duration"].as_f64().unwrap() - mp4.seconds).abs() < 1e-6);
    }
}

#[tokio::test]
async fn picture_moves_and_the_file_stays_small() {
    let input = json!({ "prompt": "a fox", "seed": 3, "duration": 4 });
    let (_, bytes) = film(input.clone()).await;
    assert!(bytes.len() < 4 << 20, "{}", bytes.len());
    let frames = Mp4::read(&bytes).frames;
    // The first frame is complete, and can be decoded alone. The others have what changes.
    assert!(frames[0][0] == 0x65 && frames[0].len() >= 768 * 432 * 3 / 2);
    let moving: Vec<&Vec<u8>> = frames[1..].iter().filter(|frame| frame.len() > 384).collect();
    assert!(moving.len() >= 4 * 8, "{}", moving.len());
    assert!(frames[1..].iter().all(|frame| frame[0] == 0x41 && frame.len() < frames[0].len() / 4));
    assert!(moving.windows(2).all(|pair| pair[0] != pair[1]));
    // No start code is inside a frame.
    let is_clean = |frame: &Vec<u8>| frame.windows(3).all(|it| it[..2] != [0, 0] || it[2] > 2);
    assert!(frames.iter().all(is_clean));

    assert!(bytes == film(input).await.1);
    assert!(bytes != film(json!({ "prompt": "a fox", "seed": 4, "duration": 4 })).await.1);
    // A long video moves less often.
    let (_, long) = film(json!({ "prompt": "a fox", "duration": 60 })).await;
    assert!(long.len() < 4 << 20, "{}", long.len());
}

#[tokio::test]
async fn source_image_shows_in_the_video() {
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, 64, 32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&[255, 0, 0].repeat(64 * 32)).unwrap();
    let uri =
        format!("data:image/png;base64,{}", base64::Engine::encode(&base64::engine::general_purpose::STANDARD, png));
    let (video, bytes) = film(json!({ "image_url": uri, "strength": 0, "num_frames": 2 })).await;
    // The ratio is that of the image.
    assert_eq!((&video["width"], &video["height"]), (&json!(768), &json!(384)));
    // A macroblock below the number begins with its brightness, which is that of red.
    let mp4 = Mp4::read(&bytes);
    let red = (16 + ((47 * 255 + 128) >> 8)) as u8;
    let count = mp4.frames[0].iter().filter(|byte| **byte == red).count();
    assert!(count > 768 * 384 / 2, "{count}");
}
