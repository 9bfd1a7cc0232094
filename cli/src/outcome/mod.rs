//! The outcome of a completed job: its outputs, its files, its cost, and its ids.

mod file;
mod outputs;
#[cfg(feature = "preview")]
mod preview;

use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

use fal_client::money::Cost;
use fal_client::{Client, Media, Response};
use fal_documents::text::printable;
use fal_jobs::Record;
use serde_json::{Value, json};

pub(crate) use self::file::OutcomeFile;
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::job_key::short;

/// The longest text of a service that is printed in a line, in characters.
const MAX_TEXT: usize = 200;

/// A completed job, to be printed.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The key in the journal. `None` for a request that the journal does not have.
    pub(crate) key: Option<String>,
    pub(crate) endpoint: String,
    pub(crate) request_id: Option<String>,
    pub(crate) output: Value,
    /// The files of the output, in its order.
    pub(crate) files: Vec<OutcomeFile>,
    /// The cost of all submissions, if it is known.
    pub(crate) cost: Option<Cost>,
    pub(crate) is_cost_estimated: bool,
    /// The billed units as decimal text.
    pub(crate) units: Option<String>,
    /// The time from the submission to the result.
    pub(crate) time: Option<Duration>,
}

impl Outcome {
    /// Reads a completed job, whose files were saved in a folder.
    ///
    /// # Errors
    ///
    /// The journal does not have the output any more, or it is not JSON.
    pub(crate) fn of(record: &Record, folder: &Path) -> Result<Self, Error> {
        let Some(output) = &record.output else {
            let message = format!("the output of the job `{}` was removed from the journal", short(&record.key));
            return Err(Error::new(Exit::NotFound, message));
        };
        let output: Value = serde_json::from_str(output).map_err(|error| {
            Error::new(Exit::Failed, format!("cannot read the output of the job `{}`: {error}", short(&record.key)))
        })?;
        let saved = record.files();
        let files = output.media().into_iter().map(|media| {
            let saved = saved.iter().find(|saved| saved.path == media.path);
            OutcomeFile::new(media, saved, folder)
        });
        let time = record.finished_at.zip(record.submitted_at).and_then(|(end, start)| u64::try_from(end - start).ok());
        Ok(Outcome {
            key: Some(record.key.clone()),
            endpoint: record.endpoint.clone(),
            request_id: record.request_id.clone(),
            files: files.collect(),
            output,
            cost: record.cost(),
            is_cost_estimated: record.is_cost_estimated(),
            units: record.units.clone(),
            time: time.map(Duration::from_millis),
        })
    }

    /// Saves the files of a response in a folder, of a request that the journal does not have.
    ///
    /// # Errors
    ///
    /// A file cannot be saved.
    pub(crate) async fn of_response(client: &Client, response: Response<Value>, folder: &Path) -> Result<Self, Error> {
        let media = response.media();
        let saved = client.download_all(media.iter().cloned(), folder).keep_existing(true).await?;
        let files = media.into_iter().zip(saved).map(|(media, saved)| OutcomeFile {
            size: saved.path.metadata().ok().map(|metadata| metadata.len()).or(media.file_size),
            file: Some(saved.path),
            ..OutcomeFile::new(media, None, folder)
        });
        Ok(Outcome {
            key: None,
            endpoint: response.endpoint,
            request_id: response.request_id,
            files: files.collect(),
            output: response.data,
            cost: None,
            is_cost_estimated: false,
            units: response.billable_units.map(|units| units.to_string()),
            time: None,
        })
    }

    /// Prints the outcome: for people, or as JSON. `preview` also shows images in a terminal.
    ///
    /// # Errors
    ///
    /// Stdout cannot be written.
    pub(crate) fn print(&self, context: &Context, preview: bool) -> Result<(), Error> {
        let terminal = &context.terminal;
        if terminal.json {
            return terminal.print_json(&self.to_json()).map_err(|error| self.unprinted(error));
        }
        let mut lines = outputs::lines(&self.output, &self.files, terminal.width);
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(self.facts());
        // The last lines are in view.
        #[cfg(feature = "preview")]
        if preview {
            preview::show(&self.files, terminal);
        }
        #[cfg(not(feature = "preview"))]
        let _ = preview;
        terminal.print(lines.join("\n")).map_err(|error| self.unprinted(error))
    }

    /// Adds how to print the outcome again, because the job is billed.
    fn unprinted(&self, error: Error) -> Error {
        match &self.key {
            Some(key) => error.help(format!(
                "the job is completed; to print its outcome again, use `cargo fal result {}`",
                short(key)
            )),
            None => error,
        }
    }

    /// Returns the lines below the outputs.
    fn facts(&self) -> Vec<String> {
        let line = |label: &str, value: &dyn Display| format!("{label}: {value}");
        let mut lines = vec![line("cost", &self.cost())];
        lines.extend(self.time.map(|time| line("time", &seconds(time))));
        lines.extend(self.request_id.iter().map(|id| line("request", &printable(id, MAX_TEXT))));
        lines.extend(self.key.iter().map(|key| line("job", &short(key))));
        lines
    }

    /// Describes the cost, and what is unknown about it.
    fn cost(&self) -> String {
        let units = self.units.as_deref().map(|units| match units.trim() {
            "1" | "1.0" => "1 unit".to_owned(),
            units => format!("{} units", printable(units, MAX_TEXT)),
        });
        match (&self.cost, units) {
            (Some(cost), _) if self.is_cost_estimated => {
                format!("about {cost} (fal has not reported all billed units)")
            }
            (Some(cost), Some(units)) => format!("{cost} ({units})"),
            (Some(cost), None) => cost.to_string(),
            (None, Some(units)) => format!("unknown ({units} at an unknown price)"),
            (None, None) => "unknown (fal has not reported the billed units)".to_owned(),
        }
    }

    /// Returns the outcome as JSON.
    pub(crate) fn to_json(&self) -> Value {
        let units = self.units.as_deref().map(|units| match serde_json::from_str(units) {
            Ok(Value::Number(units)) => Value::Number(units),
            _ => Value::from(units),
        });
        let cost = self.cost.as_ref().map(|cost| {
            json!({ "amount": cost.amount.to_string(), "currency": cost.currency, "is_estimated": self.is_cost_estimated })
        });
        json!({
            "key": self.key,
            "endpoint": self.endpoint,
            "state": "completed",
            "request_id": self.request_id,
            "output": self.output,
            "files": self.files.iter().map(OutcomeFile::to_json).collect::<Vec<_>>(),
            "billable_units": units,
            "cost": cost,
            "seconds": self.time.map(|time| time.as_secs_f64()),
        })
    }
}

/// Formats a time as people say it, such as `2.3 s` or `4 min 10 s`.
pub(crate) fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}
