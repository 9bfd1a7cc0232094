use std::fs;

use fal_emulator::{Emulator, Error, Pace};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::fal::{Fal, INPAINTING, document, inpainting, object, send};

#[tokio::test]
async fn shipped_documents_are_served_by_default() {
    let fal = Fal::start(Emulator::builder()).await;
    assert!(fal.endpoints().any(|id| id == INPAINTING));
    let ids: Vec<&str> = fal.endpoints().collect();
    assert!(ids.is_sorted());
    assert_eq!(ids.len(), fal_client::documents().count());
    assert!(fal.base_url().starts_with("http://127.0.0.1:"));
}

#[tokio::test]
async fn schemas_folder_replaces_the_shipped_documents() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("deep/er")).unwrap();
    fs::write(folder.path().join("one.json"), document("me/one", &json!({}), &json!({}), &json!({}))).unwrap();
    fs::write(folder.path().join("deep/er/2.json"), document("me/two/x", &json!({}), &json!({}), &json!({}))).unwrap();
    fs::write(folder.path().join("readme.md"), "not a document").unwrap();
    let fal = Fal::start(Emulator::builder().schemas(folder.path()).pace(Pace::instant())).await;
    assert_eq!(fal.endpoints().collect::<Vec<_>>(), ["me/one", "me/two/x"]);
    assert_eq!(fal.run("me/two/x", &json!({})).await.status, 200);
    assert_eq!(fal.run(INPAINTING, &inpainting()).await.status, 404);
}

#[tokio::test]
async fn all_document_errors_are_reported() {
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
    let Err(Error::Documents(errors)) = start.await else { panic!("these documents are invalid") };
    let seen: Vec<(&str, &str)> =
        errors.iter().map(|error| (error.file().rsplit(['/', '\\']).next().unwrap(), error.reason())).collect();
    for (file, reason) in [
        ("2.json", "at /info/x-fal-metadata/endpointId: duplicate endpoint id `me/one`, also in "),
        ("3.json", "invalid JSON: EOF"),
        ("4.json", "not an OpenAPI document of fal: missing `paths`"),
        ("5.json", "at /info/x-fal-metadata/endpointId: invalid endpoint id `one`: expected "),
        ("6.json", "at /paths: no endpoint found: no path accepts a POST request with JSON"),
        ("7.json", "the text is UTF-16"),
        ("absent", "no such folder"),
        ("document 1", "the array of documents is empty"),
    ] {
        assert!(seen.iter().any(|(name, text)| *name == file && text.starts_with(reason)), "{file} in {seen:?}");
    }
    assert!(seen.iter().any(|(_, reason)| *reason == "this folder contains no documents"));
    assert_eq!(seen.len(), 9);
    let error = Error::Documents(errors).to_string();
    assert!(error.starts_with("invalid documents:\n  "), "{error}");
    assert_eq!(error.lines().count(), 10);
}

#[tokio::test]
async fn occupied_port_is_an_error() {
    let fal = Fal::instant().await;
    let port: u16 = fal.base_url().rsplit(':').next().unwrap().parse().unwrap();
    let error = Emulator::builder().port(port).start().await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot listen on 127.0.0.1:{port}: ")), "{error}");
    assert!(error.to_string().ends_with("; choose another port, or 0 for a free one"), "{error}");
}

#[tokio::test]
async fn shutdown_closes_open_connections() {
    let fal = Fal::manual().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    let stream = fal.request(Method::GET, &job.stream()).send().await.unwrap();
    fal.emulator.shutdown().await;
    // The stream of an unfinished job breaks off.
    assert!(stream.bytes().await.is_err());
}

#[tokio::test]
async fn port_is_free_after_shutdown() {
    // The server of another test may get the port first, but not each time.
    for _ in 0..5 {
        let fal = Fal::instant().await;
        let port: u16 = fal.base_url().rsplit(':').next().unwrap().parse().unwrap();
        fal.emulator.shutdown().await;
        if let Ok(next) = Emulator::builder().port(port).start().await {
            assert_eq!(next.base_url(), format!("http://127.0.0.1:{port}"));
            return;
        }
    }
    panic!("the port is never free");
}

#[tokio::test]
async fn drop_stops_the_emulator() {
    let fal = Fal::manual().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    let stream = fal.request(Method::GET, &job.stream()).send().await.unwrap();
    drop(fal);
    assert!(stream.bytes().await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_emulators_run_in_parallel() {
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
async fn invalid_input_schema_breaks_only_its_endpoint() {
    let broken = document("me/broken", &object(&json!({ "x": { "pattern": "(" } })), &json!({}), &json!({}));
    let fine = document("me/fine", &json!({}), &json!({}), &json!({}));
    let fal = Fal::start(Emulator::builder().document(broken).document(fine).pace(Pace::instant())).await;
    assert_eq!(fal.run("me/fine", &json!({})).await.status, 200);
    let reply = fal.run("me/broken", &json!({})).await;
    assert_eq!((reply.status, reply.header("x-fal-error-type")), (500, Some("internal_error")));
    let detail = reply.body["detail"].as_str().unwrap();
    assert!(detail.starts_with("invalid input schema of `me/broken` at "), "{detail}");
    let job = fal.submit("me/broken", &json!({})).await;
    assert_eq!(fal.get(&job.status()).await.body["error_type"], "internal_error");
    assert_eq!(fal.get(&job.path).await.body, reply.body);
}

#[tokio::test]
async fn oversized_body_is_rejected() {
    let fal = Fal::instant().await;
    let huge = fal.request(Method::POST, &format!("/fal.run/{INPAINTING}")).body(vec![b' '; (64 << 20) + 1]);
    let reply = send(huge).await;
    assert_eq!(reply.status, 413);
    assert_eq!(reply.body, json!({ "detail": "The request body exceeds the emulator's limit of 64 MiB" }));
    assert_eq!(fal.requests()[0].body(), b"");
    assert_eq!(fal.run(INPAINTING, &inpainting()).await.status, 200);
}

#[tokio::test]
async fn errors_of_documents_are_printable() {
    let evil = "a\ncargo::error=x\u{1b}[2J\u{202e}";
    for text in [
        document(evil, &json!({}), &json!({}), &json!({})),
        json!({ "paths": { evil: { "post": {} } } }).to_string(),
        document(&"x".repeat(1_000_000), &json!({}), &json!({}), &json!({})),
    ] {
        let Err(Error::Documents(errors)) = Emulator::builder().document(text).start().await else {
            panic!("these documents are invalid")
        };
        let printed = errors[0].to_string();
        assert!(printed.len() < 10_000 && !printed.contains(['\n', '\u{1b}', '\u{202e}']), "{printed}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn special_files_are_not_read() {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    assert!(std::process::Command::new("mkfifo").arg(at("fifo.json")).status().unwrap().success());
    symlink("/dev/zero", at("device.json")).unwrap();
    symlink(folder.path(), at("folder.json")).unwrap();
    symlink(at("loop.json"), at("loop.json")).unwrap();
    let process = tempfile::tempdir().unwrap();
    symlink("/proc/self/pagemap", process.path().join("process.json")).unwrap();
    drop(UnixListener::bind(at("socket.json")).unwrap());
    fs::File::create(at("sparse.json")).unwrap().set_len(10 << 30).unwrap();
    let start = Emulator::builder().schemas(folder.path()).schemas(process.path()).start();
    let Err(Error::Documents(errors)) = start.await else { panic!("these documents are invalid") };
    let seen: Vec<String> = errors.iter().map(|error| error.to_string()).collect();
    for (name, reason) in [
        ("device", "cannot read the file: it is not a regular file; remove or replace it"),
        ("fifo", "cannot read the file: it is not a regular file"),
        ("folder", "cannot read the file: it is not a regular file"),
        ("loop", "cannot read the file: "),
        ("process", "the file is empty"),
        ("socket", "cannot read the file: it is not a regular file"),
        ("sparse", "cannot read the file: it has more than 64 MiB"),
    ] {
        assert!(seen.iter().any(|line| line.contains(&format!("{name}.json: {reason}"))), "{name}: {seen:?}");
    }
}
