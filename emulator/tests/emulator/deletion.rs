//! Deletion of payloads: `/models/requests/{request_id}/payloads`.

use std::time::Duration;

use fal_emulator::{Emulator, Operation};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fal::{Fal, INPAINTING, Reply, inpainting, inpainting_with, send};

async fn delete(fal: &Fal, request_id: &str, key: Option<&str>) -> Reply {
    let request = fal.request(Method::DELETE, &format!("/api.fal.ai/v1/models/requests/{request_id}/payloads"));
    send(key.into_iter().fold(request, |request, key| request.header("idempotency-key", key))).await
}

async fn file_status(fal: &Fal, url: &str) -> u16 {
    send(fal.anonymous(Method::GET, url.strip_prefix(fal.base_url()).unwrap())).await.status
}

fn url(output: &Value) -> &str {
    output["images"][0]["url"].as_str().unwrap()
}

#[tokio::test]
async fn payloads_and_output_files_are_deleted() {
    let fal = Fal::instant().await;
    let source = fal.uploaded("image/png", "not a picture").await;
    let job = fal.submit(INPAINTING, &inpainting_with(json!({ "image_url": source }))).await;
    let output = fal.get(&job.path).await.body;
    let link = url(&output);
    assert_eq!(file_status(&fal, link).await, 200);

    let deleted = delete(&fal, &job.id, None).await;
    assert_eq!(deleted.status, 200);
    assert_eq!(deleted.body, json!({ "cdn_delete_results": [{ "link": link, "exception": null }] }));
    assert_eq!((file_status(&fal, link).await, file_status(&fal, &source).await), (404, 200));
    let history = format!("/models/requests/by-endpoint?endpoint_id={INPAINTING}&expand=payloads");
    let item = fal.platform(&history).await.body["items"][0].clone();
    assert_eq!(
        (item["request_id"].as_str(), item.get("json_input"), item.get("json_output")),
        (Some(job.id.as_str()), None, None)
    );
    // The request is still known, but its result is not.
    assert_eq!(fal.get(&job.status()).await.body["status"], "COMPLETED");
    assert_eq!(fal.get(&job.path).await.status, 404);
    assert_eq!(delete(&fal, &job.id, None).await.body, json!({ "cdn_delete_results": [] }));
}

#[tokio::test]
async fn set_outputs_and_their_uploads_are_deleted() {
    let fal = Fal::instant().await;
    let fox = fal.add_file("fox.png", "image/png", b"the bytes of an image").unwrap();
    let output = json!({ "images": [{ "url": fox.url(), "width": 8, "height": 8 }], "timings": {}, "seed": 7, "has_nsfw_concepts": [false], "prompt": "" });
    fal.answer("fal-ai/flux/dev/redux", &output).unwrap();
    let job = fal.submit("fal-ai/flux/dev/redux", &json!({ "image_url": "https://a.b/c.png" })).await;
    delete(&fal, &job.id, None).await;
    assert_eq!((fal.files().len(), file_status(&fal, fox.url()).await), (0, 404));
}

#[tokio::test]
async fn missing_files_are_exceptions() {
    let fal = Fal::instant().await;
    let missing = format!("{}/v3.fal.media/files/uploads/none.png", fal.base_url());
    let output = json!({ "images": [{ "url": missing, "width": 8, "height": 8 }], "timings": {}, "seed": 7, "has_nsfw_concepts": [false], "prompt": "" });
    fal.answer("fal-ai/flux/dev/redux", &output).unwrap();
    let job = fal.submit("fal-ai/flux/dev/redux", &json!({ "image_url": "https://a.b/c.png" })).await;
    let results = delete(&fal, &job.id, None).await.body["cdn_delete_results"].clone();
    assert_eq!(results[0]["link"], missing);
    assert!(results[0]["exception"].is_string());
}

#[tokio::test]
async fn another_request_with_the_same_input_has_its_files() {
    let fal = Fal::instant().await;
    let jobs = [fal.submit(INPAINTING, &inpainting()).await, fal.submit(INPAINTING, &inpainting()).await];
    let output = fal.get(&jobs[0].path).await.body;
    delete(&fal, &jobs[0].id, None).await;
    assert_eq!(file_status(&fal, url(&output)).await, 404);
    let other = fal.get(&jobs[1].path).await.body;
    assert_eq!(file_status(&fal, url(&other)).await, 200);
}

#[tokio::test]
async fn idempotency_key_repeats_the_response_for_ten_minutes() {
    let fal = Fal::instant().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    let first = delete(&fal, &job.id, Some("once")).await.body;
    assert_eq!(first["cdn_delete_results"].as_array().unwrap().len(), 1);
    assert_eq!(delete(&fal, &job.id, Some("once")).await.body, first);
    assert_eq!(delete(&fal, &job.id, Some("twice")).await.body, json!({ "cdn_delete_results": [] }));
    fal.advance_time(Duration::from_secs(600));
    assert_eq!(delete(&fal, &job.id, Some("once")).await.body, json!({ "cdn_delete_results": [] }));
}

#[tokio::test]
async fn only_completed_requests_can_be_deleted() {
    let fal = Fal::manual().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    assert_eq!(delete(&fal, &job.id, None).await.error(), (404, "not_found"));
    assert_eq!(delete(&fal, "12345678-1234-1234-1234-123456789abc", None).await.error(), (404, "not_found"));
    assert_eq!(delete(&fal, "none", None).await.error(), (400, "validation_error"));
    fal.complete(&job.id);
    let path = format!("/models/requests/{}/payloads", job.id);
    assert_eq!(fal.platform(&path).await.status, 405);
    assert_eq!(delete(&fal, &job.id, None).await.status, 200);
    let request = fal.requests().pop().unwrap();
    assert_eq!((request.operation(), request.request_id()), (Operation::DeletePayloads, Some(job.id.as_str())));
    assert_eq!(request.endpoint(), Some(INPAINTING));
}

#[tokio::test]
async fn deletion_needs_an_admin_key() {
    let fal = Fal::start(Emulator::builder().pace(fal_emulator::Pace::instant()).without_admin_scope()).await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    assert_eq!(delete(&fal, &job.id, None).await.error(), (403, "authorization_error"));
    fal.grant_permission(Operation::DeletePayloads);
    assert_eq!(delete(&fal, &job.id, None).await.status, 200);
}
