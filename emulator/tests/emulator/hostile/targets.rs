use super::{assert_serves, send, send_all};
use crate::fal::{Fal, INPAINTING, connect, inpainting, refused};

/// Submits to an absolute target.
async fn submit(fal: &Fal, target: &str, host: &str) -> (u16, String) {
    let body = inpainting().to_string();
    let head = format!("POST {target} HTTP/1.1\r\nhost: {host}\r\nauthorization: Key a:b\r\n");
    send(fal, format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes()).await
}

#[tokio::test]
async fn absolute_targets_have_to_agree_with_the_host() {
    let fal = Fal::instant().await;
    for (target, host) in [
        ("http://evil.test", "queue.fal.run"),
        ("http://queue.fal.run", "evil.test"),
        ("http://queue.fal.run", "localhost"),
        ("http://localhost", "queue.fal.run"),
        ("http://queue.fal.run@evil.test", "queue.fal.run"),
        ("http://evil.test@queue.fal.run", "queue.fal.run"),
        ("http://queue.fal.run:80@evil.test", "evil.test"),
        ("http://queue.fal.run", "queue.fal.run@evil.test"),
        ("http://queue.fal.run", ""),
    ] {
        let (status, response) = submit(&fal, &format!("{target}/{INPAINTING}"), host).await;
        assert!(status == 400 || status == 421, "{target} {host}: {response}");
    }
    for host in ["queue.fal.run.evil.test", "notfal.run", "evil.test", "169.254.169.254", "metadata.google.internal"] {
        let (status, response) = submit(&fal, &format!("http://{host}/{INPAINTING}"), host).await;
        assert_eq!(status, 403, "{host}: {response}");
    }
    // Only an absolute target is for a real host: a page can give its own name an address of the loopback interface.
    let (status, response) = submit(&fal, &format!("/{INPAINTING}"), "queue.fal.run").await;
    assert_eq!(status, 421, "{response}");
    assert!(fal.requests().is_empty());
    // The path of a real host cannot name another one.
    let (status, _) = submit(&fal, &format!("http://api.fal.ai/queue.fal.run/{INPAINTING}"), "api.fal.ai").await;
    assert_eq!(status, 404);
    let (status, _) = submit(&fal, &format!("http://api.fal.ai/../queue.fal.run/{INPAINTING}"), "api.fal.ai").await;
    assert_eq!(status, 404);
    assert!(fal.jobs().is_empty());
    let (status, _) = submit(&fal, &format!("http://QUEUE.fal.run.:80/{INPAINTING}"), "queue.fal.RUN").await;
    assert_eq!((status, fal.jobs().len()), (200, 1));
    assert_serves(&fal).await;
}

#[tokio::test]
async fn tunnels_to_elsewhere_are_refused() {
    let fal = Fal::instant().await;
    for target in [
        "127.0.0.1:22",
        "localhost:22",
        "[::1]:22",
        "0.0.0.0:22",
        "2130706433:22",
        "169.254.169.254:80",
        "evil.test:443",
        "queue.fal.run.evil.test:443",
        "queue.fal.run@evil.test:443",
        "queue.fal.run:443@evil.test",
        "queue.fal.run:443@evil.test:443",
        "queue.fal.run",
        "queue.fal.run:",
        "queue.fal.run:0",
        "queue.fal.run:22",
        "queue.fal.run:99999",
        "queue.fal.run:443/",
        "queue.fal.run%00.evil.test:443",
        "queue.fal.run%2f:443",
        ":443",
        "/",
        "*",
        "http://queue.fal.run:443/",
        "\u{ff46}al.run:443",
        fal.base_url().trim_start_matches("http://"),
    ] {
        let request = format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n");
        let (status, response) = send_all(&fal, request.as_bytes()).await;
        assert!(status == 400 || status == 403, "{target}: {response}");
    }
    // A page elsewhere, if its browser would let it.
    for header in ["origin: https://evil.test", "referer: https://evil.test/", "sec-fetch-site: cross-site"] {
        let request = format!("CONNECT queue.fal.run:80 HTTP/1.1\r\nhost: queue.fal.run:80\r\n{header}\r\n\r\n");
        assert_eq!(send_all(&fal, request.as_bytes()).await.0, 403, "{header}");
    }
    // A refused tunnel is not one: what follows is a request like any other.
    let request = format!(
        "CONNECT evil.test:443 HTTP/1.1\r\nhost: evil.test\r\n\r\nGET /{INPAINTING} HTTP/1.1\r\nhost: queue.fal.run\r\n\r\n"
    );
    let (status, response) = send(&fal, request.as_bytes()).await;
    assert_eq!(status, 403, "{response}");
    assert!(fal.requests().is_empty());
    assert_serves(&fal).await;
}

#[tokio::test]
async fn asterisks_are_not_paths() {
    let fal = Fal::instant().await;
    for line in ["OPTIONS *", "GET *", "OPTIONS http://queue.fal.run"] {
        let host = if line.contains("fal.run") { "queue.fal.run" } else { "localhost" };
        let (status, response) = send(&fal, format!("{line} HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes()).await;
        assert!((400..500).contains(&status), "{line}: {response}");
    }
    assert_serves(&fal).await;
}

#[tokio::test]
async fn websockets_of_pages_elsewhere_are_refused() {
    let fal = Fal::instant().await;
    let path = "/fal.run/fal-ai/fast-lcm-diffusion/realtime";
    for origin in ["https://evil.test", "null", "http://localhost.evil.test", "file://", ""] {
        let headers = [("authorization", "Key a:b"), ("origin", origin)];
        assert_eq!(refused(connect(&fal, path, &headers).await), 403, "{origin}");
    }
    let rebound = [("authorization", "Key a:b"), ("host", "evil.test")];
    assert_eq!(refused(connect(&fal, path, &rebound).await), 421);
    connect(&fal, path, &[("authorization", "Key a:b"), ("origin", "http://localhost:3000")]).await.unwrap();
    assert_serves(&fal).await;
}

#[tokio::test]
async fn malformed_upgrades_are_refused() {
    let fal = Fal::instant().await;
    let path = "/fal.run/fal-ai/fast-lcm-diffusion/realtime";
    for headers in [
        "connection: upgrade\r\nupgrade: websocket\r\n",
        "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n",
        "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: \r\n",
        "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 8\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        "connection: upgrade\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n",
        "upgrade: websocket\r\n",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Key a:b\r\n{headers}\r\n");
        let (status, response) = send(&fal, request.as_bytes()).await;
        assert!((400..500).contains(&status), "{headers}: {response}");
    }
    assert_serves(&fal).await;
}
