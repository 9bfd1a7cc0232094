use std::process::Stdio;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use fal_client::webhook::WebhookStatus;
use serde_json::json;

use crate::receiver::Receiver;
use crate::support::{Project, Run, closed};

const REDUX: &str = "fal-ai/flux/dev/redux";

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_is_verified_and_accepted() {
    let project = Project::new().await;
    let receiver = Receiver::new(&project).await;
    let to = receiver.url();
    let run = project.run(&["trigger", "all", "--to", &to, "--endpoint", REDUX, "--port", "0"]).await;
    let stdout = run.success();
    for event in ["ok", "error", "payload-error"] {
        assert!(stdout.contains(&format!("{event} to {to}: 200 OK in ")), "{stdout}");
    }
    assert_eq!(stdout.matches("< thank you").count(), 3, "{stdout}");

    let received = receiver.received();
    let [ok, error, payload_error] = received.as_slice() else { panic!("{received:?}") };
    assert_eq!((&ok.status, &error.status), (&WebhookStatus::Ok, &WebhookStatus::Error));
    let response = ok.result.as_ref().unwrap();
    assert!(response.data["images"][0]["url"].is_string(), "{}", response.data);
    let failure = error.result.as_ref().unwrap_err();
    assert!(failure.is_invalid_input() && failure.field_errors()[0].path() == "prompt", "{failure:?}");
    assert!(payload_error.needs_fetch() && payload_error.payload_error.is_some());
    assert!(received.iter().all(|webhook| webhook.delivery.user_id() == "local"));
    assert_ne!(ok.request_id, error.request_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn payload_comes_from_a_file_or_stdin() {
    let project = Project::new().await;
    let receiver = Receiver::new(&project).await;
    let to = receiver.url();
    project.write("output.json", r#"{ "seed": 12345678901234567890 }"#);
    let options = ["--request-id", "R1", "--user-id", "U1", "--port", "0", "--json"];
    let run = project.run(&[&["trigger", "ok", "--to", &to, "--data", "output.json"], &options[..]].concat()).await;
    let facts = run.json();
    assert_eq!(facts[0]["event"], "ok");
    assert_eq!((&facts[0]["status"], &facts[0]["is_accepted"]), (&json!(200), &json!(true)));
    assert_eq!(facts[0]["response"], "thank you");

    let mut command = project.command(&[&["trigger", "error", "--to", &to, "--data", "-"], &options[..]].concat());
    std::fs::write(project.path("error.json"), r#"{ "detail": "over quota" }"#).unwrap();
    command.stdin(Stdio::from(std::fs::File::open(project.path("error.json")).unwrap()));
    assert_eq!(Run::of(command).await.json()[0]["body"]["payload"]["detail"], "over quota");

    let received = receiver.received();
    assert_eq!(&received[0].result.as_ref().unwrap().body[..], br#"{ "seed": 12345678901234567890 }"#);
    assert!(received[1].result.as_ref().unwrap_err().to_string().contains("over quota"));
    assert!(received.iter().all(|webhook| webhook.request_id == "R1" && webhook.delivery.user_id() == "U1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_payloads_are_not_sent() {
    let project = Project::new().await;
    let receiver = Receiver::new(&project).await;
    let to = receiver.url();
    project.write("output.json", "{ seed: 7 }");
    let run = project.run(&["trigger", "ok", "--to", &to, "--data", "output.json"]).await;
    assert!(run.failure(3).contains("the payload in `output.json` is not JSON: "));
    let run = project.run(&["trigger", "ok", "--to", &to, "--data", "missing.json"]).await;
    assert!(run.failure(1).contains("cannot read `missing.json`: "));
    let run = project.run(&["trigger", "all", "--to", &to, "--data", "output.json"]).await;
    assert!(run.failure(3).contains("not JSON"));
    project.write("output.json", "{}");
    let run = project.run(&["trigger", "payload-error", "--to", &to, "--data", "output.json"]).await;
    assert!(run.failure(2).contains("choose `ok` or `error`"));
    let run = project.run(&["trigger", "ok", "--to", &to, "--endpoint", "fal-ai/flux/dev/reduxx"]).await;
    assert!(run.failure(7).contains("`fal-ai/flux/dev/redux`"));
    assert!(receiver.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn response_is_shown_and_other_statuses_than_2xx_fail() {
    let project = Project::new().await;
    let receiver = Receiver::responding(&project, || {
        (StatusCode::INTERNAL_SERVER_ERROR, "no\u{1b}[31m database\nat all").into_response()
    });
    let receiver = receiver.await;
    let run = project.run(&["trigger", "payload-error", "--to", &receiver.url(), "--port", "0"]).await;
    assert!(run.stdout.contains("500 Internal Server Error in "), "{}", run.stdout);
    assert!(run.stdout.contains("  < no\\u{1b}[31m database\n  < at all\n"), "{}", run.stdout);
    assert!(run.failure(1).contains("FAL_REST_HOST=http://127.0.0.1:"));

    let moved = Receiver::responding(&project, || Redirect::temporary("/hook").into_response()).await;
    let run = project.run(&["trigger", "ok", "--to", &moved.url(), "--port", "0"]).await;
    assert!(run.stdout.contains("307 Temporary Redirect"), "{}", run.stdout);
    run.failure(1);
    assert_eq!(moved.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_program_is_a_failure() {
    let project = Project::new().await;
    let (_closed, address) = closed();
    let port = address.port().to_string();
    let run = project.run(&["trigger", "ok", "--to", &port, "--port", "0"]).await;
    assert!(run.stdout.contains(": cannot connect: "), "{}", run.stdout);
    assert!(run.failure(1).contains(&format!("not accepted by http://localhost:{port}/\n")));
}

#[tokio::test(flavor = "multi_thread")]
async fn results_stay_in_the_local_network() {
    let project = Project::new().await;
    let run = project.run(&["trigger", "ok", "--to", "http://user:secret@1.1.1.1/hook"]).await;
    let stderr = run.failure(2);
    assert!(stderr.contains("--allow-remote") && !stderr.contains("secret"), "{stderr}");
    let run = project.run(&["trigger", "ok", "--to", "ftp://localhost/hook"]).await;
    assert!(run.failure(2).contains("invalid URL `ftp://localhost/hook`: expected http or https"));
}
