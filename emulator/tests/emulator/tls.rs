use fal_emulator::{Emulator, Pace};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::fal::{Fal, INPAINTING, inpainting};
use crate::trust::{address, ask, handshake, secure, tls, tunnel};

const KEYS: &str = "/.well-known/jwks.json";

fn get(path: &str, host: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n")
}

#[tokio::test]
async fn base_url_can_be_https() {
    let emulator = Emulator::builder().pace(Pace::instant()).tls().start().await.unwrap();
    assert!(emulator.base_url().starts_with("https://127.0.0.1:"));
    for client in [emulator.client(), emulator.client_builder().build().unwrap()] {
        let output = client.endpoint(INPAINTING).subscribe(inpainting()).await.unwrap();
        let url = output.data["images"][0]["url"].as_str().unwrap();
        assert!(url.starts_with(emulator.base_url()), "{url}");
    }
    // The port speaks plain HTTP too.
    let mut plain = TcpStream::connect(address(&emulator)).await.unwrap();
    let response = ask(&mut plain, &get(&format!("/rest.fal.ai{KEYS}"), "localhost")).await;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
}

#[tokio::test]
async fn port_speaks_tls_for_all_names() {
    let fal = Fal::instant().await;
    for name in ["localhost", "app.localhost", "127.0.0.1", "::1"] {
        let mut stream = secure(&fal, name).await.unwrap();
        let response = ask(&mut stream, &get(&format!("/rest.fal.ai{KEYS}"), "localhost")).await;
        assert!(response.starts_with("HTTP/1.1 200 "), "{name}: {response}");
    }
    for name in ["rest.fal.ai", "rest.alpha.fal.ai"] {
        let mut stream = secure(&fal, name).await.unwrap();
        let response = ask(&mut stream, &get(KEYS, name)).await;
        assert!(response.starts_with("HTTP/1.1 200 "), "{name}: {response}");
        // The port of a redirected connection does not matter.
        let response = ask(&mut stream, &get(KEYS, &format!("{name}:8443"))).await;
        assert!(response.starts_with("HTTP/1.1 200 "), "{name}: {response}");
    }
    let fal = Fal::start(Emulator::builder().allow_hosts(["fal.internal", "192.168.0.7"])).await;
    for name in ["fal.internal", "192.168.0.7"] {
        let Ok(mut stream) = secure(&fal, name).await else { panic!("{name}") };
        let response = ask(&mut stream, &get(&format!("/rest.fal.ai{KEYS}"), name)).await;
        assert!(response.starts_with("HTTP/1.1 200 "), "{name}: {response}");
    }
}

#[tokio::test]
async fn certificates_are_for_fals_hosts_only() {
    let fal = Fal::instant().await;
    for name in ["evil.test", "localhost.evil.test", "notfal.run", "10.0.0.1"] {
        let error = secure(&fal, name).await.unwrap_err();
        assert!(error.to_string().contains("certificate"), "{name}: {error}");
    }
    // In a tunnel, the certificate is for the tunnel's host, whatever the client names.
    let (stream, _) = tunnel(&fal, "queue.fal.run:443").await;
    let error = handshake(tls(&fal), "rest.fal.ai", stream).await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    // Another emulator has another authority.
    let other = Fal::instant().await;
    let stream = TcpStream::connect(address(&other)).await.unwrap();
    handshake(tls(&fal), "queue.fal.run", stream).await.unwrap_err();
}

#[tokio::test]
async fn host_has_to_be_the_one_of_the_connection() {
    let fal = Fal::instant().await;
    let mut stream = secure(&fal, "queue.fal.run").await.unwrap();
    for host in ["rest.fal.ai", "localhost", "evil.test", "queue.fal.run@evil.test", "", "queue.fal.run.evil.test"] {
        let response = ask(&mut stream, &get(KEYS, host)).await;
        assert!(response.starts_with("HTTP/1.1 421 "), "{host}: {response}");
    }
    let absolute = format!("https://rest.fal.ai{KEYS}");
    let response = ask(&mut stream, &get(&absolute, "queue.fal.run")).await;
    assert!(response.starts_with("HTTP/1.1 421 "), "{response}");
    let two = "GET / HTTP/1.1\r\nhost: queue.fal.run\r\nhost: rest.fal.ai\r\n\r\n";
    assert!(ask(&mut stream, two).await.starts_with("HTTP/1.1 421 "));
    // A loopback name does not reach a real host by its header.
    let mut stream = secure(&fal, "localhost").await.unwrap();
    assert!(ask(&mut stream, &get(KEYS, "rest.fal.ai")).await.starts_with("HTTP/1.1 421 "));
    let evil =
        "GET /rest.fal.ai/.well-known/jwks.json HTTP/1.1\r\nhost: localhost\r\norigin: https://evil.test\r\n\r\n";
    assert!(ask(&mut stream, evil).await.starts_with("HTTP/1.1 403 "));
    assert!(fal.requests().is_empty());
}

#[tokio::test]
async fn protocols_that_do_not_fit_are_refused() {
    let fal = Fal::instant().await;
    let mut http2 = tls(&fal);
    http2.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(address(&fal)).await.unwrap();
    handshake(http2, "queue.fal.run", stream).await.unwrap_err();
    let mut both = tls(&fal);
    both.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(address(&fal)).await.unwrap();
    let stream = handshake(both, "queue.fal.run", stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    // A handshake of TLS 1.0 only, and bytes that only begin like one.
    let hello = [&[0x16, 3, 1, 0, 47, 1, 0, 0, 43, 3, 1][..], &[7; 32], &[0, 0, 2, 0, 47, 1, 0]].concat();
    for bytes in
        [&hello[..], b"\x16GET / HTTP/1.1\r\n\r\n", &[0x16; 20_000], &[0x16, 3, 1, 0xff, 0xff], b"\x16\x03\x01\0\0"]
    {
        let mut stream = TcpStream::connect(address(&fal)).await.unwrap();
        let _ = stream.write_all(bytes).await;
        stream.shutdown().await.unwrap();
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response).await;
        // An alert at most: an HTTP response would not be understood.
        assert!(response.first().is_none_or(|first| *first == 0x15), "{response:?}");
    }
    assert_eq!(fal.run(INPAINTING, &inpainting()).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn slow_handshakes_are_cut_off() {
    let fal = Fal::instant().await;
    for start in [&b"\x16"[..], b"\x16\x03\x01\x02\x00\x01\x00"] {
        let before = tokio::time::Instant::now();
        let mut stream = TcpStream::connect(address(&fal)).await.unwrap();
        stream.write_all(start).await.unwrap();
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response).await;
        assert!(response.is_empty(), "{response:?}");
        assert!(before.elapsed() >= std::time::Duration::from_secs(30), "{:?}", before.elapsed());
    }
    // In a tunnel: no handshake, and no request after it.
    let before = tokio::time::Instant::now();
    let (mut stream, _) = tunnel(&fal, "queue.fal.run:443").await;
    assert_eq!(stream.read(&mut [0]).await.unwrap_or(0), 0);
    let mut stream = crate::trust::tunnelled(&fal, "queue.fal.run").await;
    assert_eq!(stream.read(&mut [0]).await.unwrap_or(0), 0);
    assert!(before.elapsed() >= std::time::Duration::from_secs(60), "{:?}", before.elapsed());
}

#[tokio::test]
async fn tunnels_do_not_nest() {
    let fal = Fal::instant().await;
    let nested = "CONNECT rest.fal.ai:443 HTTP/1.1\r\nhost: rest.fal.ai:443\r\n\r\n";
    let mut stream = crate::trust::tunnelled(&fal, "queue.fal.run").await;
    assert!(ask(&mut stream, nested).await.starts_with("HTTP/1.1 400 a tunnel inside of a tunnel"));
    let mut stream = secure(&fal, "rest.fal.ai").await.unwrap();
    assert!(ask(&mut stream, nested).await.starts_with("HTTP/1.1 400 a tunnel inside of a tunnel"));
    assert!(fal.requests().is_empty());
}
