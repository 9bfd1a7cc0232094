use fal_emulator::{Emulator, Error, Pace};
use serde_json::{Map, Value, json};

use crate::fal::{Fal, document};

/// Returns components of which each refers to the next one.
fn chain(levels: usize, make: impl Fn(Value) -> Value) -> Value {
    let reference = |level| json!({ "$ref": format!("#/components/schemas/L{level}") });
    let mut components: Map<String, Value> =
        (0..levels).map(|level| (format!("L{level}"), make(reference(level + 1)))).collect();
    components.insert(format!("L{levels}"), json!({ "type": "object" }));
    Value::Object(components)
}

/// Returns components of which each combines all.
fn mesh(size: usize, keyword: &str) -> Value {
    let all: Vec<Value> = (0..size).map(|level| json!({ "$ref": format!("#/components/schemas/L{level}") })).collect();
    (0..size).map(|level| (format!("L{level}"), json!({ keyword: all }))).collect::<Map<_, _>>().into()
}

#[tokio::test]
async fn documents_that_combine_too_many_schemas_are_refused() {
    let root = json!({ "$ref": "#/components/schemas/L0" });
    for (name, components, reason) in [
        ("allOf twice", chain(24, |next| json!({ "allOf": [next, next] })), "combines more than 2000"),
        ("anyOf twice", chain(20, |next| json!({ "anyOf": [next, next] })), "combines more than 2000"),
        ("mixed", chain(15, |next| json!({ "oneOf": [{ "not": next }, { "if": next }] })), "combines more than 2000"),
        (
            "below a property",
            chain(24, |next| json!({ "properties": { "a": { "allOf": [next, next] } }, "allOf": [next, next] })),
            "combines more than 2000",
        ),
        (
            "many references",
            json!({
                "L0": { "properties": (0..2_000).map(|n| (format!("f{n}"), json!({ "$ref": "#/components/schemas/Large" }))).collect::<Map<_, _>>() },
                "Large": { "anyOf": vec![json!({ "type": "object" }); 1_900] },
            }),
            "combine more than 100000",
        ),
        (
            "patterns",
            json!({ "L0": { "properties": (0..101).map(|n| (format!("f{n}"), json!({ "pattern": "(a{9}){9}" }))).collect::<Map<_, _>>() } }),
            "101 patterns",
        ),
        (
            "patterns of names",
            json!({ "L0": { "patternProperties": (0..3_000).map(|n| (format!("^(a{{1,300}}){{1,300}}{n}"), json!({}))).collect::<Map<_, _>>() } }),
            "3000 patterns",
        ),
        ("a cycle of allOf", mesh(8, "allOf"), "combines more than 2000"),
        ("a cycle of anyOf", mesh(12, "anyOf"), "combines more than 2000"),
        ("references", chain(3_000, |next| next), "more than 64 deep"),
        ("one allOf", chain(3_000, |next| json!({ "allOf": [next] })), "more than 64 deep"),
        ("large", json!({ "L0": { "description": "x".repeat(5 << 20) } }), "exceeds the limit of 4 MiB"),
    ] {
        for (input, output) in [(&root, &json!({})), (&json!({}), &root)] {
            let start = Emulator::builder().document(document("me/bomb", input, output, &components)).start();
            let Err(Error::Documents(errors)) = start.await else { panic!("{name} was accepted") };
            assert_eq!((errors.len(), errors[0].file()), (1, "document 1"));
            assert!(errors[0].reason().contains(reason), "{name}: {}", errors[0]);
        }
    }
}

#[tokio::test]
async fn large_and_recursive_documents_are_served() {
    let root = json!({ "$ref": "#/components/schemas/L0" });
    let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let fields: Map<String, Value> =
        (0..300).map(|n| (format!("f{n}"), json!({ "allOf": [reference("Big")] }))).collect();
    let big: Map<String, Value> =
        (0..300).map(|n| (format!("p{n}"), json!({ "description": "x".repeat(1_000) }))).collect();
    for (name, components) in [
        ("properties", chain(300, |next| json!({ "properties": { "a": next, "b": next } }))),
        ("an array", chain(300, |next| json!({ "type": "array", "items": next }))),
        ("a tree", json!({ "L0": { "properties": { "left": reference("L0"), "right": reference("L0") } } })),
        ("a union with itself", json!({ "L0": { "anyOf": [reference("L0"), { "type": "object" }] } })),
        ("wide", json!({ "L0": { "properties": fields }, "Big": { "properties": big } })),
    ] {
        let text = document("me/large", &json!({}), &root, &components);
        let fal = Fal::start(Emulator::builder().document(text).pace(Pace::instant())).await;
        assert_eq!(fal.run("me/large", &json!({})).await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn inputs_that_multiply_the_checks_are_refused() {
    let reference = json!({ "$ref": "#/components/schemas/T" });
    let strict = |union: Value| json!({ "T": { "properties": { "t": union, "z": { "type": "string" } } } });
    let nested = |around: Value| (0..40).fold(around, |inner, _| json!({ "allOf": [inner] }));
    for (name, components) in [
        ("anyOf", strict(json!({ "anyOf": [reference, { "allOf": [reference] }] }))),
        ("oneOf", strict(json!({ "oneOf": [reference, { "$ref": "#/components/schemas/T", "title": "T" }] }))),
        ("if", strict(json!({ "if": reference, "then": reference, "else": reference }))),
        ("not", strict(json!({ "not": reference, "anyOf": [reference] }))),
        ("items", strict(json!({ "items": { "anyOf": [reference, reference] }, "anyOf": [reference, reference] }))),
        (
            "deep",
            json!({ "T": nested(json!({ "properties": { "t": { "anyOf": [reference] }, "z": { "type": "string" } } })) }),
        ),
    ] {
        let text = document("me/bomb", &json!({ "$ref": "#/components/schemas/T" }), &json!({}), &components);
        let fal = Fal::start(Emulator::builder().document(text).pace(Pace::instant())).await;
        let input = (0..100).fold(json!({ "z": 1 }), |inner, _| json!({ "t": inner }));
        let refused = fal.run("me/bomb", &input).await;
        assert_eq!(refused.status, 500, "{name}");
        let status = if name == "not" { 422 } else { 200 };
        assert_eq!(fal.run("me/bomb", &json!({ "t": { "t": { "z": "text" } } })).await.status, status, "{name}");
    }
}
