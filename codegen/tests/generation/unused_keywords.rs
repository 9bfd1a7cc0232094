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

/// Limits and deprecations count for properties only, and other places have the keywords of their own.
#[test]
fn keywords_are_unused_where_nothing_reads_them() {
    let limits = json!({ "max_file_size": 10, "combined": { "max_file_size": 20, "odd": 1 },
        "normalization": { "fps": 24, "max_width": 9, "sharpness": 1 } });
    let size = json!({ "type": "object", "x-fal": { "max_area": 9, "depth": 8 },
        "properties": { "width": { "type": "integer" }, "height": { "type": "integer" } } });
    let input = json!({ "type": "object", "deprecated": true, "x-fal": { "max_file_size": 1 }, "properties": {
        "read_urls": { "type": "array", "x-fal": limits, "deprecated": true, "items": { "type": "string", "max_width": 4 } },
        "read_url": { "anyOf": [{ "type": "string", "max_height": 4, "deprecated": true }, { "type": "null" }] },
        "map": { "type": "object", "additionalProperties": { "type": "string", "max_file_size": 7, "deprecated": true } },
        "either": { "anyOf": [{ "type": "string", "deprecated": false }, { "type": "integer", "deprecated": true }] },
        "all": { "allOf": [{ "$ref": "#/components/schemas/Part" }], "deprecated": true },
        "pair": { "type": "array", "prefixItems": [{ "type": "integer", "odd": 1 }, { "type": "integer" }] },
        "pairs": { "type": "array", "items": { "0": { "type": "integer", "odd": 1 }, "1": { "type": "integer" } } },
        "grid": { "type": "array", "items": { "type": "array", "items": { "type": "integer", "odd": 1 } } },
        "size": size,
        "sheet_urls": { "type": "array", "items": { "type": "array", "items": { "type": "string", "max_fps": 7 } } },
        "sheet_sizes": { "type": "array", "items": { "type": "array",
            "items": { "$ref": "#/components/schemas/Size", "max_area": 7 } } },
    } });
    let mut document = with_input("acme/one", input);
    document["components"]["schemas"]["Part"] = json!({ "type": "object", "x-fal": { "min_width": 1 }, "minProperties": 1,
        "properties": { "a": { "type": "string", "limit_description": "short" } } });
    document["components"]["schemas"]["Size"] = json!({ "type": "object",
        "properties": { "width": { "type": "integer" }, "height": { "type": "integer" } } });
    let project = Project::new(&[("one.json", document)]);
    project.generate();
    let report = &project.files()["REPORT.md"];
    let line = report.lines().find(|line| line.starts_with("- acme/one: ")).expect("a line");
    let expected = "- acme/one: `deprecated` (3 uses, first `Input`), `max_file_size` (`Input.map`), \
                    `max_fps` (`Input.sheet_urls`), `odd` (3 uses, first `Input.grid`), \
                    `x-fal.combined.odd` (`Input.read_urls`), `x-fal.depth` (`Input.size`), \
                    `x-fal.max_file_size` (`Input`), `x-fal.min_width` (`Part`), \
                    `x-fal.normalization.sharpness` (`Input.read_urls`)";
    assert_eq!(line, expected, "{report}");
    assert!(report.contains("- `Part`: `minProperties` is not checked"), "{report}");
}
