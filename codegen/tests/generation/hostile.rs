//! Hostile documents lead to an error or to harmless code, quickly and without a panic.

use quote::ToTokens;
use serde_json::{Map, Value, json};

use crate::project::{Project, document, with_input};

fn module(input: Value, components: Value) -> String {
    let mut document = with_input("acme/one", input);
    document["components"] = json!({ "schemas": components });
    let project = Project::new(&[("a.json", document)]);
    project.generate();
    project.files()["acme/one.rs"].clone()
}

#[test]
fn deep_schemas_become_free_form() {
    let mut deep = json!({ "type": "string" });
    for _ in 0..12 {
        deep =
            json!({ "type": "object", "properties": { "a": { "anyOf": [deep, { "type": "array", "items": {} }] } } });
    }
    assert!(module(json!({ "properties": { "a": deep } }), json!({})).contains("serde_json::Value"));
}

#[test]
fn cycles_of_references_terminate() {
    let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let components = json!({
        "Self": reference("Self"), "A": reference("B"), "B": reference("A"),
        "List": { "type": "array", "items": reference("List") },
        "Union": { "anyOf": [reference("Union"), reference("Union2"), { "type": "string" }] },
        "Union2": { "anyOf": [reference("Union"), reference("Union2")] },
        "All": { "allOf": [reference("All"), reference("All")] },
        "Needs": { "type": "object", "properties": { "needs": reference("Needs") }, "required": ["needs"] },
    });
    let names = components.as_object().unwrap().keys();
    let properties: Map<String, Value> = names.map(|name| (name.clone(), reference(name))).collect();
    let text = module(json!({ "properties": properties, "required": ["Needs"] }), components);
    assert!(text.contains("pub needs: Option<Box<Needs>>"), "{text}");
}

#[test]
fn components_that_double_are_not_expanded() {
    // Each is made of two of the next: expanded, they would be 2^40.
    let mut components = Map::new();
    for number in 0..40 {
        let next = json!({ "$ref": format!("#/components/schemas/C{}", number + 1) });
        for (keyword, name) in [("allOf", "C"), ("anyOf", "U")] {
            let next = json!({ "$ref": next["$ref"].as_str().unwrap().replace("/C", &format!("/{name}")) });
            components.insert(format!("{name}{number}"), json!({ keyword: [next, next] }));
        }
    }
    components.insert("C40".to_owned(), json!({ "type": "object", "properties": { "a": {} } }));
    components.insert("U40".to_owned(), json!({ "type": "string" }));
    let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    module(json!({ "properties": { "a": reference("C0"), "b": reference("U0") } }), Value::Object(components));
}

#[test]
fn long_chain_of_records_does_not_overflow_the_stack() {
    let mut components = Map::new();
    for number in 0..5_000 {
        let next = json!({ "$ref": format!("#/components/schemas/C{}", number + 1) });
        components
            .insert(format!("C{number}"), json!({ "type": "object", "properties": { "a": next }, "required": ["a"] }));
    }
    module(json!({ "properties": { "a": { "$ref": "#/components/schemas/C0" } } }), Value::Object(components));
}

#[test]
fn a_million_enum_values_become_a_string() {
    let values: Vec<String> = (0..1_000_000).map(|number| format!("v{number}")).collect();
    let text = module(json!({ "properties": { "a": { "enum": values } } }), json!({}));
    assert!(text.contains("pub a: Option<String>") && text.len() < 5_000);
}

#[test]
fn names_cannot_inject_code() {
    let evil = [
        "\"; } fn evil() {} //",
        "*/ fn evil() {}",
        "a\nfn evil() {}",
        "../../evil",
        "${evil}",
        "\u{202e}evil",
        "r#\"evil\"#",
    ];
    let properties: Map<String, Value> = evil
        .iter()
        .map(|name| ((*name).to_owned(), json!({ "enum": evil, "description": evil.join("\n"), "default": name })))
        .collect();
    let components: Map<String, Value> =
        evil.iter().map(|name| ((*name).to_owned(), json!({ "properties": properties, "title": name }))).collect();
    let references: Map<String, Value> = evil
        .iter()
        .map(|name| ((*name).to_owned(), json!({ "$ref": format!("#/components/schemas/{name}") })))
        .collect();
    let text = module(json!({ "properties": references }), Value::Object(components));
    let file = syn::parse_file(&text).unwrap();
    for item in file.items {
        match item {
            // Types have no functions, and neither do the arguments of their attributes.
            syn::Item::Struct(_) | syn::Item::Enum(_) => assert!(!mentions_fn(item.into_token_stream()), "{text}"),
            item => assert!(matches!(item, syn::Item::Const(_)), "{text}"),
        }
    }
}

fn mentions_fn(tokens: proc_macro2::TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        proc_macro2::TokenTree::Group(group) => mentions_fn(group.stream()),
        proc_macro2::TokenTree::Ident(ident) => ident == "fn",
        _ => false,
    })
}

#[test]
fn odd_json_is_parsed_or_reported() {
    let project = Project::new(&[]);
    let text = document("acme/one").to_string();
    for (odd, finding) in [
        (text.replace("\"required\":", "\"minimum\":1e400,\"required\":").into_bytes(), "number out of range"),
        ([text.as_bytes(), b"\xff"].concat(), "not UTF-8"),
        (text.replace("\"text\"", "\"te\\ud800xt\"").into_bytes(), "invalid JSON"),
        (text.replace("object", "ob\0ject").into_bytes(), "control character"),
        ([&text.as_bytes()[..20], b"\xc3\x28", &text.as_bytes()[20..]].concat(), "not UTF-8 at line 1 column 21"),
        ([&b"{\"a"[..], b"\xff\xfe\":1}"].concat(), "not UTF-8 at line 1 column 4"),
        ("[".repeat(1_000_000).into_bytes(), "recursion limit exceeded"),
        (
            text.replace("\"string\"", &("{\"items\":".repeat(200) + "{}" + &"}".repeat(200))).into_bytes(),
            "recursion limit",
        ),
        (Vec::new(), "the file is empty"),
    ] {
        project.put("a.json", odd);
        let found = project.findings();
        assert!(found[0].starts_with("schemas/a.json: ") && found[0].contains(finding), "{found:?}");
    }
    // The last of two equal keys counts, as in other JSON parsers.
    project.put("a.json", text.replace("\"type\":\"string\"", "\"type\":\"integer\",\"type\":\"string\""));
    let summary = project.generate();
    assert!(project.files()["acme/one.rs"].contains("pub text: String"));
    let duplicate = summary.mistakes[0].to_string();
    assert!(duplicate.contains("/properties/text/type: the object has the key `type` twice"), "{duplicate}");
}

#[test]
fn invalid_bounds_are_ignored() {
    let property = json!({
        "type": "number", "minimum": "1", "maximum": null, "multipleOf": 0, "exclusiveMinimum": true, "minLength": -1,
        "enum": [], "pattern": 5,
    });
    let text = module(
        json!({ "properties": { "a": property, "b": { "type": 7 }, "c": 7, "d": [] }, "required": "a" }),
        json!([]),
    );
    assert!(text.contains("pub a: Option<f64>,") && !text.contains("#[field("), "{text}");
}

#[test]
fn bounds_that_no_value_satisfies_are_reported_instead_of_checked() {
    let properties = json!({
        "number": { "type": "number", "minimum": 1, "maximum": 0, "multipleOf": 2 },
        "above": { "type": "integer", "exclusiveMinimum": 5, "maximum": 4 },
        "text": { "type": "string", "minLength": 3, "maxLength": 2 },
        "list": { "type": "array", "items": { "type": "string", "minLength": 3, "maxLength": 1 }, "minItems": 2, "maxItems": 1 },
        "fine": { "type": "integer", "minimum": 1, "maximum": 1 },
    });
    let project =
        Project::new(&[("a.json", with_input("acme/one", json!({ "type": "object", "properties": properties })))]);
    project.generate();
    let text = project.files()["acme/one.rs"].clone();
    assert_eq!(text.matches("#[field(").count(), 2, "{text}");
    assert!(text.contains("#[field(multiple_of(2))]") && text.contains("#[field(range(1, 1))]"), "{text}");
    let reason = "is not checked because the lower bound is above the upper bound";
    let report = project.files()["REPORT.md"].clone();
    for (field, keyword) in [
        ("number", "minimum"),
        ("number", "maximum"),
        ("above", "exclusiveMinimum"),
        ("above", "maximum"),
        ("text", "minLength"),
        ("list", "minLength"),
        ("list", "maxItems"),
    ] {
        assert!(report.contains(&format!("- `Input.{field}`: `{keyword}` {reason}")), "{report}");
    }
}

#[test]
fn mistakes_of_schemas_are_in_the_report() {
    let input = json!({ "type": "object", "required": ["here", "nowhere"], "properties": {
        "here": { "type": "string", "minLength": "ten", "maxLength": null },
        "broken": { "type": "string", "pattern": "((" },
        "number": { "type": "number", "minimum": "low", "maximum": 3 },
        "strange": { "type": "strin" },
    } });
    let project = Project::new(&[("a.json", with_input("a/b", input))]);
    project.generate();
    let files = project.files();
    let lines: Vec<&str> = files["REPORT.md"].lines().filter(|line| line.starts_with("- ")).collect();
    assert_eq!(
        lines,
        [
            "- `Input`: the schema requires the field `nowhere`, but does not declare it",
            "- `Input.here`: `minLength` is not checked because it is not a count",
            "- `Input.broken`: `pattern` is not checked because the client's regex engine does not support it",
            "- `Input.number`: `minimum` is not checked because it is not a number",
            "- `Input.strange`: the schema has an unknown `type`; typed as `serde_json::Value`",
        ]
    );
}
