//! Documents of single endpoints, which fal's website serves.

use fal_client::platform::Platform;
use fal_client::{Client, Error, ErrorKind};

use crate::server::{KEY, Reply, Server};

const DOCUMENT: &str = r#" { "openapi": "3.0.4", "info": { "maximum": 18446744073709551616 } } "#;

fn platform(server: &Server) -> Platform {
    // A gateway's key must not reach the website either.
    let builder = Client::builder().env_from(|_| None).key(KEY).queue_host("queue.gateway.example");
    builder.site_host(format!("{}/site/", server.base())).build().expect("a client").platform()
}

async fn document(reply: Reply) -> Result<String, Error> {
    let server = Server::start(move |_, _| reply.clone()).await;
    let document = platform(&server).document("o/app/fast").await;
    document.map(|document| document.as_str().to_owned())
}

#[tokio::test]
async fn a_document_is_fetched_without_the_key() {
    let server = Server::start(|_, _| Reply::json(200, DOCUMENT)).await;
    let document = platform(&server).document("o/app/fast").await.expect("a document");
    assert_eq!(document.as_str(), DOCUMENT.trim());
    assert_eq!(server.lines(), ["GET /site/api/openapi/queue/openapi.json?endpoint_id=o%2Fapp%2Ffast"]);
    assert!(server.seen().iter().all(|seen| seen.header("authorization").is_none()));
}

#[tokio::test]
async fn endpoints_without_a_document_are_not_found() {
    for reply in [
        Reply::json(404, r#"{ "detail": "Endpoint o/app/fast not found" }"#),
        Reply::text(404, "text/html", "<h1>404</h1>"),
        Reply::json(200, " null\n"),
    ] {
        let error = document(reply).await.expect_err("no document");
        assert!(error.is_not_found() && !error.is_retryable(), "{error:?}");
    }
    let error = document(Reply::json(200, "null")).await.expect_err("no document");
    assert_eq!(error.to_string(), "fal has no document of `o/app/fast`");
}

#[tokio::test]
async fn other_responses_are_not_documents() {
    for body in ["", "[]", "3", "<html>", r#"{ "openapi": null }"#, r#"{ "detail": "no" }"#, "{"] {
        let error = document(Reply::json(200, body)).await.expect_err(body);
        assert_eq!(error.kind(), ErrorKind::UnexpectedResponse, "{body}: {error}");
        assert!(error.to_string().starts_with("document: fal returned no OpenAPI document"), "{error}");
    }
    let error =
        document(Reply::json(302, "").header("location", "https://other.example/")).await.expect_err("a redirect");
    assert!(error.to_string().contains("not followed"), "{error}");
    let error = document(Reply::json(200, "{").torn_of(70 << 20)).await.expect_err("too large");
    assert!(error.to_string().contains("exceeds the limit of 16777216 bytes"), "{error}");
}

#[tokio::test]
async fn invalid_ids_are_not_sent() {
    let server = Server::start(|_, _| Reply::json(200, DOCUMENT)).await;
    for id in ["", "o", "../o", "o/a?b", "o/a b", "https://fal.ai/models/o/a"] {
        let error = platform(&server).document(id).await.expect_err(id);
        assert_eq!(error.kind(), ErrorKind::EndpointId, "{id}: {error}");
    }
    assert_eq!(server.lines(), [""; 0]);
}
