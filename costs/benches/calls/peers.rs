//! fal's own clients. `interop/install` installs them.

use std::path::PathBuf;
use std::process::Command;

use costs::Error;

use super::measure::Load;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Peer {
    JavaScript,
    Python,
}

impl Peer {
    /// Returns the peers that are installed, and says which ones are not.
    pub(crate) fn installed() -> Vec<Peer> {
        let is_installed = |peer: &Peer| {
            let path = match peer {
                Peer::JavaScript => repository().join("interop/javascript/node_modules/@fal-ai/client"),
                Peer::Python => peer.program(),
            };
            if !path.exists() {
                eprintln!("{} is left out: {} does not exist", peer.title(), path.display());
            }
            path.exists()
        };
        [Peer::JavaScript, Peer::Python].into_iter().filter(is_installed).collect()
    }

    /// The title of a row.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Peer::JavaScript => "`@fal-ai/client`",
            Peer::Python => "`fal_client`, async",
        }
    }

    fn program(self) -> PathBuf {
        match self {
            Peer::JavaScript => "node".into(),
            Peer::Python => repository().join("target/interop/python/bin/python"),
        }
    }

    /// Returns the seconds of direct runs.
    pub(crate) fn measure(self, load: Load, base: &str) -> Result<f64, Error> {
        let script = match self {
            Peer::JavaScript => "run.mjs",
            Peer::Python => "run.py",
        };
        let mut command = Command::new(self.program());
        command.arg(repository().join("costs/benches/calls").join(script)).arg(base);
        command.args([load.calls.to_string(), load.in_flight.to_string()]).env("PYTHONDONTWRITEBYTECODE", "1");
        super::seconds(command)
    }
}

fn repository() -> PathBuf {
    concat!(env!("CARGO_MANIFEST_DIR"), "/..").into()
}
