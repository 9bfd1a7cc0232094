//! Documents that resemble fal's, some of them with a patch. Each leads to an error that names the document or the patch, or to
//! code that parses, is not much larger than the document, and is the same in every run.
//!
//! `cargo +nightly fuzz run documents` in `codegen/`.

#![no_main]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use arbitrary::{Arbitrary, Result, Unstructured};
use fal_codegen::{Builder, changes};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};

/// Names that are likely to cause trouble.
const NAMES: &[&str] = &[
    "prompt",
    "image_url",
    "seed",
    "width",
    "height",
    "url",
    "type",
    "loop",
    "self",
    "Self",
    "None",
    "Input",
    "Output",
    "InputBuilder",
    "Box",
    "A",
    "B",
    "C",
    "a b",
    "a-b",
    "a_b",
    "",
    "3d",
    "é",
    "🙂",
    "__",
    "build",
    "new",
    "maybe_seed",
    "null_seed",
    "\"; } fn evil() {} //",
    "a\nb",
    "\u{202e}",
    "r#fn",
    "_",
    "content_type",
    "file_size",
    "r#\"",
];

const PROSE: &[&str] =
    &["", "One.", "```\nlet x;\n```", "[x](y) <b> *c* https://a.b/c", "    indented", "*/ } {", "\r\n\r", "#![x]"];

#[derive(Debug)]
struct Document {
    text: String,
    patch: Option<String>,
}

/// The most bytes of generated code. The budget of an endpoint limits it.
const MAX_CODE: usize = 64 << 20;

impl<'a> Arbitrary<'a> for Document {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        if u.ratio(1, 50)? {
            let text = String::from_utf8_lossy(u.bytes(u.len())?).into_owned();
            return Ok(Document { text, patch: None });
        }
        let has_patch = u.ratio(1, 3)?;
        let mut components = Map::new();
        for _ in 0..u.int_in_range(0..=6)? {
            components.insert(name(u)?, schema(u, 3)?);
        }
        let (input, output) = (schema(u, 5)?, schema(u, 5)?);
        let id = *u.choose(&["acme/one", "acme/one/type", "a.b/c-d/4b", "../x", "a/b\n", "Self/self"])?;
        let body = |schema: &Value| json!({ "content": { "application/json": { "schema": schema } } });
        let queued = json!({
            "info": { "x-fal-metadata": { "endpointId": id, "category": name(u)? } },
            "paths": {
                format!("/{id}"): { "post": { "requestBody": body(&input) } },
                format!("/{id}/requests/{{request_id}}"): { "get": { "responses": { "200": body(&output) } } },
            },
            "components": { "schemas": components.clone() },
        });
        let document = match u.int_in_range(0..=9)? {
            0 => json!({ "endpointId": id, "input": input, "output": output, "$defs": components }),
            1 => {
                json!({ "models": [{ "endpoint_id": id, "openapi": queued }, { "endpoint_id": "a/b", "openapi": null }] })
            }
            2 => json!({
                "paths": { "/": { "post": { "requestBody": body(&input), "responses": { "200": body(&output) } } } },
                "servers": [{ "url": format!("https://fal.run/{id}") }], "components": { "schemas": components },
            }),
            3 => mutated(u, queued)?,
            _ => queued,
        };
        let patch = if has_patch { Some(patch(u, &document)?) } else { None };
        Ok(Document { text: document.to_string(), patch })
    }
}

/// A patch whose operations are about parts of the document, for the most part.
fn patch(u: &mut Unstructured<'_>, document: &Value) -> Result<String> {
    if u.arbitrary::<u8>()? % 20 == 1 {
        return Ok(value(u, 3)?.to_string());
    }
    let mut operations = Vec::new();
    for _ in 0..u.int_in_range(1..=8)? {
        let mut operation = Map::new();
        let name = *u.choose(&["add", "remove", "replace", "move", "copy", "test", "turn"])?;
        operation.insert("op".to_owned(), json!(name));
        operation.insert("path".to_owned(), json!(pointer(u, document)?));
        if matches!(name, "move" | "copy") {
            operation.insert("from".to_owned(), json!(pointer(u, document)?));
        }
        if matches!(name, "add" | "replace" | "test") {
            operation.insert("value".to_owned(), if u.arbitrary()? { value(u, 2)? } else { schema(u, 2)? });
        }
        operations.push(Value::Object(operation));
    }
    // Operations that double the document, up to its budget. `ratio` is true where no data is left.
    if u.arbitrary::<u8>()? == 255 {
        let copies = (0..40).map(|number| json!({ "op": "copy", "from": "", "path": format!("/x{number}") }));
        operations.extend(copies);
    }
    Ok(Value::Array(operations).to_string())
}

/// A pointer to a part of the document, or to a new one in it.
fn pointer(u: &mut Unstructured<'_>, document: &Value) -> Result<String> {
    let (mut part, mut pointer) = (document, String::new());
    for _ in 0..u.int_in_range(0..=14)? {
        let keys: Vec<(String, &Value)> = match part {
            Value::Object(object) => object.iter().map(|(key, value)| (key.clone(), value)).collect(),
            Value::Array(list) => list.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
            _ => Vec::new(),
        };
        if keys.is_empty() {
            break;
        }
        let (key, inner) = &keys[u.choose_index(keys.len())?];
        pointer.push_str(&format!("/{}", key.replace('~', "~0").replace('/', "~1")));
        part = inner;
    }
    if u.ratio(1, 4)? {
        pointer.push_str(&format!("/{}", u.choose(&["-", "0", "7", "properties", "allOf", "a b", "~1"])?));
    }
    Ok(pointer)
}

/// Replaces a part of the document by an arbitrary value.
fn mutated(u: &mut Unstructured<'_>, mut document: Value) -> Result<Value> {
    let replacement = value(u, 2)?;
    let mut part = &mut document;
    for _ in 0..u.int_in_range(1..=12)? {
        let length = match &*part {
            Value::Object(object) => object.len(),
            Value::Array(list) => list.len(),
            _ => 0,
        };
        if length == 0 {
            break;
        }
        let chosen = u.choose_index(length)?;
        let inner = match part {
            Value::Object(object) => object.values_mut().nth(chosen),
            Value::Array(list) => list.get_mut(chosen),
            _ => None,
        };
        match inner {
            Some(inner) => part = inner,
            None => return Ok(document),
        }
    }
    *part = replacement;
    Ok(document)
}

fn name(u: &mut Unstructured<'_>) -> Result<String> {
    if u.ratio(1, 8)? {
        Ok(u.arbitrary::<&str>()?.chars().take(40).collect())
    } else {
        Ok((*u.choose(NAMES)?).to_owned())
    }
}

fn value(u: &mut Unstructured<'_>, depth: usize) -> Result<Value> {
    Ok(match u.int_in_range(0..=8)? {
        0 => Value::Null,
        1 => json!(u.arbitrary::<bool>()?),
        2 => json!(u.arbitrary::<i64>()?),
        3 => json!(u.arbitrary::<u64>()?),
        4 => json!(u.arbitrary::<f64>()?),
        5 if depth > 0 => {
            let length = u.int_in_range(0..=3)?;
            Value::Array((0..length).map(|_| value(u, depth - 1)).collect::<Result<_>>()?)
        }
        6 if depth > 0 => {
            let length = u.int_in_range(0..=3)?;
            Value::Object((0..length).map(|_| Ok((name(u)?, value(u, depth - 1)?))).collect::<Result<_>>()?)
        }
        _ => json!(name(u)?),
    })
}

fn schema(u: &mut Unstructured<'_>, depth: usize) -> Result<Value> {
    let mut schema = Map::new();
    let mut add = |key: &str, value: Value| drop(schema.insert(key.to_owned(), value));
    match u.int_in_range(0..=if depth == 0 { 5 } else { 12 })? {
        0 => add("$ref", json!(format!("#/components/schemas/{}", name(u)?))),
        1 => add("type", json!("string")),
        2 => add("type", json!("integer")),
        3 => add("type", json!(u.choose(&["number", "boolean", "null", "file", ""])?)),
        4 => {
            let length = u.int_in_range(0..=5)?;
            add("enum", Value::Array((0..length).map(|_| value(u, 1)).collect::<Result<_>>()?));
        }
        5 => {}
        6 => {
            add("type", json!("array"));
            add("items", self::schema(u, depth - 1)?);
        }
        7 => {
            add("type", json!("object"));
            add(
                "additionalProperties",
                if u.arbitrary()? { json!(u.arbitrary::<bool>()?) } else { self::schema(u, depth - 1)? },
            );
        }
        8 => {
            let length = u.int_in_range(0..=4)?;
            let members = (0..length).map(|_| self::schema(u, depth - 1)).collect::<Result<_>>()?;
            add(u.choose::<&str>(&["anyOf", "oneOf", "allOf", "prefixItems"])?, Value::Array(members));
            if u.ratio(1, 4)? {
                add("discriminator", json!({ "propertyName": name(u)?, "mapping": value(u, 1)? }));
            }
        }
        9 => add("type", json!(["string", "integer", "array", "object", "null"])),
        _ => {
            let length = u.int_in_range(1..=5)?;
            let properties: Map<String, Value> =
                (0..length).map(|_| Ok((name(u)?, self::schema(u, depth - 1)?))).collect::<Result<_>>()?;
            let mut required = Vec::new();
            for key in properties.keys() {
                if u.arbitrary()? {
                    required.push(key.clone());
                }
            }
            add("type", json!("object"));
            add("properties", Value::Object(properties));
            add("required", json!(required));
        }
    }
    for _ in 0..u.int_in_range(0..=3)? {
        let key = *u.choose(&[
            "default",
            "examples",
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "multipleOf",
            "minLength",
            "maxItems",
            "pattern",
            "uniqueItems",
            "nullable",
            "const",
            "x-fal-order-properties",
            "ui",
            "format",
            "required",
            "title",
        ])?;
        add(key, value(u, 2)?);
    }
    if u.arbitrary()? {
        add("description", json!(u.choose(PROSE)?));
    }
    Ok(Value::Object(schema))
}

fn generate(document: &Document, folder: &Path, name: &str) -> std::result::Result<BTreeMap<String, String>, String> {
    let (schemas, out) = (folder.join(name), folder.join(format!("{name}-out")));
    fs::create_dir_all(&schemas).expect("a folder");
    fs::write(schemas.join("document.json"), &document.text).expect("a file");
    if let Some(patch) = &document.patch {
        fs::write(schemas.join("document.patch.json"), patch).expect("a file");
    }
    Builder::new().schemas(&schemas).out_dir(&out).generate().map_err(|error| error.to_string())?;
    let (mut files, mut folders) = (BTreeMap::new(), vec![out.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).expect("text");
                files.insert(path.strip_prefix(&out).expect("a path below").display().to_string(), text);
            }
        }
    }
    Ok(files)
}

fuzz_target!(|document: Document| {
    let folder = tempfile::tempdir().expect("a folder");
    match generate(&document, folder.path(), "one") {
        Err(error) => {
            assert!(error.contains("document.json") || error.contains("document.patch.json"), "{error}");
            assert!(!error.contains(|c: char| c.is_control() && c != '\n'), "{error:?}");
            assert!(!error.contains("panic") && !error.contains("typify"), "{error}");
        }
        Ok(files) => {
            for (path, text) in files.iter().filter(|(path, _)| path.ends_with(".rs")) {
                if let Err(error) = syn::parse_file(text) {
                    panic!("{path} does not parse: {error}\n{text}");
                }
            }
            assert!(files.values().map(String::len).sum::<usize>() < MAX_CODE);
            assert_eq!(Ok(files), generate(&document, folder.path(), "two"));
            // `changes` takes no patch, and a patch may have corrected the document.
            if document.patch.is_none() {
                assert_eq!(changes(&document.text, &document.text), Ok(Vec::new()));
            }
        }
    }
});
