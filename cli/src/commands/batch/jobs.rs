//! The jobs of the rows: each with its key and input.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use fal_client::JsonInput;
use serde_json::{Map, Value};

use super::rows::{Fields, Problem, Row, Rows, Source};
use super::{hash, require_rows};
use crate::catalog::Entry;
use crate::error::{Error, Exit};
use crate::input::Builder;
use crate::layout::plain;

/// The most problems that are shown.
const MAX_PROBLEMS: usize = 20;

/// The longest key, in bytes. The journal's keys are longer by the endpoint and the label.
const MAX_KEY: usize = 256;

/// The longest label, in bytes.
const MAX_LABEL: usize = 512;

/// The jobs of a file's rows.
pub(super) struct Jobs {
    source: Source,
    builder: Builder,
    /// The folder of local files.
    folder: PathBuf,
    /// Fields of all rows: `key=value`.
    shared: Vec<String>,
    /// Begins the keys of the journal.
    prefix: String,
    limit: u64,
}

/// The job of a row.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// The number of the row, from 1.
    pub(super) row: u64,
    /// The row's own key.
    pub(super) key: Option<String>,
    /// The key in the journal.
    pub(super) journal_key: String,
    pub(super) input: JsonInput,
    /// The row as JSON, with absolute paths.
    pub(super) json: Map<String, Value>,
}

/// The facts about all rows, before any is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) total: u64,
}

impl Jobs {
    /// # Errors
    ///
    /// The label is empty or too long.
    pub(super) fn new(
        entry: &Entry,
        source: Source,
        shared: Vec<String>,
        label: &str,
        limit: Option<u64>,
    ) -> Result<Self, Error> {
        if label.is_empty() || label.len() > MAX_LABEL || label.contains('\0') {
            let message = format!("invalid label: expected 1 to {MAX_LABEL} bytes");
            return Err(Error::new(Exit::Usage, message).help("name the batch with `--label`"));
        }
        let prefix = format!("{}/{label}/", entry.document.id);
        let builder = Builder::new(entry)?;
        // Failed rows are written to another folder.
        let folder = std::path::absolute(source.folder()).or_else(|_| std::env::current_dir()).unwrap_or_default();
        Ok(Jobs { source, builder, folder, shared, prefix, limit: limit.unwrap_or(u64::MAX) })
    }

    /// Checks all rows.
    ///
    /// # Errors
    ///
    /// Rows are invalid, or the file has none. The message names the lines.
    pub(super) fn check(self: &Arc<Self>) -> Result<Plan, Error> {
        let (mut total, mut invalid, mut problems) = (0, 0_u64, Vec::new());
        for job in self.iter()? {
            total += 1;
            if let Err(problem) = job {
                invalid += 1;
                if problems.len() < MAX_PROBLEMS {
                    problems.push(format!("line {}: {}", problem.line, problem.message));
                }
            }
        }
        if invalid == 0 {
            require_rows(total)?;
            return Ok(Plan { total });
        }
        let mut message = format!("{invalid} of {total} rows are invalid; nothing was sent");
        for problem in &problems {
            message += &format!("\n  {problem}");
        }
        if let Some(more) = invalid.checked_sub(MAX_PROBLEMS as u64).filter(|more| *more > 0) {
            message += &format!("\n  and {more} more");
        }
        Err(Error::new(Exit::Invalid, message))
    }

    /// Reads the rows from the beginning.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or its header is invalid.
    pub(super) fn iter(self: &Arc<Self>) -> Result<Iter, Error> {
        let rows = self.source.rows()?;
        Ok(Iter { jobs: self.clone(), rows, row: 0, lines: HashMap::new(), repeats: HashMap::new() })
    }

    /// Returns the fields for all rows that a row does not set itself.
    fn unset(&self, row: &Map<String, Value>) -> Vec<String> {
        let is_unset = |pair: &&String| {
            let name = pair.split(['=', '.', '[', ':']).next().unwrap_or_default();
            !row.contains_key(name)
        };
        self.shared.iter().filter(is_unset).cloned().collect()
    }
}

/// The jobs of one pass.
pub(super) struct Iter {
    jobs: Arc<Jobs>,
    rows: Rows,
    row: u64,
    /// The line of each key, by a hash.
    lines: HashMap<String, u64>,
    /// The number of equal rows without a key, by a hash.
    repeats: HashMap<String, u64>,
}

impl Iter {
    fn job(&mut self, row: Row) -> Result<Job, String> {
        let Jobs { builder, folder, .. } = &*self.jobs;
        let json = match row.fields {
            Fields::Json(fields) => Value::Object(fields),
            Fields::Cells(cells) => builder.of_cells(&cells)?,
        };
        let Value::Object(json) = builder.relative_to(json, folder) else {
            return Err("expected an object".to_owned());
        };
        let shared = self.jobs.unset(&json);
        let name = match &row.key {
            Some(key) => {
                check_key(key)?;
                if let Some(line) = self.lines.insert(hash(key.as_bytes()), row.line) {
                    return Err(format!("line {line} has the key `{}` too", plain(key)));
                }
                key.clone()
            }
            // Equal rows are jobs of their own.
            None => {
                let text = serde_json::to_vec(&(&json, &shared)).map_err(|error| error.to_string())?;
                let hash = hash(&text);
                let repeats = self.repeats.entry(hash.clone()).or_default();
                *repeats += 1;
                format!("row-{hash}-{repeats}")
            }
        };
        let input = builder.build_row(Value::Object(json.clone()), &shared)?;
        let journal_key = format!("{}{name}", self.jobs.prefix);
        Ok(Job { row: self.row, key: row.key, journal_key, input, json })
    }
}

impl Iterator for Iter {
    type Item = Result<Job, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.row == self.jobs.limit {
            return None;
        }
        let row = self.rows.next()?;
        self.row += 1;
        Some(row.and_then(|row| {
            let line = row.line;
            self.job(row).map_err(|message| Problem { line, message: message.replace('\n', "; ") })
        }))
    }
}

fn check_key(key: &str) -> Result<(), String> {
    match key.len() > MAX_KEY || key.contains('\0') {
        true => Err(format!("invalid key: expected at most {MAX_KEY} bytes, without NUL")),
        false => Ok(()),
    }
}
