//! The path of the value at which reading JSON has failed. It follows from the position of the error, because a reader that
//! keeps track of paths would compile the code that reads an output twice, in each program.

use std::fmt::Write;

/// Maximum number of arrays and objects around the position. serde_json reads none that are deeper. It passes over them, so
/// that a response could consist of their brackets.
const MAX_DEPTH: usize = 128;

/// An array or object around the position.
enum Level<'a> {
    /// With the index of the value, once the first one has begun.
    Array(Option<usize>),
    /// With the last key, and true once its value may begin.
    Object(&'a str, bool),
}

/// Returns the path of the value at which reading `json` has failed, such as `images[0].url`, or that of a value around it.
/// `None` for the outermost value, and after a value that is too deep to be read.
pub(crate) fn path_of(error: &serde_json::Error, json: &str) -> Option<String> {
    let mut levels = Vec::new();
    let mut rest = &json[..offset(error, json)];
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => string(rest),
            '{' | '[' | '}' | ']' | ',' | ':' => 1,
            _ if first.is_whitespace() => first.len_utf8(),
            _ => rest.find(['"', '{', '[', '}', ']', ',', ':']).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(length);
        match (first, levels.last_mut()) {
            ('}' | ']', _) => drop(levels.pop()),
            (',', Some(Level::Object(_, is_value))) => *is_value = false,
            (':', Some(Level::Object(_, is_value))) => *is_value = true,
            (',', Some(Level::Array(index))) => *index = index.map(|index| index + 1),
            ('"', Some(Level::Object(key, false))) => {
                *key = token.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or_default();
            }
            (',' | ':', _) => {}
            (first, level) if !first.is_whitespace() => {
                if let Some(Level::Array(index)) = level {
                    index.get_or_insert(0);
                }
                match first {
                    '[' | '{' if levels.len() == MAX_DEPTH => return None,
                    '[' => levels.push(Level::Array(None)),
                    '{' => levels.push(Level::Object("", false)),
                    _ => {}
                }
            }
            _ => {}
        }
        rest = after;
    }
    let path = levels.iter().fold(String::new(), |mut path, level| {
        match level {
            Level::Array(Some(index)) => drop(write!(path, "[{index}]")),
            Level::Object(key, true) if path.is_empty() => path.push_str(key),
            Level::Object(key, true) => drop(write!(path, ".{key}")),
            _ => {}
        }
        path
    });
    Some(path).filter(|path| !path.is_empty())
}

/// Returns the number of bytes before the position of an error, or before the character at it.
fn offset(error: &serde_json::Error, json: &str) -> usize {
    let lines = json.split_inclusive('\n').take(error.line().saturating_sub(1));
    let offset = lines.map(str::len).sum::<usize>().saturating_add(error.column());
    (0..=offset.min(json.len())).rev().find(|offset| json.is_char_boundary(*offset)).unwrap_or(0)
}

/// Returns the length of the string at the beginning of `json`, with its quotes.
fn string(json: &str) -> usize {
    let mut is_escaped = true; // the opening quote
    let end = json.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(json.len(), |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Image {
        #[serde(rename = "url")]
        _url: String,
        #[serde(default, rename = "size")]
        _size: Vec<u8>,
    }

    #[test]
    fn the_path_leads_to_the_value() {
        for (json, path) in [
            (r#"{"images":[{"url":"a"},{"url":7}]}"#, Some("images[1].url")),
            (r#"{ "images" : [ {"url":"a","size":[1, 2, "x"]} ] }"#, Some("images[0].size[2]")),
            ("{\n  \"images\": [\n    {\"size\": [1]}\n  ]\n}", Some("images[0]")),
            (r#"{"images":[{"url":"a","size":{}}]}"#, Some("images[0].size")),
            (r#"{"images":[{"url":"é\"]}","size":[true]}]}"#, Some("images[0].size[0]")),
            (r#"{"images":[{"url":"a","other":1}]}"#, Some("images[0]")),
            (r#"{"images":[],"more":{}}"#, Some("more")),
            (r#"{"images":[{"url":"a"#, Some("images[0].url")),
            // The position is before a bracket.
            (r#"{"images":[{"url":"a","size":[1,{}]}]}"#, Some("images[0].size[1]")),
            (r#"{"images":[{"url":"a","size":[[]]}]}"#, Some("images[0].size")),
            (r#"{"images":[{"url":"a"},7]}"#, Some("images[1]")),
            (r#"{"a\"b":[],"a.b":[],"a\\":{}}"#, Some(r"a\\")),
            (r#"{"images":[{"url":"a"}],"images":[{"url":"a","url":"b"}]}"#, Some("images[0]")),
            ("[]", None),
            ("7", None),
            ("", None),
        ] {
            let error = serde_json::from_str::<BTreeMap<String, Vec<Image>>>(json).expect_err(json);
            assert_eq!(path_of(&error, json).as_deref(), path, "{json}: {error}");
        }
    }

    #[test]
    fn the_path_of_a_deep_value_is_short() {
        let deep = |depth| format!(r#"{{"a":{}"#, "[".repeat(depth));
        let error = serde_json::from_str::<serde_json::Value>(&deep(1_000)).expect_err("deep");
        assert_eq!(path_of(&error, &deep(1_000)), Some(format!("a{}", "[0]".repeat(MAX_DEPTH - 2))));
        // Values of unknown fields are passed over, whatever their depth is.
        let error = serde_json::from_str::<serde::de::IgnoredAny>(&deep(1_000_000)).expect_err("unfinished");
        assert_eq!(path_of(&error, &deep(1_000_000)), None);
    }
}
