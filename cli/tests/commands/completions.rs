use crate::support::{Project, Run};

/// Returns the candidates for the last word.
async fn candidates(project: &Project, words: &[&str]) -> Vec<String> {
    let mut command = project.command(&[&["--"], words].concat());
    command.env("CARGO_FAL_COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string());
    command.env("_CLAP_IFS", "\n").env_remove("FAL_KEY");
    let run = Run::of(command).await;
    assert_eq!(run.stderr, "");
    run.success().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn endpoints_fields_values_and_files_complete() {
    let project = Project::new().await;
    project.write("room.png", "");
    let run = ["cargo-fal", "run", "fal-ai/flux/dev/redux"];
    for (words, expected) in [
        (vec!["cargo-fal", "ru"], vec!["run"]),
        (vec!["fal", "show", "fal-ai/flux/"], vec!["fal-ai/flux/dev/image-to-image", "fal-ai/flux/dev/redux"]),
        ([&run[..], &["output"]].concat(), vec!["output_format="]),
        ([&run[..], &["output_format="]].concat(), vec!["output_format=jpeg", "output_format=png"]),
        ([&run[..], &["sync_mode=t"]].concat(), vec!["sync_mode=true"]),
        ([&run[..], &["image_url=@ro"]].concat(), vec!["image_url=@room.png"]),
        ([&run[..], &["image_size.w"]].concat(), vec!["image_size.width="]),
        ([&run[..], &["--image-u"]].concat(), vec!["--image-url"]),
        ([&run[..], &["--output-format", ""]].concat(), vec!["jpeg", "png"]),
        ([&run[..], &["--image-url", "@r"]].concat(), vec!["@room.png"]),
        (vec!["cargo-fal", "run", "no/such/endpoint", "a"], vec![]),
    ] {
        assert_eq!(candidates(&project, &words).await, expected, "{words:?}");
    }
    project.write("fal.toml", "invalid = [");
    assert!(candidates(&project, &["cargo-fal", "run", "fal"]).await.is_empty());
}

#[tokio::test]
async fn keys_of_jobs_complete() {
    let project = Project::new().await;
    assert!(candidates(&project, &["cargo-fal", "result", ""]).await.iter().all(|word| word.starts_with('-')));
    assert!(!project.path(".fal").exists(), "completing creates nothing");
    let words = ["run", "fal-ai/flux/dev/redux", "image_url=https://example.com/a.png", "--key", "hero"];
    project.run(&words).await.success();
    assert_eq!(candidates(&project, &["cargo-fal", "result", "he"]).await, ["hero"]);
}

#[tokio::test]
async fn scripts_exist_for_all_shells() {
    let project = Project::new().await;
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = project.run(&["completions", shell]).await.success();
        assert!(script.contains("cargo-fal"), "{script}");
    }
}
