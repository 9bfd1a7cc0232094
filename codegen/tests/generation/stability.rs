//! Equal documents give equal files, and a changed document changes as few files as possible.

use crate::project::{Project, changed, document, with_input};
use serde_json::{Value, json};

fn three() -> Vec<(&'static str, Value)> {
    vec![
        ("one.json", document("acme/one")),
        ("two/a.json", document("acme/two/fast")),
        ("other.json", document("other/thing")),
    ]
}

/// Prints a document with the keys of every object in reverse order.
fn reversed(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let fields: Vec<String> =
                object.iter().rev().map(|(key, value)| format!("{}:{}", json!(key), reversed(value))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(list) => format!("[{}]", list.iter().map(reversed).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

#[test]
fn file_names_and_key_order_do_not_matter() {
    let input = json!({ "type": "object", "properties": {
        "b": { "type": "string", "enum": ["y", "x"], "description": "d", "default": "x" },
        "a": { "anyOf": [{ "type": "object", "properties": { "n": { "type": "integer" }, "m": {} } }, { "type": "string" }] },
    } });
    let documents = [with_input("acme/one", input), document("acme/two"), document("acme/one/three")];
    let first = Project::new(&[
        ("a.json", documents[0].clone()),
        ("b.json", documents[1].clone()),
        ("c.json", documents[2].clone()),
    ]);
    first.generate();
    let second = Project::new(&[]);
    second.put("z/z.json", reversed(&documents[0]));
    second.put("y.json", reversed(&documents[1]));
    second.put("x/y/z.json", reversed(&documents[2]));
    second.generate();
    assert_eq!(changed(&first.files(), &second.files()), ["MANIFEST"]);
}

#[test]
fn unchanged_files_are_not_written() {
    let project = Project::new(&three());
    let first = project.generate();
    assert_eq!((first.documents, first.removed.len(), first.unchanged), (3, 0, 0));
    let times = project.times();
    let second = project.generate();
    assert!(second.is_current());
    assert_eq!(second.unchanged, first.written.len());
    assert_eq!(project.times(), times);
}

#[test]
fn new_document_adds_its_module_and_a_line_in_its_parents() {
    let project = Project::new(&three());
    project.generate();
    let (before, times) = (project.files(), project.times());
    project.put("anything.json", document("acme/two/slow").to_string());
    project.generate();
    assert_eq!(changed(&before, &project.files()), ["MANIFEST", "acme/two.rs", "acme/two/slow.rs"]);
    let rewritten: Vec<String> = project
        .times()
        .into_iter()
        .filter(|(path, time)| times.get(path) != Some(time))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(rewritten, ["MANIFEST", "acme/two.rs", "acme/two/slow.rs"]);
}

#[test]
fn endpoint_keeps_its_file_when_it_becomes_a_group() {
    let project = Project::new(&three());
    project.generate();
    let before = project.files();
    project.put("more.json", document("acme/one/more").to_string());
    project.generate();
    assert_eq!(changed(&before, &project.files()), ["MANIFEST", "acme.rs", "acme/one.rs", "acme/one/more.rs"]);
    assert!(project.files()["acme/one.rs"].contains("pub fn endpoint(&self) -> ::fal_client::Handle<Input, Output>"));

    project.remove("more.json");
    project.generate();
    assert_eq!(project.files(), before);
    assert!(!project.out().join("acme/one").exists(), "an empty folder is left");
}

#[test]
fn replaced_document_changes_only_its_own_module() {
    let project = Project::new(&three());
    project.generate();
    let before = project.files();
    let input = json!({ "type": "object", "properties": { "text": {}, "size": { "type": "integer", "not": {} } } });
    project.put("one.json", with_input("acme/one", input).to_string());
    project.generate();
    assert_eq!(changed(&before, &project.files()), ["MANIFEST", "REPORT.md", "acme/one.rs"]);

    // The report keeps the notes of a document that is not generated again.
    let report = project.files()["REPORT.md"].clone();
    assert!(report.contains("- `Input.size`: `not` is not checked"), "{report}");
    project.put("other.json", document("other/thing2").to_string());
    project.generate();
    assert_eq!(project.files()["REPORT.md"], report);
    assert!(project.builder().check().unwrap().is_current());
}

#[test]
fn removed_document_removes_its_modules() {
    let project = Project::new(&three());
    project.generate();
    let before = project.files();
    project.remove("other.json");
    let summary = project.generate();
    assert_eq!(changed(&before, &project.files()), ["MANIFEST", "mod.rs", "other.rs", "other/thing.rs"]);
    assert_eq!(summary.removed.len(), 2);
    assert!(!project.out().join("other").exists());
}

#[test]
fn line_ends_and_byte_order_mark_do_not_matter() {
    let text = serde_json::to_string_pretty(&document("acme/one")).unwrap();
    let unix = Project::new(&[]);
    unix.put("one.json", &text);
    unix.generate();
    let windows = Project::new(&[]);
    windows.put("one.json", text.replace('\n', "\r\n"));
    windows.generate();
    assert_eq!(unix.files(), windows.files());
    windows.put("one.json", format!("\u{feff}{text}"));
    windows.generate();
    assert_eq!(changed(&unix.files(), &windows.files()), ["MANIFEST"]);
}

#[test]
fn hidden_and_other_files_are_ignored() {
    let project = Project::new(&three());
    project.put(".hidden.json", "nonsense");
    project.put("notes.txt", "nonsense");
    project.put(".git/config.json", "nonsense");
    assert_eq!(project.generate().documents, 3);
}

#[test]
fn check_finds_edited_files_and_writes_nothing() {
    let project = Project::new(&three());
    let summary = project.builder().check().unwrap();
    assert_eq!((summary.written.len(), summary.unchanged), (9, 0));
    assert!(!project.out().exists());

    project.generate();
    assert!(project.builder().check().unwrap().is_current());
    let file = project.out().join("acme/one.rs");
    std::fs::write(&file, std::fs::read_to_string(&file).unwrap() + "// edited\n").unwrap();
    std::fs::write(project.out().join("acme/old.rs"), "// @generated by fal-codegen. Do not edit.\n").unwrap();
    let summary = project.builder().check().unwrap();
    assert_eq!(summary.written, [std::path::Path::new("acme/one.rs")]);
    assert_eq!(summary.removed, [std::path::Path::new("acme/old.rs")]);
}

#[test]
fn code_of_an_earlier_version_is_replaced() {
    let project = Project::new(&three());
    project.generate();
    let current = project.files();
    for (path, text) in &current {
        let old = text.replace("@generated by fal-codegen", "Generated by fal-codegen") + "\n";
        std::fs::write(project.out().join(path), old).unwrap();
    }
    project.generate();
    assert_eq!(project.files(), current);
}

#[test]
fn no_documents_give_empty_code() {
    let project = Project::new(&[]);
    project.generate();
    assert_eq!(project.files().into_keys().collect::<Vec<_>>(), ["MANIFEST", "REPORT.md", "mod.rs"]);
}

/// Returns every trap with the name of its file.
fn traps() -> Vec<(String, Value)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traps");
    let mut traps: Vec<(String, Value)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let text = std::fs::read(&path).unwrap();
            (path.file_name().unwrap().to_string_lossy().into_owned(), serde_json::from_slice(&text).unwrap())
        })
        .collect();
    traps.sort_by(|a, b| a.0.cmp(&b.0));
    traps
}

#[test]
fn all_traps_together_do_not_depend_on_their_order() {
    let (one, other) = (Project::new(&[]), Project::new(&[]));
    let traps = traps();
    for (number, (name, trap)) in traps.iter().enumerate() {
        one.put(name, trap.to_string());
        other.put(&format!("{}/{number}.json", traps.len() - number), reversed(trap));
    }
    one.generate();
    other.generate();
    assert_eq!(changed(&one.files(), &other.files()), ["MANIFEST"]);
}

#[test]
fn adding_a_document_touches_only_its_module_and_parents() {
    let project = Project::new(&[]);
    for (name, trap) in traps() {
        project.put(&name, trap.to_string());
    }
    project.generate();
    let whole = project.files();
    for (name, trap) in traps() {
        project.remove(&name);
        project.generate();
        let without = changed(&whole, &project.files());
        let (own, lists): (Vec<&String>, Vec<&String>) = without.iter().partition(|path| path.starts_with("traps/"));
        assert_eq!(own.len(), 1, "{name}: {without:?}");
        assert!(lists.iter().all(|path| ["MANIFEST", "REPORT.md", "traps.rs"].contains(&path.as_str())), "{without:?}");
        project.put(&name, trap.to_string());
        project.generate();
        assert_eq!(project.files(), whole, "{name}");
    }
}

#[test]
fn new_notes_are_warned_of_once() {
    let lossy = |name: &str| json!({ "type": "object", "properties": { name: { "not": {}, "type": "string" } } });
    let project = Project::new(&[("a.json", document("a/a")), ("b.json", with_input("a/b", lossy("x")))]);
    assert_eq!(project.builder().check().unwrap().lost, ["a/b: `Input.x`: `not` is not checked"]);
    let summary = project.generate();
    assert_eq!(summary.lost, ["a/b: `Input.x`: `not` is not checked"]);
    let folder = std::path::Path::new("out");
    assert_eq!(
        summary.warning(folder).unwrap().replace('\\', "/"),
        "1 part of the schemas is not expressed in the generated code, see out/REPORT.md"
    );
    // Known notes are not repeated, even if another document changes.
    assert_eq!(project.generate().lost.len(), 0);
    project.put("a.json", document("a/aa").to_string());
    let summary = project.generate();
    assert_eq!((summary.written.is_empty(), summary.warning(folder)), (false, None));
    project.put("b.json", with_input("a/b", lossy("y")).to_string());
    project.put("a.json", with_input("a/a", lossy("z")).to_string());
    let warning = project.generate().warning(folder).unwrap();
    assert!(warning.starts_with("2 parts of the schemas are not expressed in the generated code"), "{warning}");
}
