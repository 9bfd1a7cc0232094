//! Calls that a budget refuses.

use std::sync::{Arc, Mutex};

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::money::{Budget, Cost, Decimal, Estimate, IntoAmount, Price, PriceTable};
use fal_client::{ErrorKind, FileInput};
use fal_emulator::{Emulator, Fault, Operation, Pace};
use futures_util::StreamExt;

use crate::support::{ENDPOINT, assert_amounts, budget, client, dollars, emulator, input, price, with_units};

#[tokio::test]
async fn exceeding_calls_are_refused_before_anything_is_sent() {
    let emulator = emulator().await;
    let budget = budget("0.25").with_spent("0.1").with_reserved(ENDPOINT, "R1", "0.06");
    let endpoint = client(&emulator, &budget).endpoint(ENDPOINT);
    for error in [
        endpoint.run(input()).await.map(drop).expect_err("run"),
        endpoint.submit(input()).await.map(drop).expect_err("submit"),
        endpoint.subscribe(input()).await.map(drop).expect_err("subscribe"),
        endpoint.stream(input()).next().await.expect("an item").map(drop).expect_err("stream"),
    ] {
        assert!(error.is_budget_exceeded() && error.kind() == ErrorKind::Budget, "{error}");
        assert!(!error.is_retryable() && !error.may_have_been_accepted(), "{error}");
        assert_eq!(
            error.to_string(),
            "fal-ai/flux/dev/redux: the budget is exceeded: the request needs $0.1000, and $0.0900 is left \
             (limit $0.2500, spent $0.1000, reserved $0.0600)"
        );
    }
    assert!(emulator.requests().is_empty());
    assert_amounts(&budget, "0.1", "0.06");
    endpoint.run(input()).expected_units("0.9").await.expect("an output");
    assert_eq!(emulator.jobs().len(), 1);
}

#[tokio::test]
async fn calls_of_unknown_cost_are_refused_unless_they_are_allowed() {
    let emulator = emulator().await;
    for (budget, kind, words) in [
        (Budget::usd(5).expect_units(ENDPOINT, 1), ErrorKind::UnknownPrice, "Budget::prices"),
        (Budget::usd(5).prices([price(ENDPOINT)]), ErrorKind::UnknownUnits, "expected_units"),
        (
            Budget::usd(5).prices([price(ENDPOINT).with_currency("EUR")]).expect_units(ENDPOINT, 1),
            ErrorKind::Amount,
            "EUR",
        ),
    ] {
        let endpoint = client(&emulator, &budget).endpoint(ENDPOINT);
        let error = endpoint.subscribe(input()).await.expect_err("refused");
        assert_eq!((error.kind(), error.endpoint()), (kind, Some(ENDPOINT)), "{error}");
        assert!(error.to_string().contains(words) && !error.is_retryable() && !error.is_budget_exceeded(), "{error}");
    }
    assert!(emulator.requests().is_empty());

    let budget = Budget::usd("0.15").prices([price(ENDPOINT)]).allow_unpriced(true);
    let endpoint = client(&emulator, &budget).endpoint(ENDPOINT);
    for spent in ["0.1", "0.2"] {
        emulator.inject_fault(Operation::Run, with_units("1"));
        endpoint.run(input()).await.expect("an output");
        assert_amounts(&budget, spent, "0");
    }
    let error = endpoint.run(input()).await.expect_err("nothing is left");
    assert!(error.is_budget_exceeded(), "{error}");
    assert_eq!(budget.remaining(), dollars("0"));
}

#[tokio::test]
async fn expected_units_of_a_call_precede_those_of_the_endpoint() {
    let emulator = emulator().await;
    let budget = budget("10").expect_units(ENDPOINT, 2);
    let endpoint = client(&emulator, &budget).endpoint(ENDPOINT);
    endpoint.submit(input()).await.expect("a job");
    assert_amounts(&budget, "0", "0.2");
    endpoint.submit(input()).expected_units(0.5).await.expect("a job");
    assert_amounts(&budget, "0", "0.25");
    let estimate = Estimate::historical(ENDPOINT, dollars("4.5"), 10, None).expect("an estimate");
    let budget = budget.expect_estimate(&estimate);
    endpoint.submit(input()).await.expect("a job");
    assert_amounts(&budget, "0", "0.7");
    let given = [price(ENDPOINT)].into_iter().collect::<PriceTable>().estimate(ENDPOINT, 3).expect("an estimate");
    let budget = budget.expect_estimate(&given);
    endpoint.submit(input()).await.expect("a job");
    assert_amounts(&budget, "0", "1");
    for units in [f64::NAN, -1.0, f64::INFINITY] {
        let error = endpoint.submit(input()).expected_units(units).await.expect_err("invalid units");
        assert_eq!(error.kind(), ErrorKind::Amount, "{error}");
    }
    assert_eq!(emulator.jobs().len(), 4);
}

/// Otherwise calls without an end would be let through.
#[test]
fn estimates_of_zero_count_for_free_endpoints_only() {
    let nothing = Estimate::historical(ENDPOINT, dollars("0"), 1, None).expect("an estimate");
    let budget = Budget::usd(1).expect_estimate(&nothing);
    for budget in [budget.clone(), budget.prices([price(ENDPOINT)])] {
        let error = budget.reserve(ENDPOINT, None).expect_err("no past calls");
        assert_eq!(error.kind(), ErrorKind::UnknownUnits, "{error}");
    }
    let budget = Budget::usd(1).prices([Price::new(ENDPOINT, Decimal::ZERO, "image")]).expect_estimate(&nothing);
    assert_eq!(budget.reserve(ENDPOINT, None).expect("a free call").amount(), dollars("0"));
}

#[test]
fn invalid_amounts_are_errors_of_the_builder() {
    let build = |budget: Budget| fal_client::Client::builder().key("id:secret").budget(budget).build().map(drop);
    let euros = Estimate::historical("a/b", Cost::new(Decimal::ONE, "EUR"), 1, None).expect("an estimate");
    for (budget, words) in [
        (Budget::usd(f64::NAN), "the limit of the budget: invalid amount `NaN`"),
        (Budget::usd(f64::INFINITY), "invalid amount `inf`"),
        (Budget::usd(-1), "invalid amount `-1`: expected zero or more"),
        (Budget::usd("five"), "invalid amount `five`"),
        (Budget::usd(1).expect_units("a/b", -0.5), "the expected units: invalid amount `-0.5`"),
        (Budget::usd(1).with_spent(f64::NAN), "the spent amount: invalid"),
        (Budget::usd(1).with_reserved("a/b", "R1", -1), "the reserved amount: invalid"),
        (Budget::usd(1).expect_estimate(&euros), "the expected cost: cannot count 1.0000 EUR: the budget is in USD"),
    ] {
        let error = build(budget.clone()).expect_err(words);
        assert_eq!(error.kind(), ErrorKind::Amount);
        assert!(error.to_string().contains(words), "{error}");
        assert!(budget.check().is_err() && budget.reserve("a/b", Some(Decimal::ONE)).is_err());
    }
    for budget in [Budget::usd(5.0), Budget::usd(0), Budget::usd("0.1"), Budget::usd(0.1_f32), Budget::usd(7_u64)] {
        assert!(build(budget).is_ok());
    }
    assert_eq!(Budget::usd(0.1).limit(), dollars("0.1"));
    assert_eq!(format!("{:?}", Budget::usd(0.1)), "Budget($0.1000, spent $0.0000, reserved $0.0000)");
}

#[tokio::test]
async fn clones_and_clients_share_the_limit() {
    let emulator = emulator().await;
    let budget = budget("0.2");
    let first = client(&emulator, &budget);
    let second = client(&emulator, &budget.clone());
    first.clone().endpoint(ENDPOINT).submit(input()).await.expect("a job");
    second.endpoint(ENDPOINT).submit(input()).await.expect("a job");
    for client in [&first, &second] {
        let error = client.endpoint(ENDPOINT).submit(input()).await.expect_err("refused");
        assert!(error.is_budget_exceeded(), "{error}");
        assert_eq!(client.budget().map(Budget::remaining), Some(dollars("0")));
    }
    assert_eq!(emulator.jobs().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_calls_cannot_exceed_the_limit_together() {
    let emulator = emulator().await;
    let budget = budget("1");
    let endpoint = client(&emulator, &budget).endpoint(ENDPOINT);
    let calls = (0..50).map(|_| tokio::spawn(endpoint.submit(input()).send()));
    let outcomes = futures_util::future::join_all(calls).await;
    let refused = outcomes.into_iter().filter_map(|call| call.expect("a task").err());
    let refused: Vec<_> = refused.inspect(|error| assert!(error.is_budget_exceeded(), "{error}")).collect();
    assert_eq!((refused.len(), emulator.jobs().len()), (40, 10));
    assert_amounts(&budget, "0", "1");
}

#[tokio::test]
async fn retries_reserve_once() {
    let budget = budget("0.1");
    let (watched, most) = (budget.clone(), Arc::new(Mutex::new(dollars("0"))));
    let seen = Arc::clone(&most);
    let emulator = Emulator::builder().pace(Pace::instant()).on_request(move |_| {
        let mut most = seen.lock().expect("not poisoned");
        if watched.reserved().amount > most.amount {
            *most = watched.reserved();
        }
    });
    let emulator = emulator.start().await.expect("an emulator");
    for _ in 0..3 {
        emulator.inject_fault(Operation::Run, Fault::respond(429));
    }
    let policy = fal_client::RetryPolicy::default().first_delay(std::time::Duration::from_millis(1));
    let client = emulator.client_builder().retry(policy).budget(budget.clone()).build().expect("a client");
    client.endpoint(ENDPOINT).run(input()).await.expect("an output");
    assert_eq!(emulator.requests().len(), 4);
    assert_eq!(*most.lock().expect("not poisoned"), dollars("0.1"));
    assert_eq!(budget.reserved(), dollars("0"));
}

#[tokio::test]
async fn other_spellings_of_an_endpoint_have_its_price() {
    let emulator = emulator().await;
    let budget = Budget::usd(1).prices([price("fal-ai/flux/dev/redux/")]).expect_units("fal-ai/flux/dev/redux/", 1);
    client(&emulator, &budget).endpoint("fal-ai/flux/dev/redux/").submit(input()).await.expect("a job");
    assert_amounts(&budget, "0", "0.1");
}

#[tokio::test]
async fn realtime_connections_and_proxies_need_permission() {
    let emulator = emulator().await;
    let refused = client(&emulator, &budget("1"));
    #[cfg(feature = "realtime")]
    {
        let error = refused.endpoint("fal-ai/fast-lcm-diffusion").realtime().await.map(drop).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::UnknownUnits);
        assert!(error.to_string().contains("a realtime connection"), "{error}");
    }
    #[cfg(feature = "proxy")]
    {
        let proxy =
            |client| fal_client::proxy::Proxy::builder(client).endpoints(["**"]).allow_anyone().build().map(drop);
        let error = proxy(refused.clone()).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::UnknownUnits);
        assert!(error.to_string().contains("Budget::allow_unpriced"), "{error}");
        proxy(client(&emulator, &budget("1").allow_unpriced(true))).expect("a proxy");
    }
    assert!(emulator.requests().is_empty());
    drop(refused);
}

#[tokio::test]
async fn calls_that_fail_before_sending_reserve_nothing() {
    let emulator = emulator().await;
    let budget = budget("1");
    let client = client(&emulator, &budget);
    let call = client.endpoint(ENDPOINT).run(input()).header("authorization", "x");
    assert!(call.await.is_err_and(|error| error.kind() == ErrorKind::InvalidInput));
    let absent = redux::Input::builder().image_url(FileInput::path("absent/fox.png"));
    let error = client.endpoint(redux::ENDPOINT).run(absent).await.expect_err("no file");
    assert_eq!(error.kind(), ErrorKind::File);
    assert_amounts(&budget, "0", "0");
}

#[test]
fn reservations_are_guards() {
    let budget = budget("1");
    let units = |units: i32| Some(units.into_amount().expect("units"));
    let reserve = |count| budget.reserve(ENDPOINT, units(count)).expect("a reservation");
    reserve(1).release();
    assert_amounts(&budget, "0", "0");
    let reservation = reserve(2);
    assert_eq!(reservation.amount(), dollars("0.2"));
    reservation.settle(&dollars("0.15")).expect("dollars");
    assert_amounts(&budget, "0.15", "0");
    drop(reserve(1));
    assert_amounts(&budget, "0.25", "0");
    assert!(reserve(1).settle(&Cost::new(Decimal::ONE, "EUR")).is_err());
    assert_amounts(&budget, "0.35", "0");
    reserve(3).hold("R1");
    assert_amounts(&budget, "0.35", "0.3");
    assert!(budget.settle("R1", &Cost::new(Decimal::ONE, "EUR")).is_err());
    assert!(budget.settle("R1", &dollars("2")).expect("dollars"));
    assert!(!budget.settle("R1", &dollars("2")).expect("dollars") && !budget.release("R1"));
    assert_amounts(&budget, "2.35", "0");
    assert_eq!(budget.remaining(), dollars("0"));
}
