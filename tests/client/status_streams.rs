//! The number of open status streams of a client, and requests that wait for a place among them.
//!
//! The clock is stopped in most tests, so that no status is polled: a request that waits only continues if it gets a place.

use std::pin::pin;
use std::time::Duration;

use fal_client::{Client, Error, JobEvent, JsonInput, RetryPolicy, Subscribe};
use fal_emulator::{Emulator, Operation, Pace};
use futures_util::future::join_all;
use futures_util::stream::{BoxStream, StreamExt};
use futures_util::{FutureExt, TryStreamExt};
use serde_json::{Value, json};

use crate::support::emulator::{count, counted, mistakes, start};
use crate::support::queue::{COMPLETED, QUEUED, count_of, received, result, server, skip, submitted};
use crate::support::server::Reply;
use crate::support::time::{settle, stop_clock};

type Updates = BoxStream<'static, Result<JobEvent<Value>, Error>>;

fn client(emulator: &Emulator, streams: usize) -> Client {
    emulator.client_builder().max_status_streams(streams).build().expect("a client")
}

fn subscribe(client: &Client) -> Subscribe<'static, JsonInput, Value> {
    client.endpoint("fal-ai/flux/dev/redux").subscribe(json!({ "image_url": "https://example.com/a.png" }))
}

/// Submits a request that waits for a place.
async fn waiting(client: &Client) -> Updates {
    let mut updates = subscribe(client).updates().boxed();
    let first = updates.try_next().await.expect("no error");
    assert!(matches!(first, Some(JobEvent::Enqueued(_))), "{first:?}");
    assert!(updates.next().now_or_never().is_none());
    updates
}

fn complete_all(emulator: &Emulator) {
    for job in emulator.jobs() {
        emulator.complete(job.request_id());
    }
}

/// Returns the counts of submissions, streams, polls and results.
fn counts(emulator: &Emulator) -> [usize; 4] {
    [Operation::Submit, Operation::StatusStream, Operation::Status, Operation::Result].map(|it| count(emulator, it))
}

#[tokio::test]
async fn requests_take_three_requests_and_share_the_places() {
    let _clock = stop_clock();
    for jobs in [100, 300] {
        let emulator = start(Pace::manual()).await;
        let client = client(&emulator, 100);
        let results = tokio::spawn(join_all((0..jobs).map(|_| subscribe(&client).send())));
        counted(&emulator, Operation::Submit, jobs).await;
        counted(&emulator, Operation::StatusStream, 100).await;
        settle().await;
        assert_eq!(counts(&emulator), [jobs, 100, 0, 0]);
        complete_all(&emulator);
        assert!(results.await.expect("no panic").iter().all(Result::is_ok));
        assert_eq!(counts(&emulator), [jobs, jobs, 0, jobs]);
        assert_eq!(mistakes(&emulator), [""; 0]);
    }
}

#[tokio::test]
async fn the_longest_wait_ends_first() {
    let emulator = start(Pace::manual()).await;
    let client = client(&emulator, 1);
    let _clock = stop_clock();
    let first = tokio::spawn(subscribe(&client).send());
    counted(&emulator, Operation::StatusStream, 1).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(waiting(&client).await);
    }
    complete_all(&emulator);
    first.await.expect("no panic").expect("a result");
    // They are polled in the opposite order.
    join_all(others.into_iter().rev().map(|updates| updates.try_collect::<Vec<_>>())).await;
    let requests = emulator.requests();
    let ids = |operation: Operation| -> Vec<&str> {
        let requests = requests.iter().filter(|request| request.operation() == operation);
        requests.filter_map(|request| request.request_id()).collect()
    };
    assert_eq!(ids(Operation::StatusStream), ids(Operation::Submit));
}

#[tokio::test]
async fn a_dropped_request_leaves_its_turn_and_its_place_to_others() {
    let emulator = start(Pace::manual()).await;
    let client = client(&emulator, 1);
    let _clock = stop_clock();
    let first = tokio::spawn(subscribe(&client).send());
    counted(&emulator, Operation::StatusStream, 1).await;
    let (second, third) = (waiting(&client).await, waiting(&client).await);
    drop(second);
    first.abort();
    assert!(first.await.is_err_and(|error| error.is_cancelled()));
    let mut third = pin!(third.try_collect::<Vec<_>>());
    tokio::select! {
        biased;
        () = counted(&emulator, Operation::StatusStream, 2) => {}
        _ = &mut third => panic!("it is not completed"),
    }
    complete_all(&emulator);
    let events = third.await.expect("a result");
    assert!(matches!(events.last(), Some(JobEvent::Completed(_))));
    assert_eq!(counts(&emulator), [3, 2, 0, 1]);
}

#[tokio::test]
async fn a_limit_of_zero_polls_every_request() {
    let emulator = start(Pace::instant()).await;
    subscribe(&client(&emulator, 0)).await.expect("a result");
    assert_eq!(counts(&emulator), [1, 0, 1, 1]);
}

#[tokio::test]
async fn a_place_is_not_taken_while_streams_are_silent() {
    let status = [vec![Reply::json(202, QUEUED); 2], vec![Reply::json(200, COMPLETED)]].concat();
    let stream = Reply::events(&[]).unannounced().silent();
    let server = server(&[submitted(), ("stream", vec![stream]), ("status", status), result()]).await;
    let client = server.builder().max_status_streams(1).build().expect("a client");
    let jobs = async {
        let call = || client.endpoint("a/b").subscribe(json!({})).send();
        let later = async {
            received(&server, "stream", 1).await;
            call().await
        };
        tokio::try_join!(call(), later).expect("results");
    };
    let silence = async {
        received(&server, "stream", 1).await;
        received(&server, "status", 1).await;
        settle().await;
        skip(Duration::from_secs(3)).await;
    };
    tokio::join!(jobs, silence);
    assert_eq!(count_of(&server, "stream"), 1);
}

#[tokio::test]
async fn a_place_is_not_taken_before_the_service_allows_a_request() {
    // The follower waits, or the poll itself before its second attempt.
    for attempts in [1, 2] {
        let streams = vec![Reply::events(&[QUEUED]).unannounced().silent(), Reply::events(&[COMPLETED])];
        let status = vec![Reply::json(503, "{}").header("retry-after", "30"), Reply::json(202, QUEUED)];
        let server = server(&[submitted(), ("stream", streams), ("status", status), result()]).await;
        let retry = RetryPolicy::default().max_attempts(attempts);
        let client = server.builder().max_status_streams(1).retry(retry).build().expect("a client");
        let call = || tokio::spawn(client.endpoint("a/b").subscribe(json!({})).send());
        let first = call();
        received(&server, "stream", 1).await;
        let second = call();
        received(&server, "status", 1).await;
        settle().await;
        first.abort();
        assert!(first.await.is_err_and(|error| error.is_cancelled()));
        settle().await;
        assert_eq!(count_of(&server, "stream"), 1);
        skip(Duration::from_secs(31)).await;
        second.await.expect("no panic").expect("a result");
        assert_eq!((count_of(&server, "stream"), count_of(&server, "status")), (2, attempts as usize));
    }
}

#[tokio::test]
async fn the_connection_of_a_stream_is_used_for_the_result() {
    let stream = Reply::events(&[QUEUED, COMPLETED]).reusable();
    let server = server(&[submitted(), ("stream", vec![stream]), result()]).await;
    server.client().endpoint("a/b").subscribe(json!({})).await.expect("a result");
    assert_eq!((server.seen().len(), server.opened()), (3, 2));
}

#[tokio::test]
async fn a_stream_that_goes_on_after_completion_does_not_delay_the_result() {
    for stream in [Reply::events(&[QUEUED, COMPLETED]).unannounced().silent(), Reply::events(&[COMPLETED]).repeated()] {
        let server = server(&[submitted(), ("stream", vec![stream]), result()]).await;
        server.client().endpoint("a/b").subscribe(json!({})).await.expect("a result");
        assert_eq!((server.seen().len(), server.opened()), (3, 3));
    }
}
