//! fal's backup hosts. If no connection to `fal.run` or `queue.fal.run` is established, and only then, the same request
//! goes to `falrun.com` or `queue.falrun.com`. The clients resolve these names to the loopback interface.

use fal_client::ErrorKind;
use serde_json::json;

use crate::support::authority::Authority;
use crate::support::recorder::Recorder;
use crate::support::server::{KEY, Reply, Server};
use crate::support::unreachable::Unreachable;

#[tokio::test]
async fn requests_that_cannot_reach_fal_reach_the_backup_unchanged() {
    let unreachable = Unreachable::bind();
    let authority = Authority::new();
    let backup = Server::start_tls(authority.acceptor.clone(), |_, seen| match seen.method.as_str() {
        "POST" => Reply::json(200, r#"{"request_id":"R1"}"#),
        _ if seen.target.contains("/stream") => Reply::events(&[r#"{"status":"COMPLETED"}"#]),
        _ => Reply::json(200, r#"{"status":"COMPLETED"}"#),
    })
    .await;
    let endpoint = authority.client(unreachable.address(), backup.address()).endpoint("fal-ai/flux/dev");
    endpoint.run(json!({ "prompt": "a" })).await.expect("a response");
    endpoint.submit(json!({ "prompt": "a" })).webhook("https://x.y/z?a=b").await.expect("a job");
    endpoint.result("R1").await.expect("a result");
    endpoint.cancel("R1").await.expect("an outcome");
    endpoint.status("R1").await.expect("a status");
    endpoint.wait("R1").await.expect("a result");
    assert_eq!(
        backup.lines(),
        [
            "POST /fal-ai/flux/dev",
            "POST /fal-ai/flux/dev?fal_webhook=https%3A%2F%2Fx.y%2Fz%3Fa%3Db",
            "GET /fal-ai/flux/requests/R1",
            "PUT /fal-ai/flux/requests/R1/cancel",
            "GET /fal-ai/flux/requests/R1/status?logs=0",
            "GET /fal-ai/flux/requests/R1/status/stream?logs=0",
            "GET /fal-ai/flux/requests/R1",
        ]
    );
    let seen = backup.seen();
    let hosts: Vec<_> = seen.iter().filter_map(|seen| seen.header("host")).collect();
    assert_eq!(hosts[0], "falrun.com");
    assert!(hosts[1..].iter().all(|host| *host == "queue.falrun.com"), "{hosts:?}");
    for seen in &seen {
        assert_eq!(seen.header("authorization"), Some(&*format!("Key {KEY}")));
    }
    assert_eq!(seen[0].json(), json!({ "prompt": "a" }));
}

#[tokio::test]
async fn without_any_connection_the_error_is_the_first_hosts() {
    let unreachable = Unreachable::bind();
    let authority = Authority::new();
    let client = authority.client(unreachable.address(), unreachable.address());
    let recorder = Recorder::start();
    let error = client.endpoint("a/b").run(json!({})).await.expect_err("unreachable");
    let emitted = recorder.stop();
    for line in ["trying its backup host", "host = \"falrun.com\"", "path = \"/a/b\""] {
        assert!(emitted.contains(line), "missing {line} in:\n{emitted}");
    }
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(error.is_connect());
    let hosts: Vec<&str> = error.attempts().iter().map(|attempt| attempt.host.as_str()).collect();
    assert_eq!(hosts, ["fal.run", "falrun.com", "fal.run", "falrun.com"]);
}

#[tokio::test]
async fn failures_of_the_backup_are_final() {
    let unreachable = Unreachable::bind();
    let authority = Authority::new();
    // The backup may have received the request, so neither host gets it again.
    for reply in [Reply::json(500, "{}"), Reply::json(503, "nginx"), Reply::dropped(), Reply::json(200, "{").torn()] {
        let scripted = reply.clone();
        let backup = Server::start_tls(authority.acceptor.clone(), move |_, _| scripted.clone()).await;
        let endpoint = authority.client(unreachable.address(), backup.address()).endpoint("a/b");
        let errors = [endpoint.run(json!({})).await.map(drop), endpoint.submit(json!({})).await.map(drop)];
        for error in errors {
            let error = error.expect_err("a failure");
            let hosts: Vec<&str> = error.attempts().iter().map(|attempt| attempt.host.as_str()).collect();
            assert!(
                matches!(hosts[..], ["fal.run", "falrun.com"] | ["queue.fal.run", "queue.falrun.com"]),
                "{hosts:?}"
            );
            assert_ne!(error.kind(), ErrorKind::Connect);
        }
        assert_eq!(backup.seen().len(), 2, "{reply:?}");
    }
}

#[tokio::test]
async fn the_backup_is_unused_once_a_connection_is_established() {
    let authority = Authority::new();
    for reply in [Reply::json(200, "{}"), Reply::json(500, "{}"), Reply::json(503, "nginx"), Reply::dropped()] {
        let fal = Server::start_tls(authority.acceptor.clone(), move |_, _| reply.clone()).await;
        let backup = Server::start_tls(authority.acceptor.clone(), |_, _| Reply::json(200, "{}")).await;
        let client = authority.client(fal.address(), backup.address());
        drop(client.endpoint("a/b").run(json!({})).await);
        assert_eq!((fal.seen().len(), backup.seen().len()), (1, 0));
    }
}

#[tokio::test]
async fn an_untrusted_certificate_is_a_connect_error_that_is_not_retryable() {
    let unreachable = Unreachable::bind();
    let (fal, ours) = (Authority::new(), Authority::new());
    let server = Server::start_tls(fal.acceptor.clone(), |_, _| Reply::json(200, "{}")).await;
    let client = ours.client(server.address(), unreachable.address());
    let error = client.endpoint("a/b").run(json!({})).await.expect_err("not trusted");
    assert_eq!((error.kind(), server.seen().len()), (ErrorKind::Connect, 0));
    assert!(!error.is_retryable() && !error.may_have_been_accepted(), "{error:?}");
    assert_eq!(error.attempts().len(), 2, "{error:?}");
}
