use std::fs;

use fal_emulator::{Decimal, Emulator, Pace, Price};
use serde_json::json;

use crate::support::Project;

const LCM: &str = "fal-ai/fast-lcm-diffusion";
const OUT: &str = "fal-output/cards-fal-ai-fast-lcm-diffusion";

/// Runs a batch of prompts, with its results in [`OUT`].
async fn batch(prompts: &[&str]) -> Project {
    let price = Price::usd(Decimal::new(25, 3), "images").per_call(Decimal::new(25, 3));
    let builder = Emulator::builder().pace(Pace::instant()).price(LCM, price).billable_units(LCM, Decimal::ONE);
    let project = Project::with(builder).await;
    let row = |prompt: &&str| format!("{}\n", json!({ "prompt": prompt, "seed": 7, "sync_mode": false }));
    project.write("cards.jsonl", prompts.iter().map(row).collect::<String>());
    project.run(&["batch", LCM, "cards.jsonl"]).await.success();
    project
}

fn page(project: &Project, path: &str) -> String {
    fs::read_to_string(project.path(path)).unwrap()
}

#[tokio::test]
async fn page_has_the_results_and_their_parameters() {
    let project = batch(&["a red fox", "an owl at night"]).await;
    let text = project.run(&["gallery", OUT, "--title", "Cards"]).await.success();
    assert_eq!(text, format!("{OUT}/gallery.html: 2 results, 2 files\n"));
    let page = page(&project, &format!("{OUT}/gallery.html"));
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
    assert_eq!(page.matches("<article").count(), 2);
    assert_eq!(page.matches("src=\"data:image/jpeg;base64,").count(), 2);
    for text in
        ["<title>Cards</title>", "alt=\"a red fox\"", "<h2 dir=\"auto\">an owl at night</h2>", "$0.025", LCM, "seed "]
    {
        assert!(page.contains(text), "{text}");
    }
    // Rows are in their order, whichever has finished first.
    assert!(page.find("a red fox") < page.find("an owl"));
    assert!(!page.contains("<script"));
    // Another run replaces the page, and does not show it.
    let report = project.run(&["gallery", OUT, "--json"]).await.json();
    assert_eq!((&report["results"], &report["files"], &report["linked"]), (&json!(2), &json!(2), &json!(0)));
}

#[tokio::test]
async fn parameters_come_from_the_journal_without_results() {
    let project = batch(&["a red fox"]).await;
    fs::remove_file(project.path(OUT).join("results.jsonl")).unwrap();
    // The file may have moved to another folder.
    fs::rename(project.path(OUT), project.path("moved")).unwrap();
    project.run(&["gallery", "moved", "--out", "page.html"]).await.success();
    let page = page(&project, "page.html");
    for text in ["alt=\"a red fox\"", "$0.025", LCM, "<dt>seed</dt>"] {
        assert!(page.contains(text), "{text}");
    }
}

#[tokio::test]
async fn folder_without_parameters_shows_its_media() {
    let project = Project::new().await;
    project.write("media/fox & owl.png", b"png");
    project.write("media/deep/song.mp3", b"mp3");
    project.write("media/clip.mp4", b"mp4");
    project.write("media/notes.txt", b"text");
    let text = project.run(&["gallery", "media", "--link", "--out", "site/index.html"]).await.success();
    assert_eq!(text, "site/index.html: 3 results, 3 files\n");
    let page = page(&project, "site/index.html");
    assert!(page.contains("<img src=\"./../media/fox%20%26%20owl.png\" alt=\"fox &amp; owl.png\""), "{page}");
    assert!(
        page.contains("<audio src=\"./../media/deep/song.mp3\"") && page.contains("<video src=\"./../media/clip.mp4\"")
    );
    assert!(!project.path(".fal/journal.db").exists());
}

#[tokio::test]
async fn files_beyond_the_limit_are_linked() {
    let project = Project::new().await;
    project.write("media/a.png", vec![0; 700 << 10]);
    project.write("media/b.png", vec![0; 700 << 10]);
    let run = project.run(&["gallery", "media", "--embed-limit", "1"]).await;
    assert!(run.stderr.contains("1 file beyond the limit of 1 MiB"), "{}", run.stderr);
    run.success();
    let page = page(&project, "media/gallery.html");
    assert_eq!((page.matches("src=\"data:").count(), page.matches("src=\"./b.png\"").count()), (1, 1));
}

#[tokio::test]
async fn hostile_texts_are_escaped() {
    let evil = "</style></title><script>alert(1)</script>\"><img src=x onerror=alert(2)>\u{1b}[31m";
    let project = batch(&[evil]).await;
    let lines = project.path(OUT).join("results.jsonl");
    let file = json!({ "file": "../../cards.jsonl" });
    let line =
        json!({ "row": 2, "endpoint": evil, "key": evil, "error": evil, "files": [file], "input": { evil: evil } });
    fs::write(&lines, fs::read_to_string(&lines).unwrap() + &line.to_string() + "\n{\"row\":3,").unwrap();
    let run = project.run(&["gallery", OUT, "--title", evil]).await;
    assert!(!run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'));
    run.success();
    let page = page(&project, &format!("{OUT}/gallery.html"));
    assert!(!page.contains("<script") && !page.contains("<img src=x") && !page.contains("cards.jsonl\""), "{page}");
    assert_eq!(page.matches("<article").count(), 2);
}

#[tokio::test]
async fn missing_and_empty_folders_are_errors() {
    let project = Project::new().await;
    assert!(project.run(&["gallery", "missing"]).await.failure(7).contains("no folder `missing`"));
    project.write("empty/readme.txt", "text");
    assert!(project.run(&["gallery", "empty"]).await.failure(7).contains("no results in the folder `empty`"));
    project.write("media/a.png", b"png");
    fs::create_dir(project.path("taken.html")).unwrap();
    assert!(project.run(&["gallery", "media", "--out", "taken.html"]).await.failure(1).contains("taken.html"));
}
