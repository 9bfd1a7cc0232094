//! What a command prints: facts on stdout, everything else on stderr.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::error::{Error, Exit};

/// The streams of the process.
#[derive(Clone, Debug)]
pub(crate) struct Terminal {
    /// True if facts are printed as JSON.
    pub(crate) json: bool,
    /// True if stderr is a terminal: progress is shown.
    pub(crate) is_interactive: bool,
    /// The number of columns, if output is to fit in.
    pub(crate) width: Option<usize>,
}

impl Terminal {
    pub(crate) fn new(json: bool) -> Self {
        let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let size = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        let width = columns.or_else(|| size().filter(|_| io::stdout().is_terminal()));
        Terminal { json, is_interactive: io::stderr().is_terminal(), width: width.filter(|width| *width > 0) }
    }

    /// Prints text and a line break on stdout. Colours are removed unless stdout is a terminal.
    ///
    /// # Errors
    ///
    /// Stdout cannot be written, such as on a full disk. A reader that has closed it ends the process quietly.
    pub(crate) fn print(&self, text: impl Display) -> Result<(), Error> {
        write_line(&mut anstream::stdout().lock(), text)
    }

    /// Prints a fact as indented JSON on stdout.
    pub(crate) fn print_json(&self, value: &impl Serialize) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| Error::new(Exit::Failed, format!("cannot print JSON: {error}")))?;
        write_line(&mut io::stdout().lock(), text)
    }

    /// Writes a part of a fact, as it is, and flushes stdout.
    #[cfg(feature = "online")]
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Error> {
        written(io::stdout().lock().write_all(bytes).and_then(|()| io::stdout().lock().flush()))
    }

    /// Prints text and a line break on stderr.
    pub(crate) fn note(&self, text: impl Display) {
        // A process without stderr has no one to tell.
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }

    /// Formats rows as a table that fits into the terminal. Cells wrap.
    pub(crate) fn table(&self, header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(header.to_vec());
        if let Some(width) = self.width {
            let width = u16::try_from(width).unwrap_or(u16::MAX);
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        rows.into_iter().for_each(|row| {
            table.add_row(row);
        });
        table.column_iter_mut().for_each(|column| {
            column.set_padding((0, 2));
        });
        table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }

    /// Prints a question, and returns true if the user confirms it. Returns false without a terminal.
    pub(crate) fn confirm(&self, question: &str) -> bool {
        if !self.is_interactive || !io::stdin().is_terminal() {
            return false;
        }
        let _ = write!(anstream::stderr().lock(), "{question} [y/N] ");
        let mut line = String::new();
        let _ = io::stdin().read_line(&mut line);
        matches!(line.trim().to_lowercase().as_str(), "y" | "yes")
    }
}

fn write_line(out: &mut impl Write, text: impl Display) -> Result<(), Error> {
    written(writeln!(out, "{text}").and_then(|()| out.flush()))
}

fn written(written: io::Result<()>) -> Result<(), Error> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Error::new(Exit::Failed, format!("cannot write to stdout: {error}"))),
        Ok(()) => Ok(()),
    }
}
