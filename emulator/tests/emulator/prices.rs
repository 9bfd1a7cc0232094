//! Prices, billable units and what jobs are billed.

use std::sync::{Arc, Mutex};

use fal_emulator::{Decimal, Emulator, Fault, Operation, Pace, Price};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fal::{Fal, INPAINTING, Reply, document, inpainting, inpainting_with, send};

const REDUX: &str = "fal-ai/flux/dev/redux";

fn cents(cents: i64) -> Decimal {
    Decimal::new(cents, 2)
}

async fn priced() -> Fal {
    let builder =
        Emulator::builder().pace(Pace::instant()).price(INPAINTING, Price::usd(Decimal::new(25, 3), "images"));
    Fal::start(builder).await
}

#[tokio::test]
async fn pricing_has_the_prices_that_are_set() {
    let fal = priced().await;
    let path = format!("/api.fal.ai/v1/models/pricing?endpoint_id={INPAINTING}");
    let price = json!({ "endpoint_id": INPAINTING, "unit_price": 0.025, "unit": "images", "currency": "USD" });
    let page = |prices: Value| json!({ "prices": prices, "next_cursor": null, "has_more": false });
    assert_eq!(fal.get(&path).await.body, page(json!([price])));

    fal.set_price(REDUX, Price::new(Decimal::new(2, 0), "EUR", "1000 characters"));
    let other = json!({ "endpoint_id": REDUX, "unit_price": 2, "unit": "1000 characters", "currency": "EUR" });
    for path in [format!("{path},{REDUX}"), format!("{path}&endpoint_id={}", REDUX.replace('/', "%2F"))] {
        assert_eq!(fal.get(&path).await.body, page(json!([price, other])), "{path}");
    }
}

#[tokio::test]
async fn pricing_refuses_invalid_requests() {
    let fal = priced().await;
    let path = "/api.fal.ai/v1/models/pricing";
    for query in
        ["?endpoint_id=fal-ai/none", "?endpoint_id=openrouter/router", &format!("?endpoint_id={INPAINTING},a/b")]
    {
        assert_eq!(fal.get(&format!("{path}{query}")).await.error(), (404, "not_found"), "{query}");
    }
    let many = format!("?endpoint_id={}", [INPAINTING; 51].join(","));
    for query in ["", "?endpoint_id=", "?endpoint_id=,", many.as_str()] {
        assert_eq!(fal.get(&format!("{path}{query}")).await.error(), (400, "validation_error"), "{query}");
    }
    let path = format!("{path}?endpoint_id={INPAINTING}");
    let refused = send(fal.anonymous(Method::GET, &path)).await;
    assert_eq!(refused.error(), (401, "authorization_error"));
    assert!(refused.body["error"]["request_id"].is_string() && refused.body["error"]["docs_url"].is_string());
    fal.deny_permission(Operation::Pricing);
    assert_eq!(fal.get(&path).await.error(), (403, "authorization_error"));
}

#[tokio::test]
async fn billable_units_are_the_number_of_images_by_default() {
    let fal = priced().await;
    let reply = fal.run(INPAINTING, &inpainting_with(json!({ "num_images": 3 }))).await;
    assert_eq!(reply.header("x-fal-billable-units"), Some("3"));
    let reply = fal.run(INPAINTING, &inpainting()).await;
    assert_eq!(reply.header("x-fal-billable-units"), Some("1"));
    let billed = fal.billed();
    assert_eq!((billed.jobs(), billed.units(), billed.cost()), (2, Decimal::from(4), cents(10)));
}

#[tokio::test]
async fn billable_units_can_be_set() {
    let fal = priced().await;
    fal.set_billable_units(INPAINTING, Decimal::new(45, 1));
    let units = |reply: &Reply| reply.header("x-fal-billable-units").map(str::to_owned);
    assert_eq!(units(&fal.run(INPAINTING, &inpainting()).await), Some("4.5".to_owned()));
    fal.inject_fault(Operation::Submit, Fault::none().billable_units(Decimal::new(100, 1)));
    let job = fal.submit(INPAINTING, &inpainting()).await;
    assert_eq!(units(&fal.get(&job.path).await), Some("10".to_owned()));
    assert_eq!(fal.billed().units(), Decimal::new(145, 1));
    assert_eq!(fal.billed_on(REDUX), Default::default());
}

#[tokio::test]
async fn failures_are_billed_only_if_a_test_says_so() {
    let fal = priced().await;
    fal.run(INPAINTING, &inpainting_with(json!({ "strength": 2 }))).await;
    fal.inject_fault(Operation::Run, Fault::outcome(500));
    fal.run(INPAINTING, &inpainting()).await;
    assert_eq!(fal.billed(), Default::default());
    fal.inject_fault(Operation::Run, Fault::outcome(422).billable_units(Decimal::ONE));
    let refused = fal.run(INPAINTING, &inpainting()).await;
    assert_eq!((refused.status, refused.header("x-fal-billable-units")), (422, Some("1")));
    fal.inject_fault(Operation::Run, Fault::outcome(422).header("x-fal-billable-units", "2"));
    fal.run(INPAINTING, &inpainting()).await;
    assert_eq!(fal.billed().units(), Decimal::from(3));
    assert_eq!(fal.accepted_jobs(), 4);
}

#[tokio::test]
async fn unfinished_and_cancelled_jobs_are_billed_nothing() {
    let fal = Fal::start(Emulator::builder().pace(Pace::manual()).default_price(Price::usd(cents(1), "units"))).await;
    let jobs = [
        fal.submit(REDUX, &json!({ "image_url": "https://a.b/c.png" })).await,
        fal.submit(INPAINTING, &inpainting()).await,
    ];
    assert_eq!(fal.billed(), Default::default());
    fal.put(&jobs[0].cancel()).await;
    fal.complete(&jobs[1].id);
    assert_eq!((fal.billed().jobs(), fal.billed().cost()), (1, cents(1)));
    assert_eq!(fal.billed_on(INPAINTING), fal.billed());
}

#[tokio::test]
async fn price_of_a_job_is_the_one_at_its_acceptance() {
    let fal = priced().await;
    fal.run(INPAINTING, &inpainting()).await;
    fal.set_price(INPAINTING, Price::usd(Decimal::ONE, "images"));
    assert_eq!(fal.billed().cost(), Decimal::new(25, 3));
    fal.run(INPAINTING, &inpainting()).await;
    assert_eq!(fal.billed().cost(), Decimal::new(1025, 3));
}

#[tokio::test]
async fn totals_count_jobs_that_are_no_longer_kept() {
    let plain = document("me/plain", &json!({}), &json!({}), &json!({}));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let seeds = Arc::clone(&seen);
    let builder = Emulator::builder().document(plain).pace(Pace::instant()).history(10);
    let builder = builder.price("me/plain", Price::usd(cents(1), "calls")).on_job(move |job| {
        seeds.lock().unwrap().push(job.request().input()["seed"].as_u64().unwrap());
    });
    let fal = Fal::start(builder).await;
    for seed in 0..25 {
        fal.submit("me/plain", &json!({ "seed": seed })).await;
    }
    assert_eq!((fal.jobs().len(), fal.requests().len()), (10, 10));
    assert_eq!((fal.accepted_jobs(), fal.billed().jobs(), fal.billed().cost()), (25, 25, cents(25)));
    assert_eq!(*seen.lock().unwrap(), (0..25).collect::<Vec<_>>());
}

#[tokio::test]
async fn extreme_prices_do_not_overflow() {
    let fal = priced().await;
    fal.set_price(INPAINTING, Price::usd(Decimal::MAX, "images"));
    fal.set_billable_units(INPAINTING, Decimal::MAX);
    fal.run(INPAINTING, &inpainting()).await;
    fal.run(INPAINTING, &inpainting()).await;
    assert_eq!(fal.billed().cost(), Decimal::MAX);
}
