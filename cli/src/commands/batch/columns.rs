//! The fields of rows as JSON, by the kinds of the endpoint's fields.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use fal_codegen::{Description, Field, Kind};
use fal_documents::Document;
use serde_json::{Map, Value};

use super::rows::Fields;
use crate::error::Error;

/// The kinds of an endpoint's fields, by their paths, such as `loras[].scale`.
pub(super) struct Columns {
    kinds: HashMap<String, Kind>,
    /// True if the document does not declare fields.
    is_untyped: bool,
    /// The folder of local files.
    folder: PathBuf,
}

/// A segment of a path.
enum Segment<'a> {
    Name(&'a str),
    Index(usize),
}

impl Columns {
    /// # Errors
    ///
    /// The document cannot be described.
    pub(super) fn new(document: &Document, folder: &Path) -> Result<Self, Error> {
        let Description { input, .. } = fal_codegen::describe(document)?;
        let mut kinds = HashMap::new();
        add(&mut kinds, &input);
        // A row without local files does not need it.
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        Ok(Columns { kinds, is_untyped: input.is_empty(), folder })
    }

    /// Returns the fields of a row as JSON. Cells have the types of their fields, and local files absolute paths.
    ///
    /// # Errors
    ///
    /// The name of a column is not a path, or contradicts that of another column.
    pub(super) fn json(&self, fields: Fields) -> Result<Map<String, Value>, String> {
        let mut row = match fields {
            Fields::Json(fields) => Value::Object(fields),
            Fields::Cells(cells) => {
                let mut row = Value::Object(Map::new());
                for (column, cell) in cells {
                    let segments =
                        parse(&column).ok_or_else(|| format!("invalid column `{}`", column.escape_debug()))?;
                    let value = match self.kinds.get(&pattern(&segments)) {
                        Some(kind) => typed(kind, &cell),
                        None if self.is_untyped => any(&cell),
                        None => Value::String(cell),
                    };
                    set(&mut row, &segments, value)
                        .ok_or_else(|| format!("the column `{}` does not fit the others", column.escape_debug()))?;
                }
                row
            }
        };
        self.resolve(&mut row, "");
        match row {
            Value::Object(fields) => Ok(fields),
            _ => Err("expected an object".to_owned()),
        }
    }

    /// Makes the paths of local files absolute.
    fn resolve(&self, value: &mut Value, path: &str) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    self.resolve(value, &path);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.resolve(item, &format!("{path}[]"))),
            Value::String(text) => {
                if let Some(file) = text.strip_prefix('@').filter(|file| !file.is_empty() && self.is_file(path)) {
                    *text = format!("@{}", self.folder.join(file).display());
                }
            }
            _ => {}
        }
    }

    fn is_file(&self, path: &str) -> bool {
        let kind = self.kinds.get(path).or_else(|| self.kinds.get(path.trim_end_matches("[]")).map(Kind::item));
        kind.is_some_and(has_file)
    }
}

fn has_file(kind: &Kind) -> bool {
    match kind {
        Kind::File => true,
        Kind::Union(kinds) => kinds.iter().any(|kind| has_file(kind.item())),
        _ => false,
    }
}

fn add(kinds: &mut HashMap<String, Kind>, fields: &[Field]) {
    for field in fields {
        kinds.insert(field.path.clone(), field.kind.clone());
        add(kinds, &field.fields);
        field.variants.iter().for_each(|variant| add(kinds, &variant.fields));
    }
}

/// Parses a path: `loras[0].scale`, or `loras.0.scale`.
fn parse(path: &str) -> Option<Vec<Segment<'_>>> {
    let mut segments = Vec::new();
    for part in path.split('.') {
        let (name, mut indices) = part.split_at(part.find('[').unwrap_or(part.len()));
        match name.parse() {
            Ok(index) if !segments.is_empty() => segments.push(Segment::Index(index)),
            _ if name.is_empty() => return None,
            _ => segments.push(Segment::Name(name)),
        }
        while !indices.is_empty() {
            let (index, rest) = indices.strip_prefix('[')?.split_once(']')?;
            segments.push(Segment::Index(index.parse().ok()?));
            indices = rest;
        }
    }
    Some(segments)
}

/// Returns a path without its indices: `loras[].scale`.
fn pattern(segments: &[Segment<'_>]) -> String {
    let mut pattern = String::new();
    for segment in segments {
        match segment {
            Segment::Name(name) if pattern.is_empty() => pattern.push_str(name),
            Segment::Name(name) => pattern += &format!(".{name}"),
            Segment::Index(_) => pattern.push_str("[]"),
        }
    }
    pattern
}

/// Sets the value at a path, with the objects and arrays around it. `None` if another value is in the way, or if an array
/// lacks an earlier item.
fn set(value: &mut Value, segments: &[Segment<'_>], new: Value) -> Option<()> {
    let Some((first, rest)) = segments.split_first() else {
        *value = new;
        return Some(());
    };
    let inner = match first {
        Segment::Name(name) => {
            if value.is_null() {
                *value = Value::Object(Map::new());
            }
            value.as_object_mut()?.entry(*name).or_insert(Value::Null)
        }
        Segment::Index(index) => {
            if value.is_null() {
                *value = Value::Array(Vec::new());
            }
            let items = value.as_array_mut()?;
            if *index == items.len() {
                items.push(Value::Null);
            }
            items.get_mut(*index)?
        }
    };
    match inner {
        Value::Null | Value::Object(_) | Value::Array(_) => set(inner, rest, new),
        _ => None,
    }
}

/// Converts a cell to a value of a kind. A cell that is none stays a string, which the check of the row rejects.
fn typed(kind: &Kind, cell: &str) -> Value {
    let text = || Value::String(cell.to_owned());
    match kind {
        Kind::String | Kind::Enum | Kind::File => text(),
        // Spreadsheets write `TRUE`.
        Kind::Boolean => match cell.trim().to_ascii_lowercase().as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => text(),
        },
        Kind::Integer | Kind::Number => match any(cell) {
            Value::Number(number) => Value::Number(number),
            _ => text(),
        },
        Kind::Array(item) => match any(cell) {
            Value::Array(items) => Value::Array(items),
            _ => Value::Array(vec![typed(item, cell)]),
        },
        _ => any(cell),
    }
}

/// Returns the JSON in a cell, or else its text.
fn any(cell: &str) -> Value {
    serde_json::from_str(cell).unwrap_or_else(|_| Value::String(cell.to_owned()))
}
