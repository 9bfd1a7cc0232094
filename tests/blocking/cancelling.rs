//! Requests that another thread cancels, or that are cancelled because the caller gives up.

use std::sync::mpsc;

use fal_client::Cancellation;
use fal_client::JobEvent;
use fal_client::blocking::{Call, Iterate};
use fal_emulator::{Emulator, Operation, Pace};

use crate::service::{ENDPOINT, Service, input};

#[test]
fn another_thread_cancels_the_request_of_a_call() {
    let service = Service::manual();
    let endpoint = service.client().endpoint(ENDPOINT);
    let (sender, jobs) = mpsc::channel();
    std::thread::scope(|scope| {
        let other = endpoint.clone();
        scope.spawn(move || {
            let job = jobs.recv().expect("a job");
            assert_eq!(other.cancel(&job).call().expect("an outcome"), Cancellation::Removed);
        });
        let call = endpoint.subscribe(input()).on_enqueue(move |job| sender.send(job.clone()).expect("a receiver"));
        call.call().expect_err("cancelled");
    });
    assert!(service.emulator.jobs()[0].was_cancelled());
}

#[test]
fn a_signal_of_another_thread_cancels_the_request_of_a_call() {
    let service = Service::manual();
    let endpoint = service.client().endpoint(ENDPOINT);
    let (interrupt, interrupted) = tokio::sync::oneshot::channel::<()>();
    let mut interrupt = Some(interrupt);
    let call = endpoint.subscribe(input()).cancel_when(interrupted).on_update(|_| {
        if let Some(interrupt) = interrupt.take() {
            std::thread::spawn(move || interrupt.send(()));
        }
    });
    let error = call.call().expect_err("cancelled");
    assert!(error.is_cancelled(), "{error}");
    assert_eq!(error.cancellation(), Some(&Cancellation::Removed));
}

#[test]
fn dropping_an_iterator_cancels_the_request_if_set() {
    let (sender, cancelled) = mpsc::channel();
    let emulator = Emulator::builder().pace(Pace::manual()).on_request(move |request| {
        if request.operation() == Operation::Cancel {
            sender.send(()).expect("a receiver");
        }
    });
    let service = Service::start(emulator);
    let client = service.client();
    let mut events = client.endpoint(ENDPOINT).subscribe(input()).cancel_on_drop(true).updates().iter();
    let first = events.next().expect("an event").expect("no error");
    assert!(matches!(first, JobEvent::Enqueued(_)), "{first:?}");
    // Not even the client has to live on: the cancellation keeps the thread.
    drop(client);
    drop(events);
    cancelled.recv().expect("a cancellation");
}
