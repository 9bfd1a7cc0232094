//! Deprecated fields, and what their documentation says to use instead.

use fal_documents::text::is_hidden;
use serde_json::Value;

use super::walk::Walk;

/// The longest note of a deprecation, in characters.
const MAX_NOTE: usize = 200;

impl<'a> Walk<'a> {
    /// Returns the note of a deprecated property, which is empty where its documentation has no remedy. A property is deprecated
    /// too if its component is.
    pub(super) fn deprecation(&self, property: &'a Value) -> Option<String> {
        let is_deprecated = |schema: &Value| schema.get("deprecated") == Some(&Value::Bool(true));
        let schemas = [Some(property), self.resolve(property)];
        let deprecated = schemas.into_iter().flatten().find(|schema| is_deprecated(schema))?;
        Some(note(deprecated.get("description").and_then(Value::as_str).unwrap_or_default()))
    }
}

/// Returns the sentence that says what to use instead, or that something is deprecated.
fn note(prose: &str) -> String {
    let words: Vec<&str> = prose.split_whitespace().take(MAX_NOTE).collect();
    let prose: String = words.join(" ").chars().filter(|c| !is_hidden(*c)).collect();
    let lower = prose.to_ascii_lowercase();
    let start = ["[deprecated]", "deprecated:", "deprecated."].iter().find(|start| lower.starts_with(**start));
    let prose = &prose[start.map_or(0, |start| start.len())..];
    let sentences = || prose.split(". ").map(|sentence| sentence.trim().trim_end_matches('.'));
    let with = |word: &str| sentences().find(|sentence| sentence.to_ascii_lowercase().contains(word));
    let note = with("instead").or_else(|| with("deprecated")).unwrap_or_default();
    note.chars().take(MAX_NOTE).collect()
}

#[cfg(test)]
mod tests {
    use super::note;

    #[test]
    fn note_is_the_sentence_with_the_remedy() {
        for (prose, expected) in [
            ("Deprecated: use pose instead. When true, makes a pose.", "use pose instead"),
            ("[DEPRECATED] Use 'prompt' instead. Kept for old callers.", "Use 'prompt' instead"),
            ("This is deprecated and has no effect. It is kept.", "This is deprecated and has no effect"),
            ("The style. Use `kind` instead", "Use `kind` instead"),
            ("[DEPRECATED] The style of the picture.", ""),
            ("", ""),
        ] {
            assert_eq!(note(prose), expected);
        }
    }
}
