use fal_emulator::{Emulator, Pace};
use serde_json::{Value, json};

use crate::fal::{Fal, document, object};

/// Starts an emulator of one endpoint that takes anything and returns 3D models.
async fn serving() -> Fal {
    let file = json!({ "type": "object", "properties": {
        "url": { "type": "string" },
        "content_type": { "type": "string" },
        "file_size": { "type": "integer" },
    } });
    let output = json!({ "model_mesh": file, "model_obj": file, "stl": file });
    let text = document("me/solid", &json!({}), &object(&output), &json!({}));
    Fal::start(Emulator::builder().document(text).pace(Pace::instant())).await
}

async fn made(fal: &Fal, name: &str, input: Value) -> Vec<u8> {
    let file = fal.run("me/solid", &input).await.body[name].clone();
    let response = fal.http.get(file["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], file["content_type"].as_str().unwrap());
    let bytes = response.bytes().await.unwrap().to_vec();
    assert_eq!(file["file_size"], bytes.len());
    bytes
}

fn vectors(bytes: &[u8]) -> Vec<[f32; 3]> {
    let numbers: Vec<f32> = bytes.chunks_exact(4).map(|it| f32::from_le_bytes(it.try_into().unwrap())).collect();
    numbers.chunks_exact(3).map(|it| [it[0], it[1], it[2]]).collect()
}

#[tokio::test]
async fn glb_is_a_coloured_solid() {
    let fal = serving().await;
    let bytes = made(&fal, "model_mesh", json!({ "prompt": "a vase", "seed": 5 })).await;
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!((&bytes[..4], number(4), number(8)), (&b"glTF"[..], 2, bytes.len()));
    let length = number(12);
    let scene: Value = serde_json::from_slice(&bytes[20..20 + length]).unwrap();
    let binary = &bytes[28 + length..];
    assert_eq!(
        (number(20 + length), scene["buffers"][0]["byteLength"].as_u64()),
        (binary.len(), Some(binary.len() as u64))
    );

    let primitive = &scene["meshes"][0]["primitives"][0];
    let data = |accessor: &Value| {
        let accessor = &scene["accessors"][accessor.as_u64().unwrap() as usize];
        let view = &scene["bufferViews"][accessor["bufferView"].as_u64().unwrap() as usize];
        let [start, length] = ["byteOffset", "byteLength"].map(|name| view[name].as_u64().unwrap() as usize);
        (accessor.clone(), &binary[start..start + length])
    };
    let (accessor, positions) = data(&primitive["attributes"]["POSITION"]);
    let positions = vectors(positions);
    assert_eq!(accessor["count"], positions.len());
    for axis in 0..3 {
        let all = || positions.iter().map(|position| position[axis]);
        assert_eq!(accessor["min"][axis].as_f64().unwrap() as f32, all().fold(f32::MAX, f32::min));
        assert_eq!(accessor["max"][axis].as_f64().unwrap() as f32, all().fold(f32::MIN, f32::max));
    }
    let normals = vectors(data(&primitive["attributes"]["NORMAL"]).1);
    let colours = vectors(data(&primitive["attributes"]["COLOR_0"]).1);
    assert_eq!((normals.len(), colours.len()), (positions.len(), positions.len()));
    assert!(colours.iter().flatten().all(|channel| (0.0..=1.0).contains(channel)));
    assert!(
        colours.iter().any(|colour| colour[0] > colour[1] + 0.1)
            || colours.iter().any(|colour| colour[1] > colour[0] + 0.1)
    );
    for (normal, position) in normals.iter().zip(&positions) {
        let dot = |a: &[f32; 3], b: &[f32; 3]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        assert!((dot(normal, normal) - 1.0).abs() < 1e-4, "{normal:?}");
        // It faces away from the centre.
        assert!(dot(normal, position) > 0.0, "{normal:?} {position:?}");
    }
    let (accessor, corners) = data(&primitive["indices"]);
    let corners: Vec<u16> = corners.chunks_exact(2).map(|it| u16::from_le_bytes([it[0], it[1]])).collect();
    assert_eq!(accessor["count"].as_u64().unwrap() as usize, corners.len() / 3 * 3);
    assert!(corners.iter().all(|corner| usize::from(*corner) < positions.len()));

    assert!(bytes == made(&fal, "model_mesh", json!({ "prompt": "a vase", "seed": 5 })).await);
    assert!(bytes != made(&fal, "model_mesh", json!({ "prompt": "a vase", "seed": 6 })).await);
}

#[tokio::test]
async fn models_have_the_file_format_that_is_named() {
    let fal = serving().await;
    let obj = String::from_utf8(made(&fal, "model_obj", json!({})).await).unwrap();
    let count = |start: &str| obj.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!(count("v "), count("vn "));
    let last = obj.lines().next_back().unwrap().strip_prefix("f ").unwrap();
    for corner in last.split(' ') {
        let (position, normal) = corner.split_once("//").unwrap();
        assert!(position == normal && (1..=count("v ")).contains(&position.parse().unwrap()), "{last}");
    }

    let stl = made(&fal, "stl", json!({})).await;
    assert_eq!(stl.len(), 84 + 50 * u32::from_le_bytes(stl[80..84].try_into().unwrap()) as usize);
    assert_eq!((stl.len() - 84) / 50, count("f "));

    let ply = made(&fal, "model_mesh", json!({ "output_format": "ply" })).await;
    let end = ply.windows(11).position(|it| it == b"end_header\n").unwrap() + 11;
    let head = String::from_utf8(ply[..end].to_vec()).unwrap();
    assert!(head.starts_with("ply\nformat binary_little_endian 1.0\n"));
    assert_eq!(ply.len() - end, count("v ") * 27 + count("f ") * 13);
    assert!(made(&fal, "model_mesh", json!({ "output_format": "glb" })).await.starts_with(b"glTF"));
}
