//! Cost estimates, which state their basis.

use fal_client::money::{EstimateBasis, IntoAmount};
use serde_json::{Value, json};

use crate::server::{Reply, Server};
use crate::support::{error, platform, start, start_with};

const PRICE: &str =
    r#"{ "prices": [{ "endpoint_id": "o/a", "unit_price": 0.01, "unit": "units", "currency": "USD" }] }"#;

#[tokio::test]
async fn estimates_of_calls_are_based_on_past_calls() {
    let estimate = r#"{ "estimate_type": "historical_api_price", "total_cost": 0.45, "currency": "USD" }"#;
    let server = start_with(&[estimate, PRICE]).await;
    let estimate = platform(&server).estimate("o/a", 10).await.expect("an estimate");
    assert_eq!((estimate.cost.to_string(), estimate.calls), ("$0.4500".to_owned(), 10));
    assert_eq!(estimate.units_per_call(), Some("4.5".into_amount().expect("an amount")));
    assert!(matches!(estimate.basis, EstimateBasis::HistoricalUnits { .. }));
    assert_eq!(server.lines()[0], "POST /api/v1/models/pricing/estimate");
    let expected = json!({ "estimate_type": "historical_api_price", "endpoints": { "o/a": { "call_quantity": 10 } } });
    assert_eq!(server.seen()[0].json(), expected);
}

#[tokio::test]
async fn the_units_of_a_call_are_unknown_without_a_price() {
    let server = Server::start(|index, _| match index {
        0 => Reply::json(200, r#"{ "total_cost": 0.45, "currency": "USD" }"#),
        _ => Reply::json(404, &error("not_found", "no price")),
    })
    .await;
    let estimate = platform(&server).estimate("o/a", 10).await.expect("an estimate");
    assert_eq!((estimate.cost.to_string(), estimate.units_per_call()), ("$0.4500".to_owned(), None));
}

#[tokio::test]
async fn estimates_of_units_are_based_on_the_units_given() {
    let server = start_with(&[r#"{ "estimate_type": "unit_price", "total_cost": 0.1125, "currency": "USD" }"#]).await;
    let estimate = platform(&server).estimate_units("o/a", "4.50000000000000000001").await.expect("an estimate");
    assert_eq!(estimate.cost.to_string(), "$0.1125");
    assert_eq!(estimate.basis, EstimateBasis::GivenUnits("4.50000000000000000001".into_amount().expect("an amount")));
    let body = String::from_utf8(server.seen()[0].body.clone()).expect("text");
    let expected = r#"{"estimate_type":"unit_price","endpoints":{"o/a":{"unit_quantity":4.50000000000000000001}}}"#;
    assert_eq!(body, expected, "the digits are sent");
}

#[tokio::test]
async fn many_endpoints_are_split_and_summed() {
    let server = start(|_, seen| {
        let count = seen.json()["endpoints"].as_object().map_or(0, serde_json::Map::len);
        json!({ "total_cost": format!("{count}.1"), "currency": "USD" })
    })
    .await;
    let units = (0..120).map(|index| (format!("o/m{index}"), 1));
    let cost = platform(&server).cost_of_units(units).await.expect("a cost");
    assert_eq!(cost.to_string(), "$120.3000");
    assert_eq!(server.seen().len(), 3);
    let calls = platform(&server).cost_of_calls([("o/a", 3), ("o/b", 4)]).await.expect("a cost");
    assert_eq!(calls.to_string(), "$2.1000");
}

#[tokio::test]
async fn invalid_quantities_are_refused_before_sending() {
    let server = start_with(&["{}"]).await;
    let platform = platform(&server);
    let none: [(&str, u64); 0] = [];
    let results = [
        platform.estimate("o/a", 0).await.map(drop),
        platform.estimate_units("o/a", "0.0000001").await.map(drop),
        platform.estimate_units("o/a", -1).await.map(drop),
        platform.estimate("a", 1).await.map(drop),
        platform.cost_of_calls([("o/a", 1), ("o/a", 2)]).await.map(drop),
        platform.cost_of_calls(none).await.map(drop),
    ];
    let messages: Vec<String> = results.map(|result| result.expect_err("invalid").to_string()).into();
    assert_eq!(
        messages,
        [
            "invalid call_quantity 0 of `o/a`: expected at least 1",
            "invalid unit_quantity 0.0000001 of `o/a`: expected at least 0.000001",
            "invalid unit_quantity -1 of `o/a`: expected at least 0.000001",
            "invalid endpoint id \"a\": the application is missing; expected `owner/app` or `owner/app/path`",
            "an endpoint occurs twice in the estimate: add its numbers up",
            "nothing to estimate: name at least one endpoint",
        ]
    );
    assert_eq!(server.opened(), 0);
}

#[tokio::test]
async fn estimates_by_another_method_or_currency_are_errors() {
    for body in [
        "{}",
        "[]",
        r#"{ "total_cost": null }"#,
        r#"{ "total_cost": "many" }"#,
        r#"{ "total_cost": -1 }"#,
        r#"{ "estimate_type": "unit_price", "total_cost": 1 }"#,
    ] {
        let server = start_with(&[body]).await;
        let error = platform(&server).estimate("o/a", 1).await.expect_err(body);
        assert!(error.to_string().starts_with("fal returned no cost estimate"), "{error}");
    }
    let server =
        start(|index, _| -> Value { json!({ "total_cost": 1, "currency": if index == 0 { "USD" } else { "EUR" } }) })
            .await;
    let calls = (0..51).map(|index| (format!("o/m{index}"), 1));
    let error = platform(&server).cost_of_calls(calls).await.expect_err("two currencies");
    assert!(error.to_string().contains("the currencies differ"), "{error}");
}

#[tokio::test]
async fn an_unknown_endpoint_is_not_found() {
    let server = Server::start(|_, _| Reply::json(404, &error("not_found", "Endpoint o/a not found"))).await;
    let error = platform(&server).estimate("o/a", 1).await.expect_err("unknown");
    assert!(error.is_not_found() && error.to_string().contains("Endpoint o/a not found"), "{error}");
}
