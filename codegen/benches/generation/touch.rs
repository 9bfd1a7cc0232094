//! The time of `cargo check` after one of many endpoints has changed, for the ways to divide them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use fal_codegen::Builder;
use serde_json::Value;

use crate::cargo::Cargo;
use crate::measure::{Done, files};
use crate::work::Work;

/// Number of endpoints in a crate, or of those that are turned on.
const TOGETHER: usize = 50;
const ROUNDS: usize = 3;

pub(crate) fn print(cargo: &Cargo, documents: &[String]) -> Done<()> {
    let work = Work::new(documents)?;
    let ids = documents.iter().filter_map(|text| id(text)).collect::<BTreeSet<String>>();
    let ids: Vec<&String> = ids.iter().collect();
    let folder = work.path("touch");
    let all = || Builder::new().schemas(work.schemas());

    let features = |name: &str| fs::read_to_string(code(&folder, name).join("features.toml"));
    let mut members = Vec::new();
    for (number, ids) in ids.chunks(TOGETHER).enumerate() {
        let name = format!("part{number}");
        let builder = ids.iter().fold(all(), |builder, id| builder.include(id.as_str()));
        builder.features(number == 0).out_dir(code(&folder, &name)).generate()?;
        members.push((name, if number == 0 { features("part0")? } else { String::new() }));
    }
    all().out_dir(code(&folder, "all")).generate()?;
    members.push(("all".to_owned(), String::new()));
    // Crates with many apps have too many features.
    match all().features(true).out_dir(code(&folder, "chosen")).generate() {
        Ok(_) => members.push(("chosen".to_owned(), features("chosen")?)),
        Err(error) => eprintln!("the crate with features is left out: {error}"),
    }
    let chosen: Vec<&str> = members[0].1.lines().filter_map(|line| line.strip_suffix(" = []")).collect();
    write(cargo, &folder, &members, &chosen)?;
    let changed = endpoint(&code(&folder, "part0"))?.ok_or("no endpoint was generated")?;
    let changed = changed.strip_prefix(code(&folder, "part0"))?;

    println!("<!-- generation-touch -->");
    println!("| {} endpoints | `cargo check` after a change, CPU s | peak, MiB | from nothing, CPU s |", ids.len());
    println!("| --- | ---: | ---: | ---: |");
    let features = chosen.join(",");
    for (title, part, arguments) in [
        ("in one crate".to_owned(), "all", vec!["-p", "all"]),
        (
            format!("in one crate, the features of {TOGETHER} on"),
            "chosen",
            vec!["-p", "chosen", "--features", &features],
        ),
        (format!("in crates of {TOGETHER}, and a program that uses all"), "part0", vec!["-p", "program"]),
    ] {
        if members.iter().all(|(name, _)| name != part) {
            continue;
        }
        let check = [vec!["check"], arguments].concat();
        let cold = cargo.run(&folder, &check)?;
        let mut touched = Vec::new();
        for round in 0..ROUNDS {
            let file = code(&folder, part).join(changed);
            let text = fs::read_to_string(&file)?;
            fs::write(&file, format!("{text}\n// Change {round}.\n"))?;
            touched.push(cargo.run(&folder, &check)?);
        }
        touched.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let touched = touched[ROUNDS / 2];
        let peak = touched.peak.map_or("–".to_owned(), |peak| peak.to_string());
        println!("| {title} | {:.1} | {peak} | {:.1} |", touched.seconds, cold.seconds);
    }
    println!("<!-- /generation-touch -->");
    Ok(())
}

/// Returns the endpoint's id in a document.
fn id(text: &str) -> Option<String> {
    let document: Value = serde_json::from_str(text).ok()?;
    document["info"]["x-fal-metadata"]["endpointId"].as_str().map(str::to_owned)
}

fn code(folder: &Path, member: &str) -> PathBuf {
    folder.join(member).join("src/endpoints")
}

/// Writes a workspace with a crate for each set of endpoints, and a program that uses the parts.
fn write(cargo: &Cargo, folder: &Path, members: &[(String, String)], chosen: &[&str]) -> Done<()> {
    let client = format!("fal-client = {{ path = {:?}, default-features = false }}\n", cargo.root);
    let package = |name: &str| {
        format!("[package]\nname = {name:?}\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{client}")
    };
    for (name, features) in members {
        fs::write(folder.join(name).join("Cargo.toml"), format!("{}\n{features}", package(name)))?;
        fs::write(folder.join(name).join("src/lib.rs"), "pub mod endpoints;\n")?;
    }
    let parts = members.iter().map(|(name, _)| name).filter(|name| name.starts_with("part"));
    let (mut manifest, mut main) = (package("program"), "fn main() {}\n".to_owned());
    for part in parts {
        let features = if part == "part0" { chosen } else { &[] };
        manifest += &format!("{part} = {{ path = \"../{part}\", features = {features:?} }}\n");
        // The traits have the same name and methods of the same name, so each is named where it is used.
        main += &format!(
            "pub fn {part}(client: fal_client::Client) {{\n    fn all<T: {part}::endpoints::Endpoints>(_: T) {{}}\n    all(client)\n}}\n"
        );
    }
    fs::create_dir_all(folder.join("program/src"))?;
    fs::write(folder.join("program/Cargo.toml"), manifest)?;
    fs::write(folder.join("program/src/main.rs"), main)?;
    let names = members.iter().map(|(name, _)| name.as_str()).chain(["program"]).collect::<Vec<_>>();
    let workspace = format!("[workspace]\nresolver = \"3\"\nmembers = {names:?}\n\n[profile.dev]\ndebug = false\n");
    fs::write(folder.join("Cargo.toml"), workspace)?;
    fs::copy(cargo.root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    Ok(())
}

/// Returns the first file of an endpoint.
fn endpoint(folder: &Path) -> Done<Option<PathBuf>> {
    for path in files(folder)? {
        if path.is_dir() {
            if let Some(found) = endpoint(&path)? {
                return Ok(Some(found));
            }
        } else if fs::read_to_string(&path)?.contains("pub const ENDPOINT") {
            return Ok(Some(path));
        }
    }
    Ok(None)
}
