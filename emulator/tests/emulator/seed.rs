use fal_emulator::{Emulator, Pace};
use serde_json::{Value, json};

use crate::fal::{Fal, INPAINTING, inpainting, inpainting_with};

async fn seeded(seed: u64) -> Fal {
    Fal::start(Emulator::builder().pace(Pace::instant()).seed(seed)).await
}

async fn image(fal: &Fal, input: &Value) -> (u64, Vec<u8>) {
    let output = fal.run(INPAINTING, input).await.body;
    let url = output["images"][0]["url"].as_str().expect("a URL").to_owned();
    let bytes = fal.http.get(url).send().await.unwrap().bytes().await.unwrap();
    (output["seed"].as_u64().expect("a seed"), bytes.to_vec())
}

#[tokio::test]
async fn same_seed_gives_the_same_bytes() {
    let input = inpainting();
    let (first, second, other) = (seeded(7).await, seeded(7).await, seeded(8).await);
    let made = image(&first, &input).await;
    assert_eq!(made, image(&second, &input).await);
    assert_eq!(made, image(&first, &input).await);
    let others = image(&other, &input).await;
    assert_ne!(made.0, others.0);
    assert_ne!(made.1, others.1);
}

#[tokio::test]
async fn seed_of_the_input_takes_precedence() {
    let input = inpainting_with(json!({ "seed": 42 }));
    let (first, other) = (seeded(7).await, seeded(8).await);
    let made = image(&first, &input).await;
    assert_eq!(made.0, 42);
    assert_eq!(made, image(&other, &input).await);
}
