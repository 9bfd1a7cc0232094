//! Gives the generator a digest of its own source, so that code of an older generator counts as out of date.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

#[path = "src/digest.rs"]
mod digest;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=src");
    let root = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default().join("src");
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let mut source = Vec::new();
    for file in files {
        source.extend(fs::read(file)?);
    }
    println!("cargo::rustc-env=FAL_CODEGEN_SOURCE={:016x}", digest::digest(&source));
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => collect(&path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}
