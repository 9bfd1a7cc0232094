//! Usage and bills.

use fal_client::platform::{BillingEvent, Timeframe, UsageRecord};
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use crate::support::{platform, start, start_with, values};

#[tokio::test]
async fn filters_are_parameters() {
    let server = start_with(&[r#"{ "time_series": [] }"#]).await;
    let usage = platform(&server).usage().start("2026-01-01").end("2026-02-01T00:00:00Z").timezone("Europe/Rome");
    let usage = usage.timeframe(Timeframe::Day).whole_periods(false).api_keys(["k1", "k2"]).usernames(["ann"]);
    usage.endpoints(["o/a"]).page().await.expect("a page");
    platform(&server).usage().auth_method(true).page().await.expect("a page");
    platform(&server).usage().auth_method(true).summary(true).page().await.expect("a page");
    platform(&server).usage().summary(true).summary(false).page().await.expect("a page");
    let queries = [
        "?start=2026-01-01&end=2026-02-01T00%3A00%3A00.000Z&timezone=Europe%2FRome&timeframe=day&bound_to_timeframe=false\
         &api_key_id=k1&api_key_id=k2&login_username=ann&endpoint_id=o%2Fa",
        "?expand=auth_method_structured&expand=time_series",
        "?expand=auth_method_structured&expand=summary",
        "",
    ];
    assert_eq!(server.lines(), queries.map(|query| format!("GET /api/v1/models/usage{query}")));
}

#[tokio::test]
async fn records_are_flat_and_exact() {
    let server = start_with(&[
        r#"{ "time_series": [
            { "bucket": "2026-01-01T00:00:00+01:00", "results": [
                { "endpoint_id": "o/a", "unit": "image", "quantity": 4, "unit_price": 0.1, "percent_discount": null,
                  "cost_subtotal": 0.4, "cost_discount": 5.551115123125783e-17, "cost_total": 0.30000000000000004, "cost": 9,
                  "currency": "USD", "auth_method_structured": { "detail": "Key 1", "api_key_id": "k1" } },
                { "endpoint_id": "o/b", "cost": "1.25" }, 7, {} ] },
            { "bucket": "2026-01-02", "results": null }, { "bucket": 3 }, null ], "next_cursor": "p1", "has_more": true }"#,
        r#"{ "time_series": [{ "bucket": "2026-01-03", "results": [{ "endpoint_id": "o/c" }] }], "next_cursor": null }"#,
    ])
    .await;
    let page = platform(&server).usage().page().await.expect("a page");
    assert_eq!((page.items.len(), page.skipped), (2, 4));
    let sums = start_with(&[r#"{ "summary": [{ "endpoint_id": "o/a", "cost_total": 7 }] }"#]).await;
    let records = platform(&sums).usage().summary(true).stream();
    let records: Vec<UsageRecord> = records.try_collect().await.expect("records");
    assert_eq!((&records[0].bucket, records[0].cost_total.map(|cost| cost.to_string())), (&None, Some("7".to_owned())));
    let [first, second] = &page.items[..] else { panic!("{page:?}") };
    assert_eq!(first.bucket.as_ref().expect("a bucket").as_str(), "2026-01-01T00:00:00+01:00");
    assert_eq!(first.cost_total.expect("a cost").to_string(), "0.30000000000000004");
    assert_eq!(first.cost_discount.expect("a discount").to_string(), "0.0000000000000000555111512313");
    assert_eq!((first.percent_discount, first.unit.as_deref()), (None, Some("image")));
    assert_eq!(first.auth_method.as_ref().expect("a key").api_key_id.as_deref(), Some("k1"));
    assert_eq!(second.cost_total.expect("a cost").to_string(), "1.25");
    let rest: Vec<UsageRecord> = platform(&server).usage().cursor("p1").stream().try_collect().await.expect("records");
    assert_eq!(rest[0].endpoint_id, "o/c");
}

#[tokio::test]
async fn bills_are_filtered_and_exact() {
    let server = start_with(&[r#"{ "billing_events": [
        { "request_id": "r1", "endpoint_id": "o/a", "timestamp": "2026-01-02T03:04:05Z", "output_units": 1.5, "unit_price": 0.1,
          "percent_discount": 10, "cost_subtotal": 0.15, "cost_discount": 0.015, "cost_total": 0.135 },
        { "request_id": "r2", "output_units": null, "cost_estimate_nano_usd": 45678901 }, {}, null ], "has_more": false }"#])
    .await;
    let events = platform(&server).billing_events().start("2026-01-01").requests(["r1", "r2"]);
    let page = events.tags([("job", "7"), ("team", "a=b")]).auth_method(true).limit(10).page().await.expect("a page");
    let query = "start=2026-01-01&tag=job%3D7&tag=team%3Da%3Db&expand=auth_method_structured&request_id=r1&request_id=r2&limit=10";
    assert_eq!(server.lines(), [format!("GET /api/v1/models/billing-events?{query}")]);
    let [first, second] = &page.items[..] else { panic!("{page:?}") };
    let texts = [first.output_units, first.cost_total, second.cost_total, second.output_units];
    let texts = texts.map(|amount| amount.map(|amount| amount.normalize().to_string()));
    assert_eq!(texts.each_ref().map(Option::as_deref), [Some("1.5"), Some("0.135"), Some("0.045678901"), None]);
    assert_eq!((&*second.endpoint_id, page.skipped), ("", 2));
}

#[tokio::test]
async fn bills_of_many_requests_are_one_list() {
    let server = start(|_, seen| {
        let bills = values(seen, "request_id").into_iter().map(|id| json!({ "request_id": id, "cost_total": 1 }));
        json!({ "billing_events": bills.collect::<Vec<Value>>(), "has_more": false })
    })
    .await;
    let platform = platform(&server);
    let requests = (0..120).map(|index| format!("r{index}"));
    let bills: Vec<BillingEvent> =
        platform.billing_events().requests(requests).stream().try_collect().await.expect("bills");
    assert_eq!((bills.len(), &*bills[119].request_id, server.seen().len()), (120, "r119", 3));
    let (requests, endpoints) = ((0..60).map(|index| format!("r{index}")), (0..60).map(|index| format!("o/m{index}")));
    let both = platform.billing_events().requests(requests).endpoints(endpoints).stream();
    both.try_collect::<Vec<BillingEvent>>().await.expect("bills");
    let sizes: Vec<_> = server.seen()[3..]
        .iter()
        .map(|seen| (values(seen, "request_id").len(), values(seen, "endpoint_id").len()))
        .collect();
    assert_eq!(sizes, [(50, 50), (50, 10), (10, 50), (10, 10)]);
    let none: [String; 0] = [];
    assert_eq!(platform.billing_events().requests(none).page().await.expect("a page").items, []);
    assert_eq!(server.seen().len(), 7);
}
