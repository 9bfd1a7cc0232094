//! Counts that must not grow. They do not depend on the load of a machine, so a check can judge them.
//!
//! Prints all counts and their bounds (`bounds.toml`), and fails if one is out of bounds. `.ci/costs` runs it.

mod bounds;
mod counts;

use std::env;
use std::process::ExitCode;

use bounds::Bounds;
use costs::Error;
use counts::Count;

fn main() -> ExitCode {
    let records = env::var_os("BLESS").is_some();
    let mut passed = true;
    for (kind, count) in counts::ALL {
        if let Err(error) = check(kind, count, records) {
            passed = false;
            eprintln!("\n{error}");
        }
    }
    if passed {
        return ExitCode::SUCCESS;
    }
    eprintln!("\nIf a change of a count is right, record it: BLESS=1 .ci/costs");
    ExitCode::FAILURE
}

/// Compares the counts of a kind with their bounds, or records them.
fn check(kind: &str, count: Count, records: bool) -> Result<(), Error> {
    let bounds = Bounds::of(kind)?;
    match count()? {
        Some(counts) if records => bounds.record(&counts),
        Some(counts) => bounds.check(&counts),
        None => {
            println!("\n{kind}: NOT counted, because valgrind is missing");
            Ok(())
        }
    }
}
