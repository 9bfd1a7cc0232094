//! Tokens, whose scope must not exceed the allowed endpoints.

use std::time::Duration;

use serde_json::json;

use crate::mounted::{Mounted, builder, outcome};
use crate::server::{Reply, Server};

#[tokio::test]
async fn tokens_for_allowed_endpoints_are_forwarded() {
    let fal = Server::start(|_, _| Reply::json(200, "\"a-token\"")).await;
    let builder = builder(&fal).endpoints(["acme/painter/**", "acme/lens/macro"]).tokens(Duration::from_secs(120));
    let proxy = Mounted::start(builder.allow_anyone().build().expect("a proxy")).await;
    let ask = |path: &str, body: serde_json::Value| {
        proxy.request("POST", &format!("https://rest.fal.ai{path}")).body(body.to_string())
    };
    let request = ask("/tokens/", json!({ "allowed_apps": ["painter"], "token_expiration": 120, "user": "other" }));
    let response = request.send().await.expect("a response");
    assert_eq!((response.status().as_u16(), response.text().await.expect("a body")), (200, "\"a-token\"".to_owned()));
    let request = ask("/tokens/realtime", json!({ "allowed_apps": ["acme/painter/fast/realtime"], "duration": 60 }));
    assert_eq!(outcome(request).await.0, 200);
    let seen = fal.seen();
    assert_eq!(fal.lines(), ["POST /rest/tokens/", "POST /rest/tokens/realtime"]);
    assert_eq!(seen[0].json(), json!({ "allowed_apps": ["painter"], "token_expiration": 120 }));
    assert_eq!(seen[1].json(), json!({ "allowed_apps": ["acme/painter/fast/realtime"], "duration": 60 }));

    for (body, status) in [
        (json!({ "allowed_apps": ["lens"], "token_expiration": 120 }), 403),
        (json!({ "allowed_apps": ["painter"], "token_expiration": 121 }), 403),
        (json!({ "allowed_apps": ["painter"] }), 400),
        (json!({ "allowed_apps": ["painter".repeat(10_000)], "token_expiration": 120 }), 413),
    ] {
        assert_eq!(outcome(ask("/tokens/", body.clone())).await.0, status, "{body}");
    }
    assert_eq!(fal.seen().len(), 2);
}
