//! Bytes become JSON, or a reason why they do not, with the remedy.

use std::collections::HashSet;

use serde_json::Value;

use crate::budget::{self, MAX_FILE};
use crate::pointer::escape;
use crate::text::place;
use crate::{refusals, wrong_file};

/// Parses a JSON text. The error is the reason.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, String> {
    let bytes = without_mark(bytes);
    if let Some(reason) = wrong_file::by_bytes(bytes) {
        return Err(reason);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let (line, column) = place(&bytes[..error.valid_up_to()]);
        match error.error_len() {
            Some(_) => refusals::not_utf8(line, column),
            None => refusals::half_a_character(line, column),
        }
    })?;
    if budget::size_of_text(bytes) > MAX_FILE {
        return Err(refusals::TOO_LARGE.to_owned());
    }
    serde_json::from_str(text).map_err(|error| wrong_file::by_text(text).unwrap_or_else(|| syntax(text, &error)))
}

/// Some editors write a byte order mark, which JSON does not allow.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// The literals of Python and JavaScript.
const OTHER_LITERALS: [&[u8]; 6] = [b"None", b"True", b"False", b"NaN", b"Infinity", b"undefined"];

/// Explains a syntax error: what the parser says, the likely cause, and the remedy.
fn syntax(text: &str, error: &serde_json::Error) -> String {
    let parser = error.to_string();
    let line_start = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
    let bytes = text.as_bytes();
    let index = (line_start + error.column().saturating_sub(1)).min(bytes.len());
    let before = bytes[..index].trim_ascii_end();
    let cause = match bytes.get(index) {
        _ if error.is_eof() => refusals::BROKEN_OFF,
        _ if parser.starts_with("recursion limit") => refusals::TOO_DEEP,
        Some(b'{' | b'[') if parser.starts_with("trailing characters") => refusals::SECOND_DOCUMENT,
        _ if parser.starts_with("trailing characters") => refusals::TRAILING_TEXT,
        Some(b'}' | b']' | b',') if before.ends_with(b",") => refusals::TRAILING_COMMA,
        Some(b'\'') => refusals::SINGLE_QUOTES,
        Some(b'/' | b'#') => refusals::COMMENT,
        Some(byte) if parser.starts_with("key must be a string") && !byte.is_ascii_digit() => refusals::UNQUOTED_KEY,
        _ if OTHER_LITERALS.iter().any(|literal| bytes[index..].starts_with(literal)) => refusals::OTHER_LITERAL,
        _ => refusals::CORRECT_IT,
    };
    format!("invalid JSON: {parser}{cause}")
}

/// Finds a key that an object of a valid JSON text has twice: a pointer to it, and the key. Escaped keys are not decoded.
pub(crate) fn duplicate_key(bytes: &[u8]) -> Option<(String, &str)> {
    /// An array with the index of the current item, or an object with its keys and the current one.
    enum Open<'a> {
        Array(usize),
        Object(HashSet<&'a str>, &'a str),
    }
    let pointer = |open: &[Open<'_>]| {
        let steps = open.iter().map(|step| match step {
            Open::Array(index) => format!("/{index}"),
            Open::Object(_, key) => format!("/{}", escape(key)),
        });
        steps.collect::<String>()
    };
    let bytes = without_mark(bytes);
    let (mut open, mut is_key, mut index) = (Vec::new(), false, 0);
    while let Some(byte) = bytes.get(index) {
        index += 1;
        match (byte, open.last_mut()) {
            (b'{', _) => {
                open.push(Open::Object(HashSet::new(), ""));
                is_key = true;
            }
            (b'[', _) => open.push(Open::Array(0)),
            (b'}' | b']', _) => drop(open.pop()),
            (b':', _) => is_key = false,
            (b',', Some(Open::Array(position))) => *position += 1,
            (b',', Some(Open::Object(..))) => is_key = true,
            (b'"', last) => {
                let start = index;
                while bytes.get(index).is_some_and(|byte| *byte != b'"') {
                    index += if bytes[index] == b'\\' { 2 } else { 1 };
                }
                let string = std::str::from_utf8(bytes.get(start..index)?).ok()?;
                index += 1;
                if let (true, Some(Open::Object(keys, current))) = (is_key, last) {
                    *current = string;
                    if !keys.insert(string) {
                        return Some((pointer(&open), string));
                    }
                    is_key = false;
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::duplicate_key;

    #[test]
    fn duplicate_keys_are_found_where_they_are() {
        for (text, at) in [
            (r#"{"a": 1, "a": 2}"#, Some("/a")),
            (r#"{"a": [{"b": 1}, {"c": {"x": 1, "y": ",", "x": 1}}]}"#, Some("/a/1/c/x")),
            (r#"{"a/b": {"~": 1, "~": 2}}"#, Some("/a~1b/~0")),
            (r#"{"a": {"a": {"a": 1}}, "b": ["a", "a"], "c": "a"}"#, None),
            (r#"[{"a": 1}, {"a": 1}, "{\"a\": 1, \"a\": 1}"]"#, None),
            (r#"{"\\": 1, "b\"": {}, "b": [[], {}]}"#, None),
        ] {
            assert_eq!(duplicate_key(text.as_bytes()).map(|(at, _)| at).as_deref(), at, "{text}");
        }
    }
}
