//! Documents that are refused: every finding names the file, the place in it, what is wrong and what to do.

use crate::project::{Project, document};
use serde_json::json;

#[track_caller]
fn check(documents: &[(&str, serde_json::Value)], findings: &[&str]) {
    let project = Project::new(documents);
    assert_eq!(project.findings(), findings);
    assert!(project.files().is_empty(), "something was written");
}

#[test]
fn a_file_that_is_no_json() {
    let project = Project::new(&[]);
    project.put("broken.json", "{\"paths\": ");
    assert_eq!(
        project.findings(),
        ["schemas/broken.json: this is not JSON: EOF while parsing a value at line 1 column 10"]
    );
    project.put("broken.json", [0xff, 0xfe, b'{']);
    assert_eq!(project.findings(), ["schemas/broken.json: this is not JSON: expected value at line 1 column 1"]);
    project.put("broken.json", "[".repeat(100_000));
    assert_eq!(
        project.findings(),
        ["schemas/broken.json: this is not JSON: recursion limit exceeded at line 1 column 128"]
    );
}

#[test]
fn json_that_is_no_document_of_fal() {
    check(
        &[("list.json", json!([])), ("other.json", json!({ "swagger": "2.0" }))],
        &[
            "schemas/list.json: this is not an OpenAPI document of fal: the root is not an object",
            "schemas/other.json at /paths: this is not an OpenAPI document of fal: it has no paths; save it from \
             https://fal.ai/api/openapi/queue/openapi.json?endpoint_id=… as it is",
        ],
    );
}

#[test]
fn a_document_without_an_id() {
    let post = json!({ "post": {} });
    check(
        &[("none.json", json!({ "paths": {} })), ("two.json", json!({ "paths": { "/a/b": post, "/a/c": post } }))],
        &[
            "schemas/none.json at /info/x-fal-metadata/endpointId: the endpoint's id is missing: neither stated here nor the \
             only POST path",
            "schemas/two.json at /info/x-fal-metadata/endpointId: which app serves this is not known: state it here, or name \
             the file by it (`owner/app.json`)",
        ],
    );
}

#[test]
fn an_id_that_is_none() {
    let not = "is not an endpoint id: `owner/app` or `owner/app/path` of letters, digits, `-`, `_` and `.`";
    for id in ["flux", "a//b", "../../etc", "a/..", "a/b c", "a/b\n", "a/🙂", "/a/b", "a/b/", "a/_b", ""] {
        check(
            &[("a.json", document(id))],
            &[&format!("schemas/a.json at /info/x-fal-metadata/endpointId: {id:?} {not}")],
        );
    }
    check(
        &[("a.json", document(&format!("a/{}", "b".repeat(200))))],
        &[&format!("schemas/a.json at /info/x-fal-metadata/endpointId: {:?} {not}", format!("a/{}", "b".repeat(200)))],
    );
}

#[test]
fn a_document_without_schemas_for_input_and_output() {
    let metadata = json!({ "x-fal-metadata": { "endpointId": "a/b" } });
    check(
        &[("a.json", json!({ "info": metadata, "paths": {} }))],
        &[
            "schemas/a.json at /paths/~1a~1b/post/requestBody/content/application~1json/schema: the schema of the endpoint's \
             input is missing here",
            "schemas/a.json at /paths/~1a~1b~1requests~1{request_id}/get/responses/200/content/application~1json/schema: the \
             schema of the endpoint's output is missing here",
        ],
    );
}

#[test]
fn two_documents_with_one_id() {
    let project = Project::new(&[("a.json", document("fal-ai/flux")), ("b/c.json", document("fal-ai/flux"))]);
    let found = project.findings();
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("schemas/b/c.json at /info/x-fal-metadata/endpointId: "), "{found:?}");
    assert!(found[0].ends_with("schemas/a.json has the id fal-ai/flux too; remove one of them"), "{found:?}");
}

#[test]
fn two_ids_that_would_be_one_module() {
    let project = Project::new(&[("a.json", document("fal-ai/flux-2/4b")), ("b.json", document("fal-ai/flux_2/4b"))]);
    assert_eq!(
        project.findings(),
        ["schemas/b.json at /info/x-fal-metadata/endpointId: the ids fal-ai/flux_2/4b and fal-ai/flux-2/4b (in \
          schemas/a.json) would both be the module fal_ai::flux_2::_4b; remove one of them"]
    );
}

#[test]
fn everything_that_is_wrong_is_said_at_once_and_what_was_there_stays() {
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
fn a_folder_that_is_not_there() {
    let error = fal_codegen::Builder::new().schemas("no/such/folder").out_dir("nowhere").generate().unwrap_err();
    assert_eq!(error.to_string(), "no/such/folder: there is no such folder of documents; create it or name another");
    assert_eq!(format!("{error:?}"), error.to_string());
    let error = fal_codegen::Builder::new().schemas("schemas").generate().unwrap_err();
    assert_eq!(error.to_string(), "schemas: outside of a build script, say where to write with `out_dir`");
}

#[test]
fn a_file_that_was_not_generated_is_never_overwritten_or_removed() {
    let project = Project::new(&[("a.json", document("a/b"))]);
    std::fs::create_dir(project.out()).unwrap();
    std::fs::write(project.out().join("mine.rs"), "// mine\n").unwrap();
    std::fs::write(project.out().join("a.rs"), "// mine too\n").unwrap();
    assert_eq!(
        project.findings(),
        ["out/a.rs: this file is in the way and was not generated; move it, or generate into another folder"]
    );
    std::fs::remove_file(project.out().join("a.rs")).unwrap();
    std::fs::write(project.out().join("empty.rs"), "").unwrap();
    assert!(project.generate().removed.is_empty());
    assert_eq!(project.files()["mine.rs"], "// mine\n");
    assert_eq!(project.files()["empty.rs"], "");
}

/// A slip in the path of the schemas would else remove everything.
#[test]
fn a_folder_without_a_document_removes_nothing() {
    let project = Project::new(&[("a.json", document("a/b"))]);
    project.generate();
    let before = project.files();
    project.remove("a.json");
    assert_eq!(
        project.findings(),
        [
            "schemas: there is no document in this folder, and all that was generated would be removed; if that is meant, remove it by hand"
        ]
    );
    assert_eq!(project.files(), before);
}

#[test]
fn a_folder_of_generated_code_inside_of_another() {
    let project = Project::new(&[("a.json", document("a/b")), ("c.json", document("a/c"))]);
    project.generate();
    let outer = project.files();
    // The folder of the group `a`, where each would take the files of the other for stale ones.
    let inner = project.builder().out_dir(project.out().join("a"));
    let error = inner.generate().unwrap_err().to_string();
    assert!(error.contains("the folder is inside of ") && error.contains("which holds generated code too"), "{error}");
    assert_eq!(inner.check().unwrap_err().to_string(), error);
    assert_eq!(project.files(), outer);

    let project = Project::new(&[("a.json", document("a/b"))]);
    project.builder().out_dir(project.out().join("a")).generate().unwrap();
    let inner = project.files();
    assert_eq!(
        project.findings(),
        [
            "out/a/MANIFEST: there is generated code in a folder of out; generate into folders of which none is inside of \
          another"
        ]
    );
    assert_eq!(project.files(), inner);
    project.builder().out_dir(project.out().join("../beside")).generate().unwrap();
}
