//! Costs of responses.

use fal_client::ErrorKind;
use fal_client::money::{IntoAmount, Price, PriceTable};
use fal_emulator::{Fault, Operation};
use futures_util::StreamExt;

use crate::support::{ENDPOINT, dollars, emulator, input, with_units};

/// The price of a unit is 0.025 dollars.
fn prices() -> PriceTable {
    [Price::new(ENDPOINT, "0.025".into_amount().expect("an amount"), "megapixels")].into_iter().collect()
}

#[tokio::test]
async fn cost_is_the_exact_units_at_the_price_of_the_endpoint() {
    let emulator = emulator().await;
    let endpoint = emulator.client().endpoint(ENDPOINT);
    for (units, cost) in [("1", "0.025"), ("3.14159265", "0.07853981625"), ("0", "0"), ("0.00001230", "0.0000003075")] {
        emulator.inject_fault(Operation::Run, with_units(units));
        let response = endpoint.run(input()).await.expect("an output");
        assert_eq!(response.endpoint, ENDPOINT);
        assert_eq!(response.cost(&prices()).expect("a cost"), dollars(cost), "{units}");
    }
    emulator.inject_fault(Operation::Result, with_units("2"));
    let response = endpoint.subscribe(input()).await.expect("an output");
    assert_eq!(response.cost(&prices()).expect("a cost"), dollars("0.05"));
    let job = endpoint.submit(input()).await.expect("a job");
    emulator.inject_fault(Operation::Result, with_units("4"));
    let response = emulator.client().resume(job).wait().await.expect("an output");
    assert_eq!(response.cost(&prices()).expect("a cost"), dollars("0.1"));
}

#[tokio::test]
async fn missing_units_and_missing_prices_are_different_errors() {
    let emulator = emulator().await;
    let endpoint = emulator.client().endpoint(ENDPOINT);
    let response = endpoint.subscribe(input()).await.expect("an output");
    let error = response.cost(&PriceTable::new()).expect_err("no price");
    assert_eq!((error.kind(), error.endpoint()), (ErrorKind::UnknownPrice, Some(ENDPOINT)), "{error}");
    assert_eq!(error.request_id(), response.request_id.as_deref());
    for units in ["many", "-1", "NaN"] {
        emulator.inject_fault(Operation::Run, with_units(units));
        let response = endpoint.run(input()).await.expect("an output");
        let error = response.cost(&prices()).expect_err(units);
        assert_eq!(error.kind(), ErrorKind::UnknownUnits, "{error}");
        assert!(error.to_string().contains("x-fal-billable-units"), "{error}");
    }
}

#[tokio::test]
async fn errors_and_streams_cost_what_their_headers_say() {
    let emulator = emulator().await;
    let endpoint = emulator.client().endpoint(ENDPOINT);
    emulator.inject_fault(Operation::Run, Fault::outcome(422).header("x-fal-billable-units", "1.5"));
    let error = endpoint.run(input()).await.expect_err("422");
    let cost = prices().billed(ENDPOINT, error.headers().expect("a response"));
    assert_eq!(cost.expect("a cost"), dollars("0.0375"));
    emulator.inject_fault(Operation::Stream, with_units("2"));
    let mut stream = endpoint.stream(input());
    stream.next().await.expect("an event").expect("an output");
    let headers = stream.headers().expect("a response");
    assert_eq!(prices().billed(ENDPOINT, headers).expect("a cost"), dollars("0.05"));
    let error = prices().billed(ENDPOINT, &Default::default()).expect_err("no units");
    assert_eq!((error.kind(), error.endpoint()), (ErrorKind::UnknownUnits, Some(ENDPOINT)), "{error}");
}

#[cfg(feature = "test-util")]
#[test]
fn responses_of_tests_have_a_cost() {
    let mut response = fal_client::Response::new(serde_json::json!({}));
    assert!(response.cost(&prices()).is_err_and(|error| error.kind() == ErrorKind::UnknownPrice));
    response.endpoint = ENDPOINT.to_owned();
    assert!(response.cost(&prices()).is_err_and(|error| error.kind() == ErrorKind::UnknownUnits));
    response.billable_units = Some(0.1);
    assert_eq!(response.cost(&prices()).expect("a cost"), dollars("0.0025"));
}
