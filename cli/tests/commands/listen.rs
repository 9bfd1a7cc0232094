use std::process::{Command, Stdio};

use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use fal_client::Client;
use fal_client::webhook::{Verifier, WebhookStatus};
use fal_emulator::{Fault, Operation};
use fal_jobs::Journal;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::receiver::Receiver;
use crate::support::{Project, in_time};

const REDUX: &str = "fal-ai/flux/dev/redux";

/// Submits a request.
async fn submit(client: &Client) -> String {
    let input = json!({ "image_url": "https://example.com/fox.png" });
    client.endpoint(REDUX).submit(input).await.unwrap().request_id
}

async fn journal(project: &Project) -> Journal {
    project.write(".fal/.gitignore", "*\n");
    Journal::open(format!("sqlite://{}", project.path(".fal/journal.db").display())).await.unwrap()
}

/// Starts the command, and waits until it follows jobs. Returns the printed value of `FAL_REST_HOST`.
async fn start(mut command: Command) -> (tokio::process::Child, String) {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut host = String::new();
    while let Some(line) = in_time(lines.next_line()).await.unwrap() {
        if let Some(value) = line.strip_prefix("export FAL_REST_HOST=") {
            host = value.to_owned();
        }
        if line.starts_with("Waiting for ") {
            break;
        }
    }
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, host)
}

#[tokio::test(flavor = "multi_thread")]
async fn named_requests_are_delivered_in_the_shape_of_fal() {
    let project = Project::new().await;
    let receiver = Receiver::new(&project).await;
    let client = project.emulator.client();
    let ok = submit(&client).await;
    project.emulator.inject_fault(Operation::Submit, Fault::outcome(422));
    let failed = submit(&client).await;
    project.emulator.inject_fault(Operation::Submit, Fault::outcome(200).body("text/plain", "not JSON"));
    let unreadable = submit(&client).await;
    let arguments = ["listen", "--forward", &receiver.url(), "--endpoint", REDUX, "--port", "0"];
    let run = project.run(&[&arguments[..], &[&ok, &failed, &unreadable]].concat()).await;
    let stdout = run.success();
    assert_eq!(stdout.lines().count(), 3, "{stdout}");

    let received = receiver.received();
    let of = |id: &str| received.iter().find(|webhook| webhook.request_id == id).unwrap();
    let result = client.endpoint(REDUX).result(ok.as_str()).await.unwrap();
    assert_eq!(of(&ok).result.as_ref().unwrap().body, result.body);
    let error = of(&failed).result.as_ref().unwrap_err();
    assert_eq!(
        (of(&failed).status.clone(), error.status().map(|status| status.as_u16())),
        (WebhookStatus::Error, Some(422))
    );
    assert!(of(&unreadable).needs_fetch() && of(&unreadable).payload_error.is_some());
    // fal's bodies have these fields.
    let body: Value = serde_json::from_slice(of(&ok).delivery.body()).unwrap();
    let names: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["error", "gateway_request_id", "payload", "request_id", "status"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_the_journal_are_delivered_as_they_appear() {
    let project = Project::new().await;
    let receiver = Receiver::new(&project).await;
    let journal = journal(&project).await;
    let command = project.command(&["listen", "--forward", &receiver.url(), "--port", "0", "--once", "--json"]);
    let (child, _) = start(command).await;
    let client = project.emulator.client();
    let redux = client.endpoint(REDUX);
    let done = journal.run(&redux, json!({ "image_url": "https://example.com/fox.png" })).key("fox").await.unwrap();
    let output = in_time(child.wait_with_output()).await.unwrap();
    assert_eq!(output.status.code(), Some(0));
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    let request_id = receiver.received()[0].request_id.clone();
    assert_eq!(journal.get("fox").await.unwrap().unwrap().request_id, Some(request_id.clone()));
    assert_eq!((&line["event"], &line["endpoint"], &line["status"]), (&json!("ok"), &json!(REDUX), &json!(200)));
    assert_eq!((&line["request_id"], &line["retry_after_seconds"]), (&json!(request_id), &Value::Null));
    assert_eq!(receiver.received()[0].result.as_ref().unwrap().data, done.data);

    // A key names the job, also after its end.
    project.run(&["listen", "--forward", &receiver.url(), "--port", "0", "fox"]).await.success();
    project.run(&["listen", "--forward", &receiver.url(), "--port", "0", &request_id]).await.success();
    assert_eq!(receiver.received().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_other_programs_are_found_by_their_endpoint() {
    let project = Project::new().await;
    let receiver = Receiver::new(&project).await;
    let client = project.emulator.client();
    let arguments = ["listen", "--forward", &receiver.url(), "--endpoint", REDUX, "--port", "0", "--once"];
    let (child, _) = start(project.command(&arguments)).await;
    let request_id = submit(&client).await;
    assert!(in_time(child.wait_with_output()).await.unwrap().status.success());
    assert_eq!(receiver.received()[0].request_id, request_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn client_fetches_the_key_from_the_printed_host() {
    let project = Project::new().await;
    let first = Receiver::new(&project).await;
    let arguments = ["listen", "--forward", &first.url(), "--port", "0"];
    let (_child, host) = start(project.command(&arguments)).await;
    let client = Client::builder().anonymous().rest_host(&host).build().unwrap();
    let second = Receiver::with(Verifier::new(&client), || "".into_response()).await;
    let run = project.run(&["trigger", "ok", "--to", &second.url(), "--port", "0"]).await;
    run.success();
    assert_eq!(second.received().len(), 1);
    // A request that belongs to fal is not taken for one of the key.
    let error = client.endpoint(REDUX).run(json!({})).await;
    assert!(error.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_and_used_up_retries_fail() {
    let project = Project::new().await;
    let id = submit(&project.emulator.client()).await;
    let moved = Receiver::responding(&project, || Redirect::permanent("/hook").into_response()).await;
    let of = |receiver: &Receiver| {
        ["listen", "--forward", &receiver.url(), "--endpoint", REDUX, "--port", "0", &id].map(str::to_owned)
    };
    let arguments = of(&moved);
    let run = project.run(&arguments.each_ref().map(String::as_str)).await;
    assert!(run.stdout.contains("  308 in "), "{}", run.stdout);
    run.failure(1);
    assert_eq!(moved.received().len(), 1);

    let broken = Receiver::responding(&project, || StatusCode::SERVICE_UNAVAILABLE.into_response()).await;
    let arguments = of(&broken);
    let arguments = [&arguments.each_ref().map(String::as_str)[..], &["--retries", "0"]].concat();
    project.run(&arguments).await.failure(1);
    assert_eq!(broken.received().len(), 1);

    let arguments = of(&broken);
    let arguments = [&arguments.each_ref().map(String::as_str)[..], &["--json"]].concat();
    let (mut child, _) = start(project.command(&arguments)).await;
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line: Value = serde_json::from_str(&in_time(lines.next_line()).await.unwrap().unwrap()).unwrap();
    assert_eq!((&line["status"], &line["retry_after_seconds"]), (&json!(503), &json!(5)));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_events_are_left_out() {
    let project = Project::new().await;
    let receiver = Receiver::new(&project).await;
    let id = submit(&project.emulator.client()).await;
    let arguments = ["listen", "--forward", &receiver.url(), "--endpoint", REDUX, "--port", "0", &id];
    let run = project.run(&[&arguments[..], &["--events", "error,payload-error"]].concat()).await;
    assert_eq!(run.success(), "");
    assert!(receiver.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_arguments_say_what_to_do() {
    let project = Project::new().await;
    let run = project.run(&["listen", "--forward", "http://1.1.1.1/hook"]).await;
    assert!(run.failure(2).contains("--allow-remote"));
    let run = project.run(&["listen", "--forward", "3000", "--port", "0", "unknown"]).await;
    assert!(run.failure(7).contains("add `--endpoint ID`"));
    let unknown = "0f0e0d0c-0b0a-4908-8706-050403020100";
    let run = project.run(&["listen", "--forward", "3000", "--port", "0", "--endpoint", REDUX, unknown]).await;
    run.failure(7);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let run = project.run(&["listen", "--forward", "3000", "--port", &port]).await;
    assert!(run.failure(1).contains("choose another --port"));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn key_is_readable_by_its_user_only() {
    use std::os::unix::fs::PermissionsExt;

    let project = Project::new().await;
    project.run(&["listen", "--forward", "3000", "--port", "0", "unknown"]).await.failure(7);
    let mode = std::fs::metadata(project.path(".fal/webhook-key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    project.write(".fal/webhook-key", "07é");
    let run = project.run(&["listen", "--forward", "3000", "--port", "0", "unknown"]).await;
    assert!(run.failure(1).contains("delete the file"));
}
