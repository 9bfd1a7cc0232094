//! A comparison with the same endpoint written by hand, with serde's derives. The ratio is the same on every machine, unlike
//! the times.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::Work;
use crate::compile::{Cargo, compiled};
use crate::measure::{Done, fal_codegen};

const ENDPOINTS: usize = 200;

const FLAGSHIP: &str = "fal-ai/fast-sdxl-controlnet-canny/inpainting";

const BY_HAND: &str = include_str!("by_hand.rs");

/// Prints the time of `cargo check` for copies of the flagship, generated and by hand.
pub(crate) fn run() -> Done<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the workspace has no root")?;
    let document = fs::read_to_string(root.join("schemas").join(format!("{FLAGSHIP}.json")))?;
    let work = tempfile::tempdir()?;
    let work = Work { folder: work.path() };
    let by_hand = work.folder.join("by_hand");
    fs::create_dir(work.schemas())?;
    fs::create_dir(&by_hand)?;
    for number in 0..ENDPOINTS {
        let id = format!("fal-ai/copy-{number}/inpainting");
        fs::write(work.schemas().join(format!("{number}.json")), document.replace(FLAGSHIP, &id))?;
        fs::write(by_hand.join(format!("copy_{number}.rs")), BY_HAND)?;
    }
    fal_codegen(&work.schemas(), &work.ours())?;
    let cargo = Cargo { root: root.to_owned() };
    let dependency = format!("fal-client = {{ path = {root:?} }}");
    let each = |seconds: f64| seconds * 1e3 / ENDPOINTS as f64;
    println!("`cargo check` of {ENDPOINTS} copies of {FLAGSHIP}, ms of processor time each:\n");
    println!("| generated | by hand, with serde's derives |\n| ---: | ---: |");
    for _ in 0..3 {
        let ours = compiled(&cargo, &work, "ours", &dependency, &["check"])?;
        let serde = "serde = { version = \"1\", features = [\"derive\"] }";
        let hands = compiled(&cargo, &work, "by_hand", serde, &["check"])?;
        println!("| {:.1} | {:.1} |", each(ours.seconds), each(hands.seconds));
    }

    println!("\n`cargo check` of an input with many fields, ms of processor time for each field:\n");
    println!("| fields | generated |\n| ---: | ---: |");
    for fields in [200, 400, 800, 1_600] {
        fs::remove_dir_all(work.schemas())?;
        work.clear()?;
        fs::create_dir(work.schemas())?;
        fs::write(work.schemas().join("wide.json"), wide(fields).to_string())?;
        fal_codegen(&work.schemas(), &work.ours())?;
        let cost = compiled(&cargo, &work, "ours", &dependency, &["check"])?;
        println!("| {fields} | {:.2} |", cost.seconds * 1e3 / fields as f64);
    }
    Ok(())
}

/// Makes a document whose input has many fields.
fn wide(fields: usize) -> Value {
    let field = |number| {
        let docs = "One of many numbers.\n\nA second paragraph.";
        (format!("number_{number}"), json!({ "type": "number", "minimum": 0, "default": 1, "description": docs }))
    };
    let input: Map<String, Value> = (0..fields).map(field).collect();
    json!({
        "endpointId": "acme/wide",
        "input": { "type": "object", "properties": input },
        "output": { "type": "object", "properties": { "url": { "type": "string" } } },
    })
}
