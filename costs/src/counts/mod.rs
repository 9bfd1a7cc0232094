//! The counts, by kind.

mod allocations;
mod calls;
mod dependencies;
mod generation;
mod instructions;
mod lines;
mod valgrind;

use costs::Error;

/// Counts with their names, in the order of the table that shows them.
pub(crate) type Counts = Vec<(&'static str, u64)>;

/// Returns the counts of a kind, or `None` if a program that they need is missing.
pub(crate) type Count = fn() -> Result<Option<Counts>, Error>;

/// Each kind, by the name of its table in `bounds.toml`.
pub(crate) const ALL: [(&str, Count); 8] = [
    ("instructions", instructions::count),
    ("generation", generation::count),
    ("allocations", allocations::count),
    ("allocated-bytes", allocations::bytes),
    ("futures", calls::futures),
    ("requests", calls::requests),
    ("dependencies", dependencies::count),
    ("generated-lines", lines::count),
];
