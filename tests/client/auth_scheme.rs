//! The scheme of the header `Authorization`, for gateways before fal.

use fal_client::{AuthScheme, FileInput, Repository, UploadPolicy};
use serde_json::json;

use crate::support::queue::{COMPLETED, operation};
use crate::support::server::{KEY, Reply, Seen, Server};

async fn gateway() -> Server {
    Server::start(|_, seen| match operation(seen) {
        "stream" => Reply::events(&[COMPLETED]),
        "status" => Reply::json(200, COMPLETED),
        "cancel" => Reply::json(202, r#"{"status":"CANCELLATION_REQUESTED"}"#),
        _ => Reply::json(200, r#"{"request_id":"R1"}"#),
    })
    .await
}

fn authorizations(server: &Server) -> Vec<Option<String>> {
    server.seen().iter().map(|seen: &Seen| seen.header("authorization").map(str::to_owned)).collect()
}

#[tokio::test]
async fn every_request_has_the_scheme() {
    for (scheme, name) in [(AuthScheme::default(), "Key"), (AuthScheme::Key, "Key"), (AuthScheme::Bearer, "Bearer")] {
        let gateway = gateway().await;
        let provided = gateway.builder().key_provider(async || Ok::<_, std::io::Error>(format!(" {KEY}\n")));
        for builder in [gateway.builder().auth_scheme(scheme), provided.auth_scheme(scheme)] {
            let client = builder.build().expect("a client");
            client.endpoint("a/b").run(json!({})).await.expect("a response");
            client.endpoint("a/b").subscribe(json!({})).await.expect("a response");
            client.endpoint("a/b").cancel("R1").await.expect("an outcome");
            let debug = format!("{client:?} {:?}", gateway.builder().auth_scheme(scheme));
            assert!(!debug.contains(KEY), "{debug}");
        }
        let expected = Some(format!("{name} {KEY}"));
        assert!(authorizations(&gateway).iter().all(|sent| *sent == expected), "{:?}", authorizations(&gateway));
    }
}

#[tokio::test]
async fn an_anonymous_client_sends_no_scheme() {
    let gateway = gateway().await;
    let builder = gateway.builder().anonymous().auth_scheme(AuthScheme::Bearer).header("x-api-key", "gateway-key-1");
    let client = builder.build().expect("a client");
    client.endpoint("a/b").run(json!({})).await.expect("a response");
    assert_eq!(authorizations(&gateway), [None]);
    assert_eq!(gateway.seen()[0].header("x-api-key"), Some("gateway-key-1"));
}

#[tokio::test]
async fn a_signed_url_gets_no_key_whatever_the_scheme() {
    let server = Server::start(|_, seen| match seen.method.as_str() {
        "PUT" => Reply::json(200, "{}"),
        _ => {
            let host = seen.header("host").unwrap_or_default();
            Reply::json(
                200,
                &json!({ "upload_url": format!("http://{host}/put"), "file_url": "https://x.example/" }).to_string(),
            )
        }
    })
    .await;
    let policy = UploadPolicy::default().repository(Repository::Signed);
    let client = server.builder().auth_scheme(AuthScheme::Bearer).uploads(policy).build().expect("a client");
    client.storage().upload(FileInput::bytes("hello", "text/plain")).await.expect("a file");
    assert_eq!(authorizations(&server), [Some(format!("Bearer {KEY}")), None]);
}
