//! Dropped futures and streams: their connections are closed, and no task of theirs is left.
//!
//! A connection is closed with the future that uses it, because the response would arrive in the place of another one. Only a
//! connection without a request in flight stays in the pool of the client, and is closed with the last clone of the client.

use std::future::ready;
use std::path::PathBuf;
use std::time::Duration;

use fal_client::{Access, Acl, Client, FileInput, JsonInput, Repository};
use futures_util::future::{BoxFuture, FutureExt, join_all};
use futures_util::stream::{Stream, StreamExt};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::support::authority::Authority;
use crate::support::queue::{COMPLETED, QUEUED, SUBMITTED, received, server, submitted};
use crate::support::server::{Reply, Server, ended, tasks};
use crate::support::storage::{Fault, Storage};

type Call = BoxFuture<'static, ()>;

/// Stage at which a server stops responding.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Received,
    Head,
    HalfBody,
}

const STAGES: [Stage; 3] = [Stage::Received, Stage::Head, Stage::HalfBody];

impl Stage {
    fn of(self, reply: &Reply, length: usize) -> Reply {
        match self {
            Stage::Received => Reply::never(),
            Stage::Head => reply.clone().held_after(0),
            Stage::HalfBody => reply.clone().held_after(length / 2),
        }
    }
}

/// Awaits a call, without its output.
fn done<T: 'static>(call: impl Future<Output = T> + Send + 'static) -> Call {
    call.map(drop).boxed()
}

/// Reads a stream to its end.
fn drained(stream: impl Stream<Item: Send> + Send + 'static) -> Call {
    stream.for_each(|_| ready(())).boxed()
}

#[tokio::test]
async fn calls_of_endpoints_leave_no_connection_and_no_task() {
    const NO_STREAM: &str = r#"{"detail":"not found"}"#;
    const OUTPUT: &str = r#"{"images":[],"seed":1}"#;
    const OUTCOME: &str = r#"{"status":"CANCELLATION_REQUESTED"}"#;

    let endpoint = |client: &Client| client.endpoint("fal-ai/flux/dev");
    // The name of a call, the operations of which one is held, and the call.
    type Case = (&'static str, &'static [&'static str], Box<dyn Fn(&Client) -> Call>);
    let cases: Vec<Case> = vec![
        ("run", &["submit"], Box::new(move |client| done(endpoint(client).run(json!({})).send()))),
        ("submit", &["submit"], Box::new(move |client| done(endpoint(client).submit(json!({})).send()))),
        (
            "subscribe",
            &["submit", "stream", "status", "result"],
            Box::new(move |client| done(endpoint(client).subscribe(json!({})).send())),
        ),
        (
            "subscribe, as a stream",
            &["submit", "stream", "status", "result"],
            Box::new(move |client| drained(endpoint(client).subscribe(json!({})).updates())),
        ),
        ("wait", &["stream", "status", "result"], Box::new(move |client| done(endpoint(client).wait("R1").send()))),
        (
            "wait, as a stream",
            &["stream", "status", "result"],
            Box::new(move |client| drained(endpoint(client).wait("R1").updates())),
        ),
        (
            "wait, cancelled",
            &["cancel"],
            Box::new(move |client| done(endpoint(client).wait("R1").cancel_when(ready(())).send())),
        ),
        ("status", &["status"], Box::new(move |client| done(endpoint(client).status("R1").send()))),
        ("status_stream", &["stream", "status"], Box::new(move |client| drained(endpoint(client).status_stream("R1")))),
        ("result", &["result"], Box::new(move |client| done(endpoint(client).result("R1").send()))),
        ("cancel", &["cancel"], Box::new(move |client| done(endpoint(client).cancel("R1").send()))),
    ];
    for (name, operations, call) in &cases {
        for held in *operations {
            for stage in STAGES {
                // A request that is held as it is polled has no stream.
                let stream = match *held {
                    "status" => Reply::json(404, NO_STREAM),
                    _ => Reply::events(&[QUEUED, COMPLETED]),
                };
                let replies = [
                    ("submit", Reply::json(200, SUBMITTED), SUBMITTED.len()),
                    ("stream", stream, QUEUED.len()),
                    ("status", Reply::json(200, COMPLETED), COMPLETED.len()),
                    ("result", Reply::json(200, OUTPUT), OUTPUT.len()),
                    ("cancel", Reply::json(202, OUTCOME), OUTCOME.len()),
                ];
                let script = replies.map(|(operation, reply, length)| {
                    let reply = if operation == *held { stage.of(&reply, length) } else { reply };
                    (operation, vec![reply])
                });
                println!("{name}, {held}, {stage:?}");
                let server = server(&script).await;
                let client = server.client();
                server.hold_and_drop(call(&client)).await;
            }
        }
    }
}

#[tokio::test]
async fn output_streams_leave_no_connection_and_no_task() {
    let input = || json!({ "prompt": "a fox" });
    let calls: [fn(&Client, Value) -> Call; 2] = [
        |client, input| drained(client.endpoint("a/b").stream(input)),
        |client, input| done(client.endpoint("a/b").stream(input).finish()),
    ];
    for call in calls {
        for reply in [Reply::events(&["{}", "{}"]), Reply::json(200, r#"{"images":[]}"#)] {
            for stage in STAGES {
                println!("{stage:?}");
                let held = stage.of(&reply, 12);
                let server = Server::start(move |_, _| held.clone()).await;
                server.hold_and_drop(call(&server.client(), input())).await;
            }
        }
    }
}

#[tokio::test]
async fn uploads_leave_no_connection_and_no_task() {
    const TOKEN: &str = r#"{"token":"t","token_type":"Bearer","base_url":"http://127.0.0.1:1","expires_at":""}"#;

    let large = || FileInput::reader(tokio::io::repeat(7).take(2000), 2000).content_type("a/b");
    let small = || FileInput::bytes("abc", "text/plain");
    let cases = [
        (Repository::Cdn, small as fn() -> FileInput, &["token", "upload"][..]),
        (Repository::Cdn, large, &["token", "create", "part 1", "part 3", "complete"]),
        (Repository::Signed, small, &["initiate", "put"]),
        (Repository::Signed, large, &["initiate", "part 1", "part 3", "complete"]),
        (Repository::Gcs, small, &["initiate", "put"]),
        (Repository::Gcs, large, &["initiate", "sign 1", "part 1", "complete"]),
    ];
    for (repository, file, labels) in cases {
        for label in labels {
            for stage in STAGES {
                println!("{repository:?}, {label}, {stage:?}");
                let storage = Storage::start().await;
                let held = stage.of(&Reply::json(200, TOKEN), TOKEN.len());
                storage.inject_fault(*label, Fault::Instead(held));
                let client = storage.builder().build().expect("a client");
                let upload = client.storage().upload(file()).repository(repository).send();
                storage.server().hold_and_drop(upload).await;
            }
        }
    }
}

#[tokio::test]
async fn calls_with_files_leave_no_connection_and_no_task() {
    for label in ["token", "upload", "run"] {
        for stage in STAGES {
            println!("{label}, {stage:?}");
            let storage = Storage::start().await;
            storage.inject_fault(label, Fault::Instead(stage.of(&Reply::json(200, "{}"), 2)));
            let client = storage.builder().build().expect("a client");
            let input = |path: &str| {
                let input = JsonInput::from(json!({ "path": path }));
                input.file("image_url", FileInput::bytes("abc", "text/plain")).expect("an input")
            };
            // Concurrent calls share the token and the upload.
            let calls = ["a", "b", "c"].map(|path| client.endpoint("a/b").run(input(path)).send());
            storage.server().hold_and_drop(join_all(calls)).await;
        }
    }
}

#[tokio::test]
async fn calls_of_the_storage_and_of_tokens_leave_no_connection_and_no_task() {
    type Case = (&'static str, fn(Client) -> Call);
    const URL: &str = "https://v3.fal.media/files/a/b.png";
    let cases: [Case; 5] = [
        ("sign", |client| done(async move { client.storage().sign(URL, Duration::from_secs(60)).await })),
        ("acl", |client| done(async move { client.storage().acl(URL).await })),
        ("set_acl", |client| done(async move { client.storage().set_acl(URL, &Acl::new(Access::Hide)).await })),
        ("token", |client| done(async move { client.tokens().create("a/b", Duration::from_secs(60)).await })),
        ("realtime token", |client| {
            done(async move { client.tokens().create_realtime("a/b", Duration::from_secs(60)).await })
        }),
    ];
    for (name, call) in cases {
        for stage in STAGES {
            println!("{name}, {stage:?}");
            let held = stage.of(&Reply::json(200, r#""t.o.k""#), 7);
            let server = Server::start(move |_, _| held.clone()).await;
            let client = server.builder().api_host(format!("{}/api", server.base())).build().expect("a client");
            server.hold_and_drop(call(client)).await;
        }
    }
}

#[tokio::test]
async fn downloads_leave_no_connection_no_task_and_no_file() {
    type Case = (&'static str, fn(Client, String, PathBuf) -> Call);
    // More than is kept in memory.
    let length = 2 << 20;
    let cases: [Case; 4] = [
        ("download", |client, url, folder| done(client.download(url, folder.join("a.bin")).send())),
        ("download_bytes", |client, url, _| done(client.download_bytes(url).send())),
        ("download_to", |client, url, _| done(client.download_to(url, tokio::io::sink()).send())),
        ("download_all", |client, url, folder| {
            done(client.download_all([url.clone(), format!("{url}?2")], folder).send())
        }),
    ];
    for (name, call) in cases {
        for stage in STAGES {
            println!("{name}, {stage:?}");
            let held = stage.of(&Reply::binary(200, "application/octet-stream", &vec![7; length]), length);
            let server = Server::start(move |_, _| held.clone()).await;
            let folder = tempfile::tempdir().expect("a folder");
            let url = format!("{}/a.bin", server.base());
            server.hold_and_drop(call(server.client(), url, folder.path().to_owned())).await;
            // A thread may still be writing. It removes the file afterwards.
            while std::fs::read_dir(folder.path()).expect("a folder").next().is_some() {
                tokio::task::yield_now().await;
            }
        }
    }
}

/// A call that waits for the response to its submission, to cancel the request, is dropped meanwhile.
#[tokio::test]
async fn cancelled_submissions_leave_no_connection_and_no_task() {
    for subscribed in [false, true] {
        let server = server(&[("submit", vec![Reply::never()])]).await;
        let endpoint = server.client().endpoint("fal-ai/flux/dev");
        let before = tasks();
        {
            let (cancel, cancelled) = tokio::sync::oneshot::channel::<()>();
            let mut call = match subscribed {
                true => done(endpoint.subscribe(json!({})).cancel_when(cancelled).send()),
                false => done(endpoint.submit(json!({})).cancel_when(cancelled).send()),
            };
            tokio::select! {
                biased;
                () = server.held() => {}
                () = &mut call => panic!("the call ended"),
            }
            cancel.send(()).expect("a call");
            assert!(call.as_mut().now_or_never().is_none(), "it waits for the response");
        }
        server.closed().await;
        ended(before).await;
    }
}

/// The server has received only the head of the request.
#[tokio::test]
async fn requests_that_are_not_sent_completely_leave_no_connection_and_no_task() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let client = Client::builder()
        .env_from(|_| None)
        .key("id:secret")
        .run_host(&base)
        .queue_host(&base)
        .build()
        .expect("a client");
    let length = 64 << 20;
    let before = tasks();
    let mut call = client.endpoint("a/b").run(json!({ "text": "x".repeat(length) })).send();
    let mut connection = tokio::select! {
        biased;
        accepted = listener.accept() => accepted.expect("a connection").0,
        _ = &mut call => panic!("the call ended"),
    };
    let mut head = [0; 1000];
    tokio::select! {
        biased;
        received = connection.read_exact(&mut head) => drop(received.expect("a head")),
        _ = &mut call => panic!("the call ended"),
    }
    drop(call);
    // What was sent before arrives, and no more.
    let rest = tokio::io::copy(&mut connection, &mut tokio::io::sink()).await;
    assert!(!rest.is_ok_and(|received| received >= length as u64));
    ended(before).await;
}

/// The server accepts the connection, and does not begin with TLS.
#[tokio::test]
async fn connections_that_are_not_established_leave_no_task() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let client = Authority::new().client(address, address);
    let before = tasks();
    let mut call = client.endpoint("a/b").run(json!({})).send();
    let mut connection = tokio::select! {
        biased;
        accepted = listener.accept() => accepted.expect("a connection").0,
        _ = &mut call => panic!("the call ended"),
    };
    drop(call);
    drop(tokio::io::copy(&mut connection, &mut tokio::io::sink()).await);
    ended(before).await;
}

/// A connection without a request in flight stays in the pool of the client.
#[tokio::test]
async fn idle_connections_are_closed_with_the_client() {
    let before = tasks();
    let server = Server::start(|_, _| Reply::json(200, "{}").reusable()).await;
    let listening = tasks();
    let client = server.client();
    let endpoint = client.endpoint("a/b");
    endpoint.run(json!({})).await.expect("a response");
    endpoint.run(json!({})).await.expect("a response");
    assert_eq!((server.opened(), server.open()), (1, 1), "the connection is reused");
    drop(client);
    assert_eq!(server.open(), 1, "the handle is a clone");
    drop(endpoint);
    server.closed().await;
    ended(listening).await;
    drop(server);
    ended(before).await;
}

/// The exception: a request is cancelled by a task, which ends with the response.
#[tokio::test]
async fn requests_that_are_cancelled_on_drop_leave_no_connection_and_no_task() {
    let stream = ("stream", vec![Reply::events(&[QUEUED]).silent()]);
    let cancel = ("cancel", vec![Reply::json(202, r#"{"status":"CANCELLATION_REQUESTED"}"#)]);
    let server = server(&[submitted(), stream, cancel]).await;
    let client = server.client();
    server.hold_and_drop(client.endpoint("a/b").subscribe(json!({})).cancel_on_drop(true).send()).await;
    received(&server, "cancel", 1).await;
}
