//! Places where blocking calls work, and places where they fail.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;

use fal_client::blocking::{Call, Client, Iterate};
use fal_client::{Error, Response};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::service::{ENDPOINT, Service, assert_misplaced, input};

const IN_TASK: &str = "blocking call in an async task";

fn run(client: &Client) -> Result<Response<Value>, Error> {
    client.endpoint(ENDPOINT).run(input()).call()
}

fn runtimes() -> [Runtime; 2] {
    let current = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let several = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    [current, several]
}

#[test]
fn calls_in_async_tasks_are_errors() {
    let service = Service::instant();
    let client = service.client();
    for runtime in runtimes() {
        runtime.block_on(async {
            assert_misplaced(run(&client), IN_TASK);
            let mut updates = client.endpoint(ENDPOINT).status_stream("a").iter();
            assert_misplaced(updates.next().expect("an item"), IN_TASK);
            assert!(updates.next().is_none());

            let client = client.clone();
            let in_task = tokio::spawn(async move {
                tokio::task::yield_now().await;
                run(&client)
            });
            assert_misplaced(in_task.await.expect("not a panic"), IN_TASK);
        });
        let local = tokio::task::LocalSet::new();
        let other = client.clone();
        let task = local.spawn_local(async move { run(&other) });
        assert_misplaced(local.block_on(&runtime, task).expect("not a panic"), IN_TASK);
    }
    assert_eq!(service.emulator.requests().len(), 0, "nothing was sent");
}

/// Makes a call when it is dropped, and sends its outcome.
struct OnDrop(Client, mpsc::Sender<Result<Response<Value>, Error>>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.1.send(run(&self.0)).expect("a receiver");
    }
}

#[test]
fn calls_in_destructors_do_not_panic() {
    let service = Service::instant();
    let client = service.client();
    for runtime in runtimes() {
        let (sender, outcomes) = mpsc::channel();
        let on_drop = || OnDrop(client.clone(), sender.clone());
        runtime.block_on(async { drop(on_drop()) });
        assert_misplaced(outcomes.recv().expect("an outcome"), IN_TASK);
        drop(on_drop());
        outcomes.recv().expect("an outcome").expect("a response");
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _on_drop = on_drop();
            panic!("a mistake of the caller");
        }));
        assert!(panicked.is_err());
        outcomes.recv().expect("an outcome").expect("a response");
        // The runtime drops the task. The call may be made, because no one waits for the thread.
        let dropped = on_drop();
        runtime.spawn(async move {
            let _dropped = dropped;
            std::future::pending::<()>().await;
        });
        drop(runtime);
        drop(outcomes.recv().expect("an outcome"));
    }
}

#[test]
fn calls_work_in_threads_for_blocking_work() {
    let service = Service::instant();
    for runtime in runtimes() {
        let client = service.client();
        let call = runtime.spawn_blocking(move || run(&client));
        runtime.block_on(call).expect("not a panic").expect("a response");
        // The thread has a runtime, but is not one of its tasks.
        let _entered = runtime.enter();
        run(&service.client()).expect("a response");
    }
    let [_, several] = runtimes();
    let client = service.client();
    let call = async move { tokio::task::block_in_place(|| run(&client)) };
    several.block_on(several.spawn(call)).expect("not a panic").expect("a response");
}

#[test]
fn callbacks_may_make_calls() {
    let service = Service::instant();
    let client = service.client();
    let mut outcomes = Vec::new();
    let call = client.endpoint(ENDPOINT).subscribe(input()).on_update(|_| outcomes.push(run(&client)));
    call.call().expect("a response");
    assert!(!outcomes.is_empty() && outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    for _ in client.endpoint(ENDPOINT).subscribe(input()).updates().iter() {
        run(&client).expect("a response");
    }
}

#[test]
fn panics_of_callbacks_reach_the_caller_and_leave_the_client_usable() {
    let service = Service::instant();
    let client = service.client();
    for _ in 0..3 {
        let call = client.endpoint(ENDPOINT).subscribe(input()).on_update(|_| panic!("a mistake of the caller"));
        let panic = catch_unwind(AssertUnwindSafe(|| call.call())).expect_err("a panic");
        assert_eq!(panic.downcast_ref(), Some(&"a mistake of the caller"));
    }
    run(&client).expect("a response");
}
