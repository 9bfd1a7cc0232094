//! The path of the value at which reading JSON has failed. It follows from the position of the error, because a reader that
//! keeps track of paths would compile the code that reads an output twice, in each program.

use std::fmt::Write;

/// An array or object around the position.
enum Level<'a> {
    /// With the index of the last value that has begun.
    Array(Option<usize>),
    /// With the last key, and true once its value may begin.
    Object(&'a str, bool),
}

/// Returns the path of the value at which reading `json` has failed, such as `images[0].url`, or that of a value around it.
/// `None` for the outermost value.
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
            ('"', Some(Level::Object(key, false))) => {
                *key = token.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or_default();
            }
            (',' | ':', _) => {}
            (first, level) if !first.is_whitespace() => {
                if let Some(Level::Array(index)) = level {
                    *index = Some(index.map_or(0, |index| index + 1));
                }
                match first {
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
            ("[]", None),
            ("7", None),
            ("", None),
        ] {
            let error = serde_json::from_str::<BTreeMap<String, Vec<Image>>>(json).expect_err(json);
            assert_eq!(path_of(&error, json).as_deref(), path, "{json}: {error}");
        }
    }
}
