//! A gateway in place of fal's hosts. Its key goes to the configured hosts only, whatever a response says.

use std::net::SocketAddr;
use std::time::Duration;

use fal_client::{Client, ClientBuilder, ErrorKind, FileInput, Repository, RetryPolicy, UploadPolicy};
use serde_json::json;

use crate::support::queue::{COMPLETED, operation};
use crate::support::server::{KEY, Reply, Server};
use crate::support::unreachable::Unreachable;

/// Builds a client without configured hosts, whose names of fal's hosts all lead to `fal`.
fn unconfigured(fal: SocketAddr) -> ClientBuilder {
    let hosts = ["fal.run", "queue.fal.run", "falrun.com", "queue.falrun.com", "rest.fal.ai", "api.fal.ai"];
    let http = hosts.iter().fold(reqwest::Client::builder().no_proxy(), |http, host| http.resolve(host, fal));
    // No TLS provider is installed, and no handshake succeeds.
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let http = http.tls_backend_preconfigured(tls).build().expect("an HTTP client");
    Client::builder().env_from(|_| None).key(KEY).retry(RetryPolicy::none()).http_client(http)
}

#[tokio::test]
async fn a_missing_host_is_an_error_and_fals_own_is_not_called() {
    let fal = Server::start(|_, _| Reply::json(200, "{}")).await;
    let gateway = Server::start(|_, seen| match operation(seen) {
        "stream" => Reply::events(&[COMPLETED]),
        _ => Reply::json(200, r#"{"request_id":"R1"}"#),
    })
    .await;
    let base = gateway.base().to_owned();
    let all = || unconfigured(fal.address()).run_host(format!("{base}/run")).queue_host(format!("{base}/queue"));
    let queue_only = || unconfigured(fal.address()).queue_host(format!("{base}/queue"));

    let client = all().build().expect("a client");
    client.endpoint("a/b").subscribe(json!({})).await.expect("a response");
    client.endpoint("a/b").run(json!({})).await.expect("a response");
    for policy in [Repository::Cdn, Repository::Signed, Repository::Gcs] {
        let client = all().uploads(UploadPolicy::default().repository(policy)).build().expect("a client");
        let error = client.storage().upload(FileInput::bytes("hello", "text/plain")).await.expect_err("no REST host");
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
        for word in ["REST host", "rest_host(…)", "FAL_REST_HOST"] {
            assert!(error.to_string().contains(word), "{error}");
        }
    }
    let error = client.storage().sign("https://v3.fal.media/files/x", Duration::from_secs(60)).await;
    let error = error.expect_err("no platform host");
    assert!(error.kind() == ErrorKind::Configuration && error.to_string().contains("FAL_API_HOST"), "{error}");

    let client = queue_only().build().expect("a client");
    client.endpoint("a/b").subscribe(json!({})).await.expect("a response");
    let error = client.endpoint("a/b").run(json!({})).await.expect_err("no run host");
    assert!(error.kind() == ErrorKind::Configuration && error.to_string().contains("FAL_RUN_HOST"), "{error}");
    assert!(!error.may_have_been_accepted() && !error.is_retryable());
    assert_eq!(fal.seen().len(), 0);
}

#[tokio::test]
async fn hosts_of_fal_that_are_configured_explicitly_are_used() {
    let gateway = Server::start(|_, _| Reply::json(200, "{}")).await;
    let closed = Unreachable::bind();
    let builder = unconfigured(closed.address()).run_host(format!("{}/run", gateway.base())).queue_host(gateway.base());
    let client = builder.rest_host("rest.fal.ai").build().expect("a client");
    let error = client.storage().upload(FileInput::bytes("hello", "text/plain")).await.expect_err("a closed port");
    assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
}

#[tokio::test]
async fn parts_of_a_file_are_signed_by_the_configured_rest_host() {
    let fal = Server::start(|_, _| Reply::json(200, "{}")).await;
    let gateway = Server::start(|_, seen| {
        let host = seen.header("host").unwrap_or_default();
        match seen.target.as_str() {
            path if path.contains("initiate-multipart") => Reply::json(
                200,
                r#"{"upload_url":"https://rest.fal.ai/storage/multipart/f%2F1?v=1","file_url":"https://storage.example/f"}"#,
            ),
            path if path.contains("/put/") => Reply::json(200, "{}").header("etag", "\"e\""),
            _ => Reply::json(200, &json!({ "upload_url": format!("http://{host}/put/1") }).to_string()),
        }
    })
    .await;
    let base = gateway.base();
    let policy = UploadPolicy::default().repository(Repository::Gcs).fallback(None).multipart_above(1).part_size(3);
    let builder = unconfigured(fal.address()).run_host(format!("{base}/run")).queue_host(format!("{base}/queue"));
    let client = builder.rest_host(format!("{base}/rest/")).uploads(policy).build().expect("a client");
    client.storage().upload(FileInput::bytes("hello", "text/plain")).await.expect("a file");
    let lines = gateway.lines();
    assert_eq!(
        lines.first().map(String::as_str),
        Some("POST /rest/storage/upload/initiate-multipart?storage_type=gcs")
    );
    assert_eq!(lines.last().map(String::as_str), Some("POST /rest/storage/multipart/f%2F1/complete?v=1"));
    assert_eq!(lines.iter().filter(|line| line.starts_with("POST /rest/storage/multipart/f%2F1/")).count(), 3);
    assert_eq!(fal.seen().len(), 0);
}
