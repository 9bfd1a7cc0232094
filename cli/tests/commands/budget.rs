//! Limits of costs, which the commands that run jobs share.

use fal_client::LockReason;
use fal_emulator::{Decimal, Emulator, EmulatorBuilder, Fault, Operation, Pace, Price};

use crate::support::Project;

const REDUX: &str = "fal-ai/flux/dev/redux";
const BATCH: [&str; 3] = ["batch", REDUX, "rows.jsonl"];

fn priced() -> EmulatorBuilder {
    // A call costs four units on average.
    let price = Price::usd(Decimal::new(25, 3), "megapixels").per_call(Decimal::new(1, 1));
    Emulator::builder().pace(Pace::instant()).price(REDUX, price).billable_units(REDUX, Decimal::new(4, 0))
}

async fn project(builder: EmulatorBuilder) -> Project {
    let project = Project::with(builder).await;
    let row = "{\"image_url\":\"https://example.com/fox.png\"}\n";
    project.write("rows.jsonl", row.repeat(3));
    project
}

fn requests(project: &Project, operation: Operation) -> usize {
    project.emulator.requests().iter().filter(|request| request.operation() == operation).count()
}

#[tokio::test]
async fn wrong_amounts_are_usage_errors() {
    let project = project(priced()).await;
    for amount in ["-1", "abc", "1e400", "", "NaN", "inf", "1,5", "2000000000"] {
        let arguments = [&BATCH[..], &["--max-cost", amount]].concat();
        let error = project.run(&arguments).await.failure(2);
        assert!(error.contains("--max-cost"), "{error}");
        project.write("fal.toml", format!("budget = \"{amount}\"\n"));
        let error = project.run(&BATCH).await.failure(2);
        assert!(error.contains("fal.toml, line 1: invalid setting `budget`"), "{error}");
        project.write("fal.toml", "");
    }
    assert_eq!(project.emulator.accepted_jobs(), 0);
}

#[tokio::test]
async fn estimate_is_the_average_of_past_calls() {
    let project = project(priced()).await;
    let arguments = [&BATCH[..], &["--max-cost", "0.05"]].concat();
    let error = project.run(&arguments).await.failure(6);
    assert!(error.contains("costs $0.1000 on average") && error.contains("limit $0.0500"), "{error}");
    assert_eq!(project.emulator.accepted_jobs(), 0);
}

#[tokio::test]
async fn estimate_is_only_fetched_for_a_limit() {
    let project = project(priced()).await;
    project.run(&BATCH).await.success();
    assert_eq!(requests(&project, Operation::EstimateCost), 0);
    project.write("fal.toml", "budget = 5\n");
    project.run(&BATCH).await.success();
    assert_eq!(requests(&project, Operation::EstimateCost), 1);
}

#[tokio::test]
async fn unavailable_price_does_not_stop_jobs_without_a_limit() {
    let project = project(priced()).await;
    project.emulator.deny_permission(Operation::Pricing);
    project.run(&BATCH).await.success();
    let error = project.run(&[&BATCH[..], &["--max-cost", "1"]].concat()).await.failure(4);
    assert!(error.contains("help:"), "{error}");
}

#[tokio::test]
async fn unknown_cost_is_refused_with_a_limit() {
    let project = project(Emulator::builder().pace(Pace::instant())).await;
    let error = project.run(&[&BATCH[..], &["--max-cost", "1"]].concat()).await.failure(6);
    assert!(error.contains("fal has no price") && error.contains("leave out `--max-cost`"), "{error}");
    project.write("fal.toml", "budget = 5\n");
    let error = project.run(&BATCH).await.failure(6);
    assert!(error.contains("remove `budget` from fal.toml"), "{error}");
    project.emulator.set_price(REDUX, Price::usd(Decimal::new(25, 3), "images"));
    let nothing = r#"{"estimate_type":"historical_api_price","total_cost":0,"currency":"USD"}"#;
    project.emulator.inject_fault(Operation::EstimateCost, Fault::respond(200).body("application/json", nothing));
    let error = project.run(&BATCH).await.failure(6);
    assert!(error.contains("no past calls"), "{error}");
    assert_eq!(project.emulator.accepted_jobs(), 0);
    project.emulator.set_price(REDUX, Price::new(Decimal::new(25, 3), "EUR", "images"));
    let error = project.run(&BATCH).await.failure(6);
    assert!(error.contains("limits are in US dollars"), "{error}");
}

#[tokio::test]
async fn free_endpoint_needs_no_room() {
    let project = project(priced()).await;
    project.emulator.set_price(REDUX, Price::usd(Decimal::ZERO, "images").per_call(Decimal::ZERO));
    project.run(&[&BATCH[..], &["--max-cost", "0"]].concat()).await.success();
    assert_eq!(project.emulator.accepted_jobs(), 3);
}

#[tokio::test]
async fn budget_of_the_project_is_shared_by_its_batches() {
    let project = project(priced()).await;
    project.write("fal.toml", "budget = \"0.35\"\n");
    project.run(&BATCH).await.success();
    let error = project.run(&[&BATCH[..], &["--label", "second"]].concat()).await.failure(6);
    assert!(error.contains("$0.3000 of the limit $0.3500 are spent"), "{error}");
    assert_eq!(project.emulator.accepted_jobs(), 3);
}

#[tokio::test]
async fn jobs_of_the_time_before_a_budget_are_charged_to_it() {
    let project = project(priced()).await;
    let run = |seed: &'static str| ["run", REDUX, "image_url=https://example.com/fox.png", seed];
    project.emulator.inject_fault(Operation::Submit, Fault::outcome(500));
    project.run(&run("seed=1")).await.failure(1);
    project.emulator.lock_account(LockReason::ExhaustedBalance);
    project.run(&run("seed=2")).await.failure(4);
    project.emulator.unlock_account();
    let accepted = project.emulator.accepted_jobs();
    project.write("fal.toml", "budget = 0.05\n");
    for arguments in [&run("seed=1")[..], &run("seed=2"), &["watch"], &["watch", "last"]] {
        let error = project.run(arguments).await.failure(6);
        assert!(error.contains("limit $0.0500"), "{arguments:?}: {error}");
    }
    assert_eq!(project.emulator.accepted_jobs(), accepted);
    project.write("fal.toml", "budget = 0.1\n");
    project.run(&["watch", "last"]).await.success();
    project.run(&run("seed=1")).await.failure(6);
    assert_eq!(project.emulator.accepted_jobs(), accepted + 1);
}
