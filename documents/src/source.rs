//! The *source* stage: finds the documents in a folder, with their patches.

use std::fs;
use std::path::{Path, PathBuf};

use crate::finding::Finding;
use crate::{file, refusals};

/// The file of a document.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path that findings name.
    pub file: PathBuf,
    /// The path relative to the folder, with `/`.
    pub path: String,
    /// The bytes of the file.
    pub text: Vec<u8>,
    /// The file and the text of its patch.
    pub patch: Option<(PathBuf, Vec<u8>)>,
}

/// Finds all documents in a folder and its folders, sorted by path.
///
/// The name of a document ends in `.json`. `flux.patch.json` is the patch for the `flux.json` in the same folder.
pub fn find(folder: &Path) -> Result<Vec<Source>, Vec<Finding>> {
    let (mut sources, mut findings) = (Vec::new(), Vec::new());
    if folder.is_dir() {
        collect(folder, "", &mut sources, &mut findings);
    } else {
        findings.push(Finding::new(folder, "", refusals::NO_FOLDER));
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    let (patches, mut sources): (Vec<Source>, Vec<Source>) =
        sources.into_iter().partition(|source| source.path.ends_with(PATCH));
    for patch in patches {
        let document = format!("{}.json", patch.path.trim_end_matches(PATCH));
        match sources.binary_search_by(|source| source.path.cmp(&document)) {
            Ok(index) => sources[index].add(patch),
            Err(_) => {
                let name = document.rsplit('/').next().unwrap_or_default();
                findings.push(Finding::new(patch.file, "", refusals::no_document(name)));
            }
        }
    }
    if findings.is_empty() { Ok(sources) } else { Err(findings) }
}

const PATCH: &str = ".patch.json";

impl Source {
    fn add(&mut self, patch: Source) {
        self.patch = Some((patch.file, patch.text));
    }
}

fn collect(folder: &Path, prefix: &str, sources: &mut Vec<Source>, findings: &mut Vec<Finding>) {
    let entries = match fs::read_dir(folder).and_then(|entries| entries.collect::<Result<Vec<_>, _>>()) {
        Ok(entries) => entries,
        Err(error) => return findings.push(Finding::io(folder, "read the folder", &error)),
    };
    for entry in entries {
        let file_path = entry.path();
        let name = entry.file_name();
        let readable = name.to_str().filter(|name| !name.chars().any(char::is_control));
        // Links to folders are not followed, because they could form a cycle.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if name.as_encoded_bytes().starts_with(b".") || !(is_folder || is_document(&file_path)) {
            continue;
        }
        let Some(name) = readable else {
            findings.push(Finding::new(&file_path, "", refusals::NOT_UTF8));
            continue;
        };
        let path = format!("{prefix}{name}");
        if is_folder {
            collect(&file_path, &format!("{path}/"), sources, findings);
            continue;
        }
        match file::read(&file_path) {
            Ok(text) => sources.push(Source { file: file_path, path, text, patch: None }),
            Err(error) => findings.push(Finding::io(&file_path, "read the file", &error)),
        }
    }
}

fn is_document(file: &Path) -> bool {
    file.file_name().unwrap_or_default().as_encoded_bytes().ends_with(b".json")
}
