//! Checks generated code against instances with known verdicts.
//!
//! `cargo run --release -p conformance -- DOCUMENTS INSTANCES` generates and compiles the code of a folder of
//! documents, and runs every instance of a folder through it:
//!
//! - An instance to accept must be deserialized, pass validation and be serialized as the same JSON.
//! - An instance to reject must be rejected.
//! - An instance to tolerate must be deserialized without loss, although it breaks the schema.
//!
//! An empty folder of instances checks that the code compiles.
//!
//! Documents also bound numbers by `min`, `max`, `ge`, `le`, `gt` and `lt`, which JSON Schema does not have. An instance to
//! accept that breaks such a bound was labelled without it: it must be rejected, and is counted apart.
//!
//! Each default and each example of a field is an instance to accept. A contradiction that no type resolves is printed instead:
//! an array, an object or a fraction where the field has another type.

mod bounds;
mod instance;
mod program;
mod stated;
mod verdict;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::instance::{Expect, Instance, Side};
use crate::program::Program;
use crate::stated::Stated;

const USAGE: &str = "\
Checks generated code against instances with known verdicts.

Usage: conformance DOCUMENTS INSTANCES

  DOCUMENTS  a folder of documents, in any form that the generator reads
  INSTANCES  a folder of .jsonl files, each named after an endpoint id with `/` written as `__`; a line is
             {\"of\": \"input\"|\"output\", \"case\": \"...\", \"expect\": \"accept\"|\"reject\"|\"tolerate\", \"value\": {...}}

An input to accept must be rejected if it breaks a bound of the document that JSON Schema does not have, such as `min`.
Such inputs are counted apart.

Each default and example of a field in the documents is checked too. An array, an object or a fraction that is not of its
field's type is printed as a contradiction of the document.

An empty folder of instances checks that the code compiles.

The last line counts the instances that were accepted, refused and tolerated as expected, and the wrong ones.
The exit code is 1 if an instance is wrong, and 2 if the check cannot run.";

/// The most failures that are printed.
const MAX_FAILURES: usize = 25;

type Error = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if arguments.iter().any(|argument| argument.as_os_str() == "--help" || argument.as_os_str() == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let [documents, instances] = &arguments[..] else {
        eprintln!("error: expected two folders\n\n{USAGE}");
        return ExitCode::from(2);
    };
    match run(documents, instances) {
        Ok(counts) => {
            println!("{counts}");
            if counts.wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// The numbers of instances by outcome.
#[derive(Debug, Default)]
struct Counts {
    accepted: usize,
    refused: usize,
    tolerated: usize,
    wrong: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { accepted, refused, tolerated, wrong } = self;
        write!(f, "accepted {accepted}, refused {refused}, tolerated {tolerated}, wrong {wrong}")
    }
}

fn run(documents: &Path, instances: &Path) -> Result<Counts, Error> {
    let mut instances = instance::load(instances)?;
    let program = Program::build(documents)?;
    if let Some(stray) = instances.iter().find(|instance| !program.has_endpoint(&instance.id)) {
        return Err(format!("missing document of `{}`, which has instances", stray.id).into());
    }
    for instance in &mut instances {
        if bounds::are_unknown_to_label(instance, program.schemas(&instance.id)) {
            instance.expect = Expect::RejectByOtherBounds;
        }
    }
    let outcomes = program.run(&instances)?;
    let mut counts = Counts::default();
    let mut refused_by_other_bounds = 0;
    for (instance, outcome) in instances.iter().zip(&outcomes) {
        match verdict::check(instance, outcome, program.schemas(&instance.id)) {
            Ok(()) => match instance.expect {
                Expect::Accept => counts.accepted += 1,
                Expect::Reject => counts.refused += 1,
                Expect::RejectByOtherBounds => refused_by_other_bounds += 1,
                Expect::Tolerate => counts.tolerated += 1,
            },
            Err(reason) => {
                counts.wrong += 1;
                print_failure(counts.wrong, instance, &reason);
            }
        }
    }
    if refused_by_other_bounds > 0 {
        println!("{refused_by_other_bounds} refused by bounds that the labels do not know");
    }
    check_stated(&program, &instances, &mut counts)?;
    Ok(counts)
}

/// Checks that the defaults and examples of the documents are accepted by their own fields.
fn check_stated(program: &Program, instances: &[Instance], counts: &mut Counts) -> Result<(), Error> {
    let base = |id: &str| {
        let is_base = |it: &&Instance| {
            it.id == id && it.side == Side::Input && it.expect == Expect::Accept && it.value.is_object()
        };
        instances.iter().find(is_base).map(|instance| &instance.value)
    };
    let all = program.endpoints().flat_map(|(id, schemas)| stated::of(id, schemas, base(id)));
    let (contradictions, stated): (Vec<Stated>, Vec<Stated>) = all.partition(|it| it.contradiction.is_some());
    let stated: Vec<Instance> = stated.into_iter().map(|stated| stated.instance).collect();
    let outcomes = program.run(&stated)?;
    let before = counts.wrong;
    for (instance, outcome) in stated.iter().zip(&outcomes) {
        if let Err(reason) = verdict::check(instance, outcome, program.schemas(&instance.id)) {
            counts.wrong += 1;
            print_failure(counts.wrong, instance, &reason);
        }
    }
    for Stated { instance, contradiction } in &contradictions {
        println!("{}: the {} is {}", instance.id, instance.case, contradiction.as_deref().unwrap_or_default());
    }
    let accepted = stated.len() - (counts.wrong - before);
    println!("defaults and examples: accepted {accepted}, contradictions {}", contradictions.len());
    Ok(())
}

fn print_failure(number: usize, instance: &Instance, reason: &str) {
    let Instance { id, side, case, .. } = instance;
    if number <= MAX_FAILURES {
        println!("{id}, {side} {case:?}: {reason}");
    } else if number == MAX_FAILURES + 1 {
        println!("further failures are not shown");
    }
}
