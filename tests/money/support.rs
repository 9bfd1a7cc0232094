//! An emulator, and a budget for one of its endpoints.

use fal_client::Client;
use fal_client::money::{Budget, Cost, IntoAmount, Price};
use fal_emulator::{Emulator, Fault, Pace};
use serde_json::{Value, json};

pub(crate) const ENDPOINT: &str = "fal-ai/flux/dev/redux";

pub(crate) async fn emulator() -> Emulator {
    Emulator::builder().pace(Pace::instant()).start().await.expect("an emulator")
}

pub(crate) fn input() -> Value {
    json!({ "image_url": "https://example.com/fox.png" })
}

/// The price of a unit is 0.1 dollars.
pub(crate) fn price(endpoint: &str) -> Price {
    Price::new(endpoint, "0.1".into_amount().expect("an amount"), "megapixels")
}

/// A call of the endpoint is expected to cost 0.1 dollars.
pub(crate) fn budget(limit: &str) -> Budget {
    Budget::usd(limit).prices([price(ENDPOINT)]).expect_units(ENDPOINT, 1)
}

pub(crate) fn client(emulator: &Emulator, budget: &Budget) -> Client {
    emulator.client_builder().budget(budget.clone()).build().expect("a client")
}

pub(crate) fn with_units(units: &str) -> Fault {
    Fault::none().header("x-fal-billable-units", units)
}

pub(crate) fn dollars(text: &str) -> Cost {
    Cost::usd(text).expect("an amount")
}

/// Asserts the amounts of a budget.
#[track_caller]
pub(crate) fn assert_amounts(budget: &Budget, spent: &str, reserved: &str) {
    let snapshot = budget.snapshot();
    assert_eq!((snapshot.spent, snapshot.reserved), (dollars(spent), dollars(reserved)), "spent and reserved");
}
