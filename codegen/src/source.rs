//! The documents' files: what a folder holds.

use std::fs;
use std::path::{Path, PathBuf};

use crate::digest::digest;
use crate::error::Finding;

/// A file that is a document.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The file, as findings name it.
    pub(crate) file: PathBuf,
    /// Its path below the folder, with `/`.
    pub(crate) path: String,
    pub(crate) text: Vec<u8>,
    /// The patch beside it: its file and its text.
    pub(crate) patch: Option<(PathBuf, Vec<u8>)>,
    /// Of the text, and of the patch's after it.
    pub(crate) digest: u64,
}

/// Every document in a folder and below, sorted by path. A document's name ends in `.json`, and not in `.patch.json`,
/// which is the name of a patch for the document beside it.
pub(crate) fn find(folder: &Path) -> Result<Vec<Source>, Vec<Finding>> {
    let (mut sources, mut findings) = (Vec::new(), Vec::new());
    if folder.is_dir() {
        collect(folder, "", &mut sources, &mut findings);
    } else {
        findings.push(Finding::new(folder, "", "there is no such folder of documents; create it or name another"));
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    let (patches, mut sources): (Vec<Source>, Vec<Source>) =
        sources.into_iter().partition(|source| source.path.ends_with(PATCH));
    for patch in patches {
        let document = format!("{}.json", patch.path.trim_end_matches(PATCH));
        match sources.binary_search_by(|source| source.path.cmp(&document)) {
            Ok(place) => sources[place].add(patch),
            Err(_) => {
                let name = document.rsplit('/').next().unwrap_or_default();
                let reason = format!("the patch is for {name}, which is not beside it; remove it or rename it");
                findings.push(Finding::new(patch.file, "", reason));
            }
        }
    }
    if findings.is_empty() { Ok(sources) } else { Err(findings) }
}

const PATCH: &str = ".patch.json";

impl Source {
    fn add(&mut self, patch: Source) {
        self.digest = digest(&[&self.text[..], &patch.text[..]].concat());
        self.patch = Some((patch.file, patch.text));
    }
}

fn collect(folder: &Path, prefix: &str, sources: &mut Vec<Source>, findings: &mut Vec<Finding>) {
    let entries = match fs::read_dir(folder).and_then(|entries| entries.collect::<Result<Vec<_>, _>>()) {
        Ok(entries) => entries,
        Err(error) => return findings.push(Finding::new(folder, "", format!("the folder cannot be read: {error}"))),
    };
    for entry in entries {
        let file = entry.path();
        let name = entry.file_name();
        let readable = name.to_str().filter(|name| !name.chars().any(char::is_control));
        // A linked folder is not followed: it could lead back here.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if name.as_encoded_bytes().starts_with(b".") || !(is_folder || is_document(&file)) {
            continue;
        }
        let Some(name) = readable else {
            findings.push(Finding::new(&file, "", "the name is not plain UTF-8 text; rename it"));
            continue;
        };
        let path = format!("{prefix}{name}");
        if is_folder {
            collect(&file, &format!("{path}/"), sources, findings);
            continue;
        }
        match fs::read(&file) {
            Ok(text) => sources.push(Source { file, path, digest: digest(&text), text, patch: None }),
            Err(error) => findings.push(Finding::new(&file, "", format!("the file cannot be read: {error}"))),
        }
    }
}

/// Whether a file is a document or a patch.
fn is_document(file: &Path) -> bool {
    file.file_name().unwrap_or_default().as_encoded_bytes().ends_with(b".json")
}
