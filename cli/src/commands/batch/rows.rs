//! The rows of a JSONL or CSV file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use serde_json::{Map, Value};

use crate::error::{Error, Exit};

/// The longest line of JSONL, in bytes.
const MAX_LINE: u64 = 16 << 20;

/// The longest input on stdin, in bytes. It is read twice, so it is kept in memory.
const MAX_STDIN: u64 = 256 << 20;

/// The bytes at the end of a file in which a quote is looked for.
const END: usize = 64;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// The format of a file of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A JSON object on each line
    Jsonl,
    /// A header with the names of fields, and a row on each line
    Csv,
    /// The same with tabs in place of commas
    Tsv,
}

/// A file of rows, which can be read several times.
#[derive(Clone, Debug)]
pub(super) struct Source {
    content: Content,
    format: Format,
    key_column: String,
    /// The folder of local files.
    folder: PathBuf,
}

#[derive(Clone, Debug)]
enum Content {
    File(PathBuf),
    Stdin(Arc<[u8]>),
}

/// A row of the file.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The number of the line at which the row begins, from 1.
    pub(super) line: u64,
    /// The value of the key column.
    pub(super) key: Option<String>,
    pub(super) fields: Fields,
}

/// The fields of a row.
#[derive(Clone, Debug)]
pub(super) enum Fields {
    Json(Map<String, Value>),
    /// The cells that are not empty, each with the name of its column.
    Cells(Vec<(String, String)>),
}

/// A row that cannot be used.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub(super) line: u64,
    pub(super) message: String,
}

impl Source {
    /// Opens a file, or reads stdin if the path is `-`.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub(super) fn new(path: &Path, format: Option<Format>, key_column: &str) -> Result<Self, Error> {
        let is_stdin = path.as_os_str() == "-";
        let content = match is_stdin {
            true => Content::Stdin(stdin()?),
            false => Content::File(path.to_owned()),
        };
        let folder = path.parent().filter(|_| !is_stdin).map(Path::to_owned).unwrap_or_default();
        let mut source = Source { content, format: Format::Jsonl, key_column: key_column.to_owned(), folder };
        let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        source.format = match (format, extension.as_deref()) {
            (Some(format), _) => format,
            (None, Some("jsonl" | "ndjson" | "json")) => Format::Jsonl,
            (None, Some("csv")) => Format::Csv,
            (None, Some("tsv" | "tab")) => Format::Tsv,
            _ => source.sniff()?,
        };
        Ok(source)
    }

    /// Returns the folder that local files of rows are relative to.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the content of stdin, if the rows come from there.
    pub(super) fn stdin(&self) -> Option<&[u8]> {
        match &self.content {
            Content::File(_) => None,
            Content::Stdin(bytes) => Some(bytes),
        }
    }

    /// Reads the rows from the beginning.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or its header is invalid.
    pub(super) fn rows(&self) -> Result<Rows, Error> {
        let delimiter = match self.format {
            Format::Jsonl => {
                let lines = Lines { reader: self.open()?, line: 0, key_column: self.key_column.clone() };
                return Ok(Rows::Json(Box::new(lines)));
            }
            Format::Csv => b',',
            Format::Tsv => b'\t',
        };
        let reader =
            csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(WithoutReturns(self.open()?));
        let is_closed = self.ends_with_quote()?;
        Table::new(reader, &self.key_column, is_closed).map(|table| Rows::Table(Box::new(table)))
    }

    fn open(&self) -> Result<Box<dyn BufRead + Send>, Error> {
        let mut reader: Box<dyn BufRead + Send> = match &self.content {
            Content::File(path) => {
                let file = File::open(path).map_err(|error| Error::io("read", path, &error))?;
                if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
                    return Err(Error::new(Exit::Usage, format!("`{}` is a folder", path.display()))
                        .help("give a file of rows: JSONL or CSV"));
                }
                Box::new(BufReader::new(file))
            }
            Content::Stdin(bytes) => Box::new(Cursor::new(bytes.clone())),
        };
        let has_bom = reader.fill_buf().map_err(|error| self.unreadable(&error))?.starts_with(BOM);
        if has_bom {
            reader.consume(BOM.len());
        }
        Ok(reader)
    }

    /// Returns true if the last character that is not whitespace is a quote.
    fn ends_with_quote(&self) -> Result<bool, Error> {
        let mut end = Vec::new();
        match &self.content {
            Content::Stdin(bytes) => end.extend_from_slice(&bytes[bytes.len().saturating_sub(END)..]),
            Content::File(path) => {
                let mut read = || {
                    let mut file = File::open(path)?;
                    let length = file.metadata()?.len();
                    file.seek(SeekFrom::Start(length.saturating_sub(END as u64)))?;
                    file.read_to_end(&mut end)
                };
                read().map_err(|error| Error::io("read", path, &error))?;
            }
        }
        Ok(end.trim_ascii_end().ends_with(b"\""))
    }

    /// Finds out the format of rows whose file name does not say it.
    fn sniff(&self) -> Result<Format, Error> {
        let mut reader = self.open()?;
        let start = reader.fill_buf().map_err(|error| self.unreadable(&error))?;
        let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
        Ok(if matches!(first, Some(b'{' | b'[') | None) { Format::Jsonl } else { Format::Csv })
    }

    fn unreadable(&self, error: &io::Error) -> Error {
        match &self.content {
            Content::File(path) => Error::io("read", path, error),
            Content::Stdin(_) => Error::io("read", Path::new("-"), error),
        }
    }
}

fn stdin() -> Result<Arc<[u8]>, Error> {
    let mut bytes = Vec::new();
    let read = io::stdin().lock().take(MAX_STDIN + 1).read_to_end(&mut bytes);
    read.map_err(|error| Error::new(Exit::Failed, format!("cannot read stdin: {error}")))?;
    if bytes.len() as u64 > MAX_STDIN {
        let message = format!("stdin has more than {} MiB", MAX_STDIN >> 20);
        return Err(Error::new(Exit::Usage, message).help("save the rows to a file"));
    }
    Ok(bytes.into())
}

/// The rows of one pass.
pub(super) enum Rows {
    Json(Box<Lines>),
    Table(Box<Table>),
}

impl Iterator for Rows {
    type Item = Result<Row, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Rows::Json(lines) => lines.next(),
            Rows::Table(table) => table.next(),
        }
    }
}

/// Lines of JSON. Empty ones are skipped.
pub(super) struct Lines {
    reader: Box<dyn BufRead + Send>,
    line: u64,
    key_column: String,
}

impl Lines {
    fn next(&mut self) -> Option<Result<Row, Problem>> {
        loop {
            let mut bytes = Vec::new();
            self.line += 1;
            let problem = |message: String| Some(Err(Problem { line: self.line, message }));
            match self.reader.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut bytes) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return problem(format!("cannot read the file: {error}")),
            }
            if bytes.len() as u64 > MAX_LINE && bytes.last() != Some(&b'\n') {
                if let Err(error) = skip_line(&mut self.reader) {
                    return problem(format!("cannot read the file: {error}"));
                }
                return problem(format!(
                    "the line has more than {} MiB: save files apart, and give their paths",
                    MAX_LINE >> 20
                ));
            }
            let text = bytes.trim_ascii();
            if !text.is_empty() {
                let row = self.row(text);
                return Some(row.map_err(|message| Problem { line: self.line, message }));
            }
        }
    }

    fn row(&self, text: &[u8]) -> Result<Row, String> {
        let text = std::str::from_utf8(text).map_err(|_| "invalid UTF-8: save the file as UTF-8".to_owned())?;
        let value: Value = serde_json::from_str(text).map_err(|error| format!("invalid JSON: {}", reason(&error)))?;
        let Value::Object(mut fields) = value else {
            let found = match value {
                Value::Array(_) => "an array: write each of its objects on a line, as `jq -c '.[]'` does",
                Value::String(_) => "a string",
                Value::Number(_) => "a number",
                _ => "not an object",
            };
            return Err(format!("expected a JSON object, found {found}"));
        };
        let key = match fields.remove(&self.key_column) {
            None | Some(Value::Null) => None,
            Some(Value::String(key)) => Some(key).filter(|key| !key.is_empty()),
            Some(Value::Number(key)) => Some(key.to_string()),
            Some(_) => return Err(format!("invalid key in `{}`: expected a string or a number", self.key_column)),
        };
        Ok(Row { line: self.line, key, fields: Fields::Json(fields) })
    }
}

/// Returns the message of an error without the line, which is always 1.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((reason, _)) => format!("{reason} at column {}", error.column()),
        None => text,
    }
}

/// Reads the rest of a line, without keeping it.
fn skip_line(reader: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        let Some(end) = buffer.iter().position(|byte| *byte == b'\n') else {
            let length = buffer.len();
            if length == 0 {
                return Ok(());
            }
            reader.consume(length);
            continue;
        };
        reader.consume(end + 1);
        return Ok(());
    }
}

/// Removes carriage returns, because the lines of a table that has them would be counted wrongly.
pub(super) struct WithoutReturns(Box<dyn BufRead + Send>);

impl Read for WithoutReturns {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.0.read(buffer)?;
            let mut kept = 0;
            for index in 0..read {
                if buffer[index] != b'\r' {
                    buffer[kept] = buffer[index];
                    kept += 1;
                }
            }
            // Nothing is the end of the file.
            if kept > 0 || read == 0 {
                return Ok(kept);
            }
        }
    }
}

/// Rows below a header.
pub(super) struct Table {
    reader: csv::Reader<WithoutReturns>,
    columns: Vec<String>,
    /// The index of the key column.
    key: Option<usize>,
    /// True if a quote at the end of the file is the end of its cell.
    is_closed: bool,
    /// The row after the last one that was returned.
    following: Option<Result<(csv::ByteRecord, u64), Problem>>,
}

impl Table {
    fn new(mut reader: csv::Reader<WithoutReturns>, key_column: &str, is_closed: bool) -> Result<Self, Error> {
        let invalid = |message: String| Error::new(Exit::Invalid, format!("invalid header: {message}"));
        let header = reader.byte_headers().map_err(|error| invalid(error.to_string()))?.clone();
        let columns = header.iter().map(|name| std::str::from_utf8(name).map(|name| name.trim().to_owned()));
        let columns: Vec<String> = columns
            .collect::<Result<_, _>>()
            .map_err(|_| invalid("it is not UTF-8".to_owned()).help("save the file as UTF-8"))?;
        for (index, column) in columns.iter().enumerate() {
            if column.is_empty() {
                return Err(invalid(format!("column {} does not have a name", index + 1)));
            }
            if columns[..index].contains(column) {
                return Err(invalid(format!("the column `{}` occurs twice", column.escape_debug())));
            }
        }
        if let [only] = columns.as_slice()
            && only.contains(';')
        {
            return Err(invalid("its only column contains semicolons".to_owned())
                .help("separate columns by commas, or by tabs with `--format tsv`"));
        }
        let key = columns.iter().position(|column| column == key_column);
        Ok(Table { reader, columns, key, is_closed, following: None })
    }

    fn next(&mut self) -> Option<Result<Row, Problem>> {
        let following = self.following.take();
        let (record, line) = match following.or_else(|| self.read())? {
            Ok(read) => read,
            Err(problem) => return Some(Err(problem)),
        };
        self.following = self.read();
        // It has taken the rows below it as its text.
        if self.following.is_none() && !self.is_closed && is_multiline(&record) {
            return Some(Err(Problem { line, message: "a quote is not closed".to_owned() }));
        }
        Some(self.row(&record, line).map_err(|message| Problem { line, message }))
    }

    /// Reads a row and the number of its line.
    fn read(&mut self) -> Option<Result<(csv::ByteRecord, u64), Problem>> {
        let mut record = csv::ByteRecord::new();
        let begin = self.reader.position().line();
        match self.reader.read_byte_record(&mut record) {
            Ok(false) => None,
            Ok(true) => {
                let line = record.position().map_or(begin, csv::Position::line);
                Some(Ok((record, line)))
            }
            Err(error) => Some(Err(Problem { line: begin, message: format!("cannot read the row: {error}") })),
        }
    }

    fn row(&self, record: &csv::ByteRecord, line: u64) -> Result<Row, String> {
        if record.len() != self.columns.len() {
            return Err(format!("the row has {} cells, and the header {} columns", record.len(), self.columns.len()));
        }
        let (mut key, mut cells) = (None, Vec::new());
        for (index, (column, cell)) in self.columns.iter().zip(record).enumerate() {
            let text = std::str::from_utf8(cell);
            let text = text.map_err(|_| format!("invalid UTF-8 in the column `{column}`: save the file as UTF-8"))?;
            if text.is_empty() {
                continue;
            }
            match self.key == Some(index) {
                true => key = Some(text.to_owned()),
                false => cells.push((column.clone(), text.to_owned())),
            }
        }
        Ok(Row { line, key, fields: Fields::Cells(cells) })
    }
}

/// Returns true if the last cell has a line break.
fn is_multiline(record: &csv::ByteRecord) -> bool {
    record.iter().next_back().is_some_and(|cell| cell.contains(&b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(format: Format, text: &[u8]) -> Result<Vec<Result<String, String>>, String> {
        let content = Content::Stdin(text.into());
        let source = Source { content, format, key_column: "key".to_owned(), folder: PathBuf::new() };
        let rows = source.rows().map_err(|error| error.to_string())?;
        let shown = |row: Result<Row, Problem>| match row {
            Ok(Row { line, key, fields }) => Ok(format!("{line} {} {fields:?}", key.unwrap_or_default())),
            Err(Problem { line, message }) => Err(format!("{line} {message}")),
        };
        Ok(rows.map(shown).collect())
    }

    #[test]
    fn lines_are_objects_whatever_their_line_breaks() {
        let text = b"\xef\xbb\xbf{\"key\":\"fox\",\"a\":1}\r\n\r\n  \n{\"key\":7}\n{\"key\":null}";
        let expected = [
            Ok("1 fox Json({\"a\": Number(1)})".to_owned()),
            Ok("4 7 Json({})".to_owned()),
            Ok("5  Json({})".to_owned()),
        ];
        assert_eq!(rows(Format::Jsonl, text).as_deref(), Ok(&expected[..]));
        assert_eq!(rows(Format::Jsonl, b""), Ok(Vec::new()));
        assert_eq!(rows(Format::Jsonl, BOM), Ok(Vec::new()));
    }

    #[test]
    fn lines_that_are_not_objects_are_problems() {
        for (line, message) in [
            (&b"[{}]"[..], "expected a JSON object, found an array: write each"),
            (b"7", "expected a JSON object, found a number"),
            (b"{\"a\":", "invalid JSON: EOF while parsing a value at column 5"),
            (b"{\"a\":\"\xff\"}", "invalid UTF-8"),
            (b"{\"key\":[]}", "invalid key in `key`"),
        ] {
            let rows = rows(Format::Jsonl, &[line, b"\n{}"].concat()).expect("rows");
            let [Err(problem), Ok(next)] = rows.as_slice() else { panic!("{rows:?}") };
            assert!(problem.starts_with(&format!("1 {message}")), "{problem}");
            assert_eq!(next, "2  Json({})");
        }
    }

    #[test]
    fn too_long_lines_are_skipped() {
        let long = format!("{{\"a\":\"{}\"}}\n{{}}\n", "x".repeat(MAX_LINE as usize));
        let rows = rows(Format::Jsonl, long.as_bytes()).expect("rows");
        assert!(matches!(&rows[..], [Err(long), Ok(next)] if long.contains("16 MiB") && next == "2  Json({})"));
    }

    #[test]
    fn cells_are_fields_and_empty_ones_are_unset() {
        let text = b"\xef\xbb\xbfkey,prompt,a.b\r\nfox,\"a \"\"red\"\"\nfox, and\",\r\n,owl,1\r\n";
        let expected = [
            Ok("2 fox Cells([(\"prompt\", \"a \\\"red\\\"\\nfox, and\")])".to_owned()),
            Ok("4  Cells([(\"prompt\", \"owl\"), (\"a.b\", \"1\")])".to_owned()),
        ];
        assert_eq!(rows(Format::Csv, text).as_deref(), Ok(&expected[..]));
    }

    #[test]
    fn ragged_rows_are_problems() {
        let rows = rows(Format::Csv, b"a,b\n1\n1,2,3\n1,\xff\n1,2\n").expect("rows");
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[0], Err("2 the row has 1 cells, and the header 2 columns".to_owned()));
        assert_eq!(rows[1], Err("3 the row has 3 cells, and the header 2 columns".to_owned()));
        assert!(rows[2].as_ref().is_err_and(|problem| problem.starts_with("4 invalid UTF-8 in the column `b`")));
        assert!(rows[3].is_ok());
    }

    #[test]
    fn quotes_that_are_not_closed_are_problems() {
        for text in ["a,b\n1,\"fox\n2,owl\n", "b\n\"fox\nowl", "b\nelk\n\"fox\nowl\n"] {
            let rows = rows(Format::Csv, text.as_bytes()).expect("rows");
            assert!(rows.last().is_some_and(|row| row.as_ref().is_err_and(|problem| problem.contains("not closed"))));
        }
        for text in
            ["b\n\"fox\nowl\"", "b\n\"fox\nowl\"\n", "b\n\"fox\nowl\"\r\n\r\n", "b\n5\" nail\nfox", "b\n\"a\nb\"\nfox"]
        {
            let rows = rows(Format::Csv, text.as_bytes()).expect("rows");
            assert!(rows.iter().all(Result::is_ok), "{text:?}: {rows:?}");
        }
    }

    #[test]
    fn invalid_headers_are_errors() {
        for (text, message) in [
            (&b"a,a\n1,2"[..], "the column `a` occurs twice"),
            (b"a,,b\n", "column 2 does not have a name"),
            (b"\xff,b\n", "it is not UTF-8"),
            (b"a;b\n1;2", "semicolons"),
        ] {
            assert!(rows(Format::Csv, text).is_err_and(|error| error.contains(message)), "{message}");
        }
        assert_eq!(rows(Format::Csv, b""), Ok(Vec::new()));
    }
}
