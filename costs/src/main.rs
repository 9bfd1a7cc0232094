//! Counts that must not grow. They do not depend on the load of a machine, so a check can judge them.
//!
//! Prints all counts and their bounds (`bounds.toml`), and fails if one is out of bounds. `.ci/costs` runs it.

mod bounds;
mod counts;

use std::process::ExitCode;

use bounds::Bounds;

fn main() -> ExitCode {
    let mut passed = true;
    for (kind, count) in counts::ALL {
        let checked = count().and_then(|counts| match counts {
            Some(counts) => Bounds::of(kind)?.check(&counts),
            None => Ok(()),
        });
        if let Err(error) = checked {
            passed = false;
            eprintln!("\n{error}");
        }
    }
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
