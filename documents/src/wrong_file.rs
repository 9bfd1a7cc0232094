//! Files that are not documents, recognised by their first bytes, their first line or their keys. Each has its own remedy.

use serde_json::{Map, Value};

use crate::refusals;
use crate::text::place;

/// The first bytes of binary files, with the name of their format.
const COMPRESSED: [(&[u8], &str); 5] = [
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"\x78\x9c", "deflate"),
];
const ARCHIVES: [(&[u8], &str); 2] = [(b"PK\x03\x04", "zip"), (b"7z\xbc\xaf", "7z")];
const BINARY: [(&[u8], &str); 6] = [
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"RIFF", "WebP, WAV or AVI"),
    (b"SQLite format 3", "SQLite"),
];

/// The bytes in which binary data has a zero. Further behind, one may be a typing error.
const HEAD: usize = 16;

/// Recognises files that are not text in UTF-8, and empty ones.
pub(crate) fn by_bytes(bytes: &[u8]) -> Option<String> {
    let known = |formats: &[(&[u8], &'static str)]| {
        formats.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, name)| *name)
    };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        Some(refusals::EMPTY.to_owned())
    } else if let Some(format) = known(&COMPRESSED) {
        Some(refusals::compressed(format))
    } else if let Some(format) = known(&ARCHIVES) {
        Some(refusals::archive(format))
    } else if let Some(format) = known(&BINARY) {
        Some(refusals::binary(format))
    } else if let Some(encoding) = wide_text(bytes) {
        Some(refusals::wide_text(encoding))
    } else if bytes.iter().take(HEAD).any(|byte| *byte == 0) {
        Some(refusals::BINARY.to_owned())
    } else {
        None
    }
}

/// Recognises UTF-16 and UTF-32: by the byte order mark, or by the zeros around the first characters.
fn wide_text(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, _, ..] | [_, 0, 0, 0, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, 0, _, ..] | [_, 0, _, 0, ..] => Some("UTF-16"),
        _ => None,
    }
}

/// Recognises texts of other kinds. Only for a text that is not JSON.
pub(crate) fn by_text(text: &str) -> Option<String> {
    let start = text.trim_start();
    let first = start.lines().next().unwrap_or_default().trim_end();
    let marks =
        [("<?xml", refusals::XML), ("<svg", refusals::XML), ("<", refusals::HTML), ("HTTP/", refusals::HEADERS)];
    let texts = [("% Total", refusals::PROGRESS), ("version https://git-lfs", refusals::LFS_POINTER)];
    if let Some(at) = conflict(text) {
        return Some(refusals::merge_conflict(place(&text.as_bytes()[..at]).0));
    }
    if let Some((_, reason)) = marks.iter().chain(&texts).find(|(mark, _)| start.starts_with(mark)) {
        return Some((*reason).to_owned());
    }
    if first.starts_with("curl: ") {
        return Some(refusals::curl_failed(first));
    }
    is_yaml(start).then(|| refusals::YAML.to_owned())
}

/// Returns the index of the first marker of a merge conflict.
fn conflict(text: &str) -> Option<usize> {
    const MARK: &str = "<<<<<<< ";
    if text.starts_with(MARK) { Some(0) } else { text.find(&format!("\n{MARK}")).map(|index| index + 1) }
}

/// Returns true for a text that begins as YAML does: with a mark of YAML, or with a key and a further line that belongs to it.
fn is_yaml(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let is_key = |line: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '$');
        line.split_once(':').is_some_and(|(key, rest)| {
            !key.is_empty() && key.chars().all(plain) && (rest.is_empty() || rest.starts_with(' '))
        })
    };
    let first = lines.next().unwrap_or_default().trim_end();
    let next = lines.next().unwrap_or_default();
    let goes_on = || is_key(next) || next.starts_with([' ', '-']);
    ["--- ", "- ", "%YAML"].iter().any(|mark| first.starts_with(mark)) || first == "---" || (is_key(first) && goes_on())
}

/// Recognises JSON objects of other kinds, whatever else they have.
pub(crate) fn by_version(root: &Map<String, Value>) -> Option<String> {
    let text = |key: &str| root.get(key).and_then(Value::as_str);
    if let Some(version) = text("swagger") {
        return Some(refusals::swagger(version));
    }
    let info = root.get("info");
    let is_postman = info.is_some_and(|info| {
        let schema = info.get("schema").and_then(Value::as_str).unwrap_or_default();
        info.get("_postman_id").is_some() || schema.contains("getpostman.com")
    });
    let collections = [
        (is_postman, "Postman"),
        (root.contains_key("opencollection"), "OpenCollection"),
        (text("_type") == Some("export") || text("type").is_some_and(|of| of.contains("insomnia")), "Insomnia"),
        (root.get("log").is_some_and(|log| log.get("entries").is_some()), "HAR"),
    ];
    collections.iter().find(|(is_one, _)| *is_one).map(|(_, tool)| refusals::collection(tool))
}

/// Explains a JSON object that has none of the keys of a document.
pub(crate) fn by_keys(root: &Map<String, Value>) -> String {
    let has = |key: &str| root.contains_key(key);
    let error = ["error", "detail", "message"].iter().find_map(|key| root.get(*key));
    if let Some(error) = error {
        return refusals::error_response(&summary(error));
    }
    if root.get("components").is_some_and(|components| components.get("schemas").is_some()) {
        return refusals::COMPONENTS_ONLY.to_owned();
    }
    if has("input") {
        return refusals::NO_SHORT_ID.to_owned();
    }
    let schema = root.get("$schema").and_then(Value::as_str).is_some_and(|schema| schema.contains("json-schema.org"));
    if schema || (has("properties") && root.get("properties").is_some_and(Value::is_object)) {
        return refusals::JSON_SCHEMA.to_owned();
    }
    let keys: Vec<&str> = root.keys().map(String::as_str).collect();
    refusals::no_document_keys(&keys)
}

/// Summarises an error response.
pub(crate) fn summary(error: &Value) -> String {
    let text = |key: &str| error.get(key).and_then(Value::as_str);
    let summary = match (text("code").or(text("type")), text("message"), error.as_str()) {
        (Some(code), Some(message), _) => format!("{code}: {message}"),
        (Some(text), None, _) | (None, Some(text), _) | (None, None, Some(text)) => text.to_owned(),
        (None, None, None) => error.to_string(),
    };
    let shown: String = summary.chars().take(200).collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}
