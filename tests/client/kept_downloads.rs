//! Downloads that keep what is there.

use std::path::Path;

use fal_client::{ErrorKind, Image, Media, Saved};
use serde_json::json;

use crate::support::server::{Reply, Server};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Serves each URL as an image with the URL in it. The type in the path is the declared one.
async fn start() -> Server {
    Server::start(|_, seen| Reply::binary(200, "image/png", &[PNG, seen.target.as_bytes()].concat())).await
}

fn image(server: &Server, path: &str, size: Option<i64>) -> Image {
    let mut image = Image::new(format!("{}{path}", server.base()));
    image.file_size = size;
    image
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn kept(saved: &[Saved]) -> Vec<bool> {
    saved.iter().map(|saved| saved.kept).collect()
}

#[tokio::test]
async fn second_run_transfers_nothing_and_makes_no_file() {
    let server = start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let output = json!({ "images": [
        { "url": format!("{}/a/image.png", server.base()) },
        { "url": format!("{}/b/image.png", server.base()), "content_type": "image/png" },
        { "url": format!("{}/c", server.base()), "content_type": "image/png", "file_size": 10 },
        { "url": format!("{}/d", server.base()), "file_name": "fox.png" },
    ], "mask": "data:image/png;base64,iVBORw0KGgo=" });
    let client = server.client();
    let first = client.download_all(output.media(), folder.path()).keep_existing(true).await.expect("saved");
    assert_eq!(kept(&first), [false; 5]);
    assert_eq!(names(folder.path()), ["c.png", "file.png", "fox.png", "image-2.png", "image.png"]);
    assert_eq!(server.seen().len(), 4);
    for parallel in [1, 8] {
        let again = client.download_all(output.media(), folder.path()).keep_existing(true).parallel_files(parallel);
        let again = again.await.expect("kept");
        assert_eq!(kept(&again), [true; 5]);
        assert_eq!(
            again.iter().map(|saved| &saved.path).collect::<Vec<_>>(),
            first.iter().map(|saved| &saved.path).collect::<Vec<_>>()
        );
        assert_eq!(server.seen().len(), 4);
    }
    assert_eq!(names(folder.path()).len(), 5);
}

#[tokio::test]
async fn names_do_not_depend_on_which_file_arrives_first() {
    let server = start().await;
    let images: Vec<Image> = (0..9).map(|number| image(&server, &format!("/{number}/image.webp"), None)).collect();
    for keep in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let saved = server.client().download_all(&images, folder.path()).keep_existing(keep).await.expect("saved");
        for (number, saved) in saved.iter().enumerate() {
            let suffix = if number == 0 { String::new() } else { format!("-{}", number + 1) };
            assert_eq!(saved.path, folder.path().join(format!("image{suffix}.png")));
            assert!(std::fs::read(saved).expect("a file").ends_with(format!("/{number}/image.webp").as_bytes()));
        }
    }
}

#[tokio::test]
async fn name_that_only_the_host_knows_costs_a_request() {
    let server = start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let images =
        [image(&server, "/fox.webp", None), image(&server, "/2/fox.webp", None), image(&server, "/bare", None)];
    for is_kept in [false, true, true] {
        let saved = server.client().download_all(&images, folder.path()).keep_existing(true).await.expect("saved");
        assert_eq!(kept(&saved), [is_kept; 3]);
        assert_eq!(names(folder.path()), ["bare.png", "fox-2.png", "fox.png"]);
    }
}

#[tokio::test]
async fn file_of_another_size_is_downloaded_again() {
    let server = start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let client = server.client();
    let size = (PNG.len() + "/fox.png".len()) as i64;
    let (right, wrong) = (image(&server, "/fox.png", Some(size)), image(&server, "/fox.png", Some(size + 1)));
    let path = folder.path().join("fox.png");

    // In a folder it stays, unless it may be replaced.
    std::fs::write(&path, "another").expect("written");
    for (overwrite, expected, is_kept) in
        [(false, "fox-2.png", false), (false, "fox-2.png", true), (true, "fox.png", false), (true, "fox.png", true)]
    {
        let call = client.download_all([&right], folder.path()).keep_existing(true).overwrite(overwrite);
        let saved = call.await.expect("saved");
        assert_eq!((&saved[0].path, saved[0].kept), (&folder.path().join(expected), is_kept));
    }

    // A wrong size in the output costs a request, but no transfer and no file.
    let saved = client.download_all([&wrong], folder.path()).keep_existing(true).await.expect("kept");
    assert_eq!((&saved[0].path, saved[0].kept), (&path, true));
    assert!(client.download(&wrong, &path).keep_existing(true).await.expect("kept").kept);

    // A path that the caller names is that of the file.
    for content in ["", "another"] {
        std::fs::write(&path, content).expect("written");
        let saved = client.download(&right, &path).keep_existing(true).await.expect("saved");
        assert!(!saved.kept);
        assert_eq!(std::fs::read(&path).expect("a file").len() as i64, size);
    }
    let before = server.seen().len();
    assert!(client.download(&right, &path).keep_existing(true).await.expect("kept").kept);
    assert_eq!(server.seen().len(), before);
    assert_eq!(names(folder.path()), ["fox-2.png", "fox.png"]);
}

#[tokio::test]
async fn existing_files_are_not_kept_by_default() {
    let server = start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let images = [image(&server, "/fox.png", None)];
    for name in ["fox.png", "fox-2.png"] {
        let saved = server.client().download_all(&images, folder.path()).await.expect("saved");
        assert_eq!((&saved[0].path, saved[0].kept), (&folder.path().join(name), false));
    }
    let error = server.client().download(&images[0], folder.path().join("fox.png")).await.expect_err("it exists");
    assert_eq!(error.kind(), ErrorKind::File);
}

#[tokio::test]
async fn data_uris_are_kept_only_if_their_bytes_are_the_same() {
    let server = start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let client = server.client();
    for (uri, name, is_kept) in [
        ("data:text/plain,fox", "file.txt", false),
        ("data:text/plain,fox", "file.txt", true),
        ("data:text/plain,cat", "file-2.txt", false),
        ("data:text/plain,cat", "file-2.txt", true),
    ] {
        let saved = client.download_all([uri], folder.path()).keep_existing(true).await.expect("saved");
        assert_eq!((&saved[0].path, saved[0].kept), (&folder.path().join(name), is_kept), "{uri}");
    }
    let path = folder.path().join("file.txt");
    for (uri, is_kept) in [("data:,fox", true), ("data:,cat", false), ("data:,cat", true)] {
        assert_eq!(client.download(uri, &path).keep_existing(true).await.expect("saved").kept, is_kept, "{uri}");
    }
}

#[tokio::test]
async fn concurrent_runs_make_each_file_once() {
    let server = start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let images: Vec<Image> = (0..6).map(|number| image(&server, &format!("/{number}/image.png"), None)).collect();
    let client = server.client();
    let runs = (0..4).map(|_| client.download_all(&images, folder.path()).keep_existing(true).send());
    let path = folder.path().join("single.png");
    let singles = (0..4).map(|_| client.download(&images[0], &path).keep_existing(true).send());
    let (runs, singles) = tokio::join!(futures_util::future::join_all(runs), futures_util::future::join_all(singles));
    for run in runs {
        for (number, saved) in run.expect("saved").iter().enumerate() {
            assert!(std::fs::read(saved).expect("a file").ends_with(format!("/{number}/image.png").as_bytes()));
        }
    }
    assert_eq!(singles.into_iter().filter(|single| single.as_ref().is_ok_and(|saved| !saved.kept)).count(), 1);
    assert_eq!(names(folder.path()).len(), 7);
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_that_leads_nowhere_takes_its_name() {
    let server = start().await;
    let images = [image(&server, "/fox.png", None)];
    for (keep, overwrite, name) in
        [(false, false, "fox-2.png"), (true, false, "fox-2.png"), (true, true, "fox.png"), (false, true, "fox.png")]
    {
        let folder = tempfile::tempdir().expect("a folder");
        for (link, target) in [("fox.png", "nowhere"), ("fox-2.jpg", "fox-2.jpg")] {
            std::os::unix::fs::symlink(target, folder.path().join(link)).expect("a link");
        }
        let call = server.client().download_all(&images, folder.path()).keep_existing(keep).overwrite(overwrite);
        let saved = call.await.expect("saved");
        assert_eq!((&saved[0].path, saved[0].kept), (&folder.path().join(name), false));
        assert!(std::fs::read(&saved[0]).expect("a file").starts_with(PNG));
        assert!(!folder.path().join("nowhere").exists());
    }
}
