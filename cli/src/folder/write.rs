//! Files that are written as a whole or not at all.

use std::fs;
use std::path::Path;

use crate::error::Error;

/// Writes a file, with its folders. Readers see the old file or the new one.
pub(super) fn write(file: &Path, text: &[u8]) -> Result<(), Error> {
    let folder = file.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder).map_err(|error| Error::io("create the folder", folder, &error))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    // The name of a document would not begin with a dot, or end so.
    let temporary = folder.join(format!(".{name}.{}.tmp", std::process::id()));
    let written = fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, file));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written.map_err(|error| Error::io("write", file, &error))
}
