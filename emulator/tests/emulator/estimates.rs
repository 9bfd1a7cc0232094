//! Estimates of costs: `/models/pricing/estimate`.

use fal_emulator::{Decimal, Emulator, Fault, Operation, Pace, Price};
use serde_json::{Value, json};

use crate::fal::{Fal, INPAINTING, Reply, inpainting};

const REDUX: &str = "fal-ai/flux/dev/redux";

async fn priced() -> Fal {
    let builder = Emulator::builder()
        .pace(Pace::instant())
        .price(INPAINTING, Price::usd(Decimal::new(1, 1), "images"))
        .price(REDUX, Price::usd(Decimal::new(2, 1), "megapixels").per_call(Decimal::new(9, 1)));
    Fal::start(builder).await
}

async fn estimate(fal: &Fal, body: Value) -> Reply {
    fal.post("/api.fal.ai/v1/models/pricing/estimate", &body).await
}

fn calls(endpoints: Value) -> Value {
    json!({ "estimate_type": "historical_api_price", "endpoints": endpoints })
}

#[tokio::test]
async fn units_cost_their_price() {
    let fal = priced().await;
    let endpoints = json!({ INPAINTING: { "unit_quantity": 3 }, REDUX: { "unit_quantity": 4.5 } });
    let reply = estimate(&fal, json!({ "estimate_type": "unit_price", "endpoints": endpoints })).await;
    assert_eq!(reply.body, json!({ "estimate_type": "unit_price", "total_cost": 1.2, "currency": "USD" }));
}

#[tokio::test]
async fn calls_cost_their_historical_price() {
    let fal = priced().await;
    let total = async |body| estimate(&fal, calls(body)).await.body["total_cost"].clone();
    assert_eq!(total(json!({ REDUX: { "call_quantity": 10 } })).await, json!(9));
    // Without a history, a call is assumed to take one unit.
    assert_eq!(total(json!({ INPAINTING: { "call_quantity": 10 } })).await, json!(1));
    for units in [4, 5] {
        fal.inject_fault(Operation::Run, Fault::none().billable_units(units.into()));
        fal.run(INPAINTING, &inpainting()).await;
    }
    assert_eq!(total(json!({ INPAINTING: { "call_quantity": 100 } })).await, json!(45));
}

#[tokio::test]
async fn invalid_estimates_are_refused() {
    let fal = priced().await;
    for body in [
        json!(null),
        json!([]),
        json!({}),
        json!({ "estimate_type": "unit_price" }),
        json!({ "estimate_type": "other", "endpoints": { REDUX: { "unit_quantity": 1 } } }),
        json!({ "estimate_type": "unit_price", "endpoints": {} }),
        json!({ "estimate_type": "unit_price", "endpoints": { REDUX: { "call_quantity": 1 } } }),
        json!({ "estimate_type": "unit_price", "endpoints": { REDUX: { "unit_quantity": 0.0000001 } } }),
        json!({ "estimate_type": "unit_price", "endpoints": { REDUX: { "unit_quantity": "1" } } }),
        calls(json!({ REDUX: { "call_quantity": 0 } })),
        calls(json!({ REDUX: { "call_quantity": 1.5 } })),
        calls(json!({ REDUX: 1 })),
    ] {
        assert_eq!(estimate(&fal, body.clone()).await.error(), (400, "validation_error"), "{body}");
    }
    let unknown = calls(json!({ REDUX: { "call_quantity": 1 }, "a/b": { "call_quantity": 1 } }));
    assert_eq!(estimate(&fal, unknown).await.error(), (404, "not_found"));
}

#[tokio::test]
async fn prices_in_two_currencies_have_no_sum() {
    let fal = priced().await;
    fal.set_price(REDUX, Price::new(Decimal::ONE, "EUR", "images"));
    let reply =
        estimate(&fal, calls(json!({ INPAINTING: { "call_quantity": 1 }, REDUX: { "call_quantity": 1 } }))).await;
    assert_eq!(reply.error(), (400, "validation_error"));
}
