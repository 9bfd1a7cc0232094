use std::fs;

use fal_emulator::{Decimal, Emulator, EmulatorBuilder, Fault, Operation, Pace, Price};
use serde_json::{Value, json};

use crate::run::Paced;
use crate::support::{Project, Run, assert_golden};

const REDUX: &str = "fal-ai/flux/dev/redux";
const OUT: &str = "fal-output/rows-fal-ai-flux-dev-redux";

fn priced() -> EmulatorBuilder {
    let price = Price::usd(Decimal::new(25, 3), "images").per_call(Decimal::new(25, 3));
    Emulator::builder().pace(Pace::instant()).price(REDUX, price).billable_units(REDUX, Decimal::ONE)
}

/// Returns JSONL of rows with keys and seeds.
fn rows(count: u64) -> String {
    let row =
        |seed| json!({ "key": format!("photo-{seed}"), "image_url": "https://example.com/fox.png", "seed": seed });
    (1..=count).map(|seed| format!("{}\n", row(seed))).collect()
}

fn lines(project: &Project, path: &str) -> Vec<Value> {
    let text = fs::read_to_string(project.path(path)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn results(project: &Project) -> Vec<Value> {
    let mut lines = lines(project, &format!("{OUT}/results.jsonl"));
    lines.sort_by_key(|line| line["row"].as_u64());
    lines
}

fn files(project: &Project, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(project.path(folder)).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn rows_have_results_and_files() {
    let project = Project::with(priced()).await;
    project.write("rows.jsonl", rows(3));
    for width in [60, 80, 140] {
        let summary = project.run_in(width, &["batch", REDUX, "rows.jsonl", "--max-cost", "1"]).await.success();
        assert_golden(&format!("batch-summary-{width}.txt"), &summary);
    }
    assert_eq!(project.emulator.billed().jobs(), 3);
    let results = results(&project);
    assert_eq!(results.len(), 3);
    for (index, line) in results.iter().enumerate() {
        assert_eq!(line["row"], index + 1);
        assert_eq!(line["key"], format!("photo-{}", index + 1));
        assert_eq!(
            (&line["state"], &line["cost"], &line["error"]),
            (&json!("completed"), &json!("0.025"), &json!(null))
        );
        assert_eq!(line["input"]["seed"], index + 1);
        assert!(line["output"]["images"][0]["url"].is_string());
        let file = line["files"][0]["file"].as_str().unwrap();
        assert!(file.starts_with(&format!("000{}-photo-{}-", index + 1, index + 1)), "{file}");
        let bytes = fs::read(project.path(OUT).join(file)).unwrap();
        assert_eq!(line["files"][0]["size"], bytes.len());
    }
    assert_eq!(files(&project, OUT).len(), 4);
}

#[tokio::test]
async fn csv_has_the_types_of_the_fields() {
    let project = Project::with(priced()).await;
    project.write(
        "in/rows.csv",
        "\u{feff}key,image_url,seed,image_size.width,image_size.height,enable_safety_checker\r\n\
         fox,https://example.com/fox.png,7,512,256,TRUE\r\n\
         owl,@owl.png,,,,\r\n",
    );
    project.write("in/owl.png", b"\x89PNG\r\n\x1a\n");
    project.run(&["batch", REDUX, "in/rows.csv", "num_images=2", "--concurrency", "1"]).await.success();
    let jobs = project.emulator.jobs();
    let input = jobs[0].request().input().clone();
    assert_eq!(input["seed"], 7);
    assert_eq!(input["image_size"], json!({ "width": 512, "height": 256 }));
    assert_eq!((&input["enable_safety_checker"], &input["num_images"]), (&json!(true), &json!(2)));
    let input = jobs[1].request().input().clone();
    assert!(input["image_url"].as_str().unwrap().ends_with(".png"), "{input}");
    assert_eq!(input.get("seed"), None);
    assert_eq!(project.emulator.files().len(), 1);
}

#[tokio::test]
async fn fields_of_a_row_take_precedence_over_shared_ones() {
    let project = Project::with(priced()).await;
    project.write("rows.jsonl", "{\"seed\":1}\n{}\n");
    let url = "image_url=https://example.com/fox.png";
    project.run(&["batch", REDUX, "rows.jsonl", url, "seed=5", "--concurrency", "1"]).await.success();
    let seeds: Vec<Value> = project.emulator.jobs().iter().map(|job| job.request().input()["seed"].clone()).collect();
    assert_eq!(seeds, [1, 5]);
}

#[tokio::test]
async fn dry_run_checks_and_estimates_without_sending() {
    let project = Project::with(priced()).await;
    project.write("rows.jsonl", rows(3));
    project.run(&["batch", REDUX, "rows.jsonl"]).await.success();
    project.write("rows.jsonl", rows(12));
    for width in [60, 80, 140] {
        let run = project.run_in(width, &["batch", REDUX, "rows.jsonl", "--dry-run", "--max-cost", "0.1"]).await;
        assert_golden(&format!("batch-dry-run-{width}.txt"), &format!("{}{}", run.stdout, run.stderr));
        run.success();
    }
    let report = project.run(&["batch", REDUX, "rows.jsonl", "--dry-run", "--json"]).await.json();
    assert_eq!((&report["rows"], &report["completed"], &report["new"]), (&json!(12), &json!(3), &json!(9)));
    assert_eq!(report["estimated_cost"], "0.225");
    assert_eq!(project.emulator.accepted_jobs(), 3);
}

#[tokio::test]
async fn dry_run_works_without_a_key() {
    let project = Project::with(priced()).await;
    project.write("rows.jsonl", rows(2));
    let mut command = project.command(&["batch", REDUX, "rows.jsonl", "--dry-run"]);
    command.env_remove("FAL_KEY");
    let text = Run::of(command).await.success();
    assert!(text.contains("2 valid") && text.contains("unknown"), "{text}");
}

#[tokio::test]
async fn all_invalid_rows_are_reported_and_nothing_is_sent() {
    let project = Project::with(priced()).await;
    let mut text = rows(2);
    text += "{\"key\":\"photo-1\",\"image_url\":\"https://example.com/a.png\"}\n[1]\n{\"seed\n";
    text += &"{\"image_url\":\"https://example.com/a.png\",\"seed\":\"many\"}\n".repeat(30);
    project.write("rows.jsonl", text);
    for arguments in [&["batch", REDUX, "rows.jsonl"][..], &["batch", REDUX, "rows.jsonl", "--dry-run"]] {
        let error = project.run(arguments).await.failure(3);
        assert_golden("batch-invalid.txt", &error);
    }
    assert_eq!(project.emulator.accepted_jobs(), 0);
    assert!(!project.path("fal-output").exists());
}

#[tokio::test]
async fn files_without_rows_and_missing_files_are_errors() {
    let project = Project::with(priced()).await;
    for text in ["", "\n \n", "\u{feff}"] {
        project.write("rows.jsonl", text);
        assert!(project.run(&["batch", REDUX, "rows.jsonl"]).await.failure(3).contains("has no rows"));
    }
    project.write("rows.csv", "key,image_url\n");
    assert!(project.run(&["batch", REDUX, "rows.csv"]).await.failure(3).contains("has no rows"));
    assert!(project.run(&["batch", REDUX, "missing.csv"]).await.failure(1).contains("missing.csv"));
    project.run(&["batch", REDUX, "."]).await.failure(2);
    project.run(&["batch", "me/missing", "rows.csv"]).await.failure(7);
}

#[tokio::test]
async fn keys_do_not_leave_the_folder() {
    let project = Project::with(priced()).await;
    let keys = ["../../x", "/etc/passwd", "a/b", "..", "C:\\x", "\u{1b}[31mred", ".hidden", "-rf"];
    let row = |key: &&str| format!("{}\n", json!({ "key": key, "image_url": "https://example.com/fox.png" }));
    project.write("rows.jsonl", keys.iter().map(row).collect::<String>());
    let run = project.run(&["batch", REDUX, "rows.jsonl", "--out", "out"]).await;
    assert!(!run.stderr.contains('\u{1b}') && !run.stdout.contains('\u{1b}'));
    run.success();
    let names = files(&project, "out");
    assert_eq!(names.len(), keys.len() + 1, "{names:?}");
    for name in names {
        assert!(name == "results.jsonl" || name.starts_with("000"), "{name}");
    }
}

#[tokio::test]
async fn failed_rows_can_be_run_again_as_they_are() {
    let project = Project::with(priced()).await;
    project.write("in/rows.jsonl", "{\"key\":\"fox\",\"image_url\":\"@fox.png\"}\n");
    project.write("in/fox.png", b"\x89PNG\r\n\x1a\n");
    project.emulator.inject_fault(Operation::Submit, Fault::respond(422));
    let run = project.run(&["batch", REDUX, "in/rows.jsonl", "--out", "out"]).await;
    assert!(run.stderr.contains("row 1 (`fox`)"), "{}", run.stderr);
    assert_eq!((run.code, project.emulator.accepted_jobs()), (Some(1), 0));
    let failed = lines(&project, "out/failed.jsonl");
    assert_eq!(failed[0]["key"], "fox");
    project.run(&["batch", REDUX, "out/failed.jsonl", "--out", "out"]).await.success();
    assert_eq!(project.emulator.accepted_jobs(), 1);
    assert!(!project.path("out/failed.jsonl").exists());
}

#[tokio::test]
async fn running_a_batch_twice_bills_each_row_once() {
    let project = Project::with(priced()).await;
    // Equal rows without a key are jobs of their own.
    let row = "{\"image_url\":\"https://example.com/fox.png\"}\n";
    project.write("rows.jsonl", rows(2) + row + row);
    project.run(&["batch", REDUX, "rows.jsonl", "--resume"]).await.failure(7);
    for _ in 0..2 {
        project.run(&["batch", REDUX, "rows.jsonl"]).await.success();
        assert_eq!(project.emulator.billed().jobs(), 4);
    }
    project.run(&["batch", REDUX, "rows.jsonl", "--resume"]).await.success();
    assert_eq!(project.emulator.billed().jobs(), 4);
    // Another label is another batch.
    project.run(&["batch", REDUX, "rows.jsonl", "--label", "second"]).await.success();
    assert_eq!(project.emulator.billed().jobs(), 8);
}

#[tokio::test]
async fn killed_batch_bills_each_row_once() {
    let paced = Paced::with(priced()).await;
    let project = &paced.project;
    project.write("rows.jsonl", rows(6));
    let process = project.spawn(&["batch", REDUX, "rows.jsonl", "--concurrency", "3"]);
    paced.until(Operation::StatusStream, 3).await;
    process.signal("KILL");
    process.end().await;
    // The jobs of the process that has died are free when its lease has expired.
    paced.completed(project.run(&["batch", REDUX, "rows.jsonl"])).await.success();
    assert_eq!((project.emulator.accepted_jobs(), project.emulator.billed().jobs()), (6, 6));
    assert_eq!(results(project).len(), 6);
}

#[tokio::test]
async fn first_interrupt_finishes_the_running_rows() {
    let paced = Paced::with(priced()).await;
    let project = &paced.project;
    project.write("rows.jsonl", rows(6));
    let mut process = project.spawn(&["batch", REDUX, "rows.jsonl", "--concurrency", "2"]);
    paced.until(Operation::StatusStream, 2).await;
    process.signal("INT");
    process.stderr_until("no more rows are started").await;
    let stderr = paced.completed(process.end()).await.failure(130);
    assert!(stderr.contains("interrupted; 4 rows are left"), "{stderr}");
    assert_eq!((results(project).len(), project.emulator.accepted_jobs()), (2, 2));
}

#[tokio::test]
async fn interrupted_run_keeps_the_results_of_earlier_ones() {
    let project = Project::with(priced()).await;
    project.write("rows.jsonl", rows(3));
    project.run(&["batch", REDUX, "rows.jsonl"]).await.success();
    project.run(&["batch", REDUX, "rows.jsonl", "--limit", "1"]).await.success();
    assert_eq!(results(&project).len(), 3);
}

#[tokio::test]
async fn exhausted_budget_stops_the_batch_across_runs() {
    let project = Project::with(priced()).await;
    project.write("rows.jsonl", rows(10));
    for _ in 0..2 {
        let error = project.run(&["batch", REDUX, "rows.jsonl", "--max-cost", "0.06"]).await.failure(6);
        assert!(error.contains("$0.0250") && error.contains("$0.0600") && error.contains("$0.0500"), "{error}");
        assert_eq!(project.emulator.billed().jobs(), 2);
    }
    // The limit of the project applies as well.
    project.write("fal.toml", "budget = 0.1\n");
    let error = project.run(&["batch", REDUX, "rows.jsonl", "--max-cost", "1"]).await.failure(6);
    assert!(error.contains("raise `budget` in fal.toml"), "{error}");
    assert_eq!(project.emulator.billed().jobs(), 6);
    project.write("fal.toml", "budget = 1\n");
    project.run(&["batch", REDUX, "rows.jsonl", "--max-cost", "1"]).await.success();
    assert_eq!(project.emulator.billed().jobs(), 10);
}

#[tokio::test]
async fn stdin_is_a_batch_of_its_content() {
    let project = Project::with(priced()).await;
    project.write("rows.jsonl", rows(2));
    for _ in 0..2 {
        let mut command = project.command(&["batch", REDUX, "-"]);
        command.stdin(fs::File::open(project.path("rows.jsonl")).unwrap());
        Run::of(command).await.success();
        assert_eq!(project.emulator.accepted_jobs(), 2);
    }
}

#[tokio::test]
async fn lines_of_progress_are_few() {
    let project = Project::with(priced()).await;
    project.write("rows.jsonl", rows(100));
    let run = project.run(&["batch", REDUX, "rows.jsonl"]).await;
    assert!(run.stderr.lines().count() <= 10, "{}", run.stderr);
    run.success();
    let run = project.run(&["batch", REDUX, "rows.jsonl", "--json"]).await;
    assert_eq!(run.json()["completed"], 100);
}
