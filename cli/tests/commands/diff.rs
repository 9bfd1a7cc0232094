//! `cargo fal diff`

use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Project, assert_golden};

fn document(id: &str, properties: &Value) -> String {
    json!({ "endpointId": id, "input": { "properties": properties }, "output": {} }).to_string()
}

fn old() -> Value {
    json!({ "steps": { "type": "integer", "maximum": 50, "default": 28 }, "size": { "enum": ["small", "large"] },
            "mask_url": { "type": "string" }, "note": { "type": "string", "description": "A note." } })
}

fn new() -> Value {
    json!({ "steps": { "type": "integer", "maximum": 30, "default": 20 }, "size": { "enum": ["small", "large", "huge"] },
            "seed": { "type": "integer" }, "note": { "type": "string", "description": "A longer note." } })
}

async fn project() -> Project {
    let project = Project::new().await;
    project.write("schemas/app.json", document("me/app", &old()));
    project.write("new/app.json", document("me/app", &new()));
    project.write("new/other.json", document("me/other", &json!({})));
    project
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_grouped_by_effect() {
    let project = project().await;
    for columns in [60, 80, 140] {
        let text = project.run_in(columns, &["diff", "schemas", "new"]).await.success();
        assert_golden(&format!("diff-{columns}.txt"), &text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_files_folders_ids_and_stdin() {
    let project = project().await;
    let expected = project.run(&["diff", "schemas/app.json", "new/app.json"]).await.success();
    assert!(expected.starts_with("Breaking: 2 changes\n  me/app\n"), "{expected}");
    for arguments in [&["diff", "new/app.json"][..], &["diff", "me/app", "new/app.json"]] {
        assert_eq!(project.run(arguments).await.success(), expected);
    }
    let mut command = project.command(&["diff", "me/app", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(document("me/app", &new()).as_bytes()).unwrap();
    assert_eq!(String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn patches_next_to_files_are_applied() {
    let project = project().await;
    let patch = json!([{ "op": "replace", "path": "/input/properties/steps/maximum", "value": 50 }]);
    project.write("new/app.patch.json", patch.to_string());
    let text = project.run(&["diff", "schemas/app.json", "new/app.json"]).await.success();
    assert!(!text.contains("Maximum"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_code_tells_breaking_changes_on_request() {
    let project = project().await;
    assert_eq!(project.run(&["diff", "new/app.json"]).await.code, Some(0));
    assert_eq!(project.run(&["diff", "new/app.json", "--exit-code"]).await.code, Some(1));
    assert_eq!(project.run(&["diff", "schemas", "new", "--exit-code", "--json"]).await.code, Some(1));
    let same = project.run(&["diff", "schemas", "schemas", "--exit-code"]).await;
    assert_eq!((same.code, same.stdout.as_str(), same.stderr.as_str()), (Some(0), "", "no changes\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn json_has_each_change() {
    let report = project().await.run(&["diff", "new/app.json", "--json"]).await.json();
    assert_eq!(report["breaking"], true);
    let changes = report["changes"].as_array().unwrap();
    let bound =
        changes.iter().find(|change| change["path"] == "input.steps" && change["effect"] == "breaking").unwrap();
    assert_eq!(bound["kind"], json!({ "bound": { "rule": "Maximum", "from": "50", "to": "30" } }));
    assert_eq!(bound["text"], "input.steps: Maximum changed from 50 to 30");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_endpoints_can_be_compared() {
    let project = project().await;
    project.write("schemas/turbo.json", document("me/turbo", &new()));
    let run = project.run(&["diff", "me/app", "me/turbo"]).await;
    assert!(run.stderr.contains("`me/app` is compared with another endpoint, `me/turbo`"), "{}", run.stderr);
    assert!(run.success().contains("input.steps: Maximum changed from 50 to 30"));
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_versions_are_named() {
    let project = project().await;
    assert!(project.run(&["diff", "no.json", "new"]).await.failure(7).contains("no file `no.json`"));
    assert!(project.run(&["diff", "me/ap", "new"]).await.failure(7).contains("did you mean `me/app`?"));
    let missing = project.run(&["diff", "new/other.json"]).await.failure(7);
    assert!(missing.contains("`me/other`"), "{missing}");
    project.write("empty/readme.txt", "");
    assert!(project.run(&["diff", "empty", "new"]).await.failure(1).contains("no documents in `empty`"));
    project.write("bad.json", "[1]");
    assert!(project.run(&["diff", "bad.json", "new"]).await.failure(1).contains("bad.json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_do_not_reach_the_terminal() {
    let project = project().await;
    let name = "\u{1b}[31m\u{202e}";
    project.write("a.json", document("me/app", &json!({ name: { "type": "string", "default": name } })));
    project.write("b.json", document("me/app", &json!({ name: { "type": "integer" } })));
    let text = project.run(&["diff", "a.json", "b.json"]).await.success();
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
}
