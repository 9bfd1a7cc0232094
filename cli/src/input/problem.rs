//! Something wrong with an input: the field, its value, what is expected, and a remedy.

use std::fmt;

use fal_documents::text::printable;
use serde_json::Value;

use super::path;
use crate::nearest::nearest;

/// The longest text that is shown, in characters. Longer ones may be prompts.
const MAX_TEXT: usize = 60;
/// The most enum values that are listed.
const MAX_VALUES: usize = 20;
/// The longest reason, in characters.
const MAX_REASON: usize = 1_000;

/// A problem of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    field: String,
    value: Option<String>,
    reason: String,
}

impl Problem {
    /// Creates a problem of a field, or of a word that has none.
    pub(super) fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Problem { field: field.into(), value: None, reason: reason.into() }
    }

    pub(super) fn of_value(field: impl Into<String>, value: Option<String>, reason: impl Into<String>) -> Self {
        Problem { value, ..Problem::new(field, reason) }
    }

    pub(super) fn is_of(&self, field: &str) -> bool {
        self.field == field
    }

    /// Converts an error in fal's format. `show` shows a value, unless it is too long.
    pub(super) fn of_detail(detail: &Value, show: &dyn Fn(&Value) -> Option<String>) -> Self {
        let field = path::of_loc(&detail["loc"]);
        match detail["type"].as_str().unwrap_or_default() {
            "missing" => {
                let reason = format!("missing; set it with `{field}=…`");
                Problem::new(field, reason)
            }
            "extra_forbidden" => {
                let reason = unknown(detail);
                Problem::new(field, reason)
            }
            kind => {
                let reason = match expected(kind, detail) {
                    Some(expected) => format!("expected {expected}"),
                    None => message(detail["msg"].as_str().unwrap_or_default()),
                };
                Problem::of_value(field, detail.get("input").and_then(show), reason)
            }
        }
    }
}

/// Returns the value for a message, if it is short.
pub(super) fn shown(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.chars().nth(MAX_TEXT).is_some() || text.contains(['\n', '\r']) => None,
        Value::String(text) if text.contains("://") => Some(format!("`{}`", without_secrets(text))),
        Value::String(text) => Some(format!("`{text}`")),
        Value::Array(_) | Value::Object(_) => None,
        scalar => Some(scalar.to_string()),
    }
}

/// Removes the user, the query and the fragment of a URL, which may have signatures.
fn without_secrets(url: &str) -> &str {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    if url.contains('@') { "URL" } else { url }
}

fn unknown(detail: &Value) -> String {
    let declared: Vec<&str> =
        detail["ctx"]["expected"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let name = detail["loc"].as_array().and_then(|loc| loc.last()).and_then(Value::as_str).unwrap_or_default();
    let same = declared.iter().find(|other| is_same(other, name));
    match same.copied().or_else(|| nearest(name, declared.iter().copied()).first().copied()) {
        Some(nearest) => format!("unknown field, which fal would ignore; did you mean `{nearest}`?"),
        None => "unknown field, which fal would ignore; remove it".to_owned(),
    }
}

/// Returns true if names differ in case and separators only.
fn is_same(a: &str, b: &str) -> bool {
    let plain = |name: &str| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    plain(a) == plain(b)
}

/// Returns what a value is expected to be, from the type and the context of an error.
fn expected(kind: &str, detail: &Value) -> Option<String> {
    let limit = |name: &str| Some(&detail["ctx"][name]).filter(|limit| !limit.is_null());
    let count = |limit: &Value, unit: &str| match limit.as_u64() {
        Some(1) => format!("1 {unit}"),
        _ => format!("{limit} {unit}s"),
    };
    Some(match kind {
        "string_type" => "a string".to_owned(),
        "int_type" => "an integer".to_owned(),
        "float_type" => "a number".to_owned(),
        "bool_type" => "true or false".to_owned(),
        "list_type" => "an array".to_owned(),
        "dict_type" => "an object".to_owned(),
        "none_required" => "null".to_owned(),
        "greater_than_equal" => format!("at least {}", limit("ge")?),
        "greater_than" => format!("more than {}", limit("gt")?),
        "less_than_equal" => format!("at most {}", limit("le")?),
        "less_than" => format!("less than {}", limit("lt")?),
        "multiple_of" => format!("a multiple of {}", limit("multiple_of")?),
        "sequence_too_short" => format!("at least {}", count(limit("min_length")?, "item")),
        "sequence_too_long" => format!("at most {}", count(limit("max_length")?, "item")),
        "string_too_short" => format!("at least {}", count(limit("min_length")?, "character")),
        "string_too_long" => format!("at most {}", count(limit("max_length")?, "character")),
        "string_pattern_mismatch" => format!("a match of the pattern `{}`", limit("pattern")?.as_str()?),
        "file_too_large" => format!("a file of at most {}", size(limit("max_size")?.as_f64()?)),
        "image_too_small" | "image_too_large" | "image_aspect_ratio_error" => image(detail["ctx"].as_object()?),
        "one_of" => one_of(limit("expected")?.as_array()?, &detail["input"]),
        _ => return None,
    })
}

fn one_of(values: &[Value], value: &Value) -> String {
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), |text| format!("`{text}`"));
    let names: Vec<String> = values.iter().take(MAX_VALUES).map(shown).collect();
    let more = if values.len() > MAX_VALUES { ", …" } else { "" };
    let list = match names.len() {
        1 => names.join(""),
        _ => format!("one of {}{more}", names.join(", ")),
    };
    let near = value.as_str().and_then(|text| nearest(text, values.iter().filter_map(Value::as_str)).first().copied());
    match near.filter(|_| values.len() > 3) {
        Some(near) => format!("{list}; did you mean `{near}`?"),
        None => list,
    }
}

fn image(limits: &serde_json::Map<String, Value>) -> String {
    let limits = limits.iter().map(|(name, limit)| {
        let unit = if name.contains("ratio") { "" } else { " px" };
        format!("{} {limit}{unit}", name.replace("min_", "minimum ").replace("max_", "maximum ").replace('_', " "))
    });
    format!("an image with {}", limits.collect::<Vec<_>>().join(", "))
}

fn size(bytes: f64) -> String {
    match bytes {
        1048576.0.. => format!("{} MiB", (bytes / 1_048_576.0 * 10.0).round() / 10.0),
        1024.0.. => format!("{} KiB", (bytes / 1024.0 * 10.0).round() / 10.0),
        _ => format!("{bytes} bytes"),
    }
}

/// Begins fal's sentence in lower case, and removes its full stop.
fn message(msg: &str) -> String {
    let msg = msg.strip_prefix("Input should ").map_or_else(|| msg.to_owned(), |rest| format!("should {rest}"));
    let mut chars = msg.trim_end_matches('.').chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// Documents and values are untrusted, so hidden characters are escaped.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = if self.field.is_empty() { "input" } else { &self.field };
        f.write_str(&printable(field, MAX_REASON))?;
        if let Some(value) = &self.value {
            write!(f, " = {}", printable(value, MAX_REASON))?;
        }
        write!(f, ": {}", printable(&self.reason, MAX_REASON))
    }
}
