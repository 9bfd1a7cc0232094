//! Clients of a server proxy: every request with the key goes to the proxy, with its real URL in a header.

use fal_client::{AuthScheme, Client, ClientBuilder, ErrorKind, FileInput, Repository, RetryPolicy, UploadPolicy};
use serde_json::json;

use crate::support::queue::COMPLETED;
use crate::support::server::{KEY, Reply, Seen, Server};
use crate::support::unreachable::Unreachable;

fn builder(proxy: &Server) -> ClientBuilder {
    Client::builder().env_from(|_| None).proxy_url(format!("{}/api/fal/proxy", proxy.base())).retry(RetryPolicy::none())
}

fn target(seen: &Seen) -> String {
    seen.header("x-fal-target-url").unwrap_or("no target").to_owned()
}

/// Starts a proxy before a queue that completes each request immediately.
async fn proxy() -> Server {
    Server::start(|_, seen| match target(seen) {
        url if seen.method == "PUT" && url.ends_with("/cancel") => {
            Reply::json(202, r#"{"status":"CANCELLATION_REQUESTED"}"#)
        }
        url if url.contains("/status/stream") => Reply::events(&[COMPLETED]),
        url if url.contains("/status") => Reply::json(200, COMPLETED),
        url if url.contains("/requests/") => Reply::json(200, r#"{"ok":1}"#),
        _ => Reply::json(200, r#"{"request_id":"R1"}"#),
    })
    .await
}

#[tokio::test]
async fn requests_go_to_the_proxy_with_their_real_url() {
    let proxy = proxy().await;
    let client = builder(&proxy).build().expect("a client");
    let endpoint = client.endpoint("fal-ai/flux/dev");
    endpoint.run(json!({ "prompt": "a fox" })).await.expect("a response");
    endpoint.submit(json!({})).webhook("https://app.example/?a=b").await.expect("a job");
    endpoint.wait("R1").await.expect("a response");
    endpoint.status("R1").logs(true).await.expect("a status");
    endpoint.cancel("R1").await.expect("an outcome");
    let seen = proxy.seen();
    let lines: Vec<_> = seen.iter().map(|seen| format!("{} {}", seen.method, target(seen))).collect();
    assert_eq!(
        lines,
        [
            "POST https://fal.run/fal-ai/flux/dev",
            "POST https://queue.fal.run/fal-ai/flux/dev?fal_webhook=https%3A%2F%2Fapp.example%2F%3Fa%3Db",
            "GET https://queue.fal.run/fal-ai/flux/requests/R1/status/stream?logs=0",
            "GET https://queue.fal.run/fal-ai/flux/requests/R1",
            "GET https://queue.fal.run/fal-ai/flux/requests/R1/status?logs=1",
            "PUT https://queue.fal.run/fal-ai/flux/requests/R1/cancel",
        ]
    );
    assert!(seen.iter().all(|seen| seen.target == "/api/fal/proxy" && seen.header("authorization").is_none()));
    assert_eq!(seen[0].json(), json!({ "prompt": "a fox" }));
    assert_eq!(seen[2].header("accept"), Some("text/event-stream"));
    assert_eq!(seen[5].header("content-length"), Some("0"));
}

#[tokio::test]
async fn the_key_of_the_environment_is_not_sent_to_the_proxy() {
    let proxy = proxy().await;
    let variable = |name: &str| (name == "FAL_KEY").then(|| KEY.to_owned());
    let client = builder(&proxy).env_from(variable).build().expect("a client");
    client.endpoint("a/b").run(json!({})).await.expect("a response");
    let client = builder(&proxy).key("a-session-of-the-app").auth_scheme(AuthScheme::Bearer).env_from(variable);
    let client = client.header("x-team", "research").build().expect("a client");
    client.endpoint("a/b").run(json!({})).await.expect("a response");
    let headers = |index: usize| {
        let seen = &proxy.seen()[index];
        (seen.header("authorization").map(str::to_owned), seen.header("x-team").map(str::to_owned))
    };
    assert_eq!(headers(0), (None, None));
    assert_eq!(headers(1), (Some("Bearer a-session-of-the-app".to_owned()), Some("research".to_owned())));
}

#[tokio::test]
async fn files_are_uploaded_with_signed_urls_past_the_proxy() {
    let storage = Server::start(|_, _| Reply::json(200, "{}")).await;
    let base = storage.base().to_owned();
    let proxy = Server::start(move |_, _| {
        let urls =
            json!({ "upload_url": format!("{base}/put?signature=s"), "file_url": "https://v3.fal.media/files/x" });
        Reply::json(200, &urls.to_string())
    })
    .await;
    for policy in [UploadPolicy::default(), UploadPolicy::default().repository(Repository::Gcs)] {
        let client = builder(&proxy).key(KEY).uploads(policy).upload_cache(false).build().expect("a client");
        let file = FileInput::bytes("hello", "text/plain");
        let file = client.storage().upload(file).await.expect("a file");
        assert_eq!(file.url, "https://v3.fal.media/files/x");
    }
    let initiate = "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3";
    assert_eq!(proxy.seen().iter().map(target).collect::<Vec<_>>(), [initiate, initiate]);
    assert_eq!(storage.lines(), ["PUT /put?signature=s", "PUT /put?signature=s"]);
    assert!(storage.seen().iter().all(|seen| seen.header("authorization").is_none() && target(seen) == "no target"));
}

#[tokio::test]
async fn a_refused_upload_has_no_fallback() {
    let proxy = Server::start(|_, _| Reply::json(500, r#"{"detail":"uploads are off"}"#)).await;
    let client = builder(&proxy).build().expect("a client");
    let error = client.storage().upload(FileInput::bytes("hello", "text/plain")).await.expect_err("a refusal");
    assert!(error.to_string().contains("uploads are off"), "{error}");
    assert_eq!(proxy.seen().len(), 1);
}

#[tokio::test]
async fn configured_hosts_are_the_targets() {
    let proxy = proxy().await;
    let builder = builder(&proxy).run_host("https://gateway.example/fal").queue_host("https://gateway.example/queue/");
    let client = builder.build().expect("a client");
    client.endpoint("a/b").run(json!({})).await.expect("a response");
    client.endpoint("a/b/c").submit(json!({})).await.expect("a job");
    let targets: Vec<_> = proxy.seen().iter().map(target).collect();
    assert_eq!(targets, ["https://gateway.example/fal/a/b", "https://gateway.example/queue/a/b/c"]);
    let error = client.storage().upload(FileInput::bytes("hello", "text/plain")).await.expect_err("no REST host");
    assert_eq!((error.kind(), proxy.seen().len()), (ErrorKind::Configuration, 2), "{error}");
}

#[tokio::test]
async fn an_unreachable_proxy_is_named_and_has_no_backup() {
    let closed = Unreachable::bind();
    let address = closed.address();
    let builder = Client::builder().env_from(|_| None).proxy_url(format!("http://{address}/proxy"));
    let client = builder.retry(RetryPolicy::none()).build().expect("a client");
    let error = client.endpoint("a/b").run(json!({})).await.expect_err("no proxy");
    assert!(error.is_connect() && error.to_string().contains(&address.to_string()), "{error}");
    let hosts: Vec<_> = error.attempts().iter().map(|attempt| attempt.host.as_str()).collect();
    assert_eq!(hosts, ["127.0.0.1"]);
}

#[tokio::test]
async fn refusals_of_the_proxy_do_not_speak_of_the_key() {
    for (status, predicate) in
        [(401, fal_client::Error::is_unauthorized as fn(&_) -> bool), (403, fal_client::Error::is_permission_denied)]
    {
        let proxy = Server::start(move |_, _| Reply::json(status, r#"{"detail":"sign in first"}"#)).await;
        let client = builder(&proxy).build().expect("a client");
        let error = client.endpoint("a/b").run(json!({})).await.expect_err("a refusal");
        let text = error.to_string();
        assert!(predicate(&error) && text.contains("the proxy") && text.contains("sign in first"), "{text}");
        assert!(!text.contains("FAL_KEY") && !text.contains("dashboard") && !text.contains("API key"), "{text}");
    }
}

#[test]
fn invalid_proxy_urls_are_rejected() {
    for url in ["", "ftp://app.example", "https://user:pa55@app.example/", "https://app.example/?a=b", "/api/fal/proxy"]
    {
        let error = Client::builder().proxy_url(url).build().expect_err(url);
        let text = format!("{error} {error:?}");
        assert!(error.kind() == ErrorKind::Configuration && text.contains("proxy URL"), "{text}");
        assert!(!text.contains("pa55"), "{text}");
    }
    let plain = || Client::builder().key(KEY).proxy_url("http://app.example/api/fal/proxy");
    assert_eq!(plain().build().expect_err("without TLS").kind(), ErrorKind::Configuration);
    plain().allow_http(true).build().expect("a client");
}

#[test]
fn the_target_cannot_be_set_as_a_header() {
    let error = Client::builder().key(KEY).header("X-Fal-Target-Url", "https://evil.example").build();
    assert!(error.expect_err("a reserved header").to_string().contains("proxy_url"));
}
