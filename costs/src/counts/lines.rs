use std::fs;
use std::path::Path;

use costs::Error;

use super::Counts;

/// Returns the lines of generated code per document: of the shipped ones, and of those that the generator is tested with.
pub(super) fn count() -> Result<Option<Counts>, Error> {
    let (generated, traps) = (Path::new("generated"), Path::new("codegen/tests/traps"));
    Ok(Some(vec![
        ("shipped", files(generated, "rs")?.1 / files(Path::new("schemas"), "json")?.0),
        ("traps", files(traps, "rs")?.1 / files(traps, "json")?.0),
    ]))
}

/// Returns the number of files with an extension in a folder, and the number of their lines.
pub(super) fn files(folder: &Path, extension: &str) -> Result<(u64, u64), Error> {
    let (mut number, mut lines) = (0, 0);
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            let below = files(&path, extension)?;
            number += below.0;
            lines += below.1;
        } else if path.extension().is_some_and(|found| found == extension) {
            number += 1;
            lines += fs::read_to_string(&path)?.lines().count() as u64;
        }
    }
    Ok((number, lines))
}
