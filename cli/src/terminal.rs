//! Output of commands: facts on stdout, everything else on stderr.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};
use serde::Serialize;

use crate::error::{Error, Exit};
use crate::layout::{self, plain};

/// The fewest columns that tables fit into. A narrower terminal wraps their lines.
const MIN_WIDTH: usize = 20;

/// The streams of the process.
#[derive(Clone, Debug)]
pub(crate) struct Terminal {
    /// True if facts are printed as JSON.
    pub(crate) json: bool,
    /// True if stderr is a terminal that can show progress.
    pub(crate) is_interactive: bool,
    /// True if notes are left out.
    is_quiet: bool,
    /// The number of columns, if output is to fit in.
    pub(crate) width: Option<usize>,
}

impl Terminal {
    pub(crate) fn new(json: bool, is_quiet: bool) -> Self {
        let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse().ok());
        let size = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        let width = columns.filter(|columns| *columns > 0).or_else(|| size().filter(|_| io::stdout().is_terminal()));
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let is_interactive = io::stderr().is_terminal() && !is_dumb && !is_quiet;
        Terminal { json, is_interactive, is_quiet, width: width.filter(|width| *width > 0) }
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

    /// Prints text and a line break on stderr, unless the user wants none.
    pub(crate) fn note(&self, text: impl Display) {
        if !self.is_quiet {
            self.report(text);
        }
    }

    /// Prints the error of the command on stderr.
    pub(crate) fn fail(&self, error: &Error) {
        match self.json {
            true => self.report(error.to_json()),
            false => self.report(error.to_styled()),
        }
    }

    fn report(&self, text: impl Display) {
        // A process without stderr has no one to tell.
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }

    /// Formats rows as a table that fits into the terminal. Cells wrap. Their text is made [`plain`].
    pub(crate) fn table(&self, header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
        self.aligned_table(header, &[], rows)
    }

    /// Formats a table in which some columns are numbers, by their index, and end at the same position.
    pub(crate) fn aligned_table(
        &self,
        header: &[&str],
        numbers: &[usize],
        rows: impl IntoIterator<Item = Vec<String>>,
    ) -> String {
        self.formatted(header, numbers, &[], rows)
    }

    /// Formats a table in which only some columns wrap, by their index, if there is room for the others.
    #[cfg(feature = "online")]
    pub(crate) fn table_that_wraps(
        &self,
        header: &[&str],
        wrapping: &[usize],
        rows: impl IntoIterator<Item = Vec<String>>,
    ) -> String {
        self.formatted(header, &[], wrapping, rows)
    }

    fn formatted(
        &self,
        header: &[&str],
        numbers: &[usize],
        wrapping: &[usize],
        rows: impl IntoIterator<Item = Vec<String>>,
    ) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(header.to_vec());
        if let Some(width) = self.width {
            let width = u16::try_from(width.max(MIN_WIDTH)).unwrap_or(u16::MAX);
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        let rows: Vec<Vec<String>> = rows.into_iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
        let count = |index: usize, of: char| {
            rows.iter().filter_map(|row| row.get(index)).map(|cell| cell.matches(of).count()).sum::<usize>()
        };
        let paths: Vec<usize> = (0..header.len()).filter(|index| count(*index, '/') > count(*index, ' ')).collect();
        table.add_rows(rows);
        let widths = table.column_max_content_widths();
        let width_of = |index: usize| usize::from(widths.get(index).copied().unwrap_or_default()) + 2;
        let half = self.width.unwrap_or(usize::MAX) / 2;
        let others = (0..header.len()).filter(|index| !wrapping.contains(index)).map(width_of).sum::<usize>();
        let is_wrapped = !wrapping.is_empty() && others + MIN_WIDTH / 2 <= self.width.unwrap_or(usize::MAX);
        let do_numbers_fit = numbers.iter().map(|index| width_of(*index)).sum::<usize>() <= half;
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, if index + 1 == header.len() { 0 } else { 2 }));
            let is_number = numbers.contains(&index);
            if is_number {
                column.set_cell_alignment(CellAlignment::Right);
            }
            if is_wrapped {
                if !wrapping.contains(&index) {
                    column.set_constraint(ColumnConstraint::ContentWidth);
                }
                continue;
            }
            // Other columns wrap before numbers, ids and paths do.
            if (is_number && do_numbers_fit) || (paths.contains(&index) && width_of(index) <= half) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }

    /// Breaks text into lines that fit into the terminal. All but the first begin with `indent` spaces.
    pub(crate) fn wrap(&self, text: &str, indent: usize) -> String {
        let width = self.width.unwrap_or(usize::MAX).max(MIN_WIDTH) - indent;
        layout::wrap(text, width).join(&format!("\n{:indent$}", ""))
    }

    /// Prints a question, and returns true if the user confirms it. Returns false without a terminal.
    pub(crate) fn confirm(&self, question: &str) -> bool {
        if !io::stderr().is_terminal() || !io::stdin().is_terminal() {
            return false;
        }
        let _ = write!(anstream::stderr().lock(), "{question} [y/N] ");
        let mut line = String::new();
        let _ = io::stdin().read_line(&mut line);
        matches!(line.trim().to_lowercase().as_str(), "y" | "yes")
    }

    /// Returns true if the user's terminal shows Unicode, as far as its locale says.
    pub(crate) fn is_unicode(&self) -> bool {
        let variables = ["LC_ALL", "LC_CTYPE", "LANG"];
        let locale = variables.iter().filter_map(std::env::var_os).find(|value| !value.is_empty());
        match locale {
            Some(locale) => {
                let locale = locale.to_string_lossy().to_ascii_lowercase();
                locale.contains("utf-8") || locale.contains("utf8")
            }
            None => cfg!(windows) || cfg!(target_os = "macos"),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_has_no_control_characters() {
        for (text, plain_text) in [
            ("a fox", "a fox"),
            ("naïve 狐 🦊", "naïve 狐 🦊"),
            ("two\r\nlines\tand", "two lines and"),
            ("\u{1b}[31mred\u{7}", "\\u{1b}[31mred\\u{7}"),
            ("\u{9b}2J \u{202e}evil\u{2066}", "\\u{9b}2J \\u{202e}evil\\u{2066}"),
            ("\u{7f}", "\\u{7f}"),
            ("zero\u{200b}width, 👩\u{200d}🚀", "zero\\u{200b}width, 👩\u{200d}🚀"),
        ] {
            assert_eq!(plain(text), plain_text);
        }
    }

    #[test]
    fn tables_fit_into_the_width_whatever_their_characters() {
        let rows = || {
            vec![
                vec!["fal-ai/fast-sdxl-controlnet-canny/image-to-image".to_owned(), "$0.0250".to_owned()],
                vec![
                    "狐狐狐狐狐狐狐狐狐狐狐狐狐狐狐狐狐狐狐狐狐狐狐狐狐狐狐狐狐狐狐".to_owned(),
                    "$12.5000".to_owned(),
                ],
                vec!["🦊é ".repeat(20), "\u{1b}[2J".to_owned()],
            ]
        };
        for width in [20, 37, 60, 100] {
            let terminal = Terminal { json: false, is_interactive: false, is_quiet: false, width: Some(width) };
            let table = terminal.aligned_table(&["ENDPOINT", "PRICE"], &[1], rows());
            for line in table.lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
            assert!(!table.contains('\u{1b}'));
        }
        for width in [0, 1, usize::MAX] {
            let terminal = Terminal { json: false, is_interactive: false, is_quiet: false, width: Some(width) };
            assert!(!terminal.table(&["A", "B"], rows()).is_empty());
        }
    }
}
