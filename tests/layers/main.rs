//! The folders of a crate depend downwards only.
//!
//! A room is a folder, or a file, at the top of a crate's `src`. Each crate has one list of its rooms from the bottom
//! up, and a room uses only those before it. A name that `lib.rs` re-exports counts as a use of the room that defines it.

#![allow(clippy::unwrap_used)]

mod fixtures;
mod graph;
mod paths;
mod tokens;

use std::path::Path;

const CLIENT: &str = "text protocol error money transport files schema media queue storage client call stream tokens platform realtime webhook endpoint proxy blocking documents test_util fuzzing lib";

const DOCUMENTS: &str = "budget pointer text finding refusals wrong_file json file source patch document definitions operations form validate lib";

const GENERATOR: &str = "budget digest mark names prose words refusals error model tree \
    report select schema normalize types lower render manifest present features write summary lock change pipeline builder describe lib";

const EMULATOR: &str = "documents error keys sync saved media random hex time response tokens urls authority proxy input storage endpoints request \
    platform account faults output queue webhooks settings record state hold handlers sessions page control http restore emulator builder lib";

const JOBS: &str = "failure error future amount saved_file state record key redaction filter request store claims watch files \
    journal webhook batch fleet lib";

const TOOL: &str = "amount job_key layout error nearest terminal amount settings context online fetch catalog folder input tool outcome \
    webhooks commands main";

#[test]
fn client_depends_downwards() {
    check("src", "fal_client", CLIENT);
}

#[test]
fn documents_depend_downwards() {
    check("documents/src", "fal_documents", DOCUMENTS);
}

#[test]
fn generator_depends_downwards() {
    check("codegen/src", "fal_codegen", GENERATOR);
}

#[test]
fn emulator_depends_downwards() {
    check("emulator/src", "fal_emulator", EMULATOR);
}

#[test]
fn jobs_depend_downwards() {
    check("jobs/src", "fal_jobs", JOBS);
}

#[test]
fn tool_depends_downwards() {
    check("cli/src", "cargo_fal", TOOL);
}

fn check(source_folder: &str, crate_name: &str, order: &str) {
    let order: Vec<&str> = order.split_whitespace().collect();
    let findings = graph::findings(Path::new(source_folder), crate_name, &order);
    assert!(
        findings.is_empty(),
        "{source_folder} has {} findings. Import from a room below, move the item down, or mend the order:\n  {}",
        findings.len(),
        findings.join("\n  ")
    );
}
