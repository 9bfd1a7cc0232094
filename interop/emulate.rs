//! Tests of `cargo fal emulate -- COMMAND`, with commands that know nothing of the emulator.

use std::ffi::OsStr;
use std::path::Path;

use serde_json::{Value, json};

use crate::peer::Peer::{JavaScript, Python};
use crate::peer::{command, finish, repository};

/// Runs a command under `cargo fal emulate`, with the schemas of this folder. Returns what it prints.
pub(crate) async fn emulate(arguments: &[&str], words: &[&OsStr], folder: &Path) -> String {
    let mut command = command(env!("CARGO_BIN_EXE_cargo-fal"));
    command.args(["fal", "emulate", "--schemas"]).arg(repository().join("interop/schemas")).args(arguments);
    command.arg("--").args(words).current_dir(folder);
    finish(command).await
}

/// The tests of fal's Python client that call fal. The others, in `tests/unit/`, send nothing.
#[tokio::test]
async fn python_client_passes_its_own_tests() {
    let summary = tempfile::NamedTempFile::new().unwrap();
    let arguments = ["--quiet", "--summary", summary.path().to_str().unwrap()];
    let python = Python.program();
    let tests =
        ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_sync_client.py", "tests/test_async_client.py"];
    let words: Vec<&OsStr> = [python.as_os_str()].into_iter().chain(tests.map(OsStr::new)).collect();
    let output = emulate(&arguments, &words, &repository().join("target/interop/python/suite")).await;
    // Without a key, they would be skipped.
    let outcome = output.lines().last().unwrap_or_default();
    assert!(outcome.starts_with("53 passed in "), "{output}");
    let summary: Value = serde_json::from_slice(&std::fs::read(summary.path()).unwrap()).unwrap();
    let endpoints = summary["endpoints"].as_array().unwrap().iter();
    let completed: Vec<_> = endpoints.map(|one| json!([one["endpoint"], one["completed"], one["failed"]])).collect();
    let expected = [
        json!(["fal-ai/any-llm", 2, 0]),
        json!(["fal-ai/fast-sdxl", 6, 0]),
        json!(["fal-ai/fast-sdxl/image-to-image", 3, 0]),
    ];
    assert_eq!(completed, expected);
    assert_eq!(summary["failed_requests"], 0, "{summary}");
}

#[tokio::test]
async fn other_packages_for_javascript_call_fal() {
    let (node, script) = (JavaScript.program(), JavaScript.script("others"));
    emulate(&["--quiet"], &[node.as_os_str(), script.as_os_str()], repository()).await;
}
