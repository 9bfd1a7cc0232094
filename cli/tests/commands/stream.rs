//! `cargo fal run --stream`

use fal_emulator::{Emulator, Fault, Operation, Pace};
use serde_json::{Value, json};

use crate::run::{IMAGE, REDUX};
use crate::support::Project;

const ROUTER: &str = "openrouter/router";
const INPUT: [&str; 2] = ["prompt=hi", "model=openai/gpt-4o"];

#[tokio::test]
async fn text_of_a_language_model_is_printed_as_it_grows() {
    let project = Project::new().await;
    let events = ["A lamp", "A lamp turns", "A lamp turns\nall night"];
    project.emulator.script_stream(ROUTER, events.map(|text| json!({ "output": text, "partial": true }))).unwrap();
    let text = project.run(&["run", ROUTER, INPUT[0], INPUT[1], "--stream"]).await.success();
    assert_eq!(text, "A lamp turns\nall night\n");
    // Another form: each event has the next part.
    project.emulator.script_stream(ROUTER, ["one", " two", " three"].map(|text| json!({ "output": text }))).unwrap();
    let text = project.run(&["run", ROUTER, INPUT[0], INPUT[1], "--stream"]).await.success();
    assert_eq!(text, "one two three\n");
    let lines = project.run(&["run", ROUTER, INPUT[0], INPUT[1], "--stream", "--json"]).await.success();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[1]["output"]), (3, &json!(" two")));
    assert_eq!(project.emulator.accepted_jobs(), 3);
    assert_eq!(project.run(&["history"]).await.success(), "");
}

#[tokio::test]
async fn other_outputs_are_json_lines() {
    let project = Project::new().await;
    let lines = project.run(&["run", REDUX, IMAGE, "--stream"]).await.success();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.last().is_some_and(|last| last["images"][0]["url"].is_string()), "{lines:?}");
}

#[tokio::test]
async fn failures_end_the_stream() {
    let project = Project::new().await;
    let events = [json!({ "output": "A lamp", "partial": true }), json!({ "error": "\u{1b}[2Jno model" })];
    project.emulator.script_stream(ROUTER, events).unwrap();
    let run = project.run(&["run", ROUTER, INPUT[0], INPUT[1], "--stream"]).await;
    assert_eq!(run.stdout, "A lamp\n");
    let stderr = run.failure(1);
    assert!(stderr.contains("\\u{1b}[2Jno model"), "{stderr}");
    project.emulator.inject_fault(Operation::Stream, Fault::drop_response_after(1));
    let run = project.run(&["run", ROUTER, INPUT[0], INPUT[1], "--stream"]).await;
    assert_eq!(run.stdout, "A lamp\n");
    assert!(run.code != Some(0), "{run:?}");
}

#[tokio::test]
async fn interrupt_stops_the_stream() {
    let project = Project::with(Emulator::builder().pace(Pace::instant())).await;
    project
        .emulator
        .script_stream(ROUTER, [json!({ "output": "A lamp" }), json!({ "output": "A lamp turns" })])
        .unwrap();
    project.emulator.inject_fault(Operation::Stream, Fault::stall_response_after(1));
    let mut process = project.spawn(&["run", ROUTER, INPUT[0], INPUT[1], "--stream"]);
    // The first part is written before the stream ends.
    process.stdout_until("A lamp").await;
    process.signal("INT");
    let run = process.end().await;
    assert_eq!(run.stdout, "\n");
    assert!(run.failure(130).contains("a stream cannot be continued"));
}

#[tokio::test]
async fn stream_is_not_charged_to_a_budget() {
    let project = Project::new().await;
    project.write("fal.toml", "budget = 5\n");
    let stderr = project.run(&["run", ROUTER, INPUT[0], INPUT[1], "--stream"]).await.failure(6);
    assert!(stderr.contains("leave out --stream"), "{stderr}");
    assert_eq!(project.emulator.accepted_jobs(), 0);
}
