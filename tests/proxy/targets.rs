//! The URLs that a proxy forwards to, and those that it does not.

use fal_client::RetryPolicy;

use crate::mounted::{Mounted, open};
use crate::server::{Reply, Server};

async fn fal() -> Server {
    Server::start(|_, _| Reply::json(200, r#"{"detail":"forwarded"}"#)).await
}

#[tokio::test]
async fn fals_urls_are_forwarded_to_the_configured_hosts() {
    let fal = fal().await;
    let proxy = open(&fal).await;
    let id = "764cabcf-b745-4b3e-ae38-1200304cf45b";
    let queued = format!("https://queue.fal.run/acme/painter/requests/{id}");
    for (method, target, expected) in [
        ("POST", "https://fal.run/acme/painter/fast", "/run/acme/painter/fast"),
        ("POST", "https://fal.run/acme/painter/fast/", "/run/acme/painter/fast"),
        ("POST", "https://fal.run/acme/painter/stream", "/run/acme/painter/stream"),
        (
            "POST",
            "https://fal.run/acme/painter/stream?steps=4&name=a+b%26c",
            "/run/acme/painter/stream?steps=4&name=a+b%26c",
        ),
        ("POST", "https://fal.run/workflows/acme/flow/step", "/run/workflows/acme/flow/step"),
        ("POST", "https://FAL.run/acme/v2.1_b~", "/run/acme/v2.1_b~"),
        ("POST", "https://queue.fal.run/acme/painter/fast", "/queue/acme/painter/fast"),
        (
            "POST",
            "https://queue.fal.run/acme/painter?fal_webhook=https%3A%2F%2Fapp.example%2F%3Fa%3Db&fal_max_queue_length=5",
            "/queue/acme/painter?fal_webhook=https%3A%2F%2Fapp.example%2F%3Fa%3Db&fal_max_queue_length=5",
        ),
        ("GET", &format!("{queued}/status?logs=1"), &format!("/queue/acme/painter/requests/{id}/status?logs=1")),
        ("GET", &format!("{queued}/status/?logs=0"), &format!("/queue/acme/painter/requests/{id}/status?logs=0")),
        ("GET", &format!("{queued}/status/stream"), &format!("/queue/acme/painter/requests/{id}/status/stream")),
        ("GET", &queued, &format!("/queue/acme/painter/requests/{id}")),
        ("GET", &format!("{queued}/response"), &format!("/queue/acme/painter/requests/{id}")),
        ("PUT", &format!("{queued}/cancel"), &format!("/queue/acme/painter/requests/{id}/cancel")),
        (
            "GET",
            "https://queue.fal.run/workflows/acme/flow/requests/R1/status",
            "/queue/workflows/acme/flow/requests/R1/status",
        ),
        (
            "GET",
            "https://queue.fal.run/acme/painter/fast/requests/R1/status",
            "/queue/acme/painter/fast/requests/R1/status",
        ),
        (
            "POST",
            "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3",
            "/rest/storage/upload/initiate?storage_type=fal-cdn-v3",
        ),
        (
            "POST",
            "https://rest.fal.ai/storage/upload/initiate-multipart?storage_type=fal-cdn-v3",
            "/rest/storage/upload/initiate-multipart?storage_type=fal-cdn-v3",
        ),
        (
            "POST",
            "https://rest.fal.ai/storage/upload/complete-multipart?storage_type=fal-cdn-v3",
            "/rest/storage/upload/complete-multipart?storage_type=fal-cdn-v3",
        ),
    ] {
        assert_eq!(proxy.send(method, target).await, (200, "forwarded".to_owned()), "{method} {target}");
        assert_eq!(fal.lines().last(), Some(&format!("{method} {expected}")), "{target}");
    }
    // A client of an emulator or a gateway knows that by its own URL.
    let own = format!("{}/queue/acme/painter/requests/R1/status", fal.base());
    assert_eq!(proxy.send("GET", &own).await.0, 200);
    assert_eq!(fal.lines().last().map(String::as_str), Some("GET /queue/acme/painter/requests/R1/status"));
}

#[tokio::test]
async fn other_urls_are_refused() {
    let fal = fal().await;
    let proxy = open(&fal).await;
    let base = fal.base();
    let hosts = [
        "",
        "not a url",
        "/acme/painter",
        "//fal.run/acme/painter",
        "fal.run/acme/painter",
        "http://fal.run/acme/painter",
        "ftp://fal.run/acme/painter",
        "wss://fal.run/acme/painter",
        "javascript:alert(1)",
        "data:text/plain,x",
        "https:fal.run/acme/painter",
        "https:/fal.run/acme/painter",
        "https:\\\\fal.run\\acme\\painter",
        "https://fal.run\\acme\\painter",
        "https://fal.run",
        "https://fal.run?/acme/painter",
        "https://fal.run:443/acme/painter",
        "https://fal.run:8443/acme/painter",
        "https://fal.run./acme/painter",
        "https://fal%2Erun/acme/painter",
        "https://fal.run%2facme/painter",
        "https://user@fal.run/acme/painter",
        "https://user:word@fal.run/acme/painter",
        "https://fal.run@evil.example/acme/painter",
        "https://evil.example/fal.run/acme/painter",
        "https://evil.example#fal.run/acme/painter",
        "https://notfal.run/acme/painter",
        "https://my-fal.run/acme/painter",
        "https://api.fal.run/acme/painter",
        "https://.fal.run/acme/painter",
        "https://fal.run.evil.example/acme/painter",
        "https://xn--fl-7kc.run/acme/painter",
        "https://fal.dev/acme/painter",
        "https://fal.com/acme/painter",
        "https://fal.io/acme/painter",
        "https://fal.ai/acme/painter",
        "https://queue.fal.ai/acme/painter",
        "https://falrun.com/acme/painter",
        "https://queue.falrun.com/acme/painter",
        "https://ws.fal.run/acme/painter",
        "https://wma.fal.run/session",
        "https://rest.beta.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3",
        "https://rest.alpha.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3",
        "https://api.fal.ai/v1/models",
        "https://v3.fal.media/files/upload",
        "https://127.0.0.1/acme/painter",
        "http://169.254.169.254/latest/meta-data",
    ];
    let own = [
        format!("{base}/acme/painter"),
        format!("{base}/running/acme/painter"),
        format!("{base}/api/v1/keys"),
        format!("{}/run/acme/painter", base.replace("http:", "https:")),
    ];
    for target in hosts.into_iter().map(str::to_owned).chain(own) {
        let (status, detail) = proxy.send("POST", &target).await;
        assert_eq!(status, 400, "{target}: {detail}");
        assert!(detail.contains("`x-fal-target-url`") && !detail.contains("evil"), "{detail}");
    }
    for (method, target) in [
        ("POST", "https://fal.run/"),
        ("POST", "https://fal.run/acme"),
        ("POST", "https://fal.run/acme//painter"),
        ("POST", "https://fal.run/acme/painter/../../other/app"),
        ("POST", "https://fal.run/acme/./painter"),
        ("POST", "https://fal.run/acme/painter%2f..%2f..%2fother"),
        ("POST", "https://fal.run/acme/%2e%2e/painter"),
        ("POST", "https://fal.run/acme/painter;x=1"),
        ("POST", "https://fal.run/acme/painter#/other"),
        ("POST", "https://fal.run/acme/painter\\other"),
        ("POST", "https://fal.run/acme/pain ter"),
        ("POST", "https://fal.run/acme/painter?fal_jwt_token=x"),
        ("POST", "https://fal.run/acme/painter?fal_webhook=https://x.example"),
        ("POST", "https://fal.run/acme/painter?%66al_webhook=https://x.example"),
        ("POST", "https://fal.run/acme/painter?FAL_webhook=https://x.example"),
        ("POST", "https://queue.fal.run/acme/painter?fal_jwt_token=x"),
        ("POST", "https://queue.fal.run/workflows/acme"),
        ("GET", "https://queue.fal.run/acme/painter/requests"),
        ("GET", "https://queue.fal.run/acme/painter/requests/"),
        ("GET", "https://queue.fal.run/acme/painter/requests/../R1"),
        ("GET", "https://queue.fal.run/acme/painter/requests/R%31"),
        ("GET", "https://queue.fal.run/acme/painter/requests/R1/logs"),
        ("GET", "https://queue.fal.run/acme/painter/requests/R1/status/stream/x"),
        ("GET", "https://queue.fal.run/acme/painter/requests/R1/status?logs=1&fal_jwt_token=x"),
        ("GET", "https://queue.fal.run/acme/painter/requests/R1?logs=1"),
        ("PUT", "https://queue.fal.run/acme/painter/requests/R1/cancel?force=1"),
        ("POST", "https://queue.fal.run/acme/painter/requests/R1/retry"),
        ("POST", "https://rest.fal.ai/storage/upload/initiate"),
        ("POST", "https://rest.fal.ai/storage/upload/initiate?storage_type=gcs"),
        ("POST", "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3&x=1"),
        ("POST", "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3&storage_type=gcs"),
        ("POST", "https://rest.fal.ai/storage/upload/initiate/?storage_type=fal-cdn-v3"),
        ("POST", "https://rest.fal.ai/storage//upload/initiate?storage_type=fal-cdn-v3"),
        ("POST", "https://rest.fal.ai/storage/auth/token?storage_type=fal-cdn-v3"),
        ("POST", "https://rest.fal.ai/storage/files"),
        ("POST", "https://rest.fal.ai/tokens/?x=1"),
        ("GET", "https://rest.fal.ai/billing/user_details"),
    ] {
        let (status, detail) = proxy.send(method, target).await;
        assert_eq!(status, 400, "{method} {target}: {detail}");
    }
    assert_eq!(fal.lines(), [""; 0]);
}

#[tokio::test]
async fn long_urls_are_forwarded_or_refused() {
    let fal = fal().await;
    let proxy = open(&fal).await;
    let url = |length: usize| {
        let start = "https://fal.run/acme/painter/stream?prompt=";
        format!("{start}{}", ",".repeat(length - start.len()))
    };
    assert_eq!(proxy.send("POST", &url(16 << 10)).await.0, 200);
    let (status, detail) = proxy.send("POST", &url((16 << 10) + 1)).await;
    assert!(status == 400 && detail.contains("16384 bytes"), "{status} {detail}");
    assert_eq!(fal.seen().len(), 1);
}

#[tokio::test]
async fn each_path_has_one_method() {
    let fal = fal().await;
    let proxy = open(&fal).await;
    for (target, allowed) in [
        ("https://fal.run/acme/painter", "POST"),
        ("https://queue.fal.run/acme/painter", "POST"),
        ("https://queue.fal.run/acme/painter/requests/R1", "GET"),
        ("https://queue.fal.run/acme/painter/requests/R1/status", "GET"),
        ("https://queue.fal.run/acme/painter/requests/R1/status/stream", "GET"),
        ("https://queue.fal.run/acme/painter/requests/R1/cancel", "PUT"),
        ("https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3", "POST"),
        ("https://rest.fal.ai/tokens/", "POST"),
    ] {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            if method == allowed {
                continue;
            }
            let response = proxy.request(method, target).send().await.expect("a response");
            assert_eq!(response.status().as_u16(), 405, "{method} {target}");
            let allow = response.headers().get("allow").map(|allow| allow.as_bytes().to_owned());
            let expected = if ["GET", "POST", "PUT"].contains(&method) { allowed } else { "GET, POST, PUT" };
            assert_eq!(allow.as_deref(), Some(expected.as_bytes()), "{method} {target}");
        }
    }
    assert_eq!(fal.lines(), [""; 0]);
}

#[tokio::test]
async fn urls_of_another_machine_without_tls_are_not_targets() {
    let fal = fal().await;
    let client = fal.builder().run_host("http://10.1.2.3/run").allow_http(true).retry(RetryPolicy::none());
    let proxy = fal_client::proxy::Proxy::builder(client.build().expect("a client")).endpoints(["**"]);
    let proxy = Mounted::start(proxy.allow_anyone().build().expect("a proxy")).await;
    assert_eq!(proxy.send("POST", "http://10.1.2.3/run/acme/painter").await.0, 400);
}

/// A gateway may have one of fal's hosts below another.
#[tokio::test]
async fn an_endpoint_id_does_not_lead_to_another_host() {
    let fal = fal().await;
    let base = fal.base();
    let client = fal.builder().run_host(base).api_host(format!("{base}/api"));
    let proxy = fal_client::proxy::Proxy::builder(client.build().expect("a client")).endpoints(["**"]);
    let proxy = Mounted::start(proxy.allow_anyone().build().expect("a proxy")).await;
    for target in [
        "https://fal.run/rest/tokens/realtime",
        "https://fal.run/rest/storage/auth",
        "https://fal.run/api/v1/keys",
        "https://fal.run/queue/acme/painter",
        &format!("{base}/api/v1/keys"),
    ] {
        assert_eq!(proxy.send("POST", target).await.0, 400, "{target}");
    }
    assert_eq!(fal.lines(), [""; 0]);
    for (method, target, line) in [
        ("POST", format!("{base}/acme/painter"), "POST /acme/painter"),
        ("POST", "https://fal.run/queues/acme".to_owned(), "POST /queues/acme"),
        (
            "POST",
            format!("{base}/queue/acme/painter?fal_max_queue_length=1"),
            "POST /queue/acme/painter?fal_max_queue_length=1",
        ),
        ("GET", format!("{base}/queue/acme/painter/requests/R1"), "GET /queue/acme/painter/requests/R1"),
    ] {
        assert_eq!(proxy.send(method, &target).await.0, 200, "{target}");
        assert_eq!(fal.lines().last().map(String::as_str), Some(line));
    }
}
