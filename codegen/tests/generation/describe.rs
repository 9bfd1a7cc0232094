//! Descriptions of endpoints.

use std::fs;
use std::path::{Path, PathBuf};

use fal_codegen::{Describer, Description, Field, Kind, describe};
use fal_documents::{Document, Source};
use serde_json::{Value, json};

fn documents(text: &str) -> Vec<Document> {
    let (file, path) = (PathBuf::from("app.json"), "app.json".to_owned());
    fal_documents::parse(&Source { file, path, text: text.into(), patch: None }).unwrap().documents
}

fn document(input: Value, definitions: Value) -> Document {
    let text = json!({ "endpointId": "me/app", "input": input, "output": {}, "$defs": definitions });
    documents(&text.to_string()).remove(0)
}

#[track_caller]
fn described(input: Value, definitions: Value) -> Vec<Field> {
    describe(&document(input, definitions)).unwrap().input
}

fn field<'a>(fields: &'a [Field], name: &str) -> &'a Field {
    fields.iter().find(|field| field.name == name).unwrap()
}

fn names(fields: &[Field]) -> Vec<&str> {
    fields.iter().map(|field| field.name.as_str()).collect()
}

#[test]
fn fields_have_types_defaults_ranges_examples_and_limits() {
    let fields = described(
        json!({ "required": ["prompt"], "x-fal-order-properties": ["prompt", "steps", "image_url"], "properties": {
            "image_url": { "type": "string", "x-fal": { "max_file_size": 1_048_576, "max_duration": 9 } },
            "prompt": { "type": "string", "description": "The\nprompt.", "examples": ["a cat", "a cat"], "maxLength": 800 },
            "steps": { "type": "integer", "minimum": 1, "maximum": 50, "default": 28, "deprecated": true },
            "tags": { "type": "array", "items": { "enum": ["a", "b"] }, "maxItems": 3 },
            "mode": { "enum": [1, 2] },
            "type": { "anyOf": [{ "type": "string" }, { "type": "null" }], "default": "x" },
        } }),
        json!({}),
    );
    assert_eq!(names(&fields), ["prompt", "steps", "image_url", "mode", "tags", "type"]);
    let prompt = field(&fields, "prompt");
    assert_eq!((prompt.rust_type.as_str(), &prompt.kind, prompt.required), ("String", &Kind::String, true));
    assert_eq!((prompt.description.as_str(), &prompt.examples[..]), ("The prompt.", &[json!("a cat")][..]));
    assert_eq!(prompt.limits, ["at most 800 characters"]);
    let steps = field(&fields, "steps");
    assert_eq!((steps.rust_type.as_str(), &steps.kind, steps.required), ("Option<i64>", &Kind::Integer, false));
    assert_eq!((steps.range.as_deref(), &steps.default), (Some("1 to 50"), &Some(json!(28))));
    assert_eq!(steps.deprecated.as_deref(), Some(""));
    let image = field(&fields, "image_url");
    assert_eq!(image.kind, Kind::File);
    assert_eq!(image.limits, ["size at most 1048576 bytes (1 MiB)", "duration at most 9 seconds"]);
    let tags = field(&fields, "tags");
    assert_eq!((tags.kind.to_string().as_str(), &tags.values[..]), ("array of enums", &[json!("a"), json!("b")][..]));
    assert_eq!(tags.limits, ["at most 3 items"]);
    assert_eq!(field(&fields, "mode").values, [json!(1), json!(2)]);
    let kind = field(&fields, "type");
    assert_eq!((kind.rust_name.as_str(), kind.nullable, &kind.default), ("type_", true, &Some(json!("x"))));
}

#[test]
fn objects_have_their_fields_and_recursion_ends() {
    let fields = described(
        json!({ "properties": { "tree": { "$ref": "#/$defs/Tree" }, "loras": { "type": "array", "items": { "$ref": "#/$defs/Lora" } } } }),
        json!({
            "Tree": { "type": "object", "properties": { "name": { "type": "string" },
                "children": { "type": "array", "items": { "$ref": "#/$defs/Tree" } } } },
            "Lora": { "type": "object", "required": ["path"], "properties": {
                "path": { "type": "string" }, "scale": { "type": "number", "minimum": 0, "maximum": 4 } } },
        }),
    );
    let loras = field(&fields, "loras");
    assert_eq!((loras.kind.to_string().as_str(), names(&loras.fields)), ("array of objects", vec!["path", "scale"]));
    let scale = field(&loras.fields, "scale");
    assert_eq!((scale.path.as_str(), scale.range.as_deref()), ("loras[].scale", Some("0 to 4")));
    let children = field(&field(&fields, "tree").fields, "children");
    assert_eq!((children.path.as_str(), names(&children.fields)), ("tree.children", vec![]));
}

#[test]
fn unions_have_the_kinds_of_their_variants() {
    let size = json!({ "type": "object", "properties": {
        "width": { "type": "integer", "exclusiveMinimum": 0, "maximum": 14142 }, "height": { "type": "integer" } } });
    let fields = described(
        json!({ "properties": {
            "size": { "anyOf": [size, { "enum": ["square", "portrait"] }] },
            "model": { "anyOf": [{ "enum": ["a", "b"] }, { "type": "string" }] },
            "stop": { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] },
        } }),
        json!({}),
    );
    let size = field(&fields, "size");
    assert_eq!((size.kind.to_string().as_str(), size.values.len()), ("enum or object", 2));
    let custom = &size.variants[1];
    assert_eq!((custom.rust_type.as_str(), names(&custom.fields)), ("fal_client::ImageSize", vec!["width", "height"]));
    assert_eq!(custom.fields[0].range.as_deref(), Some("0 (exclusive) to 14142"));
    assert_eq!(custom.fields[0].path, "size.width");
    let model = field(&fields, "model");
    assert_eq!((&model.kind, model.values.len()), (&Kind::String, 2));
    assert_eq!(field(&fields, "stop").kind.to_string(), "string or array of strings");
}

#[test]
fn undeclared_fields_leave_the_lists_empty() {
    let description = describe(&document(json!({}), json!({}))).unwrap();
    assert!(description.input.is_empty() && description.output.is_empty());
    assert!(description.example.contains("json!({})"), "{}", description.example);
}

#[test]
fn example_depends_on_the_settings_and_the_other_endpoints() {
    let document = document(json!({ "properties": { "prompt": { "type": "string" } } }), json!({}));
    let describer = Describer::new().module_path("own::fal").trait_name("Fal").endpoints(["me/app/edit", "me/app"]);
    assert_eq!(
        describer.describe(&document).unwrap().example,
        "use own::fal::Fal;
use own::fal::me::app;

async fn example(client: &fal_client::Client) -> Result<(), fal_client::Error> {
    let input = app::Input::builder().prompt(\"…\");
    let response = client.me().app().endpoint().subscribe(input).await?;
    println!(\"{response:?}\");
    Ok(())
}"
    );
    let alone = describe(&document).unwrap().example;
    assert!(alone.contains("use crate::endpoints::Endpoints;") && alone.contains(".app().subscribe("), "{alone}");
}

#[test]
fn hidden_characters_are_removed_from_prose() {
    let fields = described(
        json!({ "properties": { "a": { "type": "string", "description": "\u{1b}[31mred\u{202e} `code` *b*" } } }),
        json!({}),
    );
    assert_eq!(fields[0].description, "[31mred `code` *b*");
}

/// Each object has eight fields of the next one: 8^12 fields in all.
#[test]
fn shared_objects_are_described_within_a_budget() {
    let mut definitions = serde_json::Map::new();
    for level in 0..12 {
        let next = json!({ "$ref": format!("#/$defs/L{}", level + 1) });
        let fields = (0..8).map(|index| (format!("f{index}"), next.clone()));
        let properties: serde_json::Map<String, Value> = fields.collect();
        definitions.insert(format!("L{level}"), json!({ "type": "object", "properties": properties }));
    }
    definitions.insert("L12".to_owned(), json!({ "type": "object", "properties": { "end": { "type": "string" } } }));
    let fields = described(json!({ "properties": { "root": { "$ref": "#/$defs/L0" } } }), Value::Object(definitions));
    assert!(count(&fields) < 100_000);
}

fn count(fields: &[Field]) -> usize {
    fields.iter().map(|field| 1 + count(&field.fields)).sum()
}

#[test]
fn every_trap_is_described_with_all_its_fields() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traps");
    let mut seen = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        for document in documents(&fs::read_to_string(&file).unwrap()) {
            seen += 1;
            let description: Description = describe(&document).unwrap();
            serde_json::to_string(&description).unwrap();
            let golden = fs::read_to_string(file.with_extension("rs")).unwrap();
            for field in description.input.iter().chain(&description.output) {
                let declared = format!("pub {}: ", field.rust_name);
                assert!(golden.contains(&declared), "{}: {declared}", file.display());
                assert!(!field.path.is_empty() || field.name.is_empty());
            }
        }
    }
    assert!(seen > 10, "the traps are missing");
}
