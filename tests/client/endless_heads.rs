//! Servers whose response never begins. Time limits hold nevertheless, on every kind of runtime.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use fal_client::{Client, ErrorKind, RetryPolicy};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use crate::support::authority::Authority;
use crate::support::endless::{endless, endless_tls};
use crate::support::server::KEY;

const LIMIT: Duration = Duration::from_millis(500);

/// Returns a runtime of one thread and one of several.
fn runtimes() -> [Runtime; 2] {
    let threads = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    [Builder::new_current_thread().enable_all().build().expect("a runtime"), threads.expect("a runtime")]
}

fn client_of(base: &str) -> Client {
    let builder = Client::builder().key(KEY).run_host(base).queue_host(base).response_timeout(LIMIT);
    builder.retry(RetryPolicy::none()).build().expect("a client")
}

#[test]
fn a_head_without_an_end_is_an_error() {
    for (first, again) in [
        ("HTTP/1.1 200 OK\r\n", "a: b\r\n"),
        ("HTTP/1.1 200 OK\r\na:", "b"),
        ("HTTP/1.1 200 ", "O"),
        ("", "x"),
        ("", "\r\n"),
    ] {
        for runtime in runtimes() {
            let client = client_of(&endless(first, again));
            runtime.block_on(async {
                let error = client.endpoint("a/b").status("R1").await.expect_err("endless");
                assert!(matches!(error.kind(), ErrorKind::Transport | ErrorKind::Timeout), "{again:?}: {error:?}");
            });
        }
    }
}

#[test]
fn responses_that_never_become_final_time_out() {
    let authority = Authority::new();
    for again in [
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 102 Processing\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n",
    ] {
        for runtime in runtimes() {
            let (address, requests) = endless_tls(authority.acceptor.clone(), "", again);
            let builder = authority.builder(address, address).retry(RetryPolicy::none()).response_timeout(LIMIT);
            let endpoint = builder.build().expect("a client").endpoint("a/b");
            runtime.block_on(async {
                let error = endpoint.status("R1").await.expect_err("endless");
                assert_eq!(error.kind(), ErrorKind::Timeout, "{again:?}: {error:?}");
                // On a busy machine, a limit may pass before the request is sent.
                let mut limit = LIMIT;
                loop {
                    let before = requests.load(SeqCst);
                    let error = endpoint.run(json!({})).timeout(limit).await.expect_err("endless");
                    assert_eq!(error.kind(), ErrorKind::Timeout, "{again:?}: {error:?}");
                    if requests.load(SeqCst) > before {
                        assert!(error.may_have_been_accepted(), "{error:?}");
                        break;
                    }
                    limit *= 2;
                }
            });
        }
    }
}
