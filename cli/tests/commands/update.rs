//! `cargo fal update`

use std::fs;
use std::time::Duration;

use fal_emulator::{Emulator, Fault, ModelEntry, Operation, Pace};
use serde_json::{Value, json};

use crate::support::{Project, assert_golden};

/// Returns the document of an endpoint with an input field for each name.
fn document(id: &str, fields: &Value) -> String {
    json!({ "endpointId": id, "input": { "properties": fields }, "output": {} }).to_string()
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

/// Starts an emulator of three endpoints, whose documents are in the schemas folder.
async fn project() -> Project {
    let builder = Emulator::builder().pace(Pace::instant());
    let fields = json!({ "prompt": text("The prompt."), "steps": { "type": "integer", "maximum": 50 } });
    let ids = ["me/changed", "me/same", "me/other"];
    let project = Project::with(ids.iter().fold(builder, |builder, id| builder.document(document(id, &fields)))).await;
    project.run(&["add", "me/changed", "me/same", "me/other"]).await.success();
    project
}

fn path(id: &str) -> String {
    format!("schemas/{id}.json")
}

fn read(project: &Project, id: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(project.path(path(id))).unwrap()).unwrap()
}

/// Makes the document of an endpoint older than fal's.
fn age(project: &Project, id: &str) {
    let mut json = read(project, id);
    let properties =
        format!("/paths/~1{}/post/requestBody/content/application~1json/schema/properties", id.replace('/', "~1"));
    let properties = json.pointer_mut(&properties).unwrap();
    properties["steps"]["maximum"] = json!(100);
    properties["prompt"]["description"] = json!("A prompt.");
    properties["removed"] = json!({ "type": "boolean" });
    project.write(&path(id), json.to_string());
}

#[tokio::test]
async fn changes_are_shown_and_written_on_demand() {
    let project = project().await;
    let current = read(&project, "me/changed");
    age(&project, "me/changed");
    let old = read(&project, "me/changed");
    let run = project.run(&["update"]).await;
    assert_golden("update_changes.txt", &run.stdout);
    assert!(run.failure(1).contains("nothing was written"));
    assert_eq!(read(&project, "me/changed"), old);
    let stdout = project.run(&["update", "me/same"]).await.success();
    assert_eq!(stdout, "1 document: all up to date\n");
    let stdout = project.run(&["update", "--yes"]).await.success();
    assert!(stdout.ends_with("3 documents: 1 updated, 2 up to date\n"), "{stdout}");
    assert_eq!(read(&project, "me/changed"), current);
    let text = fs::read_to_string(project.path(path("me/changed"))).unwrap();
    let mut json: Value = serde_json::from_str(&text).unwrap();
    json.sort_all_objects();
    assert_eq!(text, format!("{json:#}\n"));
    assert_eq!(project.run(&["update"]).await.success(), "3 documents: all up to date\n");
}

#[tokio::test]
async fn a_check_fails_on_breaking_changes_and_writes_nothing() {
    let project = project().await;
    project.run(&["update", "--check"]).await.success();
    age(&project, "me/changed");
    let old = read(&project, "me/changed");
    project.run(&["update", "--check"]).await.failure(1);
    project.run(&["update", "--check", "--allow", "me/changed"]).await.success();
    assert_eq!(read(&project, "me/changed"), old);
    let run = project.run(&["update", "--check", "--json"]).await;
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.code, &json["changed"], &json["is_written"]), (Some(1), &json!(["me/changed"]), &json!(false)));
    let change = &json["changes"][0];
    assert_eq!((&change["endpoint"], &change["effect"]), (&json!("me/changed"), &json!("breaking")));
    project.run(&["update", "--check", "--yes"]).await.failure(2);
    let stderr = project.run(&["update", "--check", "--allow", "me/chan"]).await.failure(7);
    assert!(stderr.contains("did you mean `me/changed`?"), "{stderr}");
}

#[tokio::test]
async fn a_check_passes_on_additions() {
    let project = project().await;
    let mut json = read(&project, "me/changed");
    json["paths"]["/me/changed"]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"] =
        json!({ "prompt": text("A prompt.") });
    project.write(&path("me/changed"), json.to_string());
    let stdout = project.run(&["update", "--check"]).await.success();
    assert!(stdout.contains("Additive: 1 change\n  me/changed\n    input.steps: field added\n"), "{stdout}");
    json = read(&project, "me/same");
    json["info"]["title"] = json!("Another title");
    project.write(&path("me/same"), json.to_string());
    let stdout = project.run(&["update", "--check", "me/same"]).await.success();
    assert!(stdout.contains("me/same: the document differs, without an effect on the generated code"), "{stdout}");
}

#[tokio::test]
async fn deprecated_and_removed_endpoints_are_reported() {
    let project = project().await;
    project.emulator.set_model("me/same", ModelEntry::default().deprecated());
    project.emulator.set_model("me/other", ModelEntry::default().without_document());
    let mut gone = read(&project, "me/same").to_string();
    gone = gone.replace("me/same", "me/gone").replace("me~1same", "me~1gone");
    project.write("schemas/me/gone.json", gone);
    let stdout = project.run(&["update"]).await.success();
    assert!(stdout.contains("me/same: fal calls the endpoint deprecated\n"), "{stdout}");
    assert!(stdout.contains("me/gone: fal does not have the endpoint any more\n"), "{stdout}");
    assert!(stdout.contains("me/other: fal has no document of the endpoint any more: expansion_failed"), "{stdout}");
    project.run(&["update", "--check"]).await.failure(1);
    project.run(&["update", "--check", "me/changed"]).await.success();
    let allowed = ["update", "--check", "--allow", "me/same", "--allow", "me/gone", "--allow", "me/other"];
    project.run(&allowed).await.success();
}

#[tokio::test]
async fn patches_are_kept_or_keep_their_document() {
    let project = project().await;
    for id in ["me/changed", "me/same"] {
        age(&project, id);
    }
    let properties = "/paths/~1me~1changed/post/requestBody/content/application~1json/schema/properties";
    let fitting = json!([{ "op": "replace", "path": format!("{properties}/steps/maximum"), "value": 100 }]);
    project.write("schemas/me/changed.patch.json", fitting.to_string());
    // The maximum is patched back, so that it does not change for programs.
    age(&project, "me/changed");
    let mut json = read(&project, "me/changed");
    json.pointer_mut(properties).unwrap()["steps"]["maximum"] = json!(200);
    project.write(&path("me/changed"), json.to_string());
    let stale = json!([{ "op": "remove", "path": properties.replace("changed", "same") + "/removed" }]);
    project.write("schemas/me/same.patch.json", stale.to_string());
    let old = read(&project, "me/same");
    let run = project.run(&["update", "--yes"]).await;
    assert!(!run.stdout.contains("Maximum"), "{}", run.stdout);
    assert!(run.stderr.contains("me/same: the new document cannot be used; the old one stays"), "{}", run.stderr);
    assert!(run.stderr.contains("same.patch.json"), "{}", run.stderr);
    run.failure(1);
    assert_eq!(read(&project, "me/same"), old);
    assert_eq!(read(&project, "me/changed").pointer(properties).unwrap()["steps"]["maximum"], 50);
    assert!(project.path("schemas/me/changed.patch.json").exists());
}

#[tokio::test]
async fn files_with_several_documents_are_updated_in_place() {
    let project = project().await;
    age(&project, "me/changed");
    let [changed, same] = ["me/changed", "me/same"].map(|id| read(&project, id));
    let models: Vec<Value> = [("me/changed", &changed), ("me/same", &same)]
        .iter()
        .map(|(id, document)| json!({ "endpoint_id": id, "openapi": document, "metadata": { "tags": ["kept"] } }))
        .collect();
    fs::remove_dir_all(project.path("schemas")).unwrap();
    project
        .write("schemas/page.json", json!([{ "models": models }, { "endpointId": "me/own", "input": {} }]).to_string());
    let run = project.run(&["update", "--yes"]).await;
    assert!(run.stderr.contains("me/own: left as it is"), "{run:?}");
    run.success();
    let page: Value = serde_json::from_str(&fs::read_to_string(project.path("schemas/page.json")).unwrap()).unwrap();
    assert_eq!(page[0]["models"][0]["metadata"]["tags"][0], "kept");
    assert_eq!(page[0]["models"][1]["openapi"], same);
    assert_ne!(page[0]["models"][0]["openapi"], changed);
    assert_eq!(page[1]["endpointId"], "me/own");
    assert_eq!(project.run(&["update"]).await.success(), "2 documents: all up to date\n");
}

#[tokio::test]
async fn failures_leave_the_folder_as_it_is() {
    let project = project().await;
    age(&project, "me/changed");
    let old = read(&project, "me/changed");
    project.emulator.inject_fault(Operation::Models, Fault::respond(429).retry_after(Duration::from_secs(3600)));
    project.run(&["update", "--yes"]).await.failure(5);
    let other = json!({ "models": [{ "endpoint_id": "me/changed", "openapi": read(&project, "me/same") }] });
    project.emulator.inject_fault(Operation::Models, Fault::respond(200).json(&other));
    let stderr = project.run(&["update", "me/changed", "--yes"]).await.failure(1);
    assert!(stderr.contains("that of another endpoint"), "{stderr}");
    assert_eq!(read(&project, "me/changed"), old);
    let stderr = project.run(&["update", "me/chnged"]).await.failure(7);
    assert!(stderr.contains("did you mean `me/changed`?"), "{stderr}");
    let stderr = project.run(&["update", "--schemas", "none"]).await.failure(1);
    assert!(stderr.contains("cargo fal add"), "{stderr}");
}
