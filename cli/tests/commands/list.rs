//! `cargo fal list`

use serde_json::{Value, json};

use crate::support::{Project, assert_golden};

fn document(id: &str, category: Option<&str>) -> String {
    let mut document = json!({ "endpointId": id, "input": {}, "output": {} });
    category.iter().for_each(|category| document["category"] = Value::from(*category));
    document.to_string()
}

async fn project() -> Project {
    let project = Project::new().await;
    project.write("schemas/studio/portrait.json", document("studio/portrait", Some("text-to-image")));
    project.write(
        "schemas/lab.json",
        format!("[{}, {}]", document("lab/video/v1.5", None), document("lab/type", Some("llm"))),
    );
    project.write("schemas/redux.json", document("fal-ai/flux/dev/redux", Some("image-to-image")));
    project
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_that_do_not_fit_are_left_out() {
    let project = project().await;
    let mut text = String::new();
    for columns in [40, 60, 80, 140] {
        text.push_str(&format!("{columns} columns\n{}\n", project.run_in(columns, &["list"]).await.success()));
    }
    text.push_str(&format!("piped\n{}", project.run(&["list"]).await.success()));
    assert_golden("list.txt", &text);
}

#[tokio::test(flavor = "multi_thread")]
async fn words_select_by_id_and_category() {
    let project = project().await;
    let rows = project.run(&["list", "IMAGE", "flux", "--json"]).await.json();
    assert_eq!(
        rows,
        json!([{ "id": "fal-ai/flux/dev/redux", "category": "image-to-image", "module": "fal_ai::flux::dev::redux",
                 "file": "schemas/redux.json" }])
    );
    let run = project.run(&["list", "no-such-word"]).await;
    assert!(run.stderr.contains("no endpoint with these words"), "{}", run.stderr);
    assert_eq!(run.success(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn shipped_endpoints_are_listed_unless_the_project_has_them() {
    let rows = project().await.run(&["list", "--shipped", "--json"]).await.json();
    let of = |id: &str| rows.as_array().unwrap().iter().filter(|row| row["id"] == id).cloned().collect::<Vec<_>>();
    assert_eq!(of("openrouter/router")[0]["file"], Value::Null);
    assert_eq!(of("fal-ai/flux/dev/redux").len(), 1);
    assert_eq!(of("fal-ai/flux/dev/redux")[0]["file"], "schemas/redux.json");
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_project_says_how_to_add_an_endpoint() {
    let run = Project::new().await.run(&["list"]).await;
    assert!(run.stderr.contains("no documents in `schemas`; add one with `cargo fal add ID`"), "{}", run.stderr);
    assert_eq!(run.success(), "");
    assert_eq!(Project::new().await.run(&["list", "--json"]).await.json(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_document_is_named() {
    let project = project().await;
    project.write("schemas/broken.json", "{");
    let error = project.run(&["list"]).await.failure(1);
    assert!(error.contains("schemas/broken.json: invalid JSON"), "{error}");
}
