//! The platform API without async.

use fal_client::blocking::{Call, Iterate};
use fal_client::platform::Model;
use serde_json::json;

use crate::support::{start, values};

#[tokio::test(flavor = "multi_thread")]
async fn calls_and_lists_block() {
    let server = start(|_, seen| match values(seen, "cursor").is_empty() {
        true => json!({ "models": [{ "endpoint_id": "o/a" }], "prices": [], "next_cursor": "p1" }),
        false => json!({ "models": [{ "endpoint_id": "o/b" }], "prices": [], "next_cursor": null }),
    })
    .await;
    let builder = server.builder().api_host(format!("{}/api", server.base()));
    let calls = move || {
        let platform = builder.build_blocking()?.platform();
        let models: Vec<Model> = platform.models().stream().iter().collect::<Result<_, _>>()?;
        let ids: Vec<String> = models.into_iter().map(|model| model.endpoint_id).collect();
        let page = platform.models().limit(1).page().call()?;
        platform.prices(["o/a"]).call()?;
        platform.delete_payloads("r-1").call()?;
        Ok::<_, fal_client::Error>((ids, page.next_cursor))
    };
    let (ids, next_cursor) = tokio::task::spawn_blocking(calls).await.expect("a thread").expect("responses");
    assert_eq!((ids, next_cursor.as_deref()), (vec!["o/a".to_owned(), "o/b".to_owned()], Some("p1")));
}
