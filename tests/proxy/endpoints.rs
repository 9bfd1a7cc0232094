//! The list of allowed endpoints, for every kind of request.

use crate::mounted::{Mounted, builder};
use crate::server::{Reply, Server};

#[tokio::test]
async fn the_list_applies_to_every_request() {
    let fal = Server::start(|_, _| Reply::json(200, "{}")).await;
    let patterns = ["acme/painter/fast", "acme/lens", "studio/*", "labs/try-*/**", "workflows/acme/flow"];
    let proxy = builder(&fal).endpoints(patterns).allow_anyone().build().expect("a proxy");
    let proxy = Mounted::start(proxy).await;
    for (id, call, queued) in [
        ("acme/painter/fast", true, true),
        ("acme/painter", false, true),
        ("acme/painter/slow", false, false),
        ("acme/lens", true, true),
        ("acme/lens/macro", false, false),
        ("acme/lens2", false, false),
        ("other/lens", false, false),
        ("studio/any", true, true),
        ("studio/any/thing", false, false),
        ("labs/try-1", true, true),
        ("labs/try-1/a/b", true, true),
        ("labs/test", false, false),
        ("workflows/acme/flow", true, true),
        ("acme/flow", false, false),
        ("workflows/acme/other", false, false),
        ("other/painter/fast", false, false),
    ] {
        let status = |allowed: bool| if allowed { 200 } else { 403 };
        for target in [
            format!("https://fal.run/{id}"),
            format!("https://fal.run/{id}/stream"),
            format!("https://queue.fal.run/{id}"),
        ] {
            assert_eq!(proxy.send("POST", &target).await.0, status(call), "{target}");
        }
        for (method, path) in [("GET", ""), ("GET", "/status"), ("GET", "/status/stream"), ("PUT", "/cancel")] {
            let target = format!("https://queue.fal.run/{id}/requests/R1{path}");
            let (found, detail) = proxy.send(method, &target).await;
            assert_eq!(found, status(queued), "{method} {target}: {detail}");
        }
    }
}

#[tokio::test]
async fn what_is_not_switched_on_is_refused() {
    let fal = Server::start(|_, _| Reply::json(200, "{}")).await;
    let proxy = Mounted::start(builder(&fal).endpoints(["**"]).allow_anyone().build().expect("a proxy")).await;
    for (target, detail) in [
        ("https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3", "this proxy allows no uploads"),
        ("https://rest.fal.ai/tokens/", "this proxy issues no tokens"),
        ("https://queue.fal.run/acme/painter?fal_webhook=https://app.example", "this proxy does not allow webhooks"),
    ] {
        assert_eq!(proxy.send("POST", target).await, (403, detail.to_owned()));
    }
    let uploads = Mounted::start(builder(&fal).uploads(true).allow_anyone().build().expect("a proxy")).await;
    assert_eq!(uploads.send("POST", "https://fal.run/acme/painter").await.0, 403);
    let initiate = "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3";
    assert_eq!(uploads.send("POST", initiate).await.0, 200);
    assert_eq!(fal.seen().len(), 1);
}
