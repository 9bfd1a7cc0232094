//! The headers that a proxy forwards and returns.

use fal_client::proxy::Proxy;

use crate::mounted::{Mounted, builder, open};
use crate::server::{KEY, Reply, Server};

const RUN: &str = "https://fal.run/acme/painter";

#[tokio::test]
async fn only_harmless_headers_are_forwarded() {
    let fal = Server::start(|_, _| Reply::json(200, "{}")).await;
    let proxy = open(&fal).await;
    let request = proxy.request("POST", RUN);
    let forwarded = [
        ("accept", "text/event-stream"),
        ("x-fal-queue-priority", "low"),
        ("x-fal-runner-hint", "lora-7"),
        ("x-fal-no-retry", "1"),
        ("x-fal-request-start-timeout", "12.5"),
        ("x-fal-request-timeout", "12.5"),
        ("x-fal-object-lifecycle", "{}"),
        ("x-fal-object-lifecycle-preference", r#"{"expiration_duration_seconds":60}"#),
        ("x-app-fal-disable-fallback", "true"),
    ];
    let dropped = [
        ("authorization", "Bearer a-session-of-the-app"),
        ("proxy-authorization", "Basic eDp5"),
        ("cookie", "session=alice"),
        ("x-fal-user-id", "another-account"),
        ("x-fal-tags", "team=other"),
        ("x-fal-store-io", "0"),
        ("x-fal-retry-config", r#"{"timeout":{"retries":9}}"#),
        ("x-app-fal-upload-policy", "{}"),
        ("x-fal-anything-new", "1"),
        ("x-forwarded-for", "192.0.2.1"),
        ("origin", "https://app.example"),
        ("referer", "https://app.example/"),
        ("te", "trailers"),
        ("x-custom", "1"),
    ];
    let request =
        forwarded.iter().chain(&dropped).fold(request, |request, (name, value)| request.header(*name, *value));
    request.header("user-agent", "a browser").send().await.expect("a response");
    let seen = &fal.seen()[0];
    for (name, value) in forwarded {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
    for (name, value) in dropped {
        assert_ne!(seen.header(name), Some(value), "{name}");
    }
    assert_eq!(seen.header("authorization"), Some(&*format!("Key {KEY}")));
    assert_eq!(seen.header("x-fal-target-url"), None);
    assert!(seen.header("user-agent").is_some_and(|agent| agent.starts_with("fal-client/")));
    assert!(seen.header("x-fal-client-proxy").is_some_and(|proxy| proxy.starts_with("fal-client/")));
    assert_eq!(seen.headers.iter().filter(|(name, _)| name == "content-type").count(), 1);
    assert_eq!((seen.header("content-type"), seen.header("content-length")), (Some("application/json"), Some("2")));
}

#[tokio::test]
async fn headers_of_the_connection_are_not_forwarded() {
    let fal = Server::start(|_, _| Reply::json(200, "{}")).await;
    let proxy = open(&fal).await;
    let request = proxy.request("POST", RUN).header("connection", "keep-alive, X-Fal-No-Retry");
    request.header("x-fal-no-retry", "1").header("x-fal-queue-priority", "low").send().await.expect("a response");
    let seen = &fal.seen()[0];
    assert_eq!((seen.header("x-fal-no-retry"), seen.header("x-fal-queue-priority")), (None, Some("low")));
}

#[tokio::test]
async fn the_accepted_type_follows_from_the_request() {
    let fal = Server::start(|_, _| Reply::json(200, "{}")).await;
    let proxy = open(&fal).await;
    for (target, expected) in [
        ("https://queue.fal.run/acme/painter/requests/R1/status/stream", "text/event-stream"),
        ("https://queue.fal.run/acme/painter/requests/R1/status", "application/json"),
    ] {
        // Without the header that reqwest adds.
        let request = format!(
            "GET /api/fal/proxy HTTP/1.1\r\nhost: x\r\nx-fal-target-url: {target}\r\nconnection: close\r\n\r\n"
        );
        let mut stream = tokio::net::TcpStream::connect(proxy.address()).await.expect("a connection");
        tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.expect("sent");
        let mut response = String::new();
        tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut response).await.expect("a response");
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
        let seen = fal.seen().pop().expect("a request");
        assert_eq!((seen.header("accept"), seen.header("content-type")), (Some(expected), None));
    }
}

#[tokio::test]
async fn the_owner_decides_on_further_headers() {
    let fal = Server::start(|_, _| Reply::json(200, "{}")).await;
    let client = fal.builder().header("x-fal-store-io", "0").header("x-fal-queue-priority", "low");
    let builder = Proxy::builder(client.build().expect("a client")).endpoints(["**"]).forward_header("X-Fal-Tags");
    let proxy = Mounted::start(builder.allow_anyone().build().expect("a proxy")).await;
    let request = proxy.request("POST", RUN).header("x-fal-tags", "page=home").header("x-fal-store-io", "1");
    request.header("x-fal-queue-priority", "normal").send().await.expect("a response");
    let seen = &fal.seen()[0];
    let header =
        |name: &str| seen.headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect();
    let expected: [(&str, Vec<&str>); 3] =
        [("x-fal-tags", vec!["page=home"]), ("x-fal-store-io", vec!["0"]), ("x-fal-queue-priority", vec!["low"])];
    for (name, values) in expected {
        let found: Vec<&str> = header(name);
        assert_eq!(found, values, "{name}");
    }
}

#[tokio::test]
async fn a_header_is_forwarded_once_however_often_it_is_set() {
    let fal = Server::start(|_, _| Reply::json(200, "{}")).await;
    let names = ["Accept", "x-fal-runner-hint", "X-Fal-Tags", "x-fal-tags"];
    let builder = names.into_iter().fold(builder(&fal).endpoints(["**"]), |builder, name| builder.forward_header(name));
    let proxy = Mounted::start(builder.allow_anyone().build().expect("a proxy")).await;
    let request = proxy.request("POST", RUN).header("accept", "text/event-stream").header("x-fal-tags", "a=1");
    request.header("x-fal-runner-hint", "lora-7").send().await.expect("a response");
    let seen = &fal.seen()[0];
    for name in names.map(str::to_ascii_lowercase) {
        assert_eq!(seen.headers.iter().filter(|(found, _)| *found == name).count(), 1, "{name}");
    }
}

#[tokio::test]
async fn an_anonymous_client_forwards_no_key_of_the_caller() {
    let fal = Server::start(|_, _| Reply::json(200, "{}")).await;
    let client = fal.builder().anonymous().build().expect("a client");
    let proxy = Proxy::builder(client).endpoints(["**"]).allow_anyone().build().expect("a proxy");
    let proxy = Mounted::start(proxy).await;
    proxy.request("POST", RUN).header("authorization", "Key x:y").send().await.expect("a response");
    assert_eq!(fal.seen()[0].header("authorization"), None);
}

#[tokio::test]
async fn responses_lose_what_acts_on_the_browser() {
    let returned = [
        ("x-fal-request-id", "R1"),
        ("x-fal-billable-units", "2"),
        ("x-fal-error-type", "runner_disconnected"),
        ("retry-after", "3"),
        ("content-disposition", "inline"),
        ("etag", "\"v\""),
    ];
    let dropped = [
        ("set-cookie", "a=b"),
        ("access-control-allow-origin", "*"),
        ("access-control-allow-credentials", "true"),
        ("strict-transport-security", "max-age=1"),
        ("alt-svc", "h3=\":443\""),
        ("clear-site-data", "\"*\""),
        ("www-authenticate", "Basic realm=\"fal\""),
        ("x-fal-cdn-token", "a-token-of-the-account"),
        ("x-hop", "1"),
    ];
    let fal = Server::start(move |_, _| {
        let reply = Reply::json(503, r#"{"detail":"busy"}"#)
            .header("connection", "x-hop")
            .header("cache-control", "max-age=60");
        returned.iter().chain(&dropped).fold(reply, |reply, (name, value)| reply.header(name, value))
    })
    .await;
    let proxy = open(&fal).await;
    let response = proxy.request("POST", RUN).send().await.expect("a response");
    let headers = response.headers().clone();
    for (name, value) in returned {
        assert_eq!(headers.get(name).map(|found| found.as_bytes()), Some(value.as_bytes()), "{name}");
    }
    for (name, _) in dropped {
        assert_eq!(headers.get(name), None, "{name}");
    }
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["content-length"], "17");
    assert_eq!(
        (response.status().as_u16(), response.text().await.expect("a body")),
        (503, r#"{"detail":"busy"}"#.to_owned())
    );
}

#[tokio::test]
async fn fals_encoded_body_keeps_its_encoding() {
    let fal =
        Server::start(|_, _| Reply::binary(200, "application/json", b"\x1f\x8b").header("content-encoding", "gzip"))
            .await;
    let proxy = open(&fal).await;
    let response = proxy.request("POST", RUN).send().await.expect("a response");
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert_eq!(&response.bytes().await.expect("a body")[..], b"\x1f\x8b");
    assert_eq!(fal.seen()[0].header("accept-encoding"), Some("identity"));
}

#[tokio::test]
async fn the_hook_sees_the_call() {
    let fal = Server::start(|_, _| Reply::json(200, "{}")).await;
    let (sender, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let builder = builder(&fal).endpoints(["**"]).uploads(true).authenticate(move |caller| {
        let debug = format!("{caller:?}");
        let endpoint = caller.endpoint().map(str::to_owned);
        let call =
            (caller.operation(), endpoint, caller.request_id().map(str::to_owned), caller.headers().len(), debug);
        sender.send(call).expect("a receiver");
        async { Ok(()) }
    });
    let proxy = Mounted::start(builder.build().expect("a proxy")).await;
    use fal_client::proxy::Operation;
    for (method, target, operation, endpoint, id) in [
        ("POST", "https://fal.run/acme/painter/stream", Operation::Run, Some("acme/painter/stream"), None),
        ("POST", "https://queue.fal.run/acme/painter", Operation::Submit, Some("acme/painter"), None),
        ("GET", "https://queue.fal.run/acme/p/requests/R1/status", Operation::Status, Some("acme/p"), Some("R1")),
        ("GET", "https://queue.fal.run/acme/p/requests/R1", Operation::Result, Some("acme/p"), Some("R1")),
        ("PUT", "https://queue.fal.run/acme/p/requests/R1/cancel", Operation::Cancel, Some("acme/p"), Some("R1")),
        ("POST", "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3", Operation::Upload, None, None),
    ] {
        let request = proxy.request(method, target).header("authorization", "Bearer a-session");
        assert_eq!(request.send().await.expect("a response").status().as_u16(), 200);
        let (found, found_endpoint, found_id, headers, debug) = seen.recv().await.expect("a call");
        assert_eq!((found, found_endpoint.as_deref(), found_id.as_deref()), (operation, endpoint, id));
        assert!(headers > 2 && !debug.contains("a-session"), "{debug}");
    }
}
