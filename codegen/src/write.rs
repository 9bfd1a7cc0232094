//! The last stage: text becomes files. What has not changed is not touched, what is stale is removed, and a file that
//! this generator did not write is left alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io, process};

use crate::error::{Error, Finding};
use crate::manifest::MANIFEST;
use crate::mark;

/// The files to be, by their path below the folder; `None` stands for a file that is to stay as it is.
pub(crate) type Files = BTreeMap<PathBuf, Option<String>>;

/// What has to happen in a folder for it to hold exactly some files.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) write: BTreeMap<PathBuf, String>,
    pub(crate) remove: Vec<PathBuf>,
    pub(crate) unchanged: usize,
}

/// Compares a folder with what it should hold.
pub(crate) fn compare(folder: &Path, files: Files) -> Result<Changes, Error> {
    let mut findings = Vec::new();
    let mut changes = Changes::default();
    let mut present = Vec::new();
    if let Some(outer) = tree_around(folder) {
        let reason = format!("the folder is inside of {}, which holds generated code too; {BESIDE}", outer.display());
        findings.push(Finding::new(folder, "", reason));
    }
    if folder.exists() {
        collect(folder, Path::new(""), &mut present, &mut findings);
    }
    for path in present {
        // Each of two trees would take the other's files for stale ones of its own.
        if path.file_name() == Some(MANIFEST.as_ref())
            && path != Path::new(MANIFEST)
            && is_ours(&folder.join(&path)).unwrap_or(false)
        {
            let inner = folder.join(path);
            let reason = format!("there is generated code in a folder of {}; {BESIDE}", folder.display());
            findings.push(Finding::new(inner, "", reason));
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
            // An empty file holds nothing that could be lost.
            Ok(found) if found.is_empty() || mark::is_in(&found) => drop(changes.write.insert(path, text)),
            Ok(_) => findings.push(Finding::new(
                file,
                "",
                "this file is in the way and was not generated; move it, or generate into another folder",
            )),
            Err(error) if error.kind() == io::ErrorKind::NotFound => drop(changes.write.insert(path, text)),
            Err(error) => findings.push(Finding::new(file, "", format!("the file cannot be read: {error}"))),
        }
    }
    if findings.is_empty() { Ok(changes) } else { Err(Error::new(findings)) }
}

const BESIDE: &str = "generate into folders of which none is inside of another";

/// The folder of generated code that a folder is inside of.
fn tree_around(folder: &Path) -> Option<PathBuf> {
    let folder = std::path::absolute(folder).ok()?;
    let mut around = folder.ancestors().skip(1);
    around.find(|outer| is_ours(&outer.join(MANIFEST)).unwrap_or(false)).map(Path::to_owned)
}

/// Makes the changes. MANIFEST comes last among the files, so that after a failure the next run does the rest.
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

/// Writes beside the file and renames, so that another process sees the old text or the new one, never a part.
fn write(file: &Path, text: &str) -> Result<(), Error> {
    let failed = |error: io::Error| Finding::new(file, "", format!("the file cannot be written: {error}"));
    let folder = file.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder).map_err(failed)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{name}.{}", process::id()));
    let written = fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, file));
    if let Err(error) = written {
        // The error that counts is the first one.
        let _ = fs::remove_file(&temporary);
        return Err(failed(error).into());
    }
    Ok(())
}

/// Removes a file, and the folders that are empty without it.
fn remove(folder: &Path, path: &Path) -> Result<(), Error> {
    let file = folder.join(path);
    match fs::remove_file(&file) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Finding::new(file, "", format!("the file cannot be removed: {error}")).into()),
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
        Err(error) => return findings.push(Finding::new(here, "", format!("the folder cannot be read: {error}"))),
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
