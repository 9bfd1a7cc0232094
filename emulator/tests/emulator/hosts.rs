use fal_emulator::{Emulator, Pace};
use reqwest::Method;
use serde_json::json;

use crate::fal::{Fal, INPAINTING, inpainting, raw, send};

/// Submits with these headers, over a plain connection. Returns the status and the response.
async fn submit(fal: &Fal, target: &str, headers: &str) -> (u16, String) {
    let body = inpainting().to_string();
    let head = format!("POST {target} HTTP/1.1\r\n{headers}authorization: Key id:secret\r\nconnection: close");
    raw(fal, &format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await
}

fn target() -> String {
    format!("/queue.fal.run/{INPAINTING}")
}

#[tokio::test]
async fn loopback_hosts_are_served() {
    let fal = Fal::instant().await;
    let hosts =
        ["localhost", "localhost:1", "LocalHost.", "fal.localhost:80", "127.0.0.1", "127.9.9.9:9", "[::1]", "[::1]:8"];
    for host in hosts {
        let (status, response) = submit(&fal, &target(), &format!("host: {host}\r\n")).await;
        assert_eq!(status, 200, "{host}: {response}");
    }
    assert_eq!(fal.jobs().len(), hosts.len());
}

#[tokio::test]
async fn other_hosts_are_misdirected() {
    let fal = Fal::instant().await;
    for headers in [
        "host: evil.test\r\n",
        "host: evil.test:8787\r\n",
        "host: localhost.evil.test\r\n",
        "host: 127.0.0.1.evil.test\r\n",
        "host: localhost@evil.test\r\n",
        "host: queue.fal.run\r\n",
        "host: 0.0.0.0\r\n",
        "host: 192.168.0.1\r\n",
        "host: \r\n",
        "",
        "host: localhost\r\nhost: evil.test\r\n",
        "host: evil.test\r\norigin: http://localhost\r\n",
    ] {
        let (status, response) = submit(&fal, &target(), headers).await;
        assert_eq!(status, 421, "{headers}: {response}");
        assert!(response.contains(r#"{"detail":"#), "{response}");
    }
    // The authority of an absolute target counts, whatever the header says.
    let absolute = format!("http://evil.test{}", target());
    assert_eq!(submit(&fal, &absolute, "host: localhost\r\n").await.0, 421);
    let absolute = format!("http://localhost{}", target());
    assert_eq!(submit(&fal, &absolute, "host: localhost\r\n").await.0, 200);
    assert_eq!((fal.jobs().len(), fal.requests().len()), (1, 1));
}

#[tokio::test]
async fn pages_elsewhere_are_forbidden() {
    let fal = Fal::instant().await;
    for origin in [
        "https://evil.test",
        "http://evil.test:8787",
        "http://localhost.evil.test",
        "http://localhost@evil.test",
        "null",
        "",
        "file://",
        "chrome-extension://localhost",
        "http://192.168.0.1",
    ] {
        let (status, response) = submit(&fal, &target(), &format!("host: localhost\r\norigin: {origin}\r\n")).await;
        assert_eq!(status, 403, "{origin}: {response}");
        assert!(response.contains(r#"{"detail":"#), "{response}");
    }
    for origin in ["http://localhost:3000", "https://app.localhost", "http://127.0.0.1", "http://[::1]:3000"] {
        let (status, response) = submit(&fal, &target(), &format!("host: localhost\r\norigin: {origin}\r\n")).await;
        assert_eq!(status, 200, "{origin}: {response}");
    }
    for headers in [
        "referer: https://evil.test/page\r\n",
        "referer: http://localhost@evil.test/\r\n",
        "referer: http://evil.test?http://localhost\r\n",
        "origin: http://localhost\r\nreferer: https://evil.test/\r\n",
        "origin: http://localhost\r\norigin: https://evil.test\r\n",
        "sec-fetch-site: cross-site\r\n",
    ] {
        let (status, response) = submit(&fal, &target(), &format!("host: localhost\r\n{headers}")).await;
        assert_eq!(status, 403, "{headers}: {response}");
    }
    for headers in [
        "referer: http://localhost:3000/page?to=https://evil.test\r\nsec-fetch-site: cross-site\r\n",
        "origin: http://127.0.0.1:3000\r\nsec-fetch-site: cross-site\r\n",
        "sec-fetch-site: none\r\n",
    ] {
        let (status, response) = submit(&fal, &target(), &format!("host: localhost\r\n{headers}")).await;
        assert_eq!(status, 200, "{headers}: {response}");
    }
    // A preflight request of a page elsewhere, and a page that reads a file.
    let preflight = fal.anonymous(Method::OPTIONS, &target()).header("origin", "https://evil.test");
    assert_eq!(send(preflight.header("access-control-request-method", "POST")).await.status, 403);
    let file = fal.add_file("a.txt", "text/plain", b"secret").unwrap();
    let read = fal.http.get(file.url()).header("origin", "https://evil.test");
    assert_eq!(send(read).await.status, 403);
    // An image of such a page: without an origin.
    let read = fal.http.get(file.url()).header("sec-fetch-site", "cross-site").header("sec-fetch-dest", "image");
    assert_eq!(send(read).await.status, 403);
    assert_eq!(fal.jobs().len(), 7);
}

#[tokio::test]
async fn named_hosts_are_served_on_request() {
    let builder = Emulator::builder().pace(Pace::instant()).allow_hosts(["fal.internal"]).allow_hosts(["192.168.0.7"]);
    let fal = Fal::start(builder).await;
    for (headers, expected) in [
        ("host: fal.internal:8787\r\n", 200),
        ("host: FAL.INTERNAL\r\norigin: https://fal.internal\r\n", 200),
        ("host: 192.168.0.7\r\n", 200),
        ("host: localhost\r\n", 200),
        ("host: x.fal.internal\r\n", 421),
        ("host: fal.internal\r\norigin: https://evil.test\r\n", 403),
    ] {
        let (status, response) = submit(&fal, &target(), headers).await;
        assert_eq!(status, expected, "{headers}: {response}");
    }
}

#[tokio::test]
async fn foreign_requests_do_not_take_faults() {
    let fal = Fal::instant().await;
    fal.inject_fault(fal_emulator::Operation::Submit, fal_emulator::Fault::respond(503));
    assert_eq!(submit(&fal, &target(), "host: evil.test\r\n").await.0, 421);
    assert_eq!(fal.pending_faults(), 1);
    assert_eq!(fal.post(&target(), &json!({})).await.status, 503);
}
