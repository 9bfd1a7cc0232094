//! Pages, streams and batches, by the list of models.

use fal_client::ErrorKind;
use fal_client::platform::Model;
use futures_util::{StreamExt, TryStreamExt};
use serde_json::{Value, json};

use crate::server::{Reply, Server};
use crate::support::{error, platform, start, start_with, values};

fn model(id: impl Into<String>) -> Value {
    json!({ "endpoint_id": id.into() })
}

fn ids(models: &[Model]) -> Vec<&str> {
    models.iter().map(|model| &*model.endpoint_id).collect()
}

/// Three pages of two models.
async fn pages() -> Server {
    start(|_, seen| {
        let page: usize = values(seen, "cursor").first().map_or(0, |cursor| cursor[1..].parse().expect("a cursor"));
        let models = [2 * page, 2 * page + 1].map(|index| model(format!("o/m{index}")));
        let next = (page < 2).then(|| format!("p{}", page + 1));
        json!({ "models": models, "next_cursor": next, "has_more": page < 2 })
    })
    .await
}

#[tokio::test]
async fn streams_have_the_items_of_all_pages() {
    let server = pages().await;
    let models: Vec<Model> = platform(&server).models().limit(2).stream().try_collect().await.expect("models");
    assert_eq!(ids(&models), ["o/m0", "o/m1", "o/m2", "o/m3", "o/m4", "o/m5"]);
    let expected = ["/api/v1/models?limit=2", "/api/v1/models?limit=2&cursor=p1", "/api/v1/models?limit=2&cursor=p2"];
    assert_eq!(server.lines(), expected.map(|target| format!("GET {target}")));
}

#[tokio::test]
async fn a_page_is_fetched_when_its_items_are_needed() {
    let server = pages().await;
    let mut models = platform(&server).models().stream();
    assert_eq!(server.opened(), 0);
    for (index, requests) in [(0, 1), (1, 1), (2, 2)] {
        let model = models.next().await.expect("a model").expect("a model");
        assert_eq!((model.endpoint_id, server.seen().len()), (format!("o/m{index}"), requests));
    }
}

#[tokio::test]
async fn single_pages_continue_at_their_cursor() {
    let server = pages().await;
    let platform = platform(&server);
    let first = platform.models().page().await.expect("a page");
    assert_eq!((ids(&first.items), first.next_cursor.as_deref()), (vec!["o/m0", "o/m1"], Some("p1")));
    let last = platform.models().cursor("p2").page().await.expect("a page");
    assert_eq!((ids(&last.items), last.next_cursor), (vec!["o/m4", "o/m5"], None));
    let rest: Vec<Model> = platform.models().cursor("p1").stream().try_collect().await.expect("models");
    assert_eq!(ids(&rest), ["o/m2", "o/m3", "o/m4", "o/m5"]);
}

#[tokio::test]
async fn odd_items_do_not_cost_their_page() {
    let page = r#"{ "models": [null, 7, "o/a", [], {}, { "endpoint_id": null }, { "endpoint_id": "o/b", "metadata": "x", "more": {} },
        { "endpoint_id": "o/c", "metadata": { "tags": "new", "status": 3, "duration_estimate": NaN } }], "extra": 1 }"#;
    let server = start_with(&[page]).await;
    let page = platform(&server).models().page().await.expect("a page");
    assert_eq!((ids(&page.items), page.skipped), (vec!["o/b", "o/c"], 6));
    assert_eq!(page.items[0].metadata, None);
}

#[tokio::test]
async fn odd_ends_of_lists_end_them() {
    for end in [
        r#""has_more": false"#,
        r#""next_cursor": null"#,
        r#""next_cursor": """#,
        r#""next_cursor": "p9", "has_more": false"#,
        r#""next_cursor": "p9", "has_more": "false""#,
        r#""has_more": null"#,
    ] {
        let server = start_with(&[&format!(r#"{{ "models": [{{ "endpoint_id": "o/a" }}], {end} }}"#)]).await;
        let models: Vec<Model> = platform(&server).models().stream().try_collect().await.expect(end);
        assert_eq!((ids(&models), server.seen().len()), (vec!["o/a"], 1), "{end}");
    }
    let server = start_with(&[r#"{ "models": null }"#]).await;
    assert_eq!(platform(&server).models().page().await.expect("a page").items, []);
}

#[tokio::test]
async fn repeated_cursors_end_the_stream_with_an_error() {
    for cursors in [&["p1"][..], &["p1", "p2"], &["p1", "p2", "p3", "p2"]] {
        let next: Vec<String> = cursors.iter().map(|cursor| (*cursor).to_owned()).collect();
        let server = start(move |index, _| {
            json!({ "models": [model(format!("o/m{index}"))], "next_cursor": next[index % next.len()], "has_more": true })
        })
        .await;
        let results: Vec<_> = platform(&server).models().stream().collect().await;
        let (last, models) = results.split_last().expect("results");
        let error = last.as_ref().expect_err("a repeated cursor");
        assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
        assert!(error.to_string().contains("twice"), "{error}");
        assert!(models.iter().all(Result::is_ok) && models.len() <= 3 * cursors.len(), "{} models", models.len());
    }
}

#[tokio::test]
async fn incomplete_lists_are_errors_after_their_items() {
    let long = "c".repeat(5000);
    for (end, words) in [
        (r#""has_more": true"#.to_owned(), "no cursor"),
        (r#""has_more": true, "next_cursor": null"#.to_owned(), "no cursor"),
        (format!(r#""next_cursor": "{long}""#), "exceeds 4096 bytes"),
    ] {
        let server = start_with(&[&format!(r#"{{ "models": [{{ "endpoint_id": "o/a" }}], {end} }}"#)]).await;
        let results: Vec<_> = platform(&server).models().stream().collect().await;
        let [Ok(model), Err(error)] = &results[..] else { panic!("{results:?}") };
        assert_eq!(model.endpoint_id, "o/a");
        assert!(error.to_string().contains(words), "{error}");
        assert!(platform(&server).models().page().await.is_err_and(|error| error.to_string().contains(words)));
    }
}

#[tokio::test]
async fn endless_empty_pages_are_an_error() {
    let server = start(|index, _| json!({ "models": [], "next_cursor": format!("p{index}"), "has_more": true })).await;
    let results: Vec<_> = platform(&server).models().stream().collect().await;
    let [Err(error)] = &results[..] else { panic!("{results:?}") };
    assert!(error.to_string().contains("100 pages without new items"), "{error}");
    assert_eq!(server.seen().len(), 100);
}

#[tokio::test]
async fn other_responses_are_errors() {
    for body in [
        "",
        "[]",
        "{}",
        "null",
        "<html>x</html>",
        r#"{"models": {}}"#,
        r#"{"prices": []}"#,
        r#"{"error": {"message": "x"}}"#,
    ] {
        let server = start_with(&[body]).await;
        let error = platform(&server).models().page().await.expect_err(body);
        assert_eq!(error.kind(), ErrorKind::UnexpectedResponse, "{body}");
        assert!(error.to_string().starts_with("list of models: fal returned no list"), "{error}");
    }
}

#[tokio::test]
async fn a_failure_ends_a_stream_after_the_pages_before() {
    let server = Server::start(|index, _| match index {
        0 => Reply::json(200, r#"{ "models": [{ "endpoint_id": "o/a" }], "next_cursor": "p1" }"#),
        _ => Reply::json(400, &error("validation_error", "bad cursor")),
    })
    .await;
    let results: Vec<_> = platform(&server).models().stream().collect().await;
    let [Ok(_), Err(error)] = &results[..] else { panic!("{results:?}") };
    assert!(error.is_invalid_input(), "{error}");
}

#[tokio::test]
async fn more_than_fifty_ids_are_split_into_batches() {
    let server = start(|_, seen| {
        let models: Vec<Value> = values(seen, "endpoint_id").into_iter().map(model).collect();
        // Each batch has pages of its own.
        let (first, second) = models.split_at(models.len() / 2);
        match values(seen, "cursor").first() {
            None => json!({ "models": first, "next_cursor": "p1" }),
            Some(_) => json!({ "models": second, "next_cursor": null }),
        }
    })
    .await;
    let all: Vec<String> = (0..120).map(|index| format!("o/m{index}")).collect();
    let twice = all.iter().chain(&all).cloned();
    let models: Vec<Model> = platform(&server).models().ids(twice).stream().try_collect().await.expect("models");
    assert_eq!(ids(&models), all);
    let sizes: Vec<usize> = server.seen().iter().map(|seen| values(seen, "endpoint_id").len()).collect();
    assert_eq!(sizes, [50, 50, 50, 50, 20, 20]);
    let error = platform(&server).models().ids(all).page().await.expect_err("too many");
    assert_eq!(error.to_string(), "120 values of endpoint_id for one page: expected at most 50; use `stream`");
}

#[tokio::test]
async fn no_ids_are_an_empty_list_without_a_request() {
    let server = pages().await;
    let platform = platform(&server);
    let none: [&str; 0] = [];
    assert_eq!(platform.models().ids(none).page().await.expect("a page").items, []);
    let models: Vec<Model> = platform.models().ids(none).stream().try_collect().await.expect("models");
    let usage: Vec<_> = platform.usage().endpoints(none).stream().try_collect().await.expect("usage");
    let requests: Vec<_> = platform.requests(none).stream().try_collect().await.expect("requests");
    assert!(models.is_empty() && usage.is_empty() && requests.is_empty());
    assert!(platform.prices(none).await.expect("prices").is_empty());
    assert_eq!(server.opened(), 0);
}

#[tokio::test]
async fn invalid_settings_are_refused_before_sending() {
    let server = pages().await;
    let platform = platform(&server);
    let results = [
        platform.models().limit(0).page().await.map(drop),
        platform.models().ids(["o/a", "flux"]).page().await.map(drop),
        platform.models().ids(["o/a,o/b"]).page().await.map(drop),
        platform.requests(["o/a"]).limit(101).page().await.map(drop),
        platform.requests(["o/a"]).start("yesterday").page().await.map(drop),
        platform.requests(["o/a"]).request_id("a/b").page().await.map(drop),
        platform.search_requests().min_similarity(1.5).page().await.map(drop),
        platform.search_requests().min_similarity(f64::NAN).page().await.map(drop),
        platform.usage().api_keys([""; 51]).page().await.map(drop),
        platform.usage().usernames([""; 0]).page().await.map(drop),
    ];
    let messages: Vec<String> = results.map(|result| result.expect_err("invalid").to_string()).into();
    assert_eq!(
        messages,
        [
            "invalid page size 0: expected at least 1",
            "invalid endpoint id \"flux\": the application is missing; expected `owner/app` or `owner/app/path`",
            "invalid endpoint id \"o/a,o/b\": the character ',' is not allowed; expected `owner/app` or `owner/app/path`",
            "invalid page size 101: expected 1 to 100",
            "invalid start \"yesterday\": expected a time (RFC 3339) or a date from 1970 on",
            "invalid request id `a/b`: expected at most 256 letters, digits, `-`, `_`, `.` and `~`",
            "invalid similarity 1.5: expected 0 to 1",
            "invalid similarity NaN: expected 0 to 1",
            "invalid api_key_id: 51 values; expected 1 to 50",
            "invalid login_username: 0 values; expected 1 to 50",
        ]
    );
    let results: Vec<_> = platform.models().limit(0).stream().collect().await;
    assert!(matches!(&results[..], [Err(error)] if error.is_invalid_input()), "{results:?}");
    assert_eq!(server.opened(), 0);
}

#[tokio::test]
async fn dropping_a_stream_closes_its_connection() {
    let server = Server::start(|index, _| match index {
        0 => Reply::json(200, r#"{ "models": [{ "endpoint_id": "o/a" }], "next_cursor": "p1" }"#),
        _ => Reply::json(200, "{").stalled(),
    })
    .await;
    let mut models = platform(&server).models().stream();
    models.next().await.expect("a model").expect("a model");
    server.hold_and_drop(async move { models.next().await.map(|_| ()) }).await;
}

#[tokio::test]
async fn calls_can_be_spawned() {
    let server = start(|_, _| json!({ "models": [model("o/a")], "prices": [] })).await;
    let platform = platform(&server);
    let (one, other) = (platform.clone(), platform.clone());
    let model = tokio::spawn(async move { one.model("o/a").await });
    let prices = tokio::spawn(platform.prices(["o/a"]).send());
    let models = tokio::spawn(async move { other.models().stream().try_collect::<Vec<Model>>().await });
    assert_eq!(model.await.expect("a task").expect("a model").endpoint_id, "o/a");
    assert!(prices.await.expect("a task").expect("prices").is_empty());
    assert_eq!(models.await.expect("a task").expect("models").len(), 1);
}
