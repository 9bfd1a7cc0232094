//! The *write* stage: text becomes files. Unchanged files are not written, stale ones are removed, and files that were not
//! generated are left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, io, process};

use fal_documents::{Finding, file};

use crate::error::Error;
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

/// The longest path of a file, in bytes. Linux allows 4,096, and the name of a temporary file is longer.
const MAX_PATH: usize = 4_000;

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
    let links: BTreeSet<PathBuf> = files.keys().filter_map(|path| link_around(folder, path)).collect();
    findings.extend(links.into_iter().map(|link| Finding::new(link, "", refusals::LINK)));
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    for (path, text) in files {
        if absolute.join(&path).as_os_str().len() > MAX_PATH {
            findings.push(Finding::new(folder.join(&path), "", refusals::LONG_PATH));
            continue;
        }
        let Some(text) = text else {
            changes.unchanged += 1;
            continue;
        };
        let file = folder.join(&path);
        match file::read(&file) {
            Ok(found) if without_cr(&found) == text.as_bytes() => changes.unchanged += 1,
            // Overwriting an empty file loses nothing.
            Ok(found) if found.is_empty() || mark::is_in(&found) => drop(changes.write.insert(path, text)),
            Ok(_) => findings.push(Finding::new(file, "", refusals::NOT_GENERATED)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => drop(changes.write.insert(path, text)),
            Err(error) => findings.push(Finding::io(file, "read the file", &error)),
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

/// Returns the folder around a generated file that is a link, if there is one. Files are not written through it.
fn link_around(folder: &Path, path: &Path) -> Option<PathBuf> {
    let folders = path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty());
    let mut folders = folders.map(|parent| folder.join(parent));
    folders.find(|parent| fs::symlink_metadata(parent).is_ok_and(|metadata| metadata.is_symlink()))
}

/// Makes the changes. MANIFEST is written last, so that the next run completes a failed one. The files get the modification
/// time, if there is one.
pub(crate) fn apply(folder: &Path, changes: &Changes, modified: Option<SystemTime>) -> Result<(), Error> {
    let manifest = Path::new(MANIFEST);
    let (last, first): (Vec<_>, Vec<_>) = changes.write.iter().partition(|(path, _)| *path == manifest);
    for (path, text) in first {
        write(&folder.join(path), text, modified)?;
    }
    for path in &changes.remove {
        remove(folder, path)?;
    }
    for (path, text) in last {
        write(&folder.join(path), text, modified)?;
    }
    Ok(())
}

/// Removes the temporary files of generators that were killed. No other generator may be running.
pub(crate) fn remove_temporary(folder: &Path) {
    let mut present = Vec::new();
    // The comparison reports what cannot be read.
    collect(folder, Path::new(""), &mut present, &mut Vec::new());
    for file in present.into_iter().filter(|path| is_temporary(path)).map(|path| folder.join(path)) {
        // One that was cut before its first line was written may be empty.
        if file::read_head(&file).is_ok_and(|head| head.is_empty() || mark::is_in(&head)) {
            let _ = fs::remove_file(file);
        }
    }
}

/// The name of the temporary file of a generated one, which begins with a dot and ends in a number.
fn temporary(name: &str) -> String {
    format!(".{name}.{}", process::id())
}

fn is_temporary(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let number = name.strip_prefix('.').and_then(|name| name.rsplit_once('.'));
    number.is_some_and(|(_, number)| number.parse::<u32>().is_ok())
}

/// Writes a temporary file and renames it, so that other processes see the old text or the new one, never a part. A link is
/// replaced, and its target stays as it is.
fn write(file: &Path, text: &str, modified: Option<SystemTime>) -> Result<(), Error> {
    let failed = |error: io::Error| Finding::io(file, "write the file", &error);
    let folder = file.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder).map_err(failed)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(temporary(&name));
    // Left behind by a process that was killed.
    let _ = fs::remove_file(&temporary);
    let written = create(&temporary, text, modified).and_then(|()| fs::rename(&temporary, file));
    if let Err(error) = written {
        // The first error is reported.
        let _ = fs::remove_file(&temporary);
        return Err(failed(error).into());
    }
    Ok(())
}

fn create(file: &Path, text: &str, modified: Option<SystemTime>) -> io::Result<()> {
    // Unlike `File::create`, this does not write through a link.
    let mut created = File::create_new(file)?;
    created.write_all(text.as_bytes())?;
    modified.map_or(Ok(()), |modified| created.set_modified(modified))
}

/// Removes a file, and its folders if they are empty then.
fn remove(folder: &Path, path: &Path) -> Result<(), Error> {
    let file = folder.join(path);
    match fs::remove_file(&file) {
        // Another process has removed it already.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Finding::io(file, "remove the file", &error).into()),
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
        Err(error) => return findings.push(Finding::io(here, "read the folder", &error)),
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
    file::read_head(file).map(|text| mark::is_in(&text))
}

fn without_cr(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|byte| *byte != b'\r').collect()
}
