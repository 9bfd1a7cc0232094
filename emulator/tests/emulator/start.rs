use std::fs;

use fal_emulator::{Emulator, Error, Pace};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::fal::{Fal, INPAINTING, answer, document, inpainting, object};

#[tokio::test]
async fn the_shipped_documents_are_served() {
    let fal = Fal::of(Emulator::builder()).await;
    assert!(fal.endpoints().any(|id| id == INPAINTING));
    let ids: Vec<&str> = fal.endpoints().collect();
    assert!(ids.is_sorted());
    assert_eq!(ids.len(), fal_client::documents().count());
    assert!(fal.base_url().starts_with("http://127.0.0.1:"));
}

#[tokio::test]
async fn a_folder_is_served_instead() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("deep/er")).unwrap();
    fs::write(folder.path().join("one.json"), document("me/one", &json!({}), &json!({}), &json!({}))).unwrap();
    fs::write(folder.path().join("deep/er/2.json"), document("me/two/x", &json!({}), &json!({}), &json!({}))).unwrap();
    fs::write(folder.path().join("one.patch.json"), "[]").unwrap();
    fs::write(folder.path().join("readme.md"), "not a document").unwrap();
    let fal = Fal::of(Emulator::builder().schemas(folder.path()).pace(Pace::instant())).await;
    assert_eq!(fal.endpoints().collect::<Vec<_>>(), ["me/one", "me/two/x"]);
    assert_eq!(fal.run("me/two/x", &json!({})).await.status, 200);
    assert_eq!(fal.run(INPAINTING, &inpainting()).await.status, 404);
}

#[tokio::test]
async fn everything_wrong_with_the_documents_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("1.json", &document("me/one", &json!({}), &json!({}), &json!({})));
    write("2.json", &document("me/one", &json!({}), &json!({}), &json!({})));
    write("3.json", "{");
    write("4.json", "{}");
    write("5.json", &document("one", &json!({}), &json!({}), &json!({})));
    write("6.json", r#"{"paths": {"/a/b": {"post": {}}}}"#);
    fs::write(folder.path().join("7.json"), b"\xff\xfe").unwrap();
    let empty = tempfile::tempdir().unwrap();
    let absent = empty.path().join("absent");
    let start =
        Emulator::builder().schemas(folder.path()).schemas(empty.path()).schemas(&absent).document("[]").start();
    let Err(Error::Documents(problems)) = start.await else { panic!("these documents cannot be served") };
    let seen: Vec<(&str, &str)> =
        problems.iter().map(|problem| (problem.file().rsplit(['/', '\\']).next().unwrap(), problem.reason())).collect();
    for (file, reason) in [
        ("2.json", "the endpoint `me/one` is in "),
        ("3.json", "not JSON: EOF"),
        ("4.json", "not an OpenAPI document: no `paths`"),
        ("5.json", "`one` is not an endpoint id"),
        ("6.json", "no POST operation with a request body"),
        ("7.json", "stream did not contain valid UTF-8"),
        ("absent", ""),
        ("document 1", "not an OpenAPI document: no `paths`"),
    ] {
        assert!(seen.iter().any(|(name, text)| *name == file && text.starts_with(reason)), "{file} in {seen:?}");
    }
    assert!(seen.iter().any(|(_, reason)| *reason == "no document in this folder"));
    assert_eq!(seen.len(), 9);
    let error = Error::Documents(problems).to_string();
    assert!(error.starts_with("the emulator cannot serve these documents:\n  "), "{error}");
    assert_eq!(error.lines().count(), 10);
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error() {
    let fal = Fal::instant().await;
    let port: u16 = fal.base_url().rsplit(':').next().unwrap().parse().unwrap();
    let error = Emulator::builder().port(port).start().await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("the emulator cannot listen on 127.0.0.1:{port}: ")), "{error}");
}

#[tokio::test]
async fn it_ends_with_everything_that_is_open() {
    let fal = Fal::manual().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    let stream = fal.request(Method::GET, &job.stream()).send().await.unwrap();
    let again = fal.request(Method::GET, &job.status());
    fal.emulator.shutdown().await;
    // The stream of an unfinished job breaks off, and nobody listens any more.
    assert!(stream.bytes().await.is_err());
    assert!(again.send().await.unwrap_err().is_connect());
}

#[tokio::test]
async fn a_port_is_free_after_the_end() {
    let fal = Fal::instant().await;
    let port: u16 = fal.base_url().rsplit(':').next().unwrap().parse().unwrap();
    fal.emulator.shutdown().await;
    let next = Emulator::builder().port(port).start().await.unwrap();
    assert_eq!(next.base_url(), format!("http://127.0.0.1:{port}"));
}

#[tokio::test]
async fn dropped_it_ends_too() {
    let fal = Fal::manual().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    let stream = fal.request(Method::GET, &job.stream()).send().await.unwrap();
    drop(fal);
    assert!(stream.bytes().await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_live_side_by_side() {
    let emulators = join_all((0..20).map(|_| Fal::instant())).await;
    let outputs = join_all(emulators.iter().map(async |fal| {
        let jobs = join_all((0..5).map(async |_| fal.submit(INPAINTING, &inpainting()).await)).await;
        let outputs = join_all(jobs.iter().map(|job| fal.get(&job.path))).await;
        outputs.into_iter().filter(|output| output.status == 200).count()
    }))
    .await;
    assert_eq!(outputs, [5; 20]);
    assert!(emulators.iter().all(|fal| fal.requests().len() == 10));
}

#[tokio::test]
async fn a_document_that_breaks_the_validator_breaks_its_endpoint_only() {
    let broken = document("me/broken", &object(&json!({ "x": { "pattern": "(" } })), &json!({}), &json!({}));
    let fine = document("me/fine", &json!({}), &json!({}), &json!({}));
    let fal = Fal::of(Emulator::builder().document(broken).document(fine).pace(Pace::instant())).await;
    assert_eq!(fal.run("me/fine", &json!({})).await.status, 200);
    let answer = fal.run("me/broken", &json!({})).await;
    assert_eq!((answer.status, answer.header("x-fal-error-type")), (500, Some("internal_error")));
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(detail.starts_with("the input schema of me/broken cannot be used: "), "{detail}");
    let job = fal.submit("me/broken", &json!({})).await;
    assert_eq!(fal.get(&job.status()).await.body["error_type"], "internal_error");
    assert_eq!(fal.get(&job.path).await.body, answer.body);
}

#[tokio::test]
async fn bodies_beyond_all_bounds_are_refused() {
    let fal = Fal::instant().await;
    let huge = fal.request(Method::POST, &format!("/fal.run/{INPAINTING}")).body(vec![b' '; (64 << 20) + 1]);
    let answer = answer(huge).await;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.body, json!({ "detail": "The emulator takes bodies of at most 64 MiB" }));
    assert_eq!(fal.requests()[0].body(), b"");
    assert_eq!(fal.run(INPAINTING, &inpainting()).await.status, 200);
}
