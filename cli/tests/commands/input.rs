//! Inputs of `run`: pairs, flags and files.

use serde_json::{Value, json};

use crate::support::{Project, assert_golden};

const REDUX: &str = "fal-ai/flux/dev/redux";
const IMAGE_TO_IMAGE: &str = "fal-ai/flux/dev/image-to-image";

/// Returns the input of the last request.
fn sent(project: &Project) -> Value {
    project.emulator.jobs().last().unwrap().request().input().clone()
}

#[tokio::test]
async fn pairs_flags_and_files_make_an_input() {
    let project = Project::new().await;
    project.write("room.png", b"\x89PNG\r\n\x1a\n");
    project.write("inputs/room.png", b"\x89PNG\r\n\x1a\n");
    project.write("inputs/fox.yaml", "prompt: a fox\nimage_url: '@room.png'\nseed: 1\n");
    let words = ["run", IMAGE_TO_IMAGE, "--prompt", "-5 degrees", "image_url=@room.png", "--num-images=2"];
    let failure = project.run(&words).await.failure(2);
    assert!(failure.contains("unexpected argument '-5"), "{failure}");
    let words = ["run", IMAGE_TO_IMAGE, "--prompt=-5 degrees", "image_url=@room.png", "--num-images=2", "--seed", "-1"];
    project.run(&[&words[..], &["--sync_mode", "--no-enable-safety-checker", "--json"]].concat()).await.json();
    let mut input = sent(&project);
    assert!(input["image_url"].as_str().unwrap().ends_with("room.png"), "{input}");
    input["image_url"].take();
    let expected = json!({
        "prompt": "-5 degrees", "image_url": null, "num_images": 2, "seed": -1, "sync_mode": true,
        "enable_safety_checker": false,
    });
    assert_eq!(input, expected);

    project.run(&["run", IMAGE_TO_IMAGE, "--input", "inputs/fox.yaml", "seed=2"]).await.success();
    let input = sent(&project);
    assert_eq!((&input["prompt"], &input["seed"]), (&json!("a fox"), &json!(2)));
    assert!(input["image_url"].as_str().unwrap().ends_with("room.png"), "{input}");
}

#[tokio::test]
async fn problems_are_reported_together_and_nothing_is_sent() {
    let project = Project::new().await;
    let words = ["run", IMAGE_TO_IMAGE, "strenght=0.5", "--num-images", "9", "seed=abc", "image_url=@nowhere.png"];
    let stderr = project.run(&words).await.failure(3);
    assert_golden("input-problems.txt", &stderr);
    assert!(project.emulator.jobs().is_empty() && project.emulator.files().is_empty());
}

#[tokio::test]
async fn help_has_the_fields_as_flags() {
    let project = Project::new().await;
    for width in [60, 80, 140] {
        let help = project.run_in(width, &["run", REDUX, "-h"]).await.success();
        assert_golden(&format!("run-help-{width}.txt"), &help);
    }
    let without = project.run(&["run", "--help"]).await.success();
    assert!(!without.contains("Fields of fal-ai"), "{without}");
}

#[tokio::test]
async fn colliding_and_hostile_fields_keep_their_pairs() {
    let project = Project::new().await;
    let properties = json!({
        "timeout": { "type": "integer" }, "json": { "type": "boolean" }, "a_b": { "type": "string" }, "a-b": { "type": "string" },
        "no_logs": { "type": "boolean" }, "logs": { "type": "boolean" }, "\u{1b}[31m": { "type": "string" },
        "evil": { "type": "string", "description": "\u{1b}[31mred", "default": "\u{1b}[0m" },
    });
    let document =
        json!({ "endpointId": "me/app", "input": { "type": "object", "properties": properties }, "output": {} });
    project.write("schemas/app.json", document.to_string());
    let help = project.run(&["run", "me/app", "--help"]).await.success();
    assert!(!help.contains('\u{1b}'), "{help}");
    for name in ["timeout=…", "json=…", "logs=…"] {
        assert!(help.contains(name), "{help}");
    }
    let stderr = project.run(&["run", "me/app", "timeout=x", "--a-b", "1"]).await.failure(3);
    assert!(stderr.contains("timeout = `x`: expected an integer"), "{stderr}");
}

#[tokio::test]
async fn file_of_an_unknown_field_does_not_matter() {
    let project = Project::new().await;
    project.write("fox.png", [0x89, b'P', b'N', b'G', 0xff]);
    let stderr = project.run(&["run", REDUX, "image_ur=@fox.png"]).await.failure(3);
    assert!(stderr.contains("image_ur: unknown field") && stderr.contains("did you mean `image_url`"), "{stderr}");
    assert!(!stderr.contains("UTF-8"), "{stderr}");
}
