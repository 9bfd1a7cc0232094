//! What a new version of a document means for a program.

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
fn the_same_document_changes_nothing() {
    let old = json!({ "a": { "type": "string" }, "b": { "type": "integer" } });
    check_input(old.clone(), old, &[]);
}

#[test]
fn fields_come_and_go() {
    check_input(
        json!({ "a": { "type": "string" }, "b": { "type": "string" } }),
        json!({ "b": { "type": "string" }, "c": { "type": "string" } }),
        &[("input.a: the field is gone", Breaking), ("input.c: a new field", Additive)],
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
            ("input.a: the field is not required any more: it is an Option now", Breaking),
            ("input.b: the field is required now", Breaking),
        ],
    );
}

#[test]
fn types_values_and_bounds_change() {
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
            ("input.a: the type was String and is i64", Breaking),
            ("input.b: the value \"x\" is gone", Breaking),
            ("input.c: Minimum was 1 and is 2", Breaking),
            ("input.d: MaxItems was none and is 3", Breaking),
            ("input.e: the value 1 is gone", Breaking),
            ("input.b: a new value \"z\"", Additive),
            ("input.c: Maximum was 9 and is 10", Additive),
            ("input.d[]: Maximum was 4 and is none", Additive),
            ("input.e: a new value 3", Additive),
        ],
    );
}

#[test]
fn bounds_go_with_their_type() {
    let list = |items: Value| json!({ "a": { "type": "array", "items": items, "minItems": 3, "maxItems": 3 } });
    let record = || json!({ "$ref": "#/$defs/Size3" });
    let boxes = json!({ "Size3": { "properties": { "width": { "type": "integer" } } } });
    let whole = |input: Value| document(input, json!({}), boxes.clone());
    check(
        &whole(list(json!({ "type": "integer", "minimum": 1 }))),
        &whole(json!({ "a": record() })),
        &[("input.a: the type was Vec<i64> and is Size3", Breaking)],
    );
    let mut longer = list(record());
    longer["a"]["maxItems"] = json!(4);
    check(
        &whole(list(json!({ "type": "integer", "minimum": 1 }))),
        &whole(longer),
        &[("input.a[]: the type was i64 and is Size3", Breaking), ("input.a: MaxItems was 3 and is 4", Additive)],
    );
    // A number stays one, and a text is a file's URL.
    check_input(
        json!({ "a": { "type": "integer", "maximum": 9 }, "b": { "type": "string", "maxLength": 9 } }),
        json!({ "a": { "type": "number", "maximum": 8 }, "b": { "type": "string", "maxLength": 8, "format": "uri" } }),
        &[
            ("input.a: the type was i64 and is f64", Breaking),
            ("input.a: Maximum was 9 and is 8", Breaking),
            ("input.b: the type was String and is fal_client::FileInput", Breaking),
            ("input.b: MaxLength was 9 and is 8", Breaking),
        ],
    );
    // What asks for nothing refuses nothing, and a side of an image has its own bounds.
    let size = |width: Value| {
        let size = json!({ "Size": { "properties": { "width": width, "height": { "type": "integer" } } } });
        let input = json!({ "size": { "$ref": "#/$defs/Size" } });
        document(input, json!({}), size)
    };
    check(
        &size(json!({ "type": "integer", "maximum": 512 })),
        &size(json!({ "type": "integer" })),
        &[("input.size.width: Maximum was 512 and is none", Additive)],
    );
    check_input(
        json!({ "a": { "type": "string" } }),
        json!({ "a": { "type": "string", "minLength": 0 } }),
        &[("input.a: MinLength was none and is 0", Additive)],
    );
}

#[test]
fn words_and_defaults_are_documentation() {
    check_input(
        json!({ "a": { "type": "string", "default": "x" }, "b": { "type": "string", "description": "One." } }),
        json!({ "a": { "type": "string", "default": "y" }, "b": { "type": "string", "description": "Two." } }),
        &[("input.a: the default was \"x\" and is \"y\"", Documentation), ("input.b: other words", Documentation)],
    );
}

#[test]
fn outputs_and_what_is_inside_are_compared_too() {
    let part = |name: &str, properties: Value| json!({ name: { "type": "object", "properties": properties } });
    let list = |name: &str| json!({ "items": { "type": "array", "items": { "$ref": format!("#/$defs/{name}") } } });
    check(
        &document(list("Part"), list("Part"), part("Part", json!({ "a": { "type": "string" } }))),
        &document(list("Piece"), list("Piece"), part("Piece", json!({ "a": { "type": "string" }, "b": {} }))),
        &[("input.items[]: Part is called Piece now", Breaking), ("input.items[].b: a new field", Additive)],
    );
    let union = |members: Value| document(json!({}), json!({ "a": { "anyOf": members } }), json!({}));
    check(
        &union(json!([{ "type": "string" }, { "type": "integer" }])),
        &union(json!([{ "type": "integer" }, { "type": "boolean" }])),
        &[("output.a: the form Text is gone", Breaking), ("output.a: a new form Flag", Additive)],
    );
}

#[test]
fn what_a_program_calls_is_compared_too() {
    // A part's `new` takes its required fields in order, and no others.
    let part = |order: Value, required: Value| {
        let properties = json!({ "x": { "type": "number" }, "y": { "type": "number" } });
        let point = json!({ "properties": properties, "required": required, "x-fal-order-properties": order });
        document(json!({ "at": { "$ref": "#/$defs/Point" } }), json!({}), json!({ "Point": point }))
    };
    check(
        &part(json!(["x", "y"]), json!(["x", "y"])),
        &part(json!(["y", "x"]), json!(["x", "y"])),
        &[("input.at: `new` takes its arguments in another order", Breaking)],
    );
    check(
        &part(json!(["x", "y"]), json!(["x", "y"])),
        &part(json!(["x", "y"]), json!(["x"])),
        &[("input.at.y: the field is not required any more: it is an Option now", Breaking)],
    );
    // A name that another one takes away.
    check_input(
        json!({ "a-b": { "type": "string" }, "style": { "enum": ["Hope ", "Hype"] } }),
        json!({ "a-b": { "type": "string" }, "a_b": { "type": "string" }, "style": { "enum": ["Hope", "Hope ", "Hype"] } }),
        &[
            ("input.a-b: a_b is called a_b2 now", Breaking),
            ("input.style: Hope is called Hope2 now", Breaking),
            ("input.style: a new value \"Hope\"", Additive),
            ("input.a_b: a new field", Additive),
        ],
    );
    // Null has a meaning where there is another default, and the field, which is public, another type.
    let steps = |nullable: bool| json!({ "steps": { "type": "integer", "default": 5, "nullable": nullable } });
    check_input(steps(false), steps(true), &[("input.steps: null can be sent: the field is Nullable now", Breaking)]);
    check_input(
        steps(true),
        steps(false),
        &[("input.steps: null cannot be sent any more: the field is not Nullable", Breaking)],
    );
    // Any text, or the listed ones only.
    let voice = |more: Value| json!({ "voice": { "anyOf": [{ "enum": ["a", "b"] }, more] } });
    let (open, closed) = (voice(json!({ "type": "string" })), voice(json!({ "type": "null" })));
    check_input(closed.clone(), open.clone(), &[("input.voice: a new form any text", Additive)]);
    check_input(open, closed, &[("input.voice: the form any text is gone", Breaking)]);
}

#[test]
fn words_are_reported_of_every_place_and_once() {
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
            ("input.part.n: Maximum was 1 and is 2", Additive),
            ("input.part.n: other words", Documentation),
            ("input.part: other words", Documentation),
            ("input: other words", Documentation),
            ("output.n: other words", Documentation),
        ],
    );
}

#[test]
fn endpoints_come_and_go() {
    let page = |ids: &[&str]| {
        let models: Vec<Value> =
            ids.iter().map(|id| json!({ "endpoint_id": id, "openapi": crate::project::document(id) })).collect();
        json!({ "models": models }).to_string()
    };
    let found = changes(&page(&["a/x", "a/y"]), &page(&["a/y", "a/z"])).unwrap();
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["a/x: the endpoint is gone", "a/z: a new endpoint"]);
    let error = changes("{}", "nonsense").unwrap_err().to_string();
    assert!(error.starts_with("old at /paths: "), "{error}");
}
