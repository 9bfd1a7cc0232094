//! Redirects from public hosts of files to this machine and its network. Public names lead to scripted servers here.

use std::net::SocketAddr;

use fal_client::{Client, ErrorKind, RetryPolicy};

use crate::support::server::{Reply, Server};

/// Builds a client for which the public names lead to a server.
fn client(public: SocketAddr) -> Client {
    client_with(public, reqwest::redirect::Policy::none())
}

fn client_with(public: SocketAddr, redirects: reqwest::redirect::Policy) -> Client {
    // No TLS provider is installed, and none is needed.
    let trust =
        rustls::ClientConfig::builder_with_provider(std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
    let http = reqwest::Client::builder()
        .tls_backend_preconfigured(trust)
        .no_proxy()
        .redirect(redirects)
        .resolve("files.example.com", public)
        .resolve("cdn.example.com", public)
        .build()
        .expect("an HTTP client");
    Client::builder().anonymous().http_client(http).retry(RetryPolicy::none()).build().expect("a client")
}

/// Starts a server that redirects from `/from` to `target`, and serves anything else.
async fn redirecting(target: String) -> Server {
    Server::start(move |_, seen| match seen.target.starts_with("/from") {
        true => Reply::text(302, "text/plain", "").header("location", &target),
        false => Reply::text(200, "text/plain", "the file"),
    })
    .await
}

#[tokio::test]
async fn a_public_host_cannot_redirect_to_a_private_one() {
    let inside = Server::start(|_, _| Reply::text(200, "text/plain", "a secret")).await;
    let port = inside.address().port();
    let mut targets = vec![
        format!("http://127.0.0.1:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://0x7f.1:{port}/"),
        format!("http://0177.0.0.1:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://0.0.0.0:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://LOCALHOST.:{port}/"),
        format!("//127.0.0.1:{port}/"),
        format!("http://user:pass@127.0.0.1:{port}/"),
    ];
    let others = [
        "10.0.0.1",
        "172.16.3.4",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "[::1]",
        "[fd00::1]",
        "[fe80::1]",
        "[64:ff9b::169.254.169.254]",
        "metadata.google.internal",
        "router",
        "printer.local",
    ];
    targets.extend(others.map(|host| format!("http://{host}/latest/meta-data/")));
    for target in targets {
        let public = redirecting(target.clone()).await;
        let client = client(public.address());
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("http://files.example.com:{}/from.txt", public.address().port());
        let error = client.download(&url, folder.path().join("a")).await.expect_err(&target);
        assert_eq!(error.kind(), ErrorKind::UntrustedUrl, "{target}: {error}");
        assert!(error.to_string().contains("allow_private_redirects"), "{error}");
        assert!(!error.to_string().contains("pass"), "{error}");
        client.download_bytes(&url).await.expect_err(&target);
        client.download_to(&url, tokio::io::sink()).await.expect_err(&target);
        client.download_all([&url], folder.path()).await.expect_err(&target);
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "{target}");
        assert_eq!(public.seen().len(), 4);
    }
    assert_eq!(inside.seen().len(), 0);
}

#[tokio::test]
async fn a_second_redirect_is_checked_as_well() {
    let inside = Server::start(|_, _| Reply::text(200, "text/plain", "a secret")).await;
    let target = format!("{}/", inside.base());
    let public = Server::start(move |_, seen| {
        let target = if seen.target == "/1" { "http://cdn.example.com/2" } else { &target };
        let port = seen.header("host").and_then(|host| host.split_once(':')).map(|(_, port)| port.to_owned());
        let target = target.replace("example.com/2", &format!("example.com:{}/2", port.unwrap_or_default()));
        Reply::text(307, "text/plain", "").header("location", &target)
    })
    .await;
    let url = format!("http://files.example.com:{}/1", public.address().port());
    let error = client(public.address()).download_bytes(&url).await.expect_err("a private host");
    assert_eq!((error.kind(), public.seen().len(), inside.seen().len()), (ErrorKind::UntrustedUrl, 2, 0), "{error}");
}

#[tokio::test]
async fn nothing_is_saved_if_the_http_client_itself_follows_the_redirect() {
    let inside = Server::start(|_, _| Reply::text(200, "text/plain", "a secret")).await;
    let public = redirecting(inside.base().to_owned()).await;
    let client = client_with(public.address(), reqwest::redirect::Policy::limited(3));
    let url = format!("http://files.example.com:{}/from.txt", public.address().port());
    let error = client.download_bytes(&url).await.expect_err("a private host");
    assert_eq!(error.kind(), ErrorKind::UntrustedUrl, "{error}");
    assert_eq!(client.download_bytes(&url).allow_private_redirects(true).await.expect("followed"), "a secret");
}

#[tokio::test]
async fn other_redirects_are_followed() {
    // From a public host to another one.
    let public = Server::start(|_, seen| match seen.target.as_str() {
        "/from" => {
            let host = seen.header("host").unwrap_or_default().replace("files.", "cdn.");
            Reply::text(302, "text/plain", "").header("location", &format!("http://{host}/to"))
        }
        _ => Reply::text(200, "text/plain", "the file"),
    })
    .await;
    let port = public.address().port();
    let bytes = client(public.address()).download_bytes(format!("http://files.example.com:{port}/from")).await;
    assert_eq!(bytes.expect("followed"), "the file");
    assert_eq!(public.seen()[1].header("host"), Some(&*format!("cdn.example.com:{port}")));

    // From a private host to another one.
    let inside = Server::start(|_, _| Reply::text(200, "text/plain", "the file")).await;
    let emulator = redirecting(inside.base().to_owned()).await;
    let bytes = emulator.client().download_bytes(format!("{}/from", emulator.base())).await;
    assert_eq!(bytes.expect("followed"), "the file");

    // To a private host that the caller expects.
    let public = redirecting(inside.base().to_owned()).await;
    let (client, url) =
        (client(public.address()), format!("http://files.example.com:{}/from", public.address().port()));
    assert_eq!(client.download_bytes(&url).allow_private_redirects(true).await.expect("followed"), "the file");
    let folder = tempfile::tempdir().expect("a folder");
    let paths = client.download_all([&url], folder.path()).allow_private_redirects(true).await.expect("followed");
    assert_eq!(std::fs::read(&paths[0]).expect("a file"), b"the file");
    client.download(&url, folder.path().join("b")).allow_private_redirects(true).await.expect("followed");
    client.download_to(&url, tokio::io::sink()).allow_private_redirects(true).await.expect("followed");
}

#[tokio::test]
async fn the_key_of_the_client_is_not_sent_to_either_host() {
    let inside = Server::start(|_, _| Reply::text(200, "text/plain", "the file")).await;
    let public = redirecting(inside.base().to_owned()).await;
    public.client().download_bytes(format!("{}/from", public.base())).await.expect("followed");
    for seen in public.seen().iter().chain(&inside.seen()) {
        assert!(seen.header("authorization").is_none(), "{seen:?}");
    }
}
