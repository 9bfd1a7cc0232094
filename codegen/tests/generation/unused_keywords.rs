//! The keywords that the generator does not use, in REPORT.md.

use serde_json::json;

use crate::project::{Project, document, with_input};

const LINE: &str = "- acme/one: `min` (`Input.text`), `minimum` (`Input.text`), `step` (2 uses, first `Input.a`), \
                    `title` (`Input`), `ui.important` (`Input.a`), `x-fal.timeout` (`Input.image_url`)";

fn project() -> Project {
    let input = json!({ "type": "object", "title": "One", "properties": {
        "a": { "type": "integer", "minimum": 1, "max": 9, "step": 2, "ui": { "field": "number", "important": true } },
        "b": { "type": "number", "step": 0.5, "description": "d", "examples": [1], "default": { "title": "not a keyword" } },
        "c": { "type": "boolean", "title": "This title documents the field" },
        "text": { "type": "string", "min": 3, "minimum": 3, "maxLength": 9 },
        "image_url": { "type": "string", "x-fal": { "max_file_size": 10, "timeout": 20 } },
    } });
    Project::new(&[("one.json", with_input("acme/one", input)), ("two.json", document("acme/two"))])
}

#[test]
fn unused_keywords_have_a_line_for_each_endpoint() {
    let project = project();
    let summary = project.generate();
    let report = &project.files()["REPORT.md"];
    assert!(report.contains(&format!("{LINE}\n")), "{report}");
    assert!(report.contains("expresses every schema in full"), "{report}");
    assert_eq!(summary.lost, Vec::<String>::new(), "an unused keyword is not a loss");
}

#[test]
fn lines_about_unused_keywords_stay_while_their_document_does() {
    let project = project();
    project.generate();
    let before = project.files()["REPORT.md"].clone();
    project.put("two.json", document("acme/other").to_string());
    let summary = project.generate();
    let after = &project.files()["REPORT.md"];
    assert!(after.contains(LINE), "{after}");
    assert!(!summary.written.iter().any(|path| path.ends_with("one.rs")), "{:?}", summary.written);
    project.put("two.json", document("acme/two").to_string());
    project.generate();
    assert_eq!(project.files()["REPORT.md"], before);
}
