//! Proxies of the environment. The environment is a function, so that the tests do not depend on the real one.

use std::net::SocketAddr;
use std::time::Duration;

use fal_client::{Client, Error, ErrorKind, RetryPolicy};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::support::server::{KEY, Reply, Server};

/// Builds a client of one host with these environment variables.
fn client(host: &str, variables: &[(&str, &str)]) -> Result<Client, Error> {
    let find =
        |name: &str| variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| value.to_string());
    let builder = Client::builder().key(KEY).env_from(find).run_host(format!("{host}/run"));
    let policy = RetryPolicy::none().first_delay(Duration::from_millis(1));
    builder.queue_host(format!("{host}/queue")).retry(policy).allow_http(true).build()
}

async fn run(host: &str, variables: &[(&str, &str)]) -> Result<(), Error> {
    client(host, variables)?.endpoint("a/b").run(json!({})).await.map(drop)
}

async fn server() -> Server {
    Server::start(|_, _| Reply::json(200, "{}")).await
}

#[tokio::test]
async fn loopback_urls_bypass_every_proxy() {
    let (server, proxy) = (server().await, server().await);
    let port = server.address().port();
    for host in
        ["127.0.0.1", "localhost", "LOCALHOST.", "2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]", "0.0.0.0"]
    {
        let before = server.seen().len();
        // The REST host is remote. The decision depends on each URL.
        run(&format!("http://{host}:{port}"), &[("HTTP_PROXY", proxy.base()), ("ALL_PROXY", proxy.base())])
            .await
            .unwrap_or_else(|error| panic!("{host}: {error}"));
        assert_eq!((server.seen().len() - before, proxy.seen().len()), (1, 0), "{host}");
    }
}

#[tokio::test]
async fn remote_urls_go_through_the_proxy_unless_no_proxy_names_them() {
    let proxy = server().await;
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        run("http://fal.invalid", &[(name, proxy.base())]).await.expect("a response of the proxy");
        assert_eq!(proxy.lines().last().map(String::as_str), Some("POST http://fal.invalid/run/a/b"), "{name}");
    }
    let seen = proxy.seen().len();
    for (name, list) in [("NO_PROXY", "fal.invalid"), ("no_proxy", "x.example, .invalid"), ("NO_PROXY", "*")] {
        let error =
            run("http://fal.invalid", &[("HTTP_PROXY", proxy.base()), (name, list)]).await.expect_err("unknown");
        assert_eq!((error.kind(), proxy.seen().len()), (ErrorKind::Connect, seen), "{list}");
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named() {
    for (status, words) in [(407, "proxy authorization required"), (403, "unsuccessful"), (502, "unsuccessful")] {
        let proxy = Server::start(move |_, _| Reply::text(status, "text/html", "<title>Blocked</title>")).await;
        let address = format!("http://joe:pa55word-2@{}", proxy.address());
        let error = run("https://fal.invalid", &[("HTTPS_PROXY", &address)]).await.expect_err("refused");
        let text = format!("{error} {error:#?} {:?}", std::error::Error::source(&error));
        assert!(text.contains("cannot connect to fal.invalid through the proxy") && text.contains(words), "{text}");
        assert!(!text.contains("pa55word"), "{text}");
        assert_eq!((error.kind(), error.is_retryable(), proxy.seen().len()), (ErrorKind::Connect, false, 1));
        assert!(proxy.seen()[0].header("authorization").is_none() && !proxy.lines()[0].contains("run"));
    }
    // Without TLS, the proxy's own response takes the place of fal's.
    let proxy = Server::start(|_, _| Reply::text(407, "text/html", "<title>Log in</title>")).await;
    let error = run("http://fal.invalid", &[("HTTP_PROXY", proxy.base())]).await.expect_err("407");
    assert!(error.to_string().contains("the proxy returned 407 Proxy Authentication Required: Log in"), "{error}");
}

#[tokio::test]
async fn an_unreachable_proxy_is_named() {
    let closed = TcpListener::bind("127.0.0.1:0").await.and_then(|listener| listener.local_addr()).expect("an address");
    for scheme in ["http", "socks5", "socks5h", "socks4"] {
        let proxy = format!("{scheme}://{closed}");
        let error = run("https://fal.invalid", &[("ALL_PROXY", &proxy)]).await.expect_err("no proxy");
        assert!(error.to_string().contains("proxy"), "{error}");
    }
}

#[tokio::test]
async fn an_unusable_proxy_fails_the_build() {
    for (name, value) in [
        ("ALL_PROXY", "sock5://127.0.0.1:1080"),
        ("HTTPS_PROXY", "http//proxy.example:3128"),
        ("http_proxy", "http://joe:pa55word-3@proxy.example:port"),
        ("all_proxy", "127.0.0.1:1080/x"),
        ("HTTP_PROXY", "  "),
    ] {
        let error = client("https://fal.invalid", &[(name, value)]).expect_err(value);
        assert_eq!(error.kind(), ErrorKind::Configuration);
        let text = format!("{error} {error:?}");
        assert!(text.contains("proxy") && text.contains(name) && !text.contains("pa55word"), "{text}");
    }
}

/// Starts a SOCKS proxy of version 5 that leads every connection to one address. Returns the host names it gets.
async fn start_socks(target: SocketAddr) -> (SocketAddr, std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let names = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = names.clone();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let log = log.clone();
            tokio::spawn(async move {
                // Version, number of methods, methods: no authentication.
                let mut greeting = [0; 2];
                connection.read_exact(&mut greeting).await?;
                connection.read_exact(&mut vec![0; greeting[1].into()]).await?;
                connection.write_all(&[5, 0]).await?;
                // Version, command, reserved, type of the address (3: a name), length of the name.
                let mut request = [0; 5];
                connection.read_exact(&mut request).await?;
                let mut name = vec![0; usize::from(request[4]) + 2];
                connection.read_exact(&mut name).await?;
                log.lock().expect("not poisoned").push(String::from_utf8_lossy(&name[..name.len() - 2]).into_owned());
                connection.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).await?;
                copy_bidirectional(&mut connection, &mut TcpStream::connect(target).await?).await
            });
        }
    });
    (address, names)
}

#[tokio::test]
async fn requests_go_through_a_socks_proxy() {
    let server = server().await;
    let (proxy, names) = start_socks(server.address()).await;
    run("http://fal.invalid", &[("ALL_PROXY", &format!("socks5h://{proxy}"))]).await.expect("a response");
    assert_eq!(server.lines(), ["POST /run/a/b"]);
    assert_eq!(*names.lock().expect("not poisoned"), ["fal.invalid"]);
}
