//! Invalid documents: every finding names the file, the location, the problem and the remedy.

use crate::project::{Project, document};
use serde_json::json;

#[track_caller]
fn check(documents: &[(&str, serde_json::Value)], findings: &[&str]) {
    let project = Project::new(documents);
    assert_eq!(project.findings(), findings);
    assert!(project.files().is_empty(), "something was written");
}

#[test]
fn invalid_json_is_rejected() {
    let project = Project::new(&[]);
    project.put("broken.json", "{\"paths\": ");
    assert_eq!(
        project.findings(),
        [
            "schemas/broken.json: invalid JSON: EOF while parsing a value at line 1 column 10; the download may have broken off: \
          download the document again"
        ]
    );
    project.put("broken.json", [0xff, 0xfe, b'{']);
    assert!(project.findings()[0].starts_with("schemas/broken.json: the text is UTF-16, but JSON must be UTF-8; "));
    project.put("broken.json", "[".repeat(100_000));
    assert_eq!(
        project.findings(),
        [
            "schemas/broken.json: invalid JSON: recursion limit exceeded at line 1 column 128; at most 128 levels are allowed: \
          remove the part that is nested deeper"
        ]
    );
}

#[test]
fn json_of_another_kind_is_rejected() {
    check(
        &[("list.json", json!([])), ("other.json", json!({ "swagger": "2.0" }))],
        &[
            "schemas/list.json: the array of documents is empty; remove the file, or download the documents again",
            "schemas/other.json: this is Swagger `2.0`, but only OpenAPI 3 is read; convert it, or download the document from \
             https://fal.ai/api/openapi/queue/openapi.json?endpoint_id=…",
        ],
    );
}

#[test]
fn document_without_an_id_is_rejected() {
    let post = json!({ "post": { "requestBody": { "content": { "application/json": { "schema": {} } } } } });
    check(
        &[("none.json", json!({ "paths": {} })), ("two.json", json!({ "paths": { "/a/b": post, "/a/c": post } }))],
        &[
            "schemas/none.json at /paths: no endpoint found: no path accepts a POST request with JSON; download the document \
             of an endpoint from https://fal.ai/api/openapi/queue/openapi.json?endpoint_id=…",
            "schemas/two.json at /info/x-fal-metadata/endpointId: missing app id: write `owner/app` here, or name the file \
             after the app (`owner/app.json`)",
        ],
    );
}

#[test]
fn invalid_ids_are_rejected() {
    let expected = "expected `owner/app` or `owner/app/path` with letters, digits, `-`, `_` and `.`";
    let finding = |id: &str| {
        let id = id.escape_debug();
        format!("schemas/a.json at /info/x-fal-metadata/endpointId: invalid endpoint id `{id}`: {expected}")
    };
    for id in ["flux", "a//b", "../../etc", "a/..", "a/b c", "a/b\n", "a/🙂", "/a/b", "a/b/", "a/_b", ""] {
        check(&[("a.json", document(id))], &[&finding(id)]);
    }
    let long = format!("a/{}", "b".repeat(200));
    check(&[("a.json", document(&long))], &[&finding(&long)]);
}

#[test]
fn document_without_an_input_is_rejected() {
    let info = json!({ "x-fal-metadata": { "endpointId": "a/b" } });
    check(
        &[
            ("a.json", json!({ "info": info, "paths": {} })),
            ("b.json", json!({ "info": info, "paths": { "/a/b": { "post": {} } } })),
        ],
        &[
            "schemas/a.json at /paths: no endpoint found: no path accepts a POST request with JSON; download the document \
             of an endpoint from https://fal.ai/api/openapi/queue/openapi.json?endpoint_id=…",
            "schemas/b.json at /paths/~1a~1b/post/requestBody/content/application~1json/schema: missing schema of the \
             endpoint's input; write it here, directly or with a patch; `{}` stands for any JSON",
        ],
    );
}

#[test]
fn duplicate_ids_are_rejected() {
    let project = Project::new(&[("a.json", document("fal-ai/flux")), ("b/c.json", document("fal-ai/flux"))]);
    let found = project.findings();
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("schemas/b/c.json at /info/x-fal-metadata/endpointId: "), "{found:?}");
    assert!(found[0].contains(": duplicate endpoint id `fal-ai/flux`, also in "), "{found:?}");
}

#[test]
fn duplicate_id_of_a_short_form_is_located_there() {
    let short = |id: &str| json!({ "endpointId": id, "input": {} });
    let project = Project::new(&[("a.json", document("acme/lamp")), ("b.json", short("acme/lamp"))]);
    let found = project.findings();
    assert!(found[0].starts_with("schemas/b.json at /endpointId: duplicate endpoint id `acme/lamp`"), "{found:?}");
    let project = Project::new(&[("a.json", document("acme/lamp-1")), ("b.json", short("acme/lamp_1"))]);
    let found = project.findings();
    assert!(found[0].starts_with("schemas/b.json at /endpointId: endpoint ids `acme/lamp_1` and "), "{found:?}");
}

#[test]
fn ids_of_the_same_module_are_rejected() {
    let project = Project::new(&[("a.json", document("fal-ai/flux-2/4b")), ("b.json", document("fal-ai/flux_2/4b"))]);
    assert_eq!(
        project.findings(),
        ["schemas/b.json at /info/x-fal-metadata/endpointId: endpoint ids `fal-ai/flux_2/4b` and `fal-ai/flux-2/4b` \
          (schemas/a.json) both map to the module `fal_ai::flux_2::_4b`; remove one of the documents, or leave one out with \
          `exclude`"]
    );
}

#[test]
fn all_findings_are_reported_together_and_nothing_is_written() {
    let project = Project::new(&[("a.json", document("a/b"))]);
    project.generate();
    let before = project.files();
    project.put("z.json", "nothing");
    project.put("y.json", "{}");
    project.put("c.json", document("a/b").to_string());
    project.put("new.json", document("a/new").to_string());
    let files: Vec<String> = project
        .findings()
        .iter()
        .map(|finding| finding.split([' ', ':']).next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(files, ["schemas/c.json", "schemas/y.json", "schemas/z.json"]);
    assert_eq!(project.files(), before);
}

#[test]
fn module_path_must_lead_to_a_module_of_a_crate() {
    let project = Project::new(&[("a.json", document("a/b"))]);
    for (path, reason) in [
        ("mine::gen", "`gen` is a keyword; write `r#gen`"),
        ("gen::endpoints", "`gen` is a keyword; write `r#gen`"),
        ("crate::endpoints", "begin with the name of the crate, such as `my_crate::endpoints`"),
        ("super::endpoints", "begin with the name of the crate, such as `my_crate::endpoints`"),
        ("mine::", "expected a Rust path such as `my_crate::endpoints`"),
    ] {
        let error = project.builder().module_path(path).check().unwrap_err().to_string();
        assert!(error.ends_with(&format!("schemas: invalid module path `{path}`: {reason}")), "{error}");
    }
    assert!(project.builder().module_path("mine::r#gen").check().is_ok());
}

#[test]
fn missing_folder_is_rejected() {
    let error = fal_codegen::Builder::new().schemas("no/such/folder").out_dir("nowhere").generate().unwrap_err();
    assert_eq!(error.to_string(), "no/such/folder: no such folder: create it, or choose another folder of documents");
    assert_eq!(format!("{error:?}"), error.to_string());
    let error = fal_codegen::Builder::new().schemas("schemas").generate().unwrap_err();
    assert_eq!(error.to_string(), "schemas: no output folder: set `out_dir` outside of build scripts");
}

#[test]
fn foreign_files_are_never_overwritten_or_removed() {
    let project = Project::new(&[("a.json", document("a/b"))]);
    std::fs::create_dir(project.out()).unwrap();
    std::fs::write(project.out().join("mine.rs"), "// mine\n").unwrap();
    std::fs::write(project.out().join("a.rs"), "// mine too\n").unwrap();
    assert_eq!(
        project.findings(),
        ["out/a.rs: file exists and was not generated by fal-codegen; move it, or choose another output folder"]
    );
    std::fs::remove_file(project.out().join("a.rs")).unwrap();
    std::fs::write(project.out().join("empty.rs"), "").unwrap();
    assert!(project.generate().removed.is_empty());
    assert_eq!(project.files()["mine.rs"], "// mine\n");
    assert_eq!(project.files()["empty.rs"], "");
}

/// Otherwise, a typing error in the path of the schemas would remove everything.
#[test]
fn empty_folder_of_documents_removes_nothing() {
    let project = Project::new(&[("a.json", document("a/b"))]);
    project.generate();
    let before = project.files();
    project.remove("a.json");
    assert_eq!(
        project.findings(),
        [
            "schemas: no documents found, and all generated code would be removed: check the path, or remove the code by hand"
        ]
    );
    assert_eq!(project.files(), before);
}

#[test]
fn nested_output_folders_are_rejected() {
    let project = Project::new(&[("a.json", document("a/b")), ("c.json", document("a/c"))]);
    project.generate();
    let outer = project.files();
    // The folder of the group `a`: each would remove the files of the other as stale.
    let inner = project.builder().out_dir(project.out().join("a"));
    let error = inner.generate().unwrap_err().to_string();
    assert!(error.contains("output folder is inside ") && error.contains("which holds generated code too"), "{error}");
    assert_eq!(inner.check().unwrap_err().to_string(), error);
    assert_eq!(project.files(), outer);

    let project = Project::new(&[("a.json", document("a/b"))]);
    project.builder().out_dir(project.out().join("a")).generate().unwrap();
    let inner = project.files();
    assert_eq!(
        project.findings(),
        ["out/a/MANIFEST: generated code exists inside the output folder out; choose a folder outside of it"]
    );
    assert_eq!(project.files(), inner);
    project.builder().out_dir(project.out().join("../sibling")).generate().unwrap();
}
