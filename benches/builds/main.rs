//! The time that a program with fal-client takes to build, next to the same program with bare reqwest and with other clients.
//!
//! `cargo bench --bench builds -- [ROUNDS] [PROGRAM…]` builds everything from nothing in each round, offline, and prints medians.
//! Default: one round of all programs. The programs are written to a temporary folder; their sources are fetched before.

mod cargo;
mod program;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use cargo::{Built, Package, Profile};
use program::{BARE, PROGRAMS, Program};

type Done<T> = Result<T, Box<dyn Error>>;

/// Number of times that a program is compiled again with compiled dependencies, in each round.
const REBUILDS: usize = 3;

fn main() -> Done<()> {
    if let Some(log) = env::var_os(cargo::LOG) {
        return cargo::wrap(Path::new(&log));
    }
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let rounds = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(1);
    let is_chosen = |program: &&Program| {
        let mut names = arguments.iter().filter(|argument| argument.parse::<usize>().is_err()).peekable();
        names.peek().is_none() || names.any(|name| name == program.name)
    };
    let folder = tempfile::tempdir()?;
    let mut packages = Vec::new();
    for program in PROGRAMS.iter().filter(is_chosen) {
        let package = Package { program, folder: folder.path().join(program.name) };
        match package.write() {
            Ok(()) => packages.push((package, Results::default())),
            Err(error) => eprintln!("builds: {} is left out, because it cannot be fetched: {error}", program.name),
        }
    }
    for round in 1..=rounds {
        for profile in [Profile::Dev, Profile::Release] {
            for (package, results) in &mut packages {
                eprintln!("builds: {} in {profile:?}, round {round} of {rounds}", package.program.name);
                results.measure(package, profile)?;
            }
        }
    }
    cold(&packages);
    own(&packages);
    dependencies(&packages);
    Ok(())
}

/// The measurements of a program.
#[derive(Default)]
struct Results {
    cold: BTreeMap<Profile, Vec<Built>>,
    /// The seconds of each binary.
    own: BTreeMap<(Profile, &'static str), Vec<f64>>,
    /// The size of the first binary.
    bytes: u64,
}

impl Results {
    /// Builds the first binary and everything below it, and then each binary alone.
    fn measure(&mut self, package: &Package<'_>, profile: Profile) -> Done<()> {
        let first = package.program.binaries[0].name;
        self.cold.entry(profile).or_default().push(package.cold(profile, first)?);
        if profile == Profile::Release {
            self.bytes = fs::metadata(package.binary(profile, first))?.len();
        }
        for binary in package.program.binaries {
            package.build(profile, binary.name)?;
            let seconds = self.own.entry((profile, binary.name)).or_default();
            for _ in 0..REBUILDS {
                package.touch(binary.name)?;
                seconds.push(package.build(profile, binary.name)?.seconds);
            }
        }
        fs::remove_dir_all(package.target())?;
        Ok(())
    }

    fn seconds(&self, profile: Profile) -> Vec<f64> {
        self.cold.get(&profile).into_iter().flatten().map(|built| built.seconds).collect()
    }
}

type Measured<'a> = [(Package<'a>, Results)];

/// Prints the cost of everything that a program needs.
fn cold(packages: &Measured<'_>) {
    let bare =
        |profile| packages.iter().find(|(package, _)| package.program.name == BARE).map(|(_, of)| of.seconds(profile));
    println!("<!-- builds-cold -->");
    println!("| program | crates | dev, CPU s | of bare | wall s | release, CPU s | of bare | wall s | binary, MB |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (package, results) in packages {
        let crates = results.cold[&Profile::Dev][0].crates.len();
        print!("| {} | {crates} |", package.program.title);
        for profile in [Profile::Dev, Profile::Release] {
            let seconds = results.seconds(profile);
            let wall = results.cold[&profile].iter().map(|built| built.wall).collect();
            let ratio = bare(profile).map_or("–".to_owned(), |bare| ratio(&seconds, &bare));
            print!(" {:.1} | {ratio} | {:.1} |", median(seconds), median(wall));
        }
        println!(" {:.1} |", results.bytes as f64 / 1e6);
    }
    println!("<!-- /builds-cold -->\n");
}

/// Prints the cost of the program itself, which each of its builds has.
fn own(packages: &Measured<'_>) {
    println!("<!-- builds-own -->");
    println!("| program | dev, CPU s | release, CPU s |");
    println!("| --- | ---: | ---: |");
    for (package, results) in packages {
        for binary in package.program.binaries {
            let [dev, release] =
                [Profile::Dev, Profile::Release].map(|of| median(results.own[&(of, binary.name)].clone()));
            println!("| {} | {dev:.2} | {release:.2} |", binary.title);
        }
    }
    println!("<!-- /builds-own -->\n");
}

/// Prints the cost of each package that fal-client needs and the bare program does not.
fn dependencies(packages: &Measured<'_>) {
    let results = |name: &str| packages.iter().find(|(package, _)| package.program.name == name).map(|(_, of)| of);
    let (Some(ours), Some(bare)) = (results("fal-client"), results(BARE)) else { return };
    println!("<!-- builds-dependencies -->");
    println!("| package | dev, CPU s | release, CPU s |");
    println!("| --- | ---: | ---: |");
    let in_bare = &bare.cold[&Profile::Dev][0].crates;
    let mut rows: Vec<_> = ours.cold[&Profile::Dev][0]
        .crates
        .keys()
        .filter(|name| !in_bare.contains_key(*name))
        .map(|name| {
            let of = |profile| {
                median(ours.cold[&profile].iter().filter_map(|built| built.crates.get(name).copied()).collect())
            };
            (name, of(Profile::Dev), of(Profile::Release))
        })
        .collect();
    rows.sort_by(|a, b| b.2.total_cmp(&a.2));
    for (name, dev, release) in rows {
        println!("| {name} | {dev:.2} | {release:.2} |");
    }
    println!("<!-- /builds-dependencies -->");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Returns the median of the ratios of the rounds.
fn ratio(seconds: &[f64], bare: &[f64]) -> String {
    format!("{:.2}", median(seconds.iter().zip(bare).map(|(seconds, bare)| seconds / bare).collect()))
}

/// The folder of this package.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
