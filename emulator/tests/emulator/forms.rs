//! The forms of a document, and its patches: the emulator serves what the generator generates.

use std::fs;

use fal_emulator::{Emulator, Error, Pace};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fal::{Fal, document, object};

/// Starts an emulator of a folder with one file.
async fn serving(file: &str, contents: impl AsRef<[u8]>) -> Fal {
    serving_files(&[(file, contents.as_ref())]).await
}

async fn serving_files(files: &[(&str, &[u8])]) -> Fal {
    let folder = folder(files);
    Fal::start(Emulator::builder().schemas(folder.path()).pace(Pace::instant())).await
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, contents) in files {
        fs::write(folder.path().join(name), contents).expect("a file");
    }
    folder
}

/// A schema that requires a number of stars.
fn rating() -> Value {
    json!({ "type": "object", "properties": { "stars": { "type": "integer", "maximum": 5 } }, "required": ["stars"] })
}

fn review() -> Value {
    object(&json!({ "verdict": { "type": "string", "enum": ["good"] } }))
}

fn open_api(id: &str) -> Value {
    serde_json::from_str(&document(id, &rating(), &review(), &json!({}))).expect("JSON")
}

/// Checks that an endpoint accepts, refuses and responds as the schemas say.
async fn check(fal: &Fal, id: &str) {
    let reply = fal.run(id, &json!({ "stars": 4 })).await;
    assert_eq!((reply.status, &reply.body), (200, &json!({ "verdict": "good" })), "{id}");
    let refused = fal.run(id, &json!({ "stars": 6 })).await;
    assert_eq!(refused.status, 422, "{id}: {}", refused.body);
    assert_eq!(refused.body["detail"][0]["loc"], json!(["body", "stars"]), "{id}");
    assert_eq!(fal.run(id, &json!({})).await.status, 422, "{id}");
}

#[tokio::test]
async fn every_form_is_served() {
    let entry = |id: &str| json!({ "endpoint_id": id, "metadata": { "category": "text" }, "openapi": open_api(id) });
    let failed = json!({ "endpoint_id": "shop/live", "openapi": { "error": { "code": "expansion_failed" } } });
    let short = json!({ "endpointId": "shop/rate", "input": rating(), "output": review() });
    for (form, contents, ids) in [
        ("a document", open_api("shop/rate"), &["shop/rate"][..]),
        ("a model", entry("shop/rate"), &["shop/rate"]),
        (
            "models",
            json!({ "models": [entry("shop/rate"), failed, entry("shop/sum/up")] }),
            &["shop/rate", "shop/sum/up"],
        ),
        ("the short form", short.clone(), &["shop/rate"]),
        ("an array", json!([open_api("shop/a"), entry("shop/b"), short]), &["shop/a", "shop/b", "shop/rate"]),
    ] {
        let fal = serving("any name.json", contents.to_string()).await;
        assert_eq!(fal.endpoints().collect::<Vec<_>>(), ids, "{form}");
        for id in ids {
            check(&fal, id).await;
        }
        let fal = Fal::start(Emulator::builder().document(contents.to_string()).pace(Pace::instant())).await;
        assert_eq!(fal.endpoints().collect::<Vec<_>>(), ids, "{form} as text");
    }
}

#[tokio::test]
async fn document_of_an_app_serves_each_of_its_paths() {
    let post = json!({ "post": {
        "requestBody": { "content": { "application/json": { "schema": rating() } } },
        "responses": { "200": { "content": { "application/json": { "schema": review() } } } },
    } });
    let app = json!({
        "openapi": "3.1.0", "info": { "title": "FastAPI" }, "servers": [{ "url": "https://fal.run/shop/desk" }],
        "paths": { "/": post, "/slow": post, "/health": { "get": {} } },
    });
    let fal = serving("app.json", app.to_string()).await;
    assert_eq!(fal.endpoints().collect::<Vec<_>>(), ["shop/desk", "shop/desk/slow"]);
    check(&fal, "shop/desk").await;
    check(&fal, "shop/desk/slow").await;
}

#[tokio::test]
async fn definitions_of_the_short_form_are_validated() {
    for (place, prefix) in [
        ("/$defs", "#/$defs/"),
        ("/definitions", "#/definitions/"),
        ("/components/schemas", "#/components/schemas/"),
        ("/$defs", "#/components/schemas/"),
    ] {
        let input = object(&json!({ "stars": { "$ref": format!("{prefix}Stars") } }));
        let mut short = json!({ "endpointId": "shop/rate", "input": input, "components": {} });
        short["input"]["required"] = json!(["stars"]);
        short["output"] = object(&json!({ "verdict": { "$ref": format!("{prefix}Verdict") } }));
        let definitions = json!({
            "Stars": { "type": "integer", "maximum": 5 }, "Verdict": { "type": "string", "enum": ["good"] },
        });
        match place {
            "/components/schemas" => short["components"]["schemas"] = definitions,
            other => short[&other[1..]] = definitions,
        }
        check(&serving("rate.json", short.to_string()).await, "shop/rate").await;
    }
}

#[tokio::test]
async fn byte_order_mark_is_ignored() {
    let text = ["\u{feff}", &open_api("shop/rate").to_string()].concat();
    check(&serving("rate.json", text).await, "shop/rate").await;
}

#[tokio::test]
async fn output_that_no_document_has_is_any_json() {
    let fal = serving("rate.json", json!({ "endpointId": "shop/rate", "input": rating() }).to_string()).await;
    assert_eq!(fal.run("shop/rate", &json!({ "stars": 1 })).await.status, 200);
    assert_eq!(fal.run("shop/rate", &json!({ "stars": 9 })).await.status, 422);
}

#[tokio::test]
async fn example_of_a_result_is_used() {
    let mut open_api = open_api("shop/rate");
    let media = "/paths/~1shop~1rate~1requests~1{request_id}/get/responses/200/content/application~1json";
    let example = json!({ "verdict": "good", "words": "fresh" });
    open_api.pointer_mut(media).expect("the result")["example"] = example.clone();
    open_api.pointer_mut(media).expect("the result")["schema"]["properties"]["words"] = json!({ "type": "string" });
    let model = json!({ "endpoint_id": "shop/rate", "openapi": open_api });
    let fal = serving("rate.json", model.to_string()).await;
    assert_eq!(fal.run("shop/rate", &json!({ "stars": 1 })).await.body, example);
}

#[tokio::test]
async fn patched_schemas_are_served() {
    let maximum = "/paths/~1shop~1rate/post/requestBody/content/application~1json/schema/properties/stars/maximum";
    let document = open_api("shop/rate").to_string();
    let patch = json!([{ "op": "replace", "path": maximum, "value": 10 }]).to_string();
    let fal = serving_files(&[("rate.json", document.as_bytes()), ("rate.patch.json", patch.as_bytes())]).await;
    assert_eq!(fal.run("shop/rate", &json!({ "stars": 10 })).await.status, 200);
    assert_eq!(fal.run("shop/rate", &json!({ "stars": 11 })).await.status, 422);

    let stale = json!([{ "op": "remove", "path": "/gone" }]).to_string();
    let folder = folder(&[("rate.json", document.as_bytes()), ("rate.patch.json", stale.as_bytes())]);
    let Err(Error::Documents(errors)) = Emulator::builder().schemas(folder.path()).start().await else {
        panic!("the patch is stale")
    };
    assert!(errors[0].file().ends_with("rate.patch.json"), "{errors:?}");
    assert!(errors[0].reason().starts_with("at /0: patch does not apply: there is nothing at `/gone`"), "{errors:?}");
}

#[tokio::test]
async fn hidden_documents_are_not_served() {
    let (one, two) = (open_api("shop/rate").to_string(), open_api("shop/hidden").to_string());
    let fal = serving_files(&[("rate.json", one.as_bytes()), (".hidden.json", two.as_bytes())]).await;
    assert_eq!(fal.endpoints().collect::<Vec<_>>(), ["shop/rate"]);
}

#[tokio::test]
async fn folder_of_models_without_documents_is_an_error() {
    let model = json!({ "endpoint_id": "shop/live", "openapi": { "error": { "code": "expansion_failed" } } });
    let folder = folder(&[("live.json", model.to_string().as_bytes())]);
    let Err(Error::Documents(errors)) = Emulator::builder().schemas(folder.path()).start().await else {
        panic!("missing document")
    };
    let reasons: Vec<&str> = errors.iter().map(|error| error.reason()).collect();
    let missing = "fal has no document of `shop/live` (expansion_failed); it is not served";
    assert_eq!(reasons, ["this folder contains no documents", missing]);
}

#[tokio::test]
async fn folder_without_documents_names_what_is_passed_over() {
    let folder = folder(&[("RATE.JSON", b"{}"), ("rate.yaml", b""), ("readme.md", b"")]);
    let Err(Error::Documents(errors)) = Emulator::builder().schemas(folder.path()).start().await else {
        panic!("missing document")
    };
    let reasons: Vec<&str> = errors.iter().map(|error| error.reason()).collect();
    assert_eq!(
        reasons,
        [
            "this folder contains no documents",
            "names must end in `.json` in lower case; rename the file",
            "YAML is not read; convert it to JSON",
        ]
    );
}

#[tokio::test]
async fn hints_name_what_is_not_served_as_it_may_be_expected() {
    let short = json!({ "endpointId": "shop/rate", "input": rating(), "output": review() }).to_string();
    let twice = short.replacen('{', "{\"category\":1,\"category\":2,", 1);
    let rate = json!({ "endpoint_id": "shop/list", "openapi": open_api("shop/list") });
    let live = json!({ "endpoint_id": "shop/live", "openapi": null });
    let models = json!({ "models": [rate, live] }).to_string();
    let files =
        [("RATE.JSON", "{}"), ("a.json", &twice), ("models.json", &models), ("notes.md", ""), ("rate.yaml", "")];
    let folder = folder(&files.map(|(name, text)| (name, text.as_bytes())));
    let emulator = Emulator::builder().schemas(folder.path()).start().await.expect("documents");
    let hints: Vec<String> =
        emulator.hints().map(|hint| hint.replace(&format!("{}/", folder.path().display()), "")).collect();
    assert_eq!(
        hints,
        [
            "passed over: RATE.JSON: names must end in `.json` in lower case; rename the file",
            "passed over: rate.yaml: YAML is not read; convert it to JSON",
            "a.json at /category: the object has the key `category` twice, and the last one counts; remove one of them",
            "models.json: fal has no document of `shop/live`; it is not served",
        ]
    );
    assert_eq!(Emulator::start().await.expect("the shipped documents").hints().count(), 0);
}

#[tokio::test]
async fn values_that_are_not_schemas_allow_everything() {
    let mut input = rating();
    input["properties"]["note"] = json!(null);
    input["properties"]["tags"] = json!({ "type": "array", "items": null });
    input["properties"]["pair"] = json!({ "type": "array", "items": [{ "type": "string" }, { "type": "integer" }] });
    let short = json!({ "endpointId": "shop/rate", "input": input, "output": review() });
    let fal = serving("a.json", short.to_string()).await;
    check(&fal, "shop/rate").await;
    let run = async |pair: Value| {
        let input = json!({ "stars": 4, "note": [1], "tags": [true, "x"], "pair": pair });
        fal.run("shop/rate", &input).await
    };
    assert_eq!(run(json!(["a", 1])).await.status, 200);
    assert_eq!(run(json!([1, "a"])).await.status, 422);
}
