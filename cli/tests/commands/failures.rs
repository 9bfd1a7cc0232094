//! Failures, for every command: the message says what happened and what to do, the exit code is the documented one, and no
//! secret is printed.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use fal_client::LockReason;
use fal_emulator::{Decimal, Emulator, EmulatorBuilder, Fault, Operation, Pace, Price};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Project, Run, closed, in_time};

const KEY: &str = "1a2b3c4d-5555-6666-7777-888899990000:5ec2e75ec2e75ec2e75ec2e75ec2e75e";
const SECRET: &str = "5ec2e75ec2e75ec2e75ec2e75ec2e75e";
const REDUX: &str = "fal-ai/flux/dev/redux";
const IMAGE: &str = "image_url=https://example.com/fox.png";
const REQUEST: &str = "764cabcf-b745-4b3e-ae38-1200304cf45b";

const RUN: &[&str] = &["run", REDUX, IMAGE];
const STREAM: &[&str] = &["run", REDUX, IMAGE, "--stream"];
const PRICE: &[&str] = &["price", REDUX];
const USAGE: &[&str] = &["usage"];
const ADD: &[&str] = &["add", REDUX];
const SEARCH: &[&str] = &["search", "redux"];
const STATUS: &[&str] = &["status", REQUEST, "--endpoint", REDUX];
const RESULT: &[&str] = &["result", REQUEST, "--endpoint", REDUX];
const CANCEL: &[&str] = &["cancel", REQUEST, "--endpoint", REDUX];

/// Commands that need the key for what they do.
const WITH_KEY: &[&[&str]] = &[RUN, STREAM, PRICE, USAGE, STATUS, RESULT, CANCEL];

/// All commands that print facts without a network.
const LOCAL: &[&[&str]] = &[
    &["show", REDUX],
    &["show", REDUX, "--json"],
    &["list"],
    &["history"],
    &["tools"],
    &["doctor", "--offline"],
    &["--help"],
    &["run", "--help"],
    &["--version"],
];

fn builder() -> EmulatorBuilder {
    let price = Price::usd(Decimal::new(25, 3), "images");
    Emulator::builder().pace(Pace::instant()).key(KEY).default_price(price)
}

/// Runs a command to its end, and checks what holds for every failure.
async fn fail(command: Command, code: i32, words: &[&str]) {
    let about = format!("{:?} {:?}", command.get_args().collect::<Vec<_>>(), command.get_current_dir());
    let run = Run::of(command).await;
    assert_eq!(run.code, Some(code), "{about}: {run:?}");
    let text = format!("{}{}", run.stdout, run.stderr);
    assert!(run.stderr.lines().any(|line| line.starts_with("error: ")), "{about}: {text}");
    assert_plain(&about, &text);
    for word in words {
        assert!(text.contains(word), "{about}: `{word}` is not in\n{text}");
    }
}

fn assert_plain(about: &str, text: &str) {
    assert!(!text.contains("panicked"), "{about}: {text}");
    assert!(!text.contains(SECRET), "{about}: {text}");
}

/// Runs commands in parallel, each of which has to fail.
async fn all_fail(project: &Project, commands: &[&[&str]], code: i32, words: &[&str], change: impl Fn(&mut Command)) {
    let runs = commands.iter().map(|arguments| {
        let mut command = project.command(arguments);
        change(&mut command);
        fail(command, code, words)
    });
    futures_util::future::join_all(runs).await;
}

const HOSTS: [&str; 6] =
    ["FAL_SITE_HOST", "FAL_RUN_HOST", "FAL_QUEUE_RUN_HOST", "FAL_WS_RUN_HOST", "FAL_REST_HOST", "FAL_API_HOST"];

#[tokio::test]
async fn a_rejected_key_is_named_with_the_page_of_keys() {
    let project = Project::with(builder()).await;
    let words = ["rejected the API key", "https://fal.ai/dashboard/keys", "help: "];
    let other = KEY.replace("1a2b", "ffff");
    all_fail(&project, WITH_KEY, 4, &words, |command| {
        command.env("FAL_KEY", &other);
    })
    .await;
}

#[tokio::test]
async fn a_missing_key_is_an_error_for_users_and_not_for_programs() {
    let project = Project::with(builder()).await;
    let words = ["FAL_KEY is not set", "export FAL_KEY", "cargo fal emulate"];
    all_fail(&project, WITH_KEY, 4, &words, |command| {
        command.env_remove("FAL_KEY");
    })
    .await;
    let malformed = ["whitespace", "cargo fal doctor"];
    all_fail(&project, WITH_KEY, 4, &malformed, |command| {
        command.env("FAL_KEY", format!("a {SECRET}"));
    })
    .await;
    let half = ["FAL_KEY_SECRET"];
    all_fail(&project, WITH_KEY, 4, &half, |command| {
        command.env_remove("FAL_KEY").env("FAL_KEY_ID", "x");
    })
    .await;
}

#[tokio::test]
async fn no_network_says_what_to_check() {
    let project = Project::with(builder()).await;
    let (_closed, address) = closed();
    let closed = format!("http://{address}");
    let commands = [WITH_KEY, &[&["add", "acme/missing"], SEARCH]].concat();
    all_fail(&project, &commands, 5, &["cannot connect to 127.0.0.1", "help: ", "cargo fal emulate"], |command| {
        command.envs(HOSTS.map(|name| (name, &closed)));
    })
    .await;
}

#[tokio::test]
async fn a_locked_account_is_named_with_the_remedy() {
    let project = Project::with(builder().locked(LockReason::ExhaustedBalance)).await;
    let words = ["the fal account is locked", "fal.ai/dashboard/billing", "cargo fal doctor"];
    all_fail(&project, &[RUN, STREAM], 4, &words, |_| {}).await;
}

#[tokio::test]
async fn a_key_without_the_permission_is_told_from_a_wrong_key() {
    let denied = [
        Operation::Submit,
        Operation::Stream,
        Operation::Pricing,
        Operation::Usage,
        Operation::Status,
        Operation::Result,
        Operation::Cancel,
    ];
    let project = Project::with(denied.into_iter().fold(builder(), EmulatorBuilder::without_permission)).await;
    let words = ["denied permission", "https://fal.ai/dashboard/keys"];
    let commands = [RUN, STREAM, PRICE, USAGE, STATUS, CANCEL];
    all_fail(&project, &commands, 4, &words, |_| {}).await;
}

#[tokio::test]
async fn a_full_disk_is_an_error_of_stdout() {
    let project = Project::with(builder()).await;
    let document = fal_client::documents().find(|(path, _)| path.strip_suffix(".json") == Some(REDUX));
    project.write("schemas/redux.json", document.unwrap().1);
    project.run(RUN).await.success();
    let commands = [LOCAL, &[RUN, PRICE, USAGE, SEARCH]].concat();
    for arguments in commands {
        let mut command = project.command(arguments);
        command.stdout(File::options().write(true).open("/dev/full").unwrap()).stderr(Stdio::piped());
        let output = in_time(tokio::process::Command::from(command).spawn().unwrap().wait_with_output()).await.unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_plain(&format!("{arguments:?}"), &stderr);
        // clap prints its help without regard to errors.
        if !arguments.iter().any(|argument| argument.ends_with("help") || argument.ends_with("version")) {
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
            assert!(stderr.contains("No space left"), "{arguments:?}: {stderr}");
        }
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let project = Project::with(builder()).await;
    // Not even the superuser can create files there.
    project.write("fal.toml", "schemas = \"/proc/fal\"\nout = \"/proc/out\"\ndownloads = \"/proc/downloads\"\n");
    all_fail(&project, &[ADD], 1, &["/proc/fal"], |_| {}).await;
    all_fail(&project, &[RUN], 1, &["/proc/downloads"], |_| {}).await;
    project.write("fal.toml", "journal = \"sqlite:///proc/fal/journal.db\"\n");
    all_fail(&project, &[RUN, STATUS, &["history"]], 1, &["/proc/fal/journal.db"], |_| {}).await;
}

#[tokio::test]
async fn wrong_inputs_are_refused_before_anything_is_sent() {
    let project = Project::with(builder()).await;
    for (arguments, code, words) in [
        (&["run", REDUX, IMAGE, "num_image=2"][..], 3, &["num_image", "num_images"][..]),
        (&["run", REDUX, IMAGE, "num_images=many"], 3, &["num_images", "integer"]),
        (&["run", REDUX, IMAGE, "num_images=99"], 3, &["num_images"]),
        (&["run", REDUX], 3, &["image_url"]),
        (&["run", REDUX, "image_url=@missing.png"], 3, &["missing.png"]),
        (&["run", "not an id", "x=1"], 2, &["not an id", "owner/app"]),
        (&["add", "not an id"], 2, &["not an id", "owner/app"]),
        (&["status", "no-such-job"], 7, &["no-such-job", "cargo fal history"]),
    ] {
        fail(project.command(arguments), code, &[words, &["help: "]].concat()).await;
    }
    assert!(project.emulator.jobs().is_empty(), "a wrong input was sent");
}

#[tokio::test]
async fn an_unknown_endpoint_is_named_with_the_nearest() {
    let project = Project::with(builder()).await;
    let id = "fal-ai/flux/dev/redus";
    let commands: [&[&str]; 4] = [&["run", id, IMAGE], &["show", id], &["price", id], &["add", id]];
    all_fail(&project, &commands, 7, &[id, REDUX, "did you mean"], |_| {}).await;
}

#[tokio::test]
async fn an_exceeded_budget_is_named_and_nothing_is_sent() {
    let project = Project::with(builder()).await;
    let arguments = ["run", REDUX, IMAGE, "--max-cost", "0.001"];
    fail(project.command(&arguments), 6, &["$0.0010", "help: "]).await;
    assert!(project.emulator.jobs().is_empty(), "a request over budget was sent");
}

#[tokio::test]
async fn too_many_requests_say_to_wait() {
    let project = Project::with(builder()).await;
    for operation in [Operation::Submit, Operation::Stream, Operation::Pricing, Operation::Usage, Operation::Models] {
        project.emulator.inject_fault(operation, Fault::respond(429).repeat());
    }
    all_fail(&project, &[RUN, PRICE, USAGE, SEARCH], 5, &["429", "help: "], |_| {}).await;
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_named_with_the_variable() {
    let project = Project::with(builder()).await;
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = tokio_rustls::rustls::pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let provider = std::sync::Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = tokio_rustls::rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = acceptor.accept(stream).await;
        }
    });
    let words = ["certificate", "SSL_CERT_FILE"];
    all_fail(&project, &[RUN, PRICE, USAGE, SEARCH], 5, &words, |command| {
        command.envs(HOSTS.map(|name| (name, &url)));
    })
    .await;
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_with_its_variable() {
    let project = Project::with(builder()).await;
    let (_closed, address) = closed();
    let proxy = format!("http://mallory:pa55word@{address}");
    let remote = |command: &mut Command| {
        HOSTS.iter().for_each(|name| {
            command.env_remove(name);
        });
    };
    all_fail(&project, &[PRICE, USAGE, SEARCH], 5, &["HTTPS_PROXY", "help: "], |command| {
        remote(command);
        command.env("HTTPS_PROXY", &proxy);
    })
    .await;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refusing = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    all_fail(&project, &[PRICE, SEARCH], 5, &["proxy", "help: "], |command| {
        remote(command);
        command.env("HTTPS_PROXY", &refusing);
    })
    .await;
    all_fail(&project, &[PRICE, USAGE, SEARCH], 2, &["HTTPS_PROXY", "cargo fal doctor"], |command| {
        command.env("HTTPS_PROXY", "htp://x");
    })
    .await;
}

#[tokio::test]
async fn a_closed_pipe_ends_the_command_quietly() {
    let project = Project::with(builder()).await;
    for arguments in [LOCAL, &[PRICE, USAGE, SEARCH, RUN]].concat() {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = project.command(arguments);
        command.stdout(writer).stderr(Stdio::piped());
        let output = in_time(tokio::process::Command::from(command).spawn().unwrap().wait_with_output()).await.unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_plain(&format!("{arguments:?}"), &stderr);
        assert!(output.status.success() && !stderr.contains("error"), "{arguments:?}: {stderr}");
    }
}

#[tokio::test]
async fn arguments_that_are_not_utf_8_are_refused() {
    let project = Project::with(builder()).await;
    let bad = OsStr::from_bytes(b"fal-ai/\xff");
    for name in ["run", "show", "price", "add", "search", "status"] {
        let mut command = project.command(&[name]);
        command.arg(bad);
        fail(command, 2, &[]).await;
    }
}

#[tokio::test]
async fn odd_surroundings_do_not_matter() {
    let project = Project::with(builder()).await;
    for (name, value) in [
        ("COLUMNS", "0"),
        ("COLUMNS", "1"),
        ("COLUMNS", "18446744073709551615"),
        ("COLUMNS", "wide"),
        ("NO_COLOR", "1"),
        ("TERM", "dumb"),
        ("LC_ALL", "C"),
        ("HOME", ""),
        ("HOME", "/nonexistent"),
    ] {
        for arguments in [LOCAL, &[PRICE, USAGE]].concat() {
            let mut command = project.command(arguments);
            command.env(name, value);
            let run = Run::of(command).await;
            assert_eq!(run.code, Some(0), "{name}={value} {arguments:?}: {run:?}");
            assert!(!run.stdout.contains('\u{1b}'), "{name}={value} {arguments:?}: {}", run.stdout);
            assert_plain(name, &format!("{}{}", run.stdout, run.stderr));
        }
    }
}

#[tokio::test]
async fn colours_are_printed_as_the_user_says() {
    let project = Project::with(builder()).await;
    let error = project.run(&["price", "acme/missing", "--color", "always"]).await.failure(7);
    assert!(error.starts_with("\u{1b}["), "{error:?}");
    let json = project.run(&["price", REDUX, "--json", "--color", "always"]).await.json();
    assert!(json["prices"].is_array(), "{json}");
    let help = project.run(&["price", "--help", "--color", "always"]).await.success();
    assert!(help.contains('\u{1b}'), "{help:?}");
    for arguments in [&["price", "acme/missing", "--color", "never"][..], &["price", "acme/missing"]] {
        let error = project.run(arguments).await.failure(7);
        assert!(error.starts_with("error: fal has no price"), "{error:?}");
    }
    let wrong = project.run(&["price", REDUX, "--color", "sometimes"]).await.failure(2);
    assert!(wrong.contains("possible values"), "{wrong}");
}

#[tokio::test]
async fn errors_are_json_with_the_exit_code() {
    let project = Project::with(builder()).await;
    for (arguments, code) in [(&["price", "acme/missing", "--json"][..], 7), (&["run", REDUX, "--json"], 3)] {
        let error = project.run(arguments).await.failure(code);
        let json: Value = serde_json::from_str(&error).unwrap_or_else(|problem| panic!("{problem}: {error}"));
        assert_eq!(json["error"]["exit_code"], code, "{json}");
        assert!(json["error"]["message"].is_string() && json["error"]["help"].is_string(), "{json}");
    }
}

#[tokio::test]
async fn quiet_leaves_out_notes_and_keeps_errors() {
    let project = Project::with(builder()).await;
    let run = project.run(&["--quiet", "run", REDUX, IMAGE]).await;
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    let error = project.run(&["-q", "price", "acme/missing"]).await.failure(7);
    assert!(error.starts_with("error: "), "{error}");
}
