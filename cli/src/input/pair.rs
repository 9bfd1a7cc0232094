//! A word of the command line that sets a field: `key=value`, `key=@file` or `key:=JSON`.

/// A field and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair<'a> {
    pub(super) key: &'a str,
    pub(super) value: Source<'a>,
}

/// The value of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source<'a> {
    /// A text, which the type of the field decides on.
    Text(&'a str),
    /// JSON, whatever the type of the field.
    Json(&'a str),
    /// A file: uploaded for a file, and read for anything else. `-` is stdin.
    File(&'a str),
    /// A file with JSON.
    JsonFile(&'a str),
}

/// Splits a word. Returns `None` if it has no `=`.
pub(super) fn parse(word: &str) -> Option<Pair<'_>> {
    let (key, value) = word.split_once('=')?;
    Some(match key.strip_suffix(':') {
        Some(key) => {
            let value = value.strip_prefix('@').map_or(Source::Json(value), Source::JsonFile);
            Pair { key, value }
        }
        None => Pair { key, value: source(value) },
    })
}

/// Reads the `@` of a value. `@@` stands for a text that begins with `@`.
fn source(value: &str) -> Source<'_> {
    match value.strip_prefix('@') {
        Some(text) if text.starts_with('@') => Source::Text(text),
        Some(file) => Source::File(file),
        None => Source::Text(value),
    }
}
