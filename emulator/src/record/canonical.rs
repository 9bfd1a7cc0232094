use percent_encoding::percent_decode_str;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::input::data_uri;
use crate::record::scrub::{self, REMOVED};
use crate::record::uploads::Uploads;
use crate::request::difference::{cut, differences};
use crate::request::operation::Operation;
use crate::request::received::parse_query;

/// A request in the form in which it is compared: without secrets, and with the hashes of files in place of files.
#[derive(Clone, Debug)]
pub(super) struct Canonical {
    pub(super) operation: Operation,
    pub(super) method: String,
    /// The decoded path, with the host.
    pub(super) path: String,
    query: Value,
    pub(super) range: Option<String>,
    body: CanonicalBody,
}

#[derive(Clone, Debug)]
pub(super) enum CanonicalBody {
    Json(Value),
    /// The hash and the size of other bytes.
    Bytes(String, u64),
}

impl Canonical {
    pub(super) fn new(
        operation: Operation,
        method: &str,
        target: &str,
        range: Option<&str>,
        body: CanonicalBody,
    ) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = percent_decode_str(path.trim_end_matches('/')).decode_utf8_lossy().into_owned();
        Canonical {
            operation,
            method: method.to_owned(),
            path,
            query: if names_file(operation) { Value::Null } else { canonical_query(query) },
            range: range.map(str::to_owned),
            body,
        }
    }

    /// Returns whether two requests go to the same place. Uploads go where the service says.
    pub(super) fn has_target(&self, other: &Canonical) -> bool {
        let is_upload = matches!(self.operation, Operation::PutFile | Operation::CompleteMultipart);
        let number = |path: &str| path.rsplit('/').next().map(str::to_owned);
        self.method == other.method
            && match self.operation {
                _ if is_upload => self.operation == other.operation,
                Operation::PutPart => self.operation == other.operation && number(&self.path) == number(&other.path),
                _ => self.path == other.path,
            }
    }

    /// Returns whether two requests are for the same part of a file.
    pub(super) fn is_for_part_of(&self, other: &Canonical) -> bool {
        self.path == other.path && self.range == other.range
    }

    /// Returns the differences of a received request, a line each.
    pub(super) fn differences(&self, received: &Canonical) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(differences(&self.query, &received.query, false).iter().map(|it| it.line("query", "recorded")));
        if self.range != received.range {
            let text = |range: &Option<String>| range.as_deref().map_or("nothing".to_owned(), cut);
            lines.push(format!("range: recorded {}, received {}", text(&self.range), text(&received.range)));
        }
        match (&self.body, &received.body) {
            (CanonicalBody::Json(recorded), CanonicalBody::Json(received)) => {
                lines.extend(differences(recorded, received, false).iter().map(|it| it.line("input", "recorded")));
            }
            (CanonicalBody::Bytes(recorded, _), CanonicalBody::Bytes(received, _)) if recorded == received => {}
            (recorded, received) => {
                lines.push(format!("body: recorded {}, received {}", recorded.text(), received.text()))
            }
        }
        lines
    }
}

impl CanonicalBody {
    /// Returns a body of bytes: JSON if it is. `operation` names fields that differ in every run.
    pub(super) fn of_bytes(operation: Operation, bytes: &[u8], uploads: &Uploads) -> Self {
        if bytes.is_empty() {
            return CanonicalBody::Json(Value::Null);
        }
        match serde_json::from_slice(bytes) {
            Ok(mut value) => {
                canonicalize(&mut value, uploads);
                if let (true, Some(fields)) = (names_file(operation), value.as_object_mut()) {
                    fields.remove("file_name");
                }
                CanonicalBody::Json(value)
            }
            Err(_) => CanonicalBody::Bytes(hex(&Sha256::digest(bytes)), bytes.len() as u64),
        }
    }

    fn text(&self) -> String {
        match self {
            CanonicalBody::Json(Value::Null) => "no body".to_owned(),
            CanonicalBody::Json(value) => cut(&value.to_string()),
            CanonicalBody::Bytes(hash, size) => {
                format!("{size} bytes with the hash {}…", hash.get(..8).unwrap_or(hash))
            }
        }
    }
}

/// Clients name an uploaded file by the time.
fn names_file(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::InitiateUpload
            | Operation::InitiateMultipart
            | Operation::Upload
            | Operation::StartMultipart
            | Operation::PutFile
            | Operation::PutPart
            | Operation::CompleteMultipart
    )
}

/// Replaces files by their hashes, and removes the secrets of URLs.
fn canonicalize(value: &mut Value, uploads: &Uploads) {
    match value {
        Value::String(text) => {
            if let Some(content) = uploads.content(text) {
                *text = format!("file with the hash {content}");
            } else if let Some((_, bytes)) = data_uri::parse(text) {
                *text = format!("file with the hash {}", hex(&Sha256::digest(&bytes)));
            } else {
                *text = scrub::scrub_urls(text);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| canonicalize(item, uploads)),
        Value::Object(fields) => fields.values_mut().for_each(|field| canonicalize(field, uploads)),
        _ => {}
    }
}

/// Returns a query as an object. A parameter that is repeated is an array.
fn canonical_query(query: &str) -> Value {
    let mut fields = serde_json::Map::new();
    // A secret may be sent in the URL or in a header, which makes no difference.
    for (name, value) in parse_query(&scrub::scrub_query(query)).into_iter().filter(|(_, value)| value != REMOVED) {
        let value = Value::from(value);
        match fields.get_mut(&name) {
            Some(Value::Array(values)) => values.push(value),
            Some(other) => *other = Value::from(vec![other.take(), value]),
            None => {
                fields.insert(name, value);
            }
        }
    }
    if fields.is_empty() { Value::Null } else { Value::Object(fields) }
}
