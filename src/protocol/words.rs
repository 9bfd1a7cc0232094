//! The words of an error response: what the service says to people. They have neither markup nor the input that a
//! service repeats.

use serde_json::Value;

use super::markup;

/// The names under which services put their words, the most specific first.
const NAMES: &[&str] = &[
    "detail",
    "message",
    "msg",
    "error_description",
    "error_message",
    "errorMessage",
    "error",
    "errors",
    "Message",
    "reason",
    "details",
    "description",
    "title",
];

/// The names of states and codes. They are used if there are no words.
const LAST_NAMES: &[&str] = &["status", "code", "type"];

/// Values below these names repeat the input.
const ECHOES: &[&str] = &["input", "ctx", "prompt", "value", "given", "json_input", "json_output"];

/// Maximum items of an array whose words are joined.
const MAX_ITEMS: usize = 10;

/// Maximum depth of nested objects and arrays.
const MAX_DEPTH: usize = 8;

/// Maximum bytes of a page that are searched.
const MAX_PAGE: usize = 64 << 10;

/// Maximum characters of the beginning of a text.
const MAX_BEGINNING: usize = 200;

/// Returns the words of a JSON body.
pub(super) fn of_json(body: &Value) -> Option<String> {
    let state = || LAST_NAMES.iter().find_map(|name| body.get(name)?.as_str().and_then(|text| of_text(text, 0)));
    nested(body, 0).or_else(state)
}

/// Returns the beginning of a JSON body that has no words, without its strings: they may repeat the input.
pub(super) fn outline(body: &Value) -> Option<String> {
    fn without_strings(value: &Value, depth: usize) -> Value {
        match value {
            _ if depth > MAX_DEPTH => Value::Null,
            Value::String(_) => "…".into(),
            Value::Array(items) => items.iter().take(MAX_ITEMS).map(|item| without_strings(item, depth + 1)).collect(),
            Value::Object(fields) => {
                let fields = fields.iter().take(MAX_ITEMS);
                fields.map(|(name, value)| (name.clone(), without_strings(value, depth + 1))).collect()
            }
            other => other.clone(),
        }
    }
    let is_empty = match body {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    (!is_empty).then(|| beginning(&without_strings(body, 0).to_string()))
}

fn nested(value: &Value, depth: usize) -> Option<String> {
    if depth > MAX_DEPTH {
        return None;
    }
    match value {
        Value::String(text) => of_text(text, depth),
        Value::Array(items) => {
            let mut words: Vec<String> =
                items.iter().filter_map(|item| nested(item, depth + 1)).take(MAX_ITEMS + 1).collect();
            if words.len() > MAX_ITEMS {
                words[MAX_ITEMS] = "…".to_owned();
            }
            (!words.is_empty()).then(|| words.join("; "))
        }
        Value::Object(object) => NAMES.iter().find_map(|name| match object.get(*name)? {
            // Some services file their messages under the name of each field.
            Value::Object(fields) if *name == "errors" => nested(&object[*name], depth + 1).or_else(|| {
                let fields = fields.iter().filter(|(field, value)| value.is_array() && !ECHOES.contains(&&***field));
                let words = fields.filter_map(|(field, value)| Some(format!("{field}: {}", nested(value, depth + 1)?)));
                let words: Vec<String> = words.take(MAX_ITEMS).collect();
                (!words.is_empty()).then(|| words.join("; "))
            }),
            value => nested(value, depth + 1),
        }),
        _ => None,
    }
}

/// Returns the words of a string, which may itself be JSON or a page.
fn of_text(text: &str, depth: usize) -> Option<String> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if text.starts_with(['{', '[']) {
        // Some services quote the response of another one.
        if let Ok(value) = serde_json::from_str::<Value>(text) {
            return nested(&value, depth + 1);
        }
    }
    match markup::start(text) {
        Some(start) => of_marked(text, start),
        None => Some(text.to_owned()).filter(|text| !text.is_empty()),
    }
}

/// Returns the words of a text in which markup begins at `start`.
fn of_marked(text: &str, start: usize) -> Option<String> {
    let page = markup::words(&text[start..]).unwrap_or_default();
    let words = [beginning(&text[..start]), beginning(&page)].join(" ");
    Some(words.trim().to_owned()).filter(|words| !words.is_empty())
}

/// Returns the words of a body that is not JSON: of a page its title, else its beginning.
pub(super) fn of_other(body: &[u8]) -> Option<String> {
    let body = &body[..body.len().min(MAX_PAGE)];
    let text = String::from_utf8_lossy(body);
    if text.chars().take(MAX_BEGINNING).any(|c| c == '\0' || c == char::REPLACEMENT_CHARACTER) {
        // Neither the beginning of a picture nor compressed bytes are words.
        return None;
    }
    match markup::start(&text) {
        Some(start) => of_marked(&text, start),
        None => Some(beginning(before_echo(&text))).filter(|text| !text.is_empty()),
    }
}

/// Returns the beginning of a text as one line.
fn beginning(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().take(MAX_BEGINNING).collect();
    let line = line.join(" ");
    match line.char_indices().nth(MAX_BEGINNING) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Returns the part of broken JSON that precedes the repeated input.
fn before_echo(text: &str) -> &str {
    if !text.trim_start().starts_with(['{', '[']) {
        return text;
    }
    let ends = ECHOES.iter().filter_map(|name| text.find(&format!("\"{name}\"")));
    &text[..ends.min().unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_json_of_any_shape() {
        for (body, words) in [
            (r#"{"detail":"no"}"#, Some("no")),
            (r#""no""#, Some("no")),
            (r#"{"status":"error","detail":{"reason":"locked","message":"User is locked"}}"#, Some("User is locked")),
            (r#"{"detail":{"error":"bad_prompt","message":"The prompt is empty"}}"#, Some("The prompt is empty")),
            (r#"{"error":{"code":7,"message":"a","type":"t"}}"#, Some("a")),
            (r#"{"error":{"error":{"error":{"reason":"deep"}}}}"#, Some("deep")),
            (r#"{"detail":["a","b"]}"#, Some("a; b")),
            (r#"{"error":"invalid_grant","error_description":"The key has expired"}"#, Some("The key has expired")),
            (r#"{"errors":[{"message":"a","path":["x"]},{"message":"b"}]}"#, Some("a; b")),
            (r#"{"errors":[{"status":"422","title":"Invalid","detail":"Too long"}]}"#, Some("Too long")),
            (r#"{"errors":{"size":["too big"],"input":["MY PROMPT"]}}"#, Some("size: too big")),
            (r#"{"type":"about:blank","title":"Out of credit","status":403}"#, Some("Out of credit")),
            (r#"{"title":"Out of credit","detail":"Your balance is 30"}"#, Some("Your balance is 30")),
            (r#"{"detail":"","message":null,"error":true,"msg":"m"}"#, Some("m")),
            (r#"{"detail":"{\"error\":{\"message\":\"quoted\"}}"}"#, Some("quoted")),
            (
                r#"{"message":"upstream: <html><title>502 Bad Gateway</title></html>"}"#,
                Some("upstream: 502 Bad Gateway"),
            ),
            (r#"{"detail":"<image_url> is required"}"#, Some("<image_url> is required")),
            (r#"{"status":"NOT_FOUND"}"#, Some("NOT_FOUND")),
            (r#"{"status":"error","reason":"r"}"#, Some("r")),
            (r#"{"prompt":"MY PROMPT","input":{"prompt":"MY PROMPT"}}"#, None),
            (r#"{"detail":{"input":"MY PROMPT"}}"#, None),
            ("[]", None),
            ("{}", None),
        ] {
            let body: Value = serde_json::from_str(body).expect(body);
            assert_eq!(of_json(&body).as_deref(), words, "{body}");
        }
    }

    #[test]
    fn an_outline_has_no_strings() {
        for (body, outline_of_it) in [
            ("[1,2]", Some("[1,2]")),
            (r#"{"detail":[]}"#, Some(r#"{"detail":[]}"#)),
            (r#"{"input":[{"prompt":"MY PROMPT"},7]}"#, Some(r#"{"input":[{"prompt":"…"},7]}"#)),
            ("{}", None),
            ("[]", None),
            ("null", None),
        ] {
            let body: Value = serde_json::from_str(body).expect(body);
            assert_eq!(outline(&body).as_deref(), outline_of_it, "{body}");
        }
    }

    #[test]
    fn words_of_other_bodies_have_no_markup() {
        for (body, words) in [
            (
                "<html>\r\n<head><title>413 Request Entity Too Large</title></head></html>",
                "413 Request Entity Too Large",
            ),
            ("<!DOCTYPE html><TITLE lang=en>\n A &amp; B &#8211; C&#x2E;\n</TITLE>", "A & B – C."),
            ("<html><!-- <title>x</title> --><title></title><h1>Sorry <b>you</b></h1>", "Sorry you"),
            ("<html><script>var a = '<p>';</script><body><p>One moment</p>", "One moment"),
            ("<html><title>Unclosed", "Unclosed"),
            ("<p>Just a paragraph</p>", "Just a paragraph"),
            (
                "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
                "Access Denied",
            ),
            ("<Error><Code>NoSuchKey</Code></Error>", "NoSuchKey"),
            ("upstream connect error\nor reset", "upstream connect error or reset"),
            ("no healthy upstream <script>alert(1)</script>", "no healthy upstream"),
            ("no <b>healthy</b> upstream", "no healthy upstream"),
            ("the tag <a> in a </b> text", "the tag <a> in a </b> text"),
            (r#"{"detail":[{"msg":"flagged","input":"MY PROMPT"#, r#"{"detail":[{"msg":"flagged","#),
            (r#"{"items":[{"id":1,"json_input":{"text":"MY PROMPT"}},]}"#, r#"{"items":[{"id":1,"#),
        ] {
            assert_eq!(of_other(body.as_bytes()).as_deref(), Some(words), "{body}");
        }
        for body in [&b"\x1f\x8b\x08\x00\xff"[..], b"", b"  \n", b"<html></html>"] {
            assert_eq!(of_other(body), None);
        }
    }
}
