//! Search of requests: `/models/requests/search`.

use std::time::Duration;

use fal_emulator::{Emulator, Pace};
use serde_json::{Value, json};

use crate::fal::{Fal, INPAINTING, inpainting, inpainting_with};

const REDUX: &str = "fal-ai/flux/dev/redux";

fn ids(page: &Value) -> Vec<&str> {
    page["results"].as_array().unwrap().iter().map(|item| item["request_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn requests_are_found_by_words_and_endpoint() {
    let fal = Fal::instant().await;
    fal.run(INPAINTING, &inpainting_with(json!({ "prompt": "A red fox" }))).await;
    fal.advance_time(Duration::from_secs(1));
    fal.run(REDUX, &json!({ "image_url": "https://a.b/fox.png" })).await;
    let jobs = fal.jobs();
    let (fox, redux) = (jobs[0].request_id(), jobs[1].request_id());
    for (query, expected) in [
        ("", vec![redux, fox]),
        ("query=FOX", vec![redux, fox]),
        ("query=fox+red", vec![fox]),
        ("query=wolf", vec![]),
        ("image_url=https://a.b/fox.png", vec![redux]),
        (&format!("endpoint_id={INPAINTING},{REDUX}&limit=1"), vec![redux]),
        (&format!("endpoint={INPAINTING}"), vec![fox]),
        ("only_api_requests=true", vec![redux, fox]),
        ("exclude_api_requests=true", vec![]),
        ("query=fox&min_similarity=0.5&limit=1&cursor=Mg==", vec![fox]),
    ] {
        let page = fal.platform(&format!("/models/requests/search?{query}")).await;
        assert_eq!((page.status, ids(&page.body)), (200, expected), "{query}");
        if let Some(result) = page.body["results"].get(0) {
            assert_eq!(result.get("similarity").is_some(), query.contains("query") || query.contains("image_url"));
            assert!(result["json_input"].is_object() && result["json_output"].is_object());
        }
    }
}

#[tokio::test]
async fn invalid_searches_are_refused() {
    let fal = Fal::instant().await;
    for query in [
        "query=a&image_url=b",
        "image_url=a&video_url=b",
        "only_api_requests=true&exclude_api_requests=true",
        "only_api_requests=yes&exclude_api_requests=true",
        "min_similarity=2",
        "min_similarity=NaN",
        "min_similarity=x",
        "limit=0",
    ] {
        let reply = fal.platform(&format!("/models/requests/search?{query}")).await;
        assert_eq!(reply.error(), (400, "validation_error"), "{query}");
    }
}

#[tokio::test]
async fn requests_appear_after_the_listing_delay() {
    let minute = Duration::from_secs(60);
    let fal = Fal::start(Emulator::builder().pace(Pace::instant()).listing_delay(minute)).await;
    fal.run(INPAINTING, &inpainting()).await;
    let history = format!("/models/requests/by-endpoint?endpoint_id={INPAINTING}");
    assert_eq!(ids(&fal.platform("/models/requests/search").await.body), [""; 0]);
    assert_eq!(fal.platform(&history).await.body["items"], json!([]));
    fal.advance_time(minute);
    assert_eq!(ids(&fal.platform("/models/requests/search").await.body).len(), 1);
    assert_eq!(fal.platform(&history).await.body["items"].as_array().unwrap().len(), 1);
}
