//! `cargo fal search`

use fal_emulator::{Emulator, Fault, ModelEntry, Operation};
use serde_json::{Value, json};

use crate::support::{Project, Run, assert_golden};

const REDUX: &str = "fal-ai/flux/dev/redux";

fn model(id: &str, category: &str, licence: &str, status: &str, description: &str) -> Value {
    json!({ "endpoint_id": id, "metadata": { "display_name": id, "category": category, "license_type": licence,
        "status": status, "description": description } })
}

/// Lets the next list have these models.
fn list(project: &Project, models: &[Value]) {
    let page = json!({ "models": models, "next_cursor": null, "has_more": false });
    project.emulator.inject_fault(Operation::Models, Fault::respond(200).json(&page));
}

#[tokio::test]
async fn models_fit_into_the_terminal() {
    let project = Project::new().await;
    project.run(&["add", "openrouter/router"]).await.success();
    for columns in [60, 80, 140] {
        list(
            &project,
            &[
                model(
                    "fal-ai/fast-sdxl-controlnet-canny/image-to-image",
                    "image-to-image",
                    "commercial",
                    "active",
                    "Generate images with ControlNet, from the edges of another image and a text, in a few seconds and with several styles.",
                ),
                model(REDUX, "image-to-image", "research", "deprecated", "FLUX.1 [dev] Redux"),
                model("openrouter/router", "llm", "commercial", "active", "Any large language model"),
                json!({ "endpoint_id": "me/app" }),
                model(
                    "me/hostile",
                    "a\u{1b}[31mb",
                    "none\u{202e}",
                    "active",
                    "two\nlines \u{7}図書図書図書図書図書図書図書図書図書図書図書図書図書図書図書",
                ),
            ],
        );
        let stdout = project.run_in(columns, &["search", "x"]).await.success();
        assert!(!stdout.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{stdout}");
        assert_golden(&format!("search_{columns}.txt"), &stdout);
    }
}

#[tokio::test]
async fn filters_narrow_the_search() {
    let project = Project::with(Emulator::builder().key("id:secret")).await;
    project.emulator.set_model(REDUX, ModelEntry::default().deprecated());
    let mut command = project.command(&["search", "flux", "redux", "--status", "deprecated", "--json"]);
    command.env_remove("FAL_KEY");
    let json = Run::of(command).await.json();
    assert_eq!((json["models"].as_array().unwrap().len(), &json["has_more"]), (1, &json!(false)));
    let model = &json["models"][0];
    assert_eq!(
        (&model["id"], &model["status"], &model["is_shipped"]),
        (&json!(REDUX), &json!("deprecated"), &json!(true))
    );
    let stdout = project.run(&["search", "--category", "llm"]).await.success();
    assert!(stdout.contains("openrouter/router") && !stdout.contains(REDUX), "{stdout}");
    let run = project.run(&["search", "--limit", "2"]).await;
    assert!(run.stderr.contains("shows the first 2 models"), "{run:?}");
    assert_eq!(run.success().lines().count(), 3);
    project.run(&["search", "--limit", "0"]).await.failure(2);
    project.run(&["search", "--status", "beta"]).await.failure(2);
}

#[tokio::test]
async fn a_search_without_a_result_suggests_others() {
    let project = Project::new().await;
    let stderr = project.run(&["search", "openrouter/routr"]).await.failure(7);
    assert!(stderr.contains("no models match `openrouter/routr`") && stderr.contains("openrouter/router"), "{stderr}");
    let stderr = project.run(&["search", "--category", "image-to-imag"]).await.failure(7);
    assert!(stderr.contains("did you mean the category `image-to-image`?"), "{stderr}");
    assert!(stderr.starts_with("error: no models of `image-to-imag`\n"), "{stderr}");
    let stderr = project.run(&["search", "redux", "--category", "llm"]).await.failure(7);
    assert!(stderr.contains("these match in other categories: image-to-image"), "{stderr}");
    let json = project.run(&["search", "zzzz", "--json"]).await.json();
    assert_eq!(json["models"], json!([]));
}
