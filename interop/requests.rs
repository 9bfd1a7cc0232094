//! The requests that an emulator received, as text that is the same in every run.

use std::fs;
use std::path::Path;

use fal_emulator::{Emulator, Operation, ReceivedRequest};

/// The headers that mean something to fal.
const HEADERS: [&str; 13] = [
    "accept",
    "authorization",
    "cache-control",
    "content-type",
    "user-agent",
    "x-fal-file-name",
    "x-fal-object-lifecycle",
    "x-fal-object-lifecycle-preference",
    "x-fal-queue-priority",
    "x-fal-request-timeout",
    "x-fal-runner-hint",
    "x-fal-store-io",
    "x-fal-target-url",
];

const PARAMETERS: [&str; 7] =
    ["fal_jwt_token", "fal_webhook", "logs", "max_buffering", "signature", "storage_type", "X-Goog-Signature"];

/// Compares the requests with a file, or writes the file if `BLESS` is set.
pub(crate) fn compare(emulator: &Emulator, file: &Path) {
    let actual = text(emulator);
    if std::env::var_os("BLESS").is_some() {
        fs::write(file, actual).expect("a file that can be written");
        return;
    }
    let expected = fs::read_to_string(file).unwrap_or_default();
    let differs = actual.lines().zip(expected.lines()).position(|(actual, expected)| actual != expected);
    let line = differs.unwrap_or_else(|| actual.lines().count().min(expected.lines().count())) + 1;
    assert!(actual == expected, "{} differs from line {line}. Received were:\n{actual}", file.display());
}

fn text(emulator: &Emulator) -> String {
    let mut requests: Vec<(Operation, String)> = Vec::new();
    for request in emulator.requests() {
        let next = (request.operation(), describe(emulator, &request));
        // A client polls a status as often as the time allows.
        if next.0 != Operation::Status || requests.last() != Some(&next) {
            requests.push(next);
        }
    }
    // Parts of a file are sent in parallel.
    for parts in requests.chunk_by_mut(|left, right| left.0 == right.0) {
        if parts[0].0 == Operation::PutPart {
            parts.sort_by_key(|(_, text)| (text.find('\n'), text.clone()));
        }
    }
    requests.into_iter().map(|(_, text)| text).collect()
}

/// Returns the lines of a request, with ids, tokens and names that were drawn at random replaced.
fn describe(emulator: &Emulator, request: &ReceivedRequest) -> String {
    if request.operation() == Operation::RealtimeInput {
        return frame(request);
    }
    let query: Vec<String> = PARAMETERS
        .iter()
        .filter_map(|name| request.query(name).map(|value| format!("{name}={}", secret(name, value))))
        .collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let mut text = format!("{} {}{query}\n", request.method(), request.path());
    for name in HEADERS {
        if let Some(value) = request.header(name) {
            text += &format!("    {name}: {}\n", secret(name, value));
        }
    }
    match (request.body(), request.body_size()) {
        (_, 0) => {}
        ([], size) => text += &format!("    {size} bytes\n"),
        (_, _) if request.operation() == Operation::CompleteMultipart => text += &format!("    {}\n", parts(request)),
        (body, _) => text += &format!("    {}\n", String::from_utf8_lossy(body)),
    }
    let mut drawn: Vec<(String, &str)> = Vec::new();
    drawn.extend(request.request_id().map(|id| (id.to_owned(), "REQUEST")));
    drawn.extend(emulator.files().iter().map(|file| (path(emulator, file.url()), "/v3.fal.media/FILE")));
    if let Some((_, rest)) = request.path().split_once("/multipart/") {
        drawn.extend(rest.split('/').next().map(|id| (id.to_owned(), "UPLOAD")));
    }
    if request.path().starts_with("/storage.googleapis.com/") {
        drawn.push((request.path().to_owned(), "/storage.googleapis.com/FILE"));
    }
    drawn.push((emulator.base_url().to_owned(), "http://EMULATOR"));
    // The proxy sends its own name, with a version that changes.
    drawn.push((format!("fal-client/{} (rust)", env!("CARGO_PKG_VERSION")), "fal-client (rust)"));
    drawn.iter().fold(text, |text, (from, to)| text.replace(from, to))
}

/// Describes a message of a connection. The first byte of MessagePack says that it is a map, and of how many entries.
fn frame(request: &ReceivedRequest) -> String {
    let first = request.body().first().copied().unwrap_or_default();
    format!("message of {} bytes from {first:02x}\n    {}\n", request.body_size(), request.input())
}

/// Returns the numbers of the parts that complete an upload. Python's client lists them in the order in which they ended.
fn parts(request: &ReceivedRequest) -> String {
    let parts = request.input()["parts"].as_array().map_or(&[][..], Vec::as_slice);
    let mut numbers: Vec<u64> = parts.iter().filter_map(|part| part["partNumber"].as_u64()).collect();
    numbers.sort_unstable();
    format!("the parts {numbers:?}")
}

fn path(emulator: &Emulator, url: &str) -> String {
    url.strip_prefix(emulator.base_url()).unwrap_or(url).to_owned()
}

/// Hides what the emulator draws at random. The key is that of the tests.
fn secret<'a>(name: &str, value: &'a str) -> &'a str {
    match name {
        "fal_jwt_token" => "TOKEN",
        "signature" | "X-Goog-Signature" => "SIGNATURE",
        "authorization" if value.starts_with("Bearer ") => "Bearer TOKEN",
        _ => value,
    }
}
