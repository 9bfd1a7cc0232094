//! Instructions and allocations, which valgrind counts. They do not depend on the load of the machine.
//!
//! A long and a short measurement have the same start, so that their difference is that of the calls alone.

use std::process::Command;

use costs::Error;

use super::measure::Load;
use super::way::Way;

const SHORT: usize = 128;
const LONG: usize = 640;

/// The costs of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) instructions: f64,
    pub(crate) allocations: f64,
    /// Bytes of all allocations.
    pub(crate) bytes: f64,
}

/// Returns true if valgrind is installed.
pub(crate) fn is_installed() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Measures the cost of a call, with 64 in flight in one thread.
pub(crate) fn cost(way: Way, base: &str) -> Result<Cost, Error> {
    let of = |tool: &str, words: [&str; 2]| -> Result<[f64; 2], Error> {
        let (short, long) = (counts(tool, way, SHORT, base, words)?, counts(tool, way, LONG, base, words)?);
        Ok([0, 1].map(|index| (long[index] - short[index]) / (LONG - SHORT) as f64))
    };
    let [instructions, _] = of("callgrind", ["Collected : ", "Collected : "])?;
    let [bytes, allocations] = of("dhat", ["Total: ", "bytes in "])?;
    Ok(Cost { instructions, allocations, bytes })
}

/// Runs a measurement, and returns the numbers after two words of valgrind's report.
fn counts(tool: &str, way: Way, calls: usize, base: &str, words: [&str; 2]) -> Result<[f64; 2], Error> {
    let load = Load { calls, in_flight: 64, threads: 1 };
    let mut command = Command::new("valgrind");
    command.args([&format!("--tool={tool}"), &format!("--{tool}-out-file=/dev/null")]);
    command.arg(std::env::current_exe()?).args(super::arguments(way, load, base));
    let output = command.output()?;
    let report = String::from_utf8(output.stderr)?;
    let number = |word: &str| -> Option<f64> {
        let (_, rest) = report.split_once(word)?;
        rest.split_whitespace().next()?.replace(',', "").parse().ok()
    };
    match (output.status.success(), words.map(number)) {
        (true, [Some(one), Some(other)]) => Ok([one, other]),
        _ => Err(format!("valgrind has failed:\n{report}").into()),
    }
}
