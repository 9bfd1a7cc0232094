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

/// The files of a folder.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Found {
    /// The documents, sorted by path.
    pub sources: Vec<Source>,
    /// The files and folders that look as if they had documents and are not read, each with the reason. Sorted by path.
    pub passed_over: Vec<Finding>,
}

/// Finds all documents in a folder and its folders.
///
/// The name of a document ends in `.json`. `flux.patch.json` is the patch for the `flux.json` in the same folder. Hidden files,
/// and links to folders, are not read.
///
/// # Errors
///
/// Fails if the folder does not exist, if a file is not a regular one or cannot be read, or if a patch has no document.
pub fn find(folder: &Path) -> Result<Found, Vec<Finding>> {
    let mut search = Search::default();
    if folder.is_dir() {
        search.folder(folder, "");
    } else {
        let name = folder.to_string_lossy().to_lowercase();
        let is_url = name.starts_with("http://") || name.starts_with("https://");
        let reason = match is_url {
            true => refusals::URL,
            false if folder.is_file() => refusals::NOT_A_FOLDER,
            false => refusals::NO_FOLDER,
        };
        search.findings.push(Finding::new(folder, "", reason));
    }
    let Search { mut sources, mut passed_over, mut findings } = search;
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    passed_over.sort();
    let (patches, mut sources): (Vec<Source>, Vec<Source>) =
        sources.into_iter().partition(|source| source.path.ends_with(PATCH));
    for patch in patches {
        let document = format!("{}.json", patch.path.trim_end_matches(PATCH));
        match sources.binary_search_by(|source| source.path.cmp(&document)) {
            Ok(index) => sources[index].patch = Some((patch.file, patch.text)),
            Err(_) => {
                let name = document.rsplit('/').next().unwrap_or_default();
                findings.push(Finding::new(patch.file, "", refusals::no_document(name)));
            }
        }
    }
    if findings.is_empty() { Ok(Found { sources, passed_over }) } else { Err(findings) }
}

const PATCH: &str = ".patch.json";

#[derive(Default)]
struct Search {
    sources: Vec<Source>,
    passed_over: Vec<Finding>,
    findings: Vec<Finding>,
}

impl Search {
    fn folder(&mut self, folder: &Path, prefix: &str) {
        let entries = match fs::read_dir(folder).and_then(|entries| entries.collect::<Result<Vec<_>, _>>()) {
            Ok(entries) => entries,
            Err(error) => return self.findings.push(Finding::io(folder, "read the folder", &error)),
        };
        for entry in entries {
            let file = entry.path();
            let name = entry.file_name();
            // Links to folders are not followed, because they could form a cycle.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if let Some(reason) = passed_over(&file, &name.to_string_lossy(), is_folder) {
                if let Some(reason) = reason {
                    self.passed_over.push(Finding::new(&file, "", reason));
                }
                continue;
            }
            let Some(name) = name.to_str().filter(|name| !name.chars().any(char::is_control)) else {
                self.findings.push(Finding::new(&file, "", refusals::NOT_UTF8));
                continue;
            };
            let path = format!("{prefix}{name}");
            if is_folder {
                let before = (self.sources.len(), self.findings.len());
                self.folder(&file, &format!("{path}/"));
                if is_named_like_a_document(name) && before == (self.sources.len(), self.findings.len()) {
                    self.passed_over.push(Finding::new(&file, "", refusals::EMPTY_FOLDER));
                }
                continue;
            }
            match file::read(&file) {
                Ok(text) => self.sources.push(Source { file, path, text, patch: None }),
                Err(error) => self.findings.push(Finding::io(&file, "read the file", &error)),
            }
        }
    }
}

/// Returns `None` for a document or a folder to search. Otherwise returns the reason why it is not read, if a user may expect
/// that it is.
fn passed_over(file: &Path, name: &str, is_folder: bool) -> Option<Option<&'static str>> {
    let lower = name.to_lowercase();
    let is_yaml = lower.ends_with(".yaml") || lower.ends_with(".yml");
    if name.starts_with('.') {
        let is_document = !is_folder && (lower.ends_with(".json") || is_yaml);
        return Some(is_document.then_some(refusals::HIDDEN));
    }
    if is_folder || name.ends_with(".json") {
        return None;
    }
    Some(if file.is_dir() {
        Some(refusals::LINKED_FOLDER)
    } else if lower.ends_with(".json") {
        Some(refusals::UPPER_CASE)
    } else if is_yaml {
        Some(refusals::YAML_NAME)
    } else if is_named_like_a_document(&lower) {
        Some(refusals::OTHER_NAME)
    } else {
        None
    })
}

fn is_named_like_a_document(name: &str) -> bool {
    let lower = name.to_lowercase();
    ["json", "yaml", "yml"].iter().any(|format| lower.contains(format))
}
