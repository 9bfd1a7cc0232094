//! Tests of generated code, findings and reports.

#![allow(clippy::unwrap_used)]

mod budgets;
mod changes;
mod describe;
mod flagship;
mod forms;
mod hostile;
mod output_folder;
mod patches;
mod portable_names;
mod printed_findings;
mod project;
mod refusals;
mod selection;
mod special_files;
mod stability;
mod traps;
mod unused_keywords;
