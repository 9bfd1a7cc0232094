//! The account, its lock, and the ranges of webhooks.

use fal_client::{ErrorKind, LockReason};

use crate::server::{Reply, Server};
use crate::support::{platform, start_with};

#[tokio::test]
async fn credits_are_exact() {
    let server = start_with(&[
        r#"{ "username": "ann", "credits": { "current_balance": 24.300000000000001, "currency": "USD" } }"#,
    ])
    .await;
    let account = platform(&server).account().await.expect("an account");
    assert_eq!(server.lines(), ["GET /api/v1/account/billing?expand=credits"]);
    assert_eq!(account.username.as_deref(), Some("ann"));
    let credits = account.credits.expect("credits");
    assert_eq!((credits.current_balance.to_string(), &*credits.currency), ("24.300000000000001".to_owned(), "USD"));
}

#[tokio::test]
async fn odd_accounts_are_read() {
    for (body, username, balance) in [
        (r#"{ "username": "ann", "credits": null }"#, Some("ann"), None),
        (r#"{ "username": "ann", "credits": { "current_balance": "lots" } }"#, Some("ann"), None),
        (r#"{ "credits": { "current_balance": "-0.5", "more": 1 } }"#, None, Some("-0.5")),
    ] {
        let server = start_with(&[body]).await;
        let account = platform(&server).account().await.expect(body);
        let found = account.credits.map(|credits| credits.current_balance.to_string());
        assert_eq!((account.username.as_deref(), found.as_deref()), (username, balance), "{body}");
    }
    for body in ["{}", "[]", "", "null", r#"{ "error": "x" }"#] {
        let server = start_with(&[body]).await;
        let error = platform(&server).account().await.expect_err(body);
        assert_eq!(error.kind(), ErrorKind::UnexpectedResponse, "{body}");
    }
}

#[tokio::test]
async fn locks_have_their_reason() {
    for (body, is_locked, reason) in [
        (r#"{ "user_id": "u", "is_locked": false, "lock_reason": null, "is_paying": true }"#, false, None),
        (r#"{ "is_locked": true, "lock_reason": "exhausted_balance" }"#, true, Some(LockReason::ExhaustedBalance)),
        (
            r#"{ "is_locked": "true", "lock_reason": "User budget is exceeded." }"#,
            true,
            Some(LockReason::BudgetExceeded),
        ),
        (r#"{ "lock_reason": "TOP_UP" }"#, true, Some(LockReason::TopUp)),
        (r#"{ "is_locked": 1, "lock_reason": "comet" }"#, true, Some(LockReason::other("comet"))),
    ] {
        let server = start_with(&[body]).await;
        let lock = platform(&server).lock_state().await.expect(body);
        assert_eq!((lock.is_locked, lock.lock_reason), (is_locked, reason), "{body}");
        assert_eq!(server.lines(), ["GET /rest/billing/user_details"]);
    }
    let server =
        start_with(&[r#"{ "is_locked": false, "soft_monthly_budget": 100.1, "hard_monthly_budget": null }"#]).await;
    let lock = platform(&server).lock_state().await.expect("a lock");
    assert_eq!(lock.soft_monthly_budget.map(|budget| budget.to_string()).as_deref(), Some("100.1"));
    assert_eq!((lock.hard_monthly_budget, lock.is_paying), (None, None));
}

#[tokio::test]
async fn an_unknown_lock_is_an_error() {
    for body in ["{}", r#"{ "is_locked": null }"#, r#"{ "is_locked": "maybe" }"#, "", "[true]"] {
        let server = start_with(&[body]).await;
        let error = platform(&server).lock_state().await.expect_err(body);
        assert!(error.to_string().contains("does not say if the account is locked"), "{error}");
    }
}

#[tokio::test]
async fn a_key_without_permission_is_denied() {
    let server =
        Server::start(|_, _| Reply::json(403, r#"{ "detail": "This operation is only supported for ADMIN keys" }"#))
            .await;
    let error = platform(&server).lock_state().await.expect_err("no permission");
    assert!(error.is_permission_denied() && server.seen().len() == 1, "{error}");
}

#[tokio::test]
async fn ranges_of_webhooks_are_listed() {
    let server = start_with(&[r#"{ "webhook_ip_ranges": ["192.0.2.0/24", null, "2001:db8::/32"] }"#, "{}"]).await;
    let platform = platform(&server);
    assert_eq!(platform.webhook_ip_ranges().await.expect("ranges"), ["192.0.2.0/24", "2001:db8::/32"]);
    assert!(platform.webhook_ip_ranges().await.is_err());
    assert_eq!(server.lines()[0], "GET /api/v1/meta");
}
