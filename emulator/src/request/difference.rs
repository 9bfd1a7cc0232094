use serde_json::Value;

/// A value that differs from an expected one. A value may be missing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    /// The path below the compared values: `.images[0].url`.
    path: String,
    expected: Option<Value>,
    received: Option<Value>,
}

/// The most characters of a value in a message.
const MAX_CHARS: usize = 80;

impl Difference {
    /// Returns the difference in a line: `input.seed: expected 7, received 8`. `origin` says where the expected value is from.
    pub(crate) fn line(&self, root: &str, origin: &str) -> String {
        let text = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), shown);
        format!("{root}{}: {origin} {}, received {}", self.path, text(&self.expected), text(&self.received))
    }
}

/// Compares two values, in the order of the expected one's fields. With `subset`, objects may have further fields.
pub(crate) fn differences(expected: &Value, received: &Value, subset: bool) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(expected, received, subset, &mut String::new(), &mut found);
    found
}

fn compare(expected: &Value, received: &Value, subset: bool, path: &mut String, found: &mut Vec<Difference>) {
    let length = path.len();
    match (expected, received) {
        (Value::Object(expected), Value::Object(received)) => {
            for (name, value) in expected {
                push_name(path, name);
                match received.get(name) {
                    Some(other) => compare(value, other, subset, path, found),
                    None => {
                        found.push(Difference { path: path.clone(), expected: Some(value.clone()), received: None })
                    }
                }
                path.truncate(length);
            }
            for (name, value) in received.iter().filter(|(name, _)| !subset && !expected.contains_key(*name)) {
                push_name(path, name);
                found.push(Difference { path: path.clone(), expected: None, received: Some(value.clone()) });
                path.truncate(length);
            }
        }
        (Value::Array(expected), Value::Array(received)) if expected.len() == received.len() => {
            for (index, (value, other)) in expected.iter().zip(received).enumerate() {
                path.push_str(&format!("[{index}]"));
                compare(value, other, subset, path, found);
                path.truncate(length);
            }
        }
        _ if is_equal(expected, received) => {}
        _ => found.push(Difference {
            path: path.clone(),
            expected: Some(expected.clone()),
            received: Some(received.clone()),
        }),
    }
}

/// Numbers are equal if their values are: 1 and 1.0.
fn is_equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) if left.is_f64() || right.is_f64() => {
            left.as_f64() == right.as_f64()
        }
        _ => left == right,
    }
}

fn push_name(path: &mut String, name: &str) {
    let is_word = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    path.push_str(&if is_word { format!(".{name}") } else { format!("[{}]", Value::from(name)) });
}

/// Returns a value as it is shown: cut, and without the queries of URLs, which may have tokens.
pub(crate) fn shown(value: &Value) -> String {
    cut(&without_queries(value).to_string())
}

fn without_queries(value: &Value) -> Value {
    match value {
        Value::String(text) => match text.split_once('?') {
            Some((url, _)) if url.contains("://") => Value::from(format!("{url}?…")),
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(without_queries).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), without_queries(value))).collect(),
        _ => value.clone(),
    }
}

/// Cuts a text that is too long for a message.
pub(crate) fn cut(text: &str) -> String {
    shortened(text, MAX_CHARS)
}

/// Returns at most `max` characters of a text, with an ellipsis if some are missing.
pub(crate) fn shortened(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(expected: &Value, received: &Value, subset: bool) -> Vec<String> {
        let found = differences(expected, received, subset);
        found.iter().map(|difference| difference.line("input", "expected")).collect()
    }

    #[test]
    fn fields_are_named_with_both_values() {
        let expected = json!({ "seed": 7, "loras": [{ "path": "a", "scale": 1 }], "a-b": true, "gone": null });
        let received = json!({ "seed": 8, "loras": [{ "path": "b", "scale": 1.0 }], "a-b": false, "more": {} });
        let subset = [
            "input.seed: expected 7, received 8",
            "input.loras[0].path: expected \"a\", received \"b\"",
            "input[\"a-b\"]: expected true, received false",
            "input.gone: expected null, received nothing",
        ];
        let mut found = lines(&expected, &received, true);
        found.sort();
        let mut sorted = subset;
        sorted.sort_unstable();
        assert_eq!(found, sorted);
        let exact = lines(&expected, &received, false);
        assert_eq!(exact.len(), 5);
        assert!(exact.contains(&"input.more: expected nothing, received {}".to_owned()));
    }

    #[test]
    fn arrays_of_another_length_differ_as_a_whole() {
        assert_eq!(lines(&json!([1]), &json!([1, 2]), true), ["input: expected [1], received [1,2]"]);
    }

    #[test]
    fn long_values_and_queries_are_cut() {
        let long = shown(&Value::from("é".repeat(100)));
        assert_eq!(long, format!("\"{}…", "é".repeat(79)));
        assert_eq!(shown(&json!(["https://a.test/b?token=secret", "why?"])), "[\"https://a.test/b?…\",\"why?\"]");
    }

    #[test]
    fn large_integers_are_compared_exactly_where_they_are_integers() {
        let (large, next) = (json!(9_007_199_254_740_992_u64), json!(9_007_199_254_740_993_u64));
        assert!(differences(&large, &large, false).is_empty());
        assert_eq!(differences(&large, &next, false).len(), 1);
    }
}
