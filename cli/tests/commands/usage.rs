use fal_emulator::{Decimal, Emulator, Fault, Operation, Pace, Price};
use serde_json::{Value, json};

use crate::support::{Project, assert_golden};

/// Responds to the next request for usage with these rows.
fn respond(project: &Project, rows: Vec<Value>) {
    let body = json!({ "summary": rows, "next_cursor": null, "has_more": false });
    project.emulator.inject_fault(Operation::Usage, Fault::respond(200).json(&body));
}

fn row(endpoint: &str, quantity: impl Into<Value>, unit: &str, cost: impl Into<Value>) -> Value {
    json!({
        "endpoint_id": endpoint, "unit": unit, "quantity": quantity.into(), "unit_price": 0.025,
        "cost_total": cost.into(), "currency": "USD",
    })
}

fn rows() -> Vec<Value> {
    vec![
        row("fal-ai/flux/dev", 1200, "megapixels", 30),
        row("fal-ai/kling-video/v2/master/image-to-video", 45, "seconds", 12.6),
        row("fal-ai/flux/dev", 10, "images", 0.25),
        row("fal-ai/any-llm", 7, "requests", 0.007),
    ]
}

#[tokio::test]
async fn usage_is_printed_with_totals_and_shares() {
    let project = Project::new().await;
    for width in [60, 80, 140] {
        respond(&project, rows());
        let arguments = ["usage", "--since", "2026-11-01", "--until", "2026-12-01"];
        let text = project.run_in(width, &arguments).await.success();
        assert_golden(&format!("usage-{width}.txt"), &text);
    }
}

#[tokio::test]
async fn usage_of_jobs_is_grouped() {
    let price = Price::usd(Decimal::new(25, 3), "images");
    let project = Project::with(Emulator::builder().pace(Pace::instant()).default_price(price)).await;
    let client = project.emulator.client();
    for _ in 0..3 {
        let input = json!({ "image_url": "https://example.com/fox.png" });
        client.endpoint("fal-ai/flux/dev/redux").subscribe(input).await.unwrap();
    }
    for (by, name) in [("endpoint", "fal-ai/flux/dev/redux"), ("key", "Key 1"), ("day", "20")] {
        let report = project.run(&["usage", "--since", "24h", "--by", by, "--json"]).await.json();
        let rows = report["rows"].as_array().unwrap();
        assert!(rows.len() == 1 || by == "day", "{report}");
        assert!(rows[0]["name"].as_str().unwrap().starts_with(name), "{report}");
        assert_eq!(report["totals"], json!([{ "amount": "0.075", "currency": "USD" }]), "{report}");
        assert!(report["records"][0]["cost_total"].is_string(), "{report}");
        project.run(&["usage", "--since", "24h", "--by", by]).await.success();
    }
    let other = project.run(&["usage", "--endpoint", "fal-ai/flux/dev", "--json"]).await.json();
    assert_eq!(other["totals"], json!([]), "{other}");
}

#[tokio::test]
async fn no_usage_is_not_an_error() {
    let project = Project::new().await;
    let text = project.run(&["usage", "--since", "2026-11-01"]).await.success();
    assert_eq!(text, "no usage from 2026-11-01 until now\n");
    let report = project.run(&["usage", "--json"]).await.json();
    assert_eq!((&report["rows"], &report["totals"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn many_rows_are_added_up_in_the_table_and_complete_in_json() {
    let project = Project::new().await;
    let many = || (0..10_000).map(|index| row(&format!("app/model-{index:05}"), 1, "images", 0.01)).collect();
    respond(&project, many());
    let text = project.run_in(80, &["usage", "--limit", "5"]).await.success();
    assert!(text.lines().count() < 15 && text.contains("9995 others") && text.contains("$100.0000"), "{text}");
    respond(&project, many());
    let report = project.run(&["usage", "--json"]).await.json();
    assert_eq!(report["rows"].as_array().unwrap().len(), 10_000);
    assert_eq!(report["totals"][0]["amount"], "100.00");
}

#[tokio::test]
async fn odd_rows_are_shown() {
    let project = Project::new().await;
    respond(
        &project,
        vec![
            row("\u{1b}[31mapp/x", 1, "\u{7}", 0),
            row("app/refund", -2, "images", -1.5),
            json!({ "endpoint_id": "app/bare" }),
            json!({ "endpoint_id": "app/euro", "cost_total": "2", "currency": "eur", "quantity": "1", "unit": "minutes" }),
            json!({ "endpoint_id": "app/huge", "cost_total": "70000000000000000000000000000", "quantity": 1e20 }),
        ],
    );
    let text = project.run_in(100, &["usage"]).await.success();
    assert!(!text.contains(['\u{1b}', '\u{7}']) && text.contains("2.0000 EUR") && text.contains("-$1.5000"), "{text}");
    respond(&project, vec![row("a/b", 1, "x", "70000000000000000000000000000"); 2]);
    let error = project.run(&["usage"]).await.failure(1);
    assert!(error.contains("out of range"), "{error}");
}

#[tokio::test]
async fn usage_needs_the_permission_of_an_administrator() {
    let project = Project::with(Emulator::builder().without_admin_scope()).await;
    let error = project.run(&["usage"]).await.failure(4);
    assert!(error.contains("help: ") && error.contains("ADMIN") && error.contains("https://fal.ai/dashboard/keys"));
}

#[tokio::test]
async fn invalid_times_are_refused() {
    let project = Project::new().await;
    for (arguments, words) in [
        (&["--since", "soon"][..], "expected an age"),
        (&["--since", "2026-13-01"], "expected an age"),
        (&["--since", ""], "expected an age"),
        (&["--since", "2026-12-01", "--until", "2026-11-01"], "`--since` is not before `--until`"),
        (&["--by", "month"], "possible values"),
        (&["--limit", "0"], "0"),
    ] {
        let error = project.run(&[&["usage"], arguments].concat()).await.failure(2);
        assert!(error.contains(words), "{error}");
    }
}
