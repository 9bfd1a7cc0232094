//! The account and its balance, and faults of the platform API.

use std::time::Duration;

use fal_client::LockReason;
use fal_emulator::{Decimal, Emulator, Fault, Operation, Pace, Price};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fal::{Fal, INPAINTING, inpainting, send};

const BILLING: &str = "/account/billing?expand=credits";
const DETAILS: &str = "/rest.fal.ai/billing/user_details";

async fn with_balance(cents: i64) -> Fal {
    let price = Price::usd(Decimal::new(10, 2), "images");
    let builder = Emulator::builder().pace(Pace::instant()).price(INPAINTING, price).balance(Decimal::new(cents, 2));
    Fal::start(builder.lock_when_exhausted()).await
}

#[tokio::test]
async fn balance_falls_by_the_costs_of_jobs() {
    let fal = with_balance(100).await;
    assert_eq!(fal.platform("/account/billing").await.body, json!({ "username": "emulator" }));
    let credits =
        |balance: f64| json!({ "username": "emulator", "credits": { "current_balance": balance, "currency": "USD" } });
    fal.run(INPAINTING, &inpainting()).await;
    assert_eq!(fal.platform(BILLING).await.body, credits(0.9));
    assert_eq!(fal.balance(), Decimal::new(90, 2));
    fal.set_balance(Decimal::new(25, 1));
    fal.run(INPAINTING, &inpainting()).await;
    assert_eq!(fal.platform(BILLING).await.body, credits(2.4));
}

#[tokio::test]
async fn exhausted_account_is_locked_until_it_is_topped_up() {
    let fal = with_balance(15).await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    fal.run(INPAINTING, &inpainting()).await;
    assert_eq!(fal.balance(), Decimal::new(-5, 2));
    let refused = fal.run(INPAINTING, &inpainting()).await;
    assert_eq!((refused.status, fal.accepted_jobs()), (403, 2));
    assert!(refused.body["detail"].as_str().unwrap().starts_with("User is locked. Reason: Exhausted balance."));
    let details = fal.get(DETAILS).await.body;
    assert_eq!((&details["is_locked"], &details["user_id"]), (&json!(true), &json!("emulator")));
    assert!(details["lock_reason"].as_str().unwrap().starts_with("Exhausted balance."));
    // Earlier requests can be read.
    assert_eq!(fal.get(&job.path).await.status, 200);
    assert_eq!(fal.platform(BILLING).await.body["credits"]["current_balance"], -0.05);
    fal.set_balance(Decimal::ONE);
    assert_eq!(fal.run(INPAINTING, &inpainting()).await.status, 200);
    assert_eq!(fal.get(DETAILS).await.body["is_locked"], false);
}

#[tokio::test]
async fn account_is_not_locked_unless_a_test_says_so() {
    let price = Price::usd(Decimal::from(1_000), "images");
    let fal = Fal::start(Emulator::builder().pace(Pace::instant()).default_price(price)).await;
    fal.run(INPAINTING, &inpainting()).await;
    assert_eq!((fal.balance(), fal.run(INPAINTING, &inpainting()).await.status), (Decimal::from(-900), 200));
    assert_eq!(fal.get(DETAILS).await.body["lock_reason"], Value::Null);
    fal.lock_account(LockReason::BudgetExceeded);
    let reason = fal.get(DETAILS).await.body["lock_reason"].as_str().map(LockReason::other);
    assert_eq!(reason, Some(LockReason::BudgetExceeded));
}

#[tokio::test]
async fn admin_operations_refuse_a_key_without_the_scope() {
    let fal = Fal::start(Emulator::builder().without_admin_scope()).await;
    for path in ["/models/usage", "/models/billing-events", BILLING] {
        assert_eq!(fal.platform(path).await.error(), (403, "authorization_error"), "{path}");
    }
    let refused = fal.get(DETAILS).await;
    assert_eq!(
        (refused.status, &refused.body["detail"]),
        (403, &json!("This operation is only supported for ADMIN keys"))
    );
    for path in
        ["/models", &format!("/models/requests/by-endpoint?endpoint_id={INPAINTING}"), "/models/requests/search"]
    {
        assert_eq!(fal.platform(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn operations_need_a_key() {
    let fal = Fal::instant().await;
    for path in ["/models/usage", "/models/billing-events", "/models/requests/search", BILLING] {
        let refused = send(fal.anonymous(Method::GET, &format!("/api.fal.ai/v1{path}"))).await;
        assert_eq!(refused.error(), (401, "authorization_error"), "{path}");
    }
    assert_eq!(send(fal.anonymous(Method::GET, DETAILS)).await.status, 401);
}

#[tokio::test]
async fn meta_needs_no_key() {
    let fal = Fal::instant().await;
    let meta = send(fal.anonymous(Method::GET, "/api.fal.ai/v1/meta")).await;
    assert_eq!((meta.status, meta.body["webhook_ip_ranges"].as_array().map(Vec::len)), (200, Some(2)));
}

#[tokio::test]
async fn faults_have_the_format_of_the_platform_api() {
    let fal = Fal::instant().await;
    for (error_type, status) in [
        ("validation_error", 400),
        ("authorization_error", 401),
        ("authorization_error", 403),
        ("not_found", 404),
        ("validation_error", 422),
        ("rate_limited", 429),
        ("server_error", 500),
        ("not_implemented", 501),
        ("server_error", 503),
    ] {
        fal.inject_fault(Operation::Meta, Fault::respond(status).retry_after(Duration::from_secs(2)));
        let reply = fal.platform("/meta").await;
        assert_eq!((reply.error(), reply.header("retry-after")), ((status, error_type), Some("2")));
    }
    let body = json!({ "error": { "type": "brand_new_error", "message": "x" } });
    fal.inject_fault(Operation::Meta, Fault::respond(409).json(&body));
    assert_eq!(fal.platform("/meta").await.error(), (409, "brand_new_error"));
    fal.inject_fault(Operation::UserDetails, Fault::respond(500));
    assert_eq!(fal.get(DETAILS).await.body, json!({ "detail": "Internal Server Error" }));
    assert_eq!(fal.pending_faults(), 0);
}

#[tokio::test]
async fn every_operation_has_faults() {
    let fal = Fal::instant().await;
    for (operation, method, path) in [
        (Operation::Models, Method::GET, "/models"),
        (Operation::Pricing, Method::GET, "/models/pricing"),
        (Operation::EstimateCost, Method::POST, "/models/pricing/estimate"),
        (Operation::Usage, Method::GET, "/models/usage"),
        (Operation::BillingEvents, Method::GET, "/models/billing-events"),
        (Operation::RequestsByEndpoint, Method::GET, "/models/requests/by-endpoint"),
        (Operation::SearchRequests, Method::GET, "/models/requests/search"),
        (Operation::DeletePayloads, Method::DELETE, "/models/requests/12345678-1234-1234-1234-123456789abc/payloads"),
        (Operation::AccountBilling, Method::GET, "/account/billing"),
        (Operation::Meta, Method::GET, "/meta"),
    ] {
        fal.inject_fault(operation, Fault::respond(429));
        let reply = send(fal.request(method, &format!("/api.fal.ai/v1{path}"))).await;
        assert_eq!(reply.error(), (429, "rate_limited"), "{operation:?}");
        assert_eq!(fal.requests().pop().unwrap().operation(), operation);
    }
    fal.inject_fault(Operation::UserDetails, Fault::respond(503));
    assert_eq!(fal.get(DETAILS).await.status, 503);
}

#[tokio::test]
async fn budget_locks_the_account() {
    let builder = Emulator::builder().pace(Pace::instant()).default_price(Price::usd(Decimal::ONE, "units"));
    let fal = Fal::start(builder.budget(Decimal::TWO)).await;
    for status in [200, 200, 403] {
        assert_eq!(fal.run(INPAINTING, &inpainting()).await.status, status);
    }
    let details = fal.get(DETAILS).await.body;
    assert_eq!((&details["is_locked"], &details["hard_monthly_budget"]), (&json!(true), &json!(2)));
    assert!(details["lock_reason"].as_str().unwrap().starts_with("User budget is exceeded"));
    fal.set_budget(Some(Decimal::TEN));
    assert_eq!(fal.run(INPAINTING, &inpainting()).await.status, 200);
    fal.set_budget(None);
    assert_eq!(fal.get(DETAILS).await.body["hard_monthly_budget"], json!(null));
}
