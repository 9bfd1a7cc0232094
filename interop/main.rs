//! Tests of the emulator with fal's own clients, which `.ci/interop` installs and then runs.
//!
//! A script in `javascript/` or `python/` makes the calls and checks the values that come back. The requests that the emulator
//! received are compared with `requests/SCRIPT.txt`. `BLESS=1 .ci/interop` rewrites these files.

mod peer;
mod requests;

use std::time::Duration;

use fal_emulator::{Emulator, Fault, Operation, Pace};

use peer::Peer::{self, JavaScript, Python};

async fn emulator(pace: Pace) -> Emulator {
    Emulator::builder().key("id:secret").pace(pace).start().await.expect("an emulator")
}

/// Runs a script against an emulator, and compares the requests of the peer.
async fn check(peer: Peer, script: &str, emulator: Emulator) {
    peer.run(script, emulator.base_url()).await;
    assert_eq!(emulator.pending_faults(), 0);
    requests::compare(&emulator, &peer.path("requests", script, "txt"));
}

/// Slow enough that each client sees a job in the queue and in progress.
fn visible() -> Pace {
    Pace::default().waiting(Duration::from_secs(1)).running(Duration::from_secs(1))
}

#[tokio::test]
async fn javascript_client_runs_submits_and_subscribes() {
    check(JavaScript, "calls", emulator(visible()).await).await;
}

#[tokio::test]
async fn javascript_client_cancels() {
    check(JavaScript, "cancel", emulator(Pace::manual()).await).await;
}

#[tokio::test]
async fn javascript_client_uploads() {
    check(JavaScript, "uploads", emulator(Pace::instant()).await).await;
}

#[tokio::test]
async fn javascript_client_retries() {
    check(JavaScript, "retries", unreliable().await).await;
}

#[tokio::test]
async fn python_client_runs_submits_and_subscribes() {
    check(Python, "calls", emulator(visible()).await).await;
}

#[tokio::test]
async fn python_client_cancels() {
    check(Python, "cancel", emulator(Pace::manual()).await).await;
}

#[tokio::test]
async fn python_client_uploads() {
    check(Python, "uploads", emulator(Pace::instant()).await).await;
}

#[tokio::test]
async fn python_client_retries() {
    check(Python, "retries", unreliable().await).await;
}

/// Each operation of the queue fails twice, with errors that both clients take for temporary.
async fn unreliable() -> Emulator {
    let emulator = emulator(Pace::instant()).await;
    for operation in [Operation::Submit, Operation::Status, Operation::Result] {
        emulator.inject_fault(operation, Fault::nginx(503));
        emulator.inject_fault(operation, Fault::respond(429));
    }
    emulator
}
