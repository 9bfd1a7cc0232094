//! Usage and billing events: `/models/usage` and `/models/billing-events`.

use std::time::Duration;

use fal_emulator::{Decimal, Emulator, Fault, Operation, Pace, Price};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fal::{Fal, INPAINTING, inpainting, send};

const REDUX: &str = "fal-ai/flux/dev/redux";
const DAY: Duration = Duration::from_secs(86_400);

/// Starts an emulator with a job of 2 units on each of three days, and one of another endpoint on the last.
async fn used() -> Fal {
    let builder =
        Emulator::builder().pace(Pace::instant()).price(INPAINTING, Price::usd(Decimal::new(15, 2), "images"));
    let fal = Fal::start(builder.billable_units(INPAINTING, Decimal::TWO)).await;
    for _ in 0..3 {
        fal.advance_time(DAY);
        fal.run(INPAINTING, &inpainting()).await;
    }
    fal.run(REDUX, &json!({ "image_url": "https://a.b/c.png" })).await;
    fal
}

fn row(quantity: f64, cost: f64) -> Value {
    let cost = serde_json::from_str::<Value>(&cost.to_string()).unwrap();
    let quantity = serde_json::from_str::<Value>(&quantity.to_string()).unwrap();
    json!({
        "endpoint_id": INPAINTING, "unit": "images", "quantity": quantity, "unit_price": 0.15, "percent_discount": null,
        "cost_subtotal": cost, "cost_discount": 0, "cost_total": cost, "cost": cost, "currency": "USD",
    })
}

#[tokio::test]
async fn summary_sums_the_jobs_of_an_endpoint() {
    let fal = used().await;
    let path = format!("/models/usage?expand=summary&start=2020-01-01&endpoint_id={INPAINTING}");
    let usage = fal.platform(&path).await.body;
    assert_eq!(usage["summary"], json!([row(6.0, 0.9)]));
    assert!(usage.get("time_series").is_none());
    let usage = fal.platform("/models/usage?expand=summary&start=2020-01-01").await.body;
    assert_eq!(usage["summary"].as_array().unwrap().len(), 2);
    assert_eq!((&usage["summary"][1]["endpoint_id"], &usage["summary"][1]["cost"]), (&json!(REDUX), &json!(0)));
}

#[tokio::test]
async fn buckets_are_days() {
    let fal = used().await;
    let path = format!("/models/usage?timeframe=day&start=2020-01-01&endpoint_id={INPAINTING}");
    let usage = fal.platform(&path).await.body;
    let buckets = usage["time_series"].as_array().unwrap();
    assert_eq!(buckets.len(), 3);
    assert!(buckets.iter().all(|bucket| bucket["results"] == json!([row(2.0, 0.3)])), "{buckets:?}");
    let times: Vec<&str> = buckets.iter().map(|bucket| bucket["bucket"].as_str().unwrap()).collect();
    assert!(times.is_sorted() && times.iter().all(|time| time.ends_with("T00:00:00+00:00")), "{times:?}");
    // Pages have buckets.
    let page = fal.platform(&format!("{path}&limit=2")).await.body;
    assert_eq!((page["time_series"].as_array().unwrap().len(), &page["has_more"]), (2, &json!(true)));
    let rest = fal.platform(&format!("{path}&limit=2&cursor={}", page["next_cursor"].as_str().unwrap())).await.body;
    assert_eq!((&rest["time_series"][0], &rest["has_more"]), (&buckets[2], &json!(false)));
}

#[tokio::test]
async fn range_is_the_last_day_by_default() {
    let fal = used().await;
    let exact = fal.platform("/models/usage?expand=summary&bound_to_timeframe=false").await.body;
    assert_eq!(exact["summary"][0]["quantity"], 2);
    let usage =
        fal.platform("/models/usage?start=2020-01-01&end=2021-01-01&expand=summary&expand=time_series").await.body;
    assert_eq!((&usage["summary"], &usage["time_series"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn auth_methods_are_expanded() {
    let fal = used().await;
    for path in [
        "/models/usage?expand=summary&expand=auth_method,auth_method_structured",
        "/models/billing-events?expand=auth_method&expand=auth_method_structured",
    ] {
        let body = fal.platform(path).await.body;
        let item = if body["summary"].is_array() { &body["summary"][0] } else { &body["billing_events"][0] };
        let key = item["auth_method_structured"]["api_key_id"].as_str().unwrap();
        assert!(item["auth_method"].is_string());
        let other = fal.platform(&format!("{path}&api_key_id={key}")).await.body;
        assert_eq!(other, body);
    }
    let usage = fal.platform("/models/usage?expand=summary&api_key_id=other").await.body;
    assert_eq!(usage["summary"], json!([]));
}

#[tokio::test]
async fn billing_events_name_their_requests() {
    let fal = used().await;
    let events = fal.platform("/models/billing-events?start=2026-01-01").await;
    // The range is limited to 90 days.
    assert_eq!(events.error(), (400, "validation_error"));
    let events = fal.platform(&format!("/models/billing-events?endpoint_id={INPAINTING}")).await.body;
    let job = &fal.jobs()[2];
    let event = &events["billing_events"][0];
    assert_eq!(
        (event["request_id"].as_str(), event["endpoint_id"].as_str()),
        (Some(job.request_id()), Some(INPAINTING))
    );
    assert_eq!(
        (&event["output_units"], &event["unit_price"], &event["cost_total"]),
        (&json!(2), &json!(0.15), &json!(0.3))
    );
    assert_eq!((&event["cost_estimate_nano_usd"], &event["percent_discount"]), (&json!(300_000_000), &Value::Null));
    assert!(event["timestamp"].is_string());
    let by_id = fal.platform(&format!("/models/billing-events?request_id={}", job.request_id())).await.body;
    assert_eq!(by_id["billing_events"], json!([event]));
    let unpriced = fal.platform(&format!("/models/billing-events?endpoint_id={REDUX}")).await.body;
    assert_eq!(
        (&unpriced["billing_events"][0]["unit_price"], &unpriced["billing_events"][0]["cost_total"]),
        (&Value::Null, &json!(0))
    );
}

#[tokio::test]
async fn failures_have_no_billing_event() {
    let fal = Fal::instant().await;
    fal.inject_fault(Operation::Run, Fault::outcome(500));
    fal.run(INPAINTING, &inpainting()).await;
    assert_eq!(fal.platform("/models/billing-events").await.body["billing_events"], json!([]));
}

#[tokio::test]
async fn billing_events_are_filtered_by_tag() {
    let fal = Fal::instant().await;
    for tags in ["team=a,run=1", "team=a,run=2", "team=b,run=1"] {
        let path = format!("/fal.run/{INPAINTING}");
        send(fal.request(Method::POST, &path).header("x-fal-tags", tags).json(&inpainting())).await;
    }
    for (query, count) in [("tag=team%3Da", 2), ("tag=team=a&tag=run=1", 1), ("tag=team=c", 0), ("limit=2", 2)] {
        let events = fal.platform(&format!("/models/billing-events?{query}")).await.body;
        assert_eq!(events["billing_events"].as_array().unwrap().len(), count, "{query}");
    }
}

#[tokio::test]
async fn invalid_parameters_are_refused() {
    let fal = Fal::instant().await;
    for path in [
        "/models/usage?timeframe=year",
        "/models/usage?timezone=Mars/Olympus",
        "/models/usage?bound_to_timeframe=1",
        "/models/usage?expand=auth_method",
        "/models/usage?start=today",
        "/models/usage?limit=0",
        "/models/billing-events?cursor=0",
        "/models/billing-events?start=2026-02-01&end=2026-01-01",
    ] {
        assert_eq!(fal.platform(path).await.error(), (400, "validation_error"), "{path}");
    }
}
