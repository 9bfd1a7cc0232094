//! Measures the time of generation, the size of the code and the time to compile it, next to typify and openapi-to-rust.
//!
//! `cargo bench -p fal-codegen -- [DOCUMENTS] [COUNT…] [PART…]` uses the documents of a folder, and synthetic ones where the
//! folder has too few. The parts are `times`, `compile`, `touch`, `by-hand` and `fields`. Default: all. Documents that a
//! generator rejects, or for which its code does not compile, are counted and then left out for all generators. `compile` takes the
//! first count, because rustc keeps a whole crate in memory. Default: 50. `touch` takes all documents.

mod by_hand;
mod cargo;
mod compile;
mod documents;
mod generator;
mod measure;
mod touch;
mod work;

use std::path::{Path, PathBuf};
use std::{env, fs};

use cargo::Cargo;
use generator::{Generator, OpenapiToRust};
use measure::Done;
use work::Work;

const COUNTS: [usize; 2] = [100, 630];
const COMPILED: usize = 50;
const PARTS: [&str; 5] = ["times", "compile", "touch", "by-hand", "fields"];
const ROUNDS: usize = 2;
/// Number of synthetic documents of which one changes, if no folder is given.
const TOUCHED: usize = 630;

fn main() -> Done<()> {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    // Cargo runs a bench in the folder of its package, but paths are relative to the user's folder.
    let here = env::var_os("PWD").map(PathBuf::from).unwrap_or_default();
    let (mut found, mut counts, mut parts) = (Vec::new(), Vec::new(), Vec::new());
    for argument in &arguments {
        match (argument.parse(), PARTS.contains(&argument.as_str())) {
            (Ok(count), _) => counts.push(count),
            (_, true) => parts.push(argument.as_str()),
            _ => found = documents::read(&here.join(argument))?,
        }
    }
    let compiled = counts.first().copied().unwrap_or(COMPILED);
    if counts.is_empty() {
        counts.extend(COUNTS);
    }
    if parts.is_empty() {
        parts.extend(PARTS);
    }
    let cargo = Cargo::new()?;
    let mut generators = vec![Generator::FalCodegen, Generator::Typify];
    let mut peer = OpenapiToRust::default();
    if parts.iter().any(|part| matches!(*part, "times" | "compile")) {
        peer = OpenapiToRust::build(&cargo, true).unwrap_or_else(|error| {
            eprintln!("openapi-to-rust is left out, because it cannot be installed: {error}");
            OpenapiToRust::default()
        });
    }
    if peer.is_installed() {
        generators.extend([Generator::Types, Generator::Client]);
    }
    for part in parts {
        eprintln!("generation: {part}");
        match part {
            "times" => times(&generators, &peer, &found, &counts)?,
            "compile" => {
                let chosen = documents::choose(&found, compiled);
                compile::print(&cargo, &generators, &chosen)?;
            }
            "touch" => {
                let count = if found.is_empty() { TOUCHED } else { found.len() };
                touch::print(&cargo, &documents::choose(&found, count))?;
            }
            "by-hand" => by_hand::endpoints(&cargo)?,
            _ => by_hand::fields(&cargo)?,
        }
    }
    Ok(())
}

/// Prints the time of generation and the lines of the code.
fn times(generators: &[Generator], peer: &OpenapiToRust, found: &[String], counts: &[usize]) -> Done<()> {
    println!("<!-- generation-times -->");
    println!("| documents | generator | rejected | ms a document | ratio | lines a document |");
    println!("| --- | --- | ---: | ---: | ---: | ---: |");
    for count in counts {
        let work = Work::new(&documents::choose(found, *count))?;
        let mut rejected = Vec::new();
        for generator in generators {
            rejected.push(generator.rejected(peer, &work)?);
        }
        work.remove(&rejected.iter().flatten().cloned().collect())?;
        let mut seconds = vec![f64::MAX; generators.len()];
        for _ in 0..ROUNDS {
            for (generator, seconds) in generators.iter().zip(&mut seconds) {
                let code = generator.code(&work);
                if code.exists() {
                    fs::remove_dir_all(code)?;
                }
                *seconds = seconds.min(generator.generate(peer, &work)?);
            }
        }
        let number = work.documents()?;
        for ((generator, rejected), own) in generators.iter().zip(rejected).zip(&seconds) {
            println!(
                "| {count}{} | {} | {} | {:.2} | {:.1} | {} |",
                if found.len() < *count { " synthetic" } else { "" },
                generator.name(),
                rejected.len(),
                own * 1e3 / number as f64,
                own / seconds[0],
                lines_below(&generator.code(&work))? / number,
            );
        }
    }
    println!("<!-- /generation-times -->");
    Ok(())
}

fn lines_below(folder: &Path) -> std::io::Result<usize> {
    let mut lines = 0;
    for path in measure::files(folder)? {
        lines += match path.is_dir() {
            true => lines_below(&path)?,
            false if path.extension().is_some_and(|extension| extension == "rs") => {
                fs::read_to_string(path)?.lines().count()
            }
            false => 0,
        };
    }
    Ok(lines)
}
