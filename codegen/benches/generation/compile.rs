//! The costs in a user's project: generating in a build script, then checking and building the generated code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::Work;
use crate::measure::Done;

pub(crate) const HEAD: &str = "in a build script, ms | `cargo check`, ms | peak, MiB | release build, ms | peak, MiB";
pub(crate) const RULE: &str = "---: | ---: | ---: | ---: | ---:";

/// The columns of a row that was not compiled.
pub(crate) fn none() -> String {
    "– | – | – | – | –".to_owned()
}

/// Seconds and MiB for all documents, for fal-codegen and typify.
pub(crate) struct Costs {
    build_script: (f64, f64),
    check: (Cost, Cost),
    release: (Cost, Cost),
}

#[derive(Clone, Copy)]
pub(crate) struct Cost {
    /// Processor time, summed over all processors.
    pub(crate) seconds: f64,
    /// The peak memory of a process, if the machine has a `time` that measures it.
    peak: Option<u64>,
}

impl Costs {
    pub(crate) fn columns(&self, documents: usize) -> String {
        let pair = |(ours, typifys): (f64, f64)| {
            let each = 1e3 / documents as f64;
            format!("{:.1} / {:.1}", ours * each, typifys * each)
        };
        let peak = |cost: Cost| cost.peak.map_or("–".to_owned(), |peak| peak.to_string());
        let compiled = |(ours, typifys): (Cost, Cost)| {
            format!("{} | {} / {}", pair((ours.seconds, typifys.seconds)), peak(ours), peak(typifys))
        };
        format!("{} | {} | {}", pair(self.build_script), compiled(self.check), compiled(self.release))
    }
}

/// Compiles all documents, after removing those for which typify's code does not compile.
pub(crate) fn costs(work: &Work<'_>) -> Done<Costs> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the workspace has no root")?;
    let cargo = Cargo { root: root.to_owned() };
    let build_script = loop {
        let times = in_build_script(&cargo, work)?;
        let broken = broken(&cargo, work)?;
        if broken.is_empty() {
            break times;
        }
        for name in broken {
            fs::remove_file(work.schemas().join(format!("{name}.json")))?;
        }
        work.clear()?;
    };
    let both = |command: &[&str]| -> Done<(Cost, Cost)> {
        let ours = compiled(&cargo, work, "ours", &format!("fal-client = {{ path = {root:?} }}"), command)?;
        Ok((ours, compiled(&cargo, work, "typifys", TYPIFYS, command)?))
    };
    Ok(Costs { build_script, check: both(&["check"])?, release: both(&["build", "--release"])? })
}

/// The dependencies of typify's code.
const TYPIFYS: &str = "serde = { version = \"1\", features = [\"derive\"] }\nserde_json = \"1\"\nregress = \"0.12\"";

/// Generates in a build script, like a user, and returns the seconds of both.
fn in_build_script(cargo: &Cargo, work: &Work<'_>) -> Done<(f64, f64)> {
    let measure = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/generation/measure.rs");
    let (root, folder) = (&cargo.root, work.folder.join("script"));
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("src/lib.rs"), "")?;
    let dependencies = format!(
        "[build-dependencies]\nfal-codegen = {{ path = {:?} }}\nprettyplease = \"0.3\"\nschemars = \"0.8\"\n\
         serde_json = \"1\"\nsyn = {{ version = \"3\", features = [\"full\"] }}\ntypify = {{ version = \"0.8\", \
         default-features = false }}",
        root.join("codegen")
    );
    cargo.package(&folder, &dependencies)?;
    let (schemas, ours, typifys) = (work.schemas(), work.ours(), work.typifys());
    let times = folder.join("times");
    fs::write(
        folder.join("build.rs"),
        format!(
            "#[path = {measure:?}]\nmod measure;\n\nfn main() -> measure::Done<()> {{\n    \
             let schemas = std::path::Path::new({schemas:?});\n    \
             let ours = measure::fal_codegen(schemas, {ours:?}.as_ref())?;\n    \
             let typifys = measure::typify(schemas, {typifys:?}.as_ref())?;\n    \
             std::fs::write({times:?}, format!(\"{{ours}} {{typifys}}\"))?;\n    Ok(())\n}}\n"
        ),
    )?;
    cargo.run(&folder, &["check"])?;
    let times = fs::read_to_string(times)?;
    let (ours, typifys) = times.split_once(' ').ok_or("the build script did not write its times")?;
    Ok((ours.parse()?, typifys.parse()?))
}

/// Returns the documents whose modules by typify do not compile.
fn broken(cargo: &Cargo, work: &Work<'_>) -> Done<BTreeSet<String>> {
    let folder = lay_out(cargo, work, "typifys", TYPIFYS)?;
    match cargo.run(&folder, &["check", "--message-format", "short"]) {
        Ok(_) => Ok(BTreeSet::new()),
        Err(said) => {
            let said = said.to_string();
            let names = said.lines().filter(|line| line.contains(" error")).filter_map(|line| line.split_once(".rs:"));
            let names = names.filter_map(|(file, _)| file.rsplit(['/', '\\']).next().map(str::to_owned));
            let names: BTreeSet<String> = names.filter(|name| name != "lib").collect();
            if names.is_empty() { Err(said.into()) } else { Ok(names) }
        }
    }
}

/// Measures the compilation of a crate, minus that of an empty crate with the same dependencies.
pub(crate) fn compiled(cargo: &Cargo, work: &Work<'_>, what: &str, dependencies: &str, command: &[&str]) -> Done<Cost> {
    let folder = lay_out(cargo, work, what, dependencies)?;
    let library = folder.join("src/lib.rs");
    let full = fs::read_to_string(&library)?;
    fs::write(&library, "")?;
    cargo.run(&folder, command)?;
    fs::write(&library, "// Compiled again, with compiled dependencies.\n")?;
    let empty = cargo.run(&folder, command)?;
    fs::write(&library, full)?;
    let full = cargo.run(&folder, command)?;
    Ok(Cost { seconds: full.seconds - empty.seconds, peak: full.peak })
}

/// Writes a crate of the generated code.
fn lay_out(cargo: &Cargo, work: &Work<'_>, what: &str, dependencies: &str) -> Done<PathBuf> {
    let folder = work.folder.join(format!("{what}-crate"));
    fs::create_dir_all(folder.join("src"))?;
    cargo.package(&folder, dependencies)?;
    let code = work.folder.join(what);
    let library = match what {
        "ours" => format!("#[path = {:?}]\npub mod endpoints;\n", code.join("mod.rs")),
        _ => crate::measure::files(&code)?
            .iter()
            .map(|file| {
                let name = file.file_stem().unwrap_or_default().to_string_lossy();
                format!("#[path = {file:?}]\npub mod {name};\n")
            })
            .collect(),
    };
    fs::write(folder.join("src/lib.rs"), library)?;
    Ok(folder)
}

/// Runs cargo on packages that are written for the bench.
pub(crate) struct Cargo {
    pub(crate) root: PathBuf,
}

impl Cargo {
    /// Writes a package outside of any workspace, with the dependency versions of this one. All packages have the same name,
    /// so that the next run reuses compiled dependencies, but not the packages.
    fn package(&self, folder: &Path, dependencies: &str) -> Done<()> {
        let dependencies = match dependencies.starts_with('[') {
            true => dependencies.to_owned(),
            false => format!("[dependencies]\n{dependencies}"),
        };
        fs::write(
            folder.join("Cargo.toml"),
            format!(
                "[package]\nname = \"generated\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n{dependencies}\n\n\
                 [profile.dev]\ndebug = false\nincremental = false\n\n[workspace]\n"
            ),
        )?;
        fs::copy(self.root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
        Ok(())
    }

    fn run(&self, folder: &Path, command: &[&str]) -> Done<Cost> {
        let has_time = Path::new("/usr/bin/time").is_file();
        let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let mut process = if has_time { Command::new("/usr/bin/time") } else { Command::new(&cargo) };
        if has_time {
            process.args(["-f", "%M", &cargo]);
        }
        process.args(command).args(["--quiet", "--manifest-path"]).arg(folder.join("Cargo.toml"));
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| self.root.join("target"), PathBuf::from);
        let process = process.env("CARGO_TARGET_DIR", target.join("bench")).stdin(Stdio::null());
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
