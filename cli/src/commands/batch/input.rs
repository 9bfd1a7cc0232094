//! The input of a row.

use fal_client::{FileInput, JsonInput};
use serde_json::Value;

use crate::catalog::Entry;
use crate::error::{Error, Exit};

/// Creates an input from JSON and `key=value` pairs. Strings that begin with `@` are local files.
pub(super) fn build(_: &Entry, mut base: Value, pairs: &[String]) -> Result<JsonInput, Error> {
    for pair in pairs {
        let invalid =
            || Error::new(Exit::Usage, format!("invalid field `{}`: expected `key=value`", pair.escape_debug()));
        let (name, text) = pair.split_once('=').ok_or_else(invalid)?;
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
        base.as_object_mut().ok_or_else(invalid)?.insert(name.to_owned(), value);
    }
    let files: Vec<(String, String)> = base
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.strip_prefix('@')?.to_owned())))
        .collect();
    let mut input = JsonInput::from(base);
    for (name, file) in files {
        input = input.file(name, FileInput::path(file))?;
    }
    Ok(input)
}
