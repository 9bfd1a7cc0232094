use std::path::Path;
use std::{env, fs};

use costs::Error;

use super::{Counts, lines, valgrind};

/// Returns the instructions of `cargo fal generate` a document. The tool is not optimised, as in a build script.
pub(super) fn count() -> Result<Option<Counts>, Error> {
    let tool = env::args_os().nth(1).ok_or("usage: costs PATH-OF-CARGO-FAL")?;
    let out = Path::new(valgrind::FOLDER).join("generated");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    let arguments = ["fal", "generate", "--schemas", "schemas", "--out", &out.display().to_string()];
    if valgrind::run(Path::new(&tool), &arguments, "generate", &[])?.is_none() {
        return Ok(None);
    }
    let documents = lines::files(Path::new("schemas"), "json")?.0;
    Ok(Some(vec![("generate", valgrind::total(&Path::new(valgrind::FOLDER).join("generate"))? / documents)]))
}
