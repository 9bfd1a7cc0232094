//! Files that are not documents, recognised by their first bytes, their first line or their keys. Each has its own remedy.

use serde_json::{Map, Value};

use crate::refusals;
use crate::text::place;

/// The first bytes of binary files, with the name of their format.
const COMPRESSED: [(&[u8], &str); 7] = [
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"\x78\x01", "deflate"),
    (b"\x78\x9c", "deflate"),
    (b"\x78\xda", "deflate"),
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

/// The bytes in which binary data has a control character. Further behind, one may be a typing error.
const HEAD: usize = 16;

/// The control character that begins the colours of a terminal.
const ESCAPE: u8 = 0x1b;

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
    } else if is_binary(bytes) {
        Some(refusals::BINARY.to_owned())
    } else {
        None
    }
}

/// Recognises binary data: by a control character at the beginning, or by bytes that begin neither as JSON nor as text. Those
/// of brotli have no other mark.
fn is_binary(bytes: &[u8]) -> bool {
    let is_control = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace() && *byte != ESCAPE;
    bytes.iter().take(HEAD).any(is_control)
        || (!bytes.trim_ascii_start().starts_with(b"{")
            && !bytes.trim_ascii_start().starts_with(b"[")
            && std::str::from_utf8(bytes).is_err())
}

/// Recognises UTF-16 and UTF-32: by the byte order mark, or by the zeros around the first characters.
fn wide_text(bytes: &[u8]) -> Option<&'static str> {
    let is_text = |a: &u8, b: &u8| *a != 0 && *b != 0;
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        [0, 0, 0, a, 0, 0, 0, b, ..] | [a, 0, 0, 0, b, 0, 0, 0, ..] if is_text(a, b) => Some("UTF-32"),
        [0, a, 0, b, ..] | [a, 0, b, 0, ..] if is_text(a, b) => Some("UTF-16"),
        _ => None,
    }
}

/// Recognises texts of other kinds. Only for a text that is not JSON.
pub(crate) fn by_text(text: &str) -> Option<String> {
    let start = text.trim_start();
    let first = start.lines().next().unwrap_or_default().trim_end();
    let marks = [
        ("<?xml", refusals::XML),
        ("<svg", refusals::XML),
        ("<Error", refusals::XML),
        ("<", refusals::HTML),
        ("HTTP/", refusals::HEADERS),
        ("% Total", refusals::PROGRESS),
        ("version https://git-lfs", refusals::LFS_POINTER),
        ("\u{1b}[", refusals::COLOURS),
    ];
    if let Some(at) = conflict(text) {
        return Some(refusals::merge_conflict(place(&text.as_bytes()[..at]).0));
    }
    if let Some((_, reason)) = marks.iter().find(|(mark, _)| start.starts_with(mark)) {
        return Some((*reason).to_owned());
    }
    if first.starts_with("curl: ") {
        return Some(refusals::curl_failed(first));
    }
    if is_yaml(start) {
        return Some(refusals::YAML.to_owned());
    }
    let number = start.strip_prefix('-').unwrap_or(start);
    let is_json = start.starts_with(['{', '[', '"']) || number.starts_with(|c: char| c.is_ascii_digit());
    let mut code = start.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let is_comment = start.starts_with("//")
        || start.starts_with("/*")
        || (start.starts_with('#') && code.next().is_some_and(|line| line.starts_with(['{', '['])));
    (!is_json && !is_comment).then(|| refusals::other_text(first, start.contains('{')))
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
            let key = key.trim_matches('"');
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
    if let Some(reason) = by_version(root) {
        return reason;
    }
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
    let inside: Vec<&str> =
        root.iter().filter(|(_, value)| has_documents(value)).map(|(key, _)| key.as_str()).collect();
    match inside[..] {
        [] => refusals::no_document_keys(&root.keys().map(String::as_str).collect::<Vec<_>>()),
        [key] => refusals::inside(key),
        _ => refusals::SEVERAL_INSIDE.to_owned(),
    }
}

/// Returns true for a document, and for an array that begins with one.
fn has_documents(value: &Value) -> bool {
    let value = value.get(0).unwrap_or(value);
    ["paths", "openapi", "models", "endpointId", "endpoint_id"].iter().any(|key| value.get(key).is_some())
}

/// Returns true for the operations of a JSON patch.
pub(crate) fn is_patch(items: &[Value]) -> bool {
    items.iter().all(|item| item.get("op").is_some() && item.get("path").is_some())
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
