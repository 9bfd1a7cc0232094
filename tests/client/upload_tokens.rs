//! The token by which fal's CDN takes uploads: how long it is used, and for whom.

use std::sync::{Arc, Mutex};

use fal_client::FileInput;

use crate::support::bytes::some_bytes;
use crate::support::server::{KEY, Reply};
use crate::support::storage::{Fault, Storage, hash};

#[tokio::test]
async fn the_token_is_fetched_once_and_again_before_it_expires() {
    let storage = Storage::start().await;
    let client = storage.builder().build().expect("a client");
    let upload =
        |client: &fal_client::Client| client.storage().upload(FileInput::bytes(some_bytes(3), "a/b")).into_future();
    let at_once: Vec<_> = (0..20).map(|_| upload(&client)).collect();
    for uploaded in futures_util::future::join_all(at_once).await {
        uploaded.expect("uploaded");
    }
    let tokens = || storage.labels().iter().filter(|label| *label == "token").count();
    assert_eq!(tokens(), 1);

    // So is the next one, where the storage takes the first one no longer: whoever was refused with it waits for the next.
    storage.expire_tokens();
    let at_once: Vec<_> = (0..20).map(|_| upload(&client)).collect();
    for uploaded in futures_util::future::join_all(at_once).await {
        uploaded.expect("uploaded");
    }
    assert_eq!(tokens(), 2);

    // And whoever waits for one that cannot be had shares the error.
    let client = storage.builder().build().expect("a client");
    storage.fault("token", Fault::Instead(Reply::json(400, r#"{"detail":"no token today"}"#)));
    let at_once: Vec<_> = (0..20).map(|_| upload(&client)).collect();
    for refused in futures_util::future::join_all(at_once).await {
        let error = refused.expect_err("no token");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(400));
        assert!(error.to_string().contains("no token today"), "{error}");
    }
    assert_eq!(tokens(), 3);
    upload(&client).await.expect("uploaded");
    assert_eq!(tokens(), 4);
    let before = storage.labels().len();

    // A token that is about to expire is not used twice.
    storage.set_token_lifetime(0);
    let client = storage.builder().build().expect("a client");
    upload(&client).await.expect("uploaded");
    upload(&client).await.expect("uploaded");
    assert_eq!(storage.labels()[before..], ["token", "upload", "token", "upload"]);
}

#[tokio::test]
async fn a_token_lives_by_the_clock_of_who_gave_it() {
    const DAY: i64 = 86_400;
    // Told without the time, it is this machine's clock that counts: what expired yesterday by it is fetched each time.
    for (ahead, life, kept) in [
        (Some(-DAY), 3600, true),
        (Some(DAY), 3600, true),
        (Some(DAY), 0, false),
        (Some(DAY), -1, false),
        (None, -1, false),
    ] {
        let storage = Storage::start().await;
        storage.set_token_lifetime(life);
        if let Some(ahead) = ahead {
            storage.set_clock_ahead(ahead);
        }
        let client = storage.builder().build().expect("a client");
        for _ in 0..2 {
            client.storage().upload(FileInput::bytes(some_bytes(3), "a/b")).await.expect("uploaded");
        }
        let labels = if kept { &["token", "upload", "upload"][..] } else { &["token", "upload", "token", "upload"] };
        assert_eq!(storage.labels(), labels, "{ahead:?} {life}");
    }
}

#[tokio::test]
async fn a_token_belongs_to_the_key_for_which_it_was_given() {
    let storage = Storage::start().await;
    let keys = Arc::new(Mutex::new(KEY.to_owned()));
    let provided = Arc::clone(&keys);
    let provide = move || std::future::ready(Ok::<_, std::io::Error>(provided.lock().expect("not poisoned").clone()));
    let client = storage.builder().key_provider(provide).build().expect("a client");
    let upload = || client.storage().upload(FileInput::bytes(some_bytes(3), "a/b")).into_future();
    upload().await.expect("uploaded");
    upload().await.expect("uploaded");
    // The token of one account is not used for another one, whose key this storage does not know.
    *keys.lock().expect("not poisoned") = "other:key".to_owned();
    let error = upload().await.expect_err("not known");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(401));
    assert_eq!(storage.labels(), ["token", "upload", "upload", "token"]);
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_in_the_middle_of_an_upload() {
    let storage = Storage::start().await;
    let client = storage.builder().build().expect("a client");
    for kind in ["upload", "create", "part 2", "complete"] {
        storage.fault(kind, Fault::Expired);
        let bytes = some_bytes(if kind == "upload" { 10 } else { 2000 });
        let uploaded = client.storage().upload(FileInput::bytes(bytes.clone(), "a/b")).await.expect(kind);
        assert_eq!(hash(&storage.file(&uploaded.url).expect("a file").bytes), hash(&bytes), "{kind}");
    }
    // But not for ever.
    for _ in 0..2 {
        storage.fault("upload", Fault::Instead(Reply::json(403, r#"{"detail":"you may not"}"#)));
    }
    let error = client.storage().upload(FileInput::bytes(vec![1], "a/b")).await.expect_err("refused");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(403));
    assert!(error.to_string().contains("you may not"), "{error}");
}
