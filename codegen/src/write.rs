//! The *write* stage: text becomes files. Unchanged files are not written, stale ones are removed, and files that were not
//! generated are left alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io, process};

use crate::error::{Error, Finding};
use crate::manifest::MANIFEST;
use crate::{mark, refusals};

/// The text of every file by its path in the folder. `None` stands for a file that stays as it is.
pub(crate) type Files = BTreeMap<PathBuf, Option<String>>;

/// The changes that bring a folder up to date.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) write: BTreeMap<PathBuf, String>,
    pub(crate) remove: Vec<PathBuf>,
    pub(crate) unchanged: usize,
}

/// Compares a folder with the files that it should have.
pub(crate) fn compare(folder: &Path, files: Files) -> Result<Changes, Error> {
    let mut findings = Vec::new();
    let mut changes = Changes::default();
    let mut present = Vec::new();
    if let Some(outer) = tree_around(folder) {
        findings.push(Finding::new(folder, "", refusals::inside_generated(&outer)));
    }
    if folder.exists() {
        collect(folder, Path::new(""), &mut present, &mut findings);
    }
    for path in present {
        // Nested trees would remove each other's files as stale.
        if path.file_name() == Some(MANIFEST.as_ref())
            && path != Path::new(MANIFEST)
            && is_ours(&folder.join(&path)).unwrap_or(false)
        {
            findings.push(Finding::new(folder.join(path), "", refusals::around_generated(folder)));
            continue;
        }
        let may_be_ours = path.extension().is_some_and(|extension| extension == "rs" || extension == "toml");
        if may_be_ours && !files.contains_key(&path) && is_ours(&folder.join(&path)).unwrap_or(false) {
            changes.remove.push(path);
        }
    }
    for (path, text) in files {
        let Some(text) = text else {
            changes.unchanged += 1;
            continue;
        };
        let file = folder.join(&path);
        match fs::read(&file) {
            Ok(found) if without_cr(&found) == text.as_bytes() => changes.unchanged += 1,
            // Overwriting an empty file loses nothing.
            Ok(found) if found.is_empty() || mark::is_in(&found) => drop(changes.write.insert(path, text)),
            Ok(_) => findings.push(Finding::new(file, "", refusals::NOT_GENERATED)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => drop(changes.write.insert(path, text)),
            Err(error) => findings.push(Finding::new(file, "", refusals::cannot("read the file", &error))),
        }
    }
    if findings.is_empty() { Ok(changes) } else { Err(Error::new(findings)) }
}

/// Returns the folder of generated code around a folder.
fn tree_around(folder: &Path) -> Option<PathBuf> {
    let folder = std::path::absolute(folder).ok()?;
    let mut around = folder.ancestors().skip(1);
    around.find(|outer| is_ours(&outer.join(MANIFEST)).unwrap_or(false)).map(Path::to_owned)
}

/// Makes the changes. MANIFEST is written last, so that the next run completes a failed one.
pub(crate) fn apply(folder: &Path, changes: &Changes) -> Result<(), Error> {
    let manifest = Path::new(MANIFEST);
    let (last, first): (Vec<_>, Vec<_>) = changes.write.iter().partition(|(path, _)| *path == manifest);
    for (path, text) in first {
        write(&folder.join(path), text)?;
    }
    for path in &changes.remove {
        remove(folder, path)?;
    }
    for (path, text) in last {
        write(&folder.join(path), text)?;
    }
    Ok(())
}

/// Writes a temporary file and renames it, so that other processes see the old text or the new one, never a part.
fn write(file: &Path, text: &str) -> Result<(), Error> {
    let failed = |error: io::Error| Finding::new(file, "", refusals::cannot("write the file", &error));
    let folder = file.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder).map_err(failed)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{name}.{}", process::id()));
    let written = fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, file));
    if let Err(error) = written {
        // The first error is reported.
        let _ = fs::remove_file(&temporary);
        return Err(failed(error).into());
    }
    Ok(())
}

/// Removes a file, and its folders if they are empty then.
fn remove(folder: &Path, path: &Path) -> Result<(), Error> {
    let file = folder.join(path);
    match fs::remove_file(&file) {
        // Another process has removed it already.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Finding::new(file, "", refusals::cannot("remove the file", &error)).into()),
        Ok(()) => {}
    }
    for parent in path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()) {
        if fs::remove_dir(folder.join(parent)).is_err() {
            break;
        }
    }
    Ok(())
}

fn collect(folder: &Path, below: &Path, found: &mut Vec<PathBuf>, findings: &mut Vec<Finding>) {
    let here = folder.join(below);
    let entries = match fs::read_dir(&here).and_then(|entries| entries.collect::<Result<Vec<_>, _>>()) {
        Ok(entries) => entries,
        Err(error) => return findings.push(Finding::new(here, "", refusals::cannot("read the folder", &error))),
    };
    for entry in entries {
        let path = below.join(entry.file_name());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(folder, &path, found, findings),
            Ok(kind) if kind.is_file() => found.push(path),
            _ => {}
        }
    }
    found.sort();
}

fn is_ours(file: &Path) -> io::Result<bool> {
    fs::read(file).map(|text| mark::is_in(&text))
}

fn without_cr(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|byte| *byte != b'\r').collect()
}
