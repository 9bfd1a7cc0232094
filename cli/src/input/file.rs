//! Local files of an input. An error is the reason.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use fal_client::FileInput;
use fal_documents::text::printable;
use fal_documents::validate::{HEADER_BYTES, Measured};

/// The word for stdin.
pub(super) const STDIN: &str = "-";

/// The most bytes of a text, and of a file that is not a regular one.
const MAX_TEXT: u64 = 64 << 20;
const MAX_PIPE: u64 = 512 << 20;

/// The longest path in a message, in characters.
const MAX_PATH: usize = 300;

/// A file that is uploaded when the input is sent.
#[derive(Debug)]
pub(super) struct Local {
    /// The path as the user wrote it.
    pub(super) path: String,
    pub(super) input: FileInput,
    size: u64,
    header: Vec<u8>,
}

impl Local {
    pub(super) fn measured(&self) -> Measured {
        Measured { size: self.size, header: self.header.clone() }
    }
}

/// Finds a file to upload, and reads its first bytes. A pipe is read to its end.
pub(super) fn local(path: &str) -> Result<Local, String> {
    if path == STDIN {
        return stdin(MAX_PIPE).map(|bytes| of_bytes(path, bytes));
    }
    let target = expand(path);
    let mut file = open(path, &target)?;
    let data = file.metadata().map_err(|error| cannot_read(path, &error))?;
    if !data.is_file() {
        return read(&mut file, MAX_PIPE).map(|bytes| of_bytes(path, bytes)).map_err(|error| cannot_read(path, &error));
    }
    let mut header = Vec::new();
    file.take(HEADER_BYTES).read_to_end(&mut header).map_err(|error| cannot_read(path, &error))?;
    Ok(Local { path: path.to_owned(), input: FileInput::path(target), size: data.len(), header })
}

fn of_bytes(path: &str, bytes: Vec<u8>) -> Local {
    let header = bytes.iter().take(HEADER_BYTES as usize).copied().collect();
    Local { path: path.to_owned(), size: bytes.len() as u64, input: FileInput::from(bytes), header }
}

/// Reads the bytes of a file, or of stdin.
pub(super) fn bytes(path: &str) -> Result<Vec<u8>, String> {
    match path {
        STDIN => stdin(MAX_TEXT),
        path => {
            let mut file = open(path, &expand(path))?;
            read(&mut file, MAX_TEXT).map_err(|error| cannot_read(path, &error))
        }
    }
}

/// Reads the text of a file, without the line break that editors add at the end.
pub(super) fn text(path: &str) -> Result<String, String> {
    let text = String::from_utf8(bytes(path)?).map_err(|_| format!("{} is not a text in UTF-8", quoted(path)))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

/// Quotes a path in a message.
pub(super) fn quoted(path: &str) -> String {
    match path {
        STDIN => "stdin".to_owned(),
        path => format!("`{}`", printable(path, MAX_PATH)),
    }
}

fn open(path: &str, target: &Path) -> Result<File, String> {
    match File::open(target) {
        // Some systems open folders.
        Ok(_) if target.is_dir() => Err(format!("{} is a folder: expected a file", quoted(path))),
        Ok(file) => Ok(file),
        Err(error) => Err(cannot_read(path, &error)),
    }
}

fn cannot_read(path: &str, error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => format!("no file {}: correct the path", quoted(path)),
        ErrorKind::PermissionDenied => format!("cannot read {}: permission denied", quoted(path)),
        _ => format!("cannot read {}: {error}", quoted(path)),
    }
}

/// True once stdin has been read.
static STDIN_IS_READ: AtomicBool = AtomicBool::new(false);

fn stdin(max: u64) -> Result<Vec<u8>, String> {
    if STDIN_IS_READ.swap(true, Ordering::Relaxed) {
        return Err("stdin can be read only once: save it to a file".to_owned());
    }
    read(&mut io::stdin().lock(), max).map_err(|error| cannot_read(STDIN, &error))
}

fn read(reader: &mut impl Read, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(max + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > max {
        true => Err(io::Error::new(ErrorKind::FileTooLarge, format!("more than {} MiB", max >> 20))),
        false => Ok(bytes),
    }
}

/// Replaces `~` by the home folder, because shells do so only at the beginning of a word.
fn expand(path: &str) -> PathBuf {
    let in_home = path.strip_prefix("~/").filter(|_| !Path::new(path).exists());
    match in_home.and_then(|rest| Some(std::env::home_dir()?.join(rest))) {
        Some(expanded) => expanded,
        None => PathBuf::from(path),
    }
}
