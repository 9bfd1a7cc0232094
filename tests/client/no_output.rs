//! Responses with a status of success that are not outputs.

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::{Endpoint, Error, ErrorKind, ErrorType, Image, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::server::{Reply, Server};

/// Runs an endpoint whose response is the body.
async fn run<O: DeserializeOwned + Send + 'static>(body: &str) -> Result<Response<O>, Error> {
    let reply = Reply::json(200, body).header("x-fal-request-id", "R1");
    let server = Server::start(move |_, _| reply.clone()).await;
    server.client().endpoint(Endpoint::<Value, O>::new("a/b")).run(json!({})).await
}

async fn refused<O: DeserializeOwned + Send + 'static>(body: &str) -> Error {
    let error = run::<O>(body).await.map(|response| response.body).expect_err(body);
    assert_eq!((error.request_id(), error.body().map(|body| &body[..])), (Some("R1"), Some(body.as_bytes())), "{body}");
    assert_eq!((error.status().map(|status| status.as_u16()), error.is_retryable()), (Some(200), false), "{body}");
    error
}

/// Bodies that are errors of the service, each with its words.
const ERRORS: [(&str, &str); 13] = [
    (r#"{"error":"flagged","images":null,"seed":null}"#, "flagged"),
    (r#"{"ok":false,"error":"not today"}"#, "not today"),
    (r#"{"message":"no balance","code":402}"#, "no balance"),
    (r#"{"type":"about:blank","title":"Out of credit","status":403}"#, "Out of credit"),
    (r#"{"status":"in_queue","queue_position":1}"#, "in_queue"),
    (r#"{"detail":[{"loc":["body","prompt"],"msg":"flagged","type":"content_policy_violation"}]}"#, "flagged"),
    (r#"{"error":{"message":"no money","type":"payment_required"}}"#, "no money"),
    (r#"{"status":"IN_PROGRESS","request_id":"R1"}"#, "IN_PROGRESS"),
    (r#"{"detail":"Path /text-to-video not found"}"#, "Path /text-to-video not found"),
    (r#"{"detail":"Request timed out","error_type":"request_timeout"}"#, "Request timed out"),
    (r#"{"error":"upstream is down","code":502}"#, "upstream is down"),
    (r#"{"status":"error","message":"no face found"}"#, "no face found"),
    (r#"{"success":false,"message":"the queue is closed"}"#, "the queue is closed"),
];

#[tokio::test]
async fn an_error_of_the_service_is_not_an_output_of_any_type() {
    #[derive(Debug, Deserialize)]
    struct Plain {
        #[serde(default)]
        _images: Vec<Value>,
    }
    for (body, words) in ERRORS {
        for error in [
            refused::<redux::Output>(body).await,
            refused::<Optional>(body).await,
            refused::<Value>(body).await,
            refused::<Plain>(body).await,
        ] {
            assert_eq!(error.kind(), ErrorKind::Service, "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
    }
    let error = refused::<redux::Output>(ERRORS[5].0).await;
    assert_eq!(error.error_type(), Some(&ErrorType::ContentPolicyViolation));
    assert_eq!(error.field_errors()[0].path(), "prompt");
    assert_eq!(refused::<Value>(ERRORS[9].0).await.error_type(), Some(&ErrorType::RequestTimeout));
}

#[tokio::test]
async fn an_object_without_any_required_field_is_not_an_output() {
    for body in [
        "{}",
        r#"{"added":1}"#,
        r#"{"images":null,"timings":null}"#,
        r#"{"result":{"images":[{"url":"https://e.com/a.png"}]}}"#,
        r#"{"data":[],"message":"ok"}"#,
        r#"{"status":"COMPLETED","request_id":"R1","logs":[]}"#,
    ] {
        let error = refused::<redux::Output>(body).await;
        assert_eq!(error.kind(), ErrorKind::UnexpectedResponse, "{error}");
        assert!(error.to_string().contains("`images`"), "{error}");
    }
    // An error next to unknown fields.
    let error = refused::<redux::Output>(r#"{"detail":"flagged","trace":"t"}"#).await;
    assert!(error.kind() == ErrorKind::Service && error.to_string().contains("flagged"), "{error}");
}

#[tokio::test]
async fn an_output_that_shows_nothing_of_its_media_is_an_error() {
    for body in [
        r#"{"images":5,"seed":7}"#,
        r#"{"images":[5,null],"seed":7,"prompt":"p"}"#,
        r#"{"images":"not yet","seed":7}"#,
        r#"{"images":{"detail":"flagged"},"seed":7}"#,
        r#"{"images":[{"detail":"flagged"}],"seed":7}"#,
    ] {
        let error = refused::<redux::Output>(body).await;
        assert!(error.kind() == ErrorKind::UnexpectedResponse && error.to_string().contains("images"), "{error}");
    }
    for body in [
        r#"{"image":null,"seed":7}"#,
        r#"{"seed":7}"#,
        r#"{"image":{"error":"x"},"seed":7}"#,
        r#"{"image":[],"seed":7}"#,
    ] {
        let error = refused::<Required>(body).await;
        assert!(error.to_string().contains("image"), "{error}");
    }
}

#[tokio::test]
async fn missing_names_required_fields_that_are_absent() {
    let missing = async |body| run::<redux::Output>(body).await.expect(body).missing().to_vec();
    let whole = r#"{"images":[{"url":"u"}],"timings":{},"seed":7,"has_nsfw_concepts":[],"prompt":""}"#;
    assert_eq!(missing(whole).await, [""; 0]);
    assert_eq!(missing(r#"{"images":[]}"#).await, ["timings", "seed", "has_nsfw_concepts", "prompt"]);
    let nulls = r#"{"images":null,"timings":{"a":1},"seed":null,"has_nsfw_concepts":[],"prompt":"p"}"#;
    assert_eq!(missing(nulls).await, ["images", "seed"]);
    let nested =
        r#"{"images":[{"url":"u"},{"width":3},{"url":null}],"timings":{},"seed":7,"has_nsfw_concepts":[],"prompt":""}"#;
    assert_eq!(missing(nested).await, ["images[1].url", "images[2].url"]);

    let response = run::<Required>(r#"{"image":{"url":"u"},"mask":null,"seed":7}"#).await.expect("an output");
    assert_eq!(
        (response.missing(), &*response.data.image.url, &*response.data.mask.url),
        (&["mask".to_owned()][..], "u", "")
    );
    let untyped = run::<Value>("{}").await.expect("an output");
    assert_eq!((untyped.missing().len(), untyped.skipped().len()), (0, 0));
}

#[tokio::test]
async fn outputs_without_required_fields_may_be_empty() {
    for body in ["{}", r#"{"added":1}"#, r#"{"image":{"url":"u"},"error":"partial"}"#, r#"{"error_count":0}"#] {
        run::<Optional>(body).await.expect(body);
    }
    for body in [r#"{"detail":"flagged","trace":"t"}"#, r#"{"trace":"t","error":{"message":"flagged"}}"#] {
        assert!(refused::<Optional>(body).await.to_string().contains("flagged"));
    }
    let declared = run::<Declared>(r#"{"error":"no face found","status":"error"}"#).await.expect("declared fields");
    assert_eq!(declared.data.error.as_deref(), Some("no face found"));
}

#[tokio::test]
async fn an_untyped_object_with_other_keys_is_an_output() {
    for body in [
        r#"{"message":"hello"}"#,
        r#"{"output":"a","error":"partial"}"#,
        r#"{"status":"done"}"#,
        r#"{"code":500}"#,
        r#"{"images":[],"error":"partial"}"#,
        r#"{"error":"partial","output":"a"}"#,
        r#"{"message":"hello","status":200}"#,
        "{}",
        "[1]",
        "7",
    ] {
        let response = run::<Value>(body).await.expect(body);
        assert_eq!(response.data, serde_json::from_str::<Value>(body).expect("JSON"));
    }
}

/// An output that must have two objects.
#[fal_client::output]
pub struct Required {
    /// The image.
    pub image: Image,
    /// The mask.
    pub mask: Image,
    /// The seed.
    #[field(required)]
    pub seed: Option<i64>,
}

/// An output without required fields.
#[fal_client::output]
pub struct Optional {
    /// The image.
    pub image: Option<Image>,
}

/// An output that declares the fields of an error.
#[fal_client::output]
pub struct Declared {
    /// The error.
    pub error: Option<String>,
    /// The status.
    pub status: Option<String>,
}
