use std::time::Duration;

use fal_emulator::{Emulator, Pace};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fal::{APP, Fal, INPAINTING, Reply, inpainting, send};

const HEADER: &str = "x-app-fal-upload-policy";

fn policy() -> Value {
    json!({ "url": "https://fox.s3.eu-west-1.amazonaws.com", "fields": { "key": "out/${filename}", "policy": "p" } })
}

async fn run(fal: &Fal, policy: &str) -> Reply {
    let request = fal.request(Method::POST, &format!("/fal.run/{INPAINTING}"));
    send(request.header(HEADER, policy).json(&inpainting())).await
}

fn path_of(fal: &Fal, reply: &Reply) -> String {
    let url = reply.body["images"][0]["url"].as_str().unwrap();
    url.strip_prefix(fal.base_url()).unwrap().to_owned()
}

#[tokio::test]
async fn files_appear_in_the_bucket_after_the_upload_time() {
    let fal = Fal::start(Emulator::builder().pace(Pace::instant()).output_upload_time(Duration::from_secs(60))).await;
    let reply = run(&fal, &policy().to_string()).await;
    let path = path_of(&fal, &reply);
    let name = path.strip_prefix("/fox.s3.eu-west-1.amazonaws.com/out/").unwrap();
    let (unique, name) = name.split_once('-').unwrap();
    assert!(unique.len() == 32 && unique.bytes().all(|byte| byte.is_ascii_hexdigit()), "{unique}");
    assert_eq!(std::path::Path::new(name).extension().unwrap(), "png");

    let get = async || fal.anonymous(Method::GET, &path).send().await.unwrap();
    let missing = get().await;
    assert_eq!(
        (missing.status().as_u16(), missing.headers()["content-type"].to_str().unwrap()),
        (404, "application/xml")
    );
    assert!(missing.text().await.unwrap().contains("<Code>NoSuchKey</Code>"));
    fal.advance_time(Duration::from_secs(59));
    assert_eq!(get().await.status().as_u16(), 404);
    fal.advance_time(Duration::from_secs(1));
    let file = get().await;
    assert_eq!((file.status().as_u16(), file.headers()["content-type"].to_str().unwrap()), (200, "image/png"));
}

#[tokio::test]
async fn failed_uploads_never_appear() {
    let fal = Fal::start(Emulator::builder().pace(Pace::instant()).output_upload_time(Duration::MAX)).await;
    let reply = run(&fal, &policy().to_string()).await;
    fal.advance_time(Duration::MAX);
    assert_eq!(fal.get(&path_of(&fal, &reply)).await.status, 404);
}

#[tokio::test]
async fn invalid_policies_fail_before_the_model_and_cost_nothing() {
    let fal = Fal::instant().await;
    for invalid in [
        "",
        "{}",
        r#"{"url":"https://fox.s3.amazonaws.com","fields":{}}"#,
        r#"{"url":"http://fox.s3.amazonaws.com","fields":{"key":"${filename}"}}"#,
        r#"{"url":"https://storage.googleapis.com/fox","fields":{"key":"${filename}"}}"#,
    ] {
        let direct = run(&fal, invalid).await;
        let submit = fal.request(Method::POST, &format!("/queue.fal.run/{INPAINTING}")).header(HEADER, invalid);
        let submitted = send(submit.json(&inpainting())).await;
        assert_eq!(submitted.status, 200);
        let id = submitted.body["request_id"].as_str().unwrap();
        let queued = fal.get(&format!("/queue.fal.run/{APP}/requests/{id}")).await;
        for reply in [direct, queued] {
            assert_eq!(reply.status, 422, "{invalid}");
            assert!(
                reply.body["detail"].as_str().unwrap().starts_with("Invalid x-app-fal-upload-policy "),
                "{reply:?}"
            );
            assert_eq!(reply.header("x-fal-billable-units"), Some("0"));
        }
    }
}
