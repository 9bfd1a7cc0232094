//! The log of requests.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use fal_emulator::ReceivedRequest;

use crate::error::Error;
use crate::layout::plain;
use crate::terminal::Terminal;

/// The destination of the log.
#[derive(Debug)]
pub(crate) enum Log {
    None,
    Stderr(Terminal),
    File(File),
}

impl Log {
    /// Creates the log: a file, or stderr if it is to be shown.
    pub(crate) fn new(file: Option<&Path>, is_shown: bool, terminal: &Terminal) -> Result<Self, Error> {
        match file {
            Some(path) => File::create(path).map(Log::File).map_err(|error| Error::io("write", path, &error)),
            None if is_shown => Ok(Log::Stderr(terminal.clone())),
            None => Ok(Log::None),
        }
    }

    /// Logs a request in a line.
    pub(crate) fn request(&self, request: &ReceivedRequest) {
        if matches!(self, Log::None) {
            return;
        }
        let status = request.status().map_or("no response".to_owned(), |status| status.to_string());
        let mistake = request.mistake().map(|mistake| format!(" ({mistake})")).unwrap_or_default();
        let line = plain(&format!("{} {} -> {status}{mistake}", request.method(), request.path()));
        match self {
            Log::None => {}
            Log::Stderr(terminal) => terminal.note(line),
            // One write, so that lines of concurrent requests stay whole. A full disk does not end the emulator.
            Log::File(file) => drop((&*file).write_all((line + "\n").as_bytes())),
        }
    }
}
