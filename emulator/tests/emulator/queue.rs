use fal_emulator::{Emulator, Pace};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fal::{APP, Fal, INPAINTING, inpainting, inpainting_with, send};

#[tokio::test]
async fn job_passes_through_every_state() {
    let fal = Fal::manual().await;
    let submitted = fal.post(&format!("/queue.fal.run/{INPAINTING}"), &inpainting()).await;
    assert_eq!(submitted.status, 200);
    let id = submitted.body["request_id"].as_str().unwrap();
    assert_eq!(submitted.header("x-fal-request-id"), Some(id));
    let url = format!("{}/queue.fal.run/{APP}/requests/{id}", fal.base_url());
    let urls = json!({
        "request_id": id,
        "response_url": url,
        "status_url": format!("{url}/status"),
        "cancel_url": format!("{url}/cancel"),
    });
    let with_urls = |mut status: Value| {
        status.as_object_mut().unwrap().extend(urls.as_object().unwrap().clone());
        status
    };
    assert_eq!(submitted.body, with_urls(json!({ "status": "IN_QUEUE", "queue_position": 1 })));

    let path = format!("/queue.fal.run/{APP}/requests/{id}");
    let status = async || fal.get(&format!("{path}/status")).await;
    let result = async || fal.get(&path).await;
    let waiting = status().await;
    assert_eq!(waiting.status, 202);
    assert_eq!(waiting.header("x-fal-request-id"), Some(id));
    assert_eq!(waiting.body, with_urls(json!({ "status": "IN_QUEUE", "queue_position": 1 })));
    assert!(fal.advance(id));
    assert_eq!(status().await.body["queue_position"], 0);

    let early = result().await;
    assert_eq!(early.status, 400);
    let mut still = urls.clone();
    still["detail"] = json!("Request is still in progress");
    assert_eq!(early.body, still);

    assert!(fal.advance(id));
    let running = status().await;
    assert_eq!(running.status, 202);
    assert_eq!(running.body, with_urls(json!({ "status": "IN_PROGRESS", "logs": null, "metrics": {} })));
    assert_eq!(result().await.status, 400);

    assert!(fal.complete(id));
    let completed = status().await;
    assert_eq!(completed.status, 200);
    let metrics = json!({ "inference_time": completed.body["metrics"]["inference_time"].as_f64().unwrap() });
    assert_eq!(completed.body, with_urls(json!({ "status": "COMPLETED", "logs": null, "metrics": metrics })));
    assert!(!fal.advance(id));
    assert!(!fal.complete(id));

    let output = result().await;
    assert_eq!(output.status, 200);
    assert_eq!(output.header("x-fal-request-id"), Some(id));
    assert_eq!(output.header("x-fal-billable-units"), Some("1"));
    assert_eq!(output.body["images"].as_array().unwrap().len(), 1);
    assert_eq!(result().await.body, output.body);
}

#[tokio::test]
async fn path_variants_of_fal_are_accepted() {
    let fal = Fal::instant().await;
    let job = fal.submit(&format!("{INPAINTING}/"), &inpainting()).await;
    for path in [job.status(), format!("{}/", job.status())] {
        assert_eq!(fal.get(&path).await.body["status"], "COMPLETED", "{path}");
    }
    let output = fal.get(&job.path).await.body;
    for path in [format!("{}/", job.path), format!("{}/response", job.path), job.path.replace("fal-ai", "fal%2Dai")] {
        assert_eq!(fal.get(&path).await.body, output, "{path}");
    }
}

#[tokio::test]
async fn logs_are_included_only_on_request() {
    let fal = Fal::manual().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    for _ in 0..3 {
        fal.advance(&job.id);
    }
    for query in ["", "?logs=0", "?logs=false", "?log=1"] {
        assert_eq!(fal.get(&format!("{}{query}", job.status())).await.body["logs"], Value::Null, "{query}");
    }
    for query in ["?logs=1", "?logs=true", "?logs=True"] {
        let logs = fal.get(&format!("{}{query}", job.status())).await.body["logs"].clone();
        assert_eq!(logs.as_array().unwrap().len(), 1, "{query}");
        assert_eq!(logs[0]["message"], "Loading the model");
        assert_eq!(logs[0]["level"], "INFO");
        assert_eq!(logs[0]["timestamp"].as_str().unwrap().len(), "2026-01-02T03:04:05.678901Z".len());
    }
    fal.complete(&job.id);
    let logs = fal.get(&format!("{}?logs=1", job.status())).await.body["logs"].clone();
    let again = fal.get(&format!("{}?logs=1", job.status())).await.body["logs"].clone();
    assert_eq!(logs.as_array().unwrap().len(), 2);
    assert_eq!(logs, again);
}

#[tokio::test]
async fn job_cancelled_in_the_queue_never_starts() {
    let fal = Fal::manual().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    let cancelled = fal.put(&job.cancel()).await;
    assert_eq!((cancelled.status, cancelled.body), (200, json!({ "status": "OK" })));

    let status = fal.get(&job.status()).await;
    assert_eq!(status.status, 200);
    assert_eq!(status.body["status"], "COMPLETED");
    assert_eq!(status.body["error"], "Request was cancelled by the client");
    assert_eq!(status.body["error_type"], "client_cancelled");
    assert_eq!(status.body["metrics"], json!({}));
    assert!(!fal.advance(&job.id));

    let result = fal.get(&job.path).await;
    assert_eq!(result.status, 499);
    assert_eq!(result.header("x-fal-error-type"), Some("client_cancelled"));
    assert_eq!(result.header("x-fal-request-id"), Some(job.id.as_str()));
    let body = json!({ "detail": "Request was cancelled by the client", "error_type": "client_cancelled" });
    assert_eq!(result.body, body);
}

#[tokio::test]
async fn cancel_responds_in_every_state() {
    let fal = Fal::manual().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    for _ in 0..3 {
        fal.advance(&job.id);
    }
    let running = fal.put(&job.cancel()).await;
    assert_eq!((running.status, running.body), (202, json!({ "status": "CANCELLATION_REQUESTED" })));
    assert_eq!(fal.get(&job.path).await.status, 499);
    // Earlier log lines stay.
    let status = fal.get(&format!("{}?logs=1", job.status())).await.body;
    assert_eq!(status["logs"].as_array().unwrap().len(), 1);

    let twice = fal.put(&job.cancel()).await;
    assert_eq!((twice.status, twice.body), (400, json!({ "status": "ALREADY_COMPLETED" })));

    let done = fal.submit(INPAINTING, &inpainting()).await;
    fal.complete(&done.id);
    let late = fal.put(&done.cancel()).await;
    assert_eq!((late.status, late.body), (400, json!({ "status": "ALREADY_COMPLETED" })));
    assert_eq!(fal.get(&done.path).await.status, 200);

    let unknown = fal.put(&format!("/queue.fal.run/{APP}/requests/unknown/cancel")).await;
    assert_eq!((unknown.status, unknown.body), (404, json!({ "status": "NOT_FOUND" })));
}

#[tokio::test]
async fn unknown_request_is_not_found() {
    let fal = Fal::instant().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    for path in [
        // An unknown request.
        format!("/queue.fal.run/{APP}/requests/00000000-0000-4000-8000-000000000000"),
        // A request of another application, and of an unknown one.
        format!("/queue.fal.run/fal-ai/flux/requests/{}", job.id),
        format!("/queue.fal.run/unknown/nothing/requests/{}", job.id),
    ] {
        for ending in ["", "/status", "/status/stream"] {
            let reply = fal.get(&format!("{path}{ending}")).await;
            assert_eq!((reply.status, reply.body), (404, json!({ "status": "NOT_FOUND" })), "{path}{ending}");
        }
    }
}

#[tokio::test]
async fn invalid_input_completes_with_an_error() {
    let fal = Fal::manual().await;
    let job = fal.submit(INPAINTING, &inpainting_with(json!({ "strength": 2 }))).await;
    assert_eq!(fal.get(&job.path).await.status, 400);
    fal.complete(&job.id);
    let status = fal.get(&job.status()).await;
    assert_eq!(status.status, 200);
    assert_eq!(status.body["status"], "COMPLETED");
    assert_eq!(status.body["error"], "Invalid status code: 422");
    let result = fal.get(&job.path).await;
    assert_eq!(result.status, 422);
    assert_eq!(result.header("x-fal-billable-units"), Some("0"));
    assert_eq!(result.header("x-fal-request-id"), Some(job.id.as_str()));
    assert_eq!(result.body["detail"][0]["loc"], json!(["body", "strength"]));
    assert_eq!(result.body["detail"][0]["type"], "less_than_equal");
}

#[tokio::test]
async fn body_that_is_not_json_completes_with_an_error() {
    let fal = Fal::instant().await;
    let submit = fal.request(Method::POST, &format!("/queue.fal.run/{INPAINTING}")).body("{\"prompt\": ");
    let submit = submit.header("content-type", "application/json");
    let id = send(submit).await.body["request_id"].as_str().unwrap().to_owned();
    let result = fal.get(&format!("/queue.fal.run/{APP}/requests/{id}")).await;
    assert_eq!(result.status, 422);
    assert_eq!(result.body["detail"][0]["type"], "json_invalid");
}

#[tokio::test]
async fn jobs_progress_independently() {
    let fal = Fal::manual().await;
    let first = fal.submit(INPAINTING, &inpainting()).await;
    let second = fal.submit("fal-ai/flux/dev/redux", &json!({ "image_url": "https://example.com/a.png" })).await;
    assert_ne!(first.id, second.id);
    fal.complete(&second.id);
    assert_eq!(fal.get(&first.status()).await.body["status"], "IN_QUEUE");
    assert_eq!(fal.get(&second.status()).await.body["status"], "COMPLETED");
    assert!(!fal.advance("unknown"));
    assert!(!fal.complete("unknown"));
}

#[tokio::test]
async fn pace_determines_the_number_of_steps() {
    let fal = Fal::start(Emulator::builder().pace(Pace::manual().ahead(3).log_lines(0))).await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    let mut seen = Vec::new();
    loop {
        let status = fal.get(&job.status()).await.body;
        seen.push((status["status"].as_str().unwrap().to_owned(), status["queue_position"].as_u64()));
        if !fal.advance(&job.id) {
            break;
        }
    }
    let queued = |position| ("IN_QUEUE".to_owned(), Some(position));
    let expected =
        [queued(3), queued(2), queued(1), queued(0), ("IN_PROGRESS".to_owned(), None), ("COMPLETED".to_owned(), None)];
    assert_eq!(seen, expected);
}
