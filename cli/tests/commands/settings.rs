//! fal.toml

use serde_json::json;

use crate::support::{Project, Run};

const DOCUMENT: &str = r#"{"endpointId": "me/app", "input": {}, "output": {}}"#;

/// Returns the files that `list` finds from a folder of the project.
async fn listed(project: &Project, folder: &str, options: &[&str]) -> Run {
    let mut command = project.command(&[options, &["list", "--json"]].concat());
    command.current_dir(project.path(folder));
    Run::of(command).await
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_apply_in_nested_folders() {
    let project = Project::new().await;
    project.write("fal.toml", "schemas = \"documents\"\n");
    project.write("documents/app.json", DOCUMENT);
    project.write("src/deeply/nested/file.rs", "");
    for (folder, file) in [("", "documents/app.json"), ("src/deeply/nested", "../../../documents/app.json")] {
        assert_eq!(listed(&project, folder, &[]).await.json()[0]["file"], file);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn member_of_a_workspace_uses_its_own_file_or_that_of_the_workspace() {
    let project = Project::new().await;
    project.write("Cargo.toml", "[workspace]\nmembers = [\"*\"]\n");
    project.write("fal.toml", "");
    project.write("schemas/app.json", DOCUMENT);
    project.write("one/Cargo.toml", "");
    project.write("two/Cargo.toml", "");
    project.write("two/fal.toml", "");
    project.write("two/schemas/own.json", DOCUMENT);
    assert_eq!(listed(&project, "one", &[]).await.json()[0]["file"], "../schemas/app.json");
    assert_eq!(listed(&project, "two", &[]).await.json()[0]["file"], "schemas/own.json");
}

#[tokio::test(flavor = "multi_thread")]
async fn project_without_a_file_is_that_of_the_nearest_manifest() {
    let project = Project::new().await;
    project.write("schemas/app.json", DOCUMENT);
    project.write("src/main.rs", "");
    assert_eq!(listed(&project, "src", &[]).await.json()[0]["file"], "../schemas/app.json");
}

#[tokio::test(flavor = "multi_thread")]
async fn option_names_another_file() {
    let project = Project::new().await;
    project.write("fal.toml", "no-setting = 1");
    project.write("ci/other.toml", "schemas = \"documents\"\n");
    project.write("ci/documents/app.json", DOCUMENT);
    assert_eq!(listed(&project, "", &["--settings", "ci/other.toml"]).await.json()[0]["file"], "ci/documents/app.json");
    let error = listed(&project, "", &["--settings", "missing.toml"]).await.failure(2);
    assert!(error.contains("no settings file `missing.toml`"), "{error}");
    listed(&project, "", &["--settings", "ci"]).await.failure(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_file_has_the_defaults() {
    let project = Project::new().await;
    for text in ["", "\n# nothing\n", "\u{feff}"] {
        project.write("fal.toml", text);
        assert_eq!(listed(&project, "", &[]).await.json(), json!([]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_name_the_line_and_the_remedy() {
    let project = Project::new().await;
    for (text, expected) in [
        ("\nshemas = \"a\"\n", &["fal.toml, line 2: unknown setting `shemas`", "did you mean `schemas`?"][..]),
        ("# é\n\nzzz = 1", &["fal.toml, line 3: unknown setting `zzz`", "the settings are schemas, out,"]),
        ("out = 1\n", &["fal.toml, line 1: invalid setting `out`: invalid type: integer `1`"]),
        ("out = \"a\"\nbudget = true\n", &["fal.toml, line 2: invalid setting `budget`", "such as `5`"]),
        ("budget = -1", &["fal.toml, line 1: invalid setting `budget`"]),
        ("\nbudget = \"$5\"\n", &["fal.toml, line 2: invalid setting `budget`"]),
        ("schemas = \"a\"\nschemas = \"b\"\n", &["fal.toml, line 2: duplicate key"]),
        ("schemas = \"a\n", &["fal.toml, line 1: "]),
        ("\"\\u001b[31m\" = 1", &["unknown setting"]),
    ] {
        project.write("fal.toml", text);
        let error = listed(&project, "", &[]).await.failure(2);
        assert!(!error.contains('\u{1b}'), "{error:?}");
        expected.iter().for_each(|part| assert!(error.contains(part), "{text:?}: {error}"));
    }
    project.write("fal.toml", b"out = \"\xff\"");
    let error = listed(&project, "", &[]).await;
    assert!(error.failure(2).contains("`fal.toml` is not UTF-8"));
    project.write("fal.toml", "#".repeat((1 << 20) + 1));
    assert!(listed(&project, "", &[]).await.failure(2).contains("larger than 1 MiB"));
    assert!(listed(&project, "", &["--settings", "/dev/zero"]).await.failure(2).contains("larger than 1 MiB"));
}
