//! Runs cargo on packages that are written for the bench.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::measure::Done;

pub(crate) struct Cargo {
    /// The folder of the workspace.
    pub(crate) root: PathBuf,
}

#[derive(Clone, Copy)]
pub(crate) struct Cost {
    /// Processor time, summed over all processors.
    pub(crate) seconds: f64,
    /// The peak memory of a process in MiB, if the machine has a `time` that measures it.
    pub(crate) peak: Option<u64>,
}

impl Cargo {
    pub(crate) fn new() -> Done<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the workspace has no root")?;
        Ok(Cargo { root: root.to_owned() })
    }

    /// Returns the folder of what cargo compiles for the bench.
    pub(crate) fn target(&self) -> PathBuf {
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| self.root.join("target"), PathBuf::from).join("bench")
    }

    /// Writes a package outside of any workspace, with the dependency versions of this one. All packages have the same name,
    /// so that the next run reuses compiled dependencies, but not the packages.
    pub(crate) fn package(&self, folder: &Path, kind: &str, dependencies: &BTreeSet<String>) -> Done<()> {
        fs::create_dir_all(folder.join("src"))?;
        let dependencies: String = dependencies.iter().map(|line| format!("{line}\n")).collect();
        fs::write(
            folder.join("Cargo.toml"),
            format!(
                "[package]\nname = \"generated\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[{kind}]\n{dependencies}\n\
                 [profile.dev]\ndebug = false\nincremental = false\n\n[workspace]\n"
            ),
        )?;
        fs::copy(self.root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
        Ok(())
    }

    /// Measures the compilation of a library, minus that of an empty one with the same dependencies.
    pub(crate) fn compiled(&self, folder: &Path, library: &str, command: &[&str]) -> Done<Cost> {
        let file = folder.join("src/lib.rs");
        fs::write(&file, "")?;
        self.run(folder, command)?;
        fs::write(&file, "// Compiled again, with compiled dependencies.\n")?;
        let empty = self.run(folder, command)?;
        fs::write(&file, library)?;
        let full = self.run(folder, command)?;
        Ok(Cost { seconds: full.seconds - empty.seconds, peak: full.peak })
    }

    pub(crate) fn run(&self, folder: &Path, command: &[&str]) -> Done<Cost> {
        let has_time = Path::new("/usr/bin/time").is_file();
        let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let mut process = if has_time { Command::new("/usr/bin/time") } else { Command::new(&cargo) };
        if has_time {
            process.args(["-f", "%M", &cargo]);
        }
        process.args(command).args(["--quiet", "--manifest-path"]).arg(folder.join("Cargo.toml"));
        let process = process.env("CARGO_TARGET_DIR", self.target()).stdin(Stdio::null());
        let before = children_seconds();
        let start = std::time::Instant::now();
        let output = process.output()?;
        let passed = start.elapsed().as_secs_f64();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return Err(said.into());
        }
        let seconds = before.zip(children_seconds()).map_or(passed, |(before, after)| after - before);
        let peak = said.lines().next_back().and_then(|line| line.trim().parse::<u64>().ok()).filter(|_| has_time);
        Ok(Cost { seconds, peak: peak.map(|kib| kib / 1024) })
    }
}

/// Returns the processor time of all child processes that have ended, if the system measures it. Linux counts in hundredths
/// of a second.
fn children_seconds() -> Option<f64> {
    let statistics = fs::read_to_string("/proc/self/stat").ok()?;
    // The name before the parenthesis may have spaces; the two times are the 14th and 15th fields after it.
    let mut fields = statistics.rsplit_once(')')?.1.split_whitespace().skip(13);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) / 100.0)
}
