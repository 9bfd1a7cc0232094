use fal_emulator::{Emulator, Pace};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fal::{Fal, INPAINTING, Reply, document, inpainting, inpainting_with, object, send};

/// Returns the violations of an input by these property schemas.
async fn judged(properties: Value, input: Value) -> Reply {
    judged_by(object(&properties), json!({}), input).await
}

async fn judged_by(schema: Value, components: Value, input: Value) -> Reply {
    let document = document("me/it", &schema, &json!({}), &components);
    let fal = Fal::start(Emulator::builder().document(document).pace(Pace::instant())).await;
    fal.run("me/it", &input).await
}

/// Returns the type, path, message and context of each violation.
fn essence(reply: &Reply) -> Vec<(Value, Value, Value, Value)> {
    assert_eq!(reply.status, 422, "{reply:?}");
    let details = reply.body["detail"].as_array().unwrap();
    details.iter().map(|it| (it["type"].clone(), it["loc"].clone(), it["msg"].clone(), it["ctx"].clone())).collect()
}

#[tokio::test]
async fn bounds_under_other_names_are_judged() {
    for (keyword, value, kind, ctx) in [
        ("min", 1, "greater_than_equal", "ge"),
        ("ge", 1, "greater_than_equal", "ge"),
        ("gt", 2, "greater_than", "gt"),
        ("max", 3, "less_than_equal", "le"),
        ("le", 3, "less_than_equal", "le"),
        ("lt", 2, "less_than", "lt"),
    ] {
        let mut schema = json!({ "a": { "anyOf": [{ "type": "object" }, { "type": "number" }] } });
        schema["a"][keyword] = json!(2);
        let violations = essence(&judged(schema, json!({ "a": value })).await);
        let [(found, _, _, found_ctx)] = &violations[..] else { panic!("{keyword}: {violations:?}") };
        assert_eq!((found, found_ctx), (&json!(kind), &json!({ ctx: 2 })), "{keyword}");
    }
    // A name of JSON Schema takes precedence, and a text is not a bound.
    let schema =
        json!({ "a": { "minimum": 1, "min": 5 }, "b": { "type": "number", "max": "3" }, "max": { "type": "integer" } });
    assert_eq!(judged(schema, json!({ "a": 1, "b": 4, "max": 9 })).await.status, 200);
}

#[tokio::test]
async fn file_limits_are_judged_unless_no_file_meets_them() {
    const PNG: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAB4AAAAUCAIAAAA=";
    for (limits, url, expected) in [
        (json!({ "min_width": 30, "max_pixels": 600 }), PNG, None),
        (json!({ "min_pixels": 601 }), PNG, Some(("image_too_small", json!({ "min_area": 601 })))),
        (json!({ "max_pixels": 599 }), PNG, Some(("image_too_large", json!({ "max_area": 599 })))),
        (json!({ "max_file_size": 8 }), "data:,ten%20bytes", Some(("file_too_large", json!({ "max_size": 8 })))),
        (json!({ "max_file_size": 9 }), "DATA:,ten%20bytes", None),
        (
            json!({ "max_file_size": 2 }),
            "data:text/plain;BASE64,YWJj",
            Some(("file_too_large", json!({ "max_size": 2 }))),
        ),
        (json!({ "max_file_size": 0 }), "data:,a", Some(("file_too_large", json!({ "max_size": 0 })))),
        (json!({ "min_width": 300, "max_width": 100, "min_area": 9, "max_area": 8 }), PNG, None),
        (json!({ "min_aspect_ratio": 3, "max_aspect_ratio": 2, "multiple_of": 0 }), PNG, None),
        (json!({ "max_file_size": -1, "max_height": "5", "multiple_of": -3 }), PNG, None),
    ] {
        let schema = json!({ "file_url": { "type": "string", "x-fal": limits } });
        let reply = judged(schema, json!({ "file_url": url })).await;
        match expected {
            None => assert_eq!(reply.status, 200, "{limits}: {reply:?}"),
            Some((kind, ctx)) => {
                let violations = essence(&reply);
                let found: Vec<(&Value, &Value)> = violations.iter().map(|(kind, _, _, ctx)| (kind, ctx)).collect();
                assert_eq!(found, [(&json!(kind), &ctx)], "{limits}");
            }
        }
    }
}

#[tokio::test]
async fn own_defaults_and_examples_are_accepted() {
    let schema = json!({
        "steps": { "type": "integer", "minimum": 1, "default": 0, "examples": [-1] },
        "style": { "enum": ["a", "b"], "example": "c" },
        "text": { "type": "string", "minLength": 1, "default": "" },
        "either": { "anyOf": [{ "type": "string", "maxLength": 1 }, { "type": "null" }], "default": "none" },
        "list": { "type": "array", "items": { "type": "integer", "minimum": 0, "default": -5 }, "examples": [[-1, 2]] },
        "part": { "$ref": "#/components/schemas/Part" },
        "map": { "type": "object", "additionalProperties": { "type": "integer", "maximum": 3, "default": 9.0 } },
        "number": { "type": "integer", "default": "seven" },
    });
    let components = json!({ "Part": { "type": "object", "properties": { "a~/b": { "maximum": 4, "default": 5 } } } });
    let run = async |input: Value| judged_by(object(&schema), components.clone(), input).await.status;
    for input in [
        json!({ "steps": 0, "style": "c", "text": "", "either": "none", "number": "seven" }),
        json!({ "steps": -1.0, "list": [-1, 2], "part": { "a~/b": 5 }, "map": { "x": 9 } }),
        json!({ "list": [-5, 7] }),
    ] {
        assert_eq!(run(input.clone()).await, 200, "{input}");
    }
    for input in [
        json!({ "steps": -2 }),
        json!({ "style": "d" }),
        json!({ "either": "nine" }),
        json!({ "list": [-1, 3] }),
        json!({ "part": { "a~/b": 6 } }),
        json!({ "map": { "x": 8 } }),
        json!({ "number": "eight" }),
    ] {
        assert_eq!(run(input.clone()).await, 422, "{input}");
    }
}

#[tokio::test]
async fn violations_use_fals_words() {
    for (schema, value, kind, msg, ctx) in [
        (json!({ "type": "string" }), json!(1), "string_type", "Input should be a valid string", json!(null)),
        (json!({ "type": "integer" }), json!(1.5), "int_type", "Input should be a valid integer", json!(null)),
        (json!({ "type": "number" }), json!("1"), "float_type", "Input should be a valid number", json!(null)),
        (json!({ "type": "boolean" }), json!(0), "bool_type", "Input should be a valid boolean", json!(null)),
        (json!({ "type": "array" }), json!({}), "list_type", "Input should be a valid list", json!(null)),
        (json!({ "type": "object" }), json!([]), "dict_type", "Input should be a valid dictionary", json!(null)),
        (json!({ "type": "null" }), json!(0), "none_required", "Input should be None", json!(null)),
        (
            json!({ "minimum": 2 }),
            json!(1),
            "greater_than_equal",
            "Input should be greater than or equal to 2",
            json!({ "ge": 2 }),
        ),
        (
            json!({ "exclusiveMinimum": 0 }),
            json!(0),
            "greater_than",
            "Input should be greater than 0",
            json!({ "gt": 0 }),
        ),
        (
            json!({ "maximum": 0.5 }),
            json!(0.6),
            "less_than_equal",
            "Input should be less than or equal to 0.5",
            json!({ "le": 0.5 }),
        ),
        (json!({ "exclusiveMaximum": 9 }), json!(9), "less_than", "Input should be less than 9", json!({ "lt": 9 })),
        (
            json!({ "multipleOf": 8 }),
            json!(12),
            "multiple_of",
            "Input should be a multiple of 8",
            json!({ "multiple_of": 8 }),
        ),
        (
            json!({ "minItems": 1 }),
            json!([]),
            "sequence_too_short",
            "List should have at least 1 item",
            json!({ "min_length": 1 }),
        ),
        (
            json!({ "maxItems": 2 }),
            json!([1, 2, 3]),
            "sequence_too_long",
            "List should have at most 2 items",
            json!({ "max_length": 2 }),
        ),
        (
            json!({ "minLength": 2 }),
            json!("ä"),
            "string_too_short",
            "String should have at least 2 characters",
            json!({ "min_length": 2 }),
        ),
        (
            json!({ "maxLength": 1 }),
            json!("ab"),
            "string_too_long",
            "String should have at most 1 character",
            json!({ "max_length": 1 }),
        ),
        (
            json!({ "pattern": "^a+$" }),
            json!("b"),
            "string_pattern_mismatch",
            "String should match pattern '^a+$'",
            json!({ "pattern": "^a+$" }),
        ),
        (
            json!({ "enum": ["a", "b", 3] }),
            json!("c"),
            "one_of",
            "Input should be 'a', 'b' or 3",
            json!({ "expected": ["a", "b", 3] }),
        ),
        (json!({ "const": "a" }), json!("c"), "one_of", "Input should be 'a'", json!({ "expected": ["a"] })),
        (json!({ "uniqueItems": true }), json!([1, 1]), "value_error", "List items should be unique", json!(null)),
        (
            json!({ "not": { "type": "string" } }),
            json!("a"),
            "value_error",
            "Input does not satisfy `not`",
            json!(null),
        ),
    ] {
        let reply = judged(json!({ "x": schema }), json!({ "x": value })).await;
        assert_eq!(essence(&reply), [(json!(kind), json!(["body", "x"]), json!(msg), ctx)], "{schema}");
        let detail = &reply.body["detail"][0];
        assert_eq!(detail["input"], value);
        assert_eq!(detail["url"], format!("https://docs.fal.ai/errors/#{kind}"));
    }
}

#[tokio::test]
async fn missing_and_extra_fields_are_named() {
    let schema = json!({
        "type": "object",
        "properties": { "a": {}, "b": { "type": "object", "required": ["c"] } },
        "required": ["a", "b"],
        "additionalProperties": false,
    });
    let reply = judged_by(schema, json!({}), json!({ "b": {}, "d": 1 })).await;
    let missing = |loc| (json!("missing"), loc, json!("Field required"), json!(null));
    let mut seen = essence(&reply);
    seen.sort_by_key(|it| it.1.to_string());
    assert_eq!(
        seen,
        [
            missing(json!(["body", "a"])),
            missing(json!(["body", "b", "c"])),
            (json!("extra_forbidden"), json!(["body", "d"]), json!("Extra inputs are not permitted"), json!(null)),
        ]
    );
    // A missing field shows its object. An extra field shows its value.
    let input =
        |name| reply.body["detail"].as_array().unwrap().iter().find(|it| it["type"] == name).unwrap()["input"].clone();
    assert_eq!(input("extra_forbidden"), 1);
}

#[tokio::test]
async fn all_violations_are_reported_with_their_paths() {
    let fal = Fal::instant().await;
    let reply = fal
        .run(
            INPAINTING,
            &json!({
                "prompt": 7,
                "num_images": 0,
                "loras": [{ "path": "a" }, { "scale": 2 }, "b"],
                "image_size": { "width": 0 },
            }),
        )
        .await;
    let mut seen: Vec<(String, String)> = essence(&reply)
        .into_iter()
        .map(|(kind, loc, ..)| (loc.to_string(), kind.as_str().unwrap().to_owned()))
        .collect();
    seen.sort();
    let expected = [
        (r#"["body","control_image_url"]"#, "missing"),
        (r#"["body","image_size","width"]"#, "greater_than"),
        (r#"["body","image_url"]"#, "missing"),
        (r#"["body","loras",1,"path"]"#, "missing"),
        (r#"["body","loras",1,"scale"]"#, "less_than_equal"),
        (r#"["body","loras",2]"#, "dict_type"),
        (r#"["body","mask_url"]"#, "missing"),
        (r#"["body","num_images"]"#, "greater_than_equal"),
        (r#"["body","prompt"]"#, "string_type"),
    ];
    assert_eq!(seen, expected.map(|(loc, kind)| (loc.to_owned(), kind.to_owned())));
}

#[tokio::test]
async fn union_reports_the_closest_variant() {
    let fal = Fal::instant().await;
    for (size, loc, kind) in [
        (json!("huge"), json!(["body", "image_size"]), "one_of"),
        (json!({ "width": "wide" }), json!(["body", "image_size", "width"]), "int_type"),
        (json!({ "width": 15000, "height": 1 }), json!(["body", "image_size", "width"]), "less_than_equal"),
        (json!(5), json!(["body", "image_size"]), "dict_type"),
    ] {
        let reply = fal.run(INPAINTING, &inpainting_with(json!({ "image_size": size }))).await;
        let seen: Vec<_> = essence(&reply).into_iter().map(|(kind, loc, ..)| (loc, kind)).collect();
        assert_eq!(seen, [(loc, json!(kind))], "{size}");
    }

    // Of two object variants, the one whose keys are present.
    let components = json!({
        "Circle": { "type": "object", "properties": { "radius": { "type": "number" } }, "required": ["radius"] },
        "Box": { "type": "object", "properties": { "side": { "type": "number" } }, "required": ["side"] },
    });
    let shape = json!({ "anyOf": [
        { "$ref": "#/components/schemas/Circle" },
        { "$ref": "#/components/schemas/Box" },
        { "type": "null" },
    ] });
    let schema = object(&json!({ "shape": shape }));
    let reply = judged_by(schema, components, json!({ "shape": { "side": "long" } })).await;
    assert_eq!(essence(&reply)[0].1, json!(["body", "shape", "side"]));
}

#[tokio::test]
async fn inputs_that_fal_accepts_are_accepted() {
    let fal = Fal::instant().await;
    for fields in [
        // Unknown fields are ignored, as on fal.
        json!({ "promptt": "misspelt" }),
        // 1.0 is an integer too.
        json!({ "num_images": 2.0 }),
        // Null is accepted if the document says `nullable`.
        json!({ "image_size": null }),
        json!({ "image_size": "square_hd" }),
        json!({ "image_size": {} }),
        json!({ "loras": [{ "path": "a" }] }),
    ] {
        assert_eq!(fal.run(INPAINTING, &inpainting_with(fields.clone())).await.status, 200, "{fields}");
    }
    // 19 × 0.05 in floating point.
    let schema = json!({ "x": { "type": "number", "multipleOf": 0.05 } });
    assert_eq!(judged(schema.clone(), json!({ "x": 0.05 * 19.0 })).await.status, 200);
    assert_eq!(judged(schema, json!({ "x": 0.96 })).await.status, 422);
}

#[tokio::test]
async fn schema_habits_of_fal_are_supported() {
    let dangling = json!({ "x": { "$ref": "#/components/schemas/Nowhere" } });
    assert_eq!(judged(dangling, json!({ "x": [1, "anything"] })).await.status, 200);

    let tuple = json!({ "x": { "type": "array", "items": { "0": { "type": "string" }, "1": { "type": "integer" } } } });
    assert_eq!(judged(tuple.clone(), json!({ "x": ["a", 1] })).await.status, 200);
    assert_eq!(essence(&judged(tuple, json!({ "x": ["a", "b"] })).await)[0].1, json!(["body", "x", 1]));

    let nullable = json!({ "x": { "type": "string", "nullable": true }, "y": { "type": "string" } });
    assert_eq!(judged(nullable.clone(), json!({ "x": null, "y": "" })).await.status, 200);
    assert_eq!(essence(&judged(nullable, json!({ "x": 1, "y": null })).await).len(), 2);
}

#[tokio::test]
async fn recursive_input_schemas_terminate() {
    let components = json!({
        "Self": { "$ref": "#/components/schemas/Self" },
        "Tree": {
            "type": "object",
            "properties": { "children": { "type": "array", "items": { "$ref": "#/components/schemas/Tree" } } },
        },
    });
    let schema = object(&json!({
        "self": { "$ref": "#/components/schemas/Self" },
        "tree": { "$ref": "#/components/schemas/Tree" },
    }));
    let fine = json!({ "self": 1, "tree": { "children": [{ "children": [] }] } });
    assert_eq!(judged_by(schema.clone(), components.clone(), fine).await.status, 200);
    let deep = json!({ "tree": { "children": [{ "children": [{ "children": 1 }] }] } });
    let reply = judged_by(schema, components, deep).await;
    assert_eq!(essence(&reply)[0].1, json!(["body", "tree", "children", 0, "children", 0, "children"]));
}

#[tokio::test]
async fn body_that_is_not_an_object_is_rejected() {
    let fal = Fal::instant().await;
    let send = |body: &str| {
        let request = fal.request(Method::POST, &format!("/fal.run/{INPAINTING}"));
        send(request.header("content-type", "application/json").body(body.to_owned()))
    };
    for (body, kind, loc) in [
        ("", "missing", json!(["body"])),
        ("null", "dict_type", json!(["body"])),
        ("[]", "dict_type", json!(["body"])),
        ("\"text\"", "dict_type", json!(["body"])),
        ("{\"prompt\": \n oops}", "json_invalid", json!(["body", 13])),
        ("{", "json_invalid", json!(["body", 1])),
        ("\u{0}", "json_invalid", json!(["body", 0])),
    ] {
        let reply = send(body).await;
        assert_eq!(reply.status, 422, "{body}");
        let detail = &reply.body["detail"][0];
        assert_eq!((&detail["type"], &detail["loc"]), (&json!(kind), &loc), "{body}");
    }
    // Nested deeper than the JSON parser allows.
    let deep = send(&"[".repeat(100_000)).await;
    assert_eq!(deep.body["detail"][0]["type"], "json_invalid");
    assert_eq!(fal.run(INPAINTING, &inpainting()).await.status, 200);
}
