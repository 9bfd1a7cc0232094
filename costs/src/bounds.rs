use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use serde::Deserialize;

use costs::Error;

use crate::counts::Counts;

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
    /// Typical reason for a count that grows.
    cause: String,
    /// Command that shows where the cost is. `NAME` is the name of the count.
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
        let mut bounds: BTreeMap<String, Bounds> = toml::from_str(&fs::read_to_string(path())?)?;
        let mut bounds = bounds.remove(kind).ok_or_else(|| format!("bounds.toml has no table `{kind}`"))?;
        kind.clone_into(&mut bounds.kind);
        Ok(bounds)
    }

    /// Prints a table of the counts and their bounds. With the environment variable `BLESS`, records the counts.
    ///
    /// # Errors
    ///
    /// Fails if a count is out of bounds, or without a bound, and if a bound is not used.
    pub(crate) fn check(&self, counts: &Counts) -> Result<(), Error> {
        if env::var_os("BLESS").is_some() {
            return self.record(counts);
        }
        let mut table = format!(
            "\n{}\n\n| {} | count | lowest | highest |\n| --- | ---: | ---: | ---: |\n",
            self.counted, self.kind
        );
        let mut problems = String::new();
        for (name, count) in counts {
            let Some(recorded) = self.recorded.get(*name) else {
                let _ = writeln!(problems, "{} of {name}: {count}, without a bound", self.kind);
                continue;
            };
            let lowest = recorded - recorded * self.below / 100;
            let highest = recorded + recorded * self.above / 100;
            let _ = writeln!(table, "| {name} | {count} | {lowest} | {highest} |");
            if *count > highest {
                let _ = writeln!(
                    problems,
                    "{} of {name}: {count}, at most {highest}\n  typical cause: {}\n  to look closer: {}",
                    self.kind,
                    self.cause,
                    self.look.replace("NAME", name)
                );
            } else if *count < lowest {
                let _ = writeln!(
                    problems,
                    "{} of {name}: {count}, less than {lowest}: lower the bound, so that the gain is kept",
                    self.kind
                );
            }
        }
        for name in self.recorded.keys().filter(|name| counts.iter().all(|(counted, _)| counted != name)) {
            let _ = writeln!(problems, "{} of {name}: in bounds.toml, but not counted", self.kind);
        }
        print!("{table}");
        if problems.is_empty() {
            return Ok(());
        }
        Err(format!("{problems}If a change is worth it, record the new counts in costs/bounds.toml: BLESS=1 .ci/costs")
            .into())
    }

    /// Replaces the recorded counts in the file.
    fn record(&self, counts: &Counts) -> Result<(), Error> {
        let text = fs::read_to_string(path())?;
        let heading = format!("[{}.recorded]\n", self.kind);
        let (before, rest) = text.split_once(&heading).ok_or("bounds.toml lacks the table of the recorded counts")?;
        let after = rest.find("\n[").map_or("", |end| &rest[end..]);
        let mut lines = String::new();
        for (name, count) in counts {
            let _ = writeln!(lines, "{name} = {count}");
        }
        fs::write(path(), format!("{before}{heading}{lines}{after}"))?;
        Ok(())
    }
}

fn path() -> PathBuf {
    PathBuf::from("costs/bounds.toml")
}
