#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use fal_client::{Client, JsonInput};
use fal_codegen::{Field, Kind};
use fal_documents::Source;
use fal_emulator::{Emulator, Pace};
use serde_json::{Value, json};

use super::Builder;
use crate::catalog::Entry;
use crate::error::Error;

fn entry(properties: Value, required: Value) -> Entry {
    let input = json!({ "type": "object", "properties": properties, "required": required });
    let text = json!({ "endpointId": "me/app", "input": input, "output": {} }).to_string();
    let source = Source { file: "app.json".into(), path: "app.json".into(), text: text.into_bytes(), patch: None };
    Entry { document: fal_documents::parse(&source).unwrap().documents.remove(0), is_shipped: false }
}

fn build(entry: &Entry, base: Value, pairs: &[String]) -> Result<JsonInput, Error> {
    Builder::new(entry).unwrap().build(base, pairs)
}

fn fields() -> Value {
    let uri = json!({ "type": "string", "format": "uri" });
    let size =
        json!({ "type": "object", "properties": { "width": { "type": "integer" }, "height": { "type": "integer" } } });
    let lora = json!({
        "type": "object",
        "required": ["path"],
        "properties": { "path": { "type": "string" }, "scale": { "type": "number", "maximum": 4 } },
    });
    json!({
        "prompt": { "type": "string" },
        "negative_prompt": { "anyOf": [{ "type": "string" }, { "type": "null" }] },
        "seed": { "anyOf": [{ "type": "integer" }, { "type": "null" }] },
        "num_images": { "type": "integer", "minimum": 1, "maximum": 4 },
        "strength": { "type": "number", "minimum": 0, "maximum": 1 },
        "sync_mode": { "type": "boolean" },
        "image_size": { "anyOf": [size, { "type": "string", "enum": ["square", "landscape_4_3", "portrait_4_3"] }] },
        "loras": { "type": "array", "items": lora },
        "tags": { "type": "array", "items": { "type": "string" }, "maxItems": 3 },
        "points": { "type": "array", "items": { "type": "array", "items": { "type": "integer" } } },
        "extra": { "type": "object" },
        "text": { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] },
        "image_url": uri,
        "image_urls": { "type": "array", "items": uri },
    })
}

fn built(base: Value, pairs: &[&str]) -> Result<JsonInput, String> {
    let pairs: Vec<String> = pairs.iter().map(ToString::to_string).collect();
    build(&entry(fields(), json!([])), base, &pairs).map_err(|error| error.to_string())
}

#[track_caller]
fn value(pairs: &[&str]) -> Value {
    serde_json::to_value(built(json!({}), pairs).unwrap()).unwrap()
}

/// Returns the lines of the problems, without the first line and the help.
#[track_caller]
fn problems(pairs: &[&str]) -> Vec<String> {
    let text = built(json!({}), pairs).expect_err("problems");
    assert!(text.starts_with("invalid input for `me/app`; nothing was sent\n"), "{text}");
    text.lines().filter_map(|line| line.strip_prefix("  ")).map(str::to_owned).collect()
}

#[test]
fn texts_become_values_of_the_declared_type() {
    assert_eq!(
        value(&[
            "prompt=42",
            "seed=42",
            "strength=.5",
            "num_images=2",
            "sync_mode=true",
            "image_size=square",
            "tags=a",
            "tags=b,c",
            r#"extra={"a": 1}"#,
            "points=[1,2]",
            "points=[3,4]",
            "text=a",
        ]),
        json!({
            "prompt": "42", "seed": 42, "strength": 0.5, "num_images": 2, "sync_mode": true, "image_size": "square",
            "tags": ["a", "b,c"], "extra": { "a": 1 }, "points": [[1, 2], [3, 4]], "text": "a",
        })
    );
    for (pair, expected) in [
        ("seed=null", json!({ "seed": null })),
        ("negative_prompt=null", json!({ "negative_prompt": null })),
        ("negative_prompt:=\"null\"", json!({ "negative_prompt": "null" })),
        ("prompt=null", json!({ "prompt": "null" })),
        ("prompt=", json!({ "prompt": "" })),
        ("prompt=a=b", json!({ "prompt": "a=b" })),
        ("prompt=@@fox", json!({ "prompt": "@fox" })),
        ("prompt:=\"@fox\"", json!({ "prompt": "@fox" })),
        ("seed=9007199254740993", json!({ "seed": 9_007_199_254_740_993_i64 })),
        ("strength=1", json!({ "strength": 1 })),
        ("strength=1e-1", json!({ "strength": 0.1 })),
        ("points=[[1],[2]]", json!({ "points": [[1], [2]] })),
        ("tags=[\"a\",\"b\"]", json!({ "tags": ["a", "b"] })),
        ("tags=[]", json!({ "tags": [] })),
        ("image_url=data:,a", json!({ "image_url": "data:,a" })),
    ] {
        assert_eq!(value(&[pair]), expected, "{pair}");
    }
    assert_eq!(value(&["text=a", "text=b"]), json!({ "text": ["a", "b"] }));
    assert_eq!(value(&["seed=1", "seed=2"]), json!({ "seed": 2 }), "the last one counts");
}

#[test]
fn paths_reach_nested_fields() {
    assert_eq!(
        value(&["loras[0].path=a", "loras[0].scale=0.5", "loras[].path=b", "image_size.width=512", "extra.a.b=1"]),
        json!({
            "loras": [{ "path": "a", "scale": 0.5 }, { "path": "b" }], "image_size": { "width": 512 }, "extra": { "a": { "b": 1 } },
        })
    );
    let base = json!({ "loras": [{ "path": "a" }], "tags": ["x"], "image_size": "square", "prompt": "@fox" });
    let input = built(base, &["loras[0].scale=2", "tags=y", "tags=z", "image_size.height=8"]).unwrap();
    assert_eq!(
        serde_json::to_value(input).unwrap(),
        json!({
            "loras": [{ "path": "a", "scale": 2 }], "tags": ["y", "z"], "image_size": { "height": 8 }, "prompt": "@fox",
        })
    );
}

#[test]
fn all_problems_are_found_together() {
    assert_eq!(
        problems(&[
            "strenght=0.5",
            "num_images=9",
            "seed=abc",
            "sync_mode=maybe",
            "image_size=sqare",
            "loras[0].scal=1",
            "tags=a",
            "tags=b",
            "tags=c",
            "tags=d",
            "loras[5].path=x",
            "room.png",
            "a[x]=1",
            "extra:={",
            "image_url=room.png",
            "image_urls=@nowhere.png",
        ]),
        [
            "loras[5].path: the index 5 leaves a gap: the next one is 1",
            "room.png: expected `FIELD=VALUE`, such as `seed=42` or `image_url=@room.png`",
            "a[x]: expected an index instead of `x`, as in `loras[0]`",
            "extra: invalid JSON: EOF while parsing an object at line 1 column 1",
            "image_urls: no file `nowhere.png`: correct the path",
            "loras[0].scal: unknown field, which fal would ignore; did you mean `scale`?",
            "strenght: unknown field, which fal would ignore; did you mean `strength`?",
            "image_size = `sqare`: expected one of `square`, `landscape_4_3`, `portrait_4_3`",
            "loras[0].path: missing; set it with `loras[0].path=…`",
            "num_images = 9: expected at most 4",
            "seed = `abc`: expected an integer",
            "sync_mode = `maybe`: expected true or false",
            "tags: expected at most 3 items",
            "image_url = `room.png`: expected a URL, a data URI, or a local file as in `image_url=@FILE`",
        ]
    );
    let missing = build(&entry(fields(), json!(["prompt"])), json!({}), &[]).unwrap_err().to_string();
    assert!(missing.ends_with("\n  prompt: missing; set it with `prompt=…`"), "{missing}");
}

#[test]
fn long_values_and_signatures_are_not_shown() {
    let prompt = "a fox ".repeat(20);
    for (pair, expected) in [
        (format!("seed={prompt}"), "seed: expected an integer"),
        ("seed=a\nb".to_owned(), "seed: expected an integer"),
        ("seed=https://a:b@fal.media/x?token=secret".to_owned(), "seed = `URL`: expected an integer"),
        ("seed=https://fal.media/x?token=secret".to_owned(), "seed = `https://fal.media/x`: expected an integer"),
        ("seed=\u{1b}[31mred".to_owned(), "seed = `\\u{1b}[31mred`: expected an integer"),
        ("\u{1b}[31mred=1".to_owned(), "\\u{1b}[31mred: expected an index in brackets, as in `loras[0]`"),
    ] {
        assert_eq!(problems(&[&pair]), [expected]);
    }
}

#[test]
fn files_are_uploaded_or_read_as_the_field_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(folder.path().join("room.png"), b"\x89PNG").unwrap();
    fs::write(folder.path().join("prompt.txt"), "a fox\r\n").unwrap();
    fs::write(folder.path().join("loras.json"), r#"[{"path": "a"}]"#).unwrap();
    let pairs = [
        format!("image_url=@{}", path("room.png")),
        format!("image_urls=@{}", path("room.png")),
        "image_urls=https://example.com/a.png".to_owned(),
        format!("prompt=@{}", path("prompt.txt")),
        format!("loras=@{}", path("loras.json")),
        format!("extra:=@{}", path("loras.json")),
    ];
    let Err(error) = build(&entry(fields(), json!([])), json!({}), &pairs) else { panic!("extra is an array") };
    assert!(error.to_string().ends_with("\n  extra: expected an object"), "{error}");
    let input = build(&entry(fields(), json!([])), json!({}), &pairs[..5]).unwrap();
    let room = fal_client::FileInput::path(path("room.png"));
    let expected = json!({
        "image_url": null, "image_urls": [null, "https://example.com/a.png"], "prompt": "a fox", "loras": [{ "path": "a" }],
    });
    let expected = JsonInput::from(expected)
        .file("/image_url", room.clone())
        .unwrap()
        .file("/image_urls/0", room.clone())
        .unwrap();
    assert_eq!(format!("{input:?}").matches("FileInput(path").count(), 2);
    assert_eq!(serde_json::to_string(&input).is_err(), serde_json::to_string(&expected).is_err());

    for (pair, reason) in [
        (format!("image_url=@{}", folder.path().display()), "is a folder: expected a file"),
        (format!("prompt=@{}", path("room.png")), "is not a text in UTF-8"),
        ("prompt=@nowhere.txt".to_owned(), "no file `nowhere.txt`: correct the path"),
    ] {
        let problems = problems(&[&pair]);
        assert!(problems[0].ends_with(reason), "{problems:?}");
    }
}

#[test]
fn limits_of_local_files_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("large.bin");
    fs::write(&file, [0; 5000]).unwrap();
    let field = json!({ "type": "string", "format": "uri", "x-fal": { "max_file_size": 4096 } });
    let pair = format!("image_url=@{}", file.display());
    let error = build(&entry(json!({ "image_url": field }), json!([])), json!({}), &[pair]).unwrap_err().to_string();
    let expected = format!("\n  image_url = @{}: expected a file of at most 4 KiB", file.display());
    assert!(error.ends_with(&expected), "{error}");
}

#[test]
fn input_files_are_json_toml_or_yaml() {
    let folder = tempfile::tempdir().unwrap();
    let builder = Builder::new(&entry(fields(), json!([]))).unwrap();
    let path = |name: &str| folder.path().join(name);
    let expected = json!({ "prompt": "@fox", "image_url": format!("@{}", path("room.png").display()) });
    for (name, text) in [
        ("a.json", r#"{"prompt": "@fox", "image_url": "@room.png"}"#),
        ("a.toml", "prompt = '@fox'\nimage_url = '@room.png'\n"),
        ("a.yaml", "prompt: '@fox'\nimage_url: '@room.png'\n"),
        ("a.YML", "prompt: '@fox'\nimage_url: '@room.png'\n"),
    ] {
        fs::write(path(name), text).unwrap();
        assert_eq!(builder.read(&path(name)).unwrap(), expected, "{name}");
    }
    for (name, text, reason) in [
        ("b.json", "{", "EOF while parsing"),
        ("b.json", "[]", "expected an object with the fields of the input"),
        ("b.toml", "a = ", "TOML parse error"),
        ("b.txt", "{}", "expected a name that ends with .json, .toml or .yaml"),
    ] {
        fs::write(path(name), text).unwrap();
        let error = builder.read(&path(name)).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    assert!(builder.read(Path::new("nowhere.json")).unwrap_err().to_string().starts_with("no file `nowhere.json`"));
}

/// A generator of numbers: the tests are the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    /// Returns a value that may fit a field. Texts for files are URLs, because fal takes any text, and refuses it later.
    fn value(&mut self, field: &Field) -> Value {
        let known: Vec<&Value> = field.values.iter().chain(&field.default).chain(&field.examples).collect();
        match self.below(16) {
            0..=10 if !known.is_empty() => known[self.below(known.len())].clone(),
            _ if *field.kind.item() == Kind::File && self.below(4) > 0 => json!("https://example.com/a.png"),
            _ if field.kind == Kind::String && self.below(4) > 0 => json!("a fox"),
            11 => json!(self.below(60) as i64 - 5),
            12 => json!(self.below(300) as f64 / 100.0 - 0.5),
            13 => json!(self.below(2) == 0),
            14 => json!({ "width": self.below(600), "height": self.below(600) }),
            15 => json!([]),
            _ if *field.kind.item() == Kind::File => Value::Null,
            _ => [json!("a fox"), json!(""), json!("square"), Value::Null][self.below(4)].clone(),
        }
    }
}

#[tokio::test]
async fn build_accepts_what_the_emulator_accepts() {
    let emulator = Emulator::builder().pace(Pace::instant()).start().await.unwrap();
    let environment = emulator.environment();
    let variable = |name: &str| environment.iter().find(|(other, _)| *other == name).map(|(_, value)| value.clone());
    let client = Client::builder().env_from(variable).build().unwrap();
    let (mut random, mut accepted, mut refused) = (Random(0x2545_f491_4f6c_dd1d), 0, 0);
    for (id, text) in fal_client::documents() {
        let source = Source { file: id.into(), path: id.into(), text: text.as_bytes().to_vec(), patch: None };
        let entry = Entry { document: fal_documents::parse(&source).unwrap().documents.remove(0), is_shipped: true };
        let (builder, description) = (Builder::new(&entry).unwrap(), fal_codegen::describe(&entry.document).unwrap());
        for _ in 0..60 {
            let mut input = serde_json::Map::new();
            for field in &description.input {
                if random.below(4) == 0 || field.required && random.below(20) > 0 {
                    input.insert(field.name.clone(), random.value(field));
                }
            }
            let pairs: Vec<String> = input.iter().map(|(name, value)| format!("{name}:={value}")).collect();
            let of_base = builder.build(Value::Object(input.clone()), &[]);
            let of_pairs = builder.build(json!({}), &pairs);
            let unknown = of_base.as_ref().is_err_and(|error| error.to_string().contains("unknown field"));
            if unknown {
                continue;
            }
            let sent = client.endpoint(entry.document.id.as_str()).run(Value::Object(input.clone())).await;
            let case = format!("{id} {input:?}: {of_base:?} {:?}", sent.as_ref().err());
            assert_eq!(of_base.is_ok(), sent.is_ok(), "{case}");
            if let Ok(built) = of_base {
                accepted += 1;
                assert_eq!(serde_json::to_value(built).unwrap(), Value::Object(input), "{case}");
                assert!(of_pairs.is_ok(), "{case}: {of_pairs:?}");
            } else {
                refused += 1;
            }
        }
    }
    assert!(accepted > 50 && refused > 50, "{accepted} accepted, {refused} refused");
}
