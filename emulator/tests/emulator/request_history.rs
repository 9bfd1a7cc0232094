//! The history of requests: `/models/requests/by-endpoint`.

use std::time::{Duration, SystemTime};

use fal_emulator::{Emulator, Fault, Operation, Pace};
use serde_json::{Value, json};

use crate::fal::{Fal, INPAINTING, document, inpainting, inpainting_with};

const HOUR: Duration = Duration::from_secs(3600);

/// Requests the history of an endpoint, with further parameters.
async fn history(fal: &Fal, parameters: &str) -> Value {
    let reply =
        fal.get(&format!("/api.fal.ai/v1/models/requests/by-endpoint?endpoint_id={INPAINTING}{parameters}")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.body
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["request_id"].as_str().unwrap()).collect()
}

/// Formats the time of the emulator's clock, `hours` after now.
fn at(hours: u64) -> String {
    let time = SystemTime::now() + hours as u32 * HOUR;
    let date = httpdate::HttpDate::from(time).to_string();
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let parts: Vec<&str> = date.split([' ', ':']).collect();
    let month = months.iter().position(|month| *month == parts[2]).unwrap() + 1;
    format!("{}-{month:02}-{}T{}:{}:{}Z", parts[3], parts[1], parts[4], parts[5], parts[6])
}

#[tokio::test]
async fn completed_requests_have_times_and_a_status() {
    let fal = Fal::instant().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    let page = history(&fal, "").await;
    assert_eq!((&page["next_cursor"], &page["has_more"]), (&Value::Null, &json!(false)));
    let item = &page["items"][0];
    assert_eq!((item["request_id"].as_str(), item["endpoint_id"].as_str()), (Some(job.id.as_str()), Some(INPAINTING)));
    assert_eq!((&item["status_code"], &item["duration"]), (&json!(200), &json!(0.0)));
    assert_eq!(item["started_at"], item["ended_at"]);
    assert!(item["sent_at"].is_string() && item.get("json_input").is_none());
}

#[tokio::test]
async fn payloads_are_expanded() {
    let fal = Fal::instant().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    let output = fal.get(&job.path).await.body;
    fal.run(INPAINTING, &inpainting_with(json!({ "strength": 2 }))).await;
    let page = history(&fal, "&expand=payloads&status=success").await;
    assert_eq!((&page["items"][0]["json_input"], &page["items"][0]["json_output"]), (&inpainting(), &output));
    let failed = history(&fal, "&expand=payloads&status=user_error").await;
    assert_eq!(failed["items"][0]["status_code"], 422);
    assert_eq!(failed["items"][0]["json_output"]["detail"][0]["loc"], json!(["body", "strength"]));
    assert!(ids(&history(&fal, "&status=error").await).is_empty());
}

#[tokio::test]
async fn payloads_are_missing_if_the_client_has_switched_their_storage_off() {
    let fal = Fal::instant().await;
    let path = format!("/queue.fal.run/{INPAINTING}");
    let submission = fal.request(reqwest::Method::POST, &path).header("x-fal-store-io", "0").json(&inpainting());
    crate::fal::send(submission).await;
    let page = history(&fal, "&expand=payloads").await;
    assert_eq!(ids(&page).len(), 1);
    assert!(page["items"][0].get("json_input").is_none() && page["items"][0].get("json_output").is_none());
}

#[tokio::test]
async fn requests_appear_when_they_start() {
    let fal = Fal::manual().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    let cancelled = fal.submit(INPAINTING, &inpainting()).await;
    fal.put(&cancelled.cancel()).await;
    assert!(ids(&history(&fal, "").await).is_empty());
    fal.advance_time(HOUR);
    while fal.jobs()[0].has_started() || fal.advance(&job.id) {
        if fal.jobs()[0].has_started() {
            break;
        }
    }
    let page = history(&fal, "&expand=payloads").await;
    assert_eq!(ids(&page), [&job.id]);
    let item = &page["items"][0];
    assert_eq!(
        (&item["ended_at"], &item["status_code"], &item["duration"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!((&item["json_input"], item.get("json_output")), (&inpainting(), None));
    fal.advance_time(2 * HOUR);
    fal.complete(&job.id);
    let item = &history(&fal, "").await["items"][0];
    let duration = item["duration"].as_f64().unwrap();
    assert!((7200.0..7260.0).contains(&duration), "{duration}");
}

#[tokio::test]
async fn time_range_excludes_its_end() {
    let fal = Fal::instant().await;
    let mut jobs = Vec::new();
    for _ in 0..3 {
        jobs.push(fal.submit(INPAINTING, &inpainting()).await.id);
        fal.advance_time(2 * HOUR);
    }
    let range = |start: u64, end: u64| format!("&start={}&end={}", at(start), at(end));
    assert_eq!(ids(&history(&fal, &range(1, 3)).await), [&jobs[1]]);
    assert_eq!(ids(&history(&fal, &range(1, 5)).await), [&jobs[2], &jobs[1]]);
    assert_eq!(ids(&history(&fal, &range(5, 9)).await), [""; 0]);
    // The last 24 hours by default, and 90 days for one request.
    fal.advance_time(21 * HOUR);
    assert_eq!(ids(&history(&fal, "").await), [&jobs[2]]);
    assert_eq!(ids(&history(&fal, &format!("&request_id={}", jobs[0])).await), [&jobs[0]]);
    fal.advance_time(100 * 24 * HOUR);
    assert_eq!(ids(&history(&fal, &format!("&request_id={}", jobs[0])).await), [""; 0]);
}

#[tokio::test]
async fn pages_have_at_most_100_requests() {
    let plain = document("me/plain", &json!({}), &json!({}), &json!({}));
    let fal = Fal::start(Emulator::builder().document(plain).pace(Pace::instant())).await;
    let mut jobs = Vec::new();
    for _ in 0..120 {
        jobs.insert(0, fal.submit("me/plain", &json!({})).await.id);
    }
    let path = "/api.fal.ai/v1/models/requests/by-endpoint?endpoint_id=me/plain";
    for (limit, sizes) in [("", [50, 50, 20].as_slice()), ("&limit=100", &[100, 20]), ("&limit=60", &[60, 60])] {
        let (mut all, mut cursor) = (Vec::new(), Value::Null);
        for size in sizes {
            let cursor_parameter = cursor.as_str().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let page = fal.get(&format!("{path}{limit}{cursor_parameter}")).await.body;
            assert_eq!(ids(&page).len(), *size);
            assert_eq!(page["has_more"], json!(page["next_cursor"].is_string()));
            all.extend(ids(&page).into_iter().map(str::to_owned));
            cursor = page["next_cursor"].clone();
        }
        assert_eq!((all, cursor), (jobs.clone(), Value::Null));
    }
}

#[tokio::test]
async fn requests_are_sorted_by_duration() {
    let fal = Fal::manual().await;
    let (slow, fast) = (fal.submit(INPAINTING, &inpainting()).await, fal.submit(INPAINTING, &inpainting()).await);
    fal.advance(&slow.id);
    fal.advance(&slow.id);
    fal.advance_time(HOUR);
    fal.complete(&slow.id);
    fal.complete(&fast.id);
    assert_eq!(ids(&history(&fal, "").await), [&fast.id, &slow.id]);
    assert_eq!(ids(&history(&fal, "&sort_by=duration").await), [&slow.id, &fast.id]);
}

#[tokio::test]
async fn invalid_parameters_are_refused() {
    let fal = Fal::instant().await;
    let path = "/api.fal.ai/v1/models/requests/by-endpoint";
    assert_eq!(fal.get(path).await.status, 400);
    for parameters in [
        "limit=0",
        "limit=101",
        "limit=x",
        "cursor=x",
        "cursor=MA==",
        "status=done",
        "sort_by=name",
        "request_id=none",
        "start=yesterday",
        "start=2026-02-01&end=2026-01-01",
    ] {
        let reply = fal.get(&format!("{path}?endpoint_id={INPAINTING}&{parameters}")).await;
        assert_eq!(
            (reply.status, reply.body["error"]["type"].as_str()),
            (400, Some("validation_error")),
            "{parameters}"
        );
    }
}

#[tokio::test]
async fn lost_submission_is_found_in_the_history() {
    let fal = Fal::instant().await;
    fal.inject_fault(Operation::Submit, Fault::drop_connection().after_effect());
    let path = format!("/queue.fal.run/{INPAINTING}");
    fal.request(reqwest::Method::POST, &path).json(&inpainting()).send().await.expect_err("a closed connection");
    let page = history(&fal, "&expand=payloads").await;
    assert_eq!(ids(&page), [fal.jobs()[0].request_id()]);
    assert_eq!(page["items"][0]["json_input"], inpainting());
}
