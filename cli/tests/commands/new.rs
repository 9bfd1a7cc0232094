//! `cargo fal new`. `.ci/build-rules` compiles and runs a project.

use std::fs;

use serde_json::json;

use crate::support::Project;

#[tokio::test(flavor = "multi_thread")]
async fn project_has_documents_code_and_a_program() {
    let project = Project::new().await;
    let text = project.run(&["new", "studio"]).await.success();
    assert!(text.starts_with("created `studio`: 11 files\nnext:\n  cd studio\n"), "{text}");
    let read = |path: &str| fs::read_to_string(project.path(path)).unwrap();
    assert!(read("studio/Cargo.toml").contains("name = \"studio\""));
    assert!(read("studio/src/main.rs").contains("client.fal_ai().fast_lcm_diffusion().subscribe(input).await?"));
    assert!(read("studio/.gitignore").contains("/target"));
    let mut check = project.command(&["check", "--json"]);
    check.current_dir(project.path("studio"));
    assert_eq!(crate::support::Run::of(check).await.json()["problems"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_and_the_checkout_can_be_chosen() {
    let project = Project::new().await;
    project.write("fal client/Cargo.toml", "[package]\nname = \"fal-client\"\n");
    let endpoints =
        ["--endpoint", "openrouter/router", "--endpoint", "fal-ai/flux/dev/redux", "--endpoint", "openrouter/router"];
    let arguments = [&["new", "a/studio", "--path", "fal client", "--json"][..], &endpoints].concat();
    let report = project.run(&arguments).await.json();
    assert_eq!(report["name"], "studio");
    assert_eq!(report["endpoints"], json!(["openrouter/router", "fal-ai/flux/dev/redux"]));
    let manifest = fs::read_to_string(project.path("a/studio/Cargo.toml")).unwrap();
    assert!(manifest.contains("/fal client\" }"), "{manifest}");
    let program = fs::read_to_string(project.path("a/studio/src/main.rs")).unwrap();
    assert!(program.contains("client.openrouter().router().subscribe(input)"), "{program}");
}

#[tokio::test(flavor = "multi_thread")]
async fn existing_folder_is_left_alone_unless_it_is_empty() {
    let project = Project::new().await;
    project.write("full/file", "");
    let error = project.run(&["new", "full"]).await.failure(2);
    assert!(error.contains("`full` exists and is not empty"), "{error}");
    assert_eq!(fs::read_dir(project.path("full")).unwrap().count(), 1);
    fs::create_dir(project.path("empty")).unwrap();
    project.run(&["new", "empty"]).await.success();
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_arguments_write_nothing() {
    let project = Project::new().await;
    for (arguments, code, message) in [
        (&["new", "fn"][..], 2, "invalid name of a package `fn`"),
        (&["new", "1st"], 2, "invalid name of a package `1st`"),
        (&["new", "a b"], 2, "invalid name of a package `a b`"),
        (&["new", ".."], 2, "invalid name of a package"),
        (&["new", "x1", "--path", "missing"], 2, "no checkout of fal-client in `missing`"),
        (&["new", "x1", "--endpoint", "fal-ai/flux/dev/redx"], 7, "fal-ai/flux/dev/redux"),
    ] {
        let error = project.run(arguments).await.failure(code);
        assert!(error.contains(message), "{error}");
    }
    assert!(!project.path("x1").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn member_of_a_workspace_is_told_to_cargo() {
    let project = Project::new().await;
    project.write("Cargo.toml", "[workspace]\nmembers = []\n");
    let run = project.run(&["new", "studio"]).await;
    assert!(run.stderr.contains("add the package to the members of the workspace"), "{}", run.stderr);
}
