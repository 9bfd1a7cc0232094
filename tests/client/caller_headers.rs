//! Headers of the caller that would change what the client sends.

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::{Client, ErrorKind};
use fal_emulator::Operation;

use crate::support::emulator::{mistakes, start_instant};

const REFUSED: [(&str, &str); 8] = [
    ("content-type", "text/plain"),
    ("Content-Type", "application/json"),
    ("CONTENT-TYPE", "application/json"),
    ("content-encoding", "gzip"),
    ("content-length", "3"),
    ("transfer-encoding", "chunked"),
    ("authorization", "Key a:b"),
    ("Authorization", "Bearer a"),
];

#[tokio::test]
async fn headers_of_the_body_and_the_key_are_refused_by_every_call() {
    let emulator = start_instant().await;
    let endpoint = emulator.client().endpoint(redux::ENDPOINT);
    let input = || redux::Input::builder().image_url("https://example.com/fox.png");
    for (name, value) in REFUSED {
        for error in [
            endpoint.run(input()).header(name, value).await.map(drop).expect_err(name),
            endpoint.submit(input()).header(name, value).await.map(drop).expect_err(name),
            endpoint.subscribe(input()).header(name, value).await.map(drop).expect_err(name),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name}: {error}");
            assert!(error.to_string().to_lowercase().contains(&name.to_lowercase()), "{name}: {error}");
        }
        let error = Client::builder().key("a:b").header(name, value).build().expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Configuration, "{name}: {error}");
    }
    assert!(emulator.requests().is_empty());
}

#[tokio::test]
async fn other_headers_leave_the_content_type_as_it_is() {
    let emulator = start_instant().await;
    let client = emulator.client_builder().header("x-team", "research").build().expect("a client");
    let input = redux::Input::builder().image_url("https://example.com/fox.png");
    client.endpoint(redux::ENDPOINT).subscribe(input).header("x-trace", "1").await.expect("an output");
    for request in emulator.requests() {
        // That there is only one, `mistakes` checks.
        let expected = (request.operation() == Operation::Submit).then_some("application/json");
        assert_eq!(request.header("content-type"), expected, "{request:?}");
    }
    assert_eq!(mistakes(&emulator), Vec::<String>::new());
}
