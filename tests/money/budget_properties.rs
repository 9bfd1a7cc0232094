//! Properties of sums and reservations.

use std::sync::Barrier;

use fal_client::money::{Budget, Cost, Decimal, PriceTable};
use proptest::prelude::*;

use crate::support::{ENDPOINT, dollars, price};

/// A millionth of a dollar, as the models of these tests count.
fn millionths(amount: i64) -> Decimal {
    Decimal::new(amount, 6)
}

#[derive(Clone, Copy, Debug)]
enum End {
    Settled(i64),
    Released,
    Dropped,
    Held,
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![(0..2_000_000_i64).prop_map(End::Settled), Just(End::Released), Just(End::Dropped), Just(End::Held)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sums_are_exact(amounts in proptest::collection::vec(any::<i32>(), 1..50)) {
        let costs = amounts.iter().map(|amount| Cost::new(millionths(i64::from(*amount)), "USD"));
        let sum: i64 = amounts.iter().map(|amount| i64::from(*amount)).sum();
        let total = Cost::total(costs).expect("one currency").expect("costs");
        prop_assert_eq!(total.amount, millionths(sum));
    }

    #[test]
    fn any_text_is_a_price_table_or_an_error(json in any::<String>()) {
        let _ = PriceTable::from_json(&json);
        let _ = PriceTable::from_json(&format!(r#"{{"prices":[{{"endpoint_id":"a/b","unit_price":{json},"unit":"x"}}]}}"#));
    }

    #[test]
    fn tables_are_read_back(prices in proptest::collection::vec((any::<String>(), 0..i64::MAX, 0..18_u32, any::<String>()), 0..10)) {
        let prices = prices.into_iter().filter(|(endpoint, ..)| !endpoint.trim().is_empty()).map(|(endpoint, amount, scale, unit)| {
            fal_client::money::Price::new(endpoint, Decimal::new(amount, scale), unit)
        });
        let table: PriceTable = prices.collect();
        prop_assert_eq!(PriceTable::from_json(&table.to_json()).expect("a table"), table);
    }

    /// The model counts in millionths of a dollar. Nothing is reserved beyond the limit, and each reservation ends once.
    #[test]
    fn amounts_follow_the_model(
        limit in 0..5_000_000_i64,
        steps in proptest::collection::vec((0..1_000_000_i64, proptest::option::of((0..8_usize, end()))), 1..60),
    ) {
        let budget = Budget::usd(millionths(limit)).prices([fal_client::money::Price::new(ENDPOINT, Decimal::ONE, "dollars")]);
        let (mut spent, mut open, mut held) = (0, Vec::new(), Vec::new());
        for (number, (amount, ended)) in steps.into_iter().enumerate() {
            let reserved: i64 = open.iter().map(|(amount, _)| amount).chain(held.iter().map(|(amount, _)| amount)).sum();
            match budget.reserve(ENDPOINT, Some(millionths(amount))) {
                Ok(reservation) => {
                    prop_assert!(spent + reserved + amount <= limit.max(spent + reserved));
                    open.push((amount, reservation));
                }
                Err(error) => {
                    prop_assert!(error.is_budget_exceeded() && spent + reserved + amount > limit);
                }
            }
            if let Some((index, end)) = ended && index < open.len() {
                let (amount, reservation) = open.swap_remove(index);
                match end {
                    End::Settled(cost) => {
                        spent += cost;
                        reservation.settle(&Cost::new(millionths(cost), "USD")).expect("dollars");
                    }
                    End::Released => reservation.release(),
                    End::Dropped => {
                        spent += amount;
                        drop(reservation);
                    }
                    End::Held => {
                        let request_id = format!("R{number}");
                        reservation.hold(&request_id);
                        held.push((amount, request_id));
                    }
                }
            }
            let reserved: i64 = open.iter().map(|(amount, _)| amount).chain(held.iter().map(|(amount, _)| amount)).sum();
            let snapshot = budget.snapshot();
            prop_assert_eq!((snapshot.spent.amount, snapshot.reserved.amount), (millionths(spent), millionths(reserved)));
            prop_assert_eq!(snapshot.remaining().amount, millionths((limit - spent - reserved).max(0)));
        }
        held.iter().for_each(|(_, request_id)| assert!(budget.release(request_id)));
        open.into_iter().for_each(|(_, reservation)| reservation.release());
        prop_assert_eq!(budget.reserved().amount, Decimal::ZERO);
    }
}

#[test]
fn threads_cannot_exceed_the_limit_together() {
    const THREADS: usize = 8;
    let budget = Budget::usd("10").prices([price(ENDPOINT)]).expect_units(ENDPOINT, 1);
    let start = Barrier::new(THREADS);
    let made: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (budget, start) = (&budget, &start);
                scope.spawn(move || {
                    start.wait();
                    let mut made = 0;
                    for round in 0..100 {
                        let Ok(reservation) = budget.reserve(ENDPOINT, None) else { continue };
                        let snapshot = budget.snapshot();
                        assert!(snapshot.spent.amount + snapshot.reserved.amount <= snapshot.limit.amount);
                        if (thread + round) % 3 == 0 {
                            reservation.release();
                        } else {
                            made += 1;
                            drop(reservation);
                        }
                    }
                    made
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread")).sum()
    });
    assert_eq!(made, 100);
    assert_eq!((budget.spent(), budget.reserved()), (dollars("10"), dollars("0")));
}
