//! Every sentence about what is wrong with a file, a patch or the form of a document.
//!
//! It states the problem, then the value, then the remedy.

use std::fmt::Display;

use crate::text::{printable, quoted};

// Findings about files and folders.

pub(crate) const NO_FOLDER: &str = "no such folder: create it, or choose another folder of documents";
pub(crate) const NOT_UTF8: &str = "file name has control characters or is not UTF-8; rename the file";
pub(crate) const SPECIAL_FILE: &str = "it is not a regular file; remove or replace it";
pub(crate) const LARGE_FILE: &str = "it has more than 64 MiB; split it, or remove what is not needed";

// Findings about documents.

pub(crate) const NOT_AN_OBJECT: &str = "not an OpenAPI document of fal: expected an object";
pub(crate) const NO_PATHS: &str = "not an OpenAPI document of fal: missing `paths`; download the document again from \
     https://fal.ai/api/openapi/queue/openapi.json?endpoint_id=… and do not edit it";
pub(crate) const TOO_LARGE: &str =
    "file is too large: it may have 64 MiB, including 32 bytes for each value; split it, or remove what is not needed";
pub(crate) const TOO_MANY_ENDPOINTS: &str =
    "too many endpoints share the components: their copies exceed 64 MiB; split the document, or remove components";
pub(crate) const NO_ENDPOINT_ID: &str = "missing `endpoint_id`";
pub(crate) const NO_ID: &str =
    "missing endpoint id: add it here, because there is not exactly one POST path to infer it from";
pub(crate) const NO_APP: &str = "missing app id: add it here, or name the file after the app (`owner/app.json`)";
pub(crate) const NO_POST: &str = "no endpoint found: no path accepts a POST request with JSON";

pub(crate) fn not_json(error: &serde_json::Error) -> String {
    format!("invalid JSON: {error}")
}

pub(crate) fn error_response(error: &str) -> String {
    format!("this file holds an error response of fal, not a document ({error}); download the document again")
}

pub(crate) fn invalid_id(id: &str) -> String {
    format!(
        "invalid endpoint id {}: expected `owner/app` or `owner/app/path` with letters, digits, `-`, `_` and `.`",
        quoted(id)
    )
}

/// The schema of an endpoint's `input` or `output`.
pub(crate) fn missing_schema(what: &str) -> String {
    format!("missing schema of the endpoint's {what}")
}

pub(crate) fn conflicting_definitions(name: &str) -> String {
    format!("conflicting definitions of {}; rename one of them", quoted(name))
}

// Findings about patches.

pub(crate) const NO_EFFECT: &str = "patch has no effect; remove it";
pub(crate) const NO_VALUE: &str = "missing `value`";

pub(crate) const TOO_MUCH_PATCHED: &str = "the operations add or move more than 64 MiB";
pub(crate) const PATCHED_TOO_DEEP: &str = "the document would be nested more than 128 levels deep";

pub(crate) fn no_document(name: &str) -> String {
    format!("no document `{name}` next to this patch; rename or remove the patch")
}

pub(crate) fn not_a_patch(error: &serde_json::Error) -> String {
    format!("invalid JSON patch: expected an array of operations: {error}")
}

pub(crate) fn stale_patch(reason: &str) -> String {
    format!("patch does not apply: {reason}; update it, or remove it if fal has fixed the document")
}

pub(crate) fn no_string(key: &str) -> String {
    format!("missing string `{key}`")
}

pub(crate) fn unknown_operation(operation: &str) -> String {
    format!("unknown operation {}: expected add, remove, replace, move, copy or test", quoted(operation))
}

pub(crate) fn nothing_at(path: &str) -> String {
    match path.is_empty() || path.starts_with('/') {
        true => format!("there is nothing at {}", quoted(path)),
        false => format!("invalid path {}: expected a leading slash", quoted(path)),
    }
}

pub(crate) fn not_below_root(path: &str) -> String {
    format!("path {} does not point below the root", quoted(path))
}

pub(crate) fn no_container(path: &str) -> String {
    format!("the parent of {} is neither an object nor an array", quoted(path))
}

pub(crate) fn moved_into_itself(from: &str) -> String {
    format!("cannot move {} into itself", quoted(from))
}

/// The longest value that is printed, in characters.
const MAX_VALUE: usize = 120;

pub(crate) fn unexpected_value(path: &str, found: &impl Display, expected: &impl Display) -> String {
    let [found, expected] =
        [found.to_string(), expected.to_string()].map(|value| format!("`{}`", printable(&value, MAX_VALUE)));
    format!("expected {expected} at {}, found {found}", quoted(path))
}
