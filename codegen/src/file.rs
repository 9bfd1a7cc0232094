//! Reads files that anyone may have put into a folder: regular ones of at most [`MAX_FILE`] bytes.
//!
//! Opening a FIFO waits for a writer, and a device may have no end. A link to a regular file is followed.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use crate::budget::MAX_FILE;
use crate::refusals;

/// The bytes that a first line with a mark may take.
const HEAD: u64 = 4_096;

/// Reads a whole file.
pub(crate) fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    // The length may be wrong: some files of Linux state none.
    open(file)?.take(MAX_FILE as u64 + 1).read_to_end(&mut text)?;
    if text.len() > MAX_FILE { Err(io::Error::other(refusals::LARGE_FILE)) } else { Ok(text) }
}

/// Reads a whole file if it exists and is UTF-8.
pub(crate) fn read_text(file: &Path) -> Option<String> {
    String::from_utf8(read(file).ok()?).ok()
}

/// Reads the beginning of a file.
pub(crate) fn read_head(file: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    open(file)?.take(HEAD).read_to_end(&mut head)?;
    Ok(head)
}

fn open(file: &Path) -> io::Result<File> {
    // Before it is opened, because opening may wait.
    check(&fs::metadata(file)?)?;
    let opened = File::open(file)?;
    // Again, because it may have been replaced.
    check(&opened.metadata()?)?;
    Ok(opened)
}

fn check(metadata: &Metadata) -> io::Result<()> {
    if !metadata.is_file() {
        Err(io::Error::other(refusals::SPECIAL_FILE))
    } else if metadata.len() > MAX_FILE as u64 {
        Err(io::Error::other(refusals::LARGE_FILE))
    } else {
        Ok(())
    }
}
