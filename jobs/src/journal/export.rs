use std::path::Path;

use serde::Serialize;
use serde_json::value::RawValue;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::Journal;
use super::list::Pages;
use crate::error::{Error, ErrorKind};
use crate::files::Part;
use crate::filter::Filter;
use crate::record::Record;

/// The version of the lines. It changes when a reader of older lines would misread newer ones.
const VERSION: u32 = 1;

/// A job as a line of an export.
#[derive(Serialize)]
struct Line<'r> {
    version: u32,
    key: &'r str,
    endpoint: &'r str,
    label: Option<&'r str>,
    state: &'static str,
    attempt: i64,
    request_id: Option<&'r str>,
    earlier_request_ids: Vec<String>,
    input_hash: &'r str,
    input: Box<RawValue>,
    output: Option<Box<RawValue>>,
    units: Option<&'r str>,
    cost_usd: Option<String>,
    cost_is_estimated: bool,
    error: Option<Box<RawValue>>,
    files: Option<Box<RawValue>>,
    redacted: bool,
    created_at: i64,
    intended_at: Option<i64>,
    submitted_at: Option<i64>,
    finished_at: Option<i64>,
}

impl Journal {
    /// Writes the jobs that match as JSON Lines, in the order of their creation, and returns their number.
    ///
    /// ```no_run
    /// # async fn example(journal: fal_jobs::Journal) -> Result<(), fal_jobs::Error> {
    /// use fal_jobs::Filter;
    ///
    /// journal.export(Filter::new(), &mut tokio::io::stdout()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Each line is an object with these fields. Fields without a value are `null`. Later versions may add fields.
    ///
    /// | field | value |
    /// | --- | --- |
    /// | `version` | 1 |
    /// | `key`, `endpoint`, `label` | strings |
    /// | `state` | `waiting`, `intended`, `submitted`, `completed`, `failed` or `uncertain` |
    /// | `attempt` | number of submissions |
    /// | `request_id`, `earlier_request_ids` | fal's id of the last submission, and those of earlier ones |
    /// | `input_hash`, `input` | SHA-256 of the input in hexadecimal, and the input with local files as their SHA-256 |
    /// | `output` | output of a completed job |
    /// | `units`, `cost_usd` | billable units and cost in US dollars, as decimal strings |
    /// | `cost_is_estimated` | true if the cost includes an estimate, because a price or billed units are unknown |
    /// | `error`, `files` | error of a failed job, and the files of the output |
    /// | `redacted` | true if data was removed from the job |
    /// | `created_at`, `intended_at`, `submitted_at`, `finished_at` | milliseconds since 1970 |
    ///
    /// # Errors
    ///
    /// The database or the writer fails ([`ErrorKind::Database`], [`ErrorKind::File`]).
    pub async fn export(&self, filter: Filter, writer: &mut (impl AsyncWrite + Unpin)) -> Result<u64, Error> {
        let mut pages = Pages::new(filter);
        let mut total = 0;
        while let Some(listed) = pages.next(self).await? {
            let line = line(&listed.record?)?;
            writer.write_all(&line).await.map_err(unwritten)?;
            total += 1;
        }
        writer.flush().await.map_err(unwritten)?;
        Ok(total)
    }

    /// Writes the jobs that match to a file, as [`export`](Self::export) does. A file at the path is replaced once the export is
    /// complete.
    ///
    /// ```no_run
    /// # async fn example(journal: fal_jobs::Journal) -> Result<(), fal_jobs::Error> {
    /// use fal_jobs::Filter;
    ///
    /// let total = journal.export_to(Filter::new().label("night-run"), "jobs.jsonl").await?;
    /// println!("{total} jobs");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`export`](Self::export). The file is unchanged.
    pub async fn export_to(&self, filter: Filter, path: impl AsRef<Path>) -> Result<u64, Error> {
        let path = path.as_ref();
        let Some(name) = path.file_name() else {
            return Err(unwritten(std::io::Error::from(std::io::ErrorKind::IsADirectory)));
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut part = Part::create(folder, &name.to_string_lossy()).await.map_err(unwritten)?;
        let total = self.export(filter, part.writer()).await?;
        part.save_as(name).await.map_err(unwritten)?;
        Ok(total)
    }
}

fn line(record: &Record) -> Result<Vec<u8>, Error> {
    let line = Line {
        version: VERSION,
        key: &record.key,
        endpoint: &record.endpoint,
        label: record.label.as_deref(),
        state: record.state.as_str(),
        attempt: record.attempt,
        request_id: record.request_id.as_deref(),
        earlier_request_ids: record.earlier_request_ids(),
        input_hash: &record.input_hash,
        input: raw(&record.input)?,
        output: record.output.as_deref().map(raw).transpose()?,
        units: record.units.as_deref(),
        cost_usd: record.cost.map(dollars),
        cost_is_estimated: record.cost_is_estimated,
        error: record.error.as_deref().map(raw).transpose()?,
        files: record.files.as_deref().map(raw).transpose()?,
        redacted: record.redacted,
        created_at: record.created_at,
        intended_at: record.intended_at,
        submitted_at: record.submitted_at,
        finished_at: record.finished_at,
    };
    let mut line = serde_json::to_vec(&line).map_err(unserialized)?;
    line.push(b'\n');
    Ok(line)
}

/// Returns JSON text as it is, but on one line. Other text becomes a string.
fn raw(text: &str) -> Result<Box<RawValue>, Error> {
    // Only whitespace between values can have line breaks.
    match RawValue::from_string(text.replace(['\n', '\r'], " ")) {
        Ok(json) => Ok(json),
        Err(_) => serde_json::value::to_raw_value(text).map_err(unserialized),
    }
}

/// Returns billionths of a dollar as a decimal number of dollars, without trailing zeros.
fn dollars(billionths: i64) -> String {
    let (whole, rest) = (billionths / 1_000_000_000, billionths % 1_000_000_000);
    let sign = if billionths < 0 { "-" } else { "" };
    let text = format!("{sign}{}.{:09}", whole.unsigned_abs(), rest.unsigned_abs());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn unwritten(error: std::io::Error) -> Error {
    Error::new(ErrorKind::File, "cannot write the export").caused_by(error)
}

fn unserialized(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::State, "cannot export the job").caused_by(error)
}
