//! The client against the emulator.

use std::time::{Duration, SystemTime};

use fal_client::LockReason;
use fal_client::platform::{Model, ModelStatus, RequestRecord, RequestStatus, Requests, Timeframe};
use fal_emulator::{Decimal, Emulator, Fault, ModelEntry, Operation, Pace, Price};
use futures_util::{StreamExt, TryStreamExt};
use serde_json::{Value, json};

const REDUX: &str = "fal-ai/flux/dev/redux";
const ROUTER: &str = "openrouter/router";

async fn emulator() -> Emulator {
    let price = Price::usd(Decimal::new(25, 3), "images");
    Emulator::builder().pace(Pace::instant()).price(REDUX, price).start().await.expect("an emulator")
}

fn fox(count: u32) -> Value {
    json!({ "image_url": "https://example.com/fox.png", "num_images": count })
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

#[tokio::test]
async fn models_are_listed_over_pages() {
    let emulator = emulator().await;
    let platform = emulator.client().platform();
    let all: Vec<Model> = platform.models().limit(3).stream().try_collect().await.expect("models");
    assert_eq!(all.len(), emulator.endpoints().count());
    let mut ids: Vec<&str> = all.iter().map(|model| &*model.endpoint_id).collect();
    ids.dedup();
    assert!(ids.len() == all.len() && emulator.requests().len() == all.len().div_ceil(3), "{ids:?}");
    let page = platform.models().limit(3).page().await.expect("a page");
    let rest = platform.models().limit(3).cursor(page.next_cursor.expect("a cursor")).page().await.expect("a page");
    assert_eq!([page.items, rest.items].concat(), all[..6]);
}

#[tokio::test]
async fn models_have_documents_or_errors() {
    let emulator = emulator().await;
    emulator.set_model(ROUTER, ModelEntry::default().deprecated().without_document());
    let platform = emulator.client().platform();
    let models = platform.models().ids([REDUX, ROUTER, "fal-ai/none"]).openapi(true).enterprise_status(true);
    let results: Vec<_> = models.stream().collect().await;
    let [Ok(one), Ok(other), Err(error)] = &results[..] else { panic!("{results:?}") };
    assert!(error.is_not_found() && error.to_string().contains("`fal-ai/none`"), "{error}");
    let (redux, router) = if one.endpoint_id == REDUX { (one, other) } else { (other, one) };
    let document = redux.openapi.as_ref().expect("expanded").as_ref().expect("a document");
    assert!(document.to_value().expect("JSON")["paths"].is_object());
    assert_eq!(router.openapi.as_ref().map(|document| document.is_err()), Some(true));
    let deprecated: Vec<Model> =
        platform.models().status(ModelStatus::Deprecated).stream().try_collect().await.expect("models");
    assert_eq!(deprecated.iter().map(|model| &*model.endpoint_id).collect::<Vec<_>>(), [ROUTER]);
    let error = platform.model("fal-ai/none").await.expect_err("unknown");
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn a_response_has_its_cost() {
    let emulator = emulator().await;
    let client = emulator.client();
    let prices = client.platform().prices([REDUX]).await.expect("prices");
    let response = client.endpoint(REDUX).run(fox(3)).await.expect("a response");
    assert_eq!(response.cost(&prices).expect("a cost").to_string(), "$0.0750");
}

#[tokio::test]
async fn endpoints_without_a_price_are_named() {
    let emulator = emulator().await;
    let platform = emulator.client().platform();
    let error = platform.prices([REDUX, ROUTER, "fal-ai/none"]).await.expect_err("no prices");
    assert!(error.is_not_found());
    assert_eq!(error.to_string(), format!("no prices of endpoints: `{ROUTER}`, `fal-ai/none`; check their ids"));
    let known = platform.prices([REDUX, ROUTER]).skip_unknown(true).await.expect("prices");
    assert_eq!((known.len(), known.get(REDUX).map(|price| price.unit.as_str())), (1, Some("images")));
}

#[tokio::test]
async fn estimates_know_the_units_of_past_calls() {
    let emulator = emulator().await;
    let client = emulator.client();
    for count in [4, 3] {
        client.endpoint(REDUX).run(fox(count)).await.expect("a response");
    }
    let estimate = client.platform().estimate(REDUX, 10).await.expect("an estimate");
    assert_eq!(estimate.cost.to_string(), "$0.8750");
    assert_eq!(estimate.units_per_call(), Some(Decimal::new(35, 1)));
    let estimate = client.platform().estimate_units(REDUX, 2.5).await.expect("an estimate");
    assert_eq!(estimate.cost.to_string(), "$0.0625");
    let error = client.platform().estimate("fal-ai/none", 1).await.expect_err("unknown");
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn usage_and_bills_are_what_was_billed() {
    let emulator = emulator().await;
    let client = emulator.client();
    let mut ids = Vec::new();
    for count in [1, 3] {
        let job = client.endpoint(REDUX).submit(fox(count)).tags([("batch", count.to_string())]).await.expect("a job");
        client.resume(job.clone()).wait().await.expect("a response");
        ids.push(job.request_id);
    }
    let platform = client.platform();
    let usage = platform.usage().timeframe(Timeframe::Hour).endpoints([REDUX]).auth_method(true).page().await;
    let usage = usage.expect("usage").items;
    let sum: Decimal = usage.iter().filter_map(|record| record.cost_total).sum();
    assert_eq!(sum, Decimal::new(100, 3));
    assert!(usage.iter().all(|record| record.bucket.is_some() && record.auth_method.is_some()), "{usage:?}");
    let summary = platform.usage().summary(true).page().await.expect("a summary").items;
    assert_eq!((summary.len(), summary[0].quantity), (1, Some(Decimal::new(4, 0))));

    let events = platform.billing_events().requests(&ids).limit(1).stream();
    let events: Vec<_> = events.try_collect().await.expect("bills");
    let cost = |id: &str| events.iter().find(|event| event.request_id == id).and_then(|event| event.cost_total);
    assert_eq!((cost(&ids[0]), cost(&ids[1])), (Some(Decimal::new(25, 3)), Some(Decimal::new(75, 3))));
    let tagged = platform.billing_events().tags([("batch", "3")]).page().await.expect("bills").items;
    assert_eq!(tagged.iter().map(|event| &event.request_id).collect::<Vec<_>>(), [&ids[1]]);
}

#[tokio::test]
async fn a_request_is_found_by_endpoint_and_time() {
    let emulator = emulator().await;
    let client = emulator.client();
    let redux = client.endpoint(REDUX);
    let before = SystemTime::now();
    let job = redux.submit(fox(1)).await.expect("a job");
    redux.run(json!({ "image_url": "https://example.com/hare.png" })).await.expect("a response");

    let platform = client.platform();
    let requests = platform.requests([REDUX]).start(before - minutes(1)).end(before + minutes(60)).payloads(true);
    let found: Vec<RequestRecord> = requests.limit(1).stream().try_collect().await.expect("requests");
    let request = found.iter().find(|request| request.request_id == job.request_id).expect("the job");
    assert_eq!(request.input, Some(fox(1)));
    assert_eq!((&*request.endpoint_id, request.status()), (REDUX, Some(RequestStatus::Success)));
    let started_at = request.started_at.as_ref().and_then(|time| time.to_system_time()).expect("a time");
    assert!(started_at >= before - minutes(1) && started_at <= before + minutes(60));
    assert_eq!(request.output, Some(redux.result(&job).await.expect("a result").data));

    let by_id = platform.requests([REDUX]).request_id(&job.request_id).page().await.expect("a page");
    assert_eq!(by_id.items.len(), 1);
    let other = platform.requests([ROUTER]).page().await.expect("a page");
    assert_eq!(other.items, []);
    let search = platform.search_requests().query("hare").endpoints([REDUX]).page().await.expect("a page");
    assert_eq!(search.items.len(), 1);
    assert!(search.items[0].similarity.is_some());
}

#[tokio::test]
async fn a_time_range_includes_its_start_and_excludes_its_end() {
    let emulator = emulator().await;
    let client = emulator.client();
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(client.endpoint(REDUX).submit(fox(1)).await.expect("a job").request_id);
        emulator.advance_time(Duration::from_micros(700));
    }
    let platform = client.platform();
    let listed = async |requests: Requests| -> Vec<String> {
        let mut found = requests.page().await.expect("a page").items;
        found.sort_by_key(|request| ids.iter().position(|id| *id == request.request_id));
        found.into_iter().map(|request| request.request_id).collect()
    };
    let all = platform.requests([REDUX]).page().await.expect("a page").items;
    let second = all.iter().find(|request| request.request_id == ids[1]).expect("the second request");
    let text = second.started_at.clone().expect("a time");
    let time = text.to_system_time().expect("a time");
    for (start, end) in [(text.clone(), text.clone()), (time.into(), time.into())] {
        assert_eq!(listed(platform.requests([REDUX]).start(start)).await, ids[1..]);
        assert_eq!(listed(platform.requests([REDUX]).end(end)).await, ids[..1]);
    }
    let after = time + Duration::from_micros(1);
    assert_eq!(listed(platform.requests([REDUX]).start(time).end(after)).await, ids[1..2]);
}

#[tokio::test]
async fn payloads_are_deleted() {
    let emulator = emulator().await;
    let client = emulator.client();
    let job = client.endpoint(REDUX).submit(fox(2)).await.expect("a job");
    client.resume(job.clone()).wait().await.expect("a response");
    let platform = client.platform();
    emulator.inject_fault(Operation::DeletePayloads, Fault::respond(503).after_effect());
    let deleted = platform.delete_payloads(&job.request_id).await.expect("deleted");
    assert_eq!(deleted.files.len(), 2, "the retry has the response of the first attempt");
    assert!(deleted.files.iter().all(|file| file.error.is_none()), "{deleted:?}");
    let page = platform.requests([REDUX]).payloads(true).page().await.expect("a page");
    assert_eq!((&page.items[0].input, &page.items[0].output), (&None, &None));
    let error = platform.delete_payloads("00000000-0000-4000-8000-000000000000").await.expect_err("unknown");
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn the_account_has_credits_and_a_lock() {
    let emulator = emulator().await;
    emulator.set_balance(Decimal::new(1234, 2));
    let platform = emulator.client().platform();
    let credits = platform.account().await.expect("an account").credits.expect("credits");
    assert_eq!((credits.current_balance, &*credits.currency), (Decimal::new(1234, 2), "USD"));
    assert!(!platform.lock_state().await.expect("a state").is_locked);
    emulator.lock_account(LockReason::BudgetExceeded);
    let lock = platform.lock_state().await.expect("a state");
    assert_eq!((lock.is_locked, lock.lock_reason), (true, Some(LockReason::BudgetExceeded)));
    assert!(!platform.webhook_ip_ranges().await.expect("ranges").is_empty());
}

#[tokio::test]
async fn the_website_has_documents_that_the_list_lacks() {
    let emulator = emulator().await;
    let platform = emulator.client().platform();
    let of_list = async || platform.models().ids([REDUX]).openapi(true).page().await.expect("a page").items.remove(0);
    let expanded = of_list().await.openapi.expect("expanded").expect("a document");
    emulator.set_model(REDUX, ModelEntry::default().without_expansion());
    assert!(of_list().await.openapi.expect("expanded").is_err());
    assert_eq!(platform.document(REDUX).await.expect("a document"), expanded);
    emulator.set_model(REDUX, ModelEntry::default().without_document());
    for id in [REDUX, "fal-ai/none"] {
        let error = platform.document(id).await.expect_err("no document");
        assert!(error.is_not_found() && error.to_string().contains(id), "{error}");
    }
    let documents = emulator.requests();
    assert!(
        documents
            .iter()
            .filter(|request| request.operation() == Operation::Document)
            .all(|request| request.header("authorization").is_none())
    );
}

#[tokio::test]
async fn a_key_without_the_scope_is_denied() {
    let builder = Emulator::builder().pace(Pace::instant()).without_admin_scope();
    let emulator = builder.start().await.expect("an emulator");
    let platform = emulator.client().platform();
    assert!(platform.account().await.is_err_and(|error| error.is_permission_denied()));
    assert!(platform.usage().page().await.is_err_and(|error| error.is_permission_denied()));
    assert!(platform.models().page().await.is_ok());
    emulator.deny_permission(Operation::Pricing);
    assert!(platform.prices([REDUX]).await.is_err_and(|error| error.is_permission_denied()));
    let anonymous = emulator.client_builder().anonymous().build().expect("a client").platform();
    assert!(anonymous.models().page().await.is_ok());
    assert!(anonymous.requests([REDUX]).page().await.is_err_and(|error| error.is_unauthorized()));
}

#[tokio::test]
async fn rate_limits_are_waited_out() {
    let emulator = emulator().await;
    emulator.inject_fault(Operation::RequestsByEndpoint, Fault::respond(429).retry_after(Duration::ZERO));
    emulator.client().platform().requests([REDUX]).page().await.expect("a page");
    assert_eq!(emulator.requests().len(), 2);
}
