//! The programs of the other clients.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use fal_emulator::Emulator;
use tokio::process::Command;

#[derive(Clone, Copy)]
pub(crate) enum Peer {
    JavaScript,
    Python,
}

impl Peer {
    /// Runs a script, whose requests for fal go to an emulator. Panics with its output if it fails.
    pub(crate) async fn run(self, script: &str, arguments: &[&str], emulator: &Emulator) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let environment = emulator.proxy_environment(folder.path()).expect("an environment");
        let mut command = command(self.program());
        environment.apply(command.as_std_mut());
        command.arg(self.script(script)).args(arguments);
        finish(command).await;
    }

    pub(crate) fn program(self) -> PathBuf {
        match self {
            Peer::JavaScript => "node".into(),
            Peer::Python => repository().join("target/interop/python/bin/python"),
        }
    }

    pub(crate) fn script(self, name: &str) -> PathBuf {
        match self {
            Peer::JavaScript => self.path(name, "mjs"),
            Peer::Python => self.path(name, "py"),
        }
    }

    /// Returns the path of a file of this peer.
    pub(crate) fn path(self, name: &str, extension: &str) -> PathBuf {
        let peer = match self {
            Peer::JavaScript => "javascript",
            Peer::Python => "python",
        };
        repository().join("interop").join(peer).join(name).with_extension(extension)
    }
}

/// Returns a command without the keys, hosts and proxies of this process.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Runs a command, and returns what it prints. Panics with that if it fails.
pub(crate) async fn finish(mut command: Command) -> String {
    let program = command.as_std().get_program().to_owned();
    let output = command.output().await;
    let output = output.unwrap_or_else(|error| panic!("cannot run {}: {error}; run `.ci/interop`", program.display()));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?} failed with {}\n{stdout}{stderr}", output.status);
    stdout
}

pub(crate) fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
