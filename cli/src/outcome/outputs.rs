//! The lines of an output, for people: a path and a value each.

use std::collections::HashMap;

use fal_documents::text::printable;
use serde_json::Value;

use super::OutcomeFile;

/// The most lines of an output in a terminal.
const MAX_LINES: usize = 100;

/// The longest text in a terminal, in characters.
const MAX_TEXT: usize = 4_000;

/// The fields of a file that its line replaces.
const OF_FILES: [&str; 5] = ["url", "content_type", "file_name", "file_size", "file_data"];

/// Returns the lines of an output. In a terminal, which has a width, long values are cut, and long outputs too.
pub(super) fn lines(output: &Value, files: &[OutcomeFile], width: Option<usize>) -> Vec<String> {
    let files = files.iter().map(|file| (file.path.as_str(), file)).collect();
    let mut lines = Lines { files, width, lines: Vec::new() };
    lines.visit(&mut String::new(), output);
    let Lines { mut lines, .. } = lines;
    if width.is_some() && lines.len() > MAX_LINES {
        let more = lines.len() - MAX_LINES;
        lines.truncate(MAX_LINES);
        lines.push(format!("… and {more} more lines; --json prints all"));
    }
    lines
}

struct Lines<'a> {
    files: HashMap<&'a str, &'a OutcomeFile>,
    width: Option<usize>,
    lines: Vec<String>,
}

impl Lines<'_> {
    fn visit(&mut self, path: &mut String, value: &Value) {
        let file = self.files.get(path.as_str()).copied();
        let size = file.and_then(|_| Some((value.get("width")?.as_u64()?, value.get("height")?.as_u64()?)));
        if let Some(file) = file {
            self.push(path, &file.describe(size));
        }
        match value {
            Value::Object(fields) if file.is_some() || !fields.is_empty() => {
                let is_in_line = |name: &str| {
                    file.is_some() && OF_FILES.contains(&name) || size.is_some() && ["width", "height"].contains(&name)
                };
                for (name, value) in fields.iter().filter(|(name, _)| !is_in_line(name)) {
                    let length = path.len();
                    if length > 0 {
                        path.push('.');
                    }
                    path.push_str(name);
                    self.visit(path, value);
                    path.truncate(length);
                }
            }
            Value::Array(items) if !self.is_flat(path, items) => {
                for (index, item) in items.iter().enumerate() {
                    let length = path.len();
                    path.push_str(&format!("[{index}]"));
                    self.visit(path, item);
                    path.truncate(length);
                }
            }
            Value::Null => {}
            _ if file.is_some() => {}
            Value::String(text) if text.trim_end().contains('\n') => self.push_text(path, text),
            Value::String(text) => self.push(path, &printable(text.trim_end_matches('\n'), usize::MAX)),
            value => self.push(path, &printable(&value.to_string(), usize::MAX)),
        }
    }

    /// Returns true if an array is printed in one line.
    fn is_flat(&self, path: &str, items: &[Value]) -> bool {
        let has_files = self.files.contains_key(format!("{path}[0]").as_str());
        let is_scalar = |item: &Value| match item {
            Value::Array(_) | Value::Object(_) => false,
            Value::String(text) => text.len() <= 100 && !text.contains('\n'),
            _ => true,
        };
        !has_files && items.iter().all(is_scalar)
    }

    fn push(&mut self, path: &str, value: &str) {
        let line = format!("{}: {value}", named(path));
        let is_text = value.contains(' ') && !value.starts_with(['[', '{']);
        let line = match self.width {
            Some(_) if is_text => shortened(&line, MAX_TEXT),
            Some(width) if !self.files.contains_key(path) => shortened(&line, width),
            _ => line,
        };
        self.lines.push(line);
    }

    /// Adds a text of several lines.
    fn push_text(&mut self, path: &str, text: &str) {
        self.lines.push(format!("{}:", named(path)));
        let text = text.trim_end();
        let shown = if self.width.is_some() { shortened(text, MAX_TEXT) } else { text.to_owned() };
        self.lines.extend(shown.lines().map(|line| format!("  {}", printable(line, usize::MAX)).trim_end().to_owned()));
    }
}

/// Returns the label of a path. An output that is not an object has none.
fn named(path: &str) -> String {
    if path.is_empty() { "output".to_owned() } else { printable(path, 200) }
}

/// Cuts a text to a number of characters.
fn shortened(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some(_) => text.chars().take(max.saturating_sub(1)).chain(['…']).collect(),
        None => text.to_owned(),
    }
}
