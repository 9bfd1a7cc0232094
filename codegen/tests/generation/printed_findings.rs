//! Findings and warnings are lines of their own: what a document or a file name says cannot become an instruction to cargo.

use std::path::Path;

use fal_codegen::{Builder, Error, changes};
use serde_json::{Value, json};

use crate::project::{Project, document, with_input};

/// Texts that a build script must not print as they are.
const EVIL: &[&str] = &[
    "a\ncargo::rustc-env=EVIL=1",
    "a\r\ncargo:rustc-link-arg=evil\n",
    "\u{1b}[2J\u{7}",
    "a\u{202e}b\u{2066}c\u{200b}",
    "a\u{2028}cargo::error=x\u{85}",
    "a\0b\tc",
];

#[track_caller]
fn check(error: &Error) {
    let printed = error.to_string();
    for (finding, line) in error.findings().iter().zip(printed.split('\n')) {
        assert_eq!(finding.to_string(), line);
        let hidden = |c: char| c.is_control() || matches!(c, '\u{200b}' | '\u{2028}'..='\u{202e}' | '\u{2066}');
        for text in [line, &finding.pointer, &finding.reason] {
            assert!(!text.contains(hidden), "{text:?}");
            assert!(text.len() < 8_000, "{}", text.len());
        }
    }
    assert_eq!(printed.split('\n').count(), error.findings().len());
    assert_eq!(format!("{error:?}"), printed);
}

#[track_caller]
fn check_document(json: &Value) {
    check(&Project::new(&[("a.json", json.clone())]).builder().generate().unwrap_err());
    check(&changes(&json.to_string(), "{}").unwrap_err());
}

#[test]
fn control_characters_of_documents_are_escaped() {
    let long = "x".repeat(500_000);
    for evil in EVIL.iter().copied().chain([&long[..]]) {
        let own = |of: &str| json!({ "$defs": { evil: { "type": of } }, "properties": { "a": {} } });
        check_document(&json!({ "endpointId": "a/b", "input": own("string"), "output": own("number") }));
        check_document(&document(evil));
        check_document(&json!({ "endpointId": evil, "input": {}, "output": {} }));
        check_document(&json!({ "models": [{ "endpoint_id": evil }] }));
        check_document(&json!({ "error": evil }));
        check_document(&json!({ "detail": { evil: evil } }));
        check_document(&json!({ "paths": { evil: { "post": {} } } }));
        check_document(&json!(evil));
        let mut large = with_input("a/b", json!({}));
        let members = json!([{ "$ref": "#/components/schemas/L" }, {}]);
        let fields: Value = (0..300).map(|index| (format!("f{index}"), json!({ "allOf": members }))).collect();
        large["components"] =
            json!({ "schemas": { "L": { "title": "x".repeat(100_000) }, evil: { "properties": fields } } });
        check_document(&large);
    }
}

#[test]
fn control_characters_of_patches_are_escaped() {
    let long = "x".repeat(1_000_000);
    for evil in EVIL.iter().copied().chain([&long[..]]) {
        for patch in [
            json!([{ "op": "remove", "path": format!("/{evil}") }]),
            json!([{ "op": "remove", "path": evil }]),
            json!([{ "op": evil, "path": "" }]),
            json!([{ "op": "move", "from": format!("/{evil}"), "path": format!("/{evil}/x") }]),
            json!([{ "op": "test", "path": "/info", "value": evil }]),
            json!([{ "op": "add", "path": format!("/info/{evil}/x"), "value": 1 }]),
            json!(evil),
        ] {
            let project = Project::new(&[("a.json", document("acme/one"))]);
            project.put("a.patch.json", patch.to_string());
            check(&project.builder().generate().unwrap_err());
        }
    }
}

#[test]
fn control_characters_of_options_are_escaped() {
    for evil in EVIL {
        let project = Project::new(&[("a.json", document("acme/one"))]);
        check(&project.builder().trait_name(*evil).generate().unwrap_err());
        check(&project.builder().module_path(*evil).generate().unwrap_err());
        check(&project.builder().include(*evil).generate().unwrap_err());
        check(&Builder::new().schemas(evil).out_dir("out").generate().unwrap_err());
        let warning = fal_codegen::Summary::default().warning(Path::new(evil)).unwrap();
        assert!(!warning.contains(char::is_control));
    }
}

#[cfg(unix)]
#[test]
fn control_characters_of_file_names_are_escaped() {
    for evil in EVIL.iter().filter(|evil| !evil.contains('\0')) {
        let project = Project::new(&[]);
        project.put(&format!("{evil}.json"), "{}");
        project.put(&format!("folder {evil}/x.json"), "{}");
        check(&project.builder().generate().unwrap_err());
        let project = Project::new(&[]);
        project.put("a.json", document("acme/one").to_string());
        let out = project.out().join(evil);
        std::fs::create_dir_all(&out).unwrap();
        std::fs::write(out.join("mod.rs"), "// mine\n").unwrap();
        check(&project.builder().out_dir(out).generate().unwrap_err());
    }
}
