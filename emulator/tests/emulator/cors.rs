//! Requests of web pages on the same machine.

use fal_emulator::{Emulator, Fault, Operation, Pace};
use reqwest::Method;
use serde_json::json;

use crate::fal::{Fal, INPAINTING, inpainting, send};

const PAGE: &str = "http://localhost:5173";

#[tokio::test]
async fn preflight_allows_what_it_names() {
    let fal = Fal::instant().await;
    for path in [&format!("/fal.run/{INPAINTING}"), "/rest.fal.ai/storage/upload/initiate", "/v3.fal.media/files/x"] {
        let preflight = fal
            .anonymous(Method::OPTIONS, path)
            .header("origin", PAGE)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type,x-fal-queue-priority")
            .header("access-control-request-private-network", "true");
        let reply = send(preflight).await;
        assert_eq!(reply.status, 204, "{path}");
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
        assert!(reply.header("access-control-allow-methods").unwrap().contains("PUT"));
        let headers = reply.header("access-control-allow-headers");
        assert_eq!(headers, Some("authorization,content-type,x-fal-queue-priority"));
        assert_eq!(reply.header("access-control-allow-private-network"), Some("true"));
    }
    assert!(fal.requests().is_empty(), "a preflight is not a request of the program");
}

#[tokio::test]
async fn pages_read_every_response() {
    let fal = Fal::start(Emulator::builder().pace(Pace::instant())).await;
    fal.inject_fault(Operation::Run, Fault::respond(503));
    let run = || {
        let request = fal.request(Method::POST, &format!("/fal.run/{INPAINTING}"));
        send(request.header("origin", PAGE).json(&inpainting()))
    };
    for status in [503, 200] {
        let reply = run().await;
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (status, Some("*")));
        assert_eq!(reply.header("access-control-expose-headers"), Some("*"));
    }
    let plain = fal.run(INPAINTING, &inpainting()).await;
    assert_eq!(plain.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn pages_elsewhere_are_refused() {
    let fal = Fal::instant().await;
    let preflight = fal.anonymous(Method::OPTIONS, &format!("/fal.run/{INPAINTING}"));
    let preflight = preflight.header("origin", "https://evil.test").header("access-control-request-method", "POST");
    let reply = send(preflight).await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (403, None));
    let options = send(fal.request(Method::OPTIONS, &format!("/fal.run/{INPAINTING}"))).await;
    assert_eq!((options.status, options.body), (405, json!({ "detail": "Method Not Allowed" })));
}
