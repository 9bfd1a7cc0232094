//! The effect of a new version of a document on programs.

use fal_codegen::{Change, Effect, changes};
use serde_json::{Value, json};

fn document(input: Value, output: Value, definitions: Value) -> String {
    json!({ "endpointId": "me/app", "input": { "properties": input }, "output": { "properties": output }, "$defs": definitions })
        .to_string()
}

#[track_caller]
fn check(old: &str, new: &str, expected: &[(&str, Effect)]) {
    let found = changes(old, new).unwrap();
    let found: Vec<(String, Effect)> =
        found.iter().map(|change: &Change| (change.to_string().replacen("me/app: ", "", 1), change.effect)).collect();
    let expected: Vec<(String, Effect)> = expected.iter().map(|(text, effect)| ((*text).to_owned(), *effect)).collect();
    assert_eq!(found, expected);
}

use Effect::{Additive, Breaking, Documentation};

#[track_caller]
fn check_input(old: Value, new: Value, expected: &[(&str, Effect)]) {
    check(&document(old, json!({}), json!({})), &document(new, json!({}), json!({})), expected);
}

#[test]
fn identical_documents_have_no_changes() {
    let old = json!({ "a": { "type": "string" }, "b": { "type": "integer" } });
    check_input(old.clone(), old, &[]);
}

#[test]
fn added_and_removed_fields_are_reported() {
    check_input(
        json!({ "a": { "type": "string" }, "b": { "type": "string" } }),
        json!({ "b": { "type": "string" }, "c": { "type": "string" } }),
        &[("input.a: field removed", Breaking), ("input.c: field added", Additive)],
    );
    let with = |required: Value| {
        json!({ "endpointId": "me/app", "output": {},
                "input": { "properties": { "a": { "type": "string" }, "b": { "type": "string" } }, "required": required } })
        .to_string()
    };
    check(
        &with(json!(["a"])),
        &with(json!(["b"])),
        &[
            ("input.a: field became optional: its type is an Option now", Breaking),
            ("input.b: field became required", Breaking),
        ],
    );
}

#[test]
fn changed_types_values_and_bounds_are_reported() {
    check_input(
        json!({
            "a": { "type": "string" }, "b": { "enum": ["x", "y"] }, "c": { "type": "integer", "minimum": 1, "maximum": 9 },
            "d": { "type": "array", "items": { "type": "number", "maximum": 4 } }, "e": { "type": "integer", "enum": [1, 2] },
        }),
        json!({
            "a": { "type": "integer" }, "b": { "enum": ["y", "z"] }, "c": { "type": "integer", "minimum": 2, "maximum": 10 },
            "d": { "type": "array", "items": { "type": "number" }, "maxItems": 3 }, "e": { "type": "integer", "enum": [2, 3] },
        }),
        &[
            ("input.a: type changed from String to i64", Breaking),
            ("input.b: value removed: \"x\"", Breaking),
            ("input.c: Minimum changed from 1 to 2", Breaking),
            ("input.d: MaxItems changed from none to 3", Breaking),
            ("input.e: value removed: 1", Breaking),
            ("input.b: value added: \"z\"", Additive),
            ("input.c: Maximum changed from 9 to 10", Additive),
            ("input.d[]: Maximum changed from 4 to none", Additive),
            ("input.e: value added: 3", Additive),
        ],
    );
}

#[test]
fn bounds_of_a_changed_type_are_not_reported() {
    let list = |items: Value| json!({ "a": { "type": "array", "items": items, "minItems": 3, "maxItems": 3 } });
    let record = || json!({ "$ref": "#/$defs/Size3" });
    let boxes = json!({ "Size3": { "properties": { "width": { "type": "integer" } } } });
    let whole = |input: Value| document(input, json!({}), boxes.clone());
    check(
        &whole(list(json!({ "type": "integer", "minimum": 1 }))),
        &whole(json!({ "a": record() })),
        &[("input.a: type changed from Vec<i64> to Size3", Breaking)],
    );
    let mut longer = list(record());
    longer["a"]["maxItems"] = json!(4);
    check(
        &whole(list(json!({ "type": "integer", "minimum": 1 }))),
        &whole(longer),
        &[("input.a[]: type changed from i64 to Size3", Breaking), ("input.a: MaxItems changed from 3 to 4", Additive)],
    );
    // Numbers are compared with numbers, and strings with files.
    check_input(
        json!({ "a": { "type": "integer", "maximum": 9 }, "b": { "type": "string", "maxLength": 9 } }),
        json!({ "a": { "type": "number", "maximum": 8 }, "b": { "type": "string", "maxLength": 8, "format": "uri" } }),
        &[
            ("input.a: type changed from i64 to f64", Breaking),
            ("input.a: Maximum changed from 9 to 8", Breaking),
            ("input.b: type changed from String to fal_client::FileInput", Breaking),
            ("input.b: MaxLength changed from 9 to 8", Breaking),
        ],
    );
    // A bound that allows everything is additive, and the sides of an image size have bounds of their own.
    let size = |width: Value| {
        let size = json!({ "Size": { "properties": { "width": width, "height": { "type": "integer" } } } });
        let input = json!({ "size": { "$ref": "#/$defs/Size" } });
        document(input, json!({}), size)
    };
    check(
        &size(json!({ "type": "integer", "maximum": 512 })),
        &size(json!({ "type": "integer" })),
        &[("input.size.width: Maximum changed from 512 to none", Additive)],
    );
    check_input(
        json!({ "a": { "type": "string" } }),
        json!({ "a": { "type": "string", "minLength": 0 } }),
        &[("input.a: MinLength changed from none to 0", Additive)],
    );
}

#[test]
fn prose_and_defaults_are_documentation() {
    check_input(
        json!({ "a": { "type": "string", "default": "x" }, "b": { "type": "string", "description": "One." } }),
        json!({ "a": { "type": "string", "default": "y" }, "b": { "type": "string", "description": "Two." } }),
        &[
            ("input.a: default changed from \"x\" to \"y\"", Documentation),
            ("input.b: documentation changed", Documentation),
        ],
    );
}

#[test]
fn outputs_and_nested_types_are_compared() {
    let part = |name: &str, properties: Value| json!({ name: { "type": "object", "properties": properties } });
    let list = |name: &str| json!({ "items": { "type": "array", "items": { "$ref": format!("#/$defs/{name}") } } });
    check(
        &document(list("Part"), list("Part"), part("Part", json!({ "a": { "type": "string" } }))),
        &document(list("Piece"), list("Piece"), part("Piece", json!({ "a": { "type": "string" }, "b": {} }))),
        &[("input.items[]: Part was renamed to Piece", Breaking), ("input.items[].b: field added", Additive)],
    );
    let union = |members: Value| document(json!({}), json!({ "a": { "anyOf": members } }), json!({}));
    check(
        &union(json!([{ "type": "string" }, { "type": "integer" }])),
        &union(json!([{ "type": "integer" }, { "type": "boolean" }])),
        &[("output.a: variant removed: Text", Breaking), ("output.a: variant added: Flag", Additive)],
    );
}

#[test]
fn renamed_items_and_other_required_fields_are_breaking() {
    // A nested record has setters for its required fields, so their order does not matter.
    let part = |order: Value, required: Value| {
        let properties = json!({ "x": { "type": "number" }, "y": { "type": "number" } });
        let point = json!({ "properties": properties, "required": required, "x-fal-order-properties": order });
        document(json!({ "at": { "$ref": "#/$defs/Point" } }), json!({}), json!({ "Point": point }))
    };
    check(&part(json!(["x", "y"]), json!(["x", "y"])), &part(json!(["y", "x"]), json!(["x", "y"])), &[]);
    check(
        &part(json!(["x", "y"]), json!(["x", "y"])),
        &part(json!(["x", "y"]), json!(["x"])),
        &[("input.at.y: field became optional: its type is an Option now", Breaking)],
    );
    // A new field or value takes the name of an old one.
    check_input(
        json!({ "a-b": { "type": "string" }, "style": { "enum": ["Hope ", "Hype"] } }),
        json!({ "a-b": { "type": "string" }, "a_b": { "type": "string" }, "style": { "enum": ["Hope", "Hope ", "Hype"] } }),
        &[
            ("input.a-b: a_b was renamed to a_b2", Breaking),
            ("input.style: Hope was renamed to Hope2", Breaking),
            ("input.style: value added: \"Hope\"", Additive),
            ("input.a_b: field added", Additive),
        ],
    );
    // An explicit null has a meaning where there is a default, and then the type of the public field is another.
    let steps = |nullable: bool| json!({ "steps": { "type": "integer", "default": 5, "nullable": nullable } });
    check_input(
        steps(false),
        steps(true),
        &[("input.steps: null became allowed: the field is Nullable now", Breaking)],
    );
    check_input(
        steps(true),
        steps(false),
        &[("input.steps: null is not allowed any more: the field is not Nullable", Breaking)],
    );
    // A null has to be sent where the schema requires the field.
    let mask = |required: Value| {
        let properties = json!({ "mask": { "type": "string", "nullable": true } });
        document(properties, json!({}), json!({}))
            .replace(r#""input":{"#, &format!(r#""input":{{"required":{required},"#))
    };
    check(
        &mask(json!([])),
        &mask(json!(["mask"])),
        &[
            ("input.mask: field became required", Breaking),
            ("input.mask: null became allowed: the field is Nullable now", Breaking),
        ],
    );
    // Any string, or declared values only.
    let voice = |more: Value| json!({ "voice": { "anyOf": [{ "enum": ["a", "b"] }, more] } });
    let (open, closed) = (voice(json!({ "type": "string" })), voice(json!({ "type": "null" })));
    check_input(closed.clone(), open.clone(), &[("input.voice: variant added: any string", Additive)]);
    check_input(open, closed, &[("input.voice: variant removed: any string", Breaking)]);
}

#[test]
fn changed_documentation_is_reported_once_a_path() {
    let with = |words: &str, maximum: u32| {
        let part = json!({ "description": words, "properties": { "n": { "type": "integer", "maximum": maximum, "description": words } } });
        json!({
            "endpointId": "me/app", "output": { "properties": { "n": { "type": "integer", "maximum": maximum } } },
            "input": { "description": words, "properties": { "part": { "$ref": "#/$defs/Part" } } }, "$defs": { "Part": part },
        })
        .to_string()
    };
    check(
        &with("One.", 1),
        &with("Two.", 2),
        &[
            ("input.part.n: Maximum changed from 1 to 2", Additive),
            ("input.part.n: documentation changed", Documentation),
            ("input.part: documentation changed", Documentation),
            ("input: documentation changed", Documentation),
            ("output.n: documentation changed", Documentation),
        ],
    );
}

#[test]
fn added_and_removed_endpoints_are_reported() {
    let page = |ids: &[&str]| {
        let models: Vec<Value> =
            ids.iter().map(|id| json!({ "endpoint_id": id, "openapi": crate::project::document(id) })).collect();
        json!({ "models": models }).to_string()
    };
    let found = changes(&page(&["a/x", "a/y"]), &page(&["a/y", "a/z"])).unwrap();
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["a/x: endpoint removed", "a/z: endpoint added"]);
    let error = changes("{}", "nonsense").unwrap_err().to_string();
    assert!(error.starts_with("old: not an OpenAPI document of fal: "), "{error}");
}
