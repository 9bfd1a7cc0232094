use reqwest::Method;
use serde_json::json;

use crate::fal::{Fal, INPAINTING, inpainting, inpainting_with, send};

#[tokio::test]
async fn direct_run_responds_with_the_output() {
    let fal = Fal::instant().await;
    let reply = fal.run(INPAINTING, &inpainting_with(json!({ "seed": 42, "num_images": 3 }))).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("x-fal-billable-units"), Some("3"));
    assert_eq!(reply.header("x-fal-request-id").map(str::len), Some(36));
    assert_eq!(reply.body["seed"], 42);
    assert_eq!(reply.body["images"].as_array().unwrap().len(), 3);
    assert_eq!(reply.body["has_nsfw_concepts"], json!([false, false, false]));
}

#[tokio::test]
async fn invalid_input_is_rejected_with_every_violation() {
    let fal = Fal::instant().await;
    let reply = fal.run(INPAINTING, &inpainting_with(json!({ "num_images": 9, "strength": "much" }))).await;
    assert_eq!(reply.status, 422);
    assert_eq!(reply.header("x-fal-billable-units"), Some("0"));
    assert!(reply.header("x-fal-request-id").is_some());
    assert_eq!(
        reply.body["detail"],
        json!([
            {
                "loc": ["body", "num_images"],
                "msg": "Input should be less than or equal to 8",
                "type": "less_than_equal",
                "url": "https://docs.fal.ai/errors/#less_than_equal",
                "ctx": { "le": 8 },
                "input": 9,
            },
            {
                "loc": ["body", "strength"],
                "msg": "Input should be a valid number",
                "type": "float_type",
                "url": "https://docs.fal.ai/errors/#float_type",
                "input": "much",
            },
        ])
    );
}

#[tokio::test]
async fn unknown_paths_are_404() {
    let fal = Fal::instant().await;
    for host in ["fal.run", "queue.fal.run"] {
        let unknown_app = fal.post(&format!("/{host}/unknown/nothing/at-all"), &inpainting()).await;
        assert_eq!(unknown_app.status, 404);
        assert_eq!(unknown_app.body, json!({ "detail": "Application \"unknown/nothing/at-all\" not found" }));
        let unknown_path = fal.post(&format!("/{host}/fal-ai/fast-sdxl-controlnet-canny/x/y"), &inpainting()).await;
        assert_eq!(unknown_path.status, 404);
        assert_eq!(unknown_path.body, json!({ "detail": "Path /x/y not found" }));
    }
    for path in ["/fal.run", "/elsewhere/fal-ai/flux", "/v3.fal.media/files/emulator/x.png", "/%ff/%00"] {
        assert_eq!(fal.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn wrong_method_is_405() {
    let fal = Fal::instant().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    for (method, path, allowed) in [
        (Method::GET, format!("/fal.run/{INPAINTING}"), "POST"),
        (Method::PUT, format!("/queue.fal.run/{INPAINTING}"), "POST"),
        (Method::POST, job.status(), "GET"),
        (Method::DELETE, job.path.clone(), "GET"),
        (Method::POST, job.cancel(), "PUT"),
        (Method::POST, "/v3.fal.media/files/x".into(), "GET, HEAD, PUT"),
        // The documents list request paths below the whole id, but fal does not have them there.
        (Method::GET, format!("/queue.fal.run/{INPAINTING}/requests/{}/status", job.id), ""),
    ] {
        let reply = send(fal.request(method.clone(), &path)).await;
        assert_eq!(reply.status, 405, "{method} {path}");
        assert_eq!(reply.header("allow"), Some(allowed), "{method} {path}");
        assert_eq!(reply.body, json!({ "detail": "Method Not Allowed" }));
    }
}
