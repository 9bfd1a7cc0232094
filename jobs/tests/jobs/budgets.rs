//! Budgets in the database.

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::money::{Cost, Estimate, IntoAmount, Price, PriceTable};
use fal_client::{Client, Handle};
use fal_emulator::{Emulator, Fault, Operation, Pace};
use fal_jobs::{Budget, Completed, Error, ErrorKind, Filter, Journal, OnFailed};

use crate::support::{Database, Outcome, on_both_databases};

on_both_databases!(
    billed_units_replace_the_reservation,
    exhausted_budget_refuses_before_submission,
    rejected_submission_costs_nothing,
    processes_share_a_budget,
    budget_within_another_needs_room_in_both,
    unknown_prices_cost_the_estimate,
    budget_without_an_estimate_is_refused,
    estimate_of_nothing_is_refused,
    failed_job_is_charged_to_the_budget_that_sends_it_again,
    resumed_job_is_charged_to_its_own_budget_and_the_given_one,
);

fn prices() -> Result<PriceTable, fal_client::Error> {
    Ok([Price::new(redux::ENDPOINT.id(), "0.025".into_amount()?, "megapixels")].into_iter().collect())
}

/// A journal with a budget that has a limit in dollars. A job is expected to cost four units.
async fn journal(database: &Database, limit: &str) -> Result<(Journal, Budget), Box<dyn std::error::Error>> {
    let journal = Journal::builder().prices(prices()?).open(&database.url).await?;
    let budget = journal.budget("cards", Cost::usd(limit)?).await?;
    let budget = budget.estimate(&prices()?.estimate(redux::ENDPOINT.id(), 4)?)?;
    Ok((journal, budget))
}

async fn emulator(pace: Pace) -> Result<(Emulator, Client), fal_emulator::Error> {
    let emulator = Emulator::builder().pace(pace).start().await?;
    let client = emulator.client();
    Ok((emulator, client))
}

fn endpoint(client: &Client) -> Handle<redux::Input, redux::Output> {
    client.endpoint(redux::ENDPOINT)
}

async fn run(
    journal: &Journal,
    client: &Client,
    seed: i64,
    budget: &Budget,
) -> Result<Completed<redux::Output>, Error> {
    let input = redux::Input::builder().image_url("https://example.com/fox.png").seed(seed);
    journal.run(&endpoint(client), input).key(format!("card-{seed}")).budget(budget).await
}

async fn billed_units_replace_the_reservation(database: Database) -> Outcome {
    let (_emulator, client) = emulator(Pace::instant()).await?;
    let (journal, budget) = journal(&database, "1").await?;
    let completed = run(&journal, &client, 1, &budget).await?;
    let units = completed.record.units.clone().ok_or("no units")?;
    let cost = prices()?.cost(redux::ENDPOINT.id(), units)?;
    assert_eq!(completed.record.cost(), Some(cost.clone()));
    assert!(!completed.record.is_cost_estimated());
    let usage = budget.usage().await?;
    assert_eq!((usage.spent, usage.reserved, usage.limit), (cost.clone(), Cost::usd(0)?, Cost::usd(1)?));
    // The recorded result is free.
    run(&journal, &client, 1, &budget).await?;
    assert_eq!(budget.usage().await?.spent, cost);
    budget.check().await?;
    Ok(())
}

async fn exhausted_budget_refuses_before_submission(database: Database) -> Outcome {
    let (emulator, client) = emulator(Pace::instant()).await?;
    let (journal, budget) = journal(&database, "0.09").await?;
    let error = run(&journal, &client, 1, &budget).await.err().ok_or("no error")?;
    assert_eq!(error.kind(), ErrorKind::Budget);
    let message = error.to_string();
    assert!(["`cards`", "$0.1000", "$0.0900", "$0.0000"].iter().all(|part| message.contains(part)), "{message}");
    assert!(emulator.jobs().is_empty());
    // The job waits until the budget allows it.
    let budget =
        journal.budget("cards", Cost::usd("0.1")?).await?.estimate(&prices()?.estimate(redux::ENDPOINT.id(), 4)?)?;
    run(&journal, &client, 1, &budget).await?;
    assert_eq!(emulator.jobs().len(), 1);
    Ok(())
}

async fn rejected_submission_costs_nothing(database: Database) -> Outcome {
    let (emulator, client) = emulator(Pace::instant()).await?;
    let (journal, budget) = journal(&database, "1").await?;
    emulator.inject_fault(Operation::Submit, Fault::respond(422));
    let error = run(&journal, &client, 1, &budget).await.err().ok_or("no error")?;
    assert_eq!(error.kind(), ErrorKind::Failed);
    let usage = budget.usage().await?;
    assert_eq!((usage.spent, usage.reserved), (Cost::usd(0)?, Cost::usd(0)?));
    budget.check().await?;
    Ok(())
}

async fn processes_share_a_budget(database: Database) -> Outcome {
    let (emulator, client) = emulator(Pace::manual()).await?;
    // Three estimates fit. The jobs never end, so that their reservations stay.
    let (first, budget) = journal(&database, "0.35").await?;
    let second = Journal::builder().prices(prices()?).open(&database.url).await?;
    let mut running = tokio::task::JoinSet::new();
    for seed in 0..6 {
        let (journal, client, budget) =
            (if seed % 2 == 0 { &first } else { &second }.clone(), client.clone(), budget.clone());
        running.spawn(async move { run(&journal, &client, seed, &budget).await });
    }
    for _ in 0..3 {
        let refused = running.join_next().await.ok_or("no job")??.err().ok_or("no error")?;
        assert_eq!(refused.kind(), ErrorKind::Budget, "{refused}");
    }
    assert_eq!(budget.usage().await?.reserved, Cost::usd("0.3")?);
    assert!(emulator.jobs().len() <= 3);
    budget.check().await?;
    Ok(())
}

async fn budget_within_another_needs_room_in_both(database: Database) -> Outcome {
    let (emulator, client) = emulator(Pace::instant()).await?;
    let (journal, cards) = journal(&database, "10").await?;
    let month = journal.budget("month", Cost::usd("0.1")?).await?;
    let cards = cards.within(&month);
    let completed = run(&journal, &client, 1, &cards).await?;
    let cost = completed.record.cost().ok_or("no cost")?;
    for budget in [&cards, &month] {
        assert_eq!(budget.usage().await?.spent, cost);
        budget.check().await?;
    }
    // The inner budget has room for it.
    let error = run(&journal, &client, 2, &cards).await.expect_err("an exhausted budget");
    assert_eq!(error.kind(), ErrorKind::Budget);
    assert!(error.to_string().contains("`month` cannot reserve $0.1000"), "{error}");
    assert_eq!(emulator.jobs().len(), 1);
    let month = journal.budget("month", Cost::usd(10)?).await?;
    journal.budget("cards", Cost::usd("0.1")?).await?;
    let error = run(&journal, &client, 2, &cards).await.expect_err("an exhausted budget");
    assert!(error.to_string().contains("`cards` cannot reserve $0.1000"), "{error}");
    for budget in [&cards, &month] {
        assert_eq!((budget.usage().await?.spent, budget.usage().await?.reserved), (cost.clone(), Cost::usd(0)?));
        budget.check().await?;
    }
    Ok(())
}

async fn unknown_prices_cost_the_estimate(database: Database) -> Outcome {
    let (_emulator, client) = emulator(Pace::instant()).await?;
    let journal = database.journal().await?;
    let budget = journal.budget("cards", Cost::usd(1)?).await?;
    let budget = budget.estimate(&prices()?.estimate(redux::ENDPOINT.id(), 4)?)?;
    let completed = run(&journal, &client, 1, &budget).await?;
    assert_eq!(budget.usage().await?.spent, Cost::usd("0.1")?);
    let record = journal.get(&completed.record.key).await?.ok_or("no job")?;
    assert_eq!((record.cost(), record.is_cost_estimated()), (Some(Cost::usd("0.1")?), true));
    let mut exported = Vec::new();
    journal.export(Filter::new(), &mut exported).await?;
    let line: serde_json::Value = serde_json::from_slice(&exported)?;
    assert_eq!((&line["cost_usd"], &line["cost_is_estimated"]), (&"0.1".into(), &true.into()));
    // Without a budget, nothing is estimated.
    let input = redux::Input::builder().image_url("https://example.com/owl.png");
    let record = journal.run(&endpoint(&client), input).await?.record;
    assert_eq!((record.cost(), record.is_cost_estimated()), (None, false));
    budget.check().await?;
    Ok(())
}

async fn budget_without_an_estimate_is_refused(database: Database) -> Outcome {
    let (emulator, client) = emulator(Pace::instant()).await?;
    let (journal, _) = journal(&database, "1").await?;
    let budget = journal.budget("cards", Cost::usd(1)?).await?;
    let error = run(&journal, &client, 1, &budget).await.err().ok_or("no error")?;
    assert_eq!(error.kind(), ErrorKind::Budget);
    assert!(error.to_string().contains(redux::ENDPOINT.id()), "{error}");
    assert!(emulator.jobs().is_empty());
    Ok(())
}

async fn estimate_of_nothing_is_refused(database: Database) -> Outcome {
    let id = redux::ENDPOINT.id();
    let price = prices()?.get(id).cloned();
    let without_calls = Estimate::historical(id, Cost::usd(0)?, 100, price.as_ref())?;
    let (journal, _) = journal(&database, "0.03").await?;
    for estimate in [without_calls.clone(), prices()?.estimate(id, 0)?] {
        let error = journal.budget("cards", Cost::usd("0.03")?).await?.estimate(&estimate).err().ok_or("no error")?;
        assert_eq!(error.kind(), ErrorKind::Configuration);
        let message = error.to_string();
        assert!(message.contains(id) && message.contains("is $0"), "{message}");
    }
    // A price that is unknown is not $0.
    let error = database.journal().await?.budget("cards", Cost::usd(1)?).await?.estimate(&without_calls);
    assert_eq!(error.err().map(|error| error.kind()), Some(ErrorKind::Configuration));

    // A free endpoint costs nothing, so it needs no budget either.
    let (emulator, client) = emulator(Pace::instant()).await?;
    let free: PriceTable = [Price::new(id, 0.into_amount()?, "megapixels")].into_iter().collect();
    let journal = Journal::builder().prices(free).open(&database.url).await?;
    let budget = journal.budget("free", Cost::usd(0)?).await?.estimate(&without_calls)?;
    run(&journal, &client, 1, &budget).await?;
    assert_eq!((emulator.jobs().len(), budget.usage().await?.spent), (1, Cost::usd(0)?));
    Ok(())
}

async fn failed_job_is_charged_to_the_budget_that_sends_it_again(database: Database) -> Outcome {
    let (emulator, client) = emulator(Pace::instant()).await?;
    let (journal, budget) = journal(&database, "0.09").await?;
    let input = || redux::Input::builder().image_url("https://example.com/fox.png").seed(1);
    emulator.inject_fault(Operation::Submit, Fault::outcome(500));
    let error = journal.run(&endpoint(&client), input()).await.err().ok_or("no error")?;
    assert_eq!(error.kind(), ErrorKind::Failed);
    let again = || journal.run(&endpoint(&client), input()).on_failed(OnFailed::Retry).budget(&budget);
    let error = again().await.err().ok_or("no error")?;
    assert_eq!((error.kind(), emulator.accepted_jobs()), (ErrorKind::Budget, 1));
    journal.budget("cards", Cost::usd(1)?).await?;
    let cost = again().await?.record.cost().ok_or("no cost")?;
    assert_eq!(budget.usage().await?.spent, cost);
    budget.check().await?;
    Ok(())
}

async fn resumed_job_is_charged_to_its_own_budget_and_the_given_one(database: Database) -> Outcome {
    let (emulator, client) = emulator(Pace::instant()).await?;
    let (journal, own) = journal(&database, "0.09").await?;
    let month = journal.budget("month", Cost::usd("0.09")?).await?;
    let month = month.estimate(&prices()?.estimate(redux::ENDPOINT.id(), 4)?)?;
    run(&journal, &client, 1, &own).await.err().ok_or("no error")?;
    for (limits, expected) in [(["0.09", "1"], 0), (["1", "0.09"], 0), (["1", "1"], 1)] {
        for (name, limit) in ["cards", "month"].into_iter().zip(limits) {
            journal.budget(name, Cost::usd(limit)?).await?;
        }
        let resumed = journal.resume(&client, "card-1").budget(&month).await;
        assert_eq!((resumed.is_ok(), emulator.accepted_jobs()), (expected == 1, expected), "{resumed:?}");
    }
    assert_eq!(own.usage().await?.spent, month.usage().await?.spent);
    own.check().await?;
    month.check().await?;
    Ok(())
}
