//! Statuses that cannot be read. A poll is repeated, an event is skipped, and a flaw next to the status does not matter.

use fal_client::{ErrorKind, LogEntry, QueueUpdate, RetryPolicy};
use serde_json::json;

use crate::support::queue::{COMPLETED, QUEUED, count_of, followed, result, running, server, submitted};
use crate::support::server::Reply;

const UNREADABLE: [&str; 14] = [
    "",
    " ",
    "<html><title>One moment</title></html>",
    r#"{"detail":"Internal"}"#,
    r#"{"error":{"message":"no money"}}"#,
    "{}",
    "null",
    "[]",
    r#"[{"status":"COMPLETED"}]"#,
    r#""COMPLETED""#,
    r#"{"status":200}"#,
    r#"{"status":null}"#,
    r#"{"status":""}"#,
    r#"{"status":"COMPLETED""#,
];

/// Statuses of completed requests with a flaw that does not matter.
fn flawed() -> Vec<String> {
    let nested = format!("{}{}", "[".repeat(500), "]".repeat(500));
    [
        r#"{"status":"COMPLETED","logs":[{"message":"a fox \ud83e"}],"metrics":{}}"#,
        r#"{"status":"COMPLETED","logs":[{"message":"\udd8a","timestamp":"\ud800"}]}"#,
        r#"{"status":"COMPLETED","metrics":{"inference_time":NaN,"x":-Infinity}}"#,
        r#"{"status":"COMPLETED","metrics":{"inference_time":1e999}}"#,
        r#"{"status":"COMPLETED","metrics":{"inference_time":"soon"},"logs":"none"}"#,
        r#"{"status":"COMPLETED","metrics":[1],"logs":[null,7,[],{"message":null},{"message":{"a":1}}]}"#,
        r#"{"status":"COMPLETED","logs":[{"message":"C:\x"}]}"#,
        "{\"status\":\"COMPLETED\",\"logs\":[{\"message\":\"\u{1b}[31mred\u{1b}[0m\"}]}",
        "\u{feff}{\"status\":\"COMPLETED\"}",
        r#"{"status":"completed"}"#,
        r#"{"status":" COMPLETED "}"#,
        r#"{"logs":NESTED,"metrics":NESTED,"status":"COMPLETED"}"#,
    ]
    .map(|text| text.replace("NESTED", &nested))
    .to_vec()
}

#[tokio::test]
async fn an_unreadable_poll_is_repeated() {
    for body in UNREADABLE {
        let status =
            vec![Reply::json(200, body), Reply::json(202, body), Reply::json(202, QUEUED), Reply::json(200, COMPLETED)];
        let server =
            server(&[submitted(), ("stream", vec![Reply::json(404, "{}")]), ("status", status), result()]).await;
        assert_eq!(followed(&server).await.1.ok(), Some(json!({ "ok": 1 })), "{body}");
        assert_eq!(count_of(&server, "status"), 4);
    }
}

#[tokio::test]
async fn unreadable_polls_end_with_the_patience() {
    let script = [submitted(), ("stream", vec![Reply::json(404, "{}")]), ("status", vec![Reply::json(200, "<html>")])];
    let server = server(&script).await;
    let client = server.builder().retry(RetryPolicy::none()).build().expect("a client");
    let error = client.endpoint("a/b").subscribe(json!({})).await.expect_err("no patience");
    assert_eq!((error.kind(), error.request_id()), (ErrorKind::UnexpectedResponse, Some("R1")));
    assert_eq!(error.body().map(|body| &body[..]), Some(&b"<html>"[..]));
}

#[tokio::test]
async fn flaws_next_to_the_status_do_not_matter() {
    for status in flawed() {
        let polls = ("status", vec![Reply::json(200, &status)]);
        for stream in [Reply::events(&[&status]), Reply::json(404, "{}")] {
            let server = server(&[submitted(), ("stream", vec![stream]), polls.clone(), result()]).await;
            assert_eq!(followed(&server).await.1.ok(), Some(json!({ "ok": 1 })), "{status}");
        }
        let server = server(&[polls]).await;
        assert!(server.client().endpoint("a/b").status("R1").await.expect(&status).is_completed());
    }
}

#[tokio::test]
async fn an_unreadable_event_hides_no_later_one() {
    let mut events = UNREADABLE.to_vec();
    let last = running("ab");
    events.extend([last.as_str(), "{", COMPLETED]);
    let server = server(&[submitted(), ("stream", vec![Reply::events(&events)]), result()]).await;
    let (messages, outcome) = followed(&server).await;
    assert_eq!((messages.as_str(), outcome.ok(), server.seen().len()), ("ab", Some(json!({ "ok": 1 })), 3));
}

#[tokio::test]
async fn streams_of_unreadable_events_give_way_to_polling() {
    let streams = vec![Reply::events(&UNREADABLE)];
    let script = [submitted(), ("stream", streams), ("status", vec![Reply::json(200, COMPLETED)]), result()];
    let server = server(&script).await;
    assert_eq!(followed(&server).await.1.ok(), Some(json!({ "ok": 1 })));
    assert_eq!((count_of(&server, "stream"), count_of(&server, "status")), (3, 1));
}

#[test]
fn saved_updates_and_lines_are_read_as_leniently() {
    let text = r#"{"status":"IN_PROGRESS","logs":[{"message":null,"level":3},null,{"message":"m","labels":7}]}"#;
    let update: QueueUpdate = serde_json::from_str(text).expect("an update");
    let messages: Vec<&str> = update.logs().iter().map(|line| line.message.as_str()).collect();
    assert_eq!(messages, ["", "m"]);
    let line: LogEntry =
        serde_json::from_str(r#"{"message":null,"timestamp":[1],"labels":{"level":"INFO"}}"#).expect("a line");
    assert_eq!((line.message.as_str(), line.timestamp, line.level.as_deref()), ("", None, Some("INFO")));
}
