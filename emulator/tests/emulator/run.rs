use reqwest::Method;
use serde_json::json;

use crate::fal::{Fal, INPAINTING, answer, inpainting, inpainting_with};

#[tokio::test]
async fn a_direct_run_answers_with_the_output() {
    let fal = Fal::instant().await;
    let answer = fal.run(INPAINTING, &inpainting_with(json!({ "seed": 42, "num_images": 3 }))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("x-fal-billable-units"), Some("3"));
    assert_eq!(answer.header("x-fal-request-id").map(str::len), Some(36));
    assert_eq!(answer.body["seed"], 42);
    assert_eq!(answer.body["images"].as_array().unwrap().len(), 3);
    assert_eq!(answer.body["has_nsfw_concepts"], json!([false, false, false]));
}

#[tokio::test]
async fn a_refused_input_is_answered_with_every_violation() {
    let fal = Fal::instant().await;
    let answer = fal.run(INPAINTING, &inpainting_with(json!({ "num_images": 9, "strength": "much" }))).await;
    assert_eq!(answer.status, 422);
    assert_eq!(answer.header("x-fal-billable-units"), Some("0"));
    assert!(answer.header("x-fal-request-id").is_some());
    assert_eq!(
        answer.body["detail"],
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
async fn what_is_not_there_is_404() {
    let fal = Fal::instant().await;
    for host in ["fal.run", "queue.fal.run"] {
        let unknown_app = fal.post(&format!("/{host}/nobody/nothing/at-all"), &inpainting()).await;
        assert_eq!(unknown_app.status, 404);
        assert_eq!(unknown_app.body, json!({ "detail": "Application \"nobody/nothing/at-all\" not found" }));
        let unknown_path = fal.post(&format!("/{host}/fal-ai/fast-sdxl-controlnet-canny/x/y"), &inpainting()).await;
        assert_eq!(unknown_path.status, 404);
        assert_eq!(unknown_path.body, json!({ "detail": "Path /x/y not found" }));
    }
    for path in ["/", "/fal.run", "/elsewhere/fal-ai/flux", "/v3.fal.media/files/emulator/x.png", "/%ff/%00"] {
        assert_eq!(fal.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_method_that_is_not_meant_is_405() {
    let fal = Fal::instant().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    for (method, path, allowed) in [
        (Method::GET, format!("/fal.run/{INPAINTING}"), "POST"),
        (Method::PUT, format!("/queue.fal.run/{INPAINTING}"), "POST"),
        (Method::POST, job.status(), "GET"),
        (Method::DELETE, job.path.clone(), "GET"),
        (Method::POST, job.cancel(), "PUT"),
        (Method::POST, "/v3.fal.media/files/x".into(), "GET, HEAD, PUT"),
        // The documents list the calls of a request below the whole id, where fal does not have them.
        (Method::GET, format!("/queue.fal.run/{INPAINTING}/requests/{}/status", job.id), ""),
    ] {
        let answer = answer(fal.request(method.clone(), &path)).await;
        assert_eq!(answer.status, 405, "{method} {path}");
        assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
        assert_eq!(answer.body, json!({ "detail": "Method Not Allowed" }));
    }
}
