//! A comparison with the same endpoint written by hand, with serde's derives. The ratio is the same on every machine, unlike
//! the times. The time for an input must not grow with the square of its fields.

use std::fs;

use serde_json::{Map, Value, json};

use crate::cargo::{Cargo, Cost};
use crate::generator::Generator;
use crate::measure::{Done, fal_codegen};
use crate::work::Work;

const ENDPOINTS: usize = 50;
const ROUNDS: usize = 3;

const FLAGSHIP: &str = "fal-ai/fast-sdxl-controlnet-canny/inpainting";

const BY_HAND: &str = include_str!("flagship.rs");

/// Prints the time of `cargo check` for copies of the flagship, generated and by hand.
pub(crate) fn endpoints(cargo: &Cargo) -> Done<()> {
    let document = fs::read_to_string(cargo.root.join("schemas").join(format!("{FLAGSHIP}.json")))?;
    let copies = (0..ENDPOINTS).map(|number| document.replace(FLAGSHIP, &format!("fal-ai/copy-{number}/inpainting")));
    let work = Work::new(&copies.collect::<Vec<_>>())?;
    fal_codegen(&work.schemas(), &Generator::FalCodegen.code(&work))?;
    let mut by_hand = String::new();
    for number in 0..ENDPOINTS {
        let file = work.path(&format!("copy_{number}.rs"));
        fs::write(&file, BY_HAND)?;
        by_hand += &format!("#[path = {file:?}]\npub mod copy_{number};\n");
    }
    let folder = work.path("crate");
    cargo.package(
        &folder,
        "dependencies",
        &["serde = { version = \"1\", features = [\"derive\"] }".to_owned()].into(),
    )?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let hands = cargo.compiled(&folder, &by_hand, &["check"])?.seconds;
        times.push((checked(cargo, &work)?.seconds, hands));
    }
    let each = |times: Vec<f64>| median(times) * 1e3 / ENDPOINTS as f64;
    println!(
        "<!-- generation-by-hand -->\n| endpoints | generated, ms each | by hand, ms each | ratio |\n| ---: | ---: | ---: | ---: |"
    );
    println!(
        "| {ENDPOINTS} | {:.1} | {:.1} | {:.2} |\n<!-- /generation-by-hand -->",
        each(times.iter().map(|(ours, _)| *ours).collect()),
        each(times.iter().map(|(_, hands)| *hands).collect()),
        median(times.iter().map(|(ours, hands)| ours / hands).collect()),
    );
    Ok(())
}

/// Prints the time of `cargo check` for inputs with many fields.
pub(crate) fn fields(cargo: &Cargo) -> Done<()> {
    println!("<!-- generation-fields -->\n| fields | ms a field |\n| ---: | ---: |");
    for fields in [200, 400, 800, 1_600] {
        let work = Work::new([&wide(fields).to_string()])?;
        fal_codegen(&work.schemas(), &Generator::FalCodegen.code(&work))?;
        println!("| {fields} | {:.2} |", checked(cargo, &work)?.seconds * 1e3 / fields as f64);
    }
    println!("<!-- /generation-fields -->");
    Ok(())
}

/// Measures `cargo check` of the code of fal-codegen.
fn checked(cargo: &Cargo, work: &Work) -> Done<Cost> {
    let folder = work.path("generated");
    let (library, dependencies) = Generator::FalCodegen.library(cargo, work)?;
    cargo.package(&folder, "dependencies", &dependencies)?;
    cargo.compiled(&folder, &library, &["check"])
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
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
