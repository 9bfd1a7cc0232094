//! `cargo fal run`

use std::fs;
use std::process::Stdio;
use std::sync::Arc;

use fal_client::LockReason;
use fal_client::money::Decimal;
use fal_emulator::{Emulator, EmulatorBuilder, Fault, JobState, Operation, Pace, Price, ReceivedRequest};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::{Project, Run, assert_golden, in_time};

pub(crate) const REDUX: &str = "fal-ai/flux/dev/redux";
pub(crate) const IMAGE: &str = "image_url=https://example.com/fox.png";

/// A project whose emulator notifies of every request, and whose jobs are advanced by the test.
pub(crate) struct Paced {
    pub(crate) project: Project,
    requested: Arc<Notify>,
}

impl Paced {
    pub(crate) async fn new() -> Self {
        Paced::with(Emulator::builder()).await
    }

    pub(crate) async fn with(builder: EmulatorBuilder) -> Self {
        let requested = Arc::new(Notify::new());
        let notify = Arc::clone(&requested);
        let builder = builder.pace(Pace::manual()).on_request(move |_| notify.notify_one());
        Paced { project: Project::with(builder).await, requested }
    }

    /// Waits until this many requests of the operation were received.
    pub(crate) async fn until(&self, operation: Operation, count: usize) {
        let is_meant = |request: &&ReceivedRequest| request.operation() == operation;
        in_time(async {
            while self.project.emulator.requests().iter().filter(is_meant).count() < count {
                self.requested.notified().await;
            }
        })
        .await;
    }

    /// Waits for a run of the tool, and completes all jobs that are accepted while it runs.
    pub(crate) async fn completed<T>(&self, run: impl Future<Output = T>) -> T {
        let complete = async {
            loop {
                for job in self.project.emulator.jobs() {
                    self.project.emulator.complete(job.request_id());
                }
                self.requested.notified().await;
            }
        };
        tokio::select! { done = run => done, () = complete => unreachable!() }
    }

    /// Waits until the tool follows its job, and returns the request id.
    pub(crate) async fn until_followed(&self) -> String {
        self.until(Operation::StatusStream, 1).await;
        self.project.emulator.jobs()[0].request_id().to_owned()
    }
}

/// Replaces what differs between runs: request ids, times, and hashes of files.
pub(crate) fn stable(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let words = line.split(' ').map(|word| {
            let is_id = word.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
            match word.rsplit_once('-') {
                _ if is_id => "REQUEST_ID".to_owned(),
                Some((stem, hash)) if word.ends_with(".jpg") && hash.len() == 16 => format!("{stem}-HASH.jpg"),
                _ => word.to_owned(),
            }
        });
        let line = words.collect::<Vec<_>>().join(" ");
        lines.push(if line.starts_with("time: ") { "time: 1.0 s".to_owned() } else { line });
    }
    lines.join("\n") + "\n"
}

fn files(project: &Project, folder: &str) -> usize {
    fs::read_dir(project.path(folder)).map(Iterator::count).unwrap_or_default()
}

#[tokio::test]
async fn outputs_files_and_cost_are_printed() {
    let price = Price::usd(Decimal::new(25, 3), "images");
    let builder = Emulator::builder().pace(Pace::instant()).price(REDUX, price);
    let project = Project::with(builder).await;
    for (index, columns) in [60, 80, 140].into_iter().enumerate() {
        let text = project.run_in(columns, &["run", REDUX, IMAGE, "num_images=2"]).await.success();
        let text = stable(&text).replace(&format!("-{}\n", index + 1), "\n");
        assert_golden(&format!("run-{columns}.txt"), &text);
    }
    assert_eq!(files(&project, "fal-output"), 2);
    let run = project.run(&["run", REDUX, IMAGE, "--json", "--out", "foxes"]).await;
    assert_eq!(run.stderr, "");
    let json = run.json();
    assert_eq!(json["cost"], json!({ "amount": "0.025", "currency": "USD", "is_estimated": false }));
    assert_eq!((&json["endpoint"], &json["billable_units"]), (&json!(REDUX), &json!(1)));
    let status = project.run(&["status", "last", "--json"]).await.json();
    assert_eq!((&status["cost"], &status["billable_units"]), (&json["cost"], &json["billable_units"]));
    let file = json["files"][0]["file"].as_str().unwrap();
    assert_eq!(project.path(file).metadata().unwrap().len(), json["files"][0]["size"].as_u64().unwrap());
    assert!(file.starts_with("foxes/flux-dev-redux-"), "{file}");
}

#[tokio::test]
async fn outputs_of_a_service_reach_the_terminal_without_control_characters() {
    let project = Project::new().await;
    let evil = "\u{1b}]0;title\u{7}\u{1b}[2J\u{202e}evil";
    let output = json!({
        "images": [{ "url": format!("https://example.com/{evil}.png"), "content_type": evil }],
        "prompt": evil, "seed": 1, "has_nsfw_concepts": [evil], "timings": { evil: 0.5 }, "text": format!("a\n{evil}\nb"),
    });
    project.emulator.inject_fault(Operation::Submit, Fault::outcome(200).json(&output));
    let run = project.run(&["run", REDUX, IMAGE]).await;
    assert!(!run.stderr.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{run:?}");
    let run = project.run(&["result", "last", "--json"]).await;
    assert!(!run.stderr.contains('\u{1b}') && !run.stdout.contains('\u{1b}'), "{run:?}");
    let output = json!({ "images": [], "prompt": evil, "timings": { evil: 0.5 }, "text": format!("a\n{evil}\nb") });
    project.emulator.inject_fault(Operation::Submit, Fault::outcome(200).json(&output));
    let text = project.run(&["run", REDUX, IMAGE, "num_images=2"]).await.success();
    assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
    assert!(text.contains("\ntext:\n  a\n  \\u{1b}]0;title"), "{text}");
}

#[tokio::test]
async fn long_outputs_are_cut_in_a_terminal_only() {
    let project = Project::new().await;
    let output = json!({ "images": [], "mask": "x".repeat(500), "numbers": (0..500).collect::<Vec<_>>(),
        "items": (0..300).map(|n| json!({ "n": n })).collect::<Vec<_>>() });
    project.emulator.inject_fault(Operation::Submit, Fault::outcome(200).json(&output));
    let text = project.run_in(60, &["run", REDUX, IMAGE]).await.success();
    assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
    assert!(text.contains("more lines; --json prints all"), "{text}");
    let text = project.run(&["result", "last"]).await.success();
    assert!(text.contains(&"x".repeat(500)) && text.contains("items[299].n: 299"), "{text}");
}

#[tokio::test]
async fn killed_run_is_continued() {
    let paced = Paced::new().await;
    let (project, emulator) = (&paced.project, &paced.project.emulator);
    let process = project.spawn(&["run", REDUX, IMAGE]);
    let request_id = paced.until_followed().await;
    process.signal("KILL");
    assert_eq!(process.end().await.code, None);
    emulator.complete(&request_id);
    let text = project.run(&["run", REDUX, IMAGE]).await.success();
    assert!(text.contains(&request_id), "{text}");
    assert_eq!((emulator.jobs().len(), files(project, "fal-output")), (1, 1));
}

#[tokio::test]
async fn first_interrupt_cancels_the_job() {
    let paced = Paced::new().await;
    let process = paced.project.spawn(&["run", REDUX, IMAGE]);
    paced.until_followed().await;
    process.signal("INT");
    let stderr = process.end().await.failure(130);
    assert!(stderr.contains("cancelling the job") && stderr.contains("was cancelled, and is not billed"), "{stderr}");
    assert!(paced.project.emulator.jobs()[0].was_cancelled());
}

#[tokio::test]
async fn job_that_completes_before_it_is_cancelled_is_kept() {
    let paced = Paced::new().await;
    let (project, emulator) = (&paced.project, &paced.project.emulator);
    let refusal = Fault::respond(400).json(&json!({ "status": "ALREADY_COMPLETED" }));
    emulator.inject_fault(Operation::Cancel, refusal);
    let process = project.spawn(&["run", REDUX, IMAGE]);
    let request_id = paced.until_followed().await;
    process.signal("INT");
    paced.until(Operation::Cancel, 1).await;
    emulator.complete(&request_id);
    let run = process.end().await;
    assert!(run.stderr.contains("completed before it could be cancelled"), "{run:?}");
    assert!(run.success().contains("images[0]: fal-output/"));
    assert_eq!(files(project, "fal-output"), 1);
}

#[tokio::test]
async fn second_interrupt_leaves_the_job_to_watch() {
    let paced = Paced::new().await;
    let (project, emulator) = (&paced.project, &paced.project.emulator);
    emulator.inject_fault(Operation::Cancel, Fault::none().delay(std::time::Duration::from_secs(600)));
    let mut process = project.spawn(&["run", REDUX, IMAGE]);
    let request_id = paced.until_followed().await;
    process.signal("INT");
    process.stderr_until("press Ctrl-C again").await;
    process.signal("INT");
    let stderr = process.end().await.failure(130);
    assert!(stderr.contains("continues") && stderr.contains("cargo fal watch "), "{stderr}");
    emulator.complete(&request_id);
    let text = project.run(&["watch", "last"]).await.success();
    assert!(text.contains(&request_id), "{text}");
    assert_eq!(emulator.jobs().len(), 1);
}

#[tokio::test]
async fn termination_leaves_the_job() {
    let paced = Paced::new().await;
    let process = paced.project.spawn(&["run", REDUX, IMAGE]);
    paced.until_followed().await;
    process.signal("TERM");
    let stderr = process.end().await.failure(130);
    assert!(stderr.contains("cargo fal watch "), "{stderr}");
    assert!(!paced.project.emulator.jobs()[0].was_cancelled());
}

#[tokio::test]
async fn time_limit_leaves_the_job() {
    let paced = Paced::new().await;
    let (project, emulator) = (&paced.project, &paced.project.emulator);
    let stderr = project.run(&["run", REDUX, IMAGE, "--timeout", "1s"]).await.failure(8);
    assert!(stderr.contains("to follow the job, use `cargo fal watch "), "{stderr}");
    emulator.complete(emulator.jobs()[0].request_id());
    project.run(&["watch", "last"]).await.success();
}

#[tokio::test]
async fn detached_job_is_watched_later() {
    let paced = Paced::new().await;
    let (project, emulator) = (&paced.project, &paced.project.emulator);
    let job = project.run(&["run", REDUX, IMAGE, "--detach", "--json"]).await.json();
    assert_eq!((&job["state"], &job["request_id"]), (&json!("submitted"), &json!(emulator.jobs()[0].request_id())));
    emulator.complete(emulator.jobs()[0].request_id());
    project.run(&["watch", job["key"].as_str().unwrap()]).await.success();
    assert_eq!(files(project, "fal-output"), 1);
    let text = project.run(&["run", REDUX, IMAGE, "--no-wait"]).await.success();
    assert!(text.starts_with("request: ") && text.contains("\njob: "), "{text}");
    assert_eq!(emulator.jobs().len(), 2);
}

#[tokio::test]
async fn key_names_one_job() {
    let project = Project::new().await;
    let arguments = ["run", REDUX, IMAGE, "--key", "hero image", "--json"];
    let (first, second) = (project.run(&arguments).await.json(), project.run(&arguments).await.json());
    assert_eq!((&first, first["key"].as_str()), (&second, Some("hero image")));
    assert_eq!(project.emulator.jobs().len(), 1);
    let long = "x".repeat(100_000);
    for (key, problem) in [("", "it is empty"), (long.as_str(), "100000 bytes")] {
        let stderr = project.run(&["run", REDUX, IMAGE, "--key", key]).await.failure(2);
        assert!(stderr.contains("invalid key") && stderr.contains(problem) && !stderr.contains("fal.toml"), "{stderr}");
    }
    let stderr = project.run(&["run", REDUX, IMAGE, "num_images=2", "--key", "hero image"]).await.failure(2);
    assert!(stderr.contains("num_images"), "{stderr}");
    assert_eq!(project.emulator.jobs().len(), 1);
}

#[tokio::test]
async fn two_processes_share_one_request() {
    let paced = Paced::new().await;
    let (project, emulator) = (&paced.project, &paced.project.emulator);
    let one = project.spawn(&["run", REDUX, IMAGE, "--json"]);
    let request_id = paced.until_followed().await;
    project.run(&["run", REDUX, IMAGE, "--timeout", "1s"]).await.failure(8);
    let other = project.spawn(&["run", REDUX, IMAGE, "--json"]);
    let one = paced.completed(one.end()).await.json();
    let other = paced.completed(other.end()).await.json();
    assert_eq!(one["request_id"], request_id);
    // If the first one was completed before the other one began, that is another job.
    assert_eq!(emulator.jobs().len() == 1, one["request_id"] == other["request_id"]);
}

#[tokio::test]
async fn lost_submission_is_found_and_not_billed_twice() {
    let project = Project::new().await;
    project.emulator.inject_fault(Operation::Submit, Fault::drop_connection().after_effect());
    let stderr = project.run(&["run", REDUX, IMAGE]).await.failure(8);
    assert!(
        stderr.contains("it may be billed, so it is not sent again") && stderr.contains("cargo fal status"),
        "{stderr}"
    );
    let text = project.run(&["run", REDUX, IMAGE]).await.success();
    assert!(text.contains(project.emulator.jobs()[0].request_id()), "{text}");
    assert_eq!(project.emulator.jobs().len(), 1);
}

#[tokio::test]
async fn failures_that_pass_are_retried() {
    let project = Project::new().await;
    let emulator = &project.emulator;
    emulator.inject_fault(Operation::Submit, Fault::respond(429));
    emulator.inject_fault(Operation::StatusStream, Fault::nginx(502));
    emulator.inject_fault(Operation::Result, Fault::nginx(502));
    emulator.inject_fault(Operation::Media, Fault::nginx(503));
    project.run(&["run", REDUX, IMAGE]).await.success();
    assert_eq!((emulator.jobs().len(), emulator.pending_faults()), (1, 0));
}

#[tokio::test]
async fn failed_job_is_sent_again_by_the_next_run() {
    let project = Project::new().await;
    let emulator = &project.emulator;
    let refusal = json!({ "detail": [{ "loc": ["body", "prompt"], "msg": "The content could not be processed", "type": "content_policy_violation" }] });
    for fault in [Fault::outcome(500), Fault::outcome(422).json(&refusal)] {
        emulator.inject_fault(Operation::Submit, fault);
        let stderr = project.run(&["run", REDUX, IMAGE]).await.failure(1);
        assert!(stderr.contains("the job has failed"), "{stderr}");
    }
    project.run(&["run", REDUX, IMAGE]).await.success();
    assert_eq!(emulator.jobs().len(), 3);
}

#[tokio::test]
async fn job_of_a_locked_account_is_sent_later() {
    let project = Project::new().await;
    project.emulator.lock_account(LockReason::ExhaustedBalance);
    let stderr = project.run(&["run", REDUX, IMAGE]).await.failure(4);
    assert!(stderr.contains("cargo fal doctor"), "{stderr}");
    project.emulator.unlock_account();
    assert!(project.run(&["history", "--state", "waiting"]).await.success().contains("waiting"));
    project.run(&["watch"]).await.success();
    assert_eq!(project.emulator.jobs().len(), 1);
}

#[tokio::test]
async fn folder_that_cannot_be_written_is_found_before_anything_is_sent() {
    let project = Project::new().await;
    project.write("file", "");
    for out in ["file", "file/deep/folder"] {
        let stderr = project.run(&["run", REDUX, IMAGE, "--out", out]).await.failure(1);
        assert!(stderr.contains("is not a folder") && stderr.contains("nothing was sent"), "{stderr}");
    }
    assert_eq!(project.emulator.requests().len(), 0);
    project.run(&["run", REDUX, IMAGE, "--out", "new/folder"]).await.success();
    assert_eq!(files(&project, "new/folder"), 1);
}

#[tokio::test]
async fn files_of_a_billed_job_are_saved_later() {
    let project = Project::new().await;
    for _ in 0..8 {
        project.emulator.inject_fault(Operation::Media, Fault::respond(403));
    }
    let stderr = project.run(&["run", REDUX, IMAGE]).await.failure(1);
    assert!(stderr.contains("the job is completed") && stderr.contains("cargo fal result "), "{stderr}");
    while project.emulator.pending_faults() > 0 {
        project.run(&["result", "last"]).await.failure(1);
    }
    // A run without a key continues the downloads, and result saves them elsewhere.
    project.run(&["run", REDUX, IMAGE]).await.success();
    project.run(&["result", "last", "--out", "elsewhere"]).await.success();
    assert_eq!((files(&project, "fal-output"), files(&project, "elsewhere")), (1, 1));
    assert_eq!(project.emulator.jobs().len(), 1);
}

#[tokio::test]
async fn outcome_that_cannot_be_printed_is_in_the_journal() {
    let project = Project::new().await;
    let mut command = project.command(&["run", REDUX, IMAGE]);
    command.stdout(Stdio::from(fs::File::options().write(true).open("/dev/full").unwrap()));
    let stderr = tokio::process::Command::from(command).stderr(Stdio::piped()).spawn().unwrap();
    let output = in_time(stderr.wait_with_output()).await.unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("cannot write to stdout") && stderr.contains("cargo fal result "), "{stderr}");
    project.run(&["result", "last"]).await.success();
    assert_eq!(project.emulator.jobs().len(), 1);
}

#[tokio::test]
async fn logs_are_printed_if_they_are_requested() {
    let project = Project::new().await;
    let Run { stderr, .. } = project.run(&["run", REDUX, IMAGE, "--logs"]).await;
    assert!(stderr.starts_with("Loading the model\n"), "{stderr}");
    let jobs = project.emulator.jobs();
    assert!(jobs.iter().all(|job| job.state() == JobState::Completed), "{jobs:?}");
    let silent: Value = project.run(&["run", REDUX, IMAGE, "--json"]).await.json();
    assert_eq!(silent["state"], "completed");
}

#[tokio::test]
async fn endpoint_that_fal_has_removed_is_not_found() {
    let project = Project::new().await;
    let missing = json!({ "detail": "Application not found" });
    project.emulator.inject_fault(Operation::Submit, Fault::respond(404).json(&missing));
    let stderr = project.run(&["run", REDUX, IMAGE]).await.failure(7);
    assert!(stderr.contains("cargo fal update"), "{stderr}");
}
