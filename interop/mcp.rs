//! Tests of `cargo fal mcp` with the Python SDK of the Model Context Protocol, which `.ci/interop` installs and then runs.
//!
//! A script in `interop/mcp/` is the client, and checks the results. The tests check the requests that the emulator received.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use fal_emulator::{Decimal, Emulator, EmulatorBuilder, Operation, Pace, Price};
use serde_json::json;
use tokio::process::Command;

use crate::peer::repository;

/// Runs a script in a project with many documents, against an emulator.
async fn run(script: &str, emulator: EmulatorBuilder) -> Emulator {
    let emulator = emulator.price("fal-ai/flux/dev/redux", Price::usd(Decimal::new(25, 3), "image"));
    let emulator = emulator.start().await.unwrap();
    let project = tempfile::tempdir().unwrap();
    let root = repository();
    fs::write(project.path().join("Cargo.toml"), "[package]\nname = \"app\"\n").unwrap();
    fs::write(project.path().join("room.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    fs::create_dir(project.path().join("schemas")).unwrap();
    fs::copy(root.join("schemas/fal-ai/flux/dev/redux.json"), project.path().join("schemas/redux.json")).unwrap();
    for number in 1..108 {
        let document = json!({ "endpointId": format!("me/app/{number}"), "input": { "type": "object" }, "output": {} });
        fs::write(project.path().join(format!("schemas/{number}.json")), document.to_string()).unwrap();
    }
    let python = root.join("target/interop/mcp/bin/python");
    let output = Command::new(&python)
        .arg(root.join("interop/mcp").join(script).with_extension("py"))
        .arg(env!("CARGO_BIN_EXE_cargo-fal"))
        .current_dir(project.path())
        .env_clear()
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("HOME", project.path())
        .envs(emulator.environment())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap_or_else(|error| panic!("cannot run {}: {error}; run `.ci/interop`", python.display()));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{script}: {}\n{}{}", output.status, text(&output.stdout), text(&output.stderr));
    emulator
}

fn count(emulator: &Emulator, operation: Operation) -> usize {
    emulator.requests().iter().filter(|request| request.operation() == operation).count()
}

/// Slow enough that a client sees a job in the queue and in progress, and that it becomes a task.
fn visible() -> EmulatorBuilder {
    let pace = Pace::default().waiting(Duration::from_millis(600)).running(Duration::from_millis(900));
    Emulator::builder().pace(pace)
}

#[tokio::test]
async fn sdk_lists_tools_calls_them_and_gets_images() {
    let emulator = run("calls", visible()).await;
    assert_eq!(count(&emulator, Operation::Submit), 3, "one call by each generation of the protocol");
}

#[tokio::test]
async fn sdk_lets_the_user_confirm() {
    let emulator = run("confirm", Emulator::builder().pace(Pace::instant())).await;
    assert_eq!(count(&emulator, Operation::Submit), 3 * 5);
}

#[tokio::test]
async fn sdk_cancels() {
    let emulator = run("cancel", Emulator::builder().pace(Pace::manual())).await;
    assert_eq!((count(&emulator, Operation::Submit), count(&emulator, Operation::Cancel)), (3, 3));
}

#[tokio::test]
async fn sdk_polls_tasks() {
    let emulator = run("tasks", visible()).await;
    assert_eq!(count(&emulator, Operation::Submit), 1);
}
