//! Responses that are not fal's own word about a request. They are waited out while it is followed and while its result is
//! fetched.

use std::time::Duration;

use fal_client::{Error, ErrorKind, ErrorType, RetryPolicy};
use serde_json::{Value, json};

use crate::support::queue::{
    COMPLETED, QUEUED, count_of, followed, followed_by, received, result, server, skip, submitted,
};
use crate::support::server::{Reply, Server};

const NGINX: &str = "<html><body>nginx</body></html>";
const SECOND: Duration = Duration::from_secs(1);

/// Starts a server without a status stream.
async fn polled(status: Vec<Reply>, results: Vec<Reply>) -> Server {
    let stream = ("stream", vec![Reply::json(404, "{}")]);
    server(&[submitted(), stream, ("status", status), ("result", results)]).await
}

fn output() -> Reply {
    Reply::json(200, r#"{"ok":1}"#)
}

#[tokio::test]
async fn transient_responses_to_polls_are_waited_out() {
    for status in [404, 408, 425, 429, 500, 501, 502, 503, 504, 507, 509, 520, 521, 522, 523, 524, 525, 526, 527, 530] {
        for odd in [Reply::json(status, ""), Reply::text(status, "text/html", NGINX)] {
            let server = polled(vec![odd.clone(), odd, Reply::json(200, COMPLETED)], vec![output()]).await;
            assert_eq!(followed(&server).await.1.ok(), Some(json!({ "ok": 1 })), "{status}");
            assert_eq!(count_of(&server, "submit"), 1);
        }
    }
}

#[tokio::test]
async fn transient_responses_to_result_requests_are_waited_out() {
    let mut odd = Vec::new();
    for status in [404, 408, 425, 429, 500, 501, 502, 503, 504, 507, 520, 521, 522, 523, 524, 530] {
        odd.push(Reply::text(status, "text/html", NGINX));
        odd.push(Reply::json(status, ""));
    }
    odd.extend([
        Reply::json(400, r#"{"detail":"Request is still in progress"}"#),
        Reply::json(400, r#"{"detail":"Request is still in queue"}"#),
        Reply::json(400, r#"{"status":"IN_PROGRESS"}"#),
        Reply::json(400, r#"{"status":"in_progress"}"#),
        Reply::json(400, r#"{"error":{"message":"The request is not ready yet"}}"#),
        Reply::json(409, r#"{"message":"Still processing"}"#),
        Reply::json(425, r#"{"detail":[{"msg":"Request has not finished"}]}"#).header("x-fal-request-id", "R1"),
        Reply::text(400, "text/plain", "Request is still in progress").header("x-fal-request-id", "R1"),
        Reply::json(202, r#"{"status":"in_progress","request_id":"R1"}"#).header("x-fal-request-id", "R1"),
        Reply::json(408, "{}").header("x-fal-request-id", "R1"),
        Reply::json(202, r#"{"status":"IN_PROGRESS","request_id":"R1"}"#),
        Reply::json(200, r#"{"status":"IN_QUEUE","request_id":"R1","queue_position":3,"logs":null}"#),
        Reply::json(200, r#"{"detail":"Request is still in progress"}"#),
        Reply::text(200, "text/html", NGINX),
        Reply::json(200, NGINX),
        Reply::json(200, ""),
        Reply::json(200, r#"{"ok""#),
        Reply::json(200, r#"{"ok":1"#).torn(),
        Reply::dropped(),
    ]);
    for odd in odd {
        let server = polled(vec![Reply::json(200, COMPLETED)], vec![odd.clone(), odd.clone(), output()]).await;
        assert_eq!(followed(&server).await.1.ok(), Some(json!({ "ok": 1 })), "{odd:?}");
        assert_eq!(count_of(&server, "submit"), 1);
    }
}

#[tokio::test]
async fn whatever_is_not_json_is_not_fals_word() {
    let page = |status| Reply::text(status, "text/html", "<html><title>Just a moment...</title></html>");
    let mut odd: Vec<Reply> = [400, 401, 403, 405, 409, 421, 423, 431, 451, 499].map(page).to_vec();
    odd.extend([302, 303, 307, 308].map(|status| page(status).header("location", "https://login.x.y/")));
    odd.extend([Reply::text(400, "text/plain", "nginx"), Reply::text(403, "text/plain", "error code: 1020")]);
    odd.push(Reply::json(499, ""));
    for odd in odd {
        let server = polled(
            vec![odd.clone(), odd.clone(), Reply::json(200, COMPLETED)],
            vec![odd.clone(), odd.clone(), output()],
        )
        .await;
        assert_eq!(followed(&server).await.1.ok(), Some(json!({ "ok": 1 })), "{odd:?}");
    }
}

#[tokio::test]
async fn fals_own_word_is_not_waited_out() {
    let id = |reply: Reply| reply.header("x-fal-request-id", "R1");
    for (status, results) in [
        (Reply::json(401, r#"{"detail":"no"}"#), output()),
        (Reply::json(403, r#"{"detail":"no"}"#), output()),
        (Reply::json(422, r#"{"detail":"no"}"#), output()),
        (Reply::json(200, COMPLETED), Reply::json(422, r#"{"detail":"no"}"#)),
        (Reply::json(200, COMPLETED), Reply::json(400, r#"{"detail":"bad image"}"#)),
        (Reply::json(200, COMPLETED), id(Reply::json(500, r#"{"detail":"model failed"}"#))),
        (Reply::json(200, COMPLETED), id(Reply::json(503, r#"{"detail":"model failed"}"#))),
    ] {
        let server = polled(vec![status], vec![results]).await;
        let error = followed(&server).await.1.expect_err("a refusal");
        assert_eq!((error.kind(), error.request_id()), (ErrorKind::Service, Some("R1")), "{error}");
        assert!(count_of(&server, "status") == 1 && count_of(&server, "result") <= 1, "{:?}", server.lines());
    }
}

#[tokio::test]
async fn a_garbled_result_is_fetched_again_unless_it_stays_the_same() {
    let own = |body: &'static str| Reply::json(200, body).header("x-fal-request-id", "R1");
    for garbled in [r#"{"ok";1}"#, r#"{"ok":1"#, "", r#"{"ok":1}}"#, "\u{0}\u{0}", "{\"ok\":1,\u{1}", r#"[{"ok":1}"#] {
        let server = polled(vec![Reply::json(200, COMPLETED)], vec![own(garbled), own(r#"{"ok":1}"#)]).await;
        assert_eq!(followed(&server).await.1.ok(), Some(json!({ "ok": 1 })), "{garbled:?}");

        let server = polled(vec![Reply::json(200, COMPLETED)], vec![own(garbled)]).await;
        let error = followed(&server).await.1.expect_err("the model's own");
        assert_eq!((error.kind(), error.request_id()), (ErrorKind::UnexpectedResponse, Some("R1")), "{error}");
        assert_eq!(count_of(&server, "result"), 2, "{garbled:?}");
    }
}

#[tokio::test]
async fn an_unknown_request_is_an_error_after_ten_seconds() {
    let unknown = Reply::json(404, r#"{"status":"NOT_FOUND"}"#);
    let server = polled(vec![unknown.clone()], vec![unknown]).await;
    let client = server.client();
    let time = async {
        received(&server, "status", 1).await;
        skip(10 * SECOND).await;
    };
    let (done, ()) = tokio::join!(client.endpoint("a/b").wait("R1").into_future(), time);
    let error = done.expect_err("unknown");
    assert_eq!((error.status().map(|status| status.as_u16()), error.request_id()), (Some(404), Some("R1")));

    // Later, it means that the request is gone.
    let status = vec![Reply::json(202, QUEUED), Reply::json(404, r#"{"status":"NOT_FOUND"}"#)];
    let server = polled(status, vec![output()]).await;
    let error = followed(&server).await.1.expect_err("gone");
    assert_eq!((error.status().map(|status| status.as_u16()), count_of(&server, "status")), (Some(404), 2));
}

async fn failed(results: Vec<Reply>, policy: RetryPolicy) -> (Server, Result<Value, Error>) {
    let failed = r#"{"status":"COMPLETED","error":"Runner gone","error_type":"runner_disconnected"}"#;
    let server = polled(vec![Reply::json(200, failed)], results).await;
    let client = server.builder().retry(policy).build().expect("a client");
    let outcome = followed_by(&client).await.1;
    (server, outcome)
}

#[tokio::test]
async fn what_the_queue_calls_failed_never_succeeds() {
    let quick = RetryPolicy::default().first_delay(Duration::from_millis(1));
    for body in [
        r#"{"ok":1}"#,
        r#"{"detail":"Path /text-to-video not found"}"#,
        r#"{"images":[{"url":"https://x.y/a.png"}]}"#,
        "null",
        "[]",
    ] {
        let (server, outcome) = failed(vec![Reply::json(200, body)], quick.clone()).await;
        let error = outcome.expect_err(body);
        assert!(error.to_string().contains("Runner gone"), "{error}");
        assert_eq!(error.error_type(), Some(&ErrorType::RunnerDisconnected));
        assert_eq!(error.body().map(|kept| &kept[..]), Some(body.as_bytes()));
        assert_eq!((error.request_id(), count_of(&server, "result")), (Some("R1"), 1));
    }
    let (_, outcome) = failed(vec![Reply::json(200, r#"{"detail":"Path /x not found"}"#)], quick.clone()).await;
    assert!(outcome.is_err_and(|error| error.to_string().contains("Path /x not found")));

    // The details of the failure are fetched like a result.
    let details = Reply::json(422, r#"{"detail":"no faces found"}"#).header("x-fal-request-id", "R1");
    let results = vec![Reply::json(503, NGINX), Reply::dropped(), Reply::json(404, ""), Reply::json(200, ""), details];
    let (server, outcome) = failed(results, quick).await;
    assert!(outcome.is_err_and(|error| error.to_string().contains("no faces found")));
    assert_eq!(count_of(&server, "result"), 5);
}

#[tokio::test]
async fn a_failure_is_kept_if_its_details_cannot_be_fetched() {
    for odd in [Reply::text(503, "text/html", NGINX), Reply::dropped(), Reply::json(404, ""), Reply::json(200, "")] {
        let (_, outcome) = failed(vec![odd], RetryPolicy::none()).await;
        let error = outcome.expect_err("no patience");
        assert!(error.to_string().contains("Runner gone"), "{error}");
        assert_eq!(error.error_type(), Some(&ErrorType::RunnerDisconnected));
    }
}

#[tokio::test]
async fn no_request_is_sent_before_a_requested_delay_has_passed() {
    let busy = |status| Reply::json(status, r#"{"detail":"slow down"}"#).header("retry-after", "200");
    let done = || Reply::json(200, COMPLETED);
    for (name, stream, status, results) in [
        ("status", Reply::json(404, "{}"), vec![busy(429), done()], vec![output()]),
        ("status", Reply::json(404, "{}"), vec![busy(503), done()], vec![output()]),
        ("result", Reply::json(404, "{}"), vec![done()], vec![busy(429), output()]),
        ("result", Reply::events(&[COMPLETED]), vec![], vec![busy(503), output()]),
        ("stream", busy(429), vec![done()], vec![output()]),
        ("stream", busy(503), vec![done()], vec![output()]),
    ] {
        let script = [submitted(), ("stream", vec![stream]), ("status", status), ("result", results)];
        let server = server(&script).await;
        let client = server.client();
        let time = async {
            received(&server, name, 1).await;
            // Lets the client read the response.
            for _ in 0..1_000 {
                tokio::task::yield_now().await;
            }
            let sent = server.seen().len();
            skip(199 * SECOND).await;
            for _ in 0..1_000 {
                tokio::task::yield_now().await;
            }
            assert_eq!(server.seen().len(), sent, "{name}");
            skip(2 * SECOND).await;
        };
        let (done, ()) = tokio::join!(client.endpoint("a/b").subscribe(json!({})).into_future(), time);
        assert_eq!(done.expect(name).data, json!({ "ok": 1 }));
    }
}

#[tokio::test]
async fn a_requested_delay_beyond_the_patience_is_an_error_that_says_so() {
    let busy = || Reply::json(429, r#"{"detail":"slow down"}"#).header("retry-after", "301");
    for (status, results) in
        [(vec![busy()], vec![output()]), (vec![Reply::json(200, COMPLETED)], vec![busy(), output()])]
    {
        let server = polled(status, results).await;
        let error = followed(&server).await.1.expect_err("too long");
        assert!(error.to_string().contains("301") && error.to_string().contains("patience"), "{error}");
        assert_eq!(error.request_id(), Some("R1"));
    }
    // A stream is not worth the wait: the poll decides.
    let script = [submitted(), ("stream", vec![busy()]), ("status", vec![Reply::json(200, COMPLETED)]), result()];
    let server = server(&script).await;
    assert_eq!(followed(&server).await.1.ok(), Some(json!({ "ok": 1 })));
}
