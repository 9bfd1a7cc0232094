use super::{assert_serves, send};
use crate::fal::{Fal, INPAINTING};

#[tokio::test]
async fn refused_requests_do_not_wait_for_their_body() {
    let fal = Fal::instant().await;
    for (target, key) in [
        ("/nowhere", "Key a:b"),
        ("/fal.run/no/such-app", "Key a:b"),
        ("/queue.fal.run/fal-ai/flux/requests/x/cancel", "Key a:b"),
        ("/v3.fal.media/files/upload", "Bearer wrong"),
        ("/rest.fal.ai/tokens/", ""),
    ] {
        for framing in ["content-length: 1000000000000", "transfer-encoding: chunked"] {
            let head =
                format!("POST {target} HTTP/1.1\r\nhost: localhost\r\nauthorization: {key}\r\n{framing}\r\n\r\n");
            let (status, response) = send(&fal, head.as_bytes()).await;
            assert!((400..500).contains(&status), "{target} {framing}: {response}");
        }
    }
    let endless = format!("POST /fal.run/{INPAINTING} HTTP/1.1\r\nhost: localhost\r\nauthorization: Key a:b\r\n");
    let (status, response) = send(&fal, format!("{endless}content-length: 1000000000000\r\n\r\n").as_bytes()).await;
    assert_eq!(status, 413, "{response}");
    assert_serves(&fal).await;
}

#[tokio::test]
async fn encoded_bodies_are_not_decoded() {
    let fal = Fal::instant().await;
    // A gzip header, and a body that would be large if it were decoded.
    let bytes = [&b"\x1f\x8b\x08\0\0\0\0\0\0\x03"[..], &[0; 1_000]].concat();
    for encoding in ["gzip", "br", "zstd", "deflate", "gzip, gzip, gzip", "unknown"] {
        let request = fal.request(reqwest::Method::POST, &format!("/fal.run/{INPAINTING}"));
        let request = request.header("content-type", "application/json").header("content-encoding", encoding);
        let reply = crate::fal::send(request.body(bytes.clone())).await;
        assert_eq!(reply.status, 422, "{encoding}: {reply:?}");
    }
    assert_serves(&fal).await;
}

#[tokio::test]
async fn bodies_of_requests_without_one_are_ignored() {
    let fal = Fal::instant().await;
    let body = "x".repeat(100_000);
    let head = "GET /rest.fal.ai/.well-known/jwks.json HTTP/1.1\r\nhost: localhost\r\n";
    let (status, response) = send(&fal, format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes()).await;
    assert_eq!(status, 200, "{response}");
    let (status, _) = send(&fal, format!("{head}expect: 200-nonsense\r\n\r\n").as_bytes()).await;
    assert!([200, 417].contains(&status));
    assert_serves(&fal).await;
}
