//! The client against the emulator.

use std::time::{Duration, SystemTime};

use fal_client::platform::{RequestRecord, RequestStatus};
use fal_emulator::{Decimal, Emulator, Fault, Operation, Pace, Price};
use futures_util::TryStreamExt;
use serde_json::json;

const REDUX: &str = "fal-ai/flux/dev/redux";
const ROUTER: &str = "openrouter/router";

async fn emulator() -> Emulator {
    let builder = Emulator::builder().pace(Pace::instant()).price(REDUX, Price::usd(Decimal::new(25, 3), "images"));
    builder.start().await.expect("an emulator")
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

#[tokio::test]
async fn a_response_has_its_cost() {
    let emulator = emulator().await;
    let client = emulator.client();
    let prices = client.platform().prices([REDUX]).await.expect("prices");
    let input = json!({ "image_url": "https://example.com/fox.png", "num_images": 3 });
    let response = client.endpoint(REDUX).run(input).await.expect("a response");
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
async fn a_request_is_found_by_endpoint_and_time() {
    let emulator = emulator().await;
    let client = emulator.client();
    let redux = client.endpoint(REDUX);
    let before = SystemTime::now();
    let job = redux.submit(json!({ "image_url": "https://example.com/fox.png" })).await.expect("a job");
    redux.run(json!({ "image_url": "https://example.com/hare.png" })).await.expect("a response");

    let platform = client.platform();
    let requests = platform.requests([REDUX]).start(before - minutes(1)).end(before + minutes(60)).payloads(true);
    let found: Vec<RequestRecord> = requests.limit(1).stream().try_collect().await.expect("requests");
    let fox = found.iter().find(|request| request.request_id == job.request_id).expect("the job");
    assert_eq!(fox.input, Some(json!({ "image_url": "https://example.com/fox.png" })));
    assert_eq!((&*fox.endpoint_id, fox.status()), (REDUX, Some(RequestStatus::Success)));
    let started_at = fox.started_at.as_ref().and_then(|time| time.to_system_time()).expect("a time");
    assert!(started_at >= before - minutes(1) && started_at <= before + minutes(60));
    let output = redux.result(&job).await.expect("a result").data;
    assert_eq!(fox.output, Some(output));

    let by_id = platform.requests([REDUX]).request_id(&job.request_id).page().await.expect("a page");
    assert_eq!(by_id.items.len(), 1);
    let other = platform.requests([ROUTER]).page().await.expect("a page");
    assert_eq!(other.items, []);
}

#[tokio::test]
async fn refusals_have_their_predicates() {
    let emulator = emulator().await;
    let platform = emulator.client().platform();
    emulator.deny_permission(Operation::Pricing);
    let error = platform.prices([REDUX]).await.expect_err("no permission");
    assert!(error.is_permission_denied(), "{error}");
}

#[tokio::test]
async fn rate_limits_are_waited_out() {
    let emulator = emulator().await;
    emulator.inject_fault(Operation::RequestsByEndpoint, Fault::respond(429).retry_after(Duration::ZERO));
    emulator.client().platform().requests([REDUX]).page().await.expect("a page");
    assert_eq!(emulator.requests().len(), 2);
}
