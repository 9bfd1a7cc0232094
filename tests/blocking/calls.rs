use std::time::Duration;

use fal_client::blocking::{Call, Client, Iterate};
use fal_client::endpoints::Endpoints;
use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::{Error, ErrorKind, FileInput, Job, JobEvent, QueueUpdate, RetryPolicy};
use serde_json::Value;

use crate::service::{ENDPOINT, Service, input};

fn typed() -> redux::InputBuilder<fal_client::Given> {
    redux::Input::builder().image_url("https://example.com/a.png")
}

#[test]
fn typed_calls_have_their_options_and_callbacks() {
    let service = Service::instant();
    let client = service.client();
    let redux = client.fal_ai().flux().dev().redux();
    assert_eq!(redux.run(typed()).tags([("team", "posters")]).call().expect("a response").data.images.len(), 1);

    let (mut job, mut lines, mut uploaded) = (None, Vec::new(), 0);
    let thread = std::thread::current().id();
    let input = redux::Input::builder().image_url(FileInput::bytes("GIF89a", "image/gif"));
    let call = redux
        .subscribe(input)
        .logs(true)
        .timeout(Duration::from_secs(3600))
        .on_upload_progress(|progress| assert!(progress.bytes <= 6))
        .on_enqueue(|accepted| job = Some(accepted.clone()))
        .on_update(|update| {
            assert_eq!(std::thread::current().id(), thread);
            uploaded += 1;
            lines.extend(update.logs().iter().map(|line| line.message.clone()));
        });
    let response = call.call().expect("a response");
    assert_eq!(response.request_id, job.map(|job| job.request_id));
    assert!(uploaded > 0 && lines.len() == 2, "{uploaded} {lines:?}");
}

#[test]
fn queued_requests_are_submitted_followed_resumed_and_cancelled() {
    let service = Service::instant();
    let client = service.client();
    let redux = client.fal_ai().flux().dev().redux();
    let job = redux.submit(typed()).call().expect("a job");
    assert!(redux.status(&job).logs(true).call().expect("a status").is_completed());
    assert_eq!(redux.wait(&job).call().expect("a response").data.images.len(), 1);
    assert_eq!(redux.result(&job).call().expect("a response").data.images.len(), 1);
    redux.cancel(&job).call().expect("an outcome");

    let saved = serde_json::to_string(&job).expect("JSON");
    let job: Job<redux::Output> = serde_json::from_str(&saved).expect("a job");
    assert_eq!(client.resume(job).wait().call().expect("a response").data.images.len(), 1);
}

#[test]
fn streams_are_iterators() {
    let service = Service::instant();
    let endpoint = service.client().endpoint(ENDPOINT);
    let job = endpoint.submit(input()).call().expect("a job");
    let updates: Result<Vec<QueueUpdate>, Error> = endpoint.status_stream(&job).logs(true).iter().collect();
    assert!(updates.expect("updates").last().expect("an update").is_completed());

    let mut events = endpoint.subscribe(input()).updates();
    // The stream continues where an iterator over a reference to it stops.
    let first = (&mut events).iter().next().expect("an event").expect("no error");
    assert!(matches!(first, JobEvent::Enqueued(_)), "{first:?}");
    let mut events = events.iter();
    let last = events.by_ref().last().expect("an event").expect("a result");
    assert!(matches!(last, JobEvent::Completed(_)), "{last:?}");
    assert!(events.next().is_none());
}

#[test]
fn storage_has_its_calls() {
    let service = Service::instant();
    let client = service.client();
    let file = client.storage().upload(FileInput::bytes("abc", "text/plain")).call().expect("a file");
    assert_eq!(client.download_bytes(&file).call().expect("bytes"), "abc");
    // Futures of async functions have the method, too.
    client.storage().sign(&file, Duration::from_secs(60)).call().expect("a URL");

    let folder = tempfile::tempdir().expect("a folder");
    let response = client.endpoint(ENDPOINT).run(input()).call().expect("a response");
    let image = &response.data["images"][0];
    let saved = client.download(image, folder.path().join("a.png")).call().expect("a file");
    let all = client.download_all([image], folder.path()).call().expect("files");
    assert_eq!(std::fs::read(saved).expect("a file"), std::fs::read(&all[0]).expect("a file"));
}

#[test]
fn errors_are_those_of_the_call() {
    let service = Service::instant();
    let client = service.emulator.client_builder().retry(RetryPolicy::none()).build_blocking().expect("a client");
    let error = client.endpoint("nowhere").run(input()).call().expect_err("an invalid id");
    assert_eq!(error.kind(), ErrorKind::EndpointId);
    let mut statuses = client.endpoint(ENDPOINT).status_stream("missing").iter();
    assert!(statuses.next().expect("an item").is_err());
    assert!(statuses.next().is_none());
}

#[test]
fn many_threads_share_a_client() {
    let service = Service::instant();
    let client = service.client();
    std::thread::scope(|scope| {
        let calls: Vec<_> =
            (0..16).map(|_| scope.spawn(|| client.fal_ai().flux().dev().redux().subscribe(typed()).call())).collect();
        for call in calls {
            assert_eq!(call.join().expect("not a panic").expect("a response").data.images.len(), 1);
        }
    });
    assert_eq!(service.emulator.jobs().len(), 16);
}

#[test]
fn clients_and_iterators_can_be_sent_to_threads() {
    fn is_sent<T: Send>(_: &T) {}
    fn is_shared<T: Send + Sync + Clone>(_: &T) {}

    let service = Service::instant();
    let client = service.client();
    is_shared::<Client>(&client);
    is_sent(&client.endpoint(ENDPOINT).status_stream("a").iter());
    is_sent(&client.endpoint(ENDPOINT).subscribe(Value::Null).updates().iter());
    assert!(format!("{client:?}").starts_with("blocking::Client(Client {"), "{client:?}");
}
