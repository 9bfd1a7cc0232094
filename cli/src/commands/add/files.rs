//! Documents from files and from stdin.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use fal_documents::Source;
use fal_documents::budget::MAX_FILE;
use serde_json::Value;

use crate::error::Error;
use crate::folder::documents_of;
use crate::terminal::Terminal;

/// Returns true if a source is a file, and not an id.
pub(super) fn is_file(source: &str) -> bool {
    let is_url = source.contains("://");
    let looks_like_a_path = source.starts_with(['.', '/', '~']) || source.contains('\\') || source.ends_with(".json");
    let exists = || Path::new(source).is_file() || (!fal_documents::is_id(source) && Path::new(source).exists());
    !is_url && (looks_like_a_path || exists())
}

/// Reads the documents of a file, or of stdin for `-`, each with its id.
///
/// # Errors
///
/// The file cannot be read, or has no documents.
pub(super) fn read(source: &str, terminal: &Terminal) -> Result<Vec<(String, Value)>, Error> {
    let (name, text) = match source {
        "-" => ("stdin", at_most(io::stdin().lock())),
        file => (file, read_file(Path::new(file))),
    };
    let text = text.map_err(|error| {
        let is_folder = error.kind() == io::ErrorKind::IsADirectory;
        let error = Error::io("read", Path::new(name), &error);
        if is_folder {
            error.help("name the files in the folder, such as `cargo fal add FOLDER/*.json`")
        } else {
            error
        }
    })?;
    // The name of an app's own document may be its id.
    let path = if source == "-" { "" } else { source.trim_start_matches("./") };
    let source = Source { file: name.into(), path: path.to_owned(), text, patch: None };
    let (documents, contents) = documents_of(&source)?;
    contents.mistakes.iter().for_each(|mistake| terminal.note(mistake));
    for (id, reason) in &contents.undocumented {
        let reason = reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        terminal.note(format_args!("{name} has no document of `{id}`{reason}"));
    }
    Ok(documents)
}

/// Reads a regular file, or what a process substitution such as `<(curl …)` writes.
fn read_file(file: &Path) -> io::Result<Vec<u8>> {
    match fs::metadata(file)?.is_file() {
        true => fal_documents::file::read(file),
        false => at_most(File::open(file)?),
    }
}

/// Reads no more than a document may have. The generator refuses the next byte.
fn at_most(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    reader.take(MAX_FILE as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}
