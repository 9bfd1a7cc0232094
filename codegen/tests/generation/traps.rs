//! Golden files: each document in `traps/` has one trap, and the Rust file next to it is its golden file.
//!
//! `BLESS=1 cargo test -p fal-codegen traps` rewrites the golden files.

use std::fs;
use std::path::Path;

use crate::project::Project;

#[test]
fn traps_match_their_golden_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traps");
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let trap = entry.unwrap().path();
        if trap.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        seen += 1;
        let found = generated(&trap);
        let golden = trap.with_extension("rs");
        if bless {
            fs::write(&golden, found).unwrap();
        } else if fs::read_to_string(&golden).unwrap_or_default().replace("\r\n", "\n") != found {
            wrong.push(golden);
        }
    }
    assert!(seen > 10, "the traps are missing");
    assert!(
        wrong.is_empty(),
        "golden files are out of date: {wrong:#?}; rewrite them with BLESS=1 and review the difference"
    );
}

/// Returns the endpoint's module, with its lines of the report as comments.
fn generated(trap: &Path) -> String {
    let project = Project::new(&[]);
    project.put("trap.json", fs::read(trap).unwrap());
    project.generate();
    let files = project.files();
    let mut text = files.iter().find(|(path, _)| path.starts_with("traps/")).unwrap().1.clone();
    let notes: Vec<&str> = files["REPORT.md"].lines().filter(|line| line.starts_with("- ")).collect();
    if !notes.is_empty() {
        text.push_str("\n// The report:\n");
        notes.iter().for_each(|note| text.push_str(&format!("// {note}\n")));
    }
    text
}
