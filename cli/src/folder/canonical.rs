//! Documents as JSON in one form, so that two versions differ only where their contents do.

use fal_documents::{Contents, Document, Source};
use serde_json::{Value, json};

use crate::error::Error;

/// Parses the text of a file that the generator reads.
pub(super) fn parse(text: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text))
}

/// Formats JSON with sorted keys, indented, and with a line break at the end.
pub(super) fn text(mut json: Value) -> String {
    json.sort_all_objects();
    format!("{json:#}\n")
}

/// Returns the documents of a file, each with its id. Also returns what else the file has.
///
/// # Errors
///
/// The file has no documents, or an invalid one.
pub(crate) fn documents_of(source: &Source) -> Result<(Vec<(String, Value)>, Contents), Error> {
    let contents = fal_documents::parse(source)?;
    let root = parse(&source.text).unwrap_or_default();
    let json = |document: &Document| match root.pointer(&document.at) {
        Some(found) if found.get("endpointId").is_some() || found.get("paths").is_some() => found.clone(),
        // One of the paths of an app's own document.
        _ => document.to_openapi(),
    };
    Ok((contents.documents.iter().map(|document| (document.id.clone(), json(document))).collect(), contents))
}

/// Returns a document in a form that contains its id. In a page of models, the id may be next to it.
pub(super) fn self_contained(id: &str, document: Value) -> Value {
    let text = document.to_string().into_bytes();
    let source = Source { file: id.into(), path: String::new(), text, patch: None };
    let has_id = fal_documents::parse(&source)
        .is_ok_and(|contents| matches!(&contents.documents[..], [document] if document.id == id));
    // An invalid document is refused by its own findings.
    let wrapped = json!({ "endpoint_id": id, "openapi": document });
    let source = Source { text: wrapped.to_string().into_bytes(), ..source };
    let is_wrapped = || fal_documents::parse(&source).is_ok_and(|contents| contents.documents.len() == 1);
    if !has_id && is_wrapped() { wrapped } else { document }
}
