//! Reservations of requests whose results come by webhook, without billed units. A call is expected to cost 0.1 dollars.

use std::time::Duration;

use fal_client::webhook::Receiver;
use fal_emulator::{Fault, Operation};

use crate::support::{ENDPOINT, assert_amounts, budget, client, dollars, emulator, input};

#[tokio::test]
async fn expected_cost_is_spent_unless_the_request_is_surely_not_billed() {
    let emulator = emulator().await;
    let budget = budget("1");
    let client = client(&emulator, &budget);
    let receiver = Receiver::new(&client);
    let app = axum::Router::new().route("/fal", axum::routing::post(receiver.handler()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/fal", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move { axum::serve(listener, app).await.expect("a server") });
    for (fault, is_output, spent) in
        [(Fault::none(), true, "0.1"), (Fault::outcome(500), false, "0.1"), (Fault::outcome(422), false, "0.2")]
    {
        emulator.inject_fault(Operation::Submit, fault);
        let job = client.endpoint(ENDPOINT).submit(input()).webhook(&url).await.expect("a job");
        assert_eq!(budget.reserved(), dollars("0.1"));
        let result = receiver.wait(&job).check_every(Duration::MAX).await;
        assert_eq!(result.is_ok(), is_output, "{result:?}");
        assert!(result.ok().is_none_or(|response| response.endpoint == ENDPOINT));
        assert_amounts(&budget, spent, "0");
    }
    server.abort();
}
