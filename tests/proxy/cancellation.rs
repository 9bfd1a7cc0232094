//! Callers that disconnect: the request to fal ends with theirs.

use crate::mounted::open;
use crate::server::{Reply, Server};

const RUN: &str = "https://fal.run/acme/painter";
const STREAM: &str = "https://fal.run/acme/painter/stream";

#[tokio::test]
async fn disconnected_callers_leave_no_connection_and_no_task() {
    let json = Reply::json(200, r#"{"images":[]}"#);
    let events = Reply::events(&["{}", "{}"]);
    for (target, reply) in [(RUN, json), (STREAM, events)] {
        for held in [Reply::never(), reply.clone().held_after(0), reply.held_after(10)] {
            let fal = Server::start(move |_, _| held.clone()).await;
            let proxy = open(&fal).await;
            let call = async { proxy.request("POST", target).send().await?.bytes().await };
            fal.hold_and_drop(call).await;
        }
    }
}
