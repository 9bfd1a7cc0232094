//! Workflows: from their definition, and from a document with the id of one.

use fal_emulator::{Emulator, Error, Fault, Operation, Pace};
use futures_util::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};

use crate::fal::{Event, Fal, document, events, object};

const ID: &str = "workflows/mia/portrait";
const ROUTER: &str = "openrouter/router";
const REDUX: &str = "fal-ai/flux/dev/redux";

/// A workflow that writes a text, and makes variants of an image.
fn definition() -> Value {
    json!({
        "name": "portrait",
        "title": "Portraits",
        "user_nickname": "mia",
        "contents": {
            "nodes": {
                "shown": { "type": "display", "id": "shown", "depends": ["vary"], "fields": {} },
                "vary": {
                    "type": "run",
                    "depends": ["input", "write"],
                    "app": REDUX,
                    "input": { "image_url": "$input.photo", "num_images": "$input.count", "seed": 7 }
                },
                "write": {
                    "type": "run",
                    "depends": ["input"],
                    "app": ROUTER,
                    "input": { "prompt": "$input.subject", "model": "shop/writer" }
                }
            },
            "output": { "caption": "$write.output", "image": "$vary.images.0", "urls": ["$vary.images.1.url"] },
            "schema": {
                "input": {
                    "photo": { "name": "photo", "label": "Photo", "type": "string", "required": true },
                    "subject": { "name": "subject", "type": "string", "required": true },
                    "count": { "name": "count", "type": "integer", "maximum": 4 }
                },
                "output": { "caption": { "type": "string" }, "image": {}, "urls": {} }
            }
        }
    })
}

fn input() -> Value {
    json!({ "photo": "https://example.com/me.png", "subject": "me", "count": 2 })
}

async fn serving(definition: &Value) -> Fal {
    Fal::start(Emulator::builder().pace(Pace::instant()).workflow(definition.to_string())).await
}

/// Returns the events of a stream.
async fn stream(fal: &Fal, id: &str, input: &Value) -> Vec<Value> {
    let request = fal.request(Method::POST, &format!("/fal.run/{id}/stream")).json(input);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let events: Vec<_> = events(response).collect().await;
    let json = |event: Result<Event, reqwest::Error>| match event.unwrap() {
        Event::Status(value) => Some(value),
        Event::Comment(_) => None,
    };
    events.into_iter().filter_map(json).collect()
}

#[tokio::test]
async fn output_has_what_the_nodes_made() {
    let fal = serving(&definition()).await;
    let direct = fal.run(ID, &input()).await;
    assert_eq!(direct.status, 200, "{}", direct.body);
    assert!(!direct.body["caption"].as_str().unwrap().is_empty());
    assert!(direct.body["image"]["url"].as_str().unwrap().starts_with(fal.base_url()));
    let image = fal.http.get(direct.body["urls"][0].as_str().unwrap()).send().await.unwrap();
    assert!(image.headers()["content-type"].to_str().unwrap().starts_with("image/"));

    let job = fal.submit(ID, &input()).await;
    assert!(job.path.starts_with("/queue.fal.run/workflows/mia/portrait/requests/"));
    assert_eq!(fal.get(&job.path).await.body, direct.body);
    assert_eq!(fal.accepted_jobs(), 2, "nodes are part of the job");
}

#[tokio::test]
async fn input_is_validated_by_the_schema() {
    let fal = serving(&definition()).await;
    let missing = fal.run(ID, &json!({ "subject": "me" })).await;
    assert_eq!((missing.status, &missing.body["detail"][0]["loc"]), (422, &json!(["body", "photo"])));
    let many = fal.run(ID, &json!({ "subject": "me", "photo": "https://example.com/a.png", "count": 5 })).await;
    assert_eq!((many.status, &many.body["detail"][0]["type"]), (422, &json!("less_than_equal")));
}

#[tokio::test]
async fn stream_has_the_events_of_each_node() {
    let fal = serving(&definition()).await;
    let events = stream(&fal, ID, &input()).await;
    let kinds: Vec<_> =
        events.iter().map(|event| (event["type"].as_str().unwrap(), event["node_id"].as_str())).collect();
    let expected = [
        ("submit", Some("write")),
        ("completion", Some("write")),
        ("submit", Some("vary")),
        ("completion", Some("vary")),
        ("output", None),
    ];
    assert_eq!(kinds, expected);
    assert_eq!((&events[0]["app_id"], &events[2]["app_id"]), (&json!(ROUTER), &json!(REDUX)));
    assert_eq!(events[2]["request_id"].as_str().unwrap().len(), 36);
    assert_eq!(events[3]["output"]["images"].as_array().unwrap().len(), 2);
    assert_eq!(events[4]["output"]["caption"], events[1]["output"]["output"]);
}

#[tokio::test]
async fn node_that_refuses_its_input_ends_the_stream() {
    let mut wrong = definition();
    wrong["contents"]["nodes"]["vary"]["input"]["num_images"] = json!("many");
    let fal = serving(&wrong).await;
    let events = stream(&fal, ID, &input()).await;
    let last = events.last().unwrap();
    assert_eq!((events.len(), &last["type"], &last["node_id"]), (4, &json!("error"), &json!("vary")));
    assert_eq!(last["error"]["status"], 422);
    assert_eq!(last["error"]["body"]["detail"][0]["loc"], json!(["body", "num_images"]));
    assert_eq!(fal.run(ID, &input()).await.status, 422);
}

#[tokio::test]
async fn injected_failure_is_an_event() {
    let fal = serving(&definition()).await;
    fal.inject_fault(Operation::Stream, Fault::outcome(503));
    let events = stream(&fal, ID, &input()).await;
    assert_eq!((events.len(), &events[1]["type"], &events[1]["error"]["status"]), (2, &json!("error"), &json!(503)));
    fal.inject_fault(Operation::Run, Fault::outcome(503));
    assert_eq!(fal.run(ID, &input()).await.status, 503);
}

#[tokio::test]
async fn document_of_a_workflow_has_one_node() {
    let text = object(&json!({ "text": { "type": "string" } }));
    let document = document("workflows/mia/other", &text, &text, &json!({}));
    let fal = Fal::start(Emulator::builder().pace(Pace::instant()).document(document)).await;
    let events = stream(&fal, "workflows/mia/other", &json!({ "text": "a" })).await;
    let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["submit", "completion", "output"]);
    let got = fal.platform("/workflows/mia/other").await;
    assert_eq!((got.status, &got.body["workflow"]["contents"]["nodes"]), (200, &json!({})));
}

#[tokio::test]
async fn platform_api_lists_workflows_and_their_definitions() {
    let fal = serving(&definition()).await;
    let list = fal.platform("/workflows").await;
    assert_eq!((list.status, &list.body["total"], &list.body["has_more"]), (200, &json!(1), &json!(false)));
    let item = &list.body["workflows"][0];
    assert_eq!(
        (&item["name"], &item["title"], &item["user_nickname"]),
        (&json!("portrait"), &json!("Portraits"), &json!("mia"))
    );
    assert_eq!(item["endpoint_ids"], json!([ROUTER, REDUX]));
    for (query, total) in [
        ("search=PORTR", 1),
        ("search=none", 0),
        (&format!("used_endpoint_ids={REDUX}"), 1),
        ("used_endpoint_ids=a/b", 0),
    ] {
        assert_eq!(fal.platform(&format!("/workflows?{query}")).await.body["total"], total, "{query}");
    }
    let workflow = fal.platform("/workflows/mia/portrait").await.body["workflow"].clone();
    assert_eq!(workflow["contents"], definition()["contents"]);
    // It is accepted as a definition again.
    let again = serving(&json!({ "workflow": workflow })).await;
    assert_eq!(again.run(ID, &input()).await.status, 200);
    assert_eq!(fal.platform("/workflows/mia/none").await.error(), (404, "not_found"));
}

#[tokio::test]
async fn invalid_workflows_are_refused_at_the_start() {
    let mut unknown = definition();
    unknown["contents"]["nodes"]["write"]["app"] = json!("shop/none");
    let mut nested = definition();
    nested["contents"]["nodes"]["write"]["app"] = json!(ID);
    let mut circle = definition();
    circle["contents"]["nodes"]["write"]["depends"] = json!(["vary"]);
    for (definition, reason) in [
        (unknown, "the node `write` calls `shop/none`, whose document is missing"),
        (nested, "nodes have to call models"),
        (circle, "depend on each other"),
        (json!({ "name": "x" }), "a workflow needs `contents`"),
        (json!({ "name": "../x", "contents": { "nodes": {}, "output": { "a": 1 } } }), "workflow 1"),
    ] {
        let error = Emulator::builder().workflow(definition.to_string()).start().await.unwrap_err();
        assert!(matches!(error, Error::Documents(_)) && error.to_string().contains(reason), "{error}");
    }
}
