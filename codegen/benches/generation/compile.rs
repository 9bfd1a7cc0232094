//! The costs in a user's project: generating in a build script, then checking and building the generated code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::cargo::Cargo;
use crate::generator::{Generator, OpenapiToRust};
use crate::measure::Done;
use crate::work::Work;

/// Compiles all documents, after removing those that a generator rejects, or for which its code does not compile.
pub(crate) fn print(cargo: &Cargo, generators: &[Generator], documents: &[String]) -> Done<()> {
    let work = Work::new(documents)?;
    let peer = peer(cargo, generators)?;
    let mut broken = vec![0; generators.len()];
    for (generator, broken) in generators.iter().zip(&mut broken) {
        let rejected = generator.rejected(&peer, &work)?;
        work.remove(&rejected)?;
        loop {
            clear(&work, generators)?;
            generator.generate(&peer, &work)?;
            let names = does_not_compile(cargo, *generator, &work)?;
            if names.is_empty() {
                break;
            }
            *broken += names.len();
            work.remove(&names)?;
        }
    }
    clear(&work, generators)?;
    let each = 1e3 / work.documents()? as f64;
    println!("<!-- generation-compile -->");
    println!(
        "| generator | code that does not compile | in a build script, ms | `cargo check`, ms | ratio | peak, MiB \
         | release build, ms | ratio | peak, MiB |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut first = None;
    for (generator, broken) in generators.iter().zip(broken) {
        let in_build_script = match generator {
            Generator::FalCodegen | Generator::Typify => in_build_script(cargo, *generator, &work)?,
            Generator::Types | Generator::Client => generator.generate(&peer, &work)?,
        };
        let folder = work.path("crate");
        let (library, dependencies) = generator.library(cargo, &work)?;
        cargo.package(&folder, "dependencies", &dependencies)?;
        let check = cargo.compiled(&folder, &library, &["check"])?;
        let release = cargo.compiled(&folder, &library, &["build", "--release"])?;
        let (first_check, first_release) = *first.get_or_insert((check.seconds, release.seconds));
        let peak = |peak: Option<u64>| peak.map_or("–".to_owned(), |peak| peak.to_string());
        println!(
            "| {} | {broken} | {:.1} | {:.1} | {:.1} | {} | {:.1} | {:.1} | {} |",
            generator.name(),
            in_build_script * each,
            check.seconds * each,
            check.seconds / first_check,
            peak(check.peak),
            release.seconds * each,
            release.seconds / first_release,
            peak(release.peak),
        );
    }
    println!("<!-- /generation-compile -->");
    Ok(())
}

/// Compiles openapi-to-rust like a build script, if it takes part.
fn peer(cargo: &Cargo, generators: &[Generator]) -> Done<OpenapiToRust> {
    match generators.contains(&Generator::Client) {
        true => OpenapiToRust::build(cargo, false),
        false => Ok(OpenapiToRust::default()),
    }
}

/// Removes the generated code.
fn clear(work: &Work, generators: &[Generator]) -> std::io::Result<()> {
    let folders = generators.iter().map(|generator| generator.code(work));
    folders.filter(|folder| folder.exists()).try_for_each(fs::remove_dir_all)
}

/// Generates in a build script, like a user, and returns the seconds.
fn in_build_script(cargo: &Cargo, generator: Generator, work: &Work) -> Done<f64> {
    let measure = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/generation/measure.rs");
    let folder = work.path("script");
    let dependencies = [
        format!("fal-codegen = {{ path = {:?} }}", cargo.root.join("codegen")),
        "prettyplease = \"0.3\"".to_owned(),
        "schemars = \"0.8\"".to_owned(),
        "serde_json = \"1\"".to_owned(),
        "syn = { version = \"3\", features = [\"full\"] }".to_owned(),
        "typify = { version = \"0.8\", default-features = false }".to_owned(),
    ];
    cargo.package(&folder, "build-dependencies", &dependencies.into())?;
    fs::write(folder.join("src/lib.rs"), "")?;
    let (schemas, code, seconds) = (work.schemas(), generator.code(work), folder.join("seconds"));
    let function = if generator == Generator::Typify { "typify" } else { "fal_codegen" };
    fs::write(
        folder.join("build.rs"),
        format!(
            "#[path = {measure:?}]\n#[allow(dead_code)]\nmod measure;\n\nfn main() -> measure::Done<()> {{\n    \
             let seconds = measure::{function}({schemas:?}.as_ref(), {code:?}.as_ref())?;\n    \
             std::fs::write({seconds:?}, seconds.to_string())?;\n    Ok(())\n}}\n"
        ),
    )?;
    cargo.run(&folder, &["check"])?;
    Ok(fs::read_to_string(seconds)?.parse()?)
}

/// Returns the documents whose modules do not compile.
fn does_not_compile(cargo: &Cargo, generator: Generator, work: &Work) -> Done<BTreeSet<String>> {
    if generator == Generator::FalCodegen {
        return Ok(BTreeSet::new());
    }
    let folder = work.path("crate");
    let (library, dependencies) = generator.library(cargo, work)?;
    cargo.package(&folder, "dependencies", &dependencies)?;
    fs::write(folder.join("src/lib.rs"), library)?;
    let Err(said) = cargo.run(&folder, &["check", "--message-format", "short"]) else { return Ok(BTreeSet::new()) };
    let (said, code) = (said.to_string(), format!("{}/", generator.code(work).display()));
    let errors = said.lines().filter(|line| line.contains(" error"));
    let files =
        errors.filter_map(|line| Some(line.split_once(&code)?.1.split([':', '/']).next()?.trim_end_matches(".rs")));
    let names: BTreeSet<String> = files.map(str::to_owned).collect();
    if names.is_empty() { Err(said.into()) } else { Ok(names) }
}
