//! Runs judged instances against generated code.
//!
//! `cargo run --release -p conformance -- DOCUMENTS INSTANCES` generates the code of a folder of documents, compiles
//! it, and shows it every instance of a folder: an instance to accept must be read, pass validation and be written back
//! as the same JSON; one to reject must be refused; one to tolerate must be read without loss.

mod instance;
mod judge;
mod program;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use instance::{Expect, Instance};
use program::Program;

const USAGE: &str = "\
Runs judged instances against the code that is generated from documents.

Usage: conformance DOCUMENTS INSTANCES

  DOCUMENTS  a folder of OpenAPI documents, as fal serves them
  INSTANCES  a folder of .jsonl files, each named by an endpoint's id with `/` written as `__`; a line is
             {\"of\": \"input\"|\"output\", \"case\": \"...\", \"expect\": \"accept\"|\"reject\"|\"tolerate\", \"value\": {...}}

The last line counts what was accepted, refused and tolerated as it should be, and what was wrong; the exit code is 1 if
anything was.";

/// How many failures are shown.
const SHOWN: usize = 25;

type Error = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if arguments.iter().any(|argument| argument.as_os_str() == "--help" || argument.as_os_str() == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let [documents, instances] = &arguments[..] else {
        eprintln!("two folders are needed\n\n{USAGE}");
        return ExitCode::from(2);
    };
    match run(documents, instances) {
        Ok(counts) => {
            println!("{counts}");
            if counts.wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// What became of the instances.
#[derive(Debug, Default)]
struct Counts {
    accepted: usize,
    refused: usize,
    tolerated: usize,
    wrong: usize,
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Counts { accepted, refused, tolerated, wrong } = self;
        write!(f, "accepted {accepted}, refused {refused}, tolerated {tolerated}, wrong {wrong}")
    }
}

fn run(documents: &Path, instances: &Path) -> Result<Counts, Error> {
    let instances = instance::read(instances)?;
    let program = Program::build(documents)?;
    if let Some(stray) = instances.iter().find(|instance| !program.knows(&instance.id)) {
        return Err(format!("there are instances of {} and no document of it", stray.id).into());
    }
    let answers = program.answers(&instances)?;
    let mut counts = Counts::default();
    for (instance, answer) in instances.iter().zip(&answers) {
        match judge::judge(instance, answer, program.schemas(&instance.id)) {
            Ok(()) => match instance.expect {
                Expect::Accept => counts.accepted += 1,
                Expect::Reject => counts.refused += 1,
                Expect::Tolerate => counts.tolerated += 1,
            },
            Err(why) => {
                counts.wrong += 1;
                show(counts.wrong, instance, &why);
            }
        }
    }
    Ok(counts)
}

fn show(number: usize, instance: &Instance, why: &str) {
    let Instance { id, of, case, .. } = instance;
    if number <= SHOWN {
        println!("{id}, {of} {case:?}: {why}");
    } else if number == SHOWN + 1 {
        println!("and more");
    }
}
