//! Downloads: whole or not at all, and without the key.

use fal_client::{ErrorKind, Image};

mod support;

use support::{Reply, Server};

#[tokio::test]
async fn a_file_is_saved_under_its_name_when_all_of_it_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.png");
    let server = Server::start(|number, _| match number {
        0 => Reply::text(200, "image/png", "half of").torn(),
        1 => Reply::text(200, "image/png", "the picture"),
        _ => Reply::text(302, "text/plain", "").header("location", "/elsewhere/../3"),
    })
    .await;
    let (client, image) = (server.client(), Image::new(format!("{}/files/a.png", server.base())));
    let error = client.download(&image, &path).await.expect_err("torn");
    assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);

    assert_eq!(client.download(&image, &path).await.expect("saved"), path);
    assert_eq!(std::fs::read(&path).expect("a file"), b"the picture");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
    assert!(server.seen().iter().all(|seen| seen.header("authorization").is_none()));
}

#[tokio::test]
async fn a_file_that_is_there_is_kept_unless_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.png");
    std::fs::write(&path, b"mine").expect("a file");
    let server = Server::start(|_, _| Reply::text(200, "image/png", "new")).await;
    let url = format!("{}/a.png", server.base());
    let error = server.client().download(&url, &path).await.expect_err("kept");
    assert!(error.to_string().contains("a.png exists already"), "{error}");
    assert_eq!((std::fs::read(&path).expect("a file"), server.seen().len()), (b"mine".to_vec(), 0));
    server.client().download(&url, &path).overwrite(true).await.expect("saved");
    assert_eq!(std::fs::read(&path).expect("a file"), b"new");
}

#[tokio::test]
async fn redirects_of_a_media_host_are_followed_and_not_for_ever() {
    let server = Server::start(|_, seen| match seen.target.as_str() {
        "/a" => Reply::text(302, "text/plain", "").header("location", "/b"),
        "/b" => Reply::text(200, "text/plain", "here"),
        _ => Reply::text(302, "text/plain", "").header("location", "/round"),
    })
    .await;
    let bytes = server.client().download_bytes(format!("{}/a", server.base())).await.expect("bytes");
    assert_eq!(&bytes[..], b"here");
    let error = server.client().download_bytes(format!("{}/round", server.base())).await.expect_err("round and round");
    assert!(error.to_string().contains("redirect to /round"), "{error}");
}

#[tokio::test]
async fn data_uris_are_decoded_and_nonsense_is_refused() {
    let client = fal_client::Client::builder().anonymous().build().expect("a client");
    let bytes = client.download_bytes("data:image/png;base64,YWJj").await.expect("bytes");
    assert_eq!(&bytes[..], b"abc");
    for url in ["", "a.png", "file:///etc/passwd", "ftp://a.b/c", "data:image/png"] {
        let error = client.download_bytes(url).await.expect_err(url);
        assert_eq!(error.kind(), ErrorKind::UnexpectedResponse, "{url}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    for path in [folder.path().join("no/such/folder/a.png"), folder.path().join("..")] {
        let error = client.download("data:,x", &path).overwrite(true).await.expect_err("no place for a file");
        assert_eq!(error.kind(), ErrorKind::File, "{error}");
    }
}
