//! Tests with emulators that are scripted: their pace, faults and proxies are of the test.
//!
//! A script in `javascript/` or `python/` makes the calls and checks the values that come back. The requests that the emulator
//! received are compared with `requests/SCRIPT.txt`. `BLESS=1 .ci/interop` rewrites these files.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use fal_client::proxy::{Caller, Proxy};
use fal_emulator::{Emulator, Fault, Operation, Pace};
use tokio::net::TcpListener;

use crate::peer::Peer::{self, JavaScript, Python};
use crate::requests;

async fn emulator(pace: Pace) -> Emulator {
    Emulator::builder().key("id:secret").pace(pace).start().await.expect("an emulator")
}

/// Runs a script against an emulator, and compares the requests of the peer.
async fn check(peer: Peer, script: &str, emulator: Emulator) {
    peer.run(script, &[], &emulator).await;
    assert_eq!(emulator.pending_faults(), 0);
    requests::compare(&emulator, &peer.path(&format!("requests/{script}"), "txt"));
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
async fn javascript_client_streams() {
    check(JavaScript, "streams", emulator(Pace::instant()).await).await;
}

#[tokio::test]
async fn javascript_client_parses_unusual_streams() {
    check(JavaScript, "unusual_streams", unusual_streams().await).await;
}

#[tokio::test]
async fn javascript_client_connects() {
    check(JavaScript, "realtime", emulator(Pace::instant()).await).await;
}

#[tokio::test]
async fn javascript_client_retries() {
    check(JavaScript, "retries", unreliable().await).await;
}

#[tokio::test]
async fn javascript_client_calls_through_the_proxy() {
    let emulator = emulator(Pace::instant()).await;
    let authenticate = async |caller: Caller| match caller.headers().get("authorization") {
        Some(session) if session == "Bearer session" => Ok(()),
        _ => Err(StatusCode::UNAUTHORIZED),
    };
    let proxy = Proxy::builder(emulator.client())
        .endpoints(["fal-ai/flux/dev/redux", "openrouter/router"])
        .uploads(true)
        .tokens(Duration::from_secs(120))
        .authenticate(authenticate)
        .build()
        .expect("a proxy");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/api/fal/proxy", listener.local_addr().expect("an address"));
    let app = Router::new().route_service("/api/fal/proxy", proxy);
    let server = tokio::spawn(async { axum::serve(listener, app).await });
    JavaScript.run("proxy", &[&url], &emulator).await;
    server.abort();
    requests::compare(&emulator, &JavaScript.path("requests/proxy", "txt"));
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
async fn python_client_streams() {
    check(Python, "streams", emulator(Pace::instant()).await).await;
}

#[tokio::test]
async fn python_client_parses_unusual_streams() {
    check(Python, "unusual_streams", unusual_streams().await).await;
}

#[tokio::test]
async fn python_client_connects() {
    check(Python, "realtime", emulator(Pace::instant()).await).await;
}

#[tokio::test]
async fn python_client_retries() {
    check(Python, "retries", unreliable().await).await;
}

/// Each stream is of another form. The scripts have the outcomes of both clients, which differ.
async fn unusual_streams() -> Emulator {
    let emulator = emulator(Pace::instant()).await;
    let streams = [
        "data: {\"a\":\ndata: 1}\n\n",
        "data: {\"a\":1}\r\n\r\n",
        ": comment\n\nid: 1\nevent: done\nretry: 5\ndata: {\"a\":1}\n\n",
        "data: 0\n\ndata: false\n\ndata: {\"z\":1}\n\n",
        "data: {\"a\":1}\n\ndata: {\"a\":2}",
        "event: error\ndata: {\"e\":1}\n\n",
        "data: {\"a\":1}\n\ndata: [DONE\n\n",
        "\u{feff}data: {\"a\":1}\n\n",
    ];
    for events in streams {
        emulator.inject_fault(Operation::Stream, Fault::respond(200).events([events]));
    }
    emulator.inject_fault(Operation::Stream, Fault::respond(500).events(["data: {\"x\":1}\n\n"]));
    emulator
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
