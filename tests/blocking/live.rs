//! Streams of outputs, realtime connections and tokens.

use std::time::Duration;

use fal_client::blocking::{Call, Iterate};

use crate::service::{ENDPOINT, Service, input};

#[test]
fn output_streams_are_iterators() {
    let service = Service::instant();
    let endpoint = service.client().endpoint(ENDPOINT);
    let mut outputs = 0;
    for event in endpoint.stream(input()).iter() {
        outputs += usize::from(event.expect("an event").output().is_some());
    }
    assert!(outputs > 0);
    let last = endpoint.stream(input()).finish().call().expect("an event");
    assert!(last.output().is_some());
    // A stream that is kept is read to its end later.
    let mut stream = endpoint.stream(input());
    (&mut stream).iter().next().expect("an event").expect("no error");
    assert!(stream.request_id().is_some());
    assert_eq!(stream.iter().count(), outputs - 1);
}

#[test]
fn tokens_are_created() {
    let service = Service::instant();
    let token = service.client().tokens().create(ENDPOINT, Duration::from_secs(60)).call().expect("a token");
    assert_eq!(token.ttl(), Duration::from_secs(60));
}

#[cfg(feature = "realtime")]
mod realtime {
    use super::*;
    use crate::service::assert_misplaced;

    #[test]
    fn realtime_connections_send_and_receive() {
        let service = Service::instant();
        let mut connection = service.client().endpoint(ENDPOINT).realtime().call().expect("a connection");
        for _ in 0..3 {
            connection.send(input()).call().expect("sent");
            let result = connection.next().call().expect("a result").expect("no error");
            assert!(result["images"].is_array(), "{result}");
        }
        service.runtime.block_on(async {
            assert_misplaced(connection.next().call().expect("an item"), "async task");
            assert_misplaced(connection.send(input()).call(), "async task");
        });
        connection.close().call().expect("closed");
    }

    #[test]
    fn halves_of_a_connection_work_in_different_threads() {
        const COUNT: usize = 20;

        let service = Service::instant();
        let connection = service.client().endpoint(ENDPOINT).realtime().call().expect("a connection");
        let (mut sink, stream) = connection.split();
        let sending = std::thread::spawn(move || {
            for _ in 0..COUNT {
                sink.send(input()).call().expect("sent");
            }
            sink
        });
        let results = stream.iter().take(COUNT).map(|result| result.expect("a result"));
        assert_eq!(results.count(), COUNT);
        // Dropping the halves outside of a call closes the connection.
        drop(sending.join().expect("not a panic"));
    }

    #[test]
    fn direct_runs_share_a_connection() {
        let service = Service::instant();
        let mut connection = service.client().endpoint(ENDPOINT).run_connection().call().expect("a connection");
        for _ in 0..2 {
            connection.run(input()).call().expect("a response");
        }
        connection.close().call().expect("closed");
    }
}
