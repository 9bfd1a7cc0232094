//! The deletion of payloads.

use crate::server::{Reply, Server};
use crate::support::{error, platform, start_with};

#[tokio::test]
async fn files_are_reported() {
    let server = start_with(&[r#"{ "cdn_delete_results": [
        { "link": "https://v3.fal.media/files/a.png", "exception": null },
        { "link": "https://v3.fal.media/files/b.png", "exception": "gone" }, 7, {}] }"#])
    .await;
    let deleted = platform(&server).delete_payloads("r-1").await.expect("deleted");
    assert_eq!(server.lines(), ["DELETE /api/v1/models/requests/r-1/payloads"]);
    let files: Vec<_> = deleted.files.iter().map(|file| (&*file.url, file.error.as_deref())).collect();
    let expected = [("https://v3.fal.media/files/a.png", None), ("https://v3.fal.media/files/b.png", Some("gone"))];
    assert_eq!(files, expected);
    for body in ["", "{}", r#"{ "cdn_delete_results": null }"#] {
        assert_eq!(platform(&start_with(&[body]).await).delete_payloads("r-1").await.expect(body).files, []);
    }
}

#[tokio::test]
async fn retries_have_the_same_idempotency_key() {
    let server = Server::start(|index, _| match index {
        0 => Reply::dropped(),
        1 => Reply::json(503, &error("server_error", "later")),
        _ => Reply::json(200, "{}"),
    })
    .await;
    let platform = platform(&server);
    platform.delete_payloads("r-1").await.expect("deleted");
    platform.delete_payloads("r-1").await.expect("deleted");
    let keys: Vec<String> =
        server.seen().iter().map(|seen| seen.header("idempotency-key").expect("a key").to_owned()).collect();
    let [first, second, third, other] = &keys[..] else { panic!("{keys:?}") };
    assert!(first == second && second == third && third != other && first.len() == 32, "{keys:?}");
}

#[tokio::test]
async fn invalid_ids_are_refused_and_unknown_ids_are_not_found() {
    let server = Server::start(|_, _| Reply::json(404, &error("not_found", "no such request"))).await;
    let platform = platform(&server);
    assert!(platform.delete_payloads("../x").await.is_err_and(|error| error.is_invalid_input()));
    assert_eq!(server.opened(), 0);
    let error = platform.delete_payloads("r-1").await.expect_err("unknown");
    assert!(error.is_not_found() && error.request_id() == Some("r-1"), "{error:?}");
}
