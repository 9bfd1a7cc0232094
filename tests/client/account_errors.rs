//! Errors about the API key and the account: how they are recognized, what they say, and that they are never retried.

use std::time::Duration;

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::{Client, Error, ErrorKind, FileInput, LockReason, Repository, RetryPolicy, UploadPolicy};
use fal_emulator::{Emulator, Operation, Pace};
use futures_util::StreamExt;
use serde_json::json;

use crate::support::emulator::{count, mistakes, start_instant};
use crate::support::server::{Reply, Server};

fn input() -> redux::InputBuilder<fal_client::Given> {
    redux::Input::builder().image_url("https://example.com/fox.png")
}

fn with_file() -> redux::InputBuilder<fal_client::Given> {
    redux::Input::builder().image_url(FileInput::bytes(&b"abc"[..], "image/png"))
}

fn predicates(error: &Error) -> [bool; 4] {
    [error.is_unauthorized(), error.is_permission_denied(), error.is_account_locked(), error.is_rate_limited()]
}

const UNAUTHORIZED: [bool; 4] = [true, false, false, false];
const DENIED: [bool; 4] = [false, true, false, false];
const LOCKED: [bool; 4] = [false, false, true, false];
const LIMITED: [bool; 4] = [false, false, false, true];
const OTHER: [bool; 4] = [false; 4];

#[tokio::test]
async fn every_refusal_has_its_predicate() {
    for (status, body, expected) in [
        (401, r#"{"detail":"invalid key credentials"}"#, UNAUTHORIZED),
        (401, r#"{"detail":"Cannot access application \"a/b\". Authentication is required."}"#, UNAUTHORIZED),
        (401, r#"{"detail":"Invalid Key Authorization header format"}"#, UNAUTHORIZED),
        (403, r#"{"detail":"No user found for Key ID and Secret"}"#, UNAUTHORIZED),
        (401, r#"{"error":{"type":"authorization_error","message":"Invalid API key"}}"#, UNAUTHORIZED),
        (401, "", UNAUTHORIZED),
        (403, r#"{"detail":"Insufficient permissions"}"#, DENIED),
        (403, r#"{"error":{"type":"authorization_error","message":"Insufficient permissions"}}"#, DENIED),
        (403, r#"{"detail":"User is locked. Reason: Exhausted balance. Top up your balance"}"#, LOCKED),
        (403, r#"{"detail":"User is locked"}"#, LOCKED),
        (402, r#"{"detail":"Payment required"}"#, LOCKED),
        (429, r#"{"detail":"User is locked. Reason: User budget is exceeded."}"#, LOCKED),
        (429, r#"{"detail":"Too many requests"}"#, LIMITED),
        (429, r#"{"detail":"x","error_type":"concurrent_requests_limit"}"#, LIMITED),
        (404, r#"{"detail":"Application \"a/b\" not found"}"#, OTHER),
        (422, r#"{"detail":"User is locked"}"#, OTHER),
        (500, r#"{"detail":"insufficient permissions to read the weights"}"#, OTHER),
    ] {
        let server = Server::start(move |_, _| Reply::json(status, body)).await;
        let client = server.builder().retry(RetryPolicy::none()).build().expect("a client");
        let error = client.endpoint("a/b").run(json!({})).await.expect_err("refused");
        assert_eq!(predicates(&error), expected, "{status} {body}: {error}");
        assert_eq!(error.kind(), ErrorKind::Service);
    }
}

#[tokio::test]
async fn pages_of_a_gateway_are_not_about_the_key() {
    for status in [401, 403] {
        let server = Server::start(move |_, _| Reply::text(status, "text/html", "<html>Sign in</html>")).await;
        let error = server.client().endpoint("a/b").run(json!({})).await.expect_err("refused");
        assert_eq!(predicates(&error), OTHER, "{error}");
        assert!(error.to_string().starts_with("a/b: fal returned"), "{error}");
    }
}

#[tokio::test]
async fn a_models_own_refusal_is_not_about_the_key() {
    let reply = Reply::json(401, r#"{"detail":"the provider refused"}"#).header("x-fal-request-id", "R1");
    let server = Server::start(move |_, _| reply.clone()).await;
    let endpoint = server.client().endpoint("a/b");
    for error in [
        endpoint.run(json!({})).await.expect_err("refused"),
        endpoint.result("R1").await.map(drop).expect_err("refused"),
    ] {
        assert_eq!(predicates(&error), OTHER, "{error}");
        assert!(error.to_string().starts_with("a/b: "), "{error}");
    }
}

/// A model may repeat anything, such as the prompt or the words of a service that it calls.
#[tokio::test]
async fn words_that_a_model_repeats_are_not_about_the_account() {
    const PROMPT: &str = "User is locked. Reason: he lost the key";
    for (status, has_id, body) in [
        (403, true, r#"{"detail":"The prompt 'User is locked in a tower' violates the content policy"}"#),
        (403, true, r#"{"detail":"User is locked in a tower: not allowed"}"#),
        (403, true, r#"{"detail":"Insufficient permissions to read the weights"}"#),
        (401, true, r#"{"detail":"Invalid API key. Check the key of the provider"}"#),
        (402, true, r#"{"detail":"the provider wants a payment"}"#),
        (429, true, r#"{"detail":"insufficient_quota"}"#),
        (403, false, r#"{"detail":"Content policy: User is locked. Reason: he lost the key"}"#),
        (403, false, r#"{"detail":[{"loc":["body","prompt"],"msg":"flagged","type":"content_policy_violation"}]}"#),
        (403, false, r#"{"detail":"flagged","error_type":"content_policy_violation"}"#),
        (
            403,
            false,
            r#"{"detail":[{"loc":["body","image_url"],"msg":"account is locked in the picture","type":"x"}]}"#,
        ),
    ] {
        let reply = Reply::json(status, body);
        let reply = if has_id { reply.header("x-fal-request-id", "R1") } else { reply };
        let server = Server::start(move |_, _| reply.clone()).await;
        let client = server.builder().retry(RetryPolicy::none()).build().expect("a client");
        let error = client.endpoint("a/b").run(json!({ "prompt": PROMPT })).await.expect_err("refused");
        let expected = if status == 429 { LIMITED } else { OTHER };
        assert_eq!(predicates(&error), expected, "{status} {body}: {error}");
        assert!(error.to_string().starts_with("a/b: "), "{error}");
    }
}

/// Requests about a request in the queue are fal's own, even if the response has an id.
#[tokio::test]
async fn the_queues_refusals_are_about_the_key_with_an_id_too() {
    for (status, body, expected) in [
        (401, r#"{"detail":"Authentication is required"}"#, UNAUTHORIZED),
        (403, r#"{"detail":"No access to the request"}"#, DENIED),
        (402, r#"{"detail":"Payment required","request_id":"R1"}"#, LOCKED),
    ] {
        let reply = Reply::json(status, body).header("x-fal-request-id", "R1");
        let server = Server::start(move |_, _| reply.clone()).await;
        let endpoint = server.client().endpoint("a/b");
        for error in [
            endpoint.submit(json!({})).await.map(drop).expect_err("refused"),
            endpoint.status("R1").await.map(drop).expect_err("refused"),
            endpoint.status_stream("R1").next().await.expect("an item").map(drop).expect_err("refused"),
            endpoint.cancel("R1").await.map(drop).expect_err("refused"),
            endpoint.wait("R1").await.map(drop).expect_err("refused"),
        ] {
            assert_eq!(predicates(&error), expected, "{error}");
            assert!(error.to_string().starts_with("fal") || error.to_string().starts_with("the fal"), "{error}");
        }
        // One request a call, but for `status_stream` and `wait`, whose streams are followed by a poll.
        assert!(server.seen().len() <= 7, "{:?}", server.seen().len());
    }
}

#[tokio::test]
async fn the_message_of_a_lock_has_fals_words_and_the_reason() {
    for (body, beginning) in [
        (
            r#"{"status":"error","detail":{"reason":"locked","message":"User is locked"}}"#,
            "the fal account is locked: User is locked (403); see https://fal.ai",
        ),
        (
            r#"{"error":{"message":"Your account is locked.","reason":"exhausted_balance"}}"#,
            "the fal account is locked: Your account is locked: exhausted_balance (403); top up at https://fal.ai",
        ),
        (r#"{"detail":"User is locked. Reason: Under review"}"#, "the fal account is locked: Under review (403); see"),
        (r#"{"detail":"User is locked"}"#, "the fal account is locked: User is locked (403); see"),
    ] {
        let server = Server::start(move |_, _| Reply::json(403, body)).await;
        let error = server.client().endpoint("a/b").submit(json!({})).await.map(drop).expect_err("locked");
        assert!(error.to_string().starts_with(beginning), "{error}");
    }
}

#[tokio::test]
async fn a_lock_is_recognized_in_every_form() {
    for (body, reason) in [
        (r#"{"detail":"USER IS LOCKED. REASON: TOP_UP."}"#, LockReason::TopUp),
        (r#"{"detail":"User is locked. reason: Under review"}"#, LockReason::other("Under review")),
        (r#"{"detail":{"message":"User is locked","reason":"TOP_UP"}}"#, LockReason::TopUp),
        (r#"{"detail":"User is locked","lock_reason":"ADMIN_LOCK"}"#, LockReason::AdminLock),
        (
            r#"{"error":{"message":"Your account is locked.","reason":"exhausted_balance"}}"#,
            LockReason::ExhaustedBalance,
        ),
        (r#"{"detail":["User is locked","Reason: User budget is exceeded"]}"#, LockReason::BudgetExceeded),
        (r#"{"detail":[{"msg":"User is locked. Reason: TOP_UP.","type":"locked","loc":[]}]}"#, LockReason::TopUp),
        (r#""User is locked. Reason: TOP_UP.""#, LockReason::TopUp),
        ("User is locked. Reason: Admin lock.", LockReason::AdminLock),
    ] {
        for id in [None, Some("R1")] {
            let reply = Reply::json(403, body);
            let reply = id.map_or(reply.clone(), |id| reply.header("x-fal-request-id", id));
            let server = Server::start(move |_, _| reply.clone()).await;
            let endpoint = server.client().endpoint("a/b");
            for error in [
                endpoint.run(json!({ "prompt": "a fox in the snow" })).await.map(drop).expect_err("locked"),
                endpoint.subscribe(json!({ "prompt": "a fox in the snow" })).await.map(drop).expect_err("locked"),
                endpoint.result("R1").await.map(drop).expect_err("locked"),
            ] {
                assert_eq!(error.lock_reason(), Some(reason.clone()), "{body}: {error}");
                assert!(error.to_string().starts_with("the fal account is locked: "), "{error}");
                assert!(!error.is_retryable() && error.attempts().len() == 1, "{error:?}");
            }
        }
    }
}

#[tokio::test]
async fn every_lock_has_its_reason_and_a_remedy() {
    for (reason, remedy) in [
        (LockReason::ExhaustedBalance, "fal.ai/dashboard/billing"),
        (LockReason::BudgetExceeded, "fal.ai/dashboard/billing"),
        (LockReason::PaymentMethod, "fal.ai/dashboard/billing"),
        (LockReason::TopUp, "fal.ai/dashboard/billing"),
        (LockReason::AdminLock, "support@fal.ai"),
        (LockReason::Archived, "fal.ai"),
        (LockReason::other("Under review"), "support@fal.ai"),
    ] {
        let emulator = Emulator::builder().locked(reason.clone()).start().await.expect("an emulator");
        let error = emulator.client().endpoint(redux::ENDPOINT).run(input()).await.expect_err("locked");
        assert_eq!(error.lock_reason(), Some(reason.clone()));
        let message = error.to_string();
        assert!(message.starts_with("the fal account is locked: "), "{message}");
        assert!(message.contains(remedy) && message.contains(redux::ENDPOINT.id()), "{message}");
    }
}

/// Calls every operation that needs a key, each of which must fail.
async fn errors_of_every_call(client: &Client) -> Vec<(&'static str, Error)> {
    let endpoint = client.endpoint(redux::ENDPOINT);
    let storage = client.storage();
    let file = || FileInput::bytes(&b"abc"[..], "text/plain");
    let (mut stream, mut outputs) = (endpoint.status_stream("R1"), endpoint.stream(input()));
    let minute = Duration::from_secs(60);
    #[allow(unused_mut)]
    let mut errors = vec![
        ("run", endpoint.run(input()).await.expect_err("run")),
        ("run with a file", endpoint.run(with_file()).await.expect_err("run with a file")),
        ("submit", endpoint.submit(input()).await.expect_err("submit")),
        ("subscribe", endpoint.subscribe(input()).await.expect_err("subscribe")),
        ("subscribe with a file", endpoint.subscribe(with_file()).await.expect_err("subscribe with a file")),
        ("status", endpoint.status("R1").await.expect_err("status")),
        ("status stream", stream.next().await.expect("an item").expect_err("status stream")),
        ("result", endpoint.result("R1").await.expect_err("result")),
        ("wait", endpoint.wait("R1").await.expect_err("wait")),
        ("cancel", endpoint.cancel("R1").await.expect_err("cancel")),
        ("stream", outputs.next().await.expect("an item").map(drop).expect_err("stream")),
        ("token", client.tokens().create(redux::ENDPOINT, minute).await.map(drop).expect_err("token")),
        ("sign", storage.sign("https://v3.fal.media/files/a/b.png", minute).await.map(drop).expect_err("sign")),
        ("upload by token", storage.upload(file()).await.expect_err("upload")),
        ("signed upload", storage.upload(file()).repository(Repository::Signed).await.expect_err("upload")),
        ("upload to Google", storage.upload(file()).repository(Repository::Gcs).await.expect_err("upload")),
        (
            "multipart upload",
            storage
                .upload(file())
                .policy(UploadPolicy::default().multipart_above(1).part_size(1).repository(Repository::Signed))
                .await
                .expect_err("upload"),
        ),
    ];
    #[cfg(feature = "platform")]
    errors.extend([
        ("usage", client.platform().usage().page().await.map(drop).expect_err("usage")),
        ("account", client.platform().account().await.map(drop).expect_err("account")),
    ]);
    #[cfg(feature = "realtime")]
    errors.extend([
        ("connection", endpoint.realtime().await.map(drop).expect_err("connection")),
        ("connection with a token", endpoint.realtime().token_auth().await.map(drop).expect_err("connection")),
        ("connection for runs", endpoint.run_connection().await.map(drop).expect_err("connection")),
    ]);
    errors
}

#[tokio::test]
async fn a_wrong_key_is_named_first_and_never_retried() {
    let emulator = Emulator::builder().key("right:key").start().await.expect("an emulator");
    let client = emulator.client_builder().key("wrong:key").build().expect("a client");
    let errors = errors_of_every_call(&client).await;
    let calls = errors.len();
    for (name, error) in errors {
        assert_eq!(predicates(&error), UNAUTHORIZED, "{name}: {error}");
        assert!(error.to_string().starts_with("fal rejected the API key: "), "{name}: {error}");
        assert!(!error.is_retryable() && !error.may_have_been_accepted(), "{name}: {error:?}");
        assert_eq!(error.attempts().len(), 1, "{name}: {error:?}");
    }
    // One request a call, but for the streams of `status_stream` and `wait`, which are followed by a poll.
    assert_eq!(emulator.requests().len(), calls + 2);
    assert_eq!(mistakes(&emulator), Vec::<String>::new());
}

#[tokio::test]
async fn a_missing_and_a_wrong_key_have_one_predicate() {
    let missing = Client::builder().env_from(|_| None).build().expect_err("no key");
    assert_eq!((missing.is_unauthorized(), missing.kind()), (true, ErrorKind::Credentials));
    let emulator = start_instant().await;
    let provider = emulator.client_builder().key_provider(async || Err::<String, _>("the vault is closed"));
    let client = provider.build().expect("a client");
    let error = client.endpoint(redux::ENDPOINT).run(with_file()).await.expect_err("no key");
    assert!(error.is_unauthorized() && error.to_string().starts_with("the API key provider failed"), "{error}");
    assert!(emulator.requests().is_empty());

    let client = emulator.client_builder().anonymous().build().expect("a client");
    let error = client.endpoint(redux::ENDPOINT).run(input()).await.expect_err("no key");
    assert!(error.is_unauthorized() && error.to_string().starts_with("fal requires an API key: Cannot"), "{error}");
}

#[tokio::test]
async fn a_locked_account_is_refused_once_and_its_requests_can_be_read() {
    let emulator = start_instant().await;
    let client = emulator.client();
    let endpoint = client.endpoint(redux::ENDPOINT);
    let job = endpoint.submit(input()).await.expect("accepted");
    emulator.lock_account(LockReason::ExhaustedBalance);

    let before = emulator.requests().len();
    for error in [
        endpoint.run(input()).await.expect_err("locked"),
        endpoint.run(with_file()).await.expect_err("locked"),
        endpoint.subscribe(with_file()).await.expect_err("locked"),
        client.storage().upload(FileInput::bytes(&b"abc"[..], "text/plain")).await.map(drop).expect_err("locked"),
        endpoint.submit(input()).await.map(drop).expect_err("locked"),
        endpoint.stream(input()).next().await.expect("an item").map(drop).expect_err("locked"),
        client.tokens().create(redux::ENDPOINT, Duration::from_secs(60)).await.map(drop).expect_err("locked"),
    ] {
        assert_eq!(predicates(&error), LOCKED, "{error}");
        let message = error.to_string();
        assert!(message.starts_with("the fal account is locked: Exhausted balance. Top up"), "{message}");
        assert!(!error.is_retryable() && !error.may_have_been_accepted() && error.attempts().len() == 1, "{error:?}");
    }
    assert_eq!(emulator.requests().len(), before + 7, "neither retries nor the fallback repository");

    assert!(endpoint.status(&job).await.expect("a status").is_completed());
    endpoint.wait(&job).await.expect("a result");
    emulator.unlock_account();
    endpoint.run(with_file()).await.expect("unlocked");
    assert_eq!(mistakes(&emulator), Vec::<String>::new());
}

#[tokio::test]
async fn a_key_without_a_permission_still_works_for_the_rest() {
    let emulator = Emulator::builder().pace(Pace::instant()).without_permission(Operation::Submit).start().await;
    let emulator = emulator.expect("an emulator");
    let endpoint = emulator.client().endpoint(redux::ENDPOINT);
    let error = endpoint.subscribe(with_file()).await.expect_err("no permission");
    assert_eq!(predicates(&error), DENIED);
    assert!(error.to_string().starts_with("fal denied permission: Insufficient permissions"), "{error}");
    assert_eq!(count(&emulator, Operation::Submit), 1);
    endpoint.run(input()).await.expect("permitted");
    emulator.grant_permission(Operation::Submit);
    endpoint.subscribe(input()).await.expect("permitted");

    emulator.deny_permission(Operation::SignFile);
    let hour = Duration::from_secs(3600);
    let error = emulator.client().storage().sign("https://v3.fal.media/files/a/b.png", hour).await.expect_err("no");
    assert_eq!(predicates(&error), DENIED, "{error}");
}

/// The lock may show only when the CDN takes the file.
#[tokio::test]
async fn a_lock_that_storage_reports_ends_the_upload() {
    use crate::support::storage::{Fault, Storage};

    let storage = Storage::start().await;
    let body = r#"{"detail":"User is locked. Reason: Admin lock. Please contact support@fal.ai"}"#;
    for status in [403, 429] {
        let before = storage.labels().len();
        storage.inject_fault("upload", Fault::Instead(Reply::json(status, body)));
        let uploads = Storage::policy().fallback(Repository::Gcs);
        let client = storage.builder().uploads(uploads).build().expect("a client");
        let error = client.storage().upload(FileInput::bytes(&b"abc"[..], "text/plain")).await.expect_err("locked");
        assert_eq!(error.lock_reason(), Some(LockReason::AdminLock), "{error}");
        assert_eq!(storage.labels()[before..], ["token", "upload"], "neither a new token nor the fallback");
    }
}

/// A lock that comes after the first repository failed is the reason, and the first failure is named too.
#[tokio::test]
async fn a_lock_of_the_fallback_comes_first() {
    let server = Server::start(|_, seen| match seen.target.contains("auth/token") {
        true => Reply::json(404, r#"{"detail":"no such storage"}"#),
        false => Reply::json(403, r#"{"detail":"User is locked. Reason: TOP_UP."}"#),
    })
    .await;
    let error = server.client().storage().upload(FileInput::bytes(&b"abc"[..], "a/b")).await.expect_err("locked");
    assert_eq!(error.lock_reason(), Some(LockReason::TopUp));
    let message = error.to_string();
    assert!(message.starts_with("the fal account is locked: TOP_UP."), "{message}");
    assert!(
        message.contains("before that, fal's CDN failed: fal returned 404 Not Found: no such storage"),
        "{message}"
    );
    assert_eq!(error.attempts().len(), 2);
}

#[cfg(feature = "test-util")]
#[test]
fn errors_for_tests_have_the_predicates_of_real_ones() {
    for (status, body, expected) in [
        (401, r#"{"detail":"Authentication is required"}"#, UNAUTHORIZED),
        (403, r#"{"detail":"Insufficient permissions"}"#, DENIED),
        (403, r#"{"detail":"User is locked. Reason: TOP_UP."}"#, LOCKED),
        (429, r#"{"detail":"Too many requests"}"#, LIMITED),
    ] {
        let error = Error::from_response(status, &[], body);
        assert_eq!(predicates(&error), expected, "{error}");
    }
}
