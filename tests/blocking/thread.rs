//! The thread that all blocking clients share. The tests are alone with it.

use std::sync::{PoisonError, RwLockWriteGuard, mpsc};

use fal_client::Error;
use fal_client::blocking::{Call, Iterate};
use tokio::runtime::Handle;

use crate::service::{CLIENTS, ENDPOINT, Service, assert_misplaced, input};

fn alone() -> RwLockWriteGuard<'static, ()> {
    CLIENTS.write().unwrap_or_else(PoisonError::into_inner)
}

/// Returns a channel that is closed when the thread has ended its tasks.
fn end_of_thread() -> mpsc::Receiver<()> {
    let (sender, ended) = mpsc::channel();
    let spawned = async move {
        Handle::current().spawn(async move {
            let _sender = sender;
            std::future::pending::<()>().await;
        });
        Ok::<_, Error>(())
    };
    spawned.call().expect("a blocking client");
    ended
}

fn is_running(end: &mpsc::Receiver<()>) -> bool {
    end.try_recv() == Err(mpsc::TryRecvError::Empty)
}

#[test]
fn thread_ends_with_the_last_client_handle_or_job() {
    let _alone = alone();
    let service = Service::alone();
    let (first, second) = (service.client(), service.client());
    let end = end_of_thread();
    let handle = first.endpoint(ENDPOINT);
    let job = second.resume(handle.submit(input()).call().expect("a job"));
    drop((first, second));
    handle.run(input()).call().expect("a response");
    drop(handle);
    job.wait().call().expect("a response");
    assert!(is_running(&end));
    drop(job);
    assert_eq!(end.recv(), Err(mpsc::RecvError));

    // A later client starts it again.
    let client = service.client();
    let end = end_of_thread();
    client.endpoint(ENDPOINT).run(input()).call().expect("a response");
    // An async task may drop the last client.
    service.runtime.block_on(async move { drop(client) });
    assert_eq!(end.recv(), Err(mpsc::RecvError));
}

#[test]
fn calls_without_a_blocking_client_are_errors() {
    let _alone = alone();
    let service = Service::alone();
    let endpoint = service.emulator.client().endpoint(ENDPOINT);
    assert_misplaced(endpoint.run(input()).call(), "no blocking client");
    assert_misplaced(endpoint.status_stream("a").iter().next().expect("an item"), "no blocking client");
    assert_eq!(service.emulator.requests().len(), 0, "nothing was sent");
}
