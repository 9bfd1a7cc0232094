//! Failures between the proxy and fal. A request is sent once, whatever happens to it.

use fal_client::Client;
use fal_client::proxy::Proxy;

use crate::authority::Authority;
use crate::mounted::{Mounted, open};
use crate::server::{KEY, Reply, Server};
use crate::unreachable::Unreachable;

const RUN: &str = "https://fal.run/acme/painter";
const SUBMIT: &str = "https://queue.fal.run/acme/painter";
const STATUS: &str = "https://queue.fal.run/acme/painter/requests/R1/status";

/// Sends a request. Returns the status, the detail, and true if it is marked as safe to repeat.
async fn send(proxy: &Mounted, method: &str, target: &str) -> (u16, String, bool) {
    let response = proxy.request(method, target).send().await.expect("a response");
    let retryable = response.headers().get("x-fal-needs-retry").is_some_and(|value| value == "1");
    let status = response.status().as_u16();
    let body = response.bytes().await.expect("a body");
    let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    (status, body["detail"].as_str().unwrap_or_default().to_owned(), retryable)
}

async fn mount(client: Client) -> Mounted {
    Mounted::start(Proxy::builder(client).endpoints(["**"]).allow_anyone().build().expect("a proxy")).await
}

#[tokio::test]
async fn an_unreachable_fal_is_safe_to_try_again() {
    let closed = Unreachable::bind();
    let host = format!("http://{}", closed.address());
    let client = Client::builder().env_from(|_| None).key(KEY).run_host(&host).queue_host(&host);
    let proxy = mount(client.build().expect("a client")).await;
    for (method, target) in [("POST", RUN), ("POST", SUBMIT), ("GET", STATUS)] {
        let expected = (502, "the proxy cannot connect to fal".to_owned(), true);
        assert_eq!(send(&proxy, method, target).await, expected, "{target}");
    }
}

#[tokio::test]
async fn a_lost_connection_is_not_retried() {
    let fal = Server::start(|_, _| Reply::dropped()).await;
    let proxy = open(&fal).await;
    let uncertain = "the connection to fal was lost; the request may have been accepted and billed";
    for (number, (method, target, status, detail, retryable)) in [
        ("POST", RUN, 500, uncertain, false),
        ("POST", SUBMIT, 500, uncertain, false),
        ("GET", STATUS, 502, "the connection to fal was lost", true),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(send(&proxy, method, target).await, (status, detail.to_owned(), retryable), "{target}");
        assert_eq!(fal.seen().len(), number + 1);
    }
}

#[tokio::test]
async fn errors_of_fal_are_returned_and_not_retried() {
    for status in [401, 404, 409, 422, 429, 500, 502, 503, 504] {
        let fal = Server::start(move |_, _| Reply::json(status, r#"{"detail":"fal's own words"}"#)).await;
        let proxy = open(&fal).await;
        assert_eq!(send(&proxy, "POST", RUN).await, (status, "fal's own words".to_owned(), false));
        assert_eq!(fal.seen().len(), 1);
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let other = Server::start(|_, _| Reply::json(200, "{}")).await;
    let location = format!("{}/acme/painter", other.base());
    let fal = Server::start(move |_, _| Reply::json(307, "{}").header("location", &location)).await;
    let proxy = open(&fal).await;
    let detail = "fal redirected the request, which is not followed".to_owned();
    assert_eq!(send(&proxy, "POST", RUN).await, (502, detail, false));
    assert_eq!((fal.seen().len(), other.seen().len()), (1, 0));
}

#[tokio::test]
async fn a_truncated_response_breaks_off() {
    let fal = Server::start(|_, _| Reply::json(200, r#"{"a":"#).torn()).await;
    let proxy = open(&fal).await;
    let response = proxy.request("POST", RUN).send().await.expect("a head");
    response.bytes().await.expect_err("a truncated body");
}

#[tokio::test]
async fn a_missing_key_of_the_server_is_its_own_error() {
    let fal = Server::start(|_, _| Reply::json(200, "{}")).await;
    let builder = fal.builder().key_provider(async || Err::<String, _>("the vault at vault.example is closed"));
    let proxy = mount(builder.build().expect("a client")).await;
    let expected = (500, "the proxy is not set up: it has no usable key".to_owned(), false);
    assert_eq!(send(&proxy, "POST", RUN).await, expected);
    assert_eq!(fal.seen().len(), 0);
}

#[tokio::test]
async fn fals_backup_host_gets_the_same_request_once() {
    let (closed, authority) = (Unreachable::bind(), Authority::new());
    let backup = Server::start_tls(authority.acceptor.clone(), |_, _| Reply::json(200, r#"{"detail":"backup"}"#)).await;
    let proxy = mount(authority.client(closed.address(), backup.address())).await;
    for (number, (method, target)) in [("POST", RUN), ("POST", SUBMIT), ("GET", STATUS)].into_iter().enumerate() {
        assert_eq!(send(&proxy, method, target).await, (200, "backup".to_owned(), false));
        assert_eq!(backup.seen().len(), number + 1);
    }
    let seen = backup.seen();
    assert_eq!((seen[0].header("host"), &seen[0].body[..]), (Some("falrun.com"), &b"{}"[..]));
    assert_eq!((seen[1].header("host"), &seen[1].body[..]), (Some("queue.falrun.com"), &b"{}"[..]));

    let lost = Server::start_tls(authority.acceptor.clone(), |_, _| Reply::dropped()).await;
    let proxy = mount(authority.client(closed.address(), lost.address())).await;
    assert_eq!(send(&proxy, "POST", RUN).await.0, 500);
    assert_eq!(lost.seen().len(), 1);
    let proxy = mount(authority.client(closed.address(), closed.address())).await;
    assert_eq!(send(&proxy, "POST", RUN).await, (502, "the proxy cannot connect to fal".to_owned(), true));
}

#[tokio::test]
async fn a_proxy_can_be_behind_another() {
    let fal = Server::start(|_, _| Reply::json(200, r#"{"detail":"fal"}"#)).await;
    let outer = open(&fal).await;
    let client = Client::builder().env_from(|_| None).proxy_url(outer.url()).build().expect("a client");
    let inner = mount(client).await;
    assert_eq!(send(&inner, "POST", RUN).await, (200, "fal".to_owned(), false));
    assert_eq!(fal.lines(), ["POST /run/acme/painter"]);
    assert_eq!(fal.seen()[0].header("authorization"), Some(&*format!("Key {KEY}")));
}
