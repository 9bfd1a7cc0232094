//! Validation of inputs: errors in fal's format. The tests of `fal-emulator` have the details.

use fal_documents::validate::Measured;
use fal_documents::{Document, Source, Validator};
use serde_json::{Value, json};

fn document(input: Value, components: Value) -> Document {
    let text = json!({ "endpointId": "me/app", "input": input, "output": {}, "$defs": components }).to_string();
    let source = Source { file: "app.json".into(), path: "app.json".into(), text: text.into_bytes(), patch: None };
    fal_documents::parse(&source).unwrap_or_else(|findings| panic!("{findings:?}")).documents.remove(0)
}

#[track_caller]
fn validator(input: Value) -> Validator {
    Validator::new(&document(input, json!({}))).unwrap_or_else(|finding| panic!("{finding}"))
}

#[test]
fn errors_have_the_format_of_fal() {
    let validator = validator(json!({
        "required": ["prompt"],
        "properties": {
            "prompt": { "type": "string" },
            "loras": { "type": "array", "items": { "properties": { "scale": { "type": "number", "maximum": 2 } } } },
        },
    }));
    assert!(validator.errors(&json!({ "prompt": "a fox", "loras": [{ "scale": 1 }], "unknown": true })).is_empty());
    let input = json!({ "loras": [{}, { "scale": 3 }] });
    let mut errors = validator.errors(&input);
    errors.sort_by_key(|error| error["type"].to_string());
    assert_eq!(
        errors,
        [
            json!({
                "loc": ["body", "loras", 1, "scale"], "msg": "Input should be less than or equal to 2",
                "type": "less_than_equal", "url": "https://docs.fal.ai/errors/#less_than_equal",
                "ctx": { "le": 2 }, "input": 3,
            }),
            json!({
                "loc": ["body", "prompt"], "msg": "Field required", "type": "missing",
                "url": "https://docs.fal.ai/errors/#missing", "input": input,
            }),
        ]
    );
    assert_eq!(validator.errors(&json!([]))[0]["type"], "dict_type");
}

#[test]
fn unknown_fields_are_found_where_objects_are_closed() {
    let size = json!({ "anyOf": [{ "enum": ["square"] }, { "properties": { "width": {}, "height": {} } }] });
    let validator = validator(json!({
        "properties": {
            "size": size,
            "sizes": { "type": "array", "items": size },
            "free": { "type": "object" },
            "map": { "type": "object", "additionalProperties": { "properties": { "a": {} } } },
            "open": { "properties": { "a": {} }, "additionalProperties": true },
        },
    }));
    let input = json!({
        "size": { "width": 1, "heigth": 2 }, "sizes": ["square", {}, { "x": 1 }], "free": { "x": 1 }, "map": { "x": { "b": 1 } },
        "open": { "x": 1 }, "Size": 1,
    });
    let unknown = validator.unknown_fields(&input);
    let mut unknown: Vec<(String, &Value)> =
        unknown.iter().map(|detail| (detail["loc"].to_string(), &detail["ctx"]["expected"])).collect();
    unknown.sort_by(|(a, _), (b, _)| a.cmp(b));
    let (size, all) = (json!(["height", "width"]), json!(["free", "map", "open", "size", "sizes"]));
    assert_eq!(
        unknown,
        [
            (r#"["body","Size"]"#.to_owned(), &all),
            (r#"["body","map","x","b"]"#.to_owned(), &json!(["a"])),
            (r#"["body","size","heigth"]"#.to_owned(), &size),
            (r#"["body","sizes",2,"x"]"#.to_owned(), &size),
        ]
    );
    assert!(validator.errors(&input).is_empty(), "fal ignores them");
}

/// As the generated types have it.
#[test]
fn required_field_with_a_default_may_be_absent() {
    let part = json!({ "required": ["scale", "path"], "properties": { "scale": { "default": 1 }, "path": {} } });
    let validator = validator(json!({
        "required": ["prompt", "steps", "seed"],
        "properties": {
            "prompt": { "type": "string" },
            "steps": { "type": "integer", "default": 4 },
            "seed": { "anyOf": [{ "type": "integer" }, { "type": "null" }], "default": null },
            "loras": { "type": "array", "items": part },
        },
    }));
    assert!(validator.errors(&json!({ "prompt": "a fox", "loras": [{ "path": "a" }] })).is_empty());
    let errors = validator.errors(&json!({ "loras": [{}] }));
    let mut missing: Vec<String> = errors.iter().map(|error| error["loc"].to_string()).collect();
    missing.sort();
    assert_eq!(missing, [r#"["body","loras",0,"path"]"#, r#"["body","prompt"]"#]);
}

/// As the generated types have it.
#[test]
fn null_is_a_default_only_where_it_is_a_value() {
    let is_demanded = |property: Value| {
        let input = json!({ "required": ["seed"], "properties": { "seed": property } });
        let components = json!({ "Seed": { "type": "integer" }, "Any": { "type": ["integer", "null"] } });
        let validator = Validator::new(&document(input, components)).unwrap_or_else(|finding| panic!("{finding}"));
        !validator.errors(&json!({})).is_empty()
    };
    for property in [
        json!({ "type": "integer", "nullable": true }),
        json!({ "type": ["integer", "null"] }),
        json!({ "oneOf": [{ "type": "integer" }, { "type": "null" }] }),
        json!({ "enum": [1, null] }),
        json!({ "$ref": "#/$defs/Any" }),
    ] {
        let mut with_null = property.clone();
        with_null["default"] = json!(null);
        assert_eq!((is_demanded(with_null), is_demanded(property.clone())), (false, true), "{property}");
    }
    for property in [json!({ "type": "integer" }), json!({ "$ref": "#/$defs/Seed" })] {
        let with = |default: Value| {
            let mut property = property.clone();
            property["default"] = default;
            property
        };
        assert_eq!((is_demanded(with(json!(null))), is_demanded(with(json!(1)))), (true, false), "{property}");
    }
}

#[test]
fn input_without_defaults_may_fit_several_variants() {
    let size = |name: &str| json!({ "type": "object", "required": [name], "properties": { name: { "type": "integer", "default": 1 } } });
    let validator = validator(json!({ "properties": { "size": { "oneOf": [size("width"), size("height")] } } }));
    assert!(validator.errors(&json!({ "size": { "width": 2 } })).is_empty());
    assert_eq!(validator.errors(&json!({ "size": 2 })).len(), 1);
    assert_eq!(validator.errors(&json!({ "size": { "width": "2", "height": "2" } })).len(), 1);
}

#[test]
fn url_stands_for_another_type_where_the_document_states_one() {
    let file = json!({ "required": ["url"], "properties": { "url": { "type": "string" } }, "type": "object" });
    let example = "https://files.test/fox.mp4";
    let mut plain = file.clone();
    plain["examples"] = json!([{ "url": example }]);
    let validator = Validator::new(&document(
        json!({ "properties": {
            "video": { "$ref": "#/$defs/File", "examples": [example] },
            "videos": { "type": "array", "items": { "$ref": "#/$defs/File" }, "examples": [example] },
            "mask": { "type": "boolean", "example": example },
            "scale": { "type": "number", "default": example },
            "plain": plain,
            "note": { "type": ["string", "null"], "maxLength": 30, "default": example },
            "text": { "type": "string", "maxLength": 30, "examples": [example] },
            "frames": { "type": "string", "enum": ["129"], "default": 129 },
        } }),
        json!({ "File": file }),
    ));
    let validator = validator.unwrap_or_else(|finding| panic!("{finding}"));
    let errors = |input: Value| validator.errors(&input).len();
    let other = "https://files.test/a-much-longer-name.mp4";
    assert_eq!(errors(json!({ "video": example })), 0);
    assert_eq!(errors(json!({ "video": other })), 0);
    assert_eq!(errors(json!({ "video": { "url": other } })), 0);
    for name in ["videos", "mask", "scale"] {
        assert_eq!((errors(json!({ name: other })), errors(json!({ name: "fox.mp4" }))), (0, 1), "{name}");
    }
    assert_eq!(errors(json!({ "video": "fox.mp4" })), 1);
    assert_eq!(errors(json!({ "plain": other })), 1);
    assert_eq!((errors(json!({ "text": other })), errors(json!({ "note": other }))), (1, 1));
    assert_eq!((errors(json!({ "frames": 129 })), errors(json!({ "frames": 130 }))), (0, 1));
}

#[test]
fn limits_of_files_use_the_lookup() {
    let validator = validator(json!({
        "properties": { "image_url": { "type": "string", "x-fal": { "max_file_size": 3 } } },
    }));
    let file = |url: &str| {
        let size = url.strip_prefix("https://files.test/")?.parse().ok()?;
        Some(Measured { size, header: Vec::new() })
    };
    let errors = |url: &str| validator.file_errors(&json!({ "image_url": url }), &file);
    assert!(errors("https://files.test/3").is_empty());
    assert!(errors("https://elsewhere.test/4").is_empty());
    assert_eq!(errors("https://files.test/4")[0]["type"], "file_too_large");
    assert_eq!(errors("data:,four")[0]["loc"], json!(["body", "image_url"]));
}

#[test]
fn recursive_schemas_are_validated_within_bounds() {
    let node = json!({
        "anyOf": [
            { "properties": { "next": { "$ref": "#/$defs/Node" } } },
            { "properties": { "next": { "$ref": "#/$defs/Node" } } },
        ],
    });
    let document = document(json!({ "properties": { "next": { "$ref": "#/$defs/Node" } } }), json!({ "Node": node }));
    let validator = Validator::new(&document).unwrap_or_else(|finding| panic!("{finding}"));
    let nested = |depth: usize| (0..depth).fold(json!({}), |inner, _| json!({ "next": inner }));
    assert!(validator.is_within_bounds(&nested(8)) && validator.errors(&nested(8)).is_empty());
    assert!(!validator.is_within_bounds(&nested(30)));
    assert_eq!(validator.errors(&nested(30))[0]["loc"], json!(["body"]));
}

#[test]
fn invalid_schemas_are_findings() {
    let invalid = Validator::new(&document(json!({ "properties": { "a": { "type": 7 } } }), json!({})));
    let finding = invalid.expect_err("an invalid schema").to_string();
    assert!(finding.starts_with("app.json: invalid input schema of `me/app` at "), "{finding}");
}
