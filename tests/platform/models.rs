//! Models: filters, single models, OpenAPI documents and unknown ids.

use fal_client::platform::{EnterpriseStatus, License, Model, ModelKind, ModelStatus};
use futures_util::{StreamExt, TryStreamExt};
use serde_json::{Value, json};

use crate::server::{Reply, Server};
use crate::support::{error, platform, start, start_with, values};

#[tokio::test]
async fn filters_are_parameters() {
    let server = start_with(&[r#"{ "models": [] }"#]).await;
    let models = platform(&server).models().search("red fox").category("text-to-image").status(ModelStatus::Active);
    let models = models.openapi(true).enterprise_status(true).ids(["o/a", "o/b"]).limit(9);
    models.page().await.expect("a page");
    models.openapi(false).page().await.expect("a page");
    let lines = [
        "q=red+fox&category=text-to-image&status=active&expand=openapi-3.0&expand=enterprise_status&endpoint_id=o%2Fa&endpoint_id=o%2Fb&limit=9",
        "q=red+fox&category=text-to-image&status=active&expand=enterprise_status&endpoint_id=o%2Fa&endpoint_id=o%2Fb&limit=9",
    ];
    assert_eq!(server.lines(), lines.map(|query| format!("GET /api/v1/models?{query}")));
    assert!(server.seen().iter().all(|seen| seen.header("authorization").is_some_and(|key| key.starts_with("Key "))));
}

#[tokio::test]
async fn all_fields_are_read() {
    let server = start_with(&[r#"{ "models": [{ "endpoint_id": "o/paint", "metadata": {
        "display_name": "Paint", "category": "text-to-image", "description": "Paints.", "status": "active",
        "tags": ["new", 3], "updated_at": "2026-05-06T07:08:09Z", "date": "2026-01-01", "is_favorited": null,
        "thumbnail_url": "https://x.example/t.png", "model_url": "https://fal.run/o/paint", "license_type": "commercial",
        "group": { "key": "g", "label": "G" }, "highlighted": false, "pinned": false, "kind": "inference",
        "training_endpoint_ids": ["o/train"], "stream_url": "https://fal.run/o/paint/stream", "duration_estimate": "1.5" },
        "openapi": { "openapi": "3.0.4", "maximum": 18446744073709551616, "error": null }, "enterprise_status": "ready" }] }"#])
    .await;
    let model = platform(&server).model("o/paint").await.expect("a model");
    let metadata = model.metadata.expect("metadata");
    assert_eq!(metadata.display_name, "Paint");
    assert_eq!(metadata.status, Some(ModelStatus::Active));
    assert_eq!(metadata.tags, ["new", "3"]);
    assert_eq!(metadata.date.expect("a date").as_str(), "2026-01-01");
    assert_eq!((metadata.is_favorited, metadata.github_url), (None, None));
    assert_eq!((metadata.license_type, metadata.kind), (Some(License::Commercial), Some(ModelKind::Inference)));
    assert_eq!(metadata.group.expect("a group").label, "G");
    assert_eq!((metadata.training_endpoint_ids, metadata.duration_estimate), (vec!["o/train".to_owned()], Some(1.5)));
    let document = model.openapi.expect("expanded").expect("a document");
    assert!(document.as_str().contains("18446744073709551616"), "the text is as fal sent it");
    assert_eq!(document.to_value().expect("JSON")["openapi"], "3.0.4");
    assert_eq!(model.enterprise_status, Some(Ok(EnterpriseStatus::Ready)));
}

#[tokio::test]
async fn failed_expansions_are_errors_of_their_model() {
    let page = json!({ "models": [
        { "endpoint_id": "o/a", "openapi": { "error": { "code": "expansion_failed", "message": "no schema" } } },
        { "endpoint_id": "o/b", "openapi": { "openapi": "3.0.4", "paths": {} }, "enterprise_status": { "error": { "message": "x" } } },
        { "endpoint_id": "o/c", "openapi": null, "enterprise_status": "soon" },
        { "endpoint_id": "o/d", "openapi": "no", "metadata": { "status": "retired" } },
        { "endpoint_id": "o/e", "openapi": { "openapi": "3.0.4", "error": "a document with this key" } },
    ] });
    let server = start_with(&[&page.to_string()]).await;
    let models = platform(&server).models().openapi(true).page().await.expect("a page").items;
    let [a, b, c, d, e] = &models[..] else { panic!("{models:?}") };
    let error = a.openapi.as_ref().expect("expanded").as_ref().expect_err("an error");
    assert_eq!(error.to_string(), "expansion_failed: no schema");
    assert!(matches!(&b.openapi, Some(Ok(document)) if document.as_str().contains("paths")));
    assert!(matches!(&b.enterprise_status, Some(Err(error)) if error.message == "x"));
    assert_eq!((&c.openapi, &c.enterprise_status), (&None, &Some(Ok(EnterpriseStatus::other("soon")))));
    assert_eq!(d.metadata.as_ref().and_then(|metadata| metadata.status.clone()), Some(ModelStatus::other("retired")));
    assert!(d.openapi.is_none() && matches!(&e.openapi, Some(Ok(_))));
}

#[tokio::test]
async fn deep_documents_are_kept_as_text() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let server = start_with(&[&format!(
        r#"{{ "models": [{{ "endpoint_id": "o/a", "openapi": {{ "openapi": "3", "x": {deep} }} }}] }}"#
    )])
    .await;
    let model = platform(&server).models().openapi(true).page().await.expect("a page").items.remove(0);
    let document = model.openapi.expect("expanded").expect("a document");
    assert!(document.as_str().contains(&deep) && document.to_value().is_err());
}

#[tokio::test]
async fn an_unknown_model_is_not_found() {
    let server = Server::start(|index, _| match index {
        0 => Reply::json(404, &error("not_found", "Endpoint o/a not found")),
        1 => Reply::json(200, r#"{ "models": [] }"#),
        _ => Reply::json(200, r#"{ "models": [{ "endpoint_id": "o/other" }] }"#),
    })
    .await;
    let platform = platform(&server);
    let error = platform.model("o/a").await.expect_err("unknown");
    assert!(error.is_not_found() && error.to_string().contains("Endpoint o/a not found"), "{error}");
    for _ in 0..2 {
        let error = platform.model("o/a").await.expect_err("unknown");
        assert!(error.is_not_found() && !error.is_retryable(), "{error:?}");
        assert_eq!(error.to_string(), "unknown endpoints: `o/a`; check their ids");
    }
}

/// Knows all models of 120 but 7 and 93.
fn known(id: &str) -> bool {
    id != "o/m7" && id != "o/m93"
}

#[tokio::test]
async fn unknown_ids_are_named_after_the_known_models() {
    let all: Vec<String> = (0..120).map(|index| format!("o/m{index}")).collect();
    let absent = start(|_, seen| {
        let ids = values(seen, "endpoint_id").into_iter().filter(|id| known(id));
        json!({ "models": ids.map(|id| json!({ "endpoint_id": id })).collect::<Vec<Value>>() })
    })
    .await;
    let rejected = Server::start(|_, seen| {
        let ids = values(seen, "endpoint_id");
        match ids.iter().all(|id| known(id)) {
            true => {
                let models: Vec<Value> = ids.iter().map(|id| json!({ "endpoint_id": id })).collect();
                Reply::json(200, &json!({ "models": models }).to_string())
            }
            false => Reply::json(404, &error("not_found", "some endpoints do not exist")),
        }
    })
    .await;
    for server in [absent, rejected] {
        let results: Vec<_> = platform(&server).models().ids(&all).stream().collect().await;
        let (last, models) = results.split_last().expect("results");
        let found: Vec<&str> = models.iter().flatten().map(|model| &*model.endpoint_id).collect();
        let expected: Vec<&str> = all.iter().map(|id| &**id).filter(|id| known(id)).collect();
        assert_eq!(found, expected);
        let error = last.as_ref().expect_err("unknown ids");
        assert!(error.is_not_found());
        assert_eq!(error.to_string(), "unknown endpoints: `o/m7`, `o/m93`; check their ids");
        let known: Vec<Model> =
            platform(&server).models().ids(&all).skip_unknown(true).stream().try_collect().await.expect("models");
        assert_eq!(known.len(), 118);
        assert!(server.seen().len() < 60, "{} requests", server.seen().len());
    }
}

#[tokio::test]
async fn filtered_ids_are_not_unknown() {
    let server = start_with(&[r#"{ "models": [{ "endpoint_id": "o/a" }] }"#]).await;
    let models = platform(&server).models().ids(["o/a", "o/b"]).category("training").stream();
    let models: Vec<Model> = models.try_collect().await.expect("models");
    assert_eq!(models.len(), 1);
}
