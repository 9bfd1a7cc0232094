//! The file of `--input`: JSON, TOML or YAML.

use std::path::Path;

use serde_json::Value;

use super::file;
use crate::error::{Error, Exit};

/// Reads a file as JSON. `-` reads JSON or YAML from stdin.
pub(super) fn read(path: &Path) -> Result<Value, Error> {
    let name = path.to_str().ok_or_else(|| refuse(path, "its name is not in UTF-8"))?;
    let text = file::text(name).map_err(|reason| Error::new(Exit::Invalid, reason).help("correct `--input`"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
    let parsed = match extension.as_deref() {
        _ if name == file::STDIN => json(text).or_else(|error| yaml(text).map_err(|_| error)),
        Some("json") => json(text),
        Some("toml") => toml::from_str(text).map_err(|error: toml::de::Error| error.to_string()),
        Some("yaml" | "yml") => yaml(text),
        _ => return Err(refuse(path, "expected a name that ends with .json, .toml or .yaml")),
    };
    let value = parsed.map_err(|reason| refuse(path, reason.trim_end()))?;
    match value.is_object() {
        true => Ok(value),
        false => Err(refuse(path, "expected an object with the fields of the input")),
    }
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn yaml(text: &str) -> Result<Value, String> {
    yaml_serde::from_str(text).map_err(|error| error.to_string())
}

fn refuse(path: &Path, reason: &str) -> Error {
    Error::new(Exit::Invalid, format!("invalid input file {}: {reason}", file::quoted(&path.to_string_lossy())))
}
