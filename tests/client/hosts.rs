//! The hosts of a client, and requests that tell if they are reachable.

use std::time::{Duration, SystemTime};

use fal_client::{Client, ErrorKind};

use crate::support::server::{KEY, Reply, Server};
use crate::support::unreachable::Unreachable;

fn client(variables: &[(&str, &str)]) -> Client {
    let find = |name: &str| variables.iter().find(|(found, _)| *found == name).map(|(_, value)| value.to_string());
    Client::builder().key(KEY).env_from(find).allow_http(true).build().expect("a client")
}

fn urls(client: &Client) -> Vec<(&'static str, String)> {
    client.hosts().into_iter().map(|host| (host.name, host.url)).collect()
}

#[test]
fn hosts_are_those_of_the_settings() {
    let own = |name, host: &str| (name, format!("https://{host}/"));
    assert_eq!(
        urls(&client(&[])),
        [
            own("run", "fal.run"),
            own("queue", "queue.fal.run"),
            own("ws", "ws.fal.run"),
            own("rest", "rest.fal.ai"),
            own("api", "api.fal.ai"),
            own("cdn", "v3.fal.media"),
        ]
    );
    let gateway = client(&[("FAL_RUN_HOST", "gateway.example"), ("FAL_REST_HOST", "https://gateway.example/rest")]);
    assert_eq!(
        urls(&gateway),
        [
            own("run", "gateway.example"),
            own("queue", "queue.gateway.example"),
            own("ws", "ws.gateway.example"),
            ("rest", "https://gateway.example/rest".to_owned()),
            own("api", "api.fal.ai"),
        ]
    );
    let cdn = client(&[("FAL_CDN_V3_HOST", "cdn.example")]);
    assert!(urls(&cdn).contains(&own("cdn", "cdn.example")));
}

#[test]
fn the_proxy_of_a_host_is_named_without_its_password() {
    let client =
        client(&[("HTTPS_PROXY", "http://mallory:pass%20word@proxy.example:3128"), ("NO_PROXY", "queue.fal.run")]);
    for host in client.hosts() {
        let proxy = host.proxy.map(|proxy| (proxy.variable, proxy.url));
        let expected = ("HTTPS_PROXY".to_owned(), "http://proxy.example:3128".to_owned());
        assert_eq!(proxy, (host.name != "queue").then_some(expected), "{}", host.name);
    }
}

#[tokio::test]
async fn any_response_shows_that_a_host_is_reachable() {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let server = Server::start(move |_, _| Reply::json(404, "{}").header("Date", date)).await;
    let hosts = ["FAL_RUN_HOST", "FAL_QUEUE_RUN_HOST"].map(|name| (name, server.base()));
    let client = client(&hosts);
    let probe = client.probe(&client.hosts()[0]).await.expect("a response");
    assert_eq!(probe.status, 404);
    assert_eq!(probe.date, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777)));
    let seen = server.seen();
    assert!(seen.iter().all(|request| request.header("authorization").is_none()), "the key was sent");
}

#[tokio::test]
async fn an_unreachable_host_is_an_error() {
    let host = Unreachable::bind();
    let base = &*format!("http://{}", host.address());
    let client = client(&[("FAL_RUN_HOST", base), ("FAL_QUEUE_RUN_HOST", base)]);
    let error = client.probe(&client.hosts()[0]).await.expect_err("unreachable");
    assert_eq!(error.kind(), ErrorKind::Connect);
}
