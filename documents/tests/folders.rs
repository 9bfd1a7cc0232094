//! The files of a folder: documents, patches, and what is passed over.

use std::fs;
use std::path::{Path, PathBuf};

use fal_documents::{Finding, Found, find, parse};
use serde_json::json;
use tempfile::TempDir;

fn folder(files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, "{}").expect("a file");
    }
    folder
}

#[track_caller]
fn found(folder: &TempDir) -> Found {
    find(folder.path()).unwrap_or_else(|findings| panic!("{findings:?}"))
}

/// Returns the findings with paths relative to the folder.
fn relative(findings: &[Finding], folder: &Path) -> Vec<String> {
    findings.iter().map(|finding| finding.to_string().replace(&format!("{}/", folder.display()), "")).collect()
}

#[track_caller]
fn check_passed_over(files: &[&str], expected: &[&str]) {
    let folder = folder(&[files, &["read.json"]].concat());
    let found = found(&folder);
    assert_eq!(found.sources.len(), 1, "{files:?}");
    assert_eq!(relative(&found.passed_over, folder.path()), expected);
}

#[test]
fn documents_are_found_in_every_folder_and_sorted() {
    let folder = folder(&["b.json", "a/z.json", "a/deep er/[x].json", "a.b.json", "c.json/d.json", "notes.md"]);
    let found = found(&folder);
    let paths: Vec<&str> = found.sources.iter().map(|source| source.path.as_str()).collect();
    assert_eq!(paths, ["a.b.json", "a/deep er/[x].json", "a/z.json", "b.json", "c.json/d.json"]);
    assert_eq!(found.sources[0].file, folder.path().join("a.b.json"));
    assert!(found.passed_over.is_empty(), "{:?}", found.passed_over);
}

#[test]
fn names_that_look_like_documents_are_passed_over_with_the_reason() {
    let other = "names must end in `.json`; rename the file if it is a document";
    let upper = "names must end in `.json` in lower case; rename the file";
    let yaml = "YAML is not read; convert it to JSON";
    let hidden = "hidden files are not read; rename the file if it is a document";
    check_passed_over(&["LAMP.JSON", "Sofa.Json"], &[&format!("LAMP.JSON: {upper}"), &format!("Sofa.Json: {upper}")]);
    for name in
        ["lamp.json.txt", "lamp.json.bak", "lamp.json5", "lamp.jsonc", "lamp.json.gz", "lamp.json~", "lamp_json"]
    {
        check_passed_over(&[name], &[&format!("{name}: {other}")]);
    }
    for name in ["lamp.yaml", "lamp.yml", "deep/LAMP.YAML"] {
        check_passed_over(&[name], &[&format!("{name}: {yaml}")]);
    }
    for name in [".lamp.json", "deep/.lamp.yaml"] {
        check_passed_over(&[name], &[&format!("{name}: {hidden}")]);
    }
}

#[test]
fn other_names_are_not_mentioned() {
    check_passed_over(&["README.md", "lamp.txt", ".gitkeep", ".lamp.json.swp", ".git/config.json", "notes"], &[]);
}

#[test]
fn folder_named_like_a_document_is_mentioned_if_it_has_none() {
    let folder = folder(&["read.json", "full.json/a.json"]);
    fs::create_dir_all(folder.path().join("empty.json")).expect("a folder");
    fs::create_dir_all(folder.path().join("other")).expect("a folder");
    let found = found(&folder);
    assert_eq!(found.sources.len(), 2);
    assert_eq!(relative(&found.passed_over, folder.path()), ["empty.json: this is a folder without documents"]);
}

#[cfg(unix)]
#[test]
fn links_to_folders_are_passed_over_and_links_to_files_are_read() {
    use std::os::unix::fs::symlink;

    let elsewhere = folder(&["a.json"]);
    let folder = folder(&["read.json"]);
    symlink(elsewhere.path(), folder.path().join("linked")).expect("a link");
    symlink(elsewhere.path().join("a.json"), folder.path().join("link.json")).expect("a link");
    symlink(folder.path().join("nowhere"), folder.path().join("broken")).expect("a link");
    let found = found(&folder);
    assert_eq!(found.sources.len(), 2);
    assert_eq!(
        relative(&found.passed_over, folder.path()),
        ["linked: links to folders are not followed; copy the folder"]
    );
}

#[cfg(unix)]
#[test]
fn line_break_in_a_name_does_not_break_the_message() {
    let folder = folder(&["read.json", "a\nb.yaml"]);
    assert_eq!(
        relative(&found(&folder).passed_over, folder.path()),
        [r"a\nb.yaml: YAML is not read; convert it to JSON"]
    );
    fs::write(folder.path().join("c\nd.json"), "{}").expect("a file");
    let findings = find(folder.path()).expect_err("a name with a line break");
    assert_eq!(
        relative(&findings, folder.path()),
        [r"c\nd.json: file name has control characters or is not UTF-8; rename the file"]
    );
}

#[test]
fn files_and_urls_are_not_folders() {
    let folder = folder(&["read.json"]);
    let reason = |path: &Path| find(path).expect_err("no folder")[0].reason.clone();
    assert_eq!(reason(&folder.path().join("read.json")), "this is a file: name the folder that contains it");
    assert!(reason(&folder.path().join("none")).starts_with("no such folder"));
    for url in ["https://fal.ai/api/openapi/queue/openapi.json?endpoint_id=acme/lamp", "HTTP://localhost/x.json"] {
        let reason = reason(&PathBuf::from(url));
        assert!(
            reason.starts_with("this is a URL: download the document into a folder with `curl --compressed -o"),
            "{reason}"
        );
    }
}

#[test]
fn patches_belong_to_the_document_of_their_name() {
    let folder = folder(&["deep/lamp.json", "lamp.json"]);
    let patch = json!([{ "op": "add", "path": "/endpointId", "value": "acme/lamp" }, { "op": "add", "path": "/input", "value": {} }]);
    // A byte order mark is ignored here as well.
    fs::write(folder.path().join("deep/lamp.patch.json"), format!("\u{feff}{patch}")).expect("a patch");
    let sources = found(&folder).sources;
    assert!(sources[1].patch.is_none() && parse(&sources[1]).is_err());
    assert_eq!(parse(&sources[0]).expect("a document").documents[0].id, "acme/lamp");

    fs::write(folder.path().join("sofa.patch.json"), "[]").expect("a patch");
    let findings = find(folder.path()).expect_err("a patch without a document");
    assert_eq!(
        relative(&findings, folder.path()),
        ["sofa.patch.json: no document `sofa.json` next to this patch; rename or remove the patch"]
    );
}

#[test]
fn unusable_patches_are_named() {
    for (patch, expected) in [
        ("{\"op\": \"remove\"}", "invalid JSON patch: expected an array of operations: [{\"op\": \"replace\""),
        ("- op: remove\n  path: /a\n", "invalid JSON patch: this is YAML, not JSON"),
        ("<html>", "invalid JSON patch: this is a web page"),
        ("", "invalid JSON patch: the file is empty; remove it"),
        ("[{\"op\": \"remove\",}]", "invalid JSON patch: invalid JSON: trailing comma at line 1 column 18"),
    ] {
        let folder = folder(&["lamp.json"]);
        fs::write(folder.path().join("lamp.patch.json"), patch).expect("a patch");
        let findings = parse(&found(&folder).sources[0]).expect_err("a finding");
        let text = relative(&findings, folder.path()).concat();
        assert!(text.starts_with(&format!("lamp.patch.json: {expected}")), "{text}");
    }
}
