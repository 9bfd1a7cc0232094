//! Names of downloaded files, which come from outputs and URLs: no name hides, misleads or replaces another file.

use std::collections::HashSet;
use std::path::Path;

use fal_client::{Image, MediaUrl};
use icu_normalizer::DecomposingNormalizerBorrowed;

use crate::support::server::{Reply, Server};

/// A server whose files contain their own paths.
async fn start() -> Server {
    Server::start(|_, seen| Reply::text(200, "application/octet-stream", &seen.target)).await
}

/// Creates images with these names, at numbered URLs.
fn named(server: &Server, names: &[&str]) -> Vec<MediaUrl> {
    let image = |(number, name): (usize, &&str)| {
        let mut image = Image::new(format!("{}/{number}", server.base()));
        image.file_name = Some((*name).to_owned());
        MediaUrl::from(&image)
    };
    names.iter().enumerate().map(image).collect()
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    entries.map(|name| name.into_string().expect("UTF-8")).collect()
}

#[tokio::test]
async fn names_are_cleaned() {
    let server = start().await;
    for (declared, saved) in [
        ("-rf.png", "_-rf.png"),
        ("--exec=x.png", "_--exec=x.png"),
        ("~root.png", "_~root.png"),
        (". -x.png", "_-x.png"),
        ("..png", "png"),
        ("fox\u{e0066}\u{e006f}\u{e007f}.png", "fox.png"),
        ("\u{202e}gnp.exe", "gnp.exe"),
        ("fo\u{ad}x\u{200d}\u{2066}\u{fe0f}.png", "fox.png"),
        ("fox.png\u{3164}", "fox.png"),
        ("a\u{1b}[31m\r\nb.png", "a[31mb.png"),
        ("a\u{2028}b\u{85}.png", "ab.png"),
        ("CON", "_CON"),
        ("com1.png", "_com1.png"),
        ("Lpt9.tar.png", "_Lpt9.tar.png"),
        ("aux .png", "_aux .png"),
        ("fox.png. . ", "fox.png"),
        ("C:\\Windows\\fox.png", "fox.png"),
        ("../../.ssh/id", "id"),
        ("\u{200b}\u{200b}", "0"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let paths = server.client().download_all(named(&server, &[declared]), folder.path()).await.expect(declared);
        assert_eq!(paths, [folder.path().join(saved)], "{declared:?}");
        assert_eq!(names_in(folder.path()), [saved]);
    }
}

#[tokio::test]
async fn names_in_urls_are_cleaned() {
    let server = start().await;
    for (segment, saved) in [
        ("%2Drf.png", "_-rf.png"),
        ("%7Eroot.png", "_~root.png"),
        ("%F3%A0%81%A1fox.png", "fox.png"),
        ("%2E%2E%2Ffox.png", "fox.png"),
        ("NUL.png", "_NUL.png"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("{}/{segment}", server.base());
        let paths = server.client().download_all([url], folder.path()).await.expect(segment);
        assert_eq!(paths, [folder.path().join(saved)], "{segment:?}");
    }
}

#[tokio::test]
async fn long_names_fit_with_their_numbers() {
    let server = start().await;
    let (long, wide) = (format!("{}.png", "x".repeat(400)), format!("{}.png", "狐".repeat(200)));
    let extension = format!("fox.{}", "y".repeat(400));
    let names = [&*long, &*long, &*wide, &*wide, &*extension, &*extension];
    let folder = tempfile::tempdir().expect("a folder");
    server.client().download_all(named(&server, &names), folder.path()).await.expect("saved");
    let saved = names_in(folder.path());
    assert_eq!(saved.len(), names.len(), "{saved:?}");
    assert!(saved.iter().all(|name| name.len() <= 255), "{saved:?}");
}

/// Fourteen names, of which some file systems take several for one.
#[tokio::test]
async fn as_many_files_are_kept_as_were_downloaded() {
    let names = [
        "fox.png",
        "FOX.png",
        "Fox.PNG",
        "zoë.png",
        "zoe\u{308}.png",
        "ZOË.png",
        "straße.png",
        "STRASSE.png",
        "ﬁr.png",
        "fir.png",
        "fo\u{200b}x.png",
        "각.png",
        "\u{1100}\u{1161}\u{11a8}.png",
        "fox-2.png",
    ];
    let server = start().await;
    let normalizer = DecomposingNormalizerBorrowed::new_nfkd();
    for overwrite in [false, true] {
        for parallel in [1, 14] {
            let folder = tempfile::tempdir().expect("a folder");
            let download = server.client().download_all(named(&server, &names), folder.path());
            let paths = download.overwrite(overwrite).parallel_files(parallel).await.expect("saved");
            let distinct: HashSet<String> = paths
                .iter()
                .map(|path| path.file_name().and_then(|name| name.to_str()).expect("a name"))
                .map(|name| normalizer.normalize(name).to_uppercase().to_lowercase())
                .collect();
            assert_eq!(distinct.len(), names.len(), "{paths:?}");
            for (number, path) in paths.iter().enumerate() {
                assert_eq!(std::fs::read_to_string(path).expect("a file"), format!("/{number}"), "{path:?}");
            }
        }
    }
}
