//! Reads files that anyone may have put into a folder: regular ones of at most [`MAX_FILE`] bytes.
//!
//! Opening a FIFO waits for a writer, and a device may have no end. A link to a regular file is followed. No more is read than
//! the length that a file states: files of the kernel state none, and reading one may wait or have no end.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use crate::budget::MAX_FILE;
use crate::refusals;

/// The bytes that a first line with a mark may take.
const HEAD: u64 = 4_096;

/// Reads a whole file.
pub fn read(file: &Path) -> io::Result<Vec<u8>> {
    read_at_most(file, MAX_FILE as u64)
}

/// Reads a whole file if it exists and is UTF-8.
pub fn read_text(file: &Path) -> Option<String> {
    String::from_utf8(read(file).ok()?).ok()
}

/// Reads the beginning of a file.
pub fn read_head(file: &Path) -> io::Result<Vec<u8>> {
    read_at_most(file, HEAD)
}

fn read_at_most(file: &Path, max: u64) -> io::Result<Vec<u8>> {
    // Before it is opened, because opening may wait.
    length(&fs::metadata(file)?)?;
    let opened = File::open(file)?;
    // Again, because it may have been replaced.
    let length = length(&opened.metadata()?)?;
    let mut text = Vec::new();
    opened.take(length.min(max)).read_to_end(&mut text)?;
    Ok(text)
}

/// Returns the length of a file that may be read.
fn length(metadata: &Metadata) -> io::Result<u64> {
    if !metadata.is_file() {
        Err(io::Error::other(refusals::SPECIAL_FILE))
    } else if metadata.len() > MAX_FILE as u64 {
        Err(io::Error::other(refusals::LARGE_FILE))
    } else {
        Ok(metadata.len())
    }
}
