//! Responses that are not fal's own word about a request. Free requests are sent again. They are waited out while a request
//! is followed and while its result is fetched.

use std::time::Duration;

use fal_client::{Error, ErrorKind, ErrorType, FileInput, Repository, RetryPolicy};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::queue::{COMPLETED, QUEUED, count_of, followed, followed_by, received, server, skip, submitted};
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

/// Responses of gateways.
fn gateway() -> Vec<Reply> {
    let page = |status| Reply::text(status, "text/html", NGINX);
    let statuses =
        [408, 425, 500, 501, 502, 503, 504, 505, 507, 509, 520, 521, 522, 523, 524, 525, 526, 527, 529, 530, 599];
    let bodies = |status| [Reply::json(status, ""), Reply::json(status, r#"{"detail":"x"}"#), page(status)];
    let mut replies: Vec<Reply> = statuses.into_iter().flat_map(bodies).collect();
    replies.extend([
        page(404),
        page(400),
        Reply::json(429, "{}"),
        page(429),
        Reply::dropped(),
        Reply::json(200, "{").torn(),
    ]);
    replies
}

#[tokio::test]
async fn free_requests_are_sent_again() {
    for reply in gateway() {
        let first = reply.clone();
        let server = Server::start(move |index, seen| match (index % 2, seen.method.as_str()) {
            (0, _) => first.clone(),
            (_, "PUT") => Reply::json(202, r#"{"status":"CANCELLATION_REQUESTED"}"#),
            _ if seen.target.contains("/status") => Reply::json(200, COMPLETED),
            _ => Reply::json(200, r#"{"ok":1}"#),
        })
        .await;
        let client = server.client();
        let endpoint = client.endpoint("a/b");
        endpoint.status("R1").await.unwrap_or_else(|error| panic!("status, {reply:?}: {error}"));
        endpoint.result("R1").await.unwrap_or_else(|error| panic!("result, {reply:?}: {error}"));
        endpoint.cancel("R1").await.unwrap_or_else(|error| panic!("cancel, {reply:?}: {error}"));
        assert_eq!(server.seen().len(), 6, "{reply:?}");
    }
}

#[tokio::test]
async fn a_followed_request_survives_gateways() {
    let follow = async |reply: Reply| {
        // More failures than a single request has attempts.
        let polls = [vec![reply.clone(); 7], vec![Reply::json(200, COMPLETED)]].concat();
        let results = [vec![reply.clone(); 7], vec![output()]].concat();
        let server = polled(polls, results).await;
        assert_eq!(followed(&server).await.1.ok(), Some(json!({ "ok": 1 })), "{reply:?}");
        assert_eq!(count_of(&server, "submit"), 1);
    };
    // In parallel, because polls are some time apart.
    join_all(gateway().into_iter().map(follow)).await;
}

#[tokio::test]
async fn a_request_that_is_not_known_yet_is_followed() {
    for odd in [Reply::json(404, ""), Reply::text(404, "text/html", NGINX)] {
        let status = vec![odd.clone(), odd.clone(), Reply::json(200, COMPLETED)];
        let server = polled(status, vec![odd.clone(), odd.clone(), output()]).await;
        assert_eq!(followed(&server).await.1.ok(), Some(json!({ "ok": 1 })), "{odd:?}");
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
        let (polls, results) = ([odd.clone(), odd.clone(), Reply::json(200, COMPLETED)], [odd.clone(), output()]);
        let server = polled(polls.to_vec(), results.to_vec()).await;
        assert_eq!(followed(&server).await.1.ok(), Some(json!({ "ok": 1 })), "{odd:?}");
    }
}

#[tokio::test]
async fn a_completed_request_whose_result_is_not_ready_is_waited_for() {
    let mut odd = vec![
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
        Reply::json(202, r#"{"status":"in_progress","request_id":"R1"}"#).header("x-fal-request-id", "R1"),
        Reply::json(409, r#"{"message":"Still processing"}"#),
        Reply::text(400, "text/plain", "Request is still in progress").header("x-fal-request-id", "R1"),
        Reply::json(408, "{}").header("x-fal-request-id", "R1"),
        Reply::json(425, r#"{"detail":"Too early"}"#).header("x-fal-request-id", "R1"),
    ];
    for body in [
        r#"{"status":"in_progress"}"#,
        r#"{"error":{"message":"The request is not ready yet"}}"#,
        r#"{"detail":[{"msg":"Request has not finished"}]}"#,
        r#"{"detail":"Request is still in progress"}"#,
        r#"{"detail":"Request is still in queue"}"#,
        r#"{"cancel_url":"https://x.y/cancel","detail":"Request is still in progress","request_id":"R1",
            "response_url":"https://x.y/","status_url":"https://x.y/status"}"#,
        r#"{"status":"IN_PROGRESS"}"#,
        r#"{"status":"in_progress"}"#,
        r#"{"status":"IN_QUEUE"}"#,
    ] {
        odd.extend([Reply::json(400, body), Reply::json(400, body).header("x-fal-request-id", "R1")]);
    }
    for odd in odd {
        let early = vec![odd.clone(); 3];
        let server = polled(vec![Reply::json(200, COMPLETED)], [early, vec![output()]].concat()).await;
        assert_eq!(followed(&server).await.1.ok(), Some(json!({ "ok": 1 })), "{odd:?}");
        assert_eq!(count_of(&server, "submit"), 1);
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
        (Reply::json(200, COMPLETED), id(Reply::json(400, "{}"))),
        (Reply::json(200, COMPLETED), id(Reply::json(422, "{}"))),
        (Reply::json(200, COMPLETED), id(Reply::json(499, "{}"))),
        (Reply::json(200, COMPLETED), id(Reply::json(500, r#"{"detail":"model failed"}"#))),
        (Reply::json(200, COMPLETED), id(Reply::json(503, "{}"))),
        (Reply::json(200, COMPLETED), id(Reply::json(504, r#"{"detail":"slow"}"#))),
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
    let (done, ()) = tokio::join!(client.endpoint("a/b").wait("R1").send(), time);
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
async fn downloads_and_uploads_are_sent_again() {
    for status in [408, 425, 429, 500, 501, 502, 503, 504, 520, 522, 524, 530] {
        let server = Server::start(move |index, _| match index {
            0 => Reply::text(status, "text/html", "<html>"),
            _ => Reply::text(200, "image/png", "bytes"),
        })
        .await;
        let url = format!("{}/a.png", server.base());
        let bytes = server.client().download_bytes(url.as_str()).await;
        assert_eq!(bytes.unwrap_or_else(|error| panic!("{status}: {error}")), &b"bytes"[..]);

        let base = server.base().to_owned();
        let server = Server::start(move |index, seen| match index {
            _ if seen.target.contains("/initiate") => {
                let urls = json!({ "upload_url": format!("{base}/put"), "file_url": "http://x.y/z" });
                Reply::json(200, &Value::to_string(&urls))
            }
            _ => Reply::json(status, ""),
        })
        .await;
        let client = server.builder().retry(RetryPolicy::none()).build().expect("a client");
        let file = FileInput::bytes(&b"abc"[..], "text/plain");
        let upload = client.storage().upload(file).repository(Repository::Signed);
        upload.await.unwrap_or_else(|error| panic!("{status}: {error}"));
    }
}

#[tokio::test]
async fn refused_downloads_are_final() {
    for status in [400, 401, 403, 410, 416] {
        let server = Server::start(move |_, _| Reply::text(status, "text/html", "<html>")).await;
        let url = format!("{}/a.png", server.base());
        let error = server.client().download_bytes(url.as_str()).await.expect_err("refused");
        assert_eq!((server.seen().len(), error.is_retryable()), (1, false), "{status}: {error}");
    }
}
