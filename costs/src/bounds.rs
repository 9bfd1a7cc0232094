use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use costs::Error;
use serde::Deserialize;

use crate::counts::Counts;

const FILE: &str = "costs/bounds.toml";

/// The bounds of one kind of count: a table of `bounds.toml`.
#[derive(Deserialize)]
pub(crate) struct Bounds {
    #[serde(skip)]
    kind: String,
    /// Description of what is counted.
    counted: String,
    /// Percent that a count may exceed the recorded one.
    above: u64,
    /// Percent that a count may fall below the recorded one. A larger gain must be recorded, or it could be lost again.
    below: u64,
    /// Reason for both.
    why: String,
    /// Typical cause of a count that grows.
    cause: String,
    /// Command that shows where the cost is. `NAME` is the place of a count's name.
    look: String,
    recorded: BTreeMap<String, u64>,
}

impl Bounds {
    /// Reads the bounds of a kind of count.
    ///
    /// # Errors
    ///
    /// Fails if `bounds.toml` does not have them.
    pub(crate) fn of(kind: &str) -> Result<Self, Error> {
        let mut bounds: BTreeMap<String, Bounds> = toml::from_str(&fs::read_to_string(FILE)?)?;
        let mut bounds = bounds.remove(kind).ok_or_else(|| format!("bounds.toml has no table `{kind}`"))?;
        kind.clone_into(&mut bounds.kind);
        Ok(bounds)
    }

    /// Prints a table of the counts and their bounds.
    ///
    /// # Errors
    ///
    /// Fails if a count is out of bounds, or without a bound, and if a bound is not used.
    pub(crate) fn check(&self, counts: &Counts) -> Result<(), Error> {
        let Bounds { kind, counted, above, below, why, cause, look, recorded } = self;
        println!("\n{counted}. At most {above} % above and {below} % below the recorded count: {why}.");
        println!("\n| {kind} | count | lowest | highest |\n| --- | ---: | ---: | ---: |");
        let (mut problems, mut has_grown) = (String::new(), false);
        for (name, count) in counts {
            let Some(recorded) = recorded.get(*name) else {
                let _ = writeln!(problems, "{kind} of {name}: {count}, but bounds.toml has no bound");
                continue;
            };
            let (lowest, highest) = (recorded - recorded * below / 100, recorded + recorded * above / 100);
            println!("| {name} | {count} | {lowest} | {highest} |");
            if *count > highest {
                let _ = writeln!(problems, "{kind} of {name}: {count}, at most {highest}");
                has_grown = true;
            } else if *count < lowest {
                let _ = writeln!(
                    problems,
                    "{kind} of {name}: {count}, at least {lowest}: record the gain, so that it is kept"
                );
            }
        }
        for name in recorded.keys().filter(|name| counts.iter().all(|(counted, _)| counted != name)) {
            let _ = writeln!(problems, "{kind} of {name}: bounds.toml has a bound, but nothing counts it");
        }
        if has_grown {
            let _ = writeln!(problems, "  typical cause: {cause}\n  look closer, with a name instead of NAME: {look}");
        }
        if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
    }

    /// Replaces the recorded counts in the file.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be written.
    pub(crate) fn record(&self, counts: &Counts) -> Result<(), Error> {
        let text = fs::read_to_string(FILE)?;
        let heading = format!("[{}.recorded]\n", self.kind);
        let (before, rest) = text.split_once(&heading).ok_or("bounds.toml lacks the table of the recorded counts")?;
        let after = rest.find("\n[").map_or("", |end| &rest[end..]);
        let recorded: String = counts.iter().map(|(name, count)| format!("{name} = {count}\n")).collect();
        fs::write(FILE, format!("{before}{heading}{recorded}{after}"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Bounds;

    fn problems(counts: &[(&'static str, u64)]) -> String {
        let bounds = Bounds {
            kind: "allocations".to_owned(),
            counted: "Allocations of a call".to_owned(),
            above: 5,
            below: 10,
            why: "they are exact".to_owned(),
            cause: "a clone".to_owned(),
            look: "valgrind NAME".to_owned(),
            recorded: BTreeMap::from([("run".to_owned(), 100), ("status".to_owned(), 0)]),
        };
        bounds.check(&counts.to_vec()).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn counts_within_their_bounds_pass() {
        for run in [90, 100, 105] {
            assert_eq!(problems(&[("run", run), ("status", 0)]), "");
        }
    }

    #[test]
    fn a_count_above_its_bound_fails_with_its_typical_cause() {
        assert_eq!(
            problems(&[("run", 106), ("status", 0)]),
            "allocations of run: 106, at most 105\n  typical cause: a clone\n  \
             look closer, with a name instead of NAME: valgrind NAME\n"
        );
        assert!(problems(&[("run", 100), ("status", 1)]).starts_with("allocations of status: 1, at most 0\n"));
    }

    #[test]
    fn a_gain_must_be_recorded() {
        let problems = problems(&[("run", 89), ("status", 0)]);
        assert_eq!(problems, "allocations of run: 89, at least 90: record the gain, so that it is kept\n");
    }

    #[test]
    fn every_count_has_a_bound_and_every_bound_a_count() {
        let problems = problems(&[("run", 100), ("wait", 1)]);
        assert!(problems.contains("allocations of wait: 1, but bounds.toml has no bound"), "{problems}");
        assert!(
            problems.contains("allocations of status: bounds.toml has a bound, but nothing counts it"),
            "{problems}"
        );
    }
}
