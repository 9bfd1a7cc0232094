//! Tests of the emulator with fal's own clients, which `.ci/interop` installs and then runs.
//!
//! A script in `javascript/` or `python/` makes the calls and checks the values that come back. The requests that the emulator
//! received are compared with `requests/SCRIPT.txt`. `BLESS=1 .ci/interop` rewrites these files.

mod peer;
mod requests;

use std::time::Duration;

use fal_emulator::{Emulator, Pace};

use peer::Peer::{self, JavaScript, Python};

/// Runs a script against an emulator, and compares the requests of the peer.
async fn check(peer: Peer, script: &str, pace: Pace) {
    let emulator = Emulator::builder().key("id:secret").pace(pace).start().await.expect("an emulator");
    peer.run(script, emulator.base_url()).await;
    requests::compare(&emulator, &peer.path("requests", script, "txt"));
}

/// Slow enough that each client sees a job in the queue and in progress.
fn visible() -> Pace {
    Pace::default().waiting(Duration::from_secs(1)).running(Duration::from_secs(1))
}

#[tokio::test]
async fn javascript_client_runs_submits_and_subscribes() {
    check(JavaScript, "calls", visible()).await;
}

#[tokio::test]
async fn javascript_client_cancels() {
    check(JavaScript, "cancel", Pace::manual()).await;
}

#[tokio::test]
async fn javascript_client_uploads() {
    check(JavaScript, "uploads", Pace::instant()).await;
}

#[tokio::test]
async fn python_client_runs_submits_and_subscribes() {
    check(Python, "calls", visible()).await;
}

#[tokio::test]
async fn python_client_cancels() {
    check(Python, "cancel", Pace::manual()).await;
}

#[tokio::test]
async fn python_client_uploads() {
    check(Python, "uploads", Pace::instant()).await;
}
