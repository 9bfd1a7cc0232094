//! Reservations by the outcome of the call. A call is expected to cost 0.1 dollars.

use fal_client::RetryPolicy;
use fal_client::money::Budget;
use fal_emulator::{Fault, Operation};
use futures_util::StreamExt;
use serde_json::json;

use crate::server::{Reply, Server};
use crate::support::{ENDPOINT, assert_amounts, budget, client, emulator, input, price, with_units};
use crate::unreachable::Unreachable;

#[tokio::test]
async fn billed_units_become_the_exact_cost() {
    let emulator = emulator().await;
    for (units, spent) in [("1", "0.1"), ("0", "0"), ("3.14159265", "0.314159265"), ("0.00001230", "0.00000123")] {
        let budget = budget("1");
        let endpoint = client(&emulator, &budget).endpoint(ENDPOINT);
        emulator.inject_fault(Operation::Run, with_units(units));
        endpoint.run(input()).await.expect("an output");
        assert_amounts(&budget, spent, "0");

        let budget = self::budget("1");
        let endpoint = client(&emulator, &budget).endpoint(ENDPOINT);
        emulator.inject_fault(Operation::Result, with_units(units));
        endpoint.subscribe(input()).await.expect("an output");
        assert_amounts(&budget, spent, "0");

        let budget = self::budget("1");
        let endpoint = client(&emulator, &budget).endpoint(ENDPOINT);
        emulator.inject_fault(Operation::Stream, with_units(units));
        let events: Vec<_> = endpoint.stream(input()).collect().await;
        assert!(events.iter().all(Result::is_ok), "{events:?}");
        assert_amounts(&budget, spent, "0");
    }
}

fn scripted(server: &Server) -> (fal_client::Client, Budget) {
    let budget = Budget::usd(1).prices([price("a/b")]).expect_units("a/b", 1);
    let client = server.builder().retry(RetryPolicy::none()).budget(budget.clone()).build().expect("a client");
    (client, budget)
}

fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
    headers.iter().fold(Reply::json(status, body), |reply, (name, value)| reply.header(name, value))
}

const ID: (&str, &str) = ("x-fal-request-id", "R1");

fn units(units: &str) -> (&str, &str) {
    ("x-fal-billable-units", units)
}

#[tokio::test]
async fn responses_to_runs_decide_about_the_reservation() {
    for (status, headers, body, spent) in [
        (200, &[ID, units("2")][..], "{}", "0.2"),
        (200, &[ID], "{}", "0.1"),
        (200, &[ID, units("many")], "{}", "0.1"),
        (200, &[ID, units("1"), units("3")], "{}", "0.3"),
        (200, &[ID, units("1e27")], "{}", "100000000000000000000000000"),
        (200, &[ID], "<html>", "0.1"),
        (200, &[ID, units("2")], "not JSON", "0.2"),
        (400, &[], r#"{"detail":"no"}"#, "0"),
        (401, &[], r#"{"detail":"no"}"#, "0"),
        (402, &[], r#"{"detail":"no"}"#, "0"),
        (403, &[], r#"{"detail":"User is locked. Reason: Exhausted balance."}"#, "0"),
        (404, &[units("0")], r#"{"detail":"Path /b not found"}"#, "0"),
        (422, &[units("0")], r#"{"detail":[]}"#, "0"),
        (422, &[units("2.5")], r#"{"detail":[]}"#, "0.25"),
        (422, &[ID], r#"{"detail":[]}"#, "0.1"),
        (429, &[], "{}", "0"),
        (429, &[ID], "{}", "0.1"),
        (429, &[ID, units("3")], "{}", "0.3"),
        (499, &[ID], r#"{"detail":"cancelled"}"#, "0.1"),
        (500, &[ID], r#"{"detail":"x","error_type":"internal_error"}"#, "0"),
        (502, &[], "<html>", "0.1"),
        (503, &[ID, ("x-fal-needs-retry", "1")], "{}", "0"),
        (504, &[ID, ("x-fal-request-timeout-type", "user")], "{}", "0"),
    ] {
        let script = reply(status, headers, body);
        let server = Server::start(move |_, _| script.clone()).await;
        let (client, budget) = scripted(&server);
        let _ = client.endpoint("a/b").run(json!({})).await;
        assert_amounts(&budget, spent, "0");
        let (client, budget) = scripted(&server);
        let _ = client.endpoint("a/b").stream(json!({})).next().await;
        assert_amounts(&budget, spent, "0");
    }
}

#[tokio::test]
async fn rejected_submissions_release_the_reservation() {
    for (status, headers, body, spent, reserved) in [
        (200, &[][..], r#"{"request_id":"R1"}"#, "0", "0.1"),
        (200, &[], "{}", "0.1", "0"),
        (200, &[ID], "<html>", "0", "0.1"),
        (400, &[], "{}", "0", "0"),
        (403, &[], "{}", "0", "0"),
        (422, &[], "{}", "0", "0"),
        (429, &[], "{}", "0", "0"),
        (429, &[ID], "{}", "0", "0.1"),
        (502, &[], "<html>", "0.1", "0"),
        (503, &[("x-fal-error-type", "runner_scheduling_failure")], "{}", "0", "0"),
    ] {
        let script = reply(status, headers, body);
        let server = Server::start(move |_, _| script.clone()).await;
        let (client, budget) = scripted(&server);
        let _ = client.endpoint("a/b").submit(json!({})).await;
        assert_amounts(&budget, spent, reserved);
    }
}

#[tokio::test]
async fn lost_connections_are_spent_and_refused_ones_released() {
    let server = Server::start(|_, _| Reply::json(200, "{}").torn()).await;
    let (client, budget) = scripted(&server);
    client.endpoint("a/b").run(json!({})).await.expect_err("torn");
    assert_amounts(&budget, "0.1", "0");

    let unreachable = Unreachable::bind();
    let host = format!("http://{}/fal.run", unreachable.address());
    let builder = server.builder().retry(RetryPolicy::none()).run_host(&host).queue_host(&host);
    let budget = Budget::usd(1).prices([price("a/b")]).expect_units("a/b", 1);
    let client = builder.budget(budget.clone()).build().expect("a client");
    let error = client.endpoint("a/b").run(json!({})).await.expect_err("no connection");
    assert!(error.is_connect(), "{error}");
    client.endpoint("a/b").submit(json!({})).await.expect_err("no connection");
    assert_amounts(&budget, "0", "0");
}

#[tokio::test]
async fn failures_of_queued_requests_decide_about_the_reservation() {
    for (fault, spent) in [
        (Fault::outcome(422).header("x-fal-billable-units", "0"), "0"),
        (Fault::outcome(422).header("x-fal-billable-units", "2"), "0.2"),
        (Fault::outcome(422), "0.1"),
        (Fault::outcome(500), "0"),
    ] {
        let emulator = emulator().await;
        let budget = budget("1");
        emulator.inject_fault(Operation::Submit, fault);
        client(&emulator, &budget).endpoint(ENDPOINT).subscribe(input()).await.expect_err("a failure");
        assert_amounts(&budget, spent, "0");
    }
}

#[cfg(feature = "realtime")]
#[tokio::test]
async fn runs_over_a_connection_are_counted() {
    let emulator = emulator().await;
    let budget = budget("0.35");
    let mut connection = client(&emulator, &budget).endpoint(ENDPOINT).run_connection().await.expect("a connection");
    for (fault, spent) in [
        (with_units("1.5"), "0.15"),
        (Fault::outcome(422).header("x-fal-billable-units", "0"), "0.15"),
        (Fault::outcome(422), "0.25"),
    ] {
        emulator.inject_fault(Operation::WebSocketRun, fault);
        let _ = connection.run(input()).await;
        assert_amounts(&budget, spent, "0");
    }
    emulator.inject_fault(Operation::WebSocketRun, Fault::drop_connection());
    connection.run(input()).await.expect_err("lost");
    assert_amounts(&budget, "0.35", "0");
    let mut connection = client(&emulator, &budget).endpoint(ENDPOINT).run_connection().await.expect("a connection");
    assert!(connection.run(input()).await.is_err_and(|error| error.is_budget_exceeded()));
}
