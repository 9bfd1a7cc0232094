use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime};

use fal_client::LockReason;
use fal_emulator::{Decimal, Emulator, Fault, ModelEntry, Operation, Pace};
use serde_json::{Value, json};

use crate::support::{Project, Run, assert_golden, closed};

const REDUX: &str = "fal-ai/flux/dev/redux";

/// Returns the tool with a compiler of a fixed version.
fn doctor(project: &Project, arguments: &[&str]) -> Command {
    let mut command = project.command(&[&["doctor"], arguments].concat());
    command.env("RUSTC", rustc(project, "1.90.0"));
    command
}

/// Writes a compiler that knows its version only.
fn rustc(project: &Project, version: &str) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;

    let file = project.path(format!("rustc-{version}"));
    if !file.exists() {
        fs::write(&file, format!("#!/bin/sh\necho 'rustc {version} (0123456789 2026-01-01)'\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    file
}

async fn json(mut command: Command) -> (Option<i32>, Value) {
    command.arg("--json");
    let run = Run::of(command).await;
    (run.code, serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}")))
}

/// Returns the check of this name that matters most.
#[track_caller]
fn check<'r>(report: &'r Value, name: &str) -> &'r Value {
    let rank = |check: &&Value| match check["status"].as_str() {
        Some("failed") => 2,
        Some("warning") => 1,
        _ => 0,
    };
    let checks = report["checks"].as_array().unwrap().iter().filter(|check| check["name"] == name);
    checks.max_by_key(rank).unwrap_or_else(|| panic!("no check `{name}` in {report:#}"))
}

#[track_caller]
fn assert_check(report: &Value, name: &str, status: &str, words: &[&str]) {
    let found = check(report, name);
    assert_eq!(found["status"], status, "{report:#}");
    assert_eq!(found["help"].is_string(), status != "passed", "{found:#}");
    for word in words {
        let text = format!("{} {}", found["message"], found["help"]);
        assert!(text.contains(word), "`{word}` is not in {text}");
    }
}

/// Writes a document of an endpoint that has no other.
fn add_document(project: &Project) {
    let (_, document) = fal_client::documents().find(|(path, _)| path.strip_suffix(".json") == Some(REDUX)).unwrap();
    project.write("schemas/redux.json", document);
}

#[tokio::test]
async fn a_sound_project_has_no_problems() {
    let project = Project::new().await;
    let base = project.emulator.base_url().to_owned();
    for width in ["60", "80", "140"] {
        let mut command = doctor(&project, &[]);
        command.env("COLUMNS", width).env("LC_ALL", "C.UTF-8");
        let text = Run::of(command).await.success();
        assert_golden(&format!("doctor-{width}.txt"), &text.replace(&base, "http://127.0.0.1:65535"));
    }
    let ascii = Run::of(doctor(&project, &[])).await.success();
    assert!(ascii.is_ascii() && ascii.ends_with("\nno problems found\n"), "{ascii}");
}

#[tokio::test]
async fn problems_are_printed_with_remedies() {
    let project = Project::with(Emulator::builder().pace(Pace::instant()).locked(LockReason::ExhaustedBalance)).await;
    project.write("fal.toml", "schemas = [");
    project.write("Cargo.lock", "[[package]]\nname = \"fal-client\"\nversion = \"0.9.1\"\n");
    add_document(&project);
    project.write("schemas/broken.json", "{");
    let base = project.emulator.base_url().to_owned();
    for width in ["60", "100"] {
        let mut command = doctor(&project, &[]);
        command.env("RUSTC", rustc(&project, "1.70.0")).env("COLUMNS", width).env("LC_ALL", "C.UTF-8");
        let run = Run::of(command).await;
        assert_eq!(run.code, Some(4), "{run:?}");
        assert_golden(&format!("doctor-problems-{width}.txt"), &run.stdout.replace(&base, "http://127.0.0.1:65535"));
    }
}

#[tokio::test]
async fn the_key_is_checked_by_shape_and_by_fal() {
    let project = Project::with(Emulator::builder().key("1a2b3c4d-0000:0123456789abcdef")).await;
    let (code, report) = json(doctor(&project, &[])).await;
    assert_eq!(code, Some(0), "{report:#}");
    assert_check(&report, "key", "passed", &["fal accepts it"]);
    for (key, words) in [
        ("1a2b3c4d-0000:wrong-secret", &["rejected the API key", "https://fal.ai/dashboard/keys"][..]),
        ("'1a2b3c4d-0000:0123456789abcdef'", &["quotes"]),
        ("Key 1a2b3c4d-0000:0123456789abcdef", &["scheme"]),
        ("YOUR_KEY", &["placeholder"]),
        ("1a2b3c4d-0000:01234 56789abcdef", &["whitespace"]),
        ("", &["not set", "export FAL_KEY"]),
    ] {
        let mut command = doctor(&project, &[]);
        command.env("FAL_KEY", key);
        let (code, report) = json(command).await;
        assert_eq!((code, &report["exit_code"]), (Some(4), &json!(4)), "{key}: {report:#}");
        assert_check(&report, "key", "failed", words);
        let text = report.to_string();
        assert!(!text.contains("secret\"") && !text.contains("56789abcdef"), "{text}");
    }
    project.write(".env", "export FAL_KEY=1a2b3c4d-0000:0123456789abcdef\n");
    let mut command = doctor(&project, &["--offline"]);
    command.env_remove("FAL_KEY");
    assert_check(&json(command).await.1, "key", "failed", &[".env"]);
}

#[tokio::test]
async fn the_kind_of_the_key_is_named() {
    let project = Project::new().await;
    assert_check(&json(doctor(&project, &[])).await.1, "key", "passed", &[]);
    let texts = |report: &Value| report.to_string();
    assert!(texts(&json(doctor(&project, &[])).await.1).contains("preset FULL, scope ADMIN"));

    let api = Project::with(Emulator::builder().without_admin_scope()).await;
    let (code, report) = json(doctor(&api, &[])).await;
    assert_eq!(code, Some(0), "{report:#}");
    assert!(texts(&report).contains("preset API"), "{report:#}");
    assert_check(&report, "account", "passed", &["may not read the lock and the balance"]);

    project.emulator.deny_permission(Operation::Status);
    let (code, report) = json(doctor(&project, &[])).await;
    assert_eq!(code, Some(0), "{report:#}");
    assert_check(&report, "key", "warning", &["may not run models", "preset API or FULL"]);
}

#[tokio::test]
async fn the_lock_and_the_balance_are_reported() {
    let project = Project::with(Emulator::builder().balance(Decimal::new(35, 2))).await;
    let (code, report) = json(doctor(&project, &[])).await;
    assert_eq!(code, Some(0));
    assert_check(&report, "balance", "warning", &["$0.3500", "top up"]);
    for (reason, words) in [
        (LockReason::ExhaustedBalance, "top up at https://fal.ai/dashboard/billing"),
        (LockReason::BudgetExceeded, "change the budget"),
        (LockReason::AdminLock, "support@fal.ai"),
        (LockReason::other("\u{1b}[31mmoon phase"), "moon phase"),
    ] {
        project.emulator.lock_account(reason);
        let run = Run::of(doctor(&project, &["--color", "never"])).await;
        assert!(
            run.stdout.contains(words) && run.stdout.contains("locked") && !run.stdout.contains('\u{1b}'),
            "{run:?}"
        );
        assert_eq!(run.code, Some(4));
    }
}

#[tokio::test]
async fn unreachable_hosts_and_invalid_settings_of_the_network_have_remedies() {
    let project = Project::new().await;
    let (_closed, address) = closed();
    let mut command = doctor(&project, &[]);
    command.env("FAL_API_HOST", format!("http://{address}"));
    let (code, report) = json(command).await;
    assert_eq!(code, Some(5), "{report:#}");
    assert_check(&report, "platform host", "failed", &["FAL_API_HOST", "cannot connect", "cargo fal emulate"]);
    assert_check(&report, "queue host", "passed", &["FAL_QUEUE_RUN_HOST"]);

    for (name, value, words) in [
        ("HTTPS_PROXY", "htp://proxy", "HTTPS_PROXY"),
        ("FAL_QUEUE_RUN_HOST", "ftp://x", "queue host"),
        ("FAL_ALLOW_HTTP", "perhaps", "FAL_ALLOW_HTTP"),
    ] {
        let mut command = doctor(&project, &[]);
        command.env(name, value);
        let (code, report) = json(command).await;
        assert_eq!(code, Some(1), "{report:#}");
        assert_check(&report, "network", "failed", &[words, "correct the variable"]);
    }

    let mut command = doctor(&project, &[]);
    command.env("SSL_CERT_FILE", project.path("missing.pem"));
    assert_check(&json(command).await.1, "certificates", "failed", &["missing.pem", "SSL_CERT_FILE"]);
    project.write("empty.pem", "nothing");
    let mut command = doctor(&project, &[]);
    command.env("SSL_CERT_FILE", project.path("empty.pem"));
    assert_check(&json(command).await.1, "certificates", "failed", &["PEM"]);

    let mut command = doctor(&project, &[]);
    command.env("HTTP_PROXY", "http://mallory:password@proxy.example:3128").env("FAL_KEY", "id:0123456789");
    let (_, report) = json(command).await;
    assert_check(&report, "proxy", "passed", &["HTTP_PROXY"]);
    assert!(!report.to_string().contains("mallory"), "{report:#}");
}

#[tokio::test]
async fn a_wrong_clock_is_reported() {
    let project = Project::new().await;
    assert_check(&json(doctor(&project, &[])).await.1, "clock", "passed", &["agrees"]);
    let fault = Fault::respond(404).header("date", "Sun, 06 Nov 1994 08:49:37 GMT").repeat();
    project.emulator.inject_fault(Operation::Other, fault);
    let (code, report) = json(doctor(&project, &[])).await;
    assert_eq!(code, Some(1), "{report:#}");
    assert_check(&report, "clock", "failed", &["ahead of the hosts' clocks", "webhooks are rejected"]);
}

#[tokio::test]
async fn documents_and_generated_code_are_checked() {
    let project = Project::new().await;
    add_document(&project);
    let (code, report) = json(doctor(&project, &[])).await;
    assert_eq!(code, Some(0), "{report:#}");
    assert_check(&report, "schemas", "passed", &["1 endpoint", "less than a day"]);
    assert_check(&report, "endpoints", "passed", &[]);

    let file = fs::File::options().append(true).open(project.path("schemas/redux.json")).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(200 * 86_400)).unwrap();
    assert_check(&json(doctor(&project, &[])).await.1, "schemas", "warning", &["200 days", "cargo fal update --check"]);

    project.emulator.set_model(REDUX, ModelEntry::default().deprecated());
    let (code, report) = json(doctor(&project, &[])).await;
    assert_eq!(code, Some(0), "{report:#}");
    assert_check(&report, "endpoints", "warning", &["deprecated", REDUX]);

    project.run(&["generate"]).await.success();
    assert_check(&json(doctor(&project, &[])).await.1, "code", "passed", &["up to date"]);
    fs::remove_file(project.path("src/endpoints/MANIFEST")).unwrap();
    let (code, report) = json(doctor(&project, &[])).await;
    assert_eq!(code, Some(1), "{report:#}");
    assert_check(&report, "code", "failed", &["cargo fal generate"]);

    project.write("schemas/a\u{1b}[2J.json", "[]");
    let (_, report) = json(doctor(&project, &[])).await;
    assert_check(&report, "schemas", "failed", &["rename the file"]);
    assert!(!report.to_string().contains("\\u001b"), "{report:#}");
}

#[tokio::test]
async fn a_damaged_journal_is_reported_and_none_is_created() {
    let project = Project::new().await;
    let (_, report) = json(doctor(&project, &[])).await;
    assert_check(&report, "journal", "passed", &["none yet"]);
    assert!(!project.path(".fal").exists());
    project.write(".fal/journal.db", "not a database, but long enough to be read as the header of one");
    let (code, report) = json(doctor(&project, &[])).await;
    assert_eq!(code, Some(1), "{report:#}");
    assert_check(&report, "journal", "failed", &["journal"]);
    project.write("fal.toml", "journal = \"redis://x\"\n");
    let (code, report) = json(doctor(&project, &[])).await;
    assert_eq!(code, Some(1), "{report:#}");
    assert_check(&report, "journal", "failed", &["fal.toml"]);
}

#[tokio::test]
async fn an_invalid_settings_file_is_one_of_the_problems() {
    let project = Project::new().await;
    project.write("fal.toml", "shemas = \"x\"\n");
    let (code, report) = json(doctor(&project, &["--offline"])).await;
    assert_eq!(code, Some(1), "{report:#}");
    assert_check(&report, "settings", "failed", &["fal.toml", "shemas"]);
    let (code, report) = json(doctor(&project, &["--offline", "--settings", "missing.toml"])).await;
    assert_eq!(code, Some(1), "{report:#}");
    assert_check(&report, "settings", "failed", &["missing.toml"]);
    assert!(project.emulator.requests().is_empty(), "requests in spite of --offline");
}

#[tokio::test]
async fn a_failing_service_does_not_end_the_checks() {
    let project = Project::new().await;
    for operation in [Operation::Pricing, Operation::Status, Operation::AccountBilling, Operation::UserDetails] {
        project.emulator.inject_fault(operation, Fault::nginx(502).repeat());
    }
    let (code, report) = json(doctor(&project, &[])).await;
    assert_eq!(code, Some(0), "{report:#}");
    assert_check(&report, "key", "warning", &["did not say"]);
    assert_check(&report, "cargo-fal", "passed", &[]);
}
