//! A service that repeats secrets, attacks terminals and never ends its texts. Whatever a caller prints of a call has
//! neither secrets nor control characters, and is short.

use std::error::Error as _;
use std::fmt::Debug;
use std::time::Duration;

use fal_client::{Client, Error, FileInput, Job, Repository, RetryPolicy};
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::support::recorder::Recorder;
use crate::support::server::{KEY, Reply, Seen, Server};

/// Secrets that the service knows: the key and its parts, an upload token, and parts of signed URLs.
const SECRETS: &[&str] = &[KEY, "id-of-key", "secret-of-key", "tok-en-1", "s1gnature-1", "pa55word-1"];

/// All secrets in the forms in which a service may quote them.
const ECHO: &str = "Authorization: Key id-of-key:secret-of-key, id-of-key, SECRET-OF-KEY, id%2Dof%2Dkey%3Asecret%2Dof%2Dkey, \
    aWQtb2Yta2V5OnNlY3JldC1vZi1rZXk, Bearer tok-en-1, https://joe:pa55word-1@h.x/?X-Amz-Signature=s1gnature-1&sig=s1gnature-1";

/// Characters that a terminal or a reader of logs must not get.
const ATTACK: &str = "\u{1b}[2J\u{9b}31m\u{202e}\u{200b}\u{7}\u{e0041}\u{2028}\r\nERROR forged line\u{0}";

fn poison() -> String {
    format!("{ECHO}{ATTACK}{ECHO}")
}

/// Responses that repeat the poison in every place where a text can be.
fn replies() -> Vec<(&'static str, Reply)> {
    let poison = poison();
    let field =
        json!({ "loc": ["body", poison], "msg": poison, "type": poison, "ctx": { "a": poison }, "input": poison });
    let status = |status: u16, body: Value| Reply::json(status, &body.to_string());
    let failed =
        json!({ "status": "COMPLETED", "error": poison, "error_type": poison, "logs": [], "metrics": { "a": poison } });
    vec![
        ("detail", status(400, json!({ "detail": poison }))),
        ("nested", status(403, json!({ "error": { "error": { "message": poison, "type": poison } } }))),
        ("fields", status(422, json!({ "detail": [field, field] }))),
        ("type", status(500, json!({ "detail": "x", "error_type": poison }))),
        ("text", Reply::text(502, "text/plain", &poison)),
        ("page", Reply::text(503, "text/html", &format!("<html><title>{poison}</title><p>{poison}</p></html>"))),
        ("XML", Reply::text(403, "application/xml", &format!("<Error><Message>{poison}</Message></Error>"))),
        ("broken JSON", Reply::json(400, &format!("{{\"detail\":\"{poison}"))),
        ("a string", status(401, json!(poison))),
        ("long", status(500, json!({ "detail": poison.repeat(2_000) }))),
        (
            "headers",
            status(500, json!({ "detail": "x" })).header("x-fal-request-id", ECHO).header("x-fal-error-type", ECHO),
        ),
        ("media type", Reply::text(500, ECHO, "x").header("content-encoding", ECHO)),
        ("long id", status(500, json!({})).header("x-fal-request-id", &"r".repeat(60_000))),
        (
            "redirect",
            Reply::text(302, "text/plain", "").header("location", &format!("https://h.x/{}", ECHO.replace(' ', "_"))),
        ),
        ("an output of another type", status(200, json!(poison))),
        (
            "an odd output",
            status(200, json!({ "request_id": 7, "token": poison, "token_type": 7, poison.as_str(): poison })),
        ),
        ("an odd id", status(200, json!({ "request_id": poison, "status": poison, "url": poison }))),
        ("an output page", Reply::text(200, "text/html", &format!("<title>{poison}</title>"))),
        ("a failed request", status(200, failed)),
        ("echoed headers", status(200, json!({ "status": "OK" })).header("x-echo", ECHO)),
        (
            "URLs",
            status(
                200,
                json!({
                    "token": "tok-en-1", "token_type": "Bearer", "base_url": poison, "request_id": "R1",
                    "upload_url": format!("http://{poison}/"), "file_url": poison, "access_url": poison, "uploadId": poison,
                    "status_url": format!("https://evil.example/{poison}"), "response_url": poison, "cancel_url": poison,
                }),
            ),
        ),
    ]
}

/// Prints an error in every way.
fn print(printed: &mut Vec<String>, error: &Error) {
    printed.extend([error.to_string(), format!("{error:?}"), format!("{error:#?}"), format!("{:?}", error.attempts())]);
    printed.extend(error.attempts().iter().map(ToString::to_string));
    printed.extend(error.field_errors().iter().flat_map(|field| [field.to_string(), format!("{field:?}")]));
    printed.extend(error.error_type().iter().flat_map(|kind| [kind.to_string(), format!("{kind:?}")]));
    let mut source = error.source();
    while let Some(error) = source {
        printed.extend([error.to_string(), format!("{error:?}"), format!("{error:#?}")]);
        source = error.source();
    }
}

fn keep<T: Debug>(printed: &mut Vec<String>, outcome: Result<T, Error>) {
    match outcome {
        Ok(value) => printed.extend([format!("{value:?}"), format!("{value:#?}")]),
        Err(error) => print(printed, &error),
    }
}

/// Makes every call of the client, and returns everything that can be printed of it.
async fn printed_of_every_call(client: &Client) -> Vec<String> {
    let mut printed = Vec::new();
    let endpoint = client.endpoint("a/b");
    let typed: Job<Vec<u8>> = Job::new("a/b", "R1");
    keep(&mut printed, endpoint.run(json!({})).await);
    keep(&mut printed, endpoint.submit(json!({})).await);
    keep(&mut printed, endpoint.subscribe(json!({})).timeout(Duration::from_millis(200)).await);
    keep(&mut printed, endpoint.wait("R1").timeout(Duration::from_millis(200)).await);
    keep(&mut printed, endpoint.status("R1").logs(true).await);
    keep(&mut printed, endpoint.result("R1").await);
    keep(&mut printed, endpoint.cancel("R1").await);
    let mut updates = endpoint.status_stream("R1");
    for _ in 0..2 {
        if let Ok(Some(update)) = tokio::time::timeout(Duration::from_millis(200), updates.next()).await {
            keep(&mut printed, update);
        }
    }
    keep(&mut printed, client.resume(typed).result().await);
    for repository in [Repository::Cdn, Repository::Signed, Repository::Gcs] {
        let file = FileInput::bytes("bytes", "text/plain");
        keep(&mut printed, client.storage().upload(file).repository(repository).await.map(|file| file.content_type));
    }
    printed
}

fn check(what: &str, text: &str) {
    let lower = text.to_ascii_lowercase();
    for secret in SECRETS.iter().chain(&["aWQtb2Yta2V5OnNlY3JldC1vZi1rZXk", "secret%2Dof%2Dkey"]) {
        assert!(!lower.contains(&secret.to_ascii_lowercase()), "{what}: leaked {secret} in:\n{text}");
    }
    let hidden = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{200b}\u{2028}\u{e0041}".contains(c);
    assert!(!text.contains(hidden), "{what}: unescaped characters in:\n{text:?}");
    assert!(!text.lines().any(|line| line.starts_with("ERROR")), "{what}: a forged line in:\n{text}");
}

/// Runs on one thread, because the recorder records only its own.
#[tokio::test(flavor = "current_thread")]
async fn what_a_service_repeats_is_printed_without_secrets_and_escaped() {
    for (what, reply) in replies() {
        let recorder = Recorder::start();
        let server = Server::start(move |_, _: &Seen| reply.clone()).await;
        let client = server.builder().retry(RetryPolicy::none()).header("x-api-key", "pa55word-1").build();
        let client = client.expect("a client");
        // The service learns these from the client, as from a signed URL.
        let media = format!("{}/x?X-Amz-Signature=s1gnature-1", server.base());
        let mut printed = Vec::new();
        keep(&mut printed, client.download_bytes(media.as_str()).await.map(|bytes| bytes.len()));
        printed.extend(printed_of_every_call(&client).await);
        for text in &printed {
            check(what, text);
            assert!(text.len() < 20_000, "{what}: {} bytes: {}", text.len(), &text[..500]);
        }
        let emitted = recorder.stop();
        assert!(emitted.contains("fal.run") && emitted.contains("fal.upload"), "{what}: {emitted}");
        check(what, &emitted);
    }
}

/// Runs on one thread, because the recorder records only its own.
#[tokio::test(flavor = "current_thread")]
async fn what_a_saved_job_contains_is_printed_without_secrets_and_escaped() {
    let server = Server::start(|_, _| Reply::json(404, "{}")).await;
    let client = server.builder().retry(RetryPolicy::none()).build().expect("a client");
    for (endpoint, request_id) in [
        ("a/b".to_owned(), poison()),
        (poison(), "R1".to_owned()),
        ("a/b".to_owned(), "r".repeat(5 << 20)),
        ("a/b".repeat(1 << 20), "R1".to_owned()),
        ("a/b".to_owned(), ATTACK.repeat(10_000)),
    ] {
        let recorder = Recorder::start();
        let saved =
            json!({ "endpoint": endpoint, "request_id": request_id, "status_url": poison(), "cancel_url": poison() });
        let job: Job<Value> = serde_json::from_value(saved).expect("a job");
        let mut printed = vec![format!("{job:?}"), format!("{job:#?}")];
        let job = client.resume(job);
        printed.push(format!("{:?} {:?} {:?}", job.status(), job.wait(), job.cancel()));
        keep(&mut printed, job.status().await);
        keep(&mut printed, job.result().await);
        keep(&mut printed, job.cancel().await);
        keep(&mut printed, job.wait().await);
        keep(&mut printed, job.status_stream().next().await.expect("an error"));
        for text in &printed {
            check("a saved job", text);
            assert!(text.len() < 5_000, "{} bytes: {}", text.len(), &text[..500]);
        }
        let emitted = recorder.stop();
        check("a saved job", &emitted);
        assert!(emitted.len() < 20_000, "{} bytes", emitted.len());
    }
}

/// An error of a caller's own, with a source.
#[derive(Debug)]
struct Failed(String, Option<Box<Failed>>);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.1.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}

#[tokio::test]
async fn sources_are_bounded_and_have_no_secrets() {
    let server = Server::start(|_, _| Reply::json(200, "{}")).await;
    // The key is known because it was sent before.
    server.client().endpoint("a/b").run(json!({})).await.expect("a response");
    for text in [poison(), "x".repeat(100 << 20), format!("{} {ECHO}", "y ".repeat(8_000)), "a\nb".to_owned()] {
        let provide = move || {
            let inner = Failed(text.clone(), None);
            let outer = Failed("the vault is closed".to_owned(), Some(Box::new(inner)));
            std::future::ready(Err::<String, _>(outer))
        };
        let client = server.builder().key_provider(provide).build().expect("a client");
        let error = client.endpoint("a/b").run(json!({})).await.expect_err("no key");
        let mut printed = Vec::new();
        print(&mut printed, &error);
        assert!(printed.iter().any(|text| text.contains("the vault is closed")));
        for text in &printed {
            check("a provider", text);
            assert!(text.len() < 20_000, "{} bytes", text.len());
        }
        let inner = error.source().and_then(|source| source.source()).expect("the source of the source");
        assert!(inner.source().is_none() && !inner.to_string().is_empty());
    }
}

#[tokio::test]
async fn harmless_sources_keep_their_type() {
    let server = Server::start(|_, _| Reply::json(200, "{}")).await;
    let provide = || std::future::ready(Err::<String, _>(Failed("the vault is closed".to_owned(), None)));
    let client = server.builder().key_provider(provide).build().expect("a client");
    let error = client.endpoint("a/b").run(json!({})).await.expect_err("no key");
    assert!(error.source().is_some_and(|source| source.is::<Failed>()), "{error:?}");
}

#[tokio::test]
async fn every_key_of_a_provider_is_redacted() {
    let server = Server::start(|_, seen| {
        let sent = seen.header("authorization").unwrap_or_default().trim_start_matches("Key ");
        Reply::text(400, "text/plain", &format!("refused {} of {sent}", sent.replace(':', " and ")))
    })
    .await;
    let count = std::sync::atomic::AtomicU32::new(0);
    let provide = move || {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        std::future::ready(Ok::<_, Error>(format!("rotating-{number}:hush-hush-{number}")))
    };
    let client = server.builder().key_provider(provide).build().expect("a client");
    let mut errors = Vec::new();
    for _ in 0..50 {
        errors.push(client.endpoint("a/b").run(json!({})).await.expect_err("400"));
    }
    for error in errors {
        let text = format!("{error} {error:?}");
        assert!(text.contains("refused [redacted] and [redacted] of [redacted]"), "{text}");
        assert!(!text.contains("rotating-") && !text.contains("hush"), "{text}");
    }
}

#[tokio::test]
async fn the_raw_response_stays_as_it_is() {
    let server = Server::start(|_, _| Reply::json(400, &json!({ "detail": poison() }).to_string())).await;
    let error = server.client().endpoint("a/b").run(json!({})).await.expect_err("400");
    let body: Value = serde_json::from_slice(error.body().expect("a body")).expect("JSON");
    assert_eq!(body["detail"], json!(poison()));
}

#[tokio::test]
async fn a_key_is_redacted_however_it_is_quoted() {
    let key = "q7-id.of/x:q7=secret/~!$()*";
    for quoted in [
        key.to_owned(),
        key.to_uppercase(),
        key.replace(':', " and "),
        "q7-id.of%2fx%3aq7%3dsecret%2f~!%24()*".to_owned(),
        "q7%3Dsecret%252F~%21%24%28%29%2A".to_owned(),
        key.replace('/', "\\/"),
        key.replace('/', "\\u002f"),
        key.replace("secret", "sec\r\n    ret"),
        key.replace("secret", "sec\u{200b}ret"),
        // Base64 of the key in lines, and of `Key ` and the key.
        "cTctaWQub2YveDpx\n  Nz1zZWNyZXQvfiEkKCkq".to_owned(),
        "S2V5IHE3LWlkLm9mL3g6cTc9c2VjcmV0L34hJCgpKg".to_owned(),
    ] {
        let detail = format!("refused {quoted} for a reason");
        let field = json!({ "loc": ["body", quoted], "msg": detail, "type": quoted, "input": quoted });
        for body in [json!({ "detail": detail }), json!({ "detail": [field] }), json!(detail)] {
            let server = Server::start(move |_, _| Reply::json(422, &body.to_string())).await;
            let client = server.builder().key(key).build().expect("a client");
            let error = client.endpoint("a/b").run(json!({})).await.expect_err("422");
            let mut printed = Vec::new();
            print(&mut printed, &error);
            printed.extend(error.field_errors().iter().map(fal_client::FieldError::path));
            for text in &printed {
                let compact: String = text.to_ascii_lowercase().split_whitespace().collect();
                for secret in ["q7-id", "q7=", "q7%3d", "secret", "ctctaw", "nz1zzwny", "le3lwlk", "mc9c2vj"] {
                    assert!(!compact.contains(secret), "{quoted:?}: leaked {secret} in:\n{text}");
                }
            }
            assert!(error.to_string().contains("for a reason"), "{error}");
        }
    }
}

#[tokio::test]
async fn ordinary_words_are_not_taken_for_secrets() {
    const ID: &str = "764cabcf-b745-4b3e-ae38-1200304cf45b";
    for words in [
        "key: value, token count 123456, 77 tokens",
        "missing key: reference_image_url_2",
        "unexpected token img2img, expected ControlNetModelLoader",
        "key frame_12 is out of range",
        "tokenizer: t5xxl_fp16, tokenizer=t5-xxl, max_token=77",
        "the Key to success is the basic idea1",
        "https://v3.fal.media/files/b/kangaroo/9nLHWQ4-zPEPZm0HI5dlX_7d1a.png?width=1024&key=images/2026/fox-1.png",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA",
        "request 764cabcf-b745-4b3e-ae38-1200304cf45b of joe@example.com",
        "duplicate key prompt:2",
    ] {
        let body = json!({ "detail": words }).to_string();
        let server = Server::start(move |_, _| Reply::json(400, &body).header("x-fal-request-id", ID)).await;
        let client = server.builder().header("x-trace", "images").build().expect("a client");
        // The query has a path, and not a secret.
        let _ = client.download_bytes(format!("{}/x?key=reference_images", server.base())).await;
        let error = client.endpoint("a/reference_images").run(json!({})).await.expect_err("400");
        assert_eq!(
            error.to_string(),
            format!("a/reference_images: fal returned 400 Bad Request: {words} (request {ID})")
        );
    }
}

#[test]
fn files_are_printed_without_the_signatures_of_their_urls() {
    let url = "https://joe:pa55word-2@h.example/a.png?X-Amz-Signature=s1gnature-2&X-Amz-Credential=cr3dential";
    let media = [fal_client::MediaUrl::from(url), fal_client::MediaUrl::from(&json!({ "url": url }))];
    let printed = format!("{media:?} {media:#?} {:?}", FileInput::url(url));
    for secret in ["pa55word-2", "s1gnature-2", "cr3dential"] {
        assert!(!printed.contains(secret) && printed.contains("h.example/a.png"), "{printed}");
    }
}
