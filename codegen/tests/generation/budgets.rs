//! Short documents and patches that describe large ones lead to an error that names the file, the location and the remedy.

use fal_codegen::changes;
use serde_json::{Map, Value, json};

use crate::project::{Project, document, with_input};

const SMALLER: &str = "remove parts with a patch, or leave the endpoint out with `exclude`";

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn object(properties: impl IntoIterator<Item = (String, Value)>) -> Value {
    json!({ "type": "object", "properties": Map::from_iter(properties) })
}

/// Numbered fields with the same schema.
fn fields(name: &str, number: usize, schema: &Value) -> Value {
    object((0..number).map(|index| (format!("{name}{index}"), schema.clone())))
}

fn string() -> Value {
    json!({ "type": "string" })
}

/// A document of `acme/one` with components.
fn with_components(input: Value, components: Value) -> Value {
    let mut document = with_input("acme/one", input);
    document["components"] = json!({ "schemas": components });
    document
}

#[track_caller]
fn check_document(document: &Value, finding: &str) {
    let project = Project::new(&[("a.json", document.clone())]);
    assert_eq!(project.findings(), [format!("schemas/a.json at {finding}; {SMALLER}")]);
    assert!(!project.out().exists());
    // The comparison of documents has the same budget.
    let text = document.to_string();
    let error = changes(&text, &text).expect_err("an error").to_string();
    assert_eq!(error, format!("old at {finding}; {SMALLER}"));
}

const ID: &str = "/info/x-fal-metadata/endpointId";

#[test]
fn merges_that_multiply_a_component_are_rejected() {
    let merged = json!({ "allOf": [reference("Large"), reference("Small")] });
    let small = fields("s", 1, &string());
    let too_large = "the schemas of `acme/one` exceed 8 MiB with `allOf` merged";
    // Many fields, many kilobytes of prose, and a component instead of the input.
    let large = fields("p", 4_000, &string());
    let document = with_components(fields("f", 300, &merged), json!({ "Large": large, "Small": small }));
    check_document(&document, &format!("{ID}: {too_large}"));
    let prose = fields("p", 1, &json!({ "type": "string", "title": "word ".repeat(60_000) }));
    let document = with_components(fields("f", 300, &merged), json!({ "Large": prose, "Small": small }));
    check_document(&document, &format!("{ID}: {too_large}"));
    let components = json!({ "a/b": fields("f", 300, &merged), "Large": large, "Small": small });
    check_document(
        &with_components(fields("f", 1, &string()), components),
        &format!("/components/schemas/a~1b: {too_large}"),
    );
    // Items, values of maps and variants multiply as well.
    for inner in [
        json!({ "type": "array", "items": merged }),
        json!({ "type": "object", "additionalProperties": merged }),
        json!({ "anyOf": [merged, string()] }),
        json!({ "allOf": [{ "allOf": [reference("Large")] }, reference("Small")] }),
    ] {
        let prose = fields("p", 1, &json!({ "type": "string", "title": "word ".repeat(60_000) }));
        let document = with_components(fields("f", 300, &inner), json!({ "Large": prose, "Small": small }));
        check_document(&document, &format!("{ID}: {too_large}"));
    }
}

#[test]
fn long_descriptions_are_cut_and_say_so() {
    let prose = "word ".repeat(600_000);
    let text = json!({ "type": "string", "description": prose });
    let large = json!({ "type": "object", "description": prose, "properties": { "a": text, "b": reference("Part") } });
    let components = json!({ "Part": { "description": prose, "type": "object", "properties": { "c": text } } });
    let project = Project::new(&[("a.json", with_components(large, components))]);
    project.generate();
    let module = project.files()["acme/one.rs"].clone();
    assert!(module.len() < 300_000, "{}", module.len());
    assert_eq!(module.matches("(The text is cut after 20000 characters.)").count(), 4);
    assert_eq!(module.matches("pub a: ").count(), 1);
    let short = Project::new(&[(
        "a.json",
        with_components(json!({ "properties": { "a": { "type": "string", "description": "word" } } }), json!({})),
    )]);
    short.generate();
    assert!(!short.files()["acme/one.rs"].contains("is cut"));
}

#[test]
fn merges_that_double_at_every_level_are_rejected() {
    let mut components = Map::new();
    for level in 0..40 {
        let next = json!({ "allOf": [reference(&format!("C{}", level + 1)), reference("Small")] });
        components.insert(format!("C{level}"), fields("p", 2, &next));
    }
    components.insert("C40".to_owned(), fields("p", 1, &string()));
    components.insert("Small".to_owned(), fields("s", 1, &string()));
    let document = with_components(reference("C0"), Value::Object(components));
    check_document(&document, "/components/schemas/C0: the schemas of `acme/one` exceed 8 MiB with `allOf` merged");
}

#[test]
fn long_chain_of_merges_is_followed_to_its_end() {
    let mut components = Map::new();
    for level in 0..100 {
        let own = object([(format!("p{level}"), string())]);
        components.insert(format!("C{level}"), json!({ "allOf": [reference(&format!("C{}", level + 1)), own] }));
    }
    components.insert("C100".to_owned(), object([("last".to_owned(), string())]));
    let project = Project::new(&[("a.json", with_components(reference("C0"), Value::Object(components)))]);
    project.generate();
    let text = project.files()["acme/one.rs"].clone();
    assert!(text.contains("pub last: ") && text.contains("pub p0: ") && text.contains("pub p99: "), "{text}");
}

#[test]
fn component_that_merges_itself_into_its_fields_stays_a_type() {
    let own = json!({ "allOf": [reference("Tree"), { "description": "A subtree." }] });
    let tree = object([("left".to_owned(), own.clone()), ("right".to_owned(), own), ("name".to_owned(), string())]);
    let root = json!({ "properties": { "tree": reference("Tree") } });
    let project = Project::new(&[("a.json", with_components(root, json!({ "Tree": tree })))]);
    project.generate();
    let text = project.files()["acme/one.rs"].clone();
    assert!(text.contains("Option<Box<Tree>>") && text.len() < 20_000, "{text}");
}

#[test]
fn unions_and_enums_that_multiply_are_rejected() {
    let too_many = format!("{ID}: `acme/one` has more than 50000 fields, variants and enum values");
    let variants: Vec<Value> = (0..50).map(|index| fields(&format!("v{index}_"), 100, &string())).collect();
    let union = json!({ "anyOf": [reference("Union"), string()] });
    check_document(&with_components(fields("f", 300, &union), json!({ "Union": { "anyOf": variants } })), &too_many);
    // Prose of a variant is repeated at every use.
    let mut wordy = fields("a", 1, &string());
    wordy["description"] = json!("word ".repeat(50_000));
    let union = json!({ "anyOf": [reference("Wordy"), reference("Other")] });
    let components = json!({ "Wordy": wordy, "Other": fields("b", 1, &string()) });
    check_document(&with_components(fields("f", 3_000, &union), components), &too_many);
    // Enums in unions, and numbers of a component.
    let values: Vec<String> = (0..4_000).map(|index| format!("v{index}")).collect();
    let union = json!({ "anyOf": [reference("Values"), reference("More")] });
    let components = json!({ "Values": { "type": "string", "enum": values }, "More": { "enum": ["more"] } });
    check_document(&with_components(fields("f", 300, &union), components), &too_many);
    let numbers: Vec<usize> = (0..4_000).collect();
    let components = json!({ "Numbers": { "type": "integer", "enum": numbers } });
    check_document(&with_components(fields("f", 300, &reference("Numbers")), components), &too_many);
    check_document(&with_input("acme/one", fields("f", 50_001, &json!({}))), &too_many);
}

#[test]
fn patterns_that_compile_to_much_are_not_checked() {
    let property = json!({ "type": "string", "pattern": "((a{1000}){1000}){1000}" });
    let project = Project::new(&[("a.json", with_input("acme/one", fields("p", 3, &property)))]);
    project.generate();
    assert!(!project.files()["acme/one.rs"].contains("pattern("));
    let property = json!({ "type": "string", "pattern": "[ab]{1,100}" });
    let many = with_input("acme/one", fields("p", 600, &property));
    check_document(&many, &format!("{ID}: `acme/one` has more than 50000 fields, variants and enum values"));
}

#[test]
fn enums_with_too_many_values_become_their_type() {
    let (texts, numbers): (Vec<String>, Vec<u32>) = (0..10_000).map(|number| (format!("v{number}"), number)).unzip();
    let with_null: Vec<Value> = texts.iter().map(|text| json!(text)).chain([Value::Null]).collect();
    let mixed: Vec<Value> =
        texts.iter().map(|text| json!(text)).chain(numbers.iter().map(|number| json!(number))).collect();
    let input = json!({ "type": "object", "required": ["text", "nothing"], "properties": {
        "text": { "enum": texts }, "number": { "enum": numbers }, "nothing": { "enum": with_null }, "mixed": { "enum": mixed },
        "either": { "anyOf": [{ "type": "string", "enum": texts }, { "type": "boolean" }] },
    } });
    let project = Project::new(&[("a.json", with_input("acme/one", input))]);
    project.generate();
    let (text, report) = (project.files()["acme/one.rs"].clone(), project.files()["REPORT.md"].clone());
    for field in [
        "pub text: String",
        "pub number: Option<i64>",
        "pub nothing: ::fal_client::Nullable<String>",
        "pub mixed: Option<",
    ] {
        assert!(text.contains(field), "{field}: {text}");
    }
    assert!(text.len() < 10_000, "{}", text.len());
    for line in [
        "- `Input.text`: the schema declares 10000 enum values, too many for an enum; typed as `String`",
        "- `Input.number`: `enum` is not checked because it has too many values",
        "- `Input.either`: the schema declares 10000 enum values",
    ] {
        assert!(report.contains(line), "{report}");
    }
}

#[test]
fn objects_that_require_each_other_in_many_ways_are_rejected() {
    let mut own = fields("a", 1_000, &reference("Own"));
    own["required"] = (0..1_000).map(|index| format!("a{index}")).collect();
    let document = with_components(fields("f", 1, &reference("Own")), json!({ "Own": own }));
    check_document(&document, &format!("{ID}: the objects of `acme/one` require each other in too many ways"));
}

#[test]
fn example_of_objects_that_require_several_others_is_short() {
    let required = |properties: Value| {
        let names: Vec<&String> = properties.as_object().unwrap().keys().collect();
        json!({ "type": "object", "properties": properties, "required": names })
    };
    let mut components = Map::new();
    for level in 0..12 {
        let next = reference(&format!("C{}", level + 1));
        components
            .insert(format!("C{level}"), required((0..10).map(|index| (format!("p{index}"), next.clone())).collect()));
    }
    components.insert("C12".to_owned(), required(json!({ "text": string() })));
    let input = required(json!({ "all": reference("C0") }));
    let project = Project::new(&[("a.json", with_components(input, Value::Object(components)))]);
    project.generate();
    let text = project.files()["acme/one.rs"].clone();
    assert!(text.len() < 200_000, "{}", text.len());
}

#[test]
fn long_chain_of_objects_is_compared_without_overflowing_the_stack() {
    // The last link comes first, so that each finds the next one.
    let order: Vec<String> = (0..3_000).rev().map(|index| format!("f{index}")).collect();
    let mut input = object((0..3_000).map(|index| (format!("f{index}"), reference(&format!("C{index}")))));
    input["x-fal-order-properties"] = json!(order);
    let links = (0..3_000).map(|index| {
        let next = [("next".to_owned(), reference(&format!("C{}", index + 1))), ("text".to_owned(), string())];
        (format!("C{index}"), object(next))
    });
    let mut components: Map<String, Value> = links.collect();
    components.insert("C3000".to_owned(), object([("text".to_owned(), string())]));
    let old = with_components(input, Value::Object(components)).to_string();
    let new = old.replace(r#""text":{"type":"string"}"#, r#""text":{"type":"integer"}"#);
    let found = changes(&old, &new).unwrap();
    // Each link, the end, and the output.
    assert_eq!(found.len(), 3_002);
}

#[test]
fn long_names_do_not_multiply() {
    let long = "n".repeat(300_000);
    let inner = fields("a", 500, &json!({}));
    let project = Project::new(&[("a.json", with_input("acme/one", object([(long.clone(), inner)])))]);
    project.generate();
    let text = project.files()["acme/one.rs"].clone();
    assert_eq!(text.matches(&long).count(), 1);
    assert!(text.len() < long.len() + 200_000, "{}", text.len());
}

#[test]
fn app_with_many_endpoints_and_components_is_rejected() {
    let post =
        json!({ "post": { "requestBody": { "content": { "application/json": { "schema": reference("C0") } } } } });
    let app = json!({
        "info": { "x-fal-metadata": { "endpointId": "acme/app" } },
        "paths": (0..1_000).map(|index| (format!("/p{index}"), post.clone())).collect::<Map<String, Value>>(),
        "components": { "schemas": (0..2_000).map(|index| (format!("C{index}"), fields("a", 1, &string()))).collect::<Map<String, Value>>() },
    });
    let project = Project::new(&[("a.json", app)]);
    assert_eq!(
        project.findings(),
        [
            "schemas/a.json at /paths: too many endpoints share the components: their copies exceed 64 MiB; split the document, \
          or remove components"
        ]
    );
}

#[test]
fn file_whose_values_would_take_too_much_memory_is_rejected() {
    let finding = "file is too large: it may have 64 MiB, including 32 bytes for each value; split it, or remove what is not \
                   needed";
    let project = Project::new(&[]);
    for text in ["{\"\":0},", "[],", "0,"].map(|value| format!("[{}0]", value.repeat(2_200_000))) {
        project.put("a.json", &text);
        assert_eq!(project.findings(), [format!("schemas/a.json: {finding}")]);
    }
    project.put("a.json", document("acme/one").to_string());
    project.put("a.patch.json", format!("[{}0]", "0,".repeat(2_200_000)));
    assert_eq!(project.findings(), [format!("schemas/a.patch.json: {finding}")]);
    // Commas in a string are not values.
    let mut prose = with_input("acme/one", fields("a", 1, &string()));
    prose["info"]["description"] = json!("\\\",[{".repeat(2_200_000));
    project.put("a.json", prose.to_string());
    project.remove("a.patch.json");
    assert_eq!(project.generate().documents, 1);
}

#[track_caller]
fn check_patch(operations: &[Value], index: usize, reason: &str) {
    let project = Project::new(&[("a.json", document("acme/one"))]);
    project.put("a.patch.json", json!(operations).to_string());
    assert_eq!(
        project.findings(),
        [format!(
            "schemas/a.patch.json at /{index}: patch does not apply: {reason}; update it, or remove it if fal has fixed the \
             document"
        )]
    );
    assert!(!project.out().exists());
}

const TOO_MUCH: &str = "the operations add or move more than 64 MiB";
const TOO_DEEP: &str = "the document would be nested more than 128 levels deep";

#[test]
fn patches_that_copy_without_end_are_rejected() {
    let copy = |from: &str, path: String| json!({ "op": "copy", "from": from, "path": path });
    // The document doubles with each copy.
    let doubled: Vec<Value> = (0..40).map(|index| copy("", format!("/x{index}"))).collect();
    check_patch(&doubled, 15, TOO_MUCH);
    let mut listed = vec![json!({ "op": "add", "path": "/x", "value": ["text"] })];
    listed.extend((0..40).map(|_| copy("/x", "/x/-".to_owned())));
    check_patch(&listed, 20, TOO_MUCH);
    // A long string, and the work of copies that are replaced again.
    let mut long = vec![json!({ "op": "add", "path": "/x", "value": "x".repeat(5_000_000) })];
    long.extend((0..40).map(|index| copy("/x", format!("/y{index}"))));
    check_patch(&long, 13, TOO_MUCH);
    long.iter_mut().skip(1).for_each(|operation| operation["path"] = json!("/y"));
    check_patch(&long, 13, TOO_MUCH);
    let mut moved = vec![json!({ "op": "add", "path": "/x", "value": vec![0; 1_000_000] })];
    moved.extend((0..100).map(|_| json!({ "op": "remove", "path": "/x/0" })));
    check_patch(&moved, 36, TOO_MUCH);
}

#[test]
fn patches_that_nest_without_end_are_rejected() {
    let nested: Vec<Value> =
        (1..2_000).map(|level| json!({ "op": "add", "path": "/a".repeat(level), "value": {} })).collect();
    check_patch(&nested, 127, TOO_DEEP);
    // Each copy into the innermost place doubles the depth.
    let folded: Vec<Value> =
        (0..17).map(|level| json!({ "op": "copy", "from": "", "path": "/a".repeat(1 << level) })).collect();
    check_patch(&folded, 6, TOO_DEEP);
    let replaced: Vec<Value> = [json!({ "op": "add", "path": "/a", "value": [0] })]
        .into_iter()
        .chain(
            (1..2_000)
                .map(|level| json!({ "op": "replace", "path": format!("/a{}", "/0".repeat(level)), "value": [0] })),
        )
        .collect();
    check_patch(&replaced, 127, TOO_DEEP);
    let moved: Vec<Value> = [json!({ "op": "add", "path": "/a", "value": {} })]
        .into_iter()
        .chain((0..2_000).flat_map(|_| {
            [
                json!({ "op": "add", "path": "/b", "value": {} }),
                json!({ "op": "move", "from": "/a", "path": "/b/a" }),
                json!({ "op": "move", "from": "/b", "path": "/a" }),
            ]
        }))
        .collect();
    let project = Project::new(&[("a.json", document("acme/one"))]);
    project.put("a.patch.json", json!(moved).to_string());
    assert!(project.findings()[0].contains(TOO_DEEP));

    let deep = format!(r#"[{{"op":"add","path":"/a","value":{}{}}}]"#, "[".repeat(100_000), "]".repeat(100_000));
    project.put("a.patch.json", deep);
    let found = project.findings();
    assert!(found[0].starts_with("schemas/a.patch.json: invalid JSON patch: ") && found[0].contains("recursion limit"));
}

#[test]
fn large_documents_and_patches_within_the_budget_are_accepted() {
    let project = Project::new(&[("a.json", with_input("acme/one", fields("f", 5_000, &string())))]);
    let at = "/paths/~1acme~1one/post/requestBody/content/application~1json/schema/properties";
    let operations: Vec<Value> = (0..500)
        .map(|index| json!({ "op": "copy", "from": format!("{at}/f0"), "path": format!("{at}/g{index}") }))
        .collect();
    project.put("a.patch.json", json!(operations).to_string());
    project.generate();
    assert!(project.files()["acme/one.rs"].contains("pub g499: Option<String>"));
}

#[test]
fn long_prose_is_cut() {
    for text in ["- item\n".repeat(500_000), "word ".repeat(500_000), "`".repeat(3_000_000)] {
        let mut document = with_input("acme/one", fields("a", 1, &json!({ "type": "string", "description": text })));
        document["info"]["x-fal-metadata"]["category"] = json!(text);
        let project = Project::new(&[("a.json", document)]);
        project.generate();
        let code = project.files()["acme/one.rs"].clone();
        assert!(code.len() < 200_000 && code.contains('…'), "{}", code.len());
    }
}

#[test]
fn merges_beyond_the_budget_end_early() {
    // Measuring the component for each field would take minutes.
    let merged = json!({ "allOf": [reference("Large"), {}] });
    let large = json!({ "type": "object", "default": vec![0; 130_000] });
    let document = with_components(fields("f", 12_000, &merged), json!({ "Large": large }));
    check_document(&document, &format!("{ID}: the schemas of `acme/one` exceed 8 MiB with `allOf` merged"));
}

#[test]
fn too_many_endpoints_are_rejected_unless_they_are_excluded() {
    let schema = json!({ "content": { "application/json": { "schema": { "type": "object" } } } });
    let paths: Map<String, Value> =
        (0..10_001).map(|index| (format!("/p{index}"), json!({ "post": { "requestBody": schema } }))).collect();
    let app = json!({ "info": { "x-fal-metadata": { "endpointId": "acme/app" } }, "paths": paths });
    let project = Project::new(&[("a.json", app)]);
    assert_eq!(
        project.findings(),
        ["schemas: 10001 endpoints, but at most 10000 are generated; select fewer with `include` and `exclude`"]
    );
    assert_eq!(project.builder().include("acme/app/p9").generate().expect("one endpoint").documents, 1);
}
