//! The hosts that requests go to.

use fal_client::{Client, ErrorKind};

use crate::server::{KEY, Reply, Server};
use crate::support::platform;

#[tokio::test]
async fn the_key_of_another_service_is_not_sent_to_fal() {
    let builder = Client::builder().env_from(|_| None).key(KEY).queue_host("queue.gateway.example");
    let client = builder.build().expect("a client").platform();
    for (result, setting) in [
        (client.models().page().await.map(drop), "api_host(…)"),
        (client.prices(["o/a"]).await.map(drop), "api_host(…)"),
        (client.estimate("o/a", 1).await.map(drop), "api_host(…)"),
        (client.usage().page().await.map(drop), "api_host(…)"),
        (client.requests(["o/a"]).page().await.map(drop), "api_host(…)"),
        (client.delete_payloads("r-1").await.map(drop), "api_host(…)"),
        (client.account().await.map(drop), "api_host(…)"),
        (client.lock_state().await.map(drop), "rest_host(…)"),
    ] {
        let error = result.expect_err("a missing host");
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains(setting), "{error}");
    }
}

#[tokio::test]
async fn a_server_proxy_receives_the_target_without_a_key() {
    let server = Server::start(|_, _| Reply::json(200, r#"{ "models": [], "is_locked": false }"#)).await;
    let builder = Client::builder().env_from(|_| None).proxy_url(format!("{}/proxy", server.base()));
    let platform = builder.build().expect("a client").platform();
    platform.models().search("fox").page().await.expect("a page");
    platform.lock_state().await.expect("a state");
    let seen = server.seen();
    let targets: Vec<_> = seen.iter().map(|seen| (seen.line(), seen.header("x-fal-target-url"))).collect();
    let expected = ["https://api.fal.ai/v1/models?q=fox", "https://rest.fal.ai/billing/user_details"];
    assert_eq!(targets, expected.map(|url| ("GET /proxy".to_owned(), Some(url))));
    assert!(seen.iter().all(|seen| seen.header("authorization").is_none()));
}

#[tokio::test]
async fn dropping_a_call_closes_its_connection() {
    let start = || Server::start(|_, _| Reply::json(200, "{").stalled());
    let server = start().await;
    server.hold_and_drop(platform(&server).account()).await;
    let server = start().await;
    server.hold_and_drop(platform(&server).delete_payloads("r-1")).await;
    let server = start().await;
    server.hold_and_drop(platform(&server).prices(["o/a"]).send()).await;
}
