//! `is_retryable` never invites a second bill, and `may_have_been_accepted` says when a request may be billed.

use std::sync::Arc;
use std::time::Duration;

use fal_client::{Cancellation, Client, Error, ErrorKind, RetryPolicy};
use fal_emulator::{Emulator, Fault, Operation, Pace};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::emulator::{counted, start};
use crate::support::queue::{COMPLETED, server, submitted};
use crate::support::server::{KEY, Reply, Server};
use crate::support::time::{LIMIT, passing, requests};
use crate::support::unreachable::Unreachable;

const ENDPOINT: &str = "fal-ai/flux/dev/redux";

fn input() -> serde_json::Value {
    json!({ "image_url": "https://example.com/a.png" })
}

fn predicates(error: &Error) -> (bool, bool) {
    (error.is_retryable(), error.may_have_been_accepted())
}

const FREE_TO_RETRY: (bool, bool) = (true, false);
const MAY_BE_BILLED: (bool, bool) = (false, true);
const FINAL: (bool, bool) = (false, false);

#[tokio::test]
async fn only_fals_own_word_about_a_request_is_its_outcome() {
    let outcomes = [("model's error", Fault::outcome(422)), ("failure", Fault::outcome(500))];
    let others = [
        ("key", Fault::respond(401)),
        ("unknown request", Fault::respond(404)),
        ("page", Fault::nginx(502)),
        ("lost connection", Fault::drop_connection()),
        ("rate limit", Fault::respond(429)),
    ];
    for (name, fault) in outcomes {
        let emulator = Emulator::builder().pace(Pace::instant()).start().await.expect("an emulator");
        let endpoint = emulator.client().endpoint(ENDPOINT);
        emulator.inject_fault(Operation::Submit, fault.clone());
        assert!(endpoint.subscribe(input()).await.expect_err(name).is_outcome(), "{name}");
        emulator.inject_fault(Operation::Submit, fault);
        let job = endpoint.submit(input()).await.expect("a job");
        assert!(endpoint.wait(&job).await.expect_err(name).is_outcome(), "{name}");
        assert!(endpoint.result(&job).await.expect_err(name).is_outcome(), "{name}");
    }
    for (name, fault) in others {
        let emulator = Emulator::builder().pace(Pace::instant()).start().await.expect("an emulator");
        let client = emulator.client_builder().retry(RetryPolicy::none()).build().expect("a client");
        let endpoint = client.endpoint(ENDPOINT);
        let job = endpoint.submit(input()).await.expect("a job");
        for operation in [Operation::StatusStream, Operation::Status, Operation::Result] {
            emulator.inject_fault(operation, fault.clone().repeat());
        }
        assert!(!endpoint.wait(&job).await.expect_err(name).is_outcome(), "{name}");
        assert!(!endpoint.result(&job).await.expect_err(name).is_outcome(), "{name}");
        emulator.inject_fault(Operation::Submit, fault);
        assert!(!endpoint.submit(input()).await.expect_err(name).is_outcome(), "{name}");
    }
}

#[tokio::test]
async fn a_lost_run_or_submission_may_be_billed() {
    for (name, fault) in [
        ("closed after it took effect", Fault::drop_connection().after_effect()),
        ("closed before it took effect", Fault::drop_connection()),
        ("closed within the head", Fault::drop_response_in_head()),
        ("closed within the response", Fault::drop_response_after(3)),
        ("502 from a gateway", Fault::nginx(502).after_effect()),
        ("504 without a reason", Fault::respond(504).after_effect()),
        ("500 without a reason", Fault::respond(500)),
        ("524", Fault::respond(524)),
        ("408", Fault::respond(408)),
        ("not JSON", Fault::respond(200).html("<p>hello")),
    ] {
        let emulator = Emulator::start().await.expect("an emulator");
        let endpoint = emulator.client().endpoint(ENDPOINT);
        emulator.inject_fault(Operation::Submit, fault.clone());
        let error = endpoint.submit(input()).await.expect_err("a fault");
        assert_eq!(predicates(&error), MAY_BE_BILLED, "submission, {name}: {error}");
        emulator.inject_fault(Operation::Submit, fault.clone());
        let error = endpoint.subscribe(input()).await.expect_err("a fault");
        assert_eq!(predicates(&error), MAY_BE_BILLED, "subscription, {name}: {error}");
        emulator.inject_fault(Operation::Run, fault);
        let error = endpoint.run(input()).await.expect_err("a fault");
        assert_eq!(predicates(&error), MAY_BE_BILLED, "run, {name}: {error}");
    }
}

#[tokio::test]
async fn fals_own_word_about_a_failure_is_followed() {
    let id = |reply: Reply| reply.header("x-fal-request-id", "R1");
    for (reply, expected) in [
        (id(Reply::json(504, "{}")).header("x-fal-needs-retry", "1"), FREE_TO_RETRY),
        (id(Reply::json(503, r#"{"error_type":"runner_disconnected"}"#)), FREE_TO_RETRY),
        (id(Reply::json(500, r#"{"error_type":"runner_server_error"}"#)), FINAL),
        (id(Reply::json(504, "{}")).header("x-fal-request-timeout-type", "user"), FINAL),
        (id(Reply::json(504, "{}")), MAY_BE_BILLED),
        (id(Reply::json(422, r#"{"detail":"no"}"#)), FINAL),
        (Reply::json(401, "{}"), FINAL),
        (Reply::json(404, "{}"), FINAL),
        (Reply::json(307, "{}").header("location", "https://x.y/"), FINAL),
        (Reply::json(429, "{}"), FREE_TO_RETRY),
    ] {
        let script = reply.clone();
        let server = Server::start(move |_, _| script.clone()).await;
        for error in [
            server.client().endpoint("a/b").run(json!({})).await.expect_err("an error"),
            server.client().endpoint("a/b").submit(json!({})).await.expect_err("an error"),
        ] {
            assert_eq!(predicates(&error), expected, "{reply:?}: {error}");
        }
    }
}

#[tokio::test]
async fn an_accepted_submission_without_an_id_may_be_billed() {
    for body in ["", "{}", "null", r#"{"request_id":null}"#] {
        let server = Server::start(move |_, _| Reply::json(200, body)).await;
        let error = server.client().endpoint("a/b").submit(json!({})).await.expect_err("no id");
        assert_eq!((error.kind(), predicates(&error)), (ErrorKind::UnexpectedResponse, MAY_BE_BILLED), "{body}");
    }
}

#[tokio::test]
async fn a_request_that_was_not_sent_is_not_billed() {
    let unreachable = Unreachable::bind();
    let host = format!("http://{}", unreachable.address());
    let builder = Client::builder().key(KEY).run_host(&host).queue_host(&host);
    let client = builder.retry(RetryPolicy::none()).build().expect("a client");
    let error = client.endpoint("a/b").run(json!({})).await.expect_err("unreachable");
    assert_eq!((error.kind(), predicates(&error)), (ErrorKind::Connect, FREE_TO_RETRY));

    // The time limit passes while the client waits for its key, or between two attempts.
    let server = Server::start(|_, _| Reply::json(429, "{}").header("retry-after", "60")).await;
    let never = server.builder().key_provider(std::future::pending::<Result<String, std::io::Error>>);
    let moment = Duration::from_secs(30);
    for (builder, expected) in [(never, 0), (server.builder(), 1)] {
        let endpoint = builder.build().expect("a client").endpoint("a/b");
        let seen = server.seen().len();
        let call = endpoint.run(json!({})).timeout(moment);
        let error = passing(moment, requests(&server, seen + expected), call).await.expect_err("timed out");
        assert_eq!((error.kind(), predicates(&error)), (ErrorKind::Timeout, FREE_TO_RETRY), "{error}");
        assert_eq!(server.seen().len() - seen, expected);
        let call = endpoint.submit(json!({})).timeout(moment);
        let error = passing(moment, requests(&server, seen + 2 * expected), call).await.expect_err("timed out");
        assert_eq!((error.kind(), predicates(&error)), (ErrorKind::Timeout, FREE_TO_RETRY), "{error}");
    }
}

#[tokio::test]
async fn a_time_limit_that_passes_after_sending_leaves_a_possible_bill() {
    let server = Server::start(|_, _| Reply::never()).await;
    let endpoint = server.client().endpoint("a/b");
    let (run, submit) = (endpoint.run(json!({})).timeout(LIMIT), endpoint.submit(json!({})).timeout(LIMIT));
    let subscribe = endpoint.subscribe(json!({})).timeout(LIMIT);
    for error in [
        passing(LIMIT, requests(&server, 1), run).await.map(drop).expect_err("timed out"),
        passing(LIMIT, requests(&server, 2), submit).await.map(drop).expect_err("timed out"),
        passing(LIMIT, requests(&server, 3), subscribe).await.map(drop).expect_err("timed out"),
    ] {
        assert_eq!((error.kind(), predicates(&error)), (ErrorKind::Timeout, MAY_BE_BILLED), "{error}");
    }
    let response_timeout = server.builder().response_timeout(LIMIT).build().expect("a client");
    let call = response_timeout.endpoint("a/b").submit(json!({}));
    let error = passing(LIMIT, requests(&server, 4), call).await.expect_err("timed out");
    assert_eq!((error.kind(), predicates(&error)), (ErrorKind::Timeout, MAY_BE_BILLED), "{error}");
}

#[tokio::test]
async fn a_subscription_that_fails_after_its_submission_must_not_be_repeated() {
    let emulator = start(Pace::manual()).await;
    let endpoint = emulator.client().endpoint(ENDPOINT);
    let call = endpoint.subscribe(input()).timeout(LIMIT).cancel_on_timeout(false);
    let error = passing(LIMIT, counted(&emulator, Operation::StatusStream, 1), call).await.expect_err("timed out");
    assert_eq!(predicates(&error), MAY_BE_BILLED, "{error}");
    assert_eq!(error.request_id(), Some(emulator.jobs()[0].request_id()));
    // A request that was removed from the queue is not billed.
    let call = endpoint.subscribe(input()).timeout(LIMIT);
    let error = passing(LIMIT, counted(&emulator, Operation::StatusStream, 2), call).await.expect_err("timed out");
    assert_eq!((error.cancellation(), predicates(&error)), (Some(&Cancellation::Removed), FREE_TO_RETRY), "{error}");

    let lost = [submitted(), ("stream", vec![Reply::events(&[COMPLETED])]), ("result", vec![Reply::dropped()])];
    let server = server(&lost).await;
    let policy = RetryPolicy::none().first_delay(Duration::from_millis(1));
    let endpoint = server.builder().retry(policy).build().expect("a client").endpoint("a/b");
    let error = endpoint.subscribe(json!({})).await.expect_err("lost");
    assert_eq!((error.request_id(), predicates(&error)), (Some("R1"), MAY_BE_BILLED), "{error}");
    // Waiting for the request again is free.
    let error = endpoint.wait("R1").await.expect_err("lost");
    assert_eq!((error.request_id(), predicates(&error)), (Some("R1"), FREE_TO_RETRY), "{error}");
    let error = endpoint.result("R1").await.expect_err("lost");
    assert_eq!((error.request_id(), predicates(&error)), (Some("R1"), FREE_TO_RETRY), "{error}");
}

/// The status of a request never says that it is free.
#[tokio::test]
async fn a_refused_poll_does_not_end_the_bill() {
    let id = |reply: Reply| reply.header("x-fal-request-id", "R1");
    for poll in [
        id(Reply::json(502, "")),
        id(Reply::json(503, "{}")).header("x-fal-needs-retry", "1"),
        Reply::json(400, r#"{"detail":"no"}"#),
        Reply::json(402, r#"{"detail":"no money"}"#),
        Reply::json(409, "{}"),
        Reply::json(499, "{}"),
    ] {
        let script = [submitted(), ("stream", vec![Reply::json(404, "{}")]), ("status", vec![poll.clone()])];
        let server = server(&script).await;
        let policy = RetryPolicy::none().patience(Duration::ZERO);
        let endpoint = server.builder().retry(policy).build().expect("a client").endpoint("a/b");
        let error = endpoint.subscribe(json!({})).await.expect_err("refused");
        assert_eq!((error.request_id(), predicates(&error)), (Some("R1"), MAY_BE_BILLED), "{poll:?}: {error}");
    }
    // The result does.
    let failed = id(Reply::json(422, r#"{"detail":"no faces"}"#));
    let script = [submitted(), ("stream", vec![Reply::events(&[COMPLETED])]), ("result", vec![failed])];
    let error = server(&script).await.client().endpoint("a/b").subscribe(json!({})).await.expect_err("failed");
    assert_eq!(predicates(&error), FINAL, "{error}");
}

#[tokio::test]
async fn a_result_that_is_not_ready_is_retryable_and_a_failed_one_is_not() {
    let emulator = start(Pace::manual()).await;
    let endpoint = emulator.client().endpoint(ENDPOINT);
    let job = endpoint.submit(input()).await.expect("a job");
    let error = endpoint.result(&job).await.expect_err("not ready");
    assert_eq!(predicates(&error), FREE_TO_RETRY, "{error}");
    assert_eq!(error.attempts().len(), 1, "a result that is not ready is not retried in quick succession");

    let id = |reply: Reply| reply.header("x-fal-request-id", "R1");
    for (reply, retryable) in [
        (Reply::json(400, r#"{"status":"IN_QUEUE"}"#), true),
        (Reply::json(400, r#"{"detail":"Request is still IN PROGRESS."}"#), true),
        (Reply::json(503, "nginx"), true),
        (id(Reply::json(500, r#"{"detail":"the model failed"}"#)), false),
        (id(Reply::json(503, r#"{"detail":"the model failed"}"#)), false),
        (Reply::json(400, r#"{"detail":"bad request"}"#), false),
        (Reply::json(404, r#"{"status":"NOT_FOUND"}"#), false),
    ] {
        let script = reply.clone();
        let server = Server::start(move |_, _| script.clone()).await;
        let error = server.client().endpoint("a/b").result("R1").await.expect_err("an error");
        assert_eq!(predicates(&error), (retryable, false), "{reply:?}: {error}");
    }
}

/// Starts a proxy that responds to every request for a connection with `reply`.
async fn proxy(reply: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(reply).await;
        }
    });
    format!("http://{address}")
}

/// Builds a client of fal that uses a proxy.
fn through(proxy: &str) -> Client {
    // No connection gets as far as TLS.
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let proxy = reqwest::Proxy::https(proxy).expect("a proxy");
    let http = reqwest::Client::builder().tls_backend_preconfigured(tls).proxy(proxy).build().expect("an HTTP client");
    let retry = RetryPolicy::default().first_delay(Duration::from_millis(1));
    Client::builder().key(KEY).http_client(http).retry(retry).build().expect("a client")
}

#[tokio::test]
async fn a_proxy_that_refuses_is_not_retryable() {
    for reply in [
        &b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"[..],
        b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n",
    ] {
        let endpoint = through(&proxy(reply).await).endpoint("a/b");
        for error in [
            endpoint.run(json!({})).await.map(drop).expect_err("refused"),
            endpoint.status("R1").await.map(drop).expect_err("refused"),
        ] {
            assert_eq!((error.kind(), predicates(&error)), (ErrorKind::Connect, FINAL), "{error:?}");
            assert!(error.attempts().len() <= 2, "only the backup host is tried: {error:?}");
        }
    }
    // A proxy that breaks the connection may recover.
    let error = through(&proxy(b"").await).endpoint("a/b").run(json!({})).await.expect_err("broken");
    assert_eq!((error.kind(), predicates(&error)), (ErrorKind::Connect, FREE_TO_RETRY), "{error:?}");
}
