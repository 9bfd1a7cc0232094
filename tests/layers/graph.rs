//! Which room of a crate uses which. A room is a folder or a file at the top of the source folder, with all below it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::paths::{self, Source, UsedPath};

/// Everything that contradicts `order`, which lists the rooms from the bottom up.
pub(crate) fn findings(source_folder: &Path, crate_name: &str, order: &[&str]) -> Vec<String> {
    let files: Vec<File> =
        rust_files(source_folder).into_iter().map(|path| File::read(source_folder, &path, crate_name)).collect();
    let rooms: BTreeSet<&str> = files.iter().map(File::room).collect();
    let names = Names::new(&files, &rooms, crate_name);

    let unordered = rooms.iter().filter(|room| !order.contains(room));
    let mut findings: Vec<String> = unordered.map(|room| format!("`{room}` is missing from the order")).collect();
    let absent = order.iter().filter(|room| !rooms.contains(*room));
    findings.extend(absent.map(|room| format!("`{room}` is in the order but does not exist")));

    let height = |room: &str| order.iter().position(|other| *other == room);
    let mut upward = BTreeSet::new();
    for file in &files {
        let from = file.room();
        for path in &file.source.paths {
            let Some(to) = names.room_of(file, path) else { continue };
            if height(from) < height(to) && height(from).is_some() {
                upward.insert((&file.path, path.line, from, to, path.segments.join("::")));
            }
        }
    }
    let describe =
        |(file, line, from, to, path)| format!("{file}:{line}: `{from}` uses `{path}` of `{to}`, which is above it");
    findings.extend(upward.into_iter().map(describe));
    findings
}

struct File {
    path: String,
    /// `["files", "download"]` for `files/download/mod.rs`, none for `lib.rs`.
    module: Vec<String>,
    source: Source,
}

impl File {
    fn read(source_folder: &Path, path: &Path, crate_name: &str) -> Self {
        let text = fs::read_to_string(path).expect("a source file is readable");
        let relative = path.strip_prefix(source_folder).expect("the file is in the folder").with_extension("");
        let mut module: Vec<String> = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        module.pop_if(|last| last == "mod");
        if module == ["lib"] {
            module.clear();
        }
        Self { path: path.display().to_string(), module, source: paths::read(&text, crate_name) }
    }

    fn room(&self) -> &str {
        self.module.first().map_or("lib", String::as_str)
    }
}

/// The meaning of `crate::name`.
struct Names<'a> {
    rooms: &'a BTreeSet<&'a str>,
    crate_name: &'a str,
    /// The imports of `lib.rs`: the path behind a name.
    root: BTreeMap<&'a str, &'a [String]>,
    /// Exported macros are at the root of the crate, wherever they are defined.
    macros: BTreeMap<&'a str, &'a str>,
}

impl<'a> Names<'a> {
    fn new(files: &'a [File], rooms: &'a BTreeSet<&'a str>, crate_name: &'a str) -> Self {
        let mut names = Self { rooms, crate_name, root: BTreeMap::new(), macros: BTreeMap::new() };
        for file in files {
            names.macros.extend(file.source.macros.iter().map(|name| (name.as_str(), file.room())));
            if file.module.is_empty() {
                let imports = file.source.paths.iter().filter(|path| path.inline_modules.is_empty());
                names.root.extend(imports.map(|path| (path.name.as_str(), path.segments.as_slice())));
            }
        }
        names
    }

    /// The room that a path of a file leads to; `None` when it leads to another crate or starts from a child module.
    fn room_of(&self, file: &File, path: &UsedPath) -> Option<&'a str> {
        let mut module: Vec<&str> = file.module.iter().chain(&path.inline_modules).map(String::as_str).collect();
        let mut rest = path.segments.as_slice();
        match rest.first()?.as_str() {
            "self" => rest = &rest[1..],
            "super" => {}
            first if first == "crate" || first == self.crate_name => {
                module.clear();
                rest = &rest[1..];
            }
            _ => return None,
        }
        while rest.first().is_some_and(|first| first == "super") {
            module.pop();
            rest = &rest[1..];
        }
        let first = module.first().copied().or(rest.first().map(String::as_str)).unwrap_or("*");
        if let Some(room) = self.rooms.get(first) {
            return Some(room);
        }
        match self.root.get(first) {
            Some(path) => {
                let behind = path.iter().find(|segment| !matches!(segment.as_str(), "crate" | "self"))?;
                self.rooms.get(behind.as_str()).copied()
            }
            None => Some(self.macros.get(first).copied().unwrap_or("lib")),
        }
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a source folder is readable") {
            let path = entry.expect("a source folder is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
