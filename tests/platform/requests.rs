//! The history of requests.

use std::time::{Duration, SystemTime};

use fal_client::platform::{RequestRecord, RequestSort, RequestStatus};
use futures_util::TryStreamExt;
use serde_json::json;

use crate::support::{platform, start_with, values};

const PAGE: &str = r#"{ "items": [
    { "request_id": "r1", "endpoint_id": "o/a", "sent_at": "2026-01-02T03:04:05.5Z", "started_at": "2026-01-02T03:04:06Z",
      "ended_at": "2026-01-02T03:04:09Z", "status_code": 200, "duration": 3.5,
      "json_input": { "prompt": "a secret fox" }, "json_output": { "images": [] } },
    { "request_id": "r2", "endpoint_id": "o/a", "sent_at": "2026-01-02T03:04:05Z", "ended_at": null, "status_code": null, "duration": null },
    { "request_id": "r3", "status_code": "422", "json_input": null },
    { "endpoint_id": "o/a" },
    { "request_id": 4, "endpoint_id": "o/a", "status_code": 503, "sent_at": 17, "json_input": "text" }
    ], "next_cursor": null, "has_more": false }"#;

#[tokio::test]
async fn filters_are_parameters() {
    let server = start_with(&[PAGE]).await;
    let start = SystemTime::UNIX_EPOCH + Duration::from_millis(1_767_323_045_678);
    let requests =
        platform(&server).requests(["o/a", "o/b"]).start(start).end("2026-02-01").status(RequestStatus::Success);
    let requests = requests.request_id("r1").sort_by(RequestSort::Duration).payloads(true).limit(100);
    requests.page().await.expect("a page");
    let query = "start=2026-01-02T03%3A04%3A05.678Z&end=2026-02-01&status=success&request_id=r1&sort_by=duration&expand=payloads\
                 &endpoint_id=o%2Fa&endpoint_id=o%2Fb&limit=100";
    assert_eq!(server.lines(), [format!("GET /api/v1/models/requests/by-endpoint?{query}")]);
}

#[tokio::test]
async fn records_are_read_leniently() {
    let server = start_with(&[PAGE]).await;
    let page = platform(&server).requests(["o/a"]).payloads(true).page().await.expect("a page");
    let [first, running, rejected, failed] = &page.items[..] else { panic!("{page:?}") };
    assert_eq!(page.skipped, 1);
    assert_eq!((&*first.request_id, &*first.endpoint_id), ("r1", "o/a"));
    let sent = first.sent_at.as_ref().and_then(|time| time.to_system_time());
    assert_eq!(sent, Some(SystemTime::UNIX_EPOCH + Duration::from_millis(1_767_323_045_500)));
    assert_eq!((first.status(), first.duration), (Some(RequestStatus::Success), Some(3.5)));
    assert_eq!(first.input, Some(json!({ "prompt": "a secret fox" })));
    assert_eq!(first.output, Some(json!({ "images": [] })));
    assert_eq!((running.status(), &running.ended_at, running.duration), (None, &None, None));
    assert_eq!((rejected.status(), &*rejected.endpoint_id), (Some(RequestStatus::UserError), ""));
    assert_eq!((&*failed.request_id, failed.status()), ("4", Some(RequestStatus::Error)));
    assert_eq!((&failed.input, &failed.output), (&Some(json!("text")), &None));
    let shown = format!("{page:?}");
    assert!(shown.contains("r1") && !shown.contains("fox"), "{shown}");
}

#[tokio::test]
async fn searches_have_one_subject() {
    let server =
        start_with(&[r#"{ "results": [{ "request_id": "r1", "endpoint_id": "o/a", "similarity": 0.75 }] }"#]).await;
    let search = platform(&server).search_requests().image_url("https://x.example/a.png").query("a secret fox");
    let search = search.min_similarity(0.5).endpoints(["o/a"]).with_api_key(false).with_api_key(true).limit(5);
    assert!(!format!("{search:?}").contains("fox"));
    let found: Vec<RequestRecord> = search.stream().try_collect().await.expect("requests");
    assert_eq!(found[0].similarity, Some(0.75));
    let seen = &server.seen()[0];
    assert!(seen.target.starts_with("/api/v1/models/requests/search?"));
    for (name, value) in [
        ("query", Some("a secret fox")),
        ("image_url", None),
        ("min_similarity", Some("0.5")),
        ("endpoint_id", Some("o/a")),
        ("only_api_requests", Some("true")),
        ("exclude_api_requests", None),
        ("limit", Some("5")),
    ] {
        assert_eq!(values(seen, name), value.into_iter().collect::<Vec<_>>(), "{name}");
    }
}

#[tokio::test]
async fn many_endpoints_are_split_into_batches() {
    let server = start_with(&[r#"{ "items": [{ "request_id": "r" }] }"#]).await;
    let requests = platform(&server).requests((0..60).map(|index| format!("o/m{index}"))).stream();
    let requests: Vec<RequestRecord> = requests.try_collect().await.expect("requests");
    assert_eq!((requests.len(), server.seen().len()), (2, 2));
}

#[tokio::test]
async fn large_payloads_are_read_up_to_the_limit_of_outputs() {
    let text = "x".repeat(20 << 20);
    let page = json!({ "items": [{ "request_id": "r1", "json_input": { "image": text } }, { "request_id": "r2" }] });
    let server = start_with(&[&page.to_string()]).await;
    let page = platform(&server).requests(["o/a"]).payloads(true).page().await.expect("a page");
    assert!(page.items.len() == 2 && page.items[0].input == Some(json!({ "image": text })));
    let builder = server.builder().api_host(format!("{}/api", server.base())).max_output_size(1 << 20);
    let small = builder.build().expect("a client").platform();
    let error = small.requests(["o/a"]).payloads(true).page().await.expect_err("too large");
    assert!(error.to_string().contains("exceeds the limit of 1048576 bytes"), "{error}");
}

#[tokio::test]
async fn deep_and_broken_payloads_do_not_cost_their_page() {
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    let items = [
        format!(r#"{{ "request_id": "r1", "json_input": {deep}, "json_output": {{ "a": NaN, "b": "\ud83e" }} }}"#),
        r#"{ "request_id": "r2", "json_input": "tab\there" }"#.replace("\\t", "\t"),
    ];
    let server = start_with(&[&format!(r#"{{ "items": [{}] }}"#, items.join(","))]).await;
    let page = platform(&server).requests(["o/a"]).payloads(true).page().await.expect("a page");
    assert_eq!(page.items.len(), 2);
    assert_eq!((&page.items[0].input, &page.items[0].output), (&None, &Some(json!({ "a": null, "b": "\u{fffd}" }))));
    assert_eq!(page.items[1].input, Some(json!("tab\there")));
}

#[tokio::test]
async fn times_are_sent_in_utc() {
    let server = start_with(&[r#"{ "items": [] }"#]).await;
    for (time, sent) in [
        ("2026-01-02", "2026-01-02"),
        (" 2026-1-2 ", "2026-01-02"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"),
        ("2026-01-02 03:04:05", "2026-01-02T03:04:05.000Z"),
        ("2026-01-01t20:34:05.5-0630", "2026-01-02T03:04:05.500Z"),
        ("2026-01-02T05:04:05.678901+02:00", "2026-01-02T03:04:05.678901Z"),
        ("2025-12-31T23:59:60Z", "2026-01-01T00:00:00.000Z"),
        ("2026-01-02T03:04:05.1234567899Z", "2026-01-02T03:04:05.123456Z"),
    ] {
        platform(&server).requests(["o/a"]).start(time).end(time).page().await.expect(time);
        let seen = server.seen();
        let seen = seen.last().expect("a request");
        assert_eq!((values(seen, "start"), values(seen, "end")), (vec![sent.to_owned()], vec![sent.to_owned()]));
    }
    let requests = server.seen().len();
    for time in
        ["", "2026-02-29", "2026-01-02T03:04Z", "2026-01-02T03:04:05+24:00", "2026-01-02T03:04:05 UTC", "1767323045"]
    {
        let error = platform(&server).requests(["o/a"]).end(time).page().await.expect_err(time);
        assert!(error.is_invalid_input(), "{error}");
    }
    assert_eq!(server.seen().len(), requests);
}
