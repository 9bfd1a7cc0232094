//! Compares what each client receives. All take the steps of `script/steps.json` under `cargo fal emulate`, a section each time.
//!
//! A step may say why what a client receives differs. The table of the emulator's README has the outcomes. `BLESS=1 .ci/interop`
//! rewrites it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::emulate::emulate;
use crate::peer::Peer::{JavaScript, Python};
use crate::peer::repository;

/// The clients: their names in the steps and in the table.
const CLIENTS: [(&str, &str); 3] =
    [("python", "`fal_client`"), ("javascript", "`@fal-ai/client`"), ("rust", "`fal-client`")];
const MARKERS: [&str; 2] = ["<!-- clients -->\n", "<!-- end of clients -->\n"];

#[tokio::test]
async fn clients_receive_the_same() {
    let script = repository().join("interop/script");
    let sections: Vec<Value> = serde_json::from_slice(&fs::read(script.join("steps.json")).unwrap()).unwrap();
    let mut rows = String::new();
    let mut problems = Vec::new();
    for (number, section) in sections.iter().enumerate() {
        let number = OsString::from(number.to_string());
        let in_python =
            |way: &str| vec![Python.program().into(), script.join("steps.py").into(), way.into(), number.clone()];
        let in_javascript = vec![JavaScript.program().into(), script.join("steps.mjs").into(), number.clone()];
        let (python, asynchronous, javascript, rust) = tokio::join!(
            run(section, in_python("sync")),
            run(section, in_python("async")),
            run(section, in_javascript),
            run(section, vec![ours().into(), number.clone()]),
        );
        assert_eq!(python, asynchronous, "Python's clients with and without async receive the same");
        for (index, step) in section["steps"].as_array().unwrap().iter().enumerate() {
            let received = [&python[index], &javascript[index], &rust[index]];
            rows += &row(step, received, &mut problems);
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    compare_table(&rows);
}

/// The example `interop` of the tool, which has the steps of fal-client.
fn ours() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_cargo-fal")).with_file_name("examples").join("interop")
}

/// Runs the steps of a section, and returns what the client received.
async fn run(section: &Value, words: Vec<OsString>) -> Vec<Value> {
    let arguments = section["arguments"].as_array().unwrap().iter().map(|argument| argument.as_str().unwrap());
    let arguments: Vec<&str> = ["--quiet"].into_iter().chain(arguments).collect();
    let words: Vec<&OsStr> = words.iter().map(OsString::as_os_str).collect();
    let output = emulate(&arguments, &words, repository()).await;
    let steps = section["steps"].as_array().unwrap();
    let lines: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), steps.len(), "{output}");
    lines.into_iter().map(|mut line| normal(line["received"].take())).collect()
}

/// Returns a row of the table, and adds what the step does not explain to the problems.
fn row(step: &Value, received: [&Value; 3], problems: &mut Vec<String>) -> String {
    let name = step["step"].as_str().unwrap();
    let reasons = CLIENTS.map(|(client, _)| step["differs"][client].as_str());
    let is_called = |client: usize| received[client] != "no such call";
    let reference = (0..3).rev().find(|client| reasons[*client].is_none() && is_called(*client));
    let reference = received[reference.unwrap_or_else(|| panic!("{name}: all clients differ"))];
    let mut row = format!("| {name} |");
    for client in 0..3 {
        let is_same = received[client] == reference;
        let cell = match (is_called(client), reasons[client]) {
            (false, _) => "–",
            (true, Some(reason)) if !is_same => reason,
            (true, None) if is_same => "same",
            (true, None) if *received[client] == without_id(reference) => "no request id",
            (true, reason) => {
                let (title, value) = (CLIENTS[client].1, received[client]);
                problems.push(format!(
                    "{name}: {title} received\n    {value}\n  instead of\n    {reference}\n  {reason:?}"
                ));
                ""
            }
        };
        row += &format!(" {cell} |");
    }
    row + "\n"
}

/// Returns what a client receives that does not report the id of the request.
fn without_id(received: &Value) -> Value {
    let mut received = received.clone();
    received.as_object_mut().and_then(|fields| fields.remove("request_id"));
    received
}

/// Replaces what differs in each run: ids, names of files, and times.
fn normal(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| match name.as_str() {
                "timings" | "inference_time" => (name, json!("TIME")),
                _ => (name, normal(value)),
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.into_iter().map(normal).collect(),
        Value::String(text) => match text.strip_prefix("https://v3.fal.media/files/") {
            Some(path) => format!("FILE.{}", path.rsplit('.').next().unwrap_or_default()).into(),
            None => without_ids(&text).into(),
        },
        other => other,
    }
}

/// Replaces the request ids in a text.
fn without_ids(text: &str) -> String {
    let is_id = |word: &str| {
        word.len() == 36
            && word.chars().enumerate().all(|(at, c)| match at {
                8 | 13 | 18 | 23 => c == '-',
                _ => c.is_ascii_hexdigit(),
            })
    };
    let ids = |c: char| !c.is_ascii_hexdigit() && c != '-';
    text.split(ids).filter(|word| is_id(word)).fold(text.to_owned(), |text, id| text.replace(id, "REQUEST"))
}

/// Compares the table with the one in the emulator's README, or rewrites it if `BLESS` is set.
fn compare_table(rows: &str) {
    let path = repository().join("emulator/README.md");
    let text = fs::read_to_string(&path).unwrap();
    let [head, tail] = MARKERS.map(|marker| text.find(marker).unwrap_or_else(|| panic!("README has no {marker}")));
    let titles = CLIENTS.map(|(_, title)| title).join(" | ");
    let table = format!("| step | {titles} |\n| --- | --- | --- | --- |\n{rows}");
    let written = format!("{}{}\n{table}\n{}", &text[..head], MARKERS[0], &text[tail..]);
    if std::env::var_os("BLESS").is_some() {
        fs::write(path, written).unwrap();
    } else {
        assert!(text == written, "the table of {} is old: BLESS=1 .ci/interop writes\n{table}", path.display());
    }
}
