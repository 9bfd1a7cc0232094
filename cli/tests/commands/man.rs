use std::fs;

use crate::support::Project;

#[tokio::test]
async fn each_command_has_a_page() {
    let project = Project::new().await;
    let text = project.run(&["man", "--out", "man/man1"]).await.success();
    assert!(text.starts_with("man/man1: "), "{text}");
    for name in ["cargo-fal", "cargo-fal-run", "cargo-fal-man"] {
        let page = fs::read_to_string(project.path(format!("man/man1/{name}.1"))).unwrap();
        assert!(page.is_ascii() && page.contains(".SH NAME"), "{page}");
    }
    let page = project.run(&["man"]).await.success();
    assert!(page.contains("cargo\\-fal \\- "), "{page}");
    project.write("file", "");
    let stderr = project.run(&["man", "--out", "file/man"]).await.failure(1);
    assert!(stderr.contains("cannot create the folder"), "{stderr}");
}
