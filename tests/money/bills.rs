//! The amounts of a budget are those that fal bills.

use std::time::Duration;

use fal_client::RetryPolicy;
use fal_client::money::{Budget, Decimal};
use fal_emulator::{Emulator, Fault, Operation, Pace, Price};
use futures_util::StreamExt;
use futures_util::future::join_all;
use proptest::prelude::*;

use crate::support::{ENDPOINT, client, input};

/// A hundredth.
fn hundredths(amount: i64) -> Decimal {
    Decimal::new(amount, 2)
}

/// The price of a unit is 0.01 dollars.
async fn priced() -> Emulator {
    let emulator = Emulator::builder().pace(Pace::instant()).price(ENDPOINT, Price::usd(hundredths(1), "units"));
    emulator.start().await.expect("an emulator")
}

#[tokio::test]
async fn budget_with_prices_of_the_platform_stops_before_the_limit() {
    let emulator = priced().await;
    emulator.set_billable_units(ENDPOINT, hundredths(450));
    emulator.client().endpoint(ENDPOINT).run(input()).await.expect("an output");
    let platform = emulator.client().platform();
    let estimate = platform.estimate(ENDPOINT, 10).await.expect("an estimate");
    assert_eq!(estimate.units_per_call(), Some(hundredths(450)));
    let prices = platform.prices([ENDPOINT]).await.expect("prices");
    let budget = Budget::usd(0.2).prices(prices).expect_estimate(&estimate);
    let endpoint = client(&emulator, &budget).endpoint(ENDPOINT);
    let outcomes = join_all((0..10).map(|_| endpoint.subscribe(input()).send())).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 4);
    assert!(outcomes.into_iter().filter_map(Result::err).all(|error| error.is_budget_exceeded()));
    assert_eq!(budget.spent().amount, Decimal::new(18, 2));
    assert_eq!(emulator.billed_on(ENDPOINT).cost(), Decimal::new(18 * 10 + 45, 3));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, failure_persistence: None, ..ProptestConfig::default() })]

    /// A call is expected to be billed one unit, and is billed up to one.
    #[test]
    fn concurrent_calls_spend_what_is_billed_within_the_limit(
        limit in 0..12_i64,
        calls in proptest::collection::vec((0..4_u8, 0..=100_i64), 1..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (spent, reserved, billed) = runtime.block_on(async {
            let emulator = priced().await;
            let prices = emulator.client().platform().prices([ENDPOINT]).await.expect("prices");
            let budget = Budget::usd(hundredths(limit)).prices(prices).expect_units(ENDPOINT, 1);
            let endpoint = client(&emulator, &budget).endpoint(ENDPOINT);
            for (operation, units) in &calls {
                let operation = match operation {
                    0 => Operation::Run,
                    1 => Operation::Stream,
                    _ => Operation::Submit,
                };
                emulator.inject_fault(operation, Fault::none().billable_units(hundredths(*units)));
            }
            let calls = calls.iter().map(|(operation, _)| {
                let endpoint = endpoint.clone();
                async move {
                    match operation {
                        0 => drop(endpoint.run(input()).await),
                        1 => drop(endpoint.stream(input()).collect::<Vec<_>>().await),
                        2 => drop(endpoint.subscribe(input()).await),
                        _ => {
                            if let Ok(job) = endpoint.submit(input()).await {
                                endpoint.wait(&job).await.expect("an output");
                            }
                        }
                    }
                }
            });
            join_all(calls).await;
            (budget.spent().amount, budget.reserved().amount, emulator.billed().cost())
        });
        prop_assert_eq!((spent, reserved), (billed, Decimal::ZERO));
        prop_assert!(billed <= hundredths(limit));
    }

    /// Whatever happens to the calls, fal does not bill more than the budget counts.
    #[test]
    fn failing_calls_are_never_billed_more_than_is_counted(
        limit in 0..12_i64,
        calls in proptest::collection::vec((any::<bool>(), 0..8_u8), 1..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (counted, billed) = runtime.block_on(async {
            let emulator = priced().await;
            let prices = emulator.client().platform().prices([ENDPOINT]).await.expect("prices");
            let budget = Budget::usd(hundredths(limit)).prices(prices).expect_units(ENDPOINT, 1);
            let builder = emulator.client_builder().retry(RetryPolicy::default().first_delay(Duration::from_millis(1)));
            let endpoint = builder.budget(budget.clone()).build().expect("a client").endpoint(ENDPOINT);
            for (is_run, fault) in &calls {
                let fault = match fault {
                    0 => Fault::none(),
                    1 => Fault::outcome(422),
                    2 => Fault::outcome(422).billable_units(hundredths(70)),
                    3 => Fault::outcome(500),
                    4 => Fault::drop_connection(),
                    5 => Fault::drop_connection().after_effect(),
                    6 => Fault::nginx(502).after_effect(),
                    _ => Fault::respond(429),
                };
                emulator.inject_fault(if *is_run { Operation::Run } else { Operation::Submit }, fault);
            }
            let calls = calls.iter().map(|(is_run, _)| {
                let endpoint = endpoint.clone();
                async move {
                    match is_run {
                        true => drop(endpoint.run(input()).await),
                        false => drop(endpoint.subscribe(input()).await),
                    }
                }
            });
            join_all(calls).await;
            let snapshot = budget.snapshot();
            (snapshot.spent.amount + snapshot.reserved.amount, emulator.billed().cost())
        });
        prop_assert!(billed <= counted && counted <= hundredths(limit), "{} {}", billed, counted);
    }
}
