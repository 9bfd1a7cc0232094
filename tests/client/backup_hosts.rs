//! fal's backup hosts: where no connection to `fal.run` or `queue.fal.run` comes about, the same request goes to
//! `falrun.com` or `queue.falrun.com`, and in no other case. The names are led to this machine.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fal_client::{Client, ErrorKind, RetryPolicy};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use serde_json::json;
use tokio_rustls::TlsAcceptor;

use crate::support::recorder::Recorder;
use crate::support::server::{KEY, Reply, Server};

const HOSTS: [&str; 4] = ["fal.run", "queue.fal.run", "falrun.com", "queue.falrun.com"];

/// A certificate for all of fal's hosts, and what trusts it.
struct Authority {
    acceptor: TlsAcceptor,
    trust: ClientConfig,
}

impl Authority {
    fn new() -> Self {
        let names = HOSTS.map(str::to_owned).to_vec();
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).expect("a certificate");
        let certificate: CertificateDer<'static> = cert.der().clone();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .expect("a server");
        let mut roots = RootCertStore::empty();
        roots.add(certificate).expect("a root");
        let trust = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Authority { acceptor: TlsAcceptor::from(Arc::new(server)), trust }
    }

    /// A client for which fal's hosts, and their backups, are at these addresses.
    fn client(&self, fal: SocketAddr, backup: SocketAddr) -> Client {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(self.trust.clone())
            .no_proxy()
            .resolve("fal.run", fal)
            .resolve("queue.fal.run", fal)
            .resolve("falrun.com", backup)
            .resolve("queue.falrun.com", backup)
            .build()
            .expect("an HTTP client");
        let retry = RetryPolicy::default().first_delay(Duration::from_millis(1)).max_attempts(2);
        Client::builder().key(KEY).http_client(http).retry(retry).build().expect("a client")
    }
}

/// An address at which nobody listens.
fn nobody() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address")
}

#[tokio::test]
async fn what_cannot_reach_fal_reaches_its_backup_unchanged() {
    let authority = Authority::new();
    let backup = Server::start_tls(authority.acceptor.clone(), |_, seen| match seen.method.as_str() {
        "POST" => Reply::json(200, r#"{"request_id":"R1"}"#),
        _ if seen.target.contains("/stream") => Reply::events(&[r#"{"status":"COMPLETED"}"#]),
        _ => Reply::json(200, r#"{"status":"COMPLETED"}"#),
    })
    .await;
    let endpoint = authority.client(nobody(), backup.address()).endpoint("fal-ai/flux/dev");
    endpoint.run(json!({ "prompt": "a" })).await.expect("an answer");
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
async fn where_neither_is_reached_the_first_hosts_error_is_shown() {
    let authority = Authority::new();
    let client = authority.client(nobody(), nobody());
    let recorder = Recorder::listen();
    let error = client.endpoint("a/b").run(json!({})).await.expect_err("nobody there");
    let emitted = recorder.emitted();
    for line in ["its backup host is tried", "host = \"falrun.com\"", "path = \"/a/b\""] {
        assert!(emitted.contains(line), "{line} is missing in:\n{emitted}");
    }
    assert_eq!(error.kind(), ErrorKind::Connect);
    let hosts: Vec<&str> = error.attempts().iter().map(|attempt| attempt.host.as_str()).collect();
    assert_eq!(hosts, ["fal.run", "falrun.com", "fal.run", "falrun.com"]);
}

#[tokio::test]
async fn what_the_backup_answers_counts() {
    let authority = Authority::new();
    // What has arrived there, or may have, is not sent again, to either host.
    for reply in [Reply::json(500, "{}"), Reply::json(503, "nginx"), Reply::dropped(), Reply::json(200, "{").torn()] {
        let answers = reply.clone();
        let backup = Server::start_tls(authority.acceptor.clone(), move |_, _| answers.clone()).await;
        let endpoint = authority.client(nobody(), backup.address()).endpoint("a/b");
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
async fn once_there_is_a_connection_there_is_no_backup() {
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
async fn a_certificate_that_is_not_trusted_is_no_connection() {
    let (fal, ours) = (Authority::new(), Authority::new());
    let server = Server::start_tls(fal.acceptor.clone(), |_, _| Reply::json(200, "{}")).await;
    let client = ours.client(server.address(), nobody());
    let error = client.endpoint("a/b").run(json!({})).await.expect_err("not trusted");
    assert_eq!((error.kind(), server.seen().len()), (ErrorKind::Connect, 0));
}
