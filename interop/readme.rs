//! The walkthroughs of the emulator's README, for Python and Node.js. Their files are run as a reader does.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::peer::{Peer, command, finish, repository};

/// Writes a file of the README, which follows its name in a block of code, to a folder.
fn write(name: &str, folder: &Path) {
    let readme = fs::read_to_string(repository().join("emulator/README.md")).unwrap();
    let (_, rest) = readme.split_once(&format!("`{name}`:\n\n```")).expect("the name of the file");
    let (_, rest) = rest.split_once('\n').unwrap();
    let (contents, _) = rest.split_once("```").unwrap();
    fs::write(folder.join(name), contents).unwrap();
}

/// Runs a command below `cargo fal emulate`, and returns its stdout.
async fn emulate(words: &[&str], folder: &Path) -> String {
    let mut command = command(env!("CARGO_BIN_EXE_cargo-fal"));
    command.args(["emulate", "--running", "0s", "--"]).args(words).current_dir(folder);
    finish(command).await
}

#[tokio::test]
async fn readers_in_python_get_a_passing_test() {
    let folder = tempfile::tempdir().unwrap();
    write("test_fox.py", folder.path());
    write("test_control.py", folder.path());
    let python = Peer::Python.program();
    let words = [python.to_str().unwrap(), "-m", "pytest", "-q", "-p", "no:cacheprovider"];
    assert!(emulate(&words, folder.path()).await.contains("5 passed"));
}

#[tokio::test]
async fn readers_in_javascript_get_a_passing_test() {
    let folder = tempfile::tempdir().unwrap();
    write("fox.test.mjs", folder.path());
    symlink(repository().join("interop/javascript/node_modules"), folder.path().join("node_modules")).unwrap();
    let stdout = emulate(&["node", "--test", "--test-reporter=tap"], folder.path()).await;
    assert!(stdout.contains("\n# pass 2\n"), "{stdout}");
}
