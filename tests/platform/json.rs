//! Items as JSON, with fal's names.

use serde_json::{Value, json};

use crate::support::{platform, start_with};

fn to_json(value: impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("JSON")
}

#[tokio::test]
async fn amounts_have_all_their_digits() {
    let server = start_with(&[
        r#"{ "prices": [{ "endpoint_id": "o/a", "unit_price": 0.012345678901234567891234, "unit": "image" }] }"#,
        r#"{ "billing_events": [{ "request_id": "r1", "endpoint_id": "o/a", "cost_total": 0.30000000000000004 }] }"#,
        r#"{ "total_cost": 0.45 }"#,
        r#"{ "username": "ann", "credits": { "current_balance": 24.300000000000001 } }"#,
        r#"{ "is_locked": true, "lock_reason": "TOP_UP", "hard_monthly_budget": 100.1 }"#,
    ])
    .await;
    let platform = platform(&server);
    let prices: Vec<_> = platform.prices(["o/a"]).await.expect("prices").into_iter().collect();
    let expected = json!([{ "endpoint_id": "o/a", "unit_price": "0.012345678901234567891234", "unit": "image", "currency": "USD" }]);
    assert_eq!(to_json(prices), expected);
    let events = to_json(platform.billing_events().page().await.expect("a page"));
    assert_eq!(events["items"][0]["cost_total"], "0.30000000000000004");
    assert_eq!((&events["items"][0]["unit_price"], &events["next_cursor"]), (&Value::Null, &Value::Null));
    let estimate = platform.estimate_units("o/a", "4.5").await.expect("an estimate");
    let cost = json!({ "amount": "0.45", "currency": "USD" });
    assert_eq!(
        to_json(estimate),
        json!({ "endpoint_id": "o/a", "cost": cost, "calls": 1, "basis": { "given_units": "4.5" } })
    );
    let credits = json!({ "current_balance": "24.300000000000001", "currency": "USD" });
    assert_eq!(
        to_json(platform.account().await.expect("an account")),
        json!({ "username": "ann", "credits": credits })
    );
    let lock = to_json(platform.lock_state().await.expect("a lock"));
    assert_eq!((&lock["lock_reason"], &lock["hard_monthly_budget"]), (&json!("top-up required"), &json!("100.1")));
}

#[tokio::test]
async fn items_have_the_names_of_the_api() {
    let server = start_with(&[
        r#"{ "items": [{ "request_id": "r1", "endpoint_id": "o/a", "sent_at": "2026-01-02T03:04:05Z", "status_code": 200,
            "json_input": { "prompt": "a fox" } }] }"#,
        r#"{ "models": [{ "endpoint_id": "o/a", "openapi": { "openapi": "3.0.4", "maximum": 18446744073709551616 },
            "metadata": { "status": "active", "date": "2026-01-01" } },
            { "endpoint_id": "o/b", "openapi": { "error": { "code": "expansion_failed", "message": "none" } } }] }"#,
        r#"{ "cdn_delete_results": [{ "link": "https://v3.fal.media/files/a.png", "exception": null }] }"#,
    ])
    .await;
    let platform = platform(&server);
    let page = to_json(platform.requests(["o/a"]).payloads(true).page().await.expect("a page"));
    let item = &page["items"][0];
    assert_eq!((&item["json_input"], &item["json_output"]), (&json!({ "prompt": "a fox" }), &Value::Null));
    assert_eq!((&item["sent_at"], &item["status_code"]), (&json!("2026-01-02T03:04:05Z"), &json!(200)));
    let models = platform.models().openapi(true).page().await.expect("a page").items;
    let text = serde_json::to_string(&models[0]).expect("JSON");
    assert!(text.contains("18446744073709551616"), "{text}");
    let models = to_json(models);
    assert_eq!(
        (&models[0]["metadata"]["status"], &models[0]["metadata"]["date"]),
        (&json!("active"), &json!("2026-01-01"))
    );
    assert_eq!(models[1]["openapi"], json!({ "error": { "code": "expansion_failed", "message": "none" } }));
    let deleted = to_json(platform.delete_payloads("r-1").await.expect("deleted"));
    assert_eq!(
        deleted,
        json!({ "cdn_delete_results": [{ "link": "https://v3.fal.media/files/a.png", "exception": null }] })
    );
}
