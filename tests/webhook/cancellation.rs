//! Dropped waits for webhooks.

use std::time::Duration;

use fal_client::webhook::Receiver;
use futures_util::FutureExt;
use serde_json::Value;

use crate::server::{Reply, Server, ended, tasks};

#[tokio::test]
async fn dropped_waits_leave_no_connection_and_no_task() {
    let status = Reply::json(200, r#"{"status":"COMPLETED"}"#);
    for held in [Reply::never(), status.clone().held_after(0), status.held_after(5)] {
        let server = Server::start(move |_, _| held.clone()).await;
        let client = server.client();
        let receiver = Receiver::new(&client);
        let job = client.endpoint("a/b").job("R1");
        let before = tasks();
        let mut wait = receiver.wait::<Value>(&job).send();
        assert!(wait.as_mut().now_or_never().is_none());
        assert_eq!(tasks(), before, "a wait has no task");
        // It checks the status after a minute without a delivery.
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(61)).await;
        tokio::time::resume();
        server.hold_and_drop(wait).await;
        ended(before).await;
    }
}
