//! How long generation takes, how much it writes, and what compiling that costs; raw typify beside it.
//!
//! `cargo bench -p fal-codegen -- DOCUMENTS [COUNT…]` takes the documents of a folder, and 5,000 made-up ones;
//! `--compile` also checks and builds what is generated. Without a folder all are made up.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use std::{env, fs};

use fal_codegen::Builder;
use serde_json::{Value, json};
use typify::{TypeSpace, TypeSpaceSettings};

type Done<T> = Result<T, Box<dyn Error>>;

fn main() -> Done<()> {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let compile = arguments.iter().any(|argument| argument == "--compile");
    let folder = arguments.iter().find(|argument| Path::new(argument).is_dir()).map(PathBuf::from);
    let mut counts: Vec<usize> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    if counts.is_empty() {
        counts = vec![10, 100, 630, 5_000];
    }
    let documents = folder.map_or_else(|| Ok(Vec::new()), |folder| read(&folder))?;

    println!("| documents | fal-codegen, ms each | lines each | typify, ms each | lines each | not taken |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: |");
    for count in counts {
        let made_up = documents.len() < count;
        let chosen: Vec<String> = match made_up {
            true => (0..count).map(|number| synthetic(number).to_string()).collect(),
            false => documents.iter().step_by(documents.len() / count).take(count).cloned().collect(),
        };
        let work = tempfile::tempdir()?;
        let (schemas, out) = (work.path().join("schemas"), work.path().join("src/endpoints"));
        fs::create_dir(&schemas)?;
        for (number, text) in chosen.iter().enumerate() {
            fs::write(schemas.join(format!("{number}.json")), text)?;
        }
        let start = Instant::now();
        Builder::new().schemas(&schemas).out_dir(&out).generate()?;
        let ours = start.elapsed();
        let start = Instant::now();
        let (lines, failed) = typify(&chosen);
        let typify = start.elapsed();

        let each = |total: usize| total / count;
        let ms = |time: std::time::Duration| time.as_secs_f64() * 1e3 / count as f64;
        let label = if made_up { format!("{count} made up") } else { count.to_string() };
        let (ours_lines, typify_lines) = (each(lines_below(&out)?), each(lines));
        println!("| {label} | {:.2} | {ours_lines} | {:.2} | {typify_lines} | {failed} |", ms(ours), ms(typify));
        if compile {
            compiled(work.path(), count)?;
        }
    }
    Ok(())
}

fn read(folder: &Path) -> Done<Vec<String>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Done<_>>()?;
    files.sort();
    files.into_iter().map(|file| Ok(fs::read_to_string(file)?)).collect()
}

/// A document of a common shape.
fn synthetic(number: usize) -> Value {
    let id = format!("acme/app-{}/v{number}", number / 5);
    let mut properties = json!({
        "prompt": { "type": "string", "description": "What to show." },
        "image_url": { "type": "string", "description": "The image to start from." },
        "image_size": { "anyOf": [{ "$ref": "#/components/schemas/ImageSize" }, { "type": "string", "enum": ["square", "wide"] }] },
        "loras": { "type": "array", "items": { "$ref": "#/components/schemas/LoraWeight" }, "default": [] },
        "output_format": { "type": "string", "enum": ["png", "jpeg"], "default": "png" },
    });
    for field in 0..10 {
        properties[format!("number_{field}")] = json!({ "type": "number", "minimum": 0, "maximum": number + field, "default": 0, "description": "A number." });
    }
    let object = |properties: Value, required: &[&str]| json!({ "type": "object", "properties": properties, "required": required });
    let body = |name: &str| json!({ "content": { "application/json": { "schema": { "$ref": format!("#/components/schemas/{name}") } } } });
    let integer = json!({ "type": "integer", "minimum": 1 });
    json!({
        "info": { "x-fal-metadata": { "endpointId": id } },
        "paths": {
            format!("/{id}"): { "post": { "requestBody": body("AppInput") } },
            format!("/{id}/requests/{{request_id}}"): { "get": { "responses": { "200": body("AppOutput") } } },
        },
        "components": { "schemas": {
            "AppInput": object(properties, &["prompt", "image_url"]),
            "AppOutput": object(json!({ "images": { "type": "array", "items": { "$ref": "#/components/schemas/Image" } }, "seed": integer }), &["images"]),
            "ImageSize": object(json!({ "width": integer, "height": integer }), &[]),
            "LoraWeight": object(json!({ "path": { "type": "string" }, "scale": { "type": "number" } }), &["path"]),
            "Image": object(json!({ "url": { "type": "string" }, "width": integer, "height": integer }), &["url"]),
        } },
    })
}

/// What typify makes of the components alone, with its builders: the lines, and how many documents it does not take.
fn typify(documents: &[String]) -> (usize, usize) {
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let (mut lines, mut failed) = (0, 0);
    for text in documents {
        match std::panic::catch_unwind(|| typify_one(text)) {
            Ok(Ok(some)) => lines += some,
            _ => failed += 1,
        }
    }
    std::panic::set_hook(quiet);
    (lines, failed)
}

fn typify_one(text: &str) -> Done<usize> {
    let document: Value = serde_json::from_str(&text.replace("#/components/schemas/", "#/definitions/"))?;
    let components = document["components"]["schemas"].as_object().cloned().unwrap_or_default();
    let schemas = components.into_iter().map(|(name, schema)| Ok((name, serde_json::from_value(schema)?)));
    let schemas = schemas.collect::<Result<Vec<(String, schemars::schema::Schema)>, serde_json::Error>>()?;
    let mut space = TypeSpace::new(TypeSpaceSettings::default().with_struct_builder(true));
    space.add_ref_types(schemas)?;
    Ok(prettyplease::unparse(&syn::parse2(space.to_stream())?).lines().count())
}

fn lines_below(folder: &Path) -> Done<usize> {
    let mut lines = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        lines += match path.is_dir() {
            true => lines_below(&path)?,
            false if path.extension().is_some_and(|extension| extension == "rs") => {
                fs::read_to_string(path)?.lines().count()
            }
            false => 0,
        };
    }
    Ok(lines)
}

/// Checks and builds a crate of what was generated; what it depends on is compiled before.
fn compiled(folder: &Path, count: usize) -> Done<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the workspace has no root")?;
    fs::write(
        folder.join("Cargo.toml"),
        format!(
            "[package]\nname = \"generated\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
             fal-client = {{ path = {root:?} }}\n\n[profile.dev]\ndebug = false\nincremental = false\n\n[workspace]\n"
        ),
    )?;
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    for command in [&["check"][..], &["build", "--release"]] {
        fs::write(folder.join("src/lib.rs"), "")?;
        cargo(root, folder, command)?;
        fs::write(folder.join("src/lib.rs"), "pub mod endpoints;\n")?;
        let start = Instant::now();
        let memory = cargo(root, folder, command)?;
        let each = start.elapsed().as_secs_f64() * 1e3 / count as f64;
        println!("| cargo {}: {each:.1} ms each, {} | | | | | |", command.join(" "), memory);
    }
    Ok(())
}

/// Runs cargo; gives the peak memory where the machine has a `time` that knows it.
fn cargo(root: &Path, folder: &Path, command: &[&str]) -> Done<String> {
    let has_time = Path::new("/usr/bin/time").is_file();
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut process = if has_time { Command::new("/usr/bin/time") } else { Command::new(&cargo) };
    if has_time {
        process.args(["-f", "%M", &cargo]);
    }
    process.args(command).args(["--quiet", "--manifest-path"]).arg(folder.join("Cargo.toml"));
    let output = process.env("CARGO_TARGET_DIR", root.join("target/bench")).stdin(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let peak = said.lines().next_back().and_then(|line| line.trim().parse::<u64>().ok()).filter(|_| has_time);
    Ok(peak.map_or("peak memory not known".to_owned(), |kib| format!("peak memory {} MiB", kib / 1024)))
}
