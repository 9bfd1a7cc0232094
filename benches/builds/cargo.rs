//! Writes packages, and measures cargo on them.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use std::{env, fs, process};

use crate::program::Program;
use crate::{Done, root};

/// The variable with the file to which this program, as a wrapper of rustc, adds the time of each package.
pub(crate) const LOG: &str = "FAL_CLIENT_BUILDS_LOG";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Profile {
    Dev,
    Release,
}

/// The cost of a build.
pub(crate) struct Built {
    /// Processor time of cargo and all its processes.
    pub(crate) seconds: f64,
    pub(crate) wall: f64,
    /// Processor time of rustc for each package, if they were compiled from nothing.
    pub(crate) crates: BTreeMap<String, f64>,
}

pub(crate) struct Package<'a> {
    pub(crate) program: &'a Program,
    pub(crate) folder: PathBuf,
}

impl Package<'_> {
    /// Writes the package and fetches its sources, with the versions of this workspace where it has them.
    pub(crate) fn write(&self) -> Done<()> {
        fs::create_dir_all(self.folder.join("src/bin"))?;
        let dependencies = self.program.dependencies.replace("ROOT", &root().display().to_string());
        // What comes from a registry has no incremental cache, so fal-client must not have one either.
        let manifest = format!(
            "[package]\nname = \"program\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
             [profile.dev]\nincremental = false\n\n[profile.release]\nstrip = true\n\n[dependencies]{dependencies}\
             tokio = {{ version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }}\n"
        );
        fs::write(self.folder.join("Cargo.toml"), manifest)?;
        fs::copy(root().join("Cargo.lock"), self.folder.join("Cargo.lock"))?;
        for binary in self.program.binaries {
            let main = format!(
                "{}\n#[tokio::main]\nasync fn main() -> Result<(), Box<dyn std::error::Error>> {{{}    Ok(())\n}}\n",
                binary.items, binary.body
            );
            fs::write(self.source(binary.name), main)?;
        }
        let fetched = self.cargo(&["fetch"]).output()?;
        if fetched.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&fetched.stderr).into()) }
    }

    pub(crate) fn target(&self) -> PathBuf {
        self.folder.join("target")
    }

    pub(crate) fn binary(&self, profile: Profile, name: &str) -> PathBuf {
        let folder = if profile == Profile::Dev { "debug" } else { "release" };
        self.target().join(folder).join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    fn source(&self, binary: &str) -> PathBuf {
        self.folder.join(format!("src/bin/{binary}.rs"))
    }

    /// Makes cargo compile a binary again.
    pub(crate) fn touch(&self, binary: &str) -> Done<()> {
        let source = fs::OpenOptions::new().append(true).open(self.source(binary));
        source?.write_all(b"// touched\n").map_err(Into::into)
    }

    /// Builds everything from nothing.
    pub(crate) fn cold(&self, profile: Profile, binary: &str) -> Done<Built> {
        if self.target().exists() {
            fs::remove_dir_all(self.target())?;
        }
        let log = self.folder.join("log");
        fs::write(&log, "")?;
        let mut command = self.building(profile, binary);
        let built = run(command.env("RUSTC_WRAPPER", env::current_exe()?).env(LOG, &log))?;
        let mut crates = BTreeMap::new();
        for line in fs::read_to_string(&log)?.lines() {
            if let Some((name, seconds)) = line.rsplit_once(' ') {
                *crates.entry(name.to_owned()).or_default() += seconds.parse::<f64>()?;
            }
        }
        Ok(Built { crates, ..built })
    }

    /// Builds what has changed.
    pub(crate) fn build(&self, profile: Profile, binary: &str) -> Done<Built> {
        run(&mut self.building(profile, binary))
    }

    fn building(&self, profile: Profile, binary: &str) -> Command {
        let release: &[&str] = if profile == Profile::Release { &["--release"] } else { &[] };
        self.cargo(&[&["build", "--offline", "--bin", binary], release].concat())
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // The settings of the bench's own build and of the user are not those of the program.
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            let is_setting = text.starts_with("CARGO_PROFILE") || text.starts_with("CARGO_BUILD");
            if is_setting
                || matches!(&*text, "CARGO_INCREMENTAL" | "RUSTFLAGS" | "CARGO_ENCODED_RUSTFLAGS" | "RUSTC_WRAPPER")
            {
                command.env_remove(name);
            }
        }
        command.args(arguments).current_dir(&self.folder).env("CARGO_TARGET_DIR", self.target()).stdin(Stdio::null());
        command
    }
}

fn run(command: &mut Command) -> Done<Built> {
    let (before, start) = (children_seconds()?, Instant::now());
    let output = command.output()?;
    let wall = start.elapsed().as_secs_f64();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(Built { seconds: children_seconds()? - before, wall, crates: BTreeMap::new() })
}

/// Runs rustc for cargo, and notes the time for the package.
pub(crate) fn wrap(log: &Path) -> Done<()> {
    let mut arguments = env::args_os().skip(1);
    let rustc = arguments.next().ok_or("no program")?;
    let status = Command::new(rustc).args(arguments).env_remove(LOG).status()?;
    if let Some(package) = env::var_os("CARGO_PKG_NAME") {
        let line = format!("{} {}\n", package.to_string_lossy(), children_seconds()?);
        fs::OpenOptions::new().append(true).open(log)?.write_all(line.as_bytes())?;
    }
    process::exit(status.code().unwrap_or(1));
}

/// Returns the processor time of all processes that this one has started and that have ended. Linux counts in hundredths of a
/// second.
fn children_seconds() -> Done<f64> {
    let statistics = fs::read_to_string("/proc/self/stat")?;
    // The name before the parenthesis may have spaces; the two times are the 14th and 15th fields after it.
    let after = statistics.rsplit_once(')').ok_or("unreadable /proc/self/stat")?.1;
    let mut times = after.split_whitespace().skip(13).map(str::parse::<f64>);
    let (user, system) = times.next().zip(times.next()).ok_or("unreadable /proc/self/stat")?;
    Ok((user? + system?) / 100.0)
}
