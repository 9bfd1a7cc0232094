//! The list of models: `/models`.

use fal_emulator::{Emulator, ModelEntry};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fal::{Fal, INPAINTING, document, send};

const REDUX: &str = "fal-ai/flux/dev/redux";

fn ids(page: &Value) -> Vec<&str> {
    page["models"].as_array().unwrap().iter().map(|model| model["endpoint_id"].as_str().unwrap()).collect()
}

/// Starts an emulator of `count` endpoints.
async fn many(count: usize) -> Fal {
    let documents =
        (0..count).map(|index| document(&format!("me/app/n{index:04}"), &json!({}), &json!({}), &json!({})));
    Fal::start(documents.fold(Emulator::builder(), |builder, document| builder.document(document))).await
}

#[tokio::test]
async fn models_have_metadata() {
    let fal = Fal::instant().await;
    let page = fal.platform("/models").await.body;
    assert_eq!(ids(&page), fal.endpoints().collect::<Vec<_>>());
    assert_eq!((&page["has_more"], &page["next_cursor"]), (&json!(false), &Value::Null));
    let model = page["models"].as_array().unwrap().iter().find(|model| model["endpoint_id"] == INPAINTING).unwrap();
    let metadata = &model["metadata"];
    assert_eq!(metadata["display_name"], "Fast Sdxl Controlnet Canny Inpainting");
    assert_eq!((&metadata["status"], &metadata["is_favorited"]), (&json!("active"), &json!(false)));
    for name in ["category", "description", "updated_at", "thumbnail_url", "model_url", "date"] {
        assert!(metadata[name].is_string(), "{name}");
    }
    assert!(model.get("openapi").is_none() && model.get("enterprise_status").is_none());
    let thumbnail = metadata["thumbnail_url"].as_str().unwrap().strip_prefix(fal.base_url()).unwrap();
    assert_eq!(send(fal.anonymous(Method::GET, thumbnail)).await.status, 200);
}

#[tokio::test]
async fn key_is_optional_for_models() {
    let fal = Fal::start(Emulator::builder().key("id:secret")).await;
    let path = format!("/api.fal.ai/v1/models?endpoint_id={INPAINTING}");
    let reply = send(fal.anonymous(Method::GET, &path)).await;
    assert_eq!((reply.status, &reply.body["models"][0]["metadata"]["is_favorited"]), (200, &Value::Null));
    let reply = send(fal.anonymous(Method::GET, &path).header("authorization", "Key wrong")).await;
    assert_eq!(reply.error(), (401, "authorization_error"));
}

#[tokio::test]
async fn searches_are_filters() {
    let fal = Fal::instant().await;
    fal.set_model(REDUX, ModelEntry::default().deprecated());
    for (query, expected) in [
        ("q=REDUX", vec![REDUX]),
        ("q=canny+inpaint", vec![INPAINTING]),
        ("q=canny+redux", vec![]),
        ("status=deprecated", vec![REDUX]),
        ("status=active&q=redux", vec![]),
        ("category=none", vec![]),
        (&format!("endpoint_id={INPAINTING}&endpoint_id={REDUX}&q=flux"), vec![REDUX]),
        (&format!("endpoint_id={INPAINTING}&endpoint_id=a/b"), vec![INPAINTING]),
    ] {
        assert_eq!(ids(&fal.platform(&format!("/models?{query}")).await.body), expected, "{query}");
    }
    let category =
        fal.platform(&format!("/models?endpoint_id={REDUX}")).await.body["models"][0]["metadata"]["category"].clone();
    let page = fal.platform(&format!("/models?category={}", category.as_str().unwrap())).await.body;
    assert!(ids(&page).contains(&REDUX));
}

#[tokio::test]
async fn invalid_searches_are_refused() {
    let fal = Fal::instant().await;
    let many = vec![format!("endpoint_id={INPAINTING}"); 51].join("&");
    for query in ["status=beta", "limit=0", "limit=-1", "limit=ten", "cursor=2", many.as_str()] {
        assert_eq!(fal.platform(&format!("/models?{query}")).await.error(), (400, "validation_error"), "{query}");
    }
    assert_eq!(fal.platform("/models?endpoint_id=a/b").await.error(), (404, "not_found"));
    assert_eq!(fal.platform("/no/such/path").await.error(), (404, "not_found"));
}

#[tokio::test]
async fn pages_follow_the_cursor() {
    let fal = many(120).await;
    for (query, sizes) in
        [("", [50, 50, 20].as_slice()), ("limit=120", &[120]), ("limit=5000", &[120]), ("limit=119", &[119, 1])]
    {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        for size in sizes {
            let page = fal.platform(&format!("/models?{query}{cursor}")).await.body;
            assert_eq!(ids(&page).len(), *size, "{query}");
            all.extend(ids(&page).into_iter().map(str::to_owned));
            assert_eq!(page["has_more"], page["next_cursor"].is_string());
            cursor = page["next_cursor"].as_str().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        }
        assert_eq!((cursor.as_str(), all), ("", fal.endpoints().map(str::to_owned).collect()), "{query}");
    }
}

#[tokio::test]
async fn pages_with_documents_have_ten_models_unless_ids_are_requested() {
    let fal = many(60).await;
    for query in ["", "&limit=50", "&q=app"] {
        let page = fal.platform(&format!("/models?expand=openapi-3.0{query}")).await.body;
        assert_eq!((ids(&page).len(), &page["next_cursor"]), (10, &json!("Mg==")), "{query}");
    }
    let ids_of_fifty: String = (0..50).map(|index| format!("&endpoint_id=me/app/n{index:04}")).collect();
    let page = fal.platform(&format!("/models?expand=openapi-3.0{ids_of_fifty}")).await.body;
    assert_eq!((ids(&page).len(), &page["has_more"]), (50, &json!(false)));
}

#[tokio::test]
async fn documents_can_be_served_by_another_emulator() {
    let fal = Fal::instant().await;
    let page = fal.platform("/models?expand=openapi-3.0&expand=enterprise_status").await.body;
    assert_eq!(page["models"][0]["enterprise_status"], "ready");
    let copy = Fal::start(Emulator::builder().document(page.to_string())).await;
    assert_eq!(copy.endpoints().collect::<Vec<_>>(), fal.endpoints().collect::<Vec<_>>());
    let again = copy.platform("/models?expand=openapi-3.0&expand=enterprise_status").await.body;
    for (copied, model) in again["models"].as_array().unwrap().iter().zip(page["models"].as_array().unwrap()) {
        assert_eq!(copied["openapi"], model["openapi"]);
    }
}

#[tokio::test]
async fn metadata_and_documents_can_be_missing() {
    let fal = Fal::instant().await;
    fal.set_model(REDUX, ModelEntry::default().without_metadata().without_document());
    let page = fal.platform(&format!("/models?endpoint_id={REDUX}&expand=openapi-3.0")).await.body;
    let model = &page["models"][0];
    assert_eq!((model["endpoint_id"].as_str(), model.get("metadata")), (Some(REDUX), None));
    assert_eq!(model["openapi"]["error"]["code"], "expansion_failed");
    assert!(model["openapi"]["error"]["message"].is_string());
}

#[tokio::test]
async fn the_website_has_documents_of_single_endpoints() {
    let fal = Fal::start(Emulator::builder().key("id:secret")).await;
    let document = async |id: &str| {
        let path = format!("/fal.ai/api/openapi/queue/openapi.json?endpoint_id={id}");
        send(fal.anonymous(Method::GET, &path)).await
    };
    let listed = fal.platform(&format!("/models?endpoint_id={REDUX}&expand=openapi-3.0")).await.body;
    let reply = document(REDUX).await;
    assert_eq!((reply.status, &reply.body), (200, &listed["models"][0]["openapi"]));
    fal.set_model(REDUX, ModelEntry::default().without_expansion());
    let failed = fal.platform(&format!("/models?endpoint_id={REDUX}&expand=openapi-3.0")).await.body;
    assert_eq!(failed["models"][0]["openapi"]["error"]["code"], "expansion_failed");
    assert_eq!(document(REDUX).await.status, 200);
    fal.set_model(REDUX, ModelEntry::default().without_document());
    for id in [REDUX, "fal-ai/none", ""] {
        assert_eq!(document(id).await.status, 404, "{id}");
    }
}

#[tokio::test]
async fn parameters_that_fal_ignores_are_mistakes() {
    let fal = Fal::instant().await;
    for (path, is_mistake) in [
        ("/models?expand=openapi-3.0&expand=enterprise_status&sort=recent&q=a", false),
        ("/models?expand[]=openapi-3.0", true),
        ("/models?expand=openapi", true),
        ("/models?search=a", true),
        ("/models/pricing?endpoint_id=a/b", false),
        ("/models/pricing?endpoint_ids=a/b", true),
        ("/models/usage?expand=summary&timeframe=day", false),
        ("/models/usage?from=2026-01-01", true),
        ("/models/requests/by-endpoint?endpoint_id=a/b&expand=payloads", false),
        ("/models/requests/by-endpoint?endpoint_id=a/b&since=2026-01-01", true),
        ("/account/billing?expand=credits", false),
        ("/account/billing?expand=balance", true),
        ("/meta", false),
        ("/meta?expand=all", true),
    ] {
        fal.platform(path).await;
        assert_eq!(fal.requests().pop().unwrap().mistake().is_some(), is_mistake, "{path}");
    }
}
