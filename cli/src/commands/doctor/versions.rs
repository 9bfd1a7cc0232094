use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::report::Report;
use crate::error::Exit;
use crate::settings::Settings;

/// The version of this tool, which is that of the fal-client that it generates for.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The oldest version of Rust that compiles fal-client.
const OLDEST_RUST: &str = env!("CARGO_PKG_RUST_VERSION");

/// A lock file of cargo.
#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
}

/// Checks that the versions of the tool, of fal-client and of Rust fit.
pub(super) fn check(settings: &Settings, report: &mut Report) {
    report.pass("cargo-fal", VERSION);
    if let Some(lock) = lock_file(settings) {
        check_client(&lock, report);
    }
    check_rust(settings, report);
}

/// Returns the lock file of the project: in its folder, or above in that of its workspace.
fn lock_file(settings: &Settings) -> Option<PathBuf> {
    let project = settings.project.as_deref()?;
    let project = if project.as_os_str().is_empty() { Path::new(".") } else { project };
    let project = project.canonicalize().ok()?;
    project.ancestors().map(|folder| folder.join("Cargo.lock")).find(|file| file.is_file())
}

fn check_client(lock: &Path, report: &mut Report) {
    let text = fal_documents::file::read_text(lock).unwrap_or_default();
    let Ok(lock) = toml::from_str::<Lock>(&text) else {
        return report.warn("fal-client", "Cargo.lock is not readable", "run `cargo update --workspace`");
    };
    let versions: Vec<&str> =
        lock.package.iter().filter(|package| package.name == "fal-client").map(|package| &*package.version).collect();
    match versions.as_slice() {
        [] => report.pass("fal-client", "not a dependency of this project"),
        [version] if series(version) == series(VERSION) => report.pass("fal-client", *version),
        [version] => {
            let message = format!("{version} in Cargo.lock, but this tool generates code for {VERSION}");
            let help = format!("run `cargo install cargo-fal --version '~{version}'`, or update fal-client");
            report.warn("fal-client", message, help);
        }
        several => {
            let help = "bring the dependencies to one version: `cargo tree --invert fal-client`";
            report.warn("fal-client", format!("several versions in Cargo.lock: {}", several.join(", ")), help);
        }
    }
}

fn check_rust(settings: &Settings, report: &mut Report) {
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    // A toolchain file of the project may name a version that rustup would download.
    rustc.arg("--version").env("RUSTUP_AUTO_INSTALL", "0");
    if let Some(project) = settings.project.as_deref().filter(|project| project.is_dir()) {
        rustc.current_dir(project);
    }
    let output = rustc.output().ok().filter(|output| output.status.success());
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let version = text.split_whitespace().nth(1).map(str::to_owned);
    match version {
        None => report.warn("rustc", "not found", "install Rust from https://rustup.rs"),
        Some(version) if minor(&version) < minor(OLDEST_RUST) => {
            let message = format!("{version}, but fal-client needs {OLDEST_RUST}");
            report.fail("rustc", Exit::Failed, message, "run `rustup update stable`");
        }
        Some(version) => report.pass("rustc", format!("{version}; fal-client needs {OLDEST_RUST} or newer")),
    }
}

/// Returns the part of a version that changes with incompatible releases.
fn series(version: &str) -> (&str, &str) {
    let mut parts = version.split('.');
    let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    (major, if major == "0" { minor } else { "" })
}

/// Returns the first two numbers of a version.
fn minor(version: &str) -> (u32, u32) {
    let mut numbers = version.split(['.', '-']).map(|number| number.parse().unwrap_or_default());
    (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_series() {
        assert_eq!(series("0.1.7"), series("0.1.0"));
        assert_ne!(series("0.2.0"), series("0.1.0"));
        assert_eq!(series("1.2.0"), series("1.9.0"));
        assert!(minor("1.87.0") < minor("1.88") && minor("1.95.0-nightly") > minor("1.88"));
        assert!(minor("2.0") > minor("1.99"));
    }
}
