use fal_emulator::{Decimal, Emulator, EmulatorBuilder, Fault, Operation, Pace, Price};
use serde_json::json;

use crate::support::{Project, assert_golden};

const REDUX: &str = "fal-ai/flux/dev/redux";
const CANNY: &str = "fal-ai/fast-sdxl-controlnet-canny/image-to-image";

fn priced() -> EmulatorBuilder {
    Emulator::builder()
        .pace(Pace::instant())
        .price(REDUX, Price::usd(Decimal::new(25, 3), "megapixels"))
        .price(CANNY, Price::usd(Decimal::new(111, 5), "compute seconds"))
}

/// Responds to the next estimate with this cost.
fn estimate(project: &Project, cost: &str) {
    let body = format!(r#"{{"estimate_type":"historical_api_price","total_cost":{cost},"currency":"USD"}}"#);
    project.emulator.inject_fault(Operation::EstimateCost, Fault::respond(200).body("application/json", body));
}

#[tokio::test]
async fn prices_are_printed_with_the_cost_of_a_call() {
    let project = Project::with(priced()).await;
    for width in [60, 80, 140] {
        let text = project.run_in(width, &["price", REDUX, CANNY]).await.success();
        assert_golden(&format!("price-{width}.txt"), &text);
    }
}

#[tokio::test]
async fn calls_and_units_are_estimated_and_added_up() {
    let project = Project::with(priced()).await;
    let calls = project.run_in(80, &["price", REDUX, CANNY, "--calls", "1000"]).await.success();
    assert_golden("price-calls.txt", &calls);
    let units = project.run_in(80, &["price", REDUX, CANNY, "--units", "2.5"]).await.success();
    assert_golden("price-units.txt", &units);
}

#[tokio::test]
async fn amounts_in_json_are_exact_strings() {
    let project = Project::with(priced()).await;
    estimate(&project, "0.123456789012345678");
    let report = project.run(&["price", REDUX, "--calls", "3", "--json"]).await.json();
    assert_eq!(report["prices"][0]["endpoint_id"], REDUX);
    assert_eq!(report["prices"][0]["unit_price"], "0.025");
    assert_eq!(report["prices"][0]["unit"], "megapixels");
    assert_eq!(report["prices"][0]["cost_per_call"]["amount"], "0.041152263004115226");
    assert_eq!(report["prices"][0]["estimate"]["cost"]["amount"], "0.123456789012345678");
    assert_eq!(report["prices"][0]["estimate"]["calls"], 3);
    assert!(report["prices"][0]["estimate"]["basis"]["historical_units"]["units_per_call"].is_string());
    assert_eq!(report["total"], json!({ "amount": "0.123456789012345678", "currency": "USD" }));
    assert_eq!(report["unknown"], json!([]));
}

#[tokio::test]
async fn an_endpoint_without_past_calls_has_no_cost_of_a_call() {
    let project = Project::with(priced()).await;
    estimate(&project, "0");
    let report = project.run(&["price", REDUX, "--calls", "5", "--json"]).await.json();
    assert_eq!(report["prices"][0]["cost_per_call"], json!(null));
    assert_eq!(report["prices"][0]["estimate"], json!(null));
    assert_eq!(report["total"], json!(null));
    estimate(&project, "0");
    let text = project.run(&["price", REDUX]).await.success();
    assert!(text.contains("unknown"), "{text}");
}

#[tokio::test]
async fn unknown_endpoints_are_named_after_the_prices_of_the_others() {
    let project = Project::with(priced()).await;
    let run = project.run(&["price", "fal-ai/flux/dev/redus", REDUX, "acme/missing"]).await;
    assert!(run.stdout.contains("$0.0250"), "{}", run.stdout);
    let error = run.failure(7);
    assert!(error.contains("`acme/missing`, `fal-ai/flux/dev/redus`"), "{error}");
    assert!(error.contains(&format!("did you mean `{REDUX}`?")), "{error}");
    let run = project.run(&["price", "fal-ai/flux/dev/redus", "--json"]).await;
    assert!(run.stdout.contains(r#""unknown": ["#), "{}", run.stdout);
    assert!(run.failure(7).contains(r#""exit_code":7"#));
}

#[tokio::test]
async fn ids_are_checked_before_a_request_and_suggested_in_any_case() {
    let project = Project::with(priced()).await;
    for id in ["", "flux", "a/b?c", "https://fal.ai/models/fal-ai/flux/dev/redux/playground"] {
        let error = project.run(&["price", REDUX, id]).await.failure(2);
        assert!(error.contains("invalid endpoint id") && error.contains("\nhelp: "), "{error}");
    }
    let error = project.run(&["price", "FAL-AI/FLUX/DEV/REDUX"]).await.failure(7);
    assert!(error.contains(&format!("did you mean `{REDUX}`?")), "{error}");
}

#[tokio::test]
async fn units_of_fal_do_not_control_the_terminal() {
    let project = Project::with(priced()).await;
    let prices = json!({ "prices": [
        { "endpoint_id": REDUX, "unit_price": 1, "unit": "\u{1b}[2Jimages\n\u{202e}", "currency": "\u{1b}]0;x\u{7}" },
    ]});
    project.emulator.inject_fault(Operation::Pricing, Fault::respond(200).json(&prices));
    let text = project.run(&["price", REDUX, "--color", "always"]).await.success();
    assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
}

#[tokio::test]
async fn wrong_numbers_are_refused() {
    let project = Project::new().await;
    for arguments in [
        &["price"][..],
        &["price", REDUX, "--calls", "0"],
        &["price", REDUX, "--calls", "-1"],
        &["price", REDUX, "--units", "0"],
        &["price", REDUX, "--units", "-2"],
        &["price", REDUX, "--units", "many"],
        &["price", REDUX, "--units", "1", "--calls", "1"],
    ] {
        let error = project.run(arguments).await.failure(2);
        assert!(error.starts_with("error: ") && !error.contains("unexpected"), "{error}");
    }
}
