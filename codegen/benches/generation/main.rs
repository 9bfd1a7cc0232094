//! Measures the time of generation, the size of the code and the time to compile it, compared with typify alone.
//!
//! `cargo bench -p fal-codegen -- DOCUMENTS [COUNT…]` uses the documents of a folder, and synthetic ones where the folder
//! has too few. `--compile` also generates in a build script, and checks and builds the code, up to 1,000 documents.
//! Documents that typify rejects, or for which its code does not compile, are skipped on both sides. `--yardstick` compares
//! with handwritten code instead.

mod compile;
mod documents;
mod measure;
mod yardstick;

use std::path::{Path, PathBuf};
use std::{env, fs, panic};

use measure::Done;

/// More documents are not compiled, because rustc keeps a whole crate in memory.
const MAX_COMPILED: usize = 1_000;

fn main() -> Done<()> {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if arguments.iter().any(|argument| argument == "--yardstick") {
        return yardstick::run();
    }
    let compiled = arguments.iter().any(|argument| argument == "--compile");
    // Cargo runs a bench in the folder of its package, but paths are relative to the user's folder.
    let here = env::var_os("PWD").map(PathBuf::from).unwrap_or_default();
    let folders = arguments.iter().flat_map(|argument| [PathBuf::from(argument), here.join(argument)]);
    let folder = folders.filter(|folder| folder.is_dir()).find(|folder| !folder.as_os_str().is_empty());
    let mut counts: Vec<usize> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    if counts.is_empty() {
        counts = vec![10, 100, 630, 5_000];
    }
    let found = folder.map_or_else(|| Ok(Vec::new()), |folder| documents::read(&folder))?;

    println!("Each pair is fal-codegen / typify, per document, in processor time.\n");
    println!("| documents | rejected by typify | generation, ms | lines | {} |", compile::HEAD);
    println!("| ---: | ---: | ---: | ---: | {} |", compile::RULE);
    for count in counts {
        let synthetic = found.len() < count;
        let chosen: Vec<String> = match synthetic {
            true => (0..count).map(|number| documents::synthetic(number).to_string()).collect(),
            false => found.iter().step_by(found.len() / count).take(count).cloned().collect(),
        };
        let accepted: Vec<&String> = quietly(|| chosen.iter().filter(|text| is_accepted(text)).collect());
        let work = tempfile::tempdir()?;
        let work = Work { folder: work.path() };
        fs::create_dir(work.schemas())?;
        for (number, text) in accepted.iter().enumerate() {
            fs::write(work.schemas().join(format!("d{number}.json")), text)?;
        }
        let costs = match compiled && count <= MAX_COMPILED {
            true => Some(compile::costs(&work)?),
            false => None,
        };
        let number = fs::read_dir(work.schemas())?.count();
        let (ours, typifys) = generation(&work)?;
        let lines = |folder: PathBuf| Ok::<_, std::io::Error>(lines_below(&folder)? / number);
        println!(
            "| {count}{} | {} | {:.2} / {:.2} | {} / {} | {} |",
            if synthetic { " synthetic" } else { "" },
            count - number,
            ours * 1e3 / number as f64,
            typifys * 1e3 / number as f64,
            lines(work.ours())?,
            lines(work.typifys())?,
            costs.map_or_else(compile::none, |costs| costs.columns(number)),
        );
    }
    Ok(())
}

/// The folders of documents and code.
struct Work<'a> {
    folder: &'a Path,
}

impl Work<'_> {
    fn schemas(&self) -> PathBuf {
        self.folder.join("schemas")
    }

    fn ours(&self) -> PathBuf {
        self.folder.join("ours")
    }

    fn typifys(&self) -> PathBuf {
        self.folder.join("typifys")
    }

    /// Removes the generated code.
    fn clear(&self) -> std::io::Result<()> {
        [self.ours(), self.typifys()].iter().filter(|folder| folder.exists()).try_for_each(fs::remove_dir_all)
    }
}

/// Returns the seconds of generation, the better of two rounds.
fn generation(work: &Work<'_>) -> Done<(f64, f64)> {
    let (mut ours, mut typifys) = (f64::MAX, f64::MAX);
    for _ in 0..2 {
        work.clear()?;
        ours = ours.min(measure::fal_codegen(&work.schemas(), &work.ours())?);
        typifys = typifys.min(measure::typify(&work.schemas(), &work.typifys())?);
    }
    Ok((ours, typifys))
}

/// Returns true if typify accepts a document. It panics on some.
fn is_accepted(text: &str) -> bool {
    panic::catch_unwind(|| measure::typify_one(text).is_ok()).unwrap_or(false)
}

fn quietly<T>(work: impl FnOnce() -> T) -> T {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let done = work();
    panic::set_hook(hook);
    done
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
