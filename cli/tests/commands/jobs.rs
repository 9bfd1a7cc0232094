//! The commands about jobs: `status`, `result`, `cancel`, `watch` and `history`.

use fal_client::money::Decimal;
use fal_emulator::{Emulator, Fault, Operation, Pace, Price};
use serde_json::json;

use crate::run::{IMAGE, Paced, REDUX};
use crate::support::{Project, assert_golden};

/// Submits a job, and returns its key.
async fn submitted(project: &Project, arguments: &[&str]) -> String {
    let arguments = [&["run", REDUX, IMAGE, "--detach", "--json"], arguments].concat();
    project.run(&arguments).await.json()["key"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn history_fits_the_terminal() {
    let price = Price::usd(Decimal::new(25, 3), "images");
    let project = Project::with(Emulator::builder().pace(Pace::instant()).price(REDUX, price)).await;
    project.run(&["run", REDUX, IMAGE]).await.success();
    project.run(&["run", REDUX, IMAGE]).await.success();
    project.run(&["run", REDUX, IMAGE, "num_images=4", "--key", "hero image"]).await.success();
    project.emulator.inject_fault(Operation::Submit, Fault::outcome(500));
    project.run(&["run", "openrouter/router", "prompt=hi", "model=openai/gpt-4o"]).await.failure(1);
    for columns in [60, 80, 140] {
        let text = project.run_in(columns, &["history"]).await.success();
        assert!(text.lines().all(|line| line.chars().count() <= usize::from(columns)), "{text}");
        assert_golden(&format!("history-{columns}.txt"), &text);
    }
    project.run(&["run", REDUX, IMAGE, "--key", "holidays/summer/hero-image"]).await.success();
    let text = project.run_in(60, &["history"]).await.success();
    assert!(text.lines().all(|line| line.chars().count() <= 60) && text.contains("completed  now"), "{text}");
}

#[tokio::test]
async fn history_is_filtered() {
    let project = Project::new().await;
    let none = project.run(&["history"]).await;
    assert_eq!((none.stdout.as_str(), none.stderr.as_str()), ("", "no job of the journal matches\n"));
    assert_eq!(project.run(&["history", "--json"]).await.json(), json!([]));
    submitted(&project, &["--key", "first"]).await;
    project.run(&["run", REDUX, IMAGE, "--key", "second"]).await.success();
    project.run(&["run", "openrouter/router", "prompt=hi", "model=openai/gpt-4o", "--key", "third"]).await.success();
    for (arguments, expected) in [
        (&[][..], &["third", "second", "first"][..]),
        (&["--limit", "1"], &["third"]),
        (&["--limit", "0", "--endpoint", REDUX], &["second", "first"]),
        (&["--state", "submitted"], &["first"]),
        (&["--state", "submitted", "--state", "completed", "--since", "1h"], &["third", "second", "first"]),
        (&["--state", "uncertain"], &[]),
    ] {
        let jobs = project.run(&[&["history", "--json"], arguments].concat()).await.json();
        let keys: Vec<&str> = jobs.as_array().unwrap().iter().map(|job| job["key"].as_str().unwrap()).collect();
        assert_eq!(keys, expected, "{arguments:?}");
    }
    let stderr = project.run(&["history", "--state", "finished"]).await.failure(2);
    assert!(stderr.contains("possible values: waiting, intended, submitted"), "{stderr}");
    project.run(&["history", "--since", "yesterday"]).await.failure(2);
}

#[tokio::test]
async fn jobs_have_short_names() {
    let project = Project::new().await;
    for key in ["hero image", "hero-2"] {
        submitted(&project, &["--key", key]).await;
    }
    let automatic = submitted(&project, &[]).await;
    project.run(&["watch", "last"]).await.success();
    let again = submitted(&project, &[]).await;
    assert_eq!(again, format!("{automatic}#2"));
    let hash = &automatic[automatic.find('#').unwrap() + 1..];
    let request_id = project.emulator.jobs()[0].request_id().to_owned();
    for (name, key) in [
        ("hero image", "hero image"),
        ("hero ", "hero image"),
        (&hash[..8], &automatic),
        (&hash[..5], &automatic),
        (&*format!("{}-2", &hash[..8]), &again),
        (&automatic, &automatic),
        ("last", &again),
        (&request_id, "hero image"),
    ] {
        assert_eq!(project.run(&["status", name, "--json"]).await.json()["key"], *key, "{name}");
    }
    let stderr = project.run(&["status", "hero"]).await.failure(2);
    assert_eq!(stderr, "error: the key `hero` is ambiguous\nhelp: use one of these: hero-2, 'hero image'\n");
    for name in ["owl", "", "ffffffff", "00000000-0000-0000-0000-000000000000", "\u{1b}[2J", "%", "_"] {
        for command in ["status", "result", "cancel", "watch"] {
            let stderr = project.run(&[command, name]).await.failure(7);
            assert!(stderr.contains("in the journal") && !stderr.contains('\u{1b}'), "{stderr}");
        }
    }
}

#[tokio::test]
async fn status_follows_the_queue() {
    let paced = Paced::new().await;
    let (project, emulator) = (&paced.project, &paced.project.emulator);
    let key = submitted(project, &["--key", "fox"]).await;
    let request_id = emulator.jobs()[0].request_id().to_owned();
    let state = async || {
        let run = project.run(&["status", &key, "--logs"]).await.success();
        run.lines()
            .filter(|line| line.starts_with("state: ") || line.starts_with("log: "))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(state().await, "state: submitted, in the queue, 1 ahead");
    emulator.advance(&request_id);
    assert_eq!(state().await, "state: submitted, next in the queue");
    emulator.advance(&request_id);
    emulator.advance(&request_id);
    assert_eq!(state().await, "state: submitted, running\nlog: Loading the model");
    let stderr = project.run(&["result", &key]).await.failure(8);
    assert_eq!(stderr, "error: the job `fox` is not finished: running\nhelp: follow it with `cargo fal watch fox`\n");
    emulator.complete(&request_id);
    assert!(state().await.starts_with("state: submitted, completed\n"));
    project.run(&["result", &key]).await.success();
    assert_eq!(state().await, "state: completed");
    assert_eq!(emulator.jobs().len(), 1);
}

#[tokio::test]
async fn requests_of_other_programs_need_their_endpoint() {
    let paced = Paced::new().await;
    let (project, emulator) = (&paced.project, &paced.project.emulator);
    let input = json!({ "image_url": "https://example.com/fox.png" });
    let handle = emulator.client().endpoint(REDUX);
    let (one, other) = (handle.submit(input.clone()).await.unwrap(), handle.submit(input).await.unwrap());
    let of = |command: &'static str, id: &str| [command, id, "--endpoint", REDUX].map(str::to_owned);
    let run = async |arguments: [String; 4]| project.run(&arguments.each_ref().map(String::as_str)).await;
    project.run(&["status", &one.request_id]).await.failure(7);
    let text = run(of("status", &one.request_id)).await.success();
    assert_eq!(text, format!("endpoint: {REDUX}\nstate: in the queue, 1 ahead\n"));
    assert!(run(of("cancel", &other.request_id)).await.success().ends_with(": cancelled\n"));
    emulator.complete(&one.request_id);
    for command in ["watch", "result"] {
        let text = run(of(command, &one.request_id)).await.success();
        assert!(text.contains("images[0]: fal-output/") && text.contains(&one.request_id), "{text}");
    }
    run(of("status", "00000000-0000-0000-0000-000000000000")).await.failure(7);
    run(of("status", "fox")).await.failure(7);
}

#[tokio::test]
async fn jobs_are_cancelled() {
    let paced = Paced::new().await;
    let (project, emulator) = (&paced.project, &paced.project.emulator);
    for key in ["queued", "running", "completed", "ready"] {
        submitted(project, &["--key", key]).await;
    }
    let ids: Vec<String> = emulator.jobs().iter().map(|job| job.request_id().to_owned()).collect();
    emulator.advance(&ids[1]);
    emulator.advance(&ids[1]);
    emulator.complete(&ids[2]);
    emulator.complete(&ids[3]);
    project.run(&["watch", "completed"]).await.success();
    let run = project.run(&["cancel", "queued", "owl", "running", "completed", "ready"]).await;
    let stopped = "running: cancelled while it ran, and fal may bill it";
    let lines = ["queued: cancelled", stopped, "completed: completed already", "ready: completed already"];
    assert_eq!(run.stdout, lines.join("\n") + "\n");
    assert!(run.failure(7).contains("no job `owl`"));
    assert_eq!(
        project.run(&["cancel", "queued", "--json"]).await.json(),
        json!([{ "key": "queued", "result": "cancelled" }])
    );
    project.run(&["result", "queued"]).await.failure(1);
}

#[tokio::test]
async fn all_unfinished_jobs_are_watched() {
    let project = Project::new().await;
    let run = project.run(&["watch"]).await;
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), "the journal has no unfinished jobs\n"));
    submitted(&project, &["--key", "one"]).await;
    project.emulator.inject_fault(Operation::Submit, Fault::outcome(500));
    submitted(&project, &["--key", "two"]).await;
    let run = project.run(&["watch", "--json"]).await;
    let lines: Vec<serde_json::Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((run.code, lines.len()), (Some(1), 2), "{lines:?}");
    let of = |key: &str| lines.iter().find(|line| line["key"] == key).unwrap();
    assert_eq!((&of("one")["state"], &of("two")["error"]["exit_code"]), (&json!("completed"), &json!(1)));
    assert_eq!(project.run(&["watch", "one", "--json"]).await.json()["key"], "one");
    let request_id = project.emulator.jobs()[0].request_id().to_owned();
    let text = project.run(&["watch", "one", &request_id, "one"]).await.success();
    assert_eq!(text.matches("images[0]").count(), 1, "{text}");
    project.run(&["watch", "two"]).await.failure(1);
    assert_eq!(project.emulator.jobs().len(), 2);
}

#[tokio::test]
async fn interrupt_leaves_watched_jobs() {
    let paced = Paced::new().await;
    submitted(&paced.project, &["--key", "fox"]).await;
    let process = paced.project.spawn(&["watch", "fox"]);
    paced.until_followed().await;
    process.signal("INT");
    let stderr = process.end().await.failure(130);
    assert!(stderr.contains("the job `fox` continues"), "{stderr}");
    assert!(!paced.project.emulator.jobs()[0].was_cancelled());
}

#[tokio::test]
async fn request_of_an_uncertain_job_is_adopted() {
    let project = Project::new().await;
    project.emulator.inject_fault(Operation::Submit, Fault::drop_connection().after_effect());
    project.run(&["run", REDUX, IMAGE, "--key", "fox"]).await.failure(8);
    let run = project.run(&["status", "fox"]).await;
    let request_id = project.emulator.jobs()[0].request_id().to_owned();
    assert!(run.stderr.contains(&format!("cargo fal watch fox --adopt {request_id}")), "{run:?}");
    let json = project.run(&["status", "fox", "--json"]).await.json();
    assert_eq!(json["candidates"], json!([{ "request_id": request_id, "is_equal": true }]));
    project.run(&["cancel", "fox"]).await.failure(8);
    project.run(&["result", "fox"]).await.failure(8);
    // Another submission is not permitted while there is a request.
    let stderr = project.run(&["watch", "fox", "--permit"]).await.failure(8);
    assert!(stderr.contains(&request_id), "{stderr}");
    let unknown = "00000000-0000-0000-0000-000000000000";
    project.run(&["watch", "fox", "--adopt", unknown]).await.failure(7);
    project.run(&["watch", "fox", "--adopt", &request_id]).await.success();
    assert_eq!(project.emulator.jobs().len(), 1);
}

#[tokio::test]
async fn uncertain_job_without_a_request_is_sent_again_with_permission() {
    let project = Project::new().await;
    project.emulator.inject_fault(Operation::Submit, Fault::drop_connection());
    project.run(&["run", REDUX, IMAGE, "--key", "fox"]).await.failure(8);
    let run = project.run(&["status", "fox"]).await;
    assert!(run.stderr.contains("fal does not list a request of it yet; look again in 30 min"), "{run:?}");
    project.run(&["watch", "fox"]).await.failure(8);
    let stderr = project.run(&["watch", "fox", "--permit"]).await.failure(8);
    assert!(stderr.contains("try again in 30 min, or add --yes"), "{stderr}");
    project.run(&["watch", "fox", "--permit", "--yes"]).await.success();
    assert_eq!(project.emulator.jobs().len(), 1);
}

#[tokio::test]
async fn list_of_requests_without_permission_is_explained() {
    let builder = Emulator::builder().pace(Pace::instant()).without_permission(Operation::RequestsByEndpoint);
    let project = Project::with(builder).await;
    project.emulator.inject_fault(Operation::Submit, Fault::drop_connection());
    project.run(&["run", REDUX, IMAGE, "--key", "fox"]).await.failure(8);
    let run = project.run(&["status", "fox"]).await;
    assert!(run.stderr.contains("look at https://fal.ai/dashboard/requests instead"), "{run:?}");
    run.success();
}

#[tokio::test]
async fn watch_has_a_time_limit() {
    let paced = Paced::new().await;
    submitted(&paced.project, &["--key", "fox"]).await;
    let stderr = paced.project.run(&["watch", "fox", "--timeout", "100ms"]).await.failure(8);
    assert!(stderr.contains("cargo fal watch fox"), "{stderr}");
}
