//! The programs of the other clients.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

#[derive(Clone, Copy)]
pub(crate) enum Peer {
    JavaScript,
    Python,
}

impl Peer {
    /// Runs a script with URLs: that of an emulator, and that of a proxy if it needs one. Panics with its output if it fails.
    pub(crate) async fn run(self, script: &str, urls: &[&str]) {
        let (program, script) = match self {
            Peer::JavaScript => ("node".into(), self.path("", script, "mjs")),
            Peer::Python => (repository().join("target/interop/python/bin/python"), self.path("", script, "py")),
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let output = Command::new(&program)
            .arg(&script)
            .args(urls)
            // Without the keys, hosts and proxies of the environment.
            .env_clear()
            .env("PATH", path)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .unwrap_or_else(|error| panic!("cannot run {}: {error}; run `.ci/interop`", program.display()));
        assert!(
            output.status.success(),
            "{} failed with {}\n{}{}",
            script.display(),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Returns the path of a file of this peer.
    pub(crate) fn path(self, folder: &str, name: &str, extension: &str) -> PathBuf {
        let peer = match self {
            Peer::JavaScript => "javascript",
            Peer::Python => "python",
        };
        repository().join("interop").join(peer).join(folder).join(name).with_extension(extension)
    }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
