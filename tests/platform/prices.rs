//! Prices.

use fal_client::money::IntoAmount;
use serde_json::{Value, json};

use crate::server::{Reply, Server};
use crate::support::{error, platform, start, start_with, values};

#[tokio::test]
async fn prices_are_exact() {
    let server = start_with(&[r#"{ "prices": [
        { "endpoint_id": "o/a", "unit_price": 0.1, "unit": "image", "currency": "USD" },
        { "endpoint_id": "o/b", "unit_price": 0.012345678901234567891234, "unit": "1000 characters", "currency": "usd" },
        { "endpoint_id": "o/c", "unit_price": "2.5e-05", "unit": "seconds" }], "has_more": false, "next_cursor": null }"#])
    .await;
    let prices = platform(&server).prices(["o/a", "o/b", "o/c"]).await.expect("prices");
    assert_eq!(server.lines(), ["GET /api/v1/models/pricing?endpoint_id=o%2Fa&endpoint_id=o%2Fb&endpoint_id=o%2Fc"]);
    let price = |id: &str| {
        let price = prices.get(id).expect("a price");
        (price.unit_price.to_string(), price.unit.clone(), price.currency.clone())
    };
    let expected = |price: &str, unit: &str| (price.to_owned(), unit.to_owned(), "USD".to_owned());
    assert_eq!(price("o/a"), expected("0.1", "image"));
    assert_eq!(price("o/b"), expected("0.012345678901234567891234", "1000 characters"));
    assert_eq!(price("o/c"), expected("0.000025", "seconds"));
    assert_eq!(prices.cost("o/a", 3).expect("a cost").amount, "0.3".into_amount().expect("an amount"));
}

#[tokio::test]
async fn unreadable_prices_are_absent() {
    let server = start_with(&[
        r#"{ "prices": [7, { "endpoint_id": "o/a", "unit_price": "free" }, { "endpoint_id": "o/b" },
        { "unit_price": 1 }, { "endpoint_id": "o/c", "unit_price": -1 }, { "endpoint_id": "o/d", "unit_price": 0 }] }"#,
    ])
    .await;
    let prices = platform(&server).prices(["o/a", "o/b", "o/c", "o/d"]).await.expect("prices");
    assert_eq!(prices.iter().map(|price| &*price.endpoint).collect::<Vec<_>>(), ["o/d"]);
}

#[tokio::test]
async fn prices_of_many_endpoints_are_one_table() {
    let server = start(|_, seen| {
        let prices = values(seen, "endpoint_id").into_iter().map(|id| json!({ "endpoint_id": id, "unit_price": 1 }));
        json!({ "prices": prices.collect::<Vec<Value>>() })
    })
    .await;
    let prices = platform(&server).prices((0..101).map(|index| format!("o/m{index}"))).await.expect("prices");
    assert_eq!((prices.len(), server.seen().len()), (101, 3));
}

#[tokio::test]
async fn unknown_endpoints_are_named() {
    let server = Server::start(|_, seen| match values(seen, "endpoint_id").contains(&"o/gone".to_owned()) {
        true => Reply::json(404, &error("not_found", "not found")),
        false => Reply::json(200, r#"{ "prices": [] }"#),
    })
    .await;
    let error = platform(&server).prices(["o/a", "o/gone", "o/b"]).await.expect_err("unknown");
    assert!(error.is_not_found());
    assert_eq!(error.to_string(), "no prices of endpoints: `o/gone`; check their ids");
    let prices = platform(&server).prices(["o/a", "o/gone"]).skip_unknown(true).await.expect("prices");
    assert!(prices.is_empty());
    assert!(platform(&server).prices(["o/gone"]).skip_unknown(true).await.is_ok());
    assert!(platform(&server).prices(["o/gone"]).await.is_err_and(|error| error.is_not_found()));
}

#[tokio::test]
async fn a_wrong_host_receives_one_request() {
    let server = Server::start(|_, _| Reply::text(404, "text/html", "<title>404 Not Found</title>")).await;
    let error = platform(&server).prices(["o/a", "o/b", "o/c"]).await.expect_err("no API");
    assert!(error.is_not_found() && server.seen().len() == 1, "{error}");
}

#[tokio::test]
async fn pages_without_end_are_an_error() {
    let server = start(|index, _| {
        let price = json!({ "endpoint_id": format!("o/m{index}"), "unit_price": 1 });
        json!({ "prices": [price], "next_cursor": format!("p{index}"), "has_more": true })
    })
    .await;
    let error = platform(&server).prices(["o/a"]).await.expect_err("endless pages");
    assert!(error.to_string().contains("100 pages without new items"), "{error}");
    assert_eq!(server.seen().len(), 100);
}
