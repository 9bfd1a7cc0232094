//! The token of uploads to fal's CDN: sharing, expiry, renewal.

use std::sync::{Arc, Mutex};

use fal_client::FileInput;

use crate::support::bytes::some_bytes;
use crate::support::server::{KEY, Reply};
use crate::support::storage::{Fault, Storage, hash};

#[tokio::test]
async fn concurrent_uploads_share_one_token_fetch() {
    let storage = Storage::start().await;
    let client = storage.builder().build().expect("a client");
    let upload = |client: &fal_client::Client| client.storage().upload(FileInput::bytes(some_bytes(3), "a/b")).send();
    let at_once: Vec<_> = (0..20).map(|_| upload(&client)).collect();
    for uploaded in futures_util::future::join_all(at_once).await {
        uploaded.expect("uploaded");
    }
    let tokens = || storage.labels().iter().filter(|label| *label == "token").count();
    assert_eq!(tokens(), 1);

    // Uploads whose token was rejected share the next fetch.
    storage.expire_tokens();
    let at_once: Vec<_> = (0..20).map(|_| upload(&client)).collect();
    for uploaded in futures_util::future::join_all(at_once).await {
        uploaded.expect("uploaded");
    }
    assert_eq!(tokens(), 2);

    // They share its error as well.
    let client = storage.builder().build().expect("a client");
    storage.inject_fault("token", Fault::Instead(Reply::json(400, r#"{"detail":"no token"}"#)));
    let at_once: Vec<_> = (0..20).map(|_| upload(&client)).collect();
    for refused in futures_util::future::join_all(at_once).await {
        let error = refused.expect_err("no token");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(400));
        assert!(error.to_string().contains("no token"), "{error}");
    }
    assert_eq!(tokens(), 3);
    upload(&client).await.expect("uploaded");
    assert_eq!(tokens(), 4);
    let before = storage.labels().len();

    // A token about to expire is used once.
    storage.set_token_lifetime(0);
    let client = storage.builder().build().expect("a client");
    upload(&client).await.expect("uploaded");
    upload(&client).await.expect("uploaded");
    assert_eq!(storage.labels()[before..], ["token", "upload", "token", "upload"]);
}

#[tokio::test]
async fn expiry_is_measured_by_the_clock_of_the_storage() {
    const DAY: i64 = 86_400;
    // Without a date in the response, the local clock counts.
    for (ahead, lifetime, kept) in [
        (Some(-DAY), 3600, true),
        (Some(DAY), 3600, true),
        (Some(DAY), 0, false),
        (Some(DAY), -1, false),
        (None, -1, false),
    ] {
        let storage = Storage::start().await;
        storage.set_token_lifetime(lifetime);
        if let Some(ahead) = ahead {
            storage.set_clock_ahead(ahead);
        }
        let client = storage.builder().build().expect("a client");
        for _ in 0..2 {
            client.storage().upload(FileInput::bytes(some_bytes(3), "a/b")).await.expect("uploaded");
        }
        let labels = if kept { &["token", "upload", "upload"][..] } else { &["token", "upload", "token", "upload"] };
        assert_eq!(storage.labels(), labels, "{ahead:?} {lifetime}");
    }
}

#[tokio::test]
async fn another_key_needs_another_token() {
    let storage = Storage::start().await;
    let keys = Arc::new(Mutex::new(KEY.to_owned()));
    let provided = Arc::clone(&keys);
    let provide = move || std::future::ready(Ok::<_, std::io::Error>(provided.lock().expect("not poisoned").clone()));
    let client = storage.builder().key_provider(provide).build().expect("a client");
    let upload = || client.storage().upload(FileInput::bytes(some_bytes(3), "a/b")).send();
    upload().await.expect("uploaded");
    upload().await.expect("uploaded");
    // The storage rejects the new key. The token of the old key must not be used instead.
    *keys.lock().expect("not poisoned") = "other:key".to_owned();
    let error = upload().await.expect_err("an unknown key");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(401));
    assert_eq!(storage.labels(), ["token", "upload", "upload", "token"]);
}

#[tokio::test]
async fn a_rejected_token_is_replaced_once_within_an_upload() {
    let storage = Storage::start().await;
    let client = storage.builder().build().expect("a client");
    for kind in ["upload", "create", "part 2", "complete"] {
        storage.inject_fault(kind, Fault::Expired);
        let bytes = some_bytes(if kind == "upload" { 10 } else { 2000 });
        let uploaded = client.storage().upload(FileInput::bytes(bytes.clone(), "a/b")).await.expect(kind);
        assert_eq!(hash(&storage.file(&uploaded.url).expect("a file").bytes), hash(&bytes), "{kind}");
    }
    // A second rejection of the same request is an error.
    for _ in 0..2 {
        storage.inject_fault("upload", Fault::Instead(Reply::json(403, r#"{"detail":"you may not"}"#)));
    }
    let error = client.storage().upload(FileInput::bytes(vec![1], "a/b")).await.expect_err("refused");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(403));
    assert!(error.to_string().contains("you may not"), "{error}");
}
