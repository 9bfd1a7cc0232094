//! Whole processes: a job that outlives the one that submitted it, and the proxy that the environment names. The example
//! `job` is the process, the emulator is fal.

use std::path::PathBuf;
use std::process::Stdio;

use fal_emulator::{Emulator, Operation, Pace};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

mod support;

use support::{Reply, Server};

/// The example `job`, which cargo builds beside the tests.
fn job_example() -> Command {
    let test = std::env::current_exe().expect("this test's file");
    let examples: PathBuf = test.ancestors().nth(2).expect("the folder of the profile").join("examples");
    let job = examples.join(format!("job{}", std::env::consts::EXE_SUFFIX));
    // `cargo test` builds it; `cargo test --test processes` does not.
    assert!(job.is_file(), "{} is missing: run `cargo build --example job`", job.display());
    let mut command = Command::new(job);
    for name in
        ["FAL_KEY", "FAL_KEY_ID", "FAL_KEY_SECRET", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "NO_PROXY", "no_proxy"]
    {
        command.env_remove(name);
    }
    command
        .env("FAL_KEY", "id:secret")
        .kill_on_drop(true)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[tokio::test]
async fn a_job_outlives_the_process_that_submitted_it() {
    let emulator = Emulator::builder().pace(Pace::manual()).start().await.expect("an emulator");
    let with_hosts = |mut command: Command| {
        for (name, host) in
            [("FAL_RUN_HOST", "fal.run"), ("FAL_QUEUE_RUN_HOST", "queue.fal.run"), ("FAL_REST_HOST", "rest.fal.ai")]
        {
            command.env(name, format!("{}/{host}", emulator.base_url()));
        }
        command
    };
    let mut first = with_hosts(job_example());
    let mut first = first.args(["submit", "https://example.com/a.png"]).spawn().expect("a process");
    let mut lines = BufReader::new(first.stdout.take().expect("its output")).lines();
    let saved = lines.next_line().await.expect("a line").expect("a job");
    first.kill().await.expect("a dead process");

    let job: serde_json::Value = serde_json::from_str(&saved).expect("JSON");
    assert!(emulator.complete(job["request_id"].as_str().expect("an id")));
    let second = with_hosts(job_example()).args(["resume", &saved]).output().await.expect("a process");
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stderr));
    let printed = String::from_utf8(second.stdout).expect("text");
    assert!(printed.starts_with(emulator.base_url()), "{printed}");
    let submitted = emulator.requests().iter().filter(|request| request.operation() == Operation::Submit).count();
    assert_eq!(submitted, 1);
}

#[tokio::test]
async fn the_proxy_of_the_environment_is_used() {
    let proxy = Server::start(|_, seen| match seen.method.as_str() {
        "POST" => Reply::json(200, r#"{"request_id":"R1"}"#),
        _ if seen.target.contains("/status/stream") => Reply::events(&[r#"{"status":"COMPLETED"}"#]),
        _ => Reply::json(200, r#"{"images":[{"url":"https://example.com/b.png"}]}"#),
    })
    .await;
    let output = job_example()
        .env("HTTP_PROXY", proxy.base())
        .env("FAL_RUN_HOST", "http://fal.invalid")
        .env("FAL_QUEUE_RUN_HOST", "http://queue.fal.invalid")
        .args(["submit", "https://example.com/a.png"])
        .output()
        .await
        .expect("a process");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("https://example.com/b.png\n"));
    let lines = proxy.lines();
    assert_eq!(lines[0], "POST http://queue.fal.invalid/fal-ai/flux/dev/redux");
    assert_eq!(lines[1], "GET http://queue.fal.invalid/fal-ai/flux/requests/R1/status/stream?logs=0");
}

#[tokio::test]
async fn the_proxy_is_for_the_world_outside() {
    let emulator = Emulator::builder().pace(Pace::instant()).start().await.expect("an emulator");
    let base = emulator.base_url();
    let output = job_example()
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env("FAL_RUN_HOST", format!("{base}/fal.run"))
        .env("FAL_QUEUE_RUN_HOST", format!("{base}/queue.fal.run"))
        .env("FAL_REST_HOST", format!("{base}/rest.fal.ai"))
        .args(["submit", "https://example.com/a.png"])
        .output()
        .await
        .expect("a process");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn without_a_key_a_process_says_what_to_do() {
    let output = job_example()
        .env("FAL_KEY", "")
        .args(["submit", "https://example.com/a.png"])
        .output()
        .await
        .expect("a process");
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("FAL_KEY") && error.contains("Client::builder().key"), "{error}");
}
