//! Child processes that run the example `job`: jobs that outlive their process, proxies, keys from the environment.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use fal_emulator::{Emulator, Operation, Pace};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;

/// Returns a command that runs the example `job`.
fn job_example() -> Command {
    let test = std::env::current_exe().expect("the path of this test");
    let examples: PathBuf = test.ancestors().nth(2).expect("the folder of the profile").join("examples");
    let job = examples.join(format!("job{}", std::env::consts::EXE_SUFFIX));
    // `cargo test` builds examples. `cargo test --test processes` does not.
    assert!(job.is_file(), "missing {}: run `cargo build --example job`", job.display());
    let mut command = Command::new(job);
    for name in [
        "FAL_KEY",
        "FAL_KEY_ID",
        "FAL_KEY_SECRET",
        "FAL_ALLOW_HTTP",
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
    ] {
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
    first.kill().await.expect("a killed process");

    let job: serde_json::Value = serde_json::from_str(&saved).expect("JSON");
    assert!(emulator.complete(job["request_id"].as_str().expect("an id")));
    let second = with_hosts(job_example()).args(["resume", &saved]).output().await.expect("a process");
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stderr));
    let printed = String::from_utf8(second.stdout).expect("UTF-8");
    assert!(printed.starts_with(emulator.base_url()), "{printed}");
    let submitted = emulator.requests().iter().filter(|request| request.operation() == Operation::Submit).count();
    assert_eq!(submitted, 1);
}

/// Starts a proxy that responds in place of fal. Returns its address and the request lines that it receives.
async fn start_proxy() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let lines = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&lines);
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let log = Arc::clone(&log);
            let respond = service_fn(move |request: Request<_>| {
                let line = format!("{} {}", request.method(), request.uri());
                let (content_type, body) = match line.as_str() {
                    line if line.starts_with("POST") => ("application/json", r#"{"request_id":"R1"}"#),
                    line if line.contains("/stream") => ("text/event-stream", "data: {\"status\":\"COMPLETED\"}\n\n"),
                    _ => ("application/json", r#"{"images":[{"url":"https://example.com/b.png"}]}"#),
                };
                log.lock().expect("not poisoned").push(line);
                let response =
                    Response::builder().header("content-type", content_type).body(Full::<Bytes>::new(body.into()));
                std::future::ready(Ok::<_, Infallible>(response.expect("a response")))
            });
            let connection = TokioIo::new(connection);
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(connection, respond));
        }
    });
    (address, lines)
}

#[tokio::test]
async fn requests_go_through_the_proxy_of_the_environment() {
    let (proxy, lines) = start_proxy().await;
    let output = job_example()
        .env("HTTP_PROXY", format!("http://{proxy}"))
        .env("FAL_ALLOW_HTTP", "1")
        .env("FAL_RUN_HOST", "http://fal.invalid")
        .env("FAL_QUEUE_RUN_HOST", "http://queue.fal.invalid")
        .args(["submit", "https://example.com/a.png"])
        .output()
        .await
        .expect("a process");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("https://example.com/b.png\n"));
    let lines = lines.lock().expect("not poisoned");
    assert_eq!(lines[0], "POST http://queue.fal.invalid/fal-ai/flux/dev/redux");
    assert_eq!(lines[1], "GET http://queue.fal.invalid/fal-ai/flux/requests/R1/status/stream?logs=0");
}

#[tokio::test]
async fn local_hosts_bypass_the_proxy() {
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
async fn a_missing_key_error_says_how_to_set_one() {
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

#[cfg(unix)]
#[tokio::test]
async fn a_variable_that_is_not_utf_8_is_named() {
    use std::os::unix::ffi::OsStrExt;

    let invalid = std::ffi::OsStr::from_bytes(b"http://127.0.0.1:1/\xff");
    for name in [
        "FAL_RUN_HOST",
        "FAL_QUEUE_RUN_HOST",
        "FAL_REST_HOST",
        "FAL_API_HOST",
        "FAL_CDN_V3_HOST",
        "FAL_WS_RUN_HOST",
        "FAL_SITE_HOST",
        "FAL_ALLOW_HTTP",
        "FAL_KEY",
        "HTTP_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "no_proxy",
    ] {
        let output = job_example().env(name, invalid).args(["submit", "https://example.com/a.png"]).output().await;
        let output = output.expect("a process");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(name) && error.contains("UTF-8"), "{name}: {error}");
    }
}
