//! `cargo fal show`

use fal_emulator::{Decimal, Emulator, Price};
use serde_json::{Value, json};

use crate::support::{Project, Run, assert_golden};

/// A document with a field of every kind.
fn document() -> Value {
    json!({
        "endpointId": "studio/portrait",
        "category": "image-to-image",
        "input": {
            "description": "Paints a portrait in the style of other pictures.",
            "required": ["prompt", "reference_urls", "layers"],
            "x-fal-order-properties": ["prompt", "reference_urls", "image_size", "style", "duration", "layers", "guide"],
            "properties": {
                "prompt": {
                    "type": "string", "minLength": 1, "maxLength": 800, "examples": ["a sailor, oil on canvas"],
                    "description": format!("The subject of the portrait.\n\nMore about it: {}", "words and words. ".repeat(30)),
                },
                "reference_urls": {
                    "type": "array", "maxItems": 4, "items": { "type": "string", "format": "uri" },
                    "x-fal": { "max_file_size": 10_485_760, "min_width": 256 }, "description": "Pictures to take the style from.",
                },
                "image_size": {
                    "anyOf": [{ "$ref": "#/$defs/Size" }, { "enum": ["square", "portrait_4_3", "landscape 16:9"] }],
                    "default": { "width": 1024, "height": 768 }, "description": "The size of the picture.",
                },
                "style": { "anyOf": [{ "enum": ["oil", "ink"] }, { "type": "string" }], "default": "oil" },
                "duration": { "type": "integer", "enum": [5, 10], "default": 5, "deprecated": true,
                    "description": "Deprecated: use frames instead." },
                "layers": { "type": "array", "items": { "$ref": "#/$defs/Layer" }, "description": "Layers, from back to front." },
                "guide": {
                    "anyOf": [
                        { "type": "object", "required": ["kind", "depth"], "properties": {
                            "kind": { "const": "depth" }, "depth": { "type": "number", "exclusiveMinimum": 0, "maximum": 1 } } },
                        { "type": "object", "required": ["kind", "pose_url"], "properties": {
                            "kind": { "const": "pose" }, "pose_url": { "type": "string" } } },
                    ],
                },
                "a_name_that_is_longer_than_the_column_of_names": { "type": "boolean", "default": false },
                "seed": { "anyOf": [{ "type": "integer" }, { "type": "null" }], "default": 7 },
                "metadata": { "description": "Anything." },
            },
        },
        "output": { "required": ["images"], "properties": {
            "images": { "type": "array", "items": { "type": "object", "properties": { "url": { "type": "string" } } } },
            "text": { "type": "string", "description": "漢字の説明です。" },
        } },
        "$defs": {
            "Size": { "type": "object", "properties": {
                "width": { "type": "integer", "minimum": 1, "maximum": 4096 }, "height": { "type": "integer" } } },
            "Layer": { "type": "object", "required": ["text"], "properties": {
                "text": { "type": "string" }, "layers": { "type": "array", "items": { "$ref": "#/$defs/Layer" } } } },
        },
    })
}

async fn project() -> Project {
    let project = Project::new().await;
    project.write("schemas/studio/portrait.json", document().to_string());
    project
}

#[tokio::test(flavor = "multi_thread")]
async fn page_fits_into_the_terminal() {
    let project = project().await;
    for columns in [60, 80, 140] {
        let text = project.run_in(columns, &["show", "studio/portrait", "--offline"]).await.success();
        assert_golden(&format!("show-{columns}.txt"), &text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_shown_in_full() {
    let project = project().await;
    let arguments = ["show", "studio/portrait", "prompt", "layers[].layers", "image_size"];
    assert_golden("show-fields.txt", &project.run_in(80, &arguments).await.success());
    let fields = project.run(&["show", "studio/portrait", "layers[].text", "--json"]).await.json();
    assert_eq!(fields[0]["path"], "layers[].text");
    let error = project.run(&["show", "studio/portrait", "promt"]).await.failure(7);
    assert!(error.contains("has no field `promt`") && error.contains("did you mean `prompt`?"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_has_the_description_and_the_document() {
    let shown = project().await.run(&["show", "studio/portrait", "--json", "--offline"]).await.json();
    assert_eq!(shown["module"], "studio::portrait");
    assert_eq!(shown["document"], "schemas/studio/portrait.json");
    assert_eq!(shown["input"][0]["limits"], json!(["1 to 800 characters"]));
    assert_eq!(shown["input"][5]["kind"], json!({ "array": "object" }));
    assert!(shown["example"].as_str().unwrap().contains("use crate::endpoints::studio::portrait;"));
}

#[tokio::test(flavor = "multi_thread")]
async fn price_and_catalogue_entry_are_shown_with_a_key() {
    let price = Price::usd(Decimal::new(25, 3), "images");
    let project = Project::with(Emulator::builder().price("fal-ai/flux/dev/redux", price)).await;
    let text = project.run(&["show", "fal-ai/flux/dev/redux"]).await.success();
    assert!(text.contains("\nPrice     $0.025 / images\n"), "{text}");
    let shown = project.run(&["show", "fal-ai/flux/dev/redux", "--json"]).await.json();
    assert!(shown["price"]["unit_price"].is_string() && shown["catalogue"]["status"] == "active", "{shown}");
    let mut command = project.command(&["show", "fal-ai/flux/dev/redux"]);
    command.env_remove("FAL_KEY");
    let run = Run::of(command).await;
    assert!(run.stderr.is_empty(), "{}", run.stderr);
    assert!(run.success().contains("use fal_client::endpoints::fal_ai::flux::dev::redux;"));
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_endpoint_names_the_nearest() {
    let project = Project::new().await;
    for arguments in [&["show", "fal-ai/flux/dev/redx"][..], &["show", "fal-ai/flux/dev/redx", "--offline"]] {
        let error = project.run(arguments).await.failure(7);
        assert!(error.contains("`fal-ai/flux/dev/redx`") && error.contains("fal-ai/flux/dev/redux"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_document_does_not_reach_the_terminal() {
    let project = Project::new().await;
    let escape = "\u{1b}]0;title\u{7}\u{202e}";
    let field = json!({ "type": "string", "description": escape, "default": escape, "examples": [format!("x{escape}")],
        "title": escape, "limit_description": escape, "pattern": escape });
    let document = json!({ "endpointId": "evil/app", "category": escape,
        "input": { "description": escape, "properties": { escape: field, "e": { "enum": [escape, "b"] } } }, "output": {} });
    project.write("schemas/evil.json", document.to_string());
    for arguments in [
        &["show", "evil/app", "--offline"][..],
        &["show", "evil/app", "--full", "--offline"],
        &["show", "evil/app", "e"],
    ] {
        let text = project.run(arguments).await.success();
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_argument_does_not_control_the_terminal() {
    let project = Project::new().await;
    let error = project.run(&["show", "a/\u{1b}[31mb", "--offline", "--color", "always"]).await.failure(7);
    assert!(error.contains("`a/\\u{1b}[31mb`"), "{error:?}");
}
