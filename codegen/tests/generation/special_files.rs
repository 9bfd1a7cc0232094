//! Files that are not regular, that are too large or that cannot be read lead to an error, and are not opened.

#![cfg(unix)]

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use crate::project::{Project, document};

const SPECIAL: &str = "cannot read the file: it is not a regular file; remove or replace it";
const LARGE: &str = "cannot read the file: it has more than 64 MiB; split it, or remove what is not needed";

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("the command mkfifo").success());
}

/// Puts something at a path.
type Put = fn(&Path);

const SPECIAL_FILES: &[(&str, Put)] = &[
    ("a FIFO", |path| fifo(path)),
    ("a link to a FIFO", |path| {
        let target = path.with_extension("pipe");
        fifo(&target);
        symlink(target, path).expect("a link");
    }),
    ("an endless device", |path| symlink("/dev/zero", path).expect("a link")),
    ("a terminal", |path| symlink("/dev/tty", path).expect("a link")),
    ("a link to a folder", |path| symlink(path.parent().expect("a parent"), path).expect("a link")),
    ("a socket", |path| drop(UnixListener::bind(path).expect("a socket"))),
];

#[test]
fn special_files_among_the_documents_are_rejected() {
    for name in ["x.json", "a.patch.json", "deep/folder/x.json"] {
        for (what, put) in SPECIAL_FILES {
            let project = Project::new(&[("a.json", document("acme/one"))]);
            let path = project.schemas().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            put(&path);
            assert_eq!(project.findings(), [format!("schemas/{name}: {SPECIAL}")], "{what}");
            assert!(project.builder().check().is_err(), "{what}");
            assert!(!project.out().exists());
        }
    }
}

#[test]
fn special_files_in_place_of_generated_ones_are_rejected() {
    for name in ["acme/one.rs", "acme.rs", "mod.rs", "MANIFEST", "REPORT.md"] {
        for (what, put) in SPECIAL_FILES {
            let project = Project::new(&[("a.json", document("acme/one"))]);
            project.generate();
            let path = project.out().join(name);
            fs::remove_file(&path).unwrap();
            put(&path);
            assert_eq!(project.findings(), [format!("out/{name}: {SPECIAL}")], "{what}");
            assert!(project.builder().check().is_err(), "{what}");
        }
    }
}

#[test]
fn special_files_around_the_generated_ones_do_not_matter() {
    for (what, put) in SPECIAL_FILES {
        let project = Project::new(&[("a.json", document("acme/one"))]);
        project.generate();
        for name in ["other.rs", "acme/features.toml", "acme/MANIFEST"] {
            put(&project.out().join(name));
        }
        assert!(project.generate().is_current(), "{what}");
        // A folder around the output folder may have one as well.
        put(&project.out().parent().unwrap().join("MANIFEST"));
        assert!(project.generate().is_current(), "{what}");
    }
}

#[test]
fn sparse_files_are_not_read() {
    let project = Project::new(&[("a.json", document("acme/one"))]);
    project.generate();
    let sparse = |path: &Path| File::create(path).unwrap().set_len(10 << 30).unwrap();
    sparse(&project.out().join("MANIFEST"));
    assert_eq!(project.findings(), [format!("out/MANIFEST: {LARGE}")]);
    fs::remove_file(project.out().join("MANIFEST")).unwrap();
    sparse(&project.out().join("acme/foreign.rs"));
    project.generate();
    for name in ["x.json", "a.patch.json"] {
        sparse(&project.schemas().join(name));
        assert_eq!(project.findings(), [format!("schemas/{name}: {LARGE}")]);
        project.remove(name);
    }
}

#[test]
fn links_to_nothing_and_to_each_other_are_rejected() {
    let project = Project::new(&[("a.json", document("acme/one"))]);
    symlink("nowhere", project.schemas().join("broken.json")).unwrap();
    symlink("two.json", project.schemas().join("one.json")).unwrap();
    symlink("one.json", project.schemas().join("two.json")).unwrap();
    let found = project.findings();
    assert_eq!(found.len(), 3, "{found:?}");
    for (finding, name) in found.iter().zip(["broken", "one", "two"]) {
        assert!(finding.starts_with(&format!("schemas/{name}.json: cannot read the file: ")), "{finding}");
    }
}

#[test]
fn links_to_documents_and_folders_named_like_documents_are_read() {
    let project = Project::new(&[("folder.json/a.json", document("acme/one"))]);
    let elsewhere = project.schemas().parent().unwrap().join("elsewhere.txt");
    fs::write(&elsewhere, document("acme/two").to_string()).unwrap();
    symlink(&elsewhere, project.schemas().join("link.json")).unwrap();
    assert_eq!(project.generate().documents, 2);
}

#[test]
fn files_that_state_no_length_are_empty() {
    // Files of /proc have the length 0. Reading some of them waits, or never ends.
    for file in ["/proc/self/status", "/proc/self/pagemap", "/proc/kmsg"].map(Path::new) {
        if !file.exists() {
            continue;
        }
        for name in ["x.json", "a.patch.json"] {
            let project = Project::new(&[("a.json", document("acme/one"))]);
            symlink(file, project.schemas().join(name)).unwrap();
            let found = project.findings();
            assert!(found[0].starts_with(&format!("schemas/{name}: ")), "{found:?}");
        }
        let project = Project::new(&[("a.json", document("acme/one"))]);
        project.generate();
        fs::remove_file(project.out().join("mod.rs")).unwrap();
        symlink(file, project.out().join("mod.rs")).unwrap();
        project.generate();
        assert!(fs::symlink_metadata(project.out().join("mod.rs")).unwrap().is_file());
    }
}
