//! `cargo fal emulate`

use std::fs;
use std::process::Stdio;

use fal_client::{Client, Job};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::run::{IMAGE, REDUX};
use crate::support::{Process, Project, Run, assert_golden, in_time};

/// The tool as the client of an emulator that it has started.
const FAL: &str = env!("CARGO_BIN_EXE_cargo-fal");

#[cfg(unix)]
#[tokio::test]
async fn exit_code_of_the_command_is_passed_on() {
    let project = Project::new().await;
    for (script, code) in [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -KILL $$", 137)] {
        let run = project.run(&["emulate", "--", "sh", "-c", script]).await;
        assert_eq!((run.code, run.stdout.as_str()), (Some(code), ""), "{script}: {}", run.stderr);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn streams_belong_to_the_command() {
    let project = Project::new().await;
    let mut command = project.command(&["emulate", "--quiet", "--", "sh", "-c", "cat; printf told >&2"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = tokio::process::Command::from(command).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"a\0\xffb").await.unwrap();
    drop(stdin);
    let output = in_time(child.wait_with_output()).await.unwrap();
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"a\0\xffb"[..], &b"told"[..]));
}

#[tokio::test]
async fn options_after_the_dashes_are_those_of_the_command() {
    let project = Project::new().await;
    let run = project.run(&["emulate", "--", FAL, "list", "--shipped", "--json", "--quiet"]).await;
    assert!(run.stderr.ends_with("emulator: no requests\n"), "{}", run.stderr);
    assert!(run.json().is_array());
}

#[tokio::test]
async fn missing_documents_have_a_remedy() {
    let project = Project::new().await;
    let stderr = project.run(&["emulate", "--schemas", "absent", "--", "true"]).await.failure(1);
    assert!(stderr.contains("absent: no such folder") && stderr.contains("`cargo fal add ENDPOINT`"), "{stderr}");
}

#[cfg(unix)]
#[tokio::test]
async fn commands_that_cannot_be_started_are_errors() {
    use std::os::unix::fs::PermissionsExt;

    let project = Project::new().await;
    let mut command = project.command(&["emulate", "--", "no-such-command"]);
    command.env("PATH", "/usr/bin:/bin");
    let stderr = Run::of(command).await.failure(127);
    let expected = "error: cannot run `no-such-command`: no such command\n\
        help: install it, or add its folder to PATH, which is `/usr/bin:/bin`; for what only a shell knows, use `sh -c \
        'no-such-command …'`\n";
    assert_eq!(stderr, expected);
    let stderr = project.run(&["emulate", "--", "./missing"]).await.failure(127);
    assert!(stderr.contains("help: check the path"), "{stderr}");
    project.write("plain.txt", "text");
    let stderr = project.run(&["emulate", "--", "./plain.txt"]).await.failure(126);
    assert!(stderr.contains("error: cannot run `./plain.txt`: Permission denied"), "{stderr}");
    project.write("script", "#!/no/such/interpreter\n");
    fs::set_permissions(project.path("script"), fs::Permissions::from_mode(0o755)).unwrap();
    let stderr = project.run(&["emulate", "--", "./script"]).await.failure(126);
    assert!(stderr.contains("its interpreter is missing"), "{stderr}");
}

#[cfg(unix)]
#[tokio::test]
async fn first_signal_is_passed_on_and_second_kills() {
    let project = Project::new().await;
    let script = "trap 'echo told; exit 3' TERM; echo ready; while :; do sleep 0.1; done";
    let mut process = project.spawn(&["emulate", "--", "sh", "-c", script]);
    process.stdout_until("ready").await;
    process.signal("TERM");
    let run = process.end().await;
    assert_eq!((run.code, run.stdout.as_str()), (Some(3), "\ntold\n"));

    let script = "trap 'echo told' TERM; echo ready; while :; do sleep 0.1; done";
    let mut process = project.spawn(&["emulate", "--", "sh", "-c", script]);
    process.stdout_until("ready").await;
    process.signal("TERM");
    process.stdout_until("told").await;
    process.signal("TERM");
    assert_eq!(process.end().await.code, Some(137));
}

#[cfg(unix)]
#[tokio::test]
async fn stdout_can_be_evaluated_by_a_shell() {
    let project = Project::new().await;
    let mut process = project.spawn(&["emulate", "--port", "0", "--key", "id:it's$(a)key"]);
    let printed = process.stdout_until("FAL_SITE_HOST=").await + "0\n";
    let run = std::process::Command::new("sh").arg("-euc").arg(format!("{printed}\nenv")).output().unwrap();
    assert!(run.status.success(), "{run:?}");
    let environment = String::from_utf8(run.stdout).unwrap();
    let value = |name: &str| environment.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
    assert_eq!(value("FAL_KEY="), "id:it's$(a)key");
    assert_eq!(value("FAL_RUN_HOST="), value("FAL_EMULATOR_URL=") + "/fal.run");
    process.signal("INT");
    let stderr = process.end().await.failure(0);
    assert!(stderr.contains("\nexport HTTPS_PROXY=http://127.0.0.1:"), "{stderr}");
    assert!(stderr.ends_with("emulator: no requests\n"), "{stderr}");

    let mut process = project.spawn(&["emulate", "--port", "0", "--via", "proxy"]);
    let printed = process.stdout_until("NODE_OPTIONS=").await;
    assert!(!printed.contains("FAL_RUN_HOST="), "{printed}");
    let run = std::process::Command::new("sh").arg("-euc").arg(format!("{printed}\nenv")).output().unwrap();
    let environment = String::from_utf8(run.stdout).unwrap();
    let value = |name: &str| environment.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
    assert_eq!(value("HTTPS_PROXY="), value("FAL_EMULATOR_URL="));
    assert!(fs::read_to_string(value("SSL_CERT_FILE=")).unwrap().contains("BEGIN CERTIFICATE"));
    process.signal("TERM");
    process.end().await.success();
    assert!(!std::path::Path::new(&value("SSL_CERT_FILE=")).exists());
}

#[cfg(unix)]
#[tokio::test]
async fn file_of_the_environment_exists_while_the_emulator_listens() {
    let project = Project::new().await;
    let port = ["emulate", "--port", "0", "--env-file", "fal.env"];
    let mut process = project.spawn(&port);
    process.stdout_until("FAL_SITE_HOST=").await;
    let file = fs::read_to_string(project.path("fal.env")).unwrap();
    let url = file.lines().next().unwrap().strip_prefix("FAL_EMULATOR_URL=").unwrap();
    assert!(file.contains(&format!("\nHTTPS_PROXY={url}\n")), "{file}");
    let script =
        "set -a; . ./fal.env; exec \"$0\" run fal-ai/flux/dev/redux image_url=https://example.com/fox.png --quiet";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script, FAL]).current_dir(project.path("")).env_remove("FAL_KEY");
    Run::of(command).await.success();
    process.signal("TERM");
    let run = process.end().await;
    assert!(run.stderr.contains("emulator: "), "{}", run.stderr);
    run.success();
    assert!(!project.path("fal.env").exists());

    project.write(".env", "SECRET=1\n");
    let stderr = project.run(&["emulate", "--port", "0", "--env-file", ".env"]).await.failure(2);
    assert!(
        stderr.starts_with("error: --env-file: `.env` exists, and is not a file of this command\nhelp: "),
        "{stderr}"
    );
    let stderr = project.run(&["emulate", "--port", "0", "--env-file", "no/fal.env"]).await.failure(1);
    assert!(stderr.starts_with("error: cannot write `no/fal.env`: "), "{stderr}");
    let key = ["emulate", "--port", "0", "--key", "id:it's", "--env-file", "fal.env"];
    let stderr = project.run(&key).await.failure(2);
    assert!(stderr.starts_with("error: --env-file: the value of FAL_KEY has characters that need quotes"), "{stderr}");
    assert!(!stderr.contains("it's"));
}

#[tokio::test]
async fn client_reaches_the_emulator_by_either_way() {
    let project = Project::new().await;
    let client = ["--", FAL, "run", REDUX, IMAGE, "--json"];
    for options in [&[][..], &["--via", "hosts"], &["--via", "proxy", "--tls"], &["--via", "hosts", "--tls"]] {
        let run = project.run(&[&["emulate"], options, &client].concat()).await;
        assert!(run.stderr.contains(", 1 job, "), "{options:?}: {}", run.stderr);
        run.json();
    }
    // The one of the project, whose variables the tool has, is not called.
    assert_eq!(project.emulator.requests().len(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn command_has_no_variables_that_lead_elsewhere() {
    let project = Project::new().await;
    let mut command = project.command(&["emulate", "--", "env"]);
    command.env("ALL_PROXY", "http://127.0.0.1:1").env("NODE_OPTIONS", "--no-warnings").env("PATH", "/usr/bin:/bin");
    let environment = Run::of(command).await.success();
    let value = |name: &str| environment.lines().find_map(|line| line.strip_prefix(name));
    assert_eq!((value("ALL_PROXY="), value("FAL_RUN_HOST=")), (None, None));
    assert_eq!(value("HTTPS_PROXY="), value("FAL_EMULATOR_URL="));
    assert!(value("NODE_OPTIONS=").unwrap().starts_with("--no-warnings --require="), "{environment}");
    // The certificates are gone.
    assert!(!std::path::Path::new(value("SSL_CERT_FILE=").unwrap()).exists());
}

#[cfg(unix)]
#[tokio::test]
async fn connections_to_other_hosts_are_refused_and_named() {
    let project = Project::new().await;
    let script = "FAL_API_HOST=https://api.example.test exec \"$0\" search redux --quiet";
    let run = project.run(&["emulate", "--summary", "summary.json", "--", "sh", "-c", script, FAL]).await;
    assert!(run.stderr.contains("api.example.test"), "{}", run.stderr);
    let summary: Value = serde_json::from_slice(&fs::read(project.path("summary.json")).unwrap()).unwrap();
    let number = summary["refused_hosts"]["api.example.test"].as_u64().unwrap();
    let line = " to api.example.test; allow it with --allow-network\n";
    assert!(number > 0 && run.stderr.ends_with(line), "{}", run.stderr);
    run.failure(5);
}

#[tokio::test]
async fn summary_counts_requests_jobs_and_costs() {
    let project = Project::new().await;
    let options = ["--running", "0s", "--price", "0.025/image", "--fail", "1x422", "--summary", "summary.json"];
    let rows = "{\"image_url\": \"https://example.com/a.png\"}\n{\"image_url\": \"https://example.com/b.png\"}\n";
    project.write("rows.jsonl", rows);
    let batch = ["--", FAL, "batch", REDUX, "rows.jsonl", "--quiet", "--concurrency", "1"];
    let run = project.run(&[&["emulate"], &options[..], &batch].concat()).await;
    let summary: Value = serde_json::from_slice(&fs::read(project.path("summary.json")).unwrap()).unwrap();
    assert_eq!((run.code, &summary["exit_code"]), (Some(1), &json!(1)), "{run:?}");
    assert_eq!((&summary["jobs"], &summary["cost_usd"]), (&json!(2), &json!(0.025)), "{summary}");
    let failed =
        json!([{ "reason": "422", "request": format!("GET queue.fal.run/fal-ai/flux/requests/{{id}}"), "count": 1 }]);
    assert_eq!((&summary["failures"], &summary["failed_requests"]), (&failed, &json!(1)));
    assert_eq!(summary["endpoints"][0]["endpoint"], REDUX);
    assert_eq!((&summary["endpoints"][0]["completed"], &summary["endpoints"][0]["failed"]), (&json!(1), &json!(1)));
    let number = summary["requests"].as_u64().unwrap();
    let text = run.stderr.split_once("emulator: ").unwrap().1.replace(&number.to_string(), "N");
    assert_golden("emulate-summary.txt", &text);
}

#[tokio::test]
async fn endpoint_without_a_document_is_named_with_the_remedy() {
    let project = Project::new().await;
    fs::create_dir(project.path("served")).unwrap();
    let document = json!({ "endpointId": "acme/echo", "input": { "type": "object" }, "output": {} });
    project.write("served/echo.json", document.to_string());
    let client = ["--", FAL, "run", REDUX, IMAGE, "--quiet"];
    let run = project.run(&[&["emulate", "--schemas", "served"], &client[..]].concat()).await;
    let expected = format!(
        "  unknown: {REDUX}; fetch its document with `cargo fal add {REDUX}`, and serve it with `--schemas schemas`\n"
    );
    assert!(run.stderr.ends_with(&expected), "{}", run.stderr);
    run.failure(7);
}

#[tokio::test]
async fn seed_decides_about_outputs_and_failures() {
    let project = Project::new().await;
    let output = async |seed: &str, key: &str| {
        let options = ["emulate", "--running", "0s", "--latency", "1ms", "--concurrency", "1", "--seed", seed];
        let client = ["--", FAL, "run", REDUX, IMAGE, "--json", "--key", key];
        project.run(&[&options[..], &client].concat()).await.json()["output"]["seed"].clone()
    };
    assert_eq!(output("7", "a").await, output("7", "b").await);
    assert_ne!(output("7", "c").await, output("8", "d").await);
    let run = async |share: &str| {
        let client = ["--", FAL, "run", REDUX, IMAGE, "--quiet"];
        project.run(&[&["emulate", "--running", "0s", "--fail", share][..], &client].concat()).await
    };
    run("100%x402").await.failure(4);
    run("0.0000001%x402").await.success();
}

#[tokio::test]
async fn requests_are_logged_where_the_user_wants_them() {
    let project = Project::new().await;
    let client = ["--", FAL, "run", REDUX, IMAGE, "--quiet"];
    let line = format!("POST /queue.fal.run/{REDUX} -> 200\n");
    let run = project.run(&[&["emulate"], &client[..]].concat()).await;
    assert!(!run.stderr.contains("POST"), "{}", run.stderr);
    run.success();
    let run = project.run(&[&["emulate", "--verbose"], &client[..]].concat()).await;
    assert!(run.stderr.contains(&line), "{}", run.stderr);
    let run = project.run(&[&["emulate", "--log", "log.txt"], &client[..]].concat()).await;
    assert!(!run.stderr.contains("POST"), "{}", run.stderr);
    assert!(fs::read_to_string(project.path("log.txt")).unwrap().contains(&line));
}

#[tokio::test]
async fn wrong_options_say_what_to_do() {
    let project = Project::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let stderr = project.run(&["emulate", "--port", &port]).await.failure(1);
    assert!(stderr.starts_with(&format!("error: cannot listen on 127.0.0.1:{port}: ")), "{stderr}");
    assert!(
        stderr.contains("help: end the other `cargo fal emulate`, or take a free port with `--port 0`"),
        "{stderr}"
    );
    let stderr = project.run(&["emulate", "--log", "no/log.txt"]).await.failure(1);
    assert!(stderr.starts_with("error: cannot write `no/log.txt`: "), "{stderr}");
    let stderr = project.run(&["emulate", "--key", "a b"]).await.failure(2);
    assert!(stderr.starts_with("error: --key: the API key contains whitespace"), "{stderr}");
    let stderr = project.run(&["emulate", "pytest"]).await.failure(2);
    assert!(stderr.contains("[-- <COMMAND>...]"), "{stderr}");
}

#[tokio::test]
async fn recorded_requests_are_replayed_and_others_are_failures() {
    let project = Project::new().await;
    let upstream = project.emulator.base_url();
    let client = ["--", FAL, "run", REDUX, IMAGE, "--quiet"];
    let record = ["emulate", "--record", "records", "--upstream", upstream];
    project.run(&[&record[..], &client].concat()).await.success();
    assert_eq!(project.emulator.accepted_jobs(), 1);

    let replay = ["emulate", "--running", "0s", "--replay", "records"];
    // The journal would continue the job.
    fs::remove_dir_all(project.path(".fal")).unwrap();
    project.run(&[&replay[..], &client].concat()).await.success();
    assert_eq!(project.emulator.accepted_jobs(), 1);
    let stderr = project.run(&[&replay[..], &["--", FAL, "list"]].concat()).await.failure(1);
    let expected = "error: the records do not fit the requests:\nrecords that were not used:\n  0001-";
    assert!(stderr.contains(expected), "{stderr}");

    let other = "image_url=https://example.com/owl.png";
    let run = project.run(&[&replay[..], &["--", FAL, "run", REDUX, other, "--quiet"]].concat()).await;
    let expected = "recorded \"https://example.com/fox.png\", received \"https://example.com/owl.png\"";
    assert!(run.stderr.contains(expected), "{}", run.stderr);
    assert_ne!(run.code, Some(0));

    let stderr = project.run(&[&record[..], &client].concat()).await.failure(1);
    assert!(stderr.contains("records: the folder has records"), "{stderr}");
    let stderr = project.run(&["emulate", "--replay", "missing", "--", FAL, "list"]).await.failure(1);
    assert!(stderr.contains("missing: cannot read the folder"), "{stderr}");
    let stderr = project.run(&["emulate", "--record", "new", "--replay", "records"]).await.failure(2);
    assert!(stderr.contains("cannot be used with"), "{stderr}");
    let mut command = project.command(&["emulate", "--record", "new"]);
    command.env_remove("FAL_KEY");
    let stderr = Run::of(command).await.failure(4);
    assert!(stderr.starts_with("error: missing API key: --record sends requests to fal"), "{stderr}");
}

/// Returns a client of an emulator that prints its environment on stdout.
#[cfg(unix)]
async fn client_of(process: &mut Process) -> Client {
    let printed = process.stdout_until("FAL_SITE_HOST=").await;
    let (_, url) = printed.split_once("FAL_EMULATOR_URL=").unwrap();
    let url = url.lines().next().unwrap();
    Client::builder().key("id:secret").queue_host(format!("{url}/queue.fal.run")).build().unwrap()
}

#[cfg(unix)]
#[tokio::test]
async fn acknowledged_jobs_survive_a_kill() {
    let project = Project::new().await;
    let emulate = ["emulate", "--port", "0", "--running", "0s", "--waiting", "0s", "--state", "fal.db"];
    let mut known: Vec<String> = Vec::new();
    // The second kill is of an emulator with a file.
    for _ in 0..2 {
        let mut process = project.spawn(&emulate);
        let client = client_of(&mut process).await;
        let (sender, mut acknowledged) = mpsc::unbounded_channel();
        let mut submissions = JoinSet::new();
        for _ in 0..8 {
            let (client, sender) = (client.clone(), sender.clone());
            submissions.spawn(async move {
                let input = json!({ "image_url": "https://example.com/fox.png" });
                while let Ok(submitted) = client.endpoint(REDUX).submit(input.clone()).await {
                    sender.send(submitted.request_id).unwrap();
                }
            });
        }
        for _ in 0..100 {
            known.push(in_time(acknowledged.recv()).await.unwrap());
        }
        process.signal("KILL");
        assert_eq!(process.end().await.code, None);
        submissions.shutdown().await;
        drop(sender);
        while let Some(id) = acknowledged.recv().await {
            known.push(id);
        }
    }

    let mut process = project.spawn(&emulate);
    let client = client_of(&mut process).await;
    for id in &known {
        let job = client.resume(Job::<Value>::new(REDUX, id));
        assert!(job.status().await.unwrap().is_completed(), "{id}");
        assert!(job.result().await.unwrap().data["images"].is_array(), "{id}");
    }
    process.signal("TERM");
    process.end().await.success();
}
