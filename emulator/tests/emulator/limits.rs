use fal_emulator::{Emulator, Pace};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::fal::{Fal, INPAINTING, document, inpainting, inpainting_with, object, raw, send};

/// Starts an emulator of an endpoint without limits of its own.
async fn unlimited() -> Fal {
    let input = object(&json!({ "num_images": { "type": "integer" }, "sync_mode": { "type": "boolean" } }));
    let image = json!({ "type": "object", "required": ["url"], "properties": { "url": { "type": "string" } } });
    let output = object(&json!({ "images": { "type": "array", "items": image } }));
    let text = document("me/images", &input, &output, &json!({}));
    Fal::start(Emulator::builder().document(text).pace(Pace::instant())).await
}

#[tokio::test]
async fn images_of_a_request_are_limited() {
    let fal = unlimited().await;
    for input in [
        json!({ "num_images": 101 }),
        json!({ "num_images": 1_000, "sync_mode": true }),
        json!({ "num_images": 1_000, "image_size": { "width": 4096, "height": 4096 } }),
        json!({ "num_images": u64::MAX }),
        json!({ "num_images": 9, "image_size": { "width": 4096, "height": 4096 } }),
        json!({ "num_images": 100, "width": 2048, "height": 2048 }),
    ] {
        let refused = fal.run("me/images", &input).await;
        assert_eq!(refused.status, 422, "{input}");
        let detail = &refused.body["detail"][0];
        assert_eq!(detail["loc"], json!(["body", "num_images"]));
        assert!(detail["msg"].as_str().unwrap().starts_with("The emulator's limit is "), "{detail}");
        assert_eq!(refused.header("x-fal-billable-units"), Some("0"));
    }
    for input in [json!({ "num_images": 100 }), json!({ "num_images": 8, "width": 4096, "height": 4096 })] {
        let images = fal.run("me/images", &input).await.body["images"].as_array().map(Vec::len);
        assert_eq!(images, input["num_images"].as_u64().map(|count| count as usize));
    }
}

#[tokio::test]
async fn images_that_a_document_requires_are_limited() {
    let image = json!({ "type": "object", "required": ["url"], "properties": { "url": { "type": "string" } } });
    let output = object(&json!({ "frames": { "type": "array", "items": image, "minItems": 1_000 } }));
    let text = document("me/frames", &object(&json!({})), &output, &json!({}));
    let fal = Fal::start(Emulator::builder().document(text).pace(Pace::instant())).await;
    for input in [json!({}), json!({ "width": 4096, "height": 4096 }), json!({ "image_size": "square_hd" })] {
        let failed = fal.run("me/frames", &input).await;
        assert_eq!((failed.status, failed.header("x-fal-error-type")), (500, Some("internal_error")), "{input}");
        let detail = failed.body["detail"].as_str().unwrap();
        assert!(detail.contains("the emulator's limit of 134217728 pixels"), "{detail}");
    }
}

/// Random pixels, which PNG does not compress.
fn noise(side: u32) -> Vec<u8> {
    let mut bits = 7_u64;
    let pixels: Vec<u8> = (0..side * side * 3)
        .map(|_| {
            bits = bits.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (bits >> 56) as u8
        })
        .collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    bytes
}

#[tokio::test]
async fn data_uris_of_an_output_are_limited() {
    let fal = unlimited().await;
    let url = fal.uploaded("image/png", noise(1024)).await;
    let input = json!({ "num_images": 40, "sync_mode": true, "image_url": url });
    let failed = fal.run("me/images", &input).await;
    assert_eq!(failed.status, 500);
    assert!(failed.body["detail"].as_str().unwrap().contains("limit of 64 MiB of data URIs"), "{failed:?}");
    let few = fal.run("me/images", &json!({ "num_images": 2, "sync_mode": true, "image_url": url })).await;
    assert_eq!(few.status, 200);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_images_are_drawn_a_few_at_a_time() {
    let peak = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
    };
    let fal = Fal::instant().await;
    let before = peak();
    let images = join_all((0..8).map(async |motif| {
        let path = format!("/v3.fal.media/files/emulator/{motif:016x}-4096x4096.png");
        let response = fal.anonymous(Method::GET, &path).send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.bytes().await.unwrap().len()
    }))
    .await;
    assert!(images.iter().all(|bytes| *bytes > 1_000));
    // All in parallel would take 400 MiB.
    assert!(peak() - before < 300, "{} MiB before, {} MiB after", before, peak());
}

#[tokio::test]
async fn deeply_nested_bodies_are_rejected() {
    let fal = Fal::instant().await;
    for depth in [200, 10_000, 1_000_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let body = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let reply = send(fal.request(Method::POST, &format!("/fal.run/{INPAINTING}")).body(body)).await;
            assert!([413, 422].contains(&reply.status), "{depth} {open}: {}", reply.status);
        }
    }
    assert_eq!(fal.run(INPAINTING, &inpainting()).await.status, 200);
}

#[tokio::test]
async fn bodies_with_millions_of_values_are_rejected() {
    let fal = Fal::instant().await;
    for item in ["0,", "[],", "\"\":0,"] {
        let body = format!("{{\"prompt\":[{}0]}}", item.repeat(4_000_000));
        let reply = send(fal.request(Method::POST, &format!("/fal.run/{INPAINTING}")).body(body)).await;
        assert_eq!(reply.status, 413, "{item}");
        assert_eq!(reply.body, json!({ "detail": "The request body takes more than 128 MiB of memory as JSON" }));
    }
    // A large data URI has few values.
    let uri = format!("data:text/plain;base64,{}", "A".repeat(32 << 20));
    assert_eq!(fal.run(INPAINTING, &inpainting_with(json!({ "image_url": uri }))).await.status, 200);
}

#[tokio::test]
async fn chunked_bodies_are_limited_while_they_arrive() {
    let fal = Fal::instant().await;
    let chunks = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 1 << 20]));
    let body = reqwest::Body::wrap_stream(futures_util::StreamExt::take(chunks, 80));
    let reply = send(fal.request(Method::POST, &format!("/fal.run/{INPAINTING}")).body(body)).await;
    assert_eq!(reply.status, 413);
}

#[tokio::test]
async fn large_heads_are_rejected() {
    let fal = Fal::instant().await;
    let many = "x: y\r\n".repeat(101);
    let long = format!("x: {}\r\n", "y".repeat(1_000_000));
    for headers in [many, long] {
        let (status, _) = raw(&fal, &format!("GET / HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n")).await;
        assert_eq!(status, 431, "{} bytes", headers.len());
    }
    let long = format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "a".repeat(1_000_000));
    assert!([414, 431].contains(&raw(&fal, &long).await.0));
}

/// The clock runs only while nothing else happens, so that waiting for the limit takes no time.
#[tokio::test(start_paused = true)]
async fn slow_heads_are_cut_off() {
    let fal = Fal::instant().await;
    for start in ["", "GET", "POST / HTTP/1.1\r\nhost: localhost\r\nx: "] {
        let before = tokio::time::Instant::now();
        let (_, response) = raw(&fal, start).await;
        assert!(!response.contains("200"), "{response}");
        assert!(before.elapsed() >= std::time::Duration::from_secs(30), "{:?}", before.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn slow_bodies_are_cut_off() {
    let fal = Fal::instant().await;
    let head = "POST /fal.run/fal-ai/flux/dev/redux HTTP/1.1\r\nhost: localhost\r\nauthorization: Key a:b\r\n";
    for body in
        ["content-length: 10\r\n\r\n", "content-length: 10\r\n\r\n{", "transfer-encoding: chunked\r\n\r\n1\r\n{\r\n"]
    {
        let (status, response) = raw(&fal, &format!("{head}{body}")).await;
        assert_eq!(status, 408, "{body}: {response}");
        assert!(response.contains("The request body stalled for 60 s"), "{response}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_connections_are_limited() {
    let fal = Fal::instant().await;
    let address = fal.base_url().trim_start_matches("http://").to_owned();
    let mut open = Vec::new();
    for _ in 0..8_192 {
        open.push(tokio::net::TcpStream::connect(&address).await.unwrap());
    }
    let mut refused = tokio::net::TcpStream::connect(&address).await.unwrap();
    let mut response = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut refused, &mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 503 "), "{response}");
    let (_, body) = response.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body, json!({ "detail": "the emulator's limit of 8192 open connections is reached" }));
    drop(open);
    loop {
        if let Ok(reply) = fal.request(Method::POST, &format!("/fal.run/{INPAINTING}")).json(&inpainting()).send().await
            && reply.status() == 200
        {
            break;
        }
        tokio::task::yield_now().await;
    }
}
