use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::request::operation::Operation;

/// The contents of uploaded files, by the path of their URL, which begins with a slash and the host. A replayed client may
/// upload the same files in another order, and so under other URLs.
#[derive(Debug, Default)]
pub(super) struct Uploads {
    contents: HashMap<String, String>,
    /// The path of the file that is uploaded to a path, if they differ.
    targets: HashMap<String, String>,
    /// The hashes of the parts of a multipart upload, by the path before the number.
    parts: HashMap<String, BTreeMap<String, String>>,
}

impl Uploads {
    /// Notes a request that was successful. `sha256` is the hash of its body.
    pub(super) fn note(&mut self, operation: Operation, path: &str, sha256: Option<&str>, response: Option<&Value>) {
        let url = |name: &str| response.and_then(|response| response.get(name)?.as_str()).and_then(path_of);
        match operation {
            Operation::InitiateUpload | Operation::InitiateMultipart => {
                if let (Some(upload), Some(file)) = (url("upload_url"), url("file_url")) {
                    self.targets.insert(upload, file);
                }
            }
            Operation::Upload => {
                if let (Some(file), Some(sha256)) = (url("access_url"), sha256) {
                    self.contents.insert(file, sha256.to_owned());
                }
            }
            Operation::PutFile => {
                if let Some(sha256) = sha256 {
                    self.set(path, sha256);
                }
            }
            Operation::PutPart => {
                let (Some((upload, number)), Some(sha256)) = (path.rsplit_once('/'), sha256) else { return };
                let parts = self.parts.entry(upload.to_owned()).or_default();
                parts.insert(number.to_owned(), sha256.to_owned());
                let hash = parts
                    .iter()
                    .fold(Sha256::new(), |hash, (number, part)| hash.chain_update(number).chain_update(part));
                let whole = format!("parts-{}", hex(&hash.finalize()));
                self.set(upload, &whole);
                if let Some((file, _)) = upload.split_once("/multipart/") {
                    self.set(file, &whole);
                }
            }
            _ => {}
        }
    }

    fn set(&mut self, path: &str, content: &str) {
        if let Some(target) = self.targets.get(path) {
            self.contents.insert(target.clone(), content.to_owned());
        }
        self.contents.insert(path.to_owned(), content.to_owned());
    }

    /// Returns the content of an uploaded file.
    pub(super) fn content(&self, url: &str) -> Option<&str> {
        self.contents.get(&path_of(url)?).map(String::as_str)
    }
}

/// Returns the path of a URL at the real fal: with the host, and without the query.
fn path_of(url: &str) -> Option<String> {
    let rest = url.strip_prefix("https://")?;
    Some(format!("/{}", rest.split(['?', '#']).next().unwrap_or(rest)))
}
