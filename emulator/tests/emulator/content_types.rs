use reqwest::Method;
use serde_json::json;

use crate::fal::{Fal, INPAINTING, inpainting, send};

#[tokio::test]
async fn inputs_that_are_not_declared_as_json_once_fail_in_the_model() {
    for (types, is_json) in [
        (&["application/json"][..], true),
        (&["application/json; charset=utf-8"], true),
        (&["Application/Problem+JSON"], true),
        (&[], false),
        (&["text/plain"], false),
        (&["application/json", "text/plain"], false),
        (&["application/json", "application/json"], false),
        (&["application/json, text/plain"], false),
        (&["application/jsonl"], false),
        (&["application/octet-stream"], false),
    ] {
        let fal = Fal::instant().await;
        let post = |path: String| {
            let request = fal.request(Method::POST, &path).body(inpainting().to_string());
            types.iter().fold(request, |request, media_type| request.header("content-type", *media_type))
        };
        let run = send(post(format!("/fal.run/{INPAINTING}"))).await;
        // The gateway accepts the body, which it does not read.
        let submitted = send(post(format!("/queue.fal.run/{INPAINTING}"))).await;
        assert_eq!(submitted.status, 200, "{types:?}");
        let url = submitted.body["response_url"].as_str().unwrap();
        let result = fal.get(url.strip_prefix(fal.base_url()).unwrap()).await;
        for reply in [run, result] {
            assert_eq!(reply.status, if is_json { 200 } else { 422 }, "{types:?} {reply:?}");
            if !is_json {
                let words = "Input should be a valid dictionary or object to extract fields from";
                assert_eq!(reply.body["detail"][0]["msg"], words);
                assert_eq!(reply.body["detail"][0]["loc"], json!(["body"]));
                assert_eq!(reply.header("x-fal-billable-units"), Some("0"));
            }
        }
        let mistakes = fal.requests().iter().filter(|request| request.mistake().is_some()).count();
        assert_eq!(mistakes, if is_json { 0 } else { 2 }, "{types:?}");
    }
}

#[tokio::test]
async fn other_bodies_have_to_be_declared_as_json_too() {
    let fal = Fal::instant().await;
    for (path, body) in [
        ("/rest.fal.ai/tokens/", json!({ "allowed_apps": ["flux"] })),
        ("/rest.fal.ai/storage/upload/initiate", json!({ "content_type": "a/b", "file_name": "c" })),
        (
            "/rest.fal.ai/storage/upload/initiate-multipart?storage_type=fal-cdn-v3",
            json!({ "content_type": "a/b", "file_name": "c" }),
        ),
    ] {
        let post = |media_type: &str| {
            send(fal.request(Method::POST, path).header("content-type", media_type).body(body.to_string()))
        };
        let mistakes = || fal.requests().iter().filter(|request| request.mistake().is_some()).count();
        let before = mistakes();
        assert_eq!(post("application/json").await.status, 200, "{path}");
        assert_eq!(mistakes(), before);
        let refused = post("multipart/form-data; boundary=x").await;
        assert_eq!((refused.status, &refused.body["detail"][0]["loc"]), (422, &json!(["body"])), "{path}");
        assert_eq!(mistakes(), before + 1);
    }
}
