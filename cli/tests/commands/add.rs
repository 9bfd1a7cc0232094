//! `cargo fal add`

use std::fs;
use std::time::Duration;

use fal_emulator::{Emulator, Fault, ModelEntry, Operation, Pace};
use serde_json::{Value, json};

use crate::support::{Project, Run, assert_golden};

const REDUX: &str = "fal-ai/flux/dev/redux";
const ROUTER: &str = "openrouter/router";

/// Returns a document in the short form.
fn short(id: &str) -> Value {
    let input = json!({ "required": ["prompt"], "properties": { "prompt": { "type": "string" } } });
    json!({ "endpointId": id, "input": input, "output": { "properties": { "text": { "type": "string" } } } })
}

/// Starts an emulator of these endpoints.
async fn serving(ids: impl IntoIterator<Item = impl AsRef<str>>) -> Project {
    let builder = Emulator::builder().pace(Pace::instant());
    let add = |builder: fal_emulator::EmulatorBuilder, id: String| builder.document(short(&id).to_string());
    Project::with(ids.into_iter().map(|id| id.as_ref().to_owned()).fold(builder, add)).await
}

/// Returns the files below the schemas folder, sorted.
fn files(project: &Project) -> Vec<String> {
    fn collect(folder: &std::path::Path, found: &mut Vec<String>, root: &std::path::Path) {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => collect(&path, found, root),
                false => found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned()),
            }
        }
    }
    let (root, mut found) = (project.path("schemas"), Vec::new());
    collect(&root, &mut found, &root);
    found.sort();
    found
}

#[tokio::test]
async fn an_endpoint_is_added_with_its_module_and_an_example() {
    let project = Project::new().await;
    let stdout = project.run(&["add", REDUX]).await.success();
    assert_golden("add_endpoint.txt", &stdout);
    let text = fs::read_to_string(project.path("schemas/fal-ai/flux/dev/redux.json")).unwrap();
    let mut json: Value = serde_json::from_str(&text).unwrap();
    json.sort_all_objects();
    assert_eq!(text, format!("{json:#}\n"), "canonical");
    assert_eq!(json["info"]["x-fal-metadata"]["endpointId"], REDUX);
    project.run(&["generate"]).await.success();
    let again = project.run(&["add", REDUX]).await;
    assert_eq!(again.success(), format!("unchanged {REDUX}: schemas/{REDUX}.json\n"));
}
