//! The files of results in the output folder.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;

/// The results of all rows that have one. Its lines are in the order in which the rows have finished.
pub(crate) const RESULTS: &str = "results.jsonl";

/// The rows that have failed, as they were.
const FAILED: &str = "failed.jsonl";

/// The results of an earlier run, while this one is running.
const EARLIER: &str = ".results.earlier.jsonl";

/// The failed rows so far.
const FAILED_SO_FAR: &str = ".failed.jsonl.part";

/// The longest line of an earlier run that is kept, in bytes.
const MAX_LINE: u64 = 64 << 20;

/// The files of a batch's results. Every line is written when its row has finished.
pub(super) struct Results {
    folder: PathBuf,
    lines: BufWriter<File>,
    failed: Option<BufWriter<File>>,
    /// The rows of this run.
    rows: HashSet<u64>,
}

/// A line of the results. A field without a value is null.
#[derive(Debug, Default, Serialize)]
pub(super) struct Line {
    /// The number of the row, from 1.
    pub(super) row: u64,
    pub(super) key: Option<String>,
    pub(super) state: &'static str,
    pub(super) endpoint: String,
    pub(super) request_id: Option<String>,
    /// The key in the journal.
    pub(super) job: String,
    pub(super) input: Map<String, Value>,
    pub(super) output: Value,
    pub(super) files: Vec<SavedFile>,
    /// US dollars as decimal text.
    pub(super) cost: Option<String>,
    /// True if the cost includes an estimate, because the billed units are unknown.
    pub(super) is_cost_estimated: bool,
    /// The time from the submission to the result.
    pub(super) milliseconds: Option<i64>,
    pub(super) error: Option<String>,
}

/// A file of a row.
#[derive(Debug, Serialize)]
pub(super) struct SavedFile {
    /// The name in the folder.
    pub(super) file: String,
    /// The path in the output, such as `images[0]`.
    pub(super) path: String,
    pub(super) content_type: Option<String>,
    pub(super) size: u64,
    /// True if the output says that the file is unsafe, and false if it says that it is safe.
    pub(super) is_flagged: Option<bool>,
}

/// The part of a line that tells which row it is about.
#[derive(Deserialize)]
struct RowOf {
    row: u64,
}

impl Results {
    /// Creates the folder and the files.
    pub(super) fn create(folder: &Path) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(|error| Error::io("create the folder", folder, &error))?;
        let (results, earlier) = (folder.join(RESULTS), folder.join(EARLIER));
        // If a run was killed, the results before it are more than its own.
        if !earlier.exists() {
            match fs::rename(&results, &earlier) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(Error::io("rename", &results, &error));
                }
                _ => {}
            }
        }
        let lines = File::create(&results).map_err(|error| Error::io("write", &results, &error))?;
        Ok(Results { folder: folder.to_owned(), lines: BufWriter::new(lines), failed: None, rows: HashSet::new() })
    }

    /// Adds the result of a row.
    pub(super) fn add(&mut self, line: &Line) -> Result<(), Error> {
        self.rows.insert(line.row);
        let written = serde_json::to_writer(&mut self.lines, line).map_err(io::Error::from);
        let written = written.and_then(|()| self.lines.write_all(b"\n")).and_then(|()| self.lines.flush());
        written.map_err(|error| Error::io("write", &self.folder.join(RESULTS), &error))
    }

    /// Adds a row that has failed, as it can be run again.
    pub(super) fn add_failed(&mut self, row: &Map<String, Value>) -> Result<(), Error> {
        let path = self.folder.join(FAILED_SO_FAR);
        let failed = |error| Error::io("write", &path, &error);
        let file = match &mut self.failed {
            Some(file) => file,
            none => none.insert(BufWriter::new(File::create(&path).map_err(failed)?)),
        };
        let text = serde_json::to_string(row).map_err(|error| failed(error.into()))?;
        writeln!(file, "{text}").and_then(|()| file.flush()).map_err(failed)
    }

    /// Completes the files. Rows that this run has not reached keep their earlier results.
    ///
    /// Returns the path of the failed rows, if there are any.
    pub(super) fn finish(mut self) -> Result<Option<PathBuf>, Error> {
        let (results, earlier) = (self.folder.join(RESULTS), self.folder.join(EARLIER));
        match File::open(&earlier) {
            Ok(file) => {
                self.keep(BufReader::new(file)).map_err(|error| Error::io("write", &results, &error))?;
                fs::remove_file(&earlier).map_err(|error| Error::io("remove", &earlier, &error))?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("read", &earlier, &error)),
        }
        let (so_far, failed) = (self.folder.join(FAILED_SO_FAR), self.folder.join(FAILED));
        if self.failed.take().is_some() {
            fs::rename(&so_far, &failed).map_err(|error| Error::io("write", &failed, &error))?;
            return Ok(Some(failed));
        }
        match fs::remove_file(&failed) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", &failed, &error)),
            _ => Ok(None),
        }
    }

    fn keep(&mut self, mut earlier: impl BufRead) -> io::Result<()> {
        let mut line = Vec::new();
        while io::Read::take(&mut earlier, MAX_LINE).read_until(b'\n', &mut line)? > 0 {
            // A run that was killed may have left a part of a line.
            if serde_json::from_slice::<RowOf>(&line).is_ok_and(|RowOf { row }| self.rows.insert(row)) {
                self.lines.write_all(&line)?;
                if !line.ends_with(b"\n") {
                    self.lines.write_all(b"\n")?;
                }
            }
            line.clear();
        }
        self.lines.flush()
    }
}
