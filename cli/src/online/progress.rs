//! The progress of a job, on stderr of a terminal.

use std::time::Duration;

use fal_client::{QueueUpdate, TransferProgress};
use fal_documents::text::printable;
use indicatif::{DecimalBytes, MultiProgress, ProgressBar, ProgressStyle};

use crate::terminal::Terminal;

/// The interval at which the time is updated.
const TICK: Duration = Duration::from_millis(120);

/// The longest log line and status that are shown, in characters.
const MAX_TEXT: usize = 1_000;

/// A line with the stage of a job and its time. Without a terminal, nothing is shown. Clones share the line, and dropping the last
/// one removes it.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    /// The beginning of the line, such as the key of one of several jobs.
    prefix: String,
    terminal: Terminal,
}

impl Progress {
    pub(crate) fn new(terminal: &Terminal) -> Self {
        Progress::with(terminal, ProgressBar::new_spinner(), String::new())
    }

    /// Creates a line among others.
    pub(crate) fn among(lines: &MultiProgress, terminal: &Terminal, name: &str) -> Self {
        let bar = match terminal.is_interactive {
            true => lines.add(ProgressBar::new_spinner()),
            false => ProgressBar::hidden(),
        };
        Progress::with(terminal, bar, format!("{name}: "))
    }

    fn with(terminal: &Terminal, bar: ProgressBar, prefix: String) -> Self {
        if !terminal.is_interactive {
            return Progress { bar: ProgressBar::hidden(), prefix, terminal: terminal.clone() };
        }
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        Progress { bar, prefix, terminal: terminal.clone() }
    }

    /// Shows a stage.
    pub(crate) fn stage(&self, stage: &str) {
        self.bar.set_message(format!("{}{stage}", self.prefix));
    }

    /// Shows the progress of an upload.
    pub(crate) fn upload(&self, field: &str, upload: TransferProgress) {
        let field = printable(field, 100);
        match upload.total {
            Some(total) if upload.bytes >= total => self.stage("Submitting"),
            Some(total) => {
                let (bytes, total) = (DecimalBytes(upload.bytes), DecimalBytes(total));
                self.stage(&format!("Uploading {field}, {bytes} of {total}"));
            }
            None => self.stage(&format!("Uploading {field}, {}", DecimalBytes(upload.bytes))),
        }
    }

    /// Shows the position in the queue, or the stage after it, and prints log lines.
    pub(crate) fn update(&self, update: &QueueUpdate) {
        for line in update.logs() {
            self.note(&printable(line.message.trim_end(), MAX_TEXT));
        }
        match update {
            QueueUpdate::InQueue { position: Some(0), .. } => self.stage("In the queue, next"),
            QueueUpdate::InQueue { position: Some(ahead), .. } => self.stage(&format!("In the queue, {ahead} ahead")),
            QueueUpdate::InQueue { .. } => self.stage("In the queue"),
            QueueUpdate::InProgress { .. } => self.stage("Running"),
            QueueUpdate::Completed { .. } => self.stage("Fetching the result"),
            QueueUpdate::Other { status, .. } => self.stage(&printable(status, 40)),
            _ => {}
        }
    }

    /// Prints a line above the progress.
    pub(crate) fn note(&self, text: &str) {
        self.bar.suspend(|| self.terminal.note(format_args!("{}{text}", self.prefix)));
    }

    /// Removes the line.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
